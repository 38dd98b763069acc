"""`DocumentBook`: kept once, numbered by the journal, notes that refer, parties, events."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.billing.billing_rules import Party
from gateway.billing.closing import Window
from gateway.billing.invoice_events import issued
from gateway.billing.invoices import Document
from gateway.money import Money

CONTENT = '{"currency":"USD","due_on":"","lines":[],"mode":"live","prefix":"","tax":null,"to_pay_micros":1,"total_micros":1}'
ONE = Document("in_1", "invoice", "le_1", "2026-10", "", 100, CONTENT)
TWO = replace(ONE, id="in_2", licensee="le_2", at=200)
NOTE = replace(ONE, id="cn_1", kind="credit_note", refers="in_1", at=300)


async def test_a_document_is_kept_once_and_numbered_by_the_journal(ports, make):
    book = ports.documents
    assert await book.add(ONE) == ONE
    assert await book.add(replace(ONE, content="{}")) == ONE
    assert await book.add(TWO) == TWO
    assert await book.waiting() == (ONE, TWO)
    await ports.put(
        make.book("invoice", 1, "n2", reference="in_2"), make.book("invoice", 1, "n1", reference="in_1")
    )
    await ports.put(
        make.book("invoice", 1, "again", reference="in_2"), make.book("bill", 1, "b", reference="in_9")
    )
    assert [(each.id, each.number) for each in await book.of("", 9)] == [("in_2", 1), ("in_1", 2)]
    assert [each.id for each in await book.of("le_1", 9)] == ["in_1"]
    assert await book.of("", 1) == (replace(TWO, number=1),)
    assert [each.id for each in await book.of("", 9, "in_2")] == ["in_1"]
    assert (
        await book.of("", 9, "in_1") == await book.of("", 9, "in_9") == await book.of("le_2", 9, "in_2") == ()
    )
    assert await book.numbered("invoice", 2) == replace(ONE, number=2)
    assert await book.numbered("invoice", 3) is None
    assert await book.numbered("credit_note", 1) is None
    assert await book.waiting() == ()
    assert await book.get("in_1") == replace(ONE, number=2)
    assert await book.get("in_3") is None
    assert [each.code for each in await ports.ledger.postings(None, 0, 1 << 62)] == []


async def test_pages_of_one_second_hold_every_document_once_in_the_order_of_all(ports, make):
    """The one that waits for its number stands before those that have one; equal ones go by their id."""
    book = ports.documents
    for id in ("in_3", "in_1", "in_5", "in_2", "in_4"):
        await book.add(replace(ONE, id=id))
    await ports.put(*(make.book("invoice", 1, f"n{id}", reference=id) for id in ("in_4", "in_1")))
    whole = [each.id for each in await book.of("", 9)]
    assert whole == ["in_2", "in_3", "in_5", "in_1", "in_4"]
    for most in (1, 2, 3):
        paged: list[str] = []
        while found := await book.of("", most, paged[-1] if paged else ""):
            paged += [each.id for each in found]
        assert paged == whole, most


async def test_a_note_is_kept_where_as_many_stand_as_its_maker_saw(ports, make):
    book = ports.documents
    await book.add(ONE)
    other = replace(NOTE, id="cn_2", content=CONTENT.replace('"live"', '"test"'))
    kept = await asyncio.gather(book.add(NOTE, 0), book.add(other, 0))
    assert sum(each is None for each in kept) == 1
    assert await book.add(replace(NOTE, id="cn_3"), 5) is None
    assert await book.add(replace(NOTE, id="cn_3"), 1) == replace(NOTE, id="cn_3")
    first = next(each for each in kept if each)
    assert await book.add(replace(first, content="{}"), 0) is None
    assert await book.add(first, 9) == first
    await ports.put(make.book("credit_note", 1, "x", reference="cn_3"))
    assert [each.id for each in await book.notes("in_1")] == ["cn_3", first.id]
    assert await book.notes("in_2") == ()


async def test_what_stands_of_fetches_newest_first(ports, make):
    await ports.put(
        make.fetch("r0", time_us=10), make.fetch("r1", time_us=20), make.fetch("r2", time_us=20),
        make.fetch("other-work", work="videos", time_us=20), make.fetch("free", micros=0, reason="read-before", time_us=20),
        make.fetch("later", time_us=99), make.book("reversal", 5_000, "a", reference="r2"),
        make.book("reversal", 1_000, "b", reference="r0"),
    )  # fmt: skip
    window = Window(0, 50, 0, 1 << 60)
    ask = ("le_1", [window], "lic_1", "essays", "USD")
    assert await ports.documents.standing(*ask, 9) == (
        ("r1", Money(5_000, "USD")),
        ("r0", Money(4_000, "USD")),
    )
    assert await ports.documents.standing(*ask, 1) == (("r1", Money(5_000, "USD")),)
    assert await ports.documents.standing("le_2", *ask[1:], 9) == ()


async def test_parties_and_events(ports):
    book = ports.documents
    assert await book.party("le_1") == Party()
    await book.name_party("le_1", Party(name="A", tax="x"))
    await book.name_party("le_1", Party(name="B", address="C\nD"))
    assert await book.party("le_1") == Party(name="B", address="C\nD")
    await book.tell([issued(ONE), issued(ONE)])
    await book.tell([issued(ONE)])
    assert await ports.happened() == ["invoice.issued"]
