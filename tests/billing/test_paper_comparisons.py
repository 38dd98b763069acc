"""Closed months, documents and payouts against the books: all agree, and every way in which one does not is named."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from gateway.app.reconciling import Desks, compared
from gateway.billing.account_book import read_account
from gateway.billing.paper_comparisons import on_paper
from gateway.billing.paying_out import PayingOut
from gateway.billing.payouts import Paid, Payee, moved, planned
from gateway.billing.postings import Booked
from gateway.billing.statements import Period
from gateway.money import Money
from gateway.store.memory.settlements import MemorySettlements
from gateway.store.memory.topups import MemoryTopUps
from tests.billing.test_issuing import BUYER, IN_OCTOBER, NOW_US, OCTOBER, issuer, make, ports, sold
from tests.conformance import conftest

__all__ = ["make", "ports"]
ADA = Payee("Ada Example", "DE89370400440532013000")
BO = Payee("Bo Example", account="acct_1")


def usd(micros):
    return Money(micros, "USD")


@pytest.fixture
async def world(ports, make):
    """An invoice with tax and a credit note for a part of it, and a payout that was sent and cost a fee."""
    await sold(ports, make)
    await ports.documents.name_party("le_1", BUYER)
    mine = issuer(ports)
    (invoice,) = await mine.issue("le_1", "Example AI", OCTOBER)
    await mine.credit(invoice.id, {2: 500_000}, "late")

    async def write(entries):
        for each in entries:
            await ports.folding.fold(conftest.batch(each))
        return True

    paying = PayingOut(ports.payouts, write, lambda: NOW_US)
    at = NOW_US // 1_000_000
    made = [planned("journal", BO, usd(500_000), at, nth) for nth in "12"]
    await paying.plan(made)
    for each, reference in zip(made, ("tr_1", "tr_2"), strict=True):
        sending = moved(each, Paid.SENDING, at)
        sent = moved(sending, Paid.SENT, at, reference=reference)
        assert await ports.payouts.move([sending])
        assert await ports.payouts.move([sent])
    await paying.settle(made[0].id, Paid.PAID, fee=usd(10_000))
    await paying.settle(made[1].id, Paid.FAILED, why="closed account")
    return ports, Desks(ports.account_book, ports.documents, ports.payouts)


async def found_in(ports, desks, papers=lambda each: each, books=lambda each: each):
    """The faults of each comparison, where *papers* and *books* bend what was kept."""
    from gateway.app import reconciling

    kept, whole = await reconciling._kept(desks), await ports.ledger.books()
    remade = await reconciling._remade(desks, kept.frozen)
    seen = on_paper(books(whole), papers(replace(kept, remade=remade)))
    return {(each.name, fault.code) for each in seen for fault in each.faults}


async def test_everything_agrees_and_is_read_from_the_ports(world):
    ports, desks = world
    seen = await compared(ports.ledger, MemorySettlements(), MemoryTopUps(), None, desks)
    assert {each.name: each.faults for each in seen if each.faults} == {}
    told = {each.name: each.left for each in seen[-3:]}
    assert told == {
        "closed months": "1 digests kept", "documents": "2 documents", "payouts": "2 payouts, 1 sent",
    }  # fmt: skip
    assert await found_in(ports, desks) == set()


async def test_a_month_that_reads_otherwise_than_when_it_was_closed(world):
    ports, desks = world
    assert await found_in(ports, desks, lambda each: replace(each, frozen={**each.frozen, ("le_1", "2026-10"): "0" * 64})) == {
        ("closed months", "closed-differs"), ("documents", "document-differs"),
    }  # fmt: skip
    assert await found_in(ports, desks, lambda each: replace(each, remade={})) == {
        ("closed months", "closed-differs")
    }
    assert await found_in(ports, desks, lambda each: replace(each, frozen={**each.frozen, ("le_9", "2026-09"): "1" * 64})) == {
        ("closed months", "closed-differs")
    }  # fmt: skip
    assert await found_in(ports, desks, lambda each: replace(each, test=True)) == {
        ("closed months", "closed-differs")
    }


async def test_a_month_that_lost_an_entry_is_not_what_it_was(world, make):
    """The known-bad twin: somebody puts a due into a closed month behind the journal's back."""
    ports, desks = world

    def bent(papers):
        made = papers.remade["le_1", "2026-10"]
        lines = tuple(
            replace(each, owed=each.owed - usd(1)) if each.kind == "due" else each for each in made.lines
        )
        return replace(papers, remade={("le_1", "2026-10"): replace(made, lines=lines)})

    assert await found_in(ports, desks, bent) == {
        ("closed months", "closed-differs"), ("documents", "document-differs"),
    }  # fmt: skip


