"""`AccountBook`: accounts of a period, closed periods, and what comes late for them."""

from __future__ import annotations

import pytest

from gateway.billing.account_book import close_entry, months_of, read_account
from gateway.billing.account_forms import as_json
from gateway.billing.reconcile import reconcile
from gateway.billing.statements import Period, StatementDisagrees
from gateway.money import Money

OCTOBER, NOVEMBER, DECEMBER = map(Period.parse, ("2026-10", "2026-11", "2026-12"))
IN_OCTOBER, IN_NOVEMBER, IN_DECEMBER = (
    each.since_us + 86_400_000_000 for each in (OCTOBER, NOVEMBER, DECEMBER)
)


def usd(micros):
    return Money(micros, "USD")


async def account(ports, period):
    return await read_account(ports.account_book, "le_1", "Example AI", period)


def closes(make, month, at, id=""):
    return make.book("close", 0, id or f"close-{month}", reference=month, time_us=at)


async def test_everything_about_the_money_of_a_month(ports, make):
    await ports.put(
        make.book("credit", 100_000, "paid", time_us=IN_OCTOBER),
        make.book("due", 4_000, "old", site="journal", time_us=IN_OCTOBER),
        make.fetch("r0", time_us=IN_NOVEMBER),
        make.fetch("r1", micros=0, reason="read-before", time_us=IN_NOVEMBER),
        make.fetch("r2", work="videos", time_us=IN_NOVEMBER),
        make.book("fee", 30_000, "fee", license="lic_1", time_us=IN_NOVEMBER),
        make.book("due", 20_000, "share", site="journal", time_us=IN_NOVEMBER),
        make.book("payment", 15_000, "pays", reference="share", time_us=IN_NOVEMBER),
        make.book("deposit", 9_000, "held", license="lic_1", reference="agent:Notary Example", time_us=IN_NOVEMBER),
        make.book("promise", 5_000, "vow", license="lic_1", time_us=IN_NOVEMBER),
        make.book("release", 4_000, "part", license="lic_1", site="journal", reference="held", time_us=IN_NOVEMBER),
        make.book("reversal", 1_000, "sorry", reference="r0", time_us=IN_NOVEMBER),
        make.book("tax", 700, "vat", reference="in_1", time_us=IN_NOVEMBER),
        make.book("credit", 8, "other", licensee="le_2", time_us=IN_NOVEMBER),
    )  # fmt: skip
    made = await account(ports, NOVEMBER)
    (total,) = made.totals
    assert (total.opening, total.credited, total.charged, total.corrected, total.closing) == (
        usd(100_000), usd(0), usd(55_000), usd(1_000), usd(46_000),
    )  # fmt: skip
    assert (total.to_pay, total.due, total.paid, total.forgiven, total.left_to_pay) == (
        usd(4_000), usd(20_700), usd(15_000), usd(0), usd(9_700),
    )  # fmt: skip
    assert [(each.work, each.reason, each.fetches, each.amount) for each in made.charges] == [
        ("essays", "fetch", 1, usd(5_000)), ("essays", "read-before", 1, usd(0)), ("videos", "fetch", 1, usd(5_000)),
    ]  # fmt: skip
    assert [(each.license, each.holder, each.amount) for each in made.held] == [
        ("lic_1", "agent:Notary Example", usd(5_000)), ("lic_1", "nobody", usd(5_000)),
    ]  # fmt: skip
    assert made.held[0].sentence.startswith("This money is held by the agent Notary Example.")
    assert total.closing == await ports.ledger.balance("licensee:le_1:prepaid", "USD")
    # What is promised for a milestone is owed, and not to be paid before its release.
    owes = await ports.ledger.balance("licensee:le_1:owed", "USD")
    assert -total.left_to_pay == owes + await ports.ledger.balance("milestone:lic_1", "USD")
    assert await ports.account_book.licensees() == ("le_1", "le_2")
    assert (made.first_seq, made.last_seq, made.closed_seq, made.late) == (3, 13, 0, 0)


