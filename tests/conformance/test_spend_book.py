"""`SpendBook`: no combination of successes exceeds credit or budget."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.admission.spending import Lease, Short
from gateway.money import Money, MoneyError
from gateway.tokens.claims import Budget


def usd(micros):
    return Money(micros, "USD")


async def test_a_hundred_want_the_last_unit(ports, make):
    await ports.put(make.book("credit", 5_000))
    answers = await asyncio.gather(
        *(ports.spend_book.lease(make.charge(f"r{n}"), make.NOW) for n in range(100))
    )
    leases = [answer for answer in answers if isinstance(answer, Lease)]
    shorts = [answer for answer in answers if isinstance(answer, Short)]
    assert [lease.held for lease in leases] == [usd(5_000)]
    assert shorts == [Short("credit", usd(0))] * 99
    assert await ports.spend_book.available("le_1", "USD", make.NOW) == usd(0)


async def test_a_budget_counted_in_money_binds_all_licenses_fetches(ports, make):
    await ports.put(make.book("credit", 1_000_000))
    budget = Budget(micros=12_000)
    answers = [await ports.spend_book.lease(make.charge(f"r{n}", budget=budget), make.NOW) for n in range(3)]
    assert [type(answer) for answer in answers] == [Lease, Lease, Short]
    assert answers[2] == Short("budget", usd(2_000))
    other = make.charge("r9", budget=budget, license="lic_2")
    assert isinstance(await ports.spend_book.lease(other, make.NOW), Lease)


async def test_a_budget_counts_what_was_charged_and_what_is_open_and_nothing_else(ports, make):
    book, budget = ports.spend_book, Budget(fetches=3)
    await ports.put(make.book("credit", 1_000_000))
    for n in range(2):
        assert isinstance(await book.lease(make.charge(f"r{n}", budget=budget), make.NOW), Lease)
    # One was charged, one owed nothing: the second does not count against the budget.
    await ports.put(make.fetch("r0"), make.fetch("r1", micros=0, reason="read-before"))
    for n in range(2, 4):
        assert isinstance(await book.lease(make.charge(f"r{n}", budget=budget), make.NOW), Lease)
    short = await book.lease(make.charge("r4", budget=budget), make.NOW)
    assert short == Short("budget", usd(0))
    assert await book.give_back("r3")
    assert isinstance(await book.lease(make.charge("r5", budget=budget), make.NOW), Lease)


async def test_a_budget_is_spent_over_the_whole_life_of_the_license(ports, make):
    await ports.put(make.book("credit", 1_000_000), make.fetch("r0", micros=9_000))
    budget = Budget(micros=10_000)
    short = await ports.spend_book.lease(make.charge("r1", 5_000, budget=budget), make.NOW + 10**8)
    assert short == Short("budget", usd(1_000))


async def test_a_free_fetch_needs_no_credit_and_counts_once(ports, make):
    budget = Budget(fetches=1)
    free = make.charge("r0", 0, budget=budget)
    assert await ports.spend_book.lease(free, make.NOW) == Lease("r0", usd(0))
    assert await ports.spend_book.lease(make.charge("r1", 0, budget=budget), make.NOW) == Short(
        "budget", usd(0)
    )
    await ports.put(make.fetch("r0", micros=0))
    assert await ports.spend_book.lease(make.charge("r2", 0, budget=budget), make.NOW) == Short(
        "budget", usd(0)
    )


async def test_currencies_do_not_mix(ports, make):
    await ports.put(make.book("credit", 5_000))
    short = await ports.spend_book.lease(make.charge("r0", currency="EUR"), make.NOW)
    assert short == Short("credit", Money(0, "EUR"))
    assert await ports.spend_book.balances("le_1", make.NOW) == (usd(5_000),)


async def test_holds_lapse_after_their_seconds_and_not_before(ports, make):
    book = ports.spend_book
    await ports.put(make.book("credit", 5_000))
    assert isinstance(await book.lease(make.charge("r0", hold_seconds=60), make.NOW), Lease)
    assert isinstance(await book.lease(make.charge("r1"), make.NOW + 60), Short)
    assert isinstance(await book.lease(make.charge("r2"), make.NOW + 61), Lease)
    # A lapsed hold can no longer be settled; somebody else may have its credit.
    assert not await book.settle("r0", usd(5_000), make.NOW + 61)


async def test_the_same_record_id_gets_the_same_answer_and_holds_once(ports, make):
    book = ports.spend_book
    await ports.put(make.book("credit", 12_000))
    first = await book.lease(make.charge("r0"), make.NOW)
    assert (
        await asyncio.gather(*(book.lease(make.charge("r0"), make.NOW + n) for n in range(20)))
        == [first] * 20
    )
    assert await book.available("le_1", "USD", make.NOW) == usd(7_000)
    await book.lease(make.charge("r1"), make.NOW)
    short = await book.lease(make.charge("r2"), make.NOW)
    assert short == Short("credit", usd(2_000))
    # Even where there would be enough by now: the first answer stands.
    await ports.put(make.book("credit", 100_000))
    assert await book.lease(make.charge("r2"), make.NOW) == short


async def test_a_lease_stays_answered_after_it_was_closed(ports, make):
    book = ports.spend_book
    await ports.put(make.book("credit", 5_000))
    lease = await book.lease(make.charge("r0"), make.NOW)
    await ports.put(make.fetch("r0"))
    assert await book.lease(make.charge("r0"), make.NOW) == lease
    assert await book.available("le_1", "USD", make.NOW) == usd(0)


@pytest.mark.parametrize("other", [{"licensee": "le_2"}, {"license": "lic_2"}, {"price": usd(1)}])
async def test_a_record_id_used_for_another_charge_raises(ports, make, other):
    await ports.put(make.book("credit", 50_000))
    await ports.spend_book.lease(make.charge("r0"), make.NOW)
    with pytest.raises(ValueError, match="r0"):
        await ports.spend_book.lease(replace(make.charge("r0"), **other), make.NOW)


async def test_a_price_below_zero_raises_and_holds_nothing(ports, make):
    with pytest.raises(ValueError, match="negative"):
        await ports.spend_book.lease(make.charge("r0", -1), make.NOW)
    assert await ports.spend_book.available("le_1", "USD", make.NOW) == usd(0)


async def test_settle_frees_the_rest_and_keeps_what_is_owed_from_being_sold_twice(ports, make):
    book = ports.spend_book
    await ports.put(make.book("credit", 5_000))
    await book.lease(make.charge("r0"), make.NOW)
    with pytest.raises(ValueError, match="settled"):
        await book.settle("r0", usd(5_001), make.NOW)
    with pytest.raises(MoneyError):
        await book.settle("r0", Money(1, "EUR"), make.NOW)
    assert await book.settle("r0", usd(2_000), make.NOW)
    assert not await book.settle("r0", usd(2_000), make.NOW)
    assert not await book.give_back("r0")
    assert await book.available("le_1", "USD", make.NOW) == usd(3_000)
    await ports.put(make.fetch("r0", micros=2_000))
    assert await book.available("le_1", "USD", make.NOW) == usd(3_000)


async def test_giving_back_twice_is_harmless_and_unknown_ids_change_nothing(ports, make):
    book = ports.spend_book
    await ports.put(make.book("credit", 5_000))
    await book.lease(make.charge("r0"), make.NOW)
    assert [await book.give_back("r0"), await book.give_back("r0"), await book.give_back("r?")] == [
        True,
        False,
        False,
    ]
    assert not await book.settle("r?", usd(0), make.NOW)
    assert await book.available("le_1", "USD", make.NOW) == usd(5_000)


async def test_a_late_record_is_posted_even_where_its_hold_has_lapsed(ports, make):
    book = ports.spend_book
    await ports.put(make.book("credit", 5_000))
    await book.lease(make.charge("r0", hold_seconds=1), make.NOW)
    await ports.put(make.fetch("r0"))
    assert await book.available("le_1", "USD", make.NOW + 99) == usd(0)
    assert await book.lease(make.charge("r1"), make.NOW + 99) == Short("credit", usd(0))


async def test_exhausted_is_when_the_budget_allows_no_further_fetch_at_its_price(ports, make):
    book, budget = ports.spend_book, Budget(micros=12_000)

    async def exhausted(micros=5_000, budget=budget, license="lic_1", currency="USD"):
        return await book.exhausted(license, Money(micros, currency), budget, make.NOW)

    await ports.put(make.book("credit", 1_000_000))
    assert not await exhausted()
    await book.lease(make.charge("r0", budget=budget), make.NOW)
    await ports.put(make.fetch("r1"))
    # 5,000 are open and 5,000 charged: 2,000 are left.
    assert await exhausted()
    assert await exhausted(2_001)
    assert not await exhausted(2_000)
    assert not await exhausted(budget=Budget())
    assert not await exhausted(budget=Budget(fetches=3))
    assert await exhausted(budget=Budget(fetches=2))
    assert await exhausted(2_000, Budget(12_000, 2))
    assert not await exhausted(license="lic_2")
    assert not await exhausted(currency="EUR")


async def test_exhausted_says_what_a_lease_would_find_at_every_step(ports, make):
    """Open, settled, folded, read before, given back, lapsed: the two never count differently."""
    book, budget = ports.spend_book, Budget(fetches=1)
    await ports.put(make.book("credit", 1_000_000))
    asked = 0

    async def spent(now=make.NOW):
        nonlocal asked
        asked += 1
        said = await book.exhausted("lic_1", usd(5_000), budget, now)
        probe = await book.lease(make.charge(f"probe-{asked}", budget=budget), now)
        assert isinstance(probe, Short) == said
        await book.give_back(f"probe-{asked}")
        return said

    await book.lease(make.charge("r0", budget=budget), make.NOW)
    assert await spent()
    await book.give_back("r0")
    assert not await spent()
    await book.lease(make.charge("r1", budget=budget), make.NOW)
    await ports.put(make.fetch("r1", micros=0, reason="read-before"))
    assert not await spent()
    await book.lease(make.charge("r2", budget=budget, hold_seconds=60), make.NOW)
    assert await spent(make.NOW + 60)
    assert not await spent(make.NOW + 61)
    await book.lease(make.charge("r3", budget=budget), make.NOW + 61)
    await book.settle("r3", usd(5_000), make.NOW + 61)
    assert await spent(make.NOW + 61)
    await ports.put(make.fetch("r3"))
    assert await spent(make.NOW + 10**8)


async def test_exhausted_looks_at_no_credit_and_holds_nothing(ports, make):
    book, budget = ports.spend_book, Budget(micros=5_000, fetches=1)
    assert not await book.exhausted("lic_1", usd(5_000), budget, make.NOW)
    await ports.put(make.book("credit", 5_000))
    for _ in range(3):
        assert not await book.exhausted("lic_1", usd(5_000), budget, make.NOW)
    assert await book.available("le_1", "USD", make.NOW) == usd(5_000)
    assert isinstance(await book.lease(make.charge("r0", budget=budget), make.NOW), Lease)


async def test_a_free_license_is_exhausted_by_its_number_of_fetches(ports, make):
    budget = Budget(fetches=1)
    assert not await ports.spend_book.exhausted("lic_1", usd(0), budget, make.NOW)
    await ports.put(make.fetch("r0", micros=0))
    assert await ports.spend_book.exhausted("lic_1", usd(0), budget, make.NOW)
    assert not await ports.spend_book.exhausted("lic_1", usd(0), Budget(micros=0), make.NOW)
