"""`SpendBook`: no combination of successes exceeds credit or budget, and what is not used comes back."""

from __future__ import annotations

import asyncio

import pytest

from gateway.admission.spending import Purse, Short, fee_of
from gateway.money import Money
from gateway.tokens.claims import Budget


def usd(micros):
    return Money(micros, "USD")


def granted(answers):
    return sum(answer for answer in answers if isinstance(answer, int))


async def purses(ports):
    return (await ports.ledger.books()).purses


async def test_two_hundred_want_a_hundred_units(ports, make):
    await ports.put(make.book("credit", 100 * 5_000))
    answers = await asyncio.gather(
        *(ports.spend_book.lease(make.WRITER, make.charge(f"r{n}"), 1) for n in range(200))
    )
    assert answers.count(1) == 100
    assert [answer for answer in answers if answer != 1] == [Short("credit", usd(0))] * 100
    assert await ports.spend_book.available("le_1", "USD") == usd(0)


@pytest.mark.parametrize("asked", [1, 3, 64, 1000])
async def test_several_writers_share_all_of_it_and_no_more(ports, make, asked):
    await ports.put(make.book("credit", 1_000 * 5_000))
    answers = []
    while not any(isinstance(answer, Short) for answer in answers):
        writers = [make.WRITER, make.OTHER_WRITER] * 5
        answers += await asyncio.gather(
            *(ports.spend_book.lease(writer, make.charge("r"), asked) for writer in writers)
        )
    assert granted(answers) == 1_000
    assert sum(purse.fetches for purse in await purses(ports)) == 1_000


async def test_a_lease_takes_at_most_a_quarter_of_what_is_left_and_always_one(ports, make):
    await ports.put(make.book("credit", 40 * 5_000))
    answers = [await ports.spend_book.lease(make.WRITER, make.charge("r"), 8) for _ in range(4)]
    assert answers == [8, 8, 6, 4]
    few = Budget(fetches=9)
    other = [
        await ports.spend_book.lease(make.WRITER, make.charge("r", budget=few, license="lic_2"), 8)
        for _ in range(3)
    ]
    assert other == [2, 1, 1]


async def test_a_purse_is_one_writers_on_one_license_in_one_currency(ports, make):
    book = ports.spend_book
    await ports.put(make.book("credit", 1_000_000), make.book("credit", 1_000_000, currency="EUR"))
    await book.lease(make.WRITER, make.charge("r0"), 2)
    await book.lease(make.WRITER, make.charge("r1", 2_000), 3)
    await book.lease(make.WRITER, make.charge("r2", license="lic_2"), 1)
    await book.lease(make.WRITER, make.charge("r3", currency="EUR"), 1)
    await book.lease(make.OTHER_WRITER, make.charge("r4"), 1)
    assert await purses(ports) == (
        Purse(make.WRITER, "lic_1", "le_1", Money(5_000, "EUR"), 1),
        Purse(make.WRITER, "lic_1", "le_1", usd(16_000), 5),
        Purse(make.WRITER, "lic_2", "le_1", usd(5_000), 1),
        Purse(make.OTHER_WRITER, "lic_1", "le_1", usd(5_000), 1),
    )


async def test_a_budget_counted_in_money_binds_one_license(ports, make):
    await ports.put(make.book("credit", 1_000_000))
    budget = Budget(micros=12_000)
    answers = [
        await ports.spend_book.lease(make.WRITER, make.charge("r", budget=budget), 9) for _ in range(3)
    ]
    assert answers == [1, 1, Short("budget", usd(2_000))]
    other = make.charge("r9", budget=budget, license="lic_2")
    assert await ports.spend_book.lease(make.WRITER, other, 1) == 1


async def test_a_fetch_that_is_folded_leaves_the_purse_for_the_postings(ports, make):
    book, budget = ports.spend_book, Budget(fetches=3)
    await ports.put(make.book("credit", 1_000_000))
    for _ in range(3):
        assert await book.lease(make.WRITER, make.charge("r", budget=budget), 1) == 1
    assert await book.available("le_1", "USD") == usd(985_000)
    # One owes, one owes nothing: only the first is the purse's. The second went back to the till.
    await ports.put(make.fetch("r0"), make.fetch("r1", micros=0, reason="read-before"))
    assert await purses(ports) == (Purse(make.WRITER, "lic_1", "le_1", usd(10_000), 2),)
    assert await book.available("le_1", "USD") == usd(985_000)
    assert await book.lease(make.WRITER, make.charge("r", budget=budget), 1) == Short("budget", usd(0))
    await book.give_back(make.WRITER, "lic_1", usd(5_000), 1)
    assert await book.lease(make.WRITER, make.charge("r", budget=budget), 1) == 1


