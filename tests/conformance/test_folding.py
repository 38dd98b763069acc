"""`Folding`: every entry once, in order, with all that it derives, or nothing of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.money import Money
from gateway.problems import StoreUnavailable
from gateway.provenance.erasure import NO_SALT, Trait
from gateway.provenance.frames import SealedDetail
from gateway.provenance.record import FetchDetail, ShedNote

ALL = (0, 2**62)


def detail_of(id, time_us, address="203.0.113.9"):
    return SealedDetail(
        id,
        b"s" * 32,
        time_us,
        FetchDetail(address, "127.0.0.1", "GPTBot/1.2", "", "q=1", ("ua_claim:GPTBot",)),
    )


async def test_entries_get_the_next_numbers_without_a_gap(ports, make):
    fetches = [make.fetch(f"r{n}") for n in range(4)]
    assert await ports.put(*fetches[:2]) == 2
    assert await ports.put(fetches[1], fetches[2], fetches[0], fetches[3]) == 2
    found = await ports.ledger.entries_of("le_1", *ALL)
    assert [(booked.seq, booked.entry) for booked in found] == list(enumerate(fetches, 1))


async def test_a_large_batch_of_all_kinds_keeps_its_order_and_takes_each_once(ports, make):
    entries = []
    for n in range(300):
        entries.append(make.fetch(f"r{n}", license=f"lic_{n % 2}"))
        if n % 3 == 0:
            entries.append(ShedNote(f"s{n}", make.NOW * 10**6 + n, 1, 1, "queue"))
        if n % 5 == 0:
            entries.append(make.book("credit", 1_000, f"c{n}"))
            entries.append(make.book("reversal", 1_000, f"u{n}", reference=f"c{n}"))
        entries.append(
            make.fetch(f"free{n}", outcome="refused", licensee="", license="", micros=0, reason="")
        )
    again = [entry for at, entry in enumerate(entries) if at % 7 == 0]
    assert await ports.put(*entries[:50]) == 50
    assert await ports.put(*entries, *again) == len(entries) - 50
    mine = [(seq, entry) for seq, entry in enumerate(entries, 1) if getattr(entry, "licensee", "") == "le_1"]
    assert [(booked.seq, booked.entry) for booked in await ports.ledger.entries_of("le_1", *ALL)] == mine
    books = await ports.ledger.books()
    assert await ports.ledger.rederive() == 300 + 2 * 60
    assert await ports.ledger.books() == books
    assert await ports.ledger.balance("licensee:le_1:prepaid", "USD") == Money(-300 * 5_000, "USD")


async def test_overlapping_batches_post_once(ports, make):
    entries = [make.book("credit", 1_000_000), *(make.fetch(f"r{n}") for n in range(20))]
    for start in (0, 0, 3, 1, 10, 5):
        await ports.put(*entries[start : start + 12])
    assert await ports.put(*entries) == 0
    assert await ports.ledger.balance("licensee:le_1:prepaid", "USD") == Money(1_000_000 - 20 * 5_000, "USD")
    assert len(await ports.ledger.postings(None, *ALL)) == 21


async def test_the_same_id_with_other_content_raises_and_nothing_is_taken(ports, make):
    first = make.fetch("r0")
    await ports.folding.fold(make.batch(first, positions=(("a.seg", 10),)))
    changed = replace(first, charged_micros=1)
    with pytest.raises(StoreUnavailable, match="r0"):
        await ports.folding.fold(
            make.batch(make.fetch("r1"), changed, details=(detail_of("r1", 1),), positions=(("a.seg", 99),))
        )
    assert not await ports.ledger.has_entry("r1")
    assert await ports.details.detail("r1") is None
    assert await ports.folding.positions() == {"a.seg": 10}
    assert await ports.put(first) == 0


async def test_positions_stand_as_they_were_set_last(ports, make):
    assert await ports.folding.positions() == {}
    await ports.folding.fold(make.batch(positions=(("a.seg", 10), ("a.det", 5))))
    await ports.folding.fold(make.batch(positions=(("a.seg", 70), ("b.seg", 16))))
    assert await ports.folding.positions() == {"a.seg": 70, "a.det": 5, "b.seg": 16}


async def test_what_was_shed_stands_in_the_books_and_posts_nothing(ports, make):
    assert await ports.put(ShedNote("s1", make.NOW * 10**6, make.NOW * 10**6, 7, "disk")) == 1
    assert await ports.ledger.has_entry("s1")
    assert await ports.ledger.postings(None, *ALL) == ()


async def test_details_of_one_trait_are_erased_alone(ports, make):
    three = [detail_of(f"r{n}", 100, f"198.51.100.{n % 2}") for n in range(3)]
    await ports.folding.fold(make.batch(*(make.fetch(f"r{n}") for n in range(3)), details=tuple(three)))
    assert await ports.details.forget_of(Trait.ADDRESS, "198.51.100.9") == 0
    assert await ports.details.forget_of(Trait.ADDRESS, "198.51.100.0") == 2
    assert await ports.details.detail("r1") == (three[1].detail, three[1].salt)
    assert await ports.details.forget_of(Trait.AGENT, "nobody") == 0
    assert await ports.details.forget_of(Trait.RECORD, "r1") == 1
    assert await ports.details.detail("r1") is None
    assert await ports.ledger.has_entry("r1")


async def test_details_are_cut_by_age_once(ports, make):
    old, new = detail_of("r0", 100, "198.51.100.77"), detail_of("r1", 200)
    await ports.folding.fold(make.batch(make.fetch("r0"), make.fetch("r1"), details=(old, new)))
    assert await ports.details.cut_before(200) == 1
    assert await ports.details.detail("r0") == (FetchDetail("198.51.100.0/24"), NO_SALT)
    assert await ports.details.detail("r1") == (new.detail, new.salt)
    assert await ports.details.cut_before(200) == 0
    assert await ports.details.forget_before(150) == 1


async def test_details_are_kept_once_and_forgotten_by_time(ports, make):
    old, new = detail_of("r0", 100), detail_of("r1", 200)
    await ports.folding.fold(make.batch(make.fetch("r0"), make.fetch("r1"), details=(old, new)))
    await ports.folding.fold(make.batch(details=(detail_of("r0", 100, "198.51.100.1"),)))
    assert await ports.details.detail("r0") == (old.detail, old.salt)
    assert await ports.details.forget_before(200) == 1
    assert await ports.details.detail("r0") is None
    assert await ports.details.detail("r1") == (new.detail, new.salt)
    assert await ports.details.forget_before(200) == 0
    assert await ports.ledger.has_entry("r0")
