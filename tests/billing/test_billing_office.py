"""Disputes end in one credit note or an answer; payments and time move invoices; each is told once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.billing.billing_office import BillingOffice
from gateway.billing.dunning import Dunned
from gateway.billing.invoices import NotIssued
from gateway.billing.line_disputes import Dispute, Disputed
from gateway.billing.reconcile import reconcile
from gateway.money import Money
from gateway.problems import Problem, Refusal, StoreUnavailable
from tests.billing.test_issuing import BUYER, NOW_US, OCTOBER, issuer, make, ports, sold

__all__ = ["make", "ports"]
DAY_US = 86_400_000_000


class Watch:
    """A clock that a test moves; the issuer's own stays."""

    def __init__(self):
        self.at = NOW_US

    def __call__(self):
        return self.at


@pytest.fixture
async def bills(ports, make):
    """An office with one invoice of 2.40 USD, of which 2.385 are to be paid."""
    await sold(ports, make)
    await ports.documents.name_party("le_1", BUYER)
    clock = Watch()
    office = BillingOffice(issuer(ports), ports.account_book, ports.disputes, ports.register, clock, 89)
    (invoice,) = await office.issuer.issue("le_1", "Example AI", OCTOBER)
    return ports, office, clock, invoice


async def test_an_accepted_dispute_is_one_credit_note(bills):
    ports, office, _clock, invoice = bills
    made = await office.dispute("le_1", invoice.id, {"line": 2, "amount": "1", "reason": "late"})
    assert isinstance(made, Dispute)
    refused = await office.dispute("le_1", invoice.id, {"line": 2, "amount": "0.5", "reason": "again"})
    assert refused.problem is Problem.DISPUTE_REFUSED
    done = await asyncio.gather(*(office.accept(made.id, "yes") for _ in range(3)), return_exceptions=True)
    good = [each for each in done if isinstance(each, Dispute)]
    assert len(good) >= 1
    (note,) = await ports.documents.notes(invoice.id)
    assert note.number == 1
    assert (await ports.disputes.get(made.id)).credit_note == note.id
    assert (await office.reject(made.id, "no")).problem is Problem.DISPUTE_REFUSED
    standing = await office.standing(invoice)
    assert standing.open == invoice.to_pay - note.total
    assert reconcile(await ports.ledger.books()).ok
    assert (await ports.happened()).count("dispute.accepted") == 1


async def test_an_acceptance_that_dies_between_note_and_word_is_finished_by_the_next(bills):
    ports, office, clock, invoice = bills
    made = await office.dispute("le_1", invoice.id, {"line": 2, "amount": "1", "reason": "late"})

    class Dying:
        def __init__(self, store):
            self._store = store

        def __getattr__(self, name):
            return getattr(self._store, name)

        async def decide(self, *_, **__):
            raise StoreUnavailable("killed")

    dying = BillingOffice(office.issuer, office.accounts, Dying(ports.disputes), ports.register, clock, 89)
    with pytest.raises(StoreUnavailable):
        await dying.accept(made.id, "yes")
    assert (await ports.disputes.get(made.id)).state is Disputed.OPEN
    done = await office.accept(made.id, "yes")
    assert done.state is Disputed.ACCEPTED
    assert len(await ports.documents.notes(invoice.id)) == 1


async def test_a_rejected_one_is_dunned_again_and_a_late_answer_is_told(bills):
    ports, office, clock, invoice = bills
    clock.at += 5 * DAY_US
    made = await office.dispute("le_1", invoice.id, {"line": 2, "reason": "all of it"})
    clock.at += 20 * DAY_US
    assert (await office.standing(invoice)).state is Dunned.DISPUTED
    await office.round()
    await office.round()
    assert (await ports.happened()).count("dispute.overdue") == 1
    assert (await office.standing(invoice)).disputed == Money(2_382_135, "USD"), "with the tax on it"
    assert isinstance(await office.reject(made.id, ""), Refusal)
    assert (await office.reject(made.id, "it was delivered")).state is Disputed.REJECTED
    standing = await office.standing(invoice)
    assert (standing.state, standing.disputed) == (Dunned.REMINDED, Money(0, "USD"))


async def test_time_and_payments_are_told_once_each(bills):
    ports, office, clock, invoice = bills
    for days in (0, 14, 1, 2, 3, 20):
        clock.at += days * DAY_US
        await office.round()
    assert [each for each in await ports.happened() if each.startswith("invoice.")] == [
        "invoice.issued", "invoice.due", "invoice.reminded", "invoice.overdue",
    ]  # fmt: skip
    free = await ports.spend_book.available("le_1", "USD")
    part = await office.settle(invoice.id, "payment", Money(2_000_000, "USD"), free, "")
    await ports.put(part)
    await ports.put(await office.settle(invoice.id, "write_off", None, free, "too small"))
    standing = await office.standing(invoice)
    assert (standing.state, standing.paid, standing.written_off) == (
        Dunned.WRITTEN_OFF, Money(2_000_000, "USD"), Money(385_000, "USD"),
    )  # fmt: skip
    await office.round()
    assert (await ports.happened())[-1] == "invoice.written_off"
    assert await ports.ledger.balance("licensee:le_1:owed", "USD") == Money(0, "USD")
    assert reconcile(await ports.ledger.books()).ok


async def test_nobody_pays_more_than_is_open_or_there_is(bills):
    _ports, office, _clock, invoice = bills
    free = Money(1_000_000, "USD")
    for id, kind, amount in (
        (invoice.id, "payment", None), (invoice.id, "payment", Money(9_000_000, "USD")),
        (invoice.id, "payment", Money(1, "EUR")), (invoice.id, "write_off", Money(3_000_000, "USD")),
        (invoice.id, "write_off", Money(-1, "USD")), ("in_9", "payment", None),
    ):  # fmt: skip
        with pytest.raises(NotIssued):
            await office.settle(id, kind, amount, free, "")


@pytest.mark.parametrize("id", ["in_9", "other"])
async def test_a_licensee_disputes_its_own_documents_alone(bills, id):
    _ports, office, _, invoice = bills
    licensee, asked = ("le_2", invoice.id) if id == "other" else ("le_1", id)
    refused = await office.dispute(licensee, asked, {"line": 1, "reason": "mine"})
    assert refused.problem is Problem.NOT_FOUND
    assert (await office.accept("ld_9", "")).problem is Problem.NOT_FOUND
    assert (await office.reject("ld_9", "x")).problem is Problem.NOT_FOUND


async def test_what_happened_longer_ago_than_events_are_kept_is_not_told_again(bills):
    ports, office, clock, _ = bills
    brief = replace(office, told_days=3)
    clock.at += 60 * DAY_US
    await brief.round()
    assert await ports.happened() == ["invoice.issued"], "as when it was issued"
    await office.round()
    assert "invoice.overdue" in await ports.happened()
