"""`Accounts`: who pays for an agent, and how far a licensee may owe."""

from __future__ import annotations

import asyncio

import pytest

from gateway.admission.spending import Short
from gateway.licenses.accounts import Account
from gateway.licenses.license import Standing
from gateway.money import Money

AGENT = "https://bot.example"


async def enroll(ports, make, *numbers):
    for number in numbers or (1,):
        await ports.register.add_licensee(*make.enrolled(number))


async def test_an_agent_pays_for_one_licensee(ports, make):
    await enroll(ports, make, 1, 2)
    assert await ports.accounts.by_agent(AGENT) is None
    assert await ports.accounts.tie(AGENT, "le_1")
    assert await ports.accounts.by_agent(AGENT) == Account("le_1", Standing.ACTIVE)
    assert await ports.accounts.tie("https://a.example", "le_1")
    assert await ports.accounts.agents_of("le_1") == ("https://a.example", AGENT)
    assert await ports.accounts.tie(AGENT, "le_2"), "and from now on for another"
    assert (await ports.accounts.by_agent(AGENT)).licensee == "le_2"
    assert await ports.accounts.agents_of("le_1") == ("https://a.example",)


async def test_nobody_is_tied_to_a_licensee_that_is_not_there(ports, make):
    assert not await ports.accounts.tie(AGENT, "le_9")
    assert not await ports.accounts.set_limit("le_9", Money(1, "USD"))
    assert await ports.accounts.by_agent(AGENT) is None
    assert await ports.accounts.limits_of("le_9") == ()


async def test_an_agent_can_be_let_go(ports, make):
    await enroll(ports, make)
    await ports.accounts.tie(AGENT, "le_1")
    assert await ports.accounts.untie(AGENT)
    assert not await ports.accounts.untie(AGENT)
    assert await ports.accounts.by_agent(AGENT) is None


async def test_the_standing_is_the_registers(ports, make):
    await enroll(ports, make)
    await ports.accounts.tie(AGENT, "le_1")
    await ports.register.set_standing("le_1", Standing.SUSPENDED, make.NOW)
    assert (await ports.accounts.by_agent(AGENT)).standing is Standing.SUSPENDED


async def test_limits_are_by_currency_and_the_last_one_stands(ports, make):
    await enroll(ports, make)
    await ports.accounts.tie(AGENT, "le_1")
    for limit in (Money(5, "USD"), Money(7, "EUR"), Money(9, "USD"), Money(0, "GBP")):
        assert await ports.accounts.set_limit("le_1", limit)
    limits = (Money(7, "EUR"), Money(9, "USD"))
    assert await ports.accounts.limits_of("le_1") == limits
    assert (await ports.accounts.by_agent(AGENT)).limits == limits
    assert (await ports.ledger.books()).limits == (("le_1", limits[0]), ("le_1", limits[1]))
    await ports.accounts.set_limit("le_1", Money(0, "EUR"))
    assert await ports.accounts.limits_of("le_1") == (Money(9, "USD"),)
    with pytest.raises(ValueError, match="negative"):
        await ports.accounts.set_limit("le_1", Money(-1, "USD"))


async def test_a_lease_goes_as_far_below_zero_as_the_limit(ports, make):
    await enroll(ports, make)
    await ports.put(make.book("credit", 5_000))
    await ports.accounts.set_limit("le_1", Money(10_000, "USD"))
    for number in range(3):
        assert await ports.spend_book.lease(make.WRITER, make.charge(f"r{number}"), 1) == 1
    short = await ports.spend_book.lease(make.WRITER, make.charge("r3"), 1)
    assert short == Short("credit", Money(0, "USD"))
    assert await ports.spend_book.available("le_1", "USD") == Money(-10_000, "USD"), "what it owes is told"
    euros = make.charge("r4", currency="EUR")
    assert isinstance(await ports.spend_book.lease(make.WRITER, euros, 1), Short), (
        "a limit is of one currency"
    )


async def test_what_can_be_afforded_counts_the_limit_and_takes_nothing(ports, make):
    await enroll(ports, make)
    price = Money(5_000, "USD")
    assert not await ports.spend_book.affords("le_1", price)
    await ports.accounts.set_limit("le_1", price)
    assert await ports.spend_book.affords("le_1", price)
    assert not await ports.spend_book.affords("le_1", Money(5_001, "USD"))
    assert await ports.spend_book.available("le_1", "USD") == Money(0, "USD")
    assert await ports.spend_book.lease(make.WRITER, make.charge("r0"), 1) == 1
    assert not await ports.spend_book.affords("le_1", price)


async def test_a_limit_that_was_lowered_lends_no_more(ports, make):
    await enroll(ports, make)
    await ports.accounts.set_limit("le_1", Money(10_000, "USD"))
    assert await ports.spend_book.lease(make.WRITER, make.charge("r0"), 1) == 1
    await ports.accounts.set_limit("le_1", Money(0, "USD"))
    assert await ports.spend_book.lease(make.WRITER, make.charge("r1"), 1) == Short("credit", Money(0, "USD"))


async def test_200_at_once_never_go_beyond_the_limit(ports, make):
    await enroll(ports, make)
    await ports.accounts.set_limit("le_1", Money(50_000, "USD"))
    writers = (make.WRITER, make.OTHER_WRITER)
    answers = await asyncio.gather(
        *(ports.spend_book.lease(writers[n % 2], make.charge(f"r{n}"), 1) for n in range(200))
    )
    assert sum(answer for answer in answers if isinstance(answer, int)) == 10
    assert await ports.spend_book.available("le_1", "USD") == Money(-50_000, "USD")


async def test_what_was_set_aside_and_is_not_owed_comes_back_with_the_record(ports, make):
    await enroll(ports, make)
    await ports.put(make.book("credit", 20_000))
    assert await ports.spend_book.lease(make.WRITER, make.charge("r0", 20_000), 1) == 1
    assert await ports.spend_book.available("le_1", "USD") == Money(0, "USD")
    await ports.put(make.fetch(micros=5_000, price_micros=20_000))
    assert await ports.spend_book.available("le_1", "USD") == Money(15_000, "USD")
