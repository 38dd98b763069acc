"""`desk.once.Repeats`, over every adapter."""

from __future__ import annotations

import asyncio

import pytest

from gateway.desk.once import KEPT_SECONDS, Stood
from gateway.store.memory.repeats import MemoryRepeats
from gateway.store.sqlite.repeats import SqliteRepeats

NOW = 1_795_000_000


@pytest.fixture
def repeats(engine, database):
    return MemoryRepeats() if engine == "memory" else SqliteRepeats(database)


async def test_the_first_of_a_name_stands(repeats) -> None:
    stood = await asyncio.gather(*(repeats.begin("n", f"f{number}", NOW) for number in range(20)))
    assert len(set(stood)) == 1
    assert await repeats.begin("n", "other", NOW + 9) == stood[0]
    assert await repeats.begin("m", "other", NOW + 9) == Stood("other")


async def test_an_answer_stands_for_a_day(repeats) -> None:
    await repeats.begin("n", "f", NOW)
    await repeats.finish("n", b"\0sealed")
    assert await repeats.begin("n", "g", NOW + KEPT_SECONDS - 1) == Stood("f", b"\0sealed")
    assert await repeats.begin("n", "g", NOW + KEPT_SECONDS) == Stood("g")
    await repeats.finish("nobody", b"x")
    assert await repeats.begin("nobody", "h", NOW + KEPT_SECONDS) == Stood("h")