async def test_a_record_that_is_folded_twice_leaves_the_purse_once(ports, make):
    await ports.put(make.book("credit", 1_000_000))
    await ports.spend_book.lease(make.WRITER, make.charge("r"), 4)
    entry = make.fetch("r0")
    assert [await ports.put(entry), await ports.put(entry)] == [1, 0]
    assert await purses(ports) == (Purse(make.WRITER, "lic_1", "le_1", usd(15_000), 3),)


async def test_what_another_writer_recorded_is_none_of_a_purse(ports, make):
    await ports.put(make.book("credit", 1_000_000))
    await ports.spend_book.lease(make.WRITER, make.charge("r"), 4)
    await ports.folding.fold(make.batch(make.fetch("r0"), source=f"{make.OTHER_WRITER}-000001.seg:24"))
    await ports.folding.fold(make.batch(make.fetch("r1"), source="no name of a segment"))
    assert await purses(ports) == (Purse(make.WRITER, "lic_1", "le_1", usd(20_000), 4),)


async def test_a_purse_never_goes_below_zero_and_an_empty_one_is_gone(ports, make):
    book = ports.spend_book
    await ports.put(make.book("credit", 1_000_000))
    await book.lease(make.WRITER, make.charge("r"), 1)
    await ports.put(make.fetch("r0"), make.fetch("r1"))
    assert await purses(ports) == ()
    await book.lease(make.WRITER, make.charge("r"), 1)
    await book.give_back(make.WRITER, "lic_1", usd(50_000), 9)
    await book.give_back(make.OTHER_WRITER, "lic_?", usd(1), 1)
    assert await purses(ports) == ()
    assert await book.available("le_1", "USD") == usd(990_000)


async def test_a_budget_is_spent_over_the_whole_life_of_the_license(ports, make):
    await ports.put(make.book("credit", 1_000_000), make.fetch("r0", micros=9_000))
    short = await ports.spend_book.lease(make.WRITER, make.charge("r1", budget=Budget(micros=10_000)), 1)
    assert short == Short("budget", usd(1_000))


async def test_a_free_fetch_needs_no_credit_and_counts_once(ports, make):
    budget = Budget(fetches=1)
    assert await ports.spend_book.lease(make.WRITER, make.charge("r0", 0, budget=budget), 5) == 1
    assert await purses(ports) == (Purse(make.WRITER, "lic_1", "le_1", usd(0), 1),)
    short = Short("budget", usd(0))
    assert await ports.spend_book.lease(make.WRITER, make.charge("r1", 0, budget=budget), 5) == short
    await ports.put(make.fetch("r0", micros=0))
    assert await purses(ports) == ()
    assert await ports.spend_book.lease(make.WRITER, make.charge("r2", 0, budget=budget), 5) == short
    assert await ports.spend_book.lease(make.WRITER, make.charge("r3", 0), 5) == 5


async def test_currencies_do_not_mix(ports, make):
    await ports.put(make.book("credit", 5_000))
    short = await ports.spend_book.lease(make.WRITER, make.charge("r0", currency="EUR"), 1)
    assert short == Short("credit", Money(0, "EUR"))
    assert await ports.spend_book.balances("le_1") == (usd(5_000),)


@pytest.mark.parametrize(("micros", "fetches", "words"), [(-1, 1, "negative"), (5_000, 0, "one fetch")])
async def test_what_makes_no_sense_raises_and_takes_nothing(ports, make, micros, fetches, words):
    await ports.put(make.book("credit", 5_000))
    with pytest.raises(ValueError, match=words):
        await ports.spend_book.lease(make.WRITER, make.charge("r0", micros), fetches)
    assert await ports.spend_book.available("le_1", "USD") == usd(5_000)


async def test_closing_the_purses_of_one_writer_returns_its_credit_at_once(ports, make):
    book = ports.spend_book
    await ports.put(make.book("credit", 1_000_000))
    for writer in (make.WRITER, make.OTHER_WRITER):
        await book.lease(writer, make.charge("r"), 3)
        await book.lease(writer, make.charge("r", license="lic_2"), 1)
    assert await ports.folding.purse_writers() == {make.WRITER, make.OTHER_WRITER}
    await ports.folding.close_purses(frozenset({make.WRITER}))
    await ports.folding.close_purses(frozenset())
    assert await ports.folding.purse_writers() == {make.OTHER_WRITER}
    assert await book.available("le_1", "USD") == usd(980_000)