async def test_a_month_that_nobody_read_since_it_was_closed_is_explained(world, make):
    ports, desks = world
    september = Period.parse("2026-09")
    await ports.put(
        make.book(
            "close", 0, "cl_9", licensee="le_1", currency="XXX", reference=september.name, time_us=IN_OCTOBER
        )
    )
    seen = on_paper(await ports.ledger.books(), await _papers(desks))
    assert seen[0].ok
    assert seen[0].explained == ("le_1 2026-09 was closed, and nobody read it since",)
    await read_account(ports.account_book, "le_1", "", september)
    assert on_paper(await ports.ledger.books(), await _papers(desks))[0].explained == ()


async def _papers(desks):
    from gateway.app import reconciling

    kept = await reconciling._kept(desks)
    return replace(kept, remade=await reconciling._remade(desks, kept.frozen))


@pytest.mark.parametrize(
    "change",
    [
        {"total_micros": 1}, {"lines": []}, {"statement": "0" * 64}, {"due_on": "2099-01-01"}, {"tax": None},
        {"rounding_micros": 7}, {"issued_at": 5},
    ],
)  # fmt: skip
async def test_a_document_that_was_changed_after_it_was_numbered(world, change):
    ports, desks = world

    def bent(papers):
        documents = [
            replace(each, content=orjson.dumps({**each.told, **change}).decode())
            if each.kind == "invoice"
            else each
            for each in papers.documents
        ]
        return replace(papers, documents=documents)

    assert await found_in(ports, desks, bent) == {("documents", "document-differs")}


async def test_a_number_without_a_document_and_a_document_without_its_entries(world):
    ports, desks = world
    assert await found_in(ports, desks, lambda each: replace(each, documents=each.documents[:1])) == {
        ("documents", "document-missing")
    }
    for kind in ("tax", "round_up", "invoice", "reversal"):
        found = await found_in(
            ports,
            desks,
            books=lambda each, kind=kind: without(each, lambda entry: getattr(entry, "kind_of", "") == kind),
        )
        assert ("documents", "document-differs") in found, kind


def without(books, gone):
    return replace(books, entries=tuple(each for each in books.entries if not gone(each.entry)))


async def test_payouts_that_do_not_tie(world):
    ports, desks = world
    one, two = sorted(await ports.payouts.all(9), key=lambda each: each.reference)

    async def with_payouts(*payouts):
        return await found_in(ports, desks, lambda each: replace(each, payouts=payouts))

    assert await with_payouts(one, two) == set()
    assert await with_payouts(two) == {("payouts", "payout-unknown")}
    assert await with_payouts(replace(one, amount=usd(2_000_000)), two) == {("payouts", "payout-differs")}
    assert await with_payouts(replace(one, fee_micros=20_000), two) == {("payouts", "payout-differs")}
    assert await with_payouts(replace(one, author="Ada Example"), two) == {("payouts", "payout-differs")}
    assert await with_payouts(replace(one, state=Paid.REVERSED), two) == {("payouts", "payout-differs")}
    assert await with_payouts(one, replace(two, state=Paid.PAID)) == {("payouts", "payout-unknown")}
    assert await with_payouts(replace(one, reference=""), two) == {("payouts", "payout-unreferenced")}
    assert await with_payouts(replace(one, reference="tr_2"), two) == {("payouts", "payout-twice")}
    late = planned("journal", ADA, Money(1_000_000, "EUR"), 1, "3")
    assert await with_payouts(one, two, late) == set(), "planned, and explained"
    assert await with_payouts(one, two, replace(late, state=Paid.SENDING)) == {("payouts", "payout-differs")}
    twice = lambda each: replace(  # noqa: E731 - said where it is used
        each, entries=(*each.entries, Booked(99, replace(each.entries[-1].entry, id="po_x", kind_of="payout", by="eve")))
    )  # fmt: skip
    assert await found_in(ports, desks, books=twice) == {("payouts", "payout-unknown")}
    paid = lambda each: without(each, lambda entry: entry.id == one.id)  # noqa: E731
    assert await found_in(ports, desks, books=paid) == {("payouts", "payout-differs")}
