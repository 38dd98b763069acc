"""Disputes end in one credit note or an answer; payments and time move invoices; each is told once."""

from __future__ import annotations

import asyncio

import pytest

from gateway.billing.billing_office import BillingOffice
from gateway.billing.billing_rules import BillingRules
from gateway.billing.dunning import Dunned, to_suspend
from gateway.billing.invoices import NotIssued
from gateway.billing.line_disputes import Dispute, Disputed
from gateway.billing.reconcile import reconcile
from gateway.licenses.license import Client, License, Licensee, Standing
from gateway.licenses.suspension import OWNER
from gateway.money import Money
from gateway.outbox.events import About
from gateway.problems import Problem, Refusal, StoreUnavailable
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Scope
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
    office = BillingOffice(issuer(ports), ports.account_book, ports.disputes, ports.register, clock)
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

    dying = BillingOffice(office.issuer, office.accounts, Dying(ports.disputes), ports.register, clock)
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


async def licensed(ports, id="lic_1", licensee="le_1", ends=1 << 40):
    now = NOW_US // 1_000_000
    if await ports.register.licensee(licensee) is None:
        who = Licensee(licensee, "Example AI", Standing.ACTIVE, now)
        await ports.register.add_licensee(who, Client(f"cl_{licensee}", licensee, "", now))
    terms = LicenseTerms(Scope((), ()), Purpose(frozenset()), Compensation("USD"))
    await ports.register.grant(License(id, licensee, "journal", "", terms, "p", now - 99, ends))


WAY = "Pay it, or dispute the line that is wrong: /.licet/invoices/"


async def held(ports, id="lic_1"):
    return [(each.cause, each.said) for each in await ports.register.suspensions(id) if each.stands]


async def test_a_bill_that_is_not_paid_suspends_its_license_until_it_is_and_nobody_elses_suspension(bills):
    ports, office, clock, invoice = bills
    await licensed(ports)
    await ports.register.suspend("lic_1", OWNER, "By the owner.", 1)
    clock.at += (14 + 29) * DAY_US
    await office.round()
    assert [cause for cause, _ in await held(ports)] == ["owner"]
    clock.at += DAY_US
    for _ in range(2):
        await office.round()
    assert (await held(ports))[1] == (
        f"bill:{invoice.id}",
        f"The invoice TP-I000001 was to be paid by 2026-11-15, and 2.385 USD of it are open. {WAY}{invoice.id}",
    )
    assert (await office.standing(invoice)).state is Dunned.SUSPENDED
    happened = await ports.happened()
    assert (happened.count("invoice.suspended"), happened.count("license.suspended")) == (1, 2)
    free = await ports.spend_book.available("le_1", "USD")
    await ports.put(await office.settle(invoice.id, "payment", Money(2_000_000, "USD"), free, ""))
    await office.round()
    assert len(await held(ports)) == 2, "a part is not the whole"
    await ports.put(await office.settle(invoice.id, "payment", None, free, ""))
    await office.round()
    assert [cause for cause, _ in await held(ports)] == ["owner"]
    assert (await ports.happened()).count("license.resumed") == 1
    (told,) = [
        each.event
        for each in await ports.events.after(0, 99, About())
        if each.event.type == "license.resumed"
    ]
    assert told.body["path"] == f"/.licet/invoices/{invoice.id}"


async def test_what_is_disputed_does_not_suspend_and_does_once_it_is_rejected(bills):
    ports, office, clock, invoice = bills
    await licensed(ports)
    clock.at += 20 * DAY_US
    made = await office.dispute("le_1", invoice.id, {"line": 2, "amount": "1", "reason": "never delivered"})
    clock.at += 30 * DAY_US
    await office.round()
    assert len(await held(ports)) == 1, "a part of it is not disputed"
    clock.at += DAY_US
    await office.reject(made.id, "It was delivered.")
    clock.at -= 25 * DAY_US
    made = await office.dispute("le_1", invoice.id, {"line": 2, "reason": "all of it"})
    clock.at += 25 * DAY_US
    await office.round()
    # The tax on what is disputed is disputed; what is left of the invoice is less than a cent.
    assert (await office.standing(invoice)).state is Dunned.DISPUTED
    assert await held(ports) == []
    clock.at += DAY_US
    await office.reject(made.id, "It was delivered.")
    assert [cause for cause, _ in await held(ports)] == [f"bill:{invoice.id}"], "at once"


async def test_nobody_is_suspended_where_the_operator_never_does_or_the_license_is_over(bills):
    ports, office, clock, _ = bills
    await licensed(ports, ends=NOW_US // 1_000_000 + 86_400)
    clock.at += 100 * DAY_US
    await office.round()
    assert await held(ports) == []
    assert (await office.standings("le_1"))[0].state is Dunned.OVERDUE
    never = BillingRules(suspend_days=0, overdue_days=14)
    assert to_suspend((await office.standings("le_1"))[0], never, office.now) == frozenset()


async def test_the_license_of_what_is_unpaid_is_suspended_and_not_one_whose_fetches_were_prepaid(ports, make):
    await sold(ports, make)
    await ports.put(
        make.fetch("x1", licensee="le_1", license="lic_2", charged_micros=5_000, time_us=OCTOBER.since_us + 5)
    )
    clock = Watch()
    office = BillingOffice(issuer(ports), ports.account_book, ports.disputes, ports.register, clock)
    await office.issuer.issue("le_1", "Example AI", OCTOBER)
    for id in ("lic_1", "lic_2"):
        await licensed(ports, id, ends=(1 << 40) + int(id == "lic_2"))
    clock.at += 60 * DAY_US
    await office.round()
    assert len(await held(ports)) == 1
    assert await held(ports, "lic_2") == []
