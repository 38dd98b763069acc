"""`SpendLimits`: a licensee's own brake, which leases heed whatever credit and budget would allow."""

from __future__ import annotations

import asyncio

import pytest

from gateway.admission.spending import Charge, Short
from gateway.licenses.spend_limits import SpendLimit, month_of
from gateway.money import Money
from gateway.problems import Problem
from gateway.tokens.claims import Budget

MONTH = month_of(1_795_000_000_000_000)
BEFORE_US = 40 * 86_400_000_000


def usd(micros):
    return Money(micros, "USD")


async def funded(ports, make, micros=1_000_000):
    await ports.register.add_licensee(*make.enrolled())
    await ports.put(make.book("credit", micros))


async def test_no_lease_goes_above_it_whoever_asks_at_once(ports, make):
    await funded(ports, make)
    assert await ports.spend_limits.limit("le_1", usd(10 * 5_000))
    answers = await asyncio.gather(
        *(
            ports.spend_book.lease(make.WRITER, make.charge(f"r{n}", license=f"lic_{n % 3}"), 1)
            for n in range(20)
        )
    )
    assert answers.count(1) == 10
    assert [each for each in answers if each != 1] == [Short("limit", usd(0))] * 10


async def test_what_was_fetched_and_what_was_due_at_signing_count_in_their_month(ports, make):
    await funded(ports, make)
    await ports.spend_limits.limit("le_1", usd(100_000))
    now_us = make.NOW * 1_000_000
    await ports.put(
        make.fetch(micros=30_000),
        make.book("fee", 20_000, license="lic_1"),
        make.fetch(micros=70_000, time_us=now_us - BEFORE_US),
        make.book("due", 90_000),
    )
    (found,) = await ports.spend_limits.limits_of("le_1", MONTH)
    assert found == SpendLimit(usd(100_000), usd(50_000))
    (earlier,) = await ports.spend_limits.limits_of("le_1", month_of(now_us - BEFORE_US))
    assert earlier.spent == usd(70_000)
    assert await ports.spend_book.lease(make.WRITER, make.charge("r", 50_001), 1) == Short(
        "limit", usd(50_000)
    )
    assert await ports.spend_book.lease(make.WRITER, make.charge("r", 50_000), 1) == 1
    await ports.ledger.rederive()
    assert await ports.spend_limits.limits_of("le_1", MONTH) == (found,)


async def test_it_is_lowered_raised_and_lifted_at_once(ports, make):
    await funded(ports, make)
    book, limits = ports.spend_book, ports.spend_limits
    await limits.limit("le_1", usd(0))
    assert await book.lease(make.WRITER, make.charge("r"), 1) == Short("limit", usd(0))
    assert not await book.affords("le_1", usd(5_000))
    assert await book.lease(make.WRITER, make.charge("r", 0), 1) == 1, "what costs nothing needs no room"
    await limits.limit("le_1", Money(5_000, "EUR"))
    await limits.limit("le_1", usd(5_000))
    assert [each.limit for each in await limits.limits_of("le_1", MONTH)] == [Money(5_000, "EUR"), usd(5_000)]
    assert await book.affords("le_1", usd(5_000))
    assert await limits.lift("le_1", "USD")
    assert not await limits.lift("le_1", "USD")
    assert await book.lease(make.WRITER, make.charge("r", 900_000), 1) == 1


async def test_only_a_licensee_has_one_and_none_is_below_zero(ports, make):
    await funded(ports, make)
    assert not await ports.spend_limits.limit("le_9", usd(1))
    with pytest.raises(ValueError, match="negative"):
        await ports.spend_limits.limit("le_1", usd(-1))
    assert await ports.spend_limits.limits_of("le_1", MONTH) == ()


def test_a_crawler_is_told_whose_limit_it_is():
    charge = Charge("r", "le_1", "lic_1", usd(5_000), Budget())
    refusal = Short("limit", usd(1_000)).refusal(charge)
    assert refusal.problem is Problem.BUDGET_SPENT
    assert "set for itself leaves 0.001 USD" in refusal.detail