async def test_what_comes_late_stands_in_the_next_period_and_a_closed_one_never_changes(ports, make):
    await ports.put(
        make.book("credit", 100_000, "paid", time_us=IN_OCTOBER),
        make.fetch("r0", time_us=IN_OCTOBER),
        closes(make, "2026-10", IN_NOVEMBER),
    )
    before = as_json(await account(ports, OCTOBER))
    await ports.put(
        make.fetch("late", time_us=IN_OCTOBER),
        make.fetch("r1", time_us=IN_NOVEMBER),
        make.book("due", 70, "late-due", site="journal", time_us=IN_OCTOBER),
        closes(make, "2026-10", IN_NOVEMBER, "again"),
    )
    assert as_json(await account(ports, OCTOBER)) == before
    november = await account(ports, NOVEMBER)
    assert [(each.late, each.fetches) for each in november.charges] == [(False, 1), (True, 1)]
    assert [(each.entry, each.late) for each in november.lines] == [("late-due", True)]
    assert november.totals[0].opening == usd(95_000)
    assert november.totals[0].closing == usd(85_000)
    await ports.put(closes(make, "2026-11", IN_DECEMBER), make.fetch("later", time_us=IN_OCTOBER))
    assert as_json(await account(ports, OCTOBER)) == before
    december = await account(ports, DECEMBER)
    assert [(each.late, each.amount) for each in december.charges] == [(True, usd(5_000))]
    assert december.totals[0].closing == await ports.ledger.balance("licensee:le_1:prepaid", "USD")
    await ports.ledger.rederive()
    assert as_json(await account(ports, OCTOBER)) == before


async def test_each_entry_is_in_one_period_whatever_the_order_of_closing(ports, make):
    await ports.put(make.fetch("a", time_us=IN_OCTOBER), closes(make, "2026-11", IN_DECEMBER))
    await ports.put(make.fetch("b", time_us=IN_OCTOBER), make.fetch("c", time_us=IN_NOVEMBER))
    await ports.put(closes(make, "2026-10", IN_DECEMBER), make.fetch("d", time_us=IN_OCTOBER))
    counted = [
        sum(each.fetches for each in (await account(ports, period)).charges)
        for period in (OCTOBER, NOVEMBER, DECEMBER)
    ]
    assert counted == [2, 0, 2]
    totals = [(await account(ports, period)).totals[0] for period in (OCTOBER, DECEMBER)]
    assert totals[1].opening == totals[0].closing
    assert totals[1].closing == usd(-20_000)


async def test_a_closed_period_that_reads_otherwise_than_it_did_is_no_statement(ports, make):
    await ports.put(make.fetch("r0", time_us=IN_OCTOBER), closes(make, "2026-10", IN_NOVEMBER))
    assert await ports.account_book.freeze("le_1", "2026-10", "sha-256:other") == "sha-256:other"
    assert await ports.account_book.freeze("le_1", "2026-10", "sha-256:third") == "sha-256:other"
    with pytest.raises(StatementDisagrees, match="not what it was"):
        await account(ports, OCTOBER)


async def test_waiting_money_of_a_later_month_is_not_held_yet(ports, make):
    await ports.put(
        make.book("promise", 5_000, "vow", license="lic_1", time_us=IN_OCTOBER),
        make.book("release", 5_000, "done", license="lic_1", site="journal", reference="vow", time_us=IN_NOVEMBER),
    )  # fmt: skip
    october, november = await account(ports, OCTOBER), await account(ports, NOVEMBER)
    assert [each.amount for each in october.held] == [usd(5_000)]
    assert november.held == ()
    assert [total.left_to_pay for total in (*october.totals, *november.totals)] == [usd(0), usd(5_000)]
    assert (november.totals[0].to_pay, november.totals[0].due) == (usd(0), usd(5_000))


async def test_books_are_of_one_mode_for_good(ports):
    assert await ports.account_book.mode("test") == "test"
    assert await ports.account_book.mode("live") == "test"


async def test_the_months_of_an_account_have_no_gap(ports, make):
    assert await months_of(ports.account_book, "le_1") == ()
    await ports.put(make.fetch("a", time_us=IN_DECEMBER), make.fetch("b", time_us=IN_OCTOBER))
    assert await months_of(ports.account_book, "le_1") == (DECEMBER, NOVEMBER, OCTOBER)


async def test_the_entry_that_closes_moves_nothing(ports, make):
    await ports.put(make.fetch("a", time_us=IN_OCTOBER), close_entry("le_1", OCTOBER, IN_NOVEMBER))
    assert await ports.account_book.closes("le_1") == {"2026-10": 2}
    assert await ports.account_book.closes("le_2") == {}
    assert (await account(ports, NOVEMBER)).lines == ()
    assert "moves-nothing" not in {each.code for each in reconcile(await ports.ledger.books()).faults}
