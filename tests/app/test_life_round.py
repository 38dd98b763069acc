"""The calendar's round over licenses: an end and a notice, each told once, and tokens that open nothing after it."""

from __future__ import annotations

from gateway.app.life_round import LifeRound
from gateway.clock import HandClock
from gateway.licenses.license import Client, Licensee, Standing
from gateway.licenses.life import DAY
from gateway.store.memory.lives import MemoryLives
from gateway.store.memory.register import MemoryRegister
from tests.licenses.test_life import FIRST, TERMS


async def test_an_end_is_seen_by_the_round_after_it_and_a_notice_thirty_days_before():
    register, clock = MemoryRegister(), HandClock()
    await register.add_licensee(Licensee("le_1", "AI", Standing.ACTIVE, 1), Client("cl_1", "le_1", "", 1))
    await register.grant(FIRST)
    rounds = LifeRound(MemoryLives(register), clock)

    async def told_at(second):
        clock.wall_us = second * 1_000_000
        await rounds.act()
        await rounds.act()
        return [each.event.type for each in register.happened.kept()]

    assert await told_at(FIRST.ends_at - 30 * DAY - 1) == []
    assert await told_at(FIRST.ends_at - 30 * DAY) == ["license.expiring"]
    assert await told_at(FIRST.ends_at - 1) == ["license.expiring"]
    assert (await register.revocations()).superseded == frozenset()
    assert await told_at(FIRST.ends_at) == ["license.expiring", "license.expired"]
    assert (await register.revocations()).superseded == {("li_1", TERMS.hash)}
