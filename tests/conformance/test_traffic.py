"""`TrafficBook`: sums of what was seen, and nobody in them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.licenses.traffic import Crawled, Wanted
from gateway.money import Money
from gateway.provenance.audience import AudienceRow
from gateway.provenance.record import FetchDetail, FloodNote, ShedNote
from gateway.provenance.segments import SealedDetail
from gateway.terms.license_terms import Compensation

HOUR = 3600


@pytest.fixture
def seen(make):
    """A verified licensed fetch, an unlicensed one of each outcome, a flood, and what must not count."""
    now = make.NOW * 1_000_000
    quoted = {"micros": 0, "outcome": "refused", "status": 402, "quote_micros": 4_000, "licensee": ""}
    return (
        make.fetch("f-1", identity="verified", bytes_sent=1000, operator="OpenAI"),
        make.fetch("f-2", time_us=now + 1, bytes_sent=24, operator="OpenAI", **quoted),
        make.fetch(
            "f-3", micros=0, time_us=now + 2, outcome="open", work="", path="/b", bytes_sent=500,
            operator="OpenAI", quote_micros=4_000,
        ),
        make.fetch("f-4", micros=0, method="HEAD", outcome="free", bytes_sent=0, crawler="CCBot", work=""),
        FloodNote("f-5", now + 3, now, 90, "journal", "GPTBot", "ai", "license-required", 402, "cd" * 32),
        make.fetch("f-6", site="other", bytes_sent=7),
        make.fetch("f-7", time_us=now + HOUR * 1_000_000, bytes_sent=9),
        make.fetch("f-8", time_us=now - 1, bytes_sent=9),
        ShedNote("f-9", now, now, 12, "queue"),
    )  # fmt: skip


async def test_crawlers_and_what_they_were_given(ports, make, seen):
    await ports.put(*seen)
    found = await ports.traffic.traffic("journal", make.NOW, make.NOW + HOUR, 9)
    assert found.crawlers == (
        Crawled("GPTBot", "OpenAI", "ai", 93, 2, 1, 1, 1524),
        Crawled("CCBot", "", "ai", 1, 0, 0, 0, 0),
    )
    assert found.wanted == (Wanted("/b", 1, 500), Wanted("essays", 1, 1000))
    assert found.shed == 12
    assert (found.site, found.since, found.until) == ("journal", make.NOW, make.NOW + HOUR)
    assert len((await ports.traffic.traffic("journal", make.NOW, make.NOW + HOUR, 1)).crawlers) == 1


async def test_people_are_totals(ports, make):
    begin = make.NOW // HOUR * HOUR
    row = AudienceRow(begin, "journal", "/essays/", 200, "ChatGPT", 2)
    await ports.audience.add(
        [
            row,
            replace(row, referring="", count=40),
            replace(row, group="/b", count=1, status=404),
            replace(row, site="other"),
            replace(row, hour_at=begin + HOUR),
        ]
    )
    found = await ports.traffic.traffic("journal", begin, begin + HOUR, 9)
    assert (found.people, found.parts, found.sent) == (43, (("/essays/", 42), ("/b", 1)), (("ChatGPT", 3),))
    nothing = await ports.traffic.traffic("journal", 0, 1, 9)
    assert (nothing.people, nothing.parts, nothing.sent, nothing.crawlers) == (0, (), (), ())


async def test_deals_are_sold_licenses_without_their_buyer(ports, make):
    free = replace(make.TERMS, compensation=Compensation("USD"))
    dear = replace(make.TERMS, compensation=Compensation("USD", per_fetch=Money(9_000, "USD")))
    await ports.register.add_licensee(*make.enrolled())
    await ports.register.add_licensee(*make.enrolled(2))
    for each in (
        make.license_of("lic_1"),
        make.license_of("lic_2", terms=dear, starts_at=make.NOW + 5, licensee="le_2"),
        make.license_of("lic_3", terms=free),
        make.license_of("lic_4", terms=dear, site="other"),
        make.license_of("lic_5", terms=dear, starts_at=make.NOW + 9),
    ):
        await ports.register.grant(each)
    await ports.register.revoke("license", "lic_5", make.NOW)
    found = await ports.traffic.deals("journal", 9)
    assert [(deal.signed_at, deal.terms) for deal in found] == [(make.NOW + 5, dear), (make.NOW, make.TERMS)]
    assert await ports.traffic.deals("journal", 1) == found[:1]
    assert "le_" not in repr(found)


async def test_fetches_of_crawlers_oldest_first(ports, make, seen):
    address = FetchDetail("203.0.113.77", "10.0.0.1", "GPTBot/1.2", "", "", ("ua_claim:GPTBot", "ip_unknown"))
    details = tuple(
        SealedDetail(id, bytes(32), make.NOW * 1_000_000, replace(address, address=text))
        for id, text in (("f-1", "203.0.113.77"), ("f-5", "203.0.113.0/24"), ("f-2", "2001:db8:1:2::3"))
    )
    await ports.folding.fold(make.batch(*seen, details=details))
    found = await ports.traffic.fetches("journal", {"GPTBot", "Nobody"}, make.NOW, make.NOW + HOUR, 9)
    assert [(each.path, each.status, each.count, each.network) for each in found] == [
        ("/essays/tides", 200, 1, "203.0.113.0/24"),
        ("/essays/tides", 402, 1, "2001:db8:1::/48"),
        ("/b", 200, 1, ""),
        ("", 402, 90, "203.0.113.0/24"),
    ]
    assert [each.evidence for each in found] == [address.evidence] * 2 + [()] + [address.evidence]
    assert [(each.quoted, each.charged) for each in found[:2]] == [
        (None, Money(5_000, "USD")),
        (Money(4_000, "USD"), None),
    ]
    assert [each.delivered for each in found] == [True, False, True, False]
    assert "203.0.113.77" not in repr(found)
    newest = await ports.traffic.fetches("journal", ("GPTBot",), make.NOW, make.NOW + HOUR, 2)
    assert newest == found[-2:]
    assert await ports.traffic.fetches("journal", (), make.NOW, make.NOW + HOUR, 9) == ()