async def test_a_fee_is_set_aside_apart_from_the_budget_until_its_entry_is_folded(ports, make):
    book, budget = ports.spend_book, Budget(micros=5_000)
    await ports.put(make.book("credit", 1_000_000))
    due = make.charge("lic_1", 900_000, license=fee_of("lic_1"))
    assert await book.lease(make.WRITER, due, 1) == 1
    assert await book.available("le_1", "USD") == usd(100_000)
    assert not await book.exhausted("lic_1", usd(5_000), budget)
    assert await book.lease(make.WRITER, make.charge("r0", budget=budget), 1) == 1
    await ports.put(make.book("fee", 900_000, "lic_1", license="lic_1"))
    assert await book.available("le_1", "USD") == usd(95_000)
    assert await purses(ports) == (Purse(make.WRITER, "lic_1", "le_1", usd(5_000), 1),)


async def test_exhausted_is_when_the_budget_allows_no_further_fetch_at_its_price(ports, make):
    book, budget = ports.spend_book, Budget(micros=12_000)

    async def exhausted(micros=5_000, budget=budget, license="lic_1", currency="USD"):
        return await book.exhausted(license, Money(micros, currency), budget)

    await ports.put(make.book("credit", 1_000_000))
    assert not await exhausted()
    await book.lease(make.OTHER_WRITER, make.charge("r0", budget=budget), 1)
    await ports.put(make.fetch("r1"))
    # 5,000 are set aside and 5,000 charged: 2,000 are left.
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
    """Set aside, folded, given back, closed: the two never count differently."""
    book, budget = ports.spend_book, Budget(fetches=1)
    await ports.put(make.book("credit", 1_000_000))
    charge = make.charge("r", budget=budget)

    async def spent():
        said = await book.exhausted("lic_1", usd(5_000), budget)
        probe = await book.lease(make.OTHER_WRITER, charge, 1)
        assert isinstance(probe, Short) == said
        if not said:
            await book.give_back(make.OTHER_WRITER, "lic_1", usd(5_000), 1)
        return said

    await book.lease(make.WRITER, charge, 1)
    assert await spent()
    await book.give_back(make.WRITER, "lic_1", usd(5_000), 1)
    assert not await spent()
    await book.lease(make.WRITER, charge, 1)
    await ports.folding.close_purses(frozenset({make.WRITER}))
    assert not await spent()
    await book.lease(make.WRITER, charge, 1)
    await ports.put(make.fetch("r3"))
    assert await spent()


async def test_exhausted_looks_at_no_credit_and_takes_nothing(ports, make):
    book, budget = ports.spend_book, Budget(micros=5_000, fetches=1)
    assert not await book.exhausted("lic_1", usd(5_000), budget)
    await ports.put(make.book("credit", 5_000))
    for _ in range(3):
        assert not await book.exhausted("lic_1", usd(5_000), budget)
    assert await book.available("le_1", "USD") == usd(5_000)
    assert await book.lease(make.WRITER, make.charge("r0", budget=budget), 1) == 1


async def test_a_free_license_is_exhausted_by_its_number_of_fetches(ports, make):
    budget = Budget(fetches=1)
    assert not await ports.spend_book.exhausted("lic_1", usd(0), budget)
    await ports.put(make.fetch("r0", micros=0))
    assert await ports.spend_book.exhausted("lic_1", usd(0), budget)
    assert not await ports.spend_book.exhausted("lic_1", usd(0), Budget(micros=0))


async def test_charged_counts_the_fetches_that_the_books_show_of_one_license(ports, make):
    book = ports.spend_book
    assert await book.charged("lic_1", "USD") == 0
    await ports.put(make.book("credit", 1_000_000))
    await book.lease(make.WRITER, make.charge("r0"), 3)
    assert await book.charged("lic_1", "USD") == 0, "what is set aside is not charged yet"
    await ports.put(make.fetch(), make.fetch(), make.fetch(micros=0, reason="read-before"))
    await ports.put(make.fetch(license="lic_2"), make.fetch(micros=0, reason="fetch"))
    assert await book.charged("lic_1", "USD") == 3
    assert await book.charged("lic_2", "USD") == 1
    assert await book.charged("lic_1", "EUR") == 0
