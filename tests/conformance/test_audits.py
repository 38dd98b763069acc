"""`Audits`: as many as were counted, each changed by version."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.licenses.audit_cases import (
    AuditScope,
    Finding,
    auditor_named,
    bound,
    canceled,
    found,
    requested,
    scope_agreed,
)
from gateway.licenses.duty_events import audit_event
from gateway.money import Money
from gateway.terms.license_terms import Audit

YEAR = 365 * 86_400


def asked(make, nth=0, before=(), **changes):
    terms = replace(make.TERMS, audit=Audit(audits_per_year=9))
    license = make.license_of("li_1", terms=terms, ends_at=make.NOW + YEAR)
    now = make.NOW + 1000 + nth
    wanted = AuditScope(("/essays/",), make.NOW, make.NOW + 900)
    return replace(requested(license, before, "It looks low.", wanted, now=now), **changes)


async def granted(ports, make):
    for number in (1, 2):
        await ports.register.add_licensee(*make.enrolled(number))
    for nth, licensee in enumerate(("le_1", "le_2"), 1):
        await ports.register.grant(make.license_of(f"li_{nth}", licensee=licensee))


async def happened(ports):
    return [each.event for each in await ports.events.after(0, 999)]


async def test_an_audit_comes_back_as_it_was(ports, make):
    await granted(ports, make)
    one = asked(make)
    assert await ports.audits.put("", one, seen=0, events=[audit_event(one, 5)])
    case = bound(auditor_named(one, "Audit & Co", "a@auditor.example", 6), "I promise.", 7)
    case = scope_agreed(case, case.wanted, 8)
    finding = Finding("/essays/", "Less was told.", Money(10, "USD"), Money(5, "USD"))
    case = found(case, [finding, Finding("/essays/", "Else it is right.")], "USD", 9)
    assert await ports.audits.put(one.version, case, events=[audit_event(case, 9)])
    assert not await ports.audits.put(one.version, case), "another version stands there"
    assert await ports.audits.get(case.id) == case
    assert await ports.audits.get("au_9") is None
    assert [each.type for each in await happened(ports)] == ["audit.requested", "audit.findings"]


async def test_of_concurrent_requests_no_more_are_kept_than_were_counted(ports, make):
    await granted(ports, make)
    cases = [asked(make, nth) for nth in range(10)]
    kept = await asyncio.gather(*(ports.audits.put("", each, seen=0) for each in cases))
    assert kept.count(True) == 1
    assert await ports.audits.of_license("li_1") == (cases[kept.index(True)],)
    assert not await ports.audits.put("", cases[-1], seen=2)
    assert await ports.audits.put("", asked(make, 50), seen=1)
    assert not await ports.audits.put("sha-256:x", asked(make, 60)), "there is none to change"


async def test_they_are_listed_by_licensee_and_license(ports, make):
    await granted(ports, make)
    one, two = asked(make, 1), asked(make, 2)
    other = asked(make, 3, license="li_2", licensee="le_2", site="other", id="au_x")
    await ports.audits.put("", one, seen=0)
    await ports.audits.put("", two, seen=1)
    await ports.audits.put("", other, seen=0)
    assert await ports.audits.of("le_1", "journal") == (one, two)
    assert await ports.audits.of("le_2", "journal") == ()
    assert await ports.audits.of("le_2", "other") == (other,)
    assert await ports.audits.everything(2) == (other, two)
    every, paged, behind = await ports.audits.listed(99), [], None
    while rows := await ports.audits.listed(1, behind):
        paged += rows
        behind = rows[-1].place
    assert paged == [*every] == [other, two, one]


async def test_those_that_are_not_over_stand_first_on_every_page(ports, make):
    """Of the same second the greatest id; whoever is over between two pages hides none of the others."""
    await granted(ports, make)
    cases = [asked(make, 7, id=f"au_{nth}") for nth in range(4)]
    cases += [asked(make, 9 + nth, id=f"au_{nth + 4}") for nth in range(3)]
    for nth, each in enumerate(cases):
        assert await ports.audits.put("", each, seen=nth)
    for each in (cases[6], cases[0], cases[2]):
        assert await ports.audits.put(each.version, canceled(each, make.NOW + 99))
    wanted = [5, 4, 3, 1, 6, 2, 0]
    assert [each.id for each in await ports.audits.listed(99)] == [f"au_{nth}" for nth in wanted]
    first = await ports.audits.listed(2)
    assert await ports.audits.put(cases[4].version, canceled(cases[4], make.NOW + 99))
    rest = await ports.audits.listed(99, first[-1].place)
    assert [each.id for each in rest] == ["au_3", "au_1", "au_6", "au_4", "au_2", "au_0"]
    assert await ports.audits.listed(3, rest[-1].place) == ()
    assert await ports.audits.listed(1, (0, 0, "")) == ()
