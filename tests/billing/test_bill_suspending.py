"""A bill that is not paid suspends the licenses on it, by a cause of its own, until it is paid or disputed."""

from __future__ import annotations

from gateway.billing.billing_office import BillingOffice
from gateway.billing.billing_rules import BillingRules
from gateway.billing.dunning import Dunned, to_suspend
from gateway.licenses.license import Client, License, Licensee, Standing
from gateway.licenses.suspension import OWNER
from gateway.money import Money
from gateway.outbox.events import About
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Scope
from tests.billing.test_billing_office import DAY_US, Watch, bills
from tests.billing.test_issuing import NOW_US, OCTOBER, issuer, make, ports, sold

__all__ = ["bills", "make", "ports"]


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
    office = BillingOffice(issuer(ports), ports.account_book, ports.disputes, ports.register, clock, 89)
    await office.issuer.issue("le_1", "Example AI", OCTOBER)
    for id in ("lic_1", "lic_2"):
        await licensed(ports, id, ends=(1 << 40) + int(id == "lic_2"))
    clock.at += 60 * DAY_US
    await office.round()
    assert len(await held(ports)) == 1
    assert await held(ports, "lic_2") == []
