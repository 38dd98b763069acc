"""Machines that share a database: who was heard from, whose purses return, and whose change of a part stands."""

from __future__ import annotations

import asyncio

import pytest

from gateway.admission.spending import Charge, Short
from gateway.money import Money
from gateway.store.postgres.database import Postgres
from gateway.store.postgres.places import Parts, Places
from gateway.store.sqlite.spend_book import SqliteSpendBook
from gateway.tokens.claims import Budget


@pytest.fixture
async def two(emptied):
    """The same database as two machines see it."""
    here, there = [await Postgres.open(emptied.url, lines=2, place=name) for name in ("here", "there")]
    yield here, there
    await here.close()
    await there.close()


async def leased(database: Postgres, writer: str, fetches: int) -> int | Short:
    charge = Charge("ask", "lic", "li_1", Money(0, "USD"), Budget(fetches=40))
    return await SqliteSpendBook(database).lease(writer, charge, fetches)


async def test_what_a_lost_machine_set_aside_is_credit_again_and_it_learns_so(two):
    here, there = map(Places, two)
    assert await here.here("a.example", "1", "s") == 0
    assert await there.here("b.example", "1", "s") == 0
    assert await leased(two[0], "w1-here", 8) == 8
    assert await leased(two[1], "w1-there", 8) == 8
    # Both were heard from just now.
    assert await here.lose(60.0) == ()
    await two[1].write(
        lambda db: db.execute("UPDATE places SET seen_us = seen_us - 61000000 WHERE place = 'there'")
    )
    assert await here.lose(60.0) == ("there",)
    assert await here.lose(60.0) == ()
    left = await two[0].read(
        lambda db: [tuple(row) for row in db.execute("SELECT writer, fetches FROM purses")]
    )
    assert left == [("w1-here", 8)]
    assert await there.here("b.example", "1", "s") == 1
    assert {each.place: each.losses for each in await here.all()} == {"here": 0, "there": 1}


async def test_a_machine_never_loses_itself_nor_one_that_is_back(two):
    here, there = map(Places, two)
    for each, name in ((here, "a"), (there, "b")):
        await each.here(name, "1", "s")
    await leased(two[0], "w1-here", 4)
    await leased(two[1], "w1-there", 4)
    await two[1].write(lambda db: db.execute("UPDATE places SET seen_us = seen_us - 61000000"))
    await there.here("b", "1", "s")
    assert await here.lose(60.0) == ()
    assert await there.lose(60.0) == ("here",)


async def test_times_are_the_servers_own(two):
    here, _ = map(Places, two)
    await here.here("a.example", "9.9", "digest")
    (found,) = await here.all()
    assert (found.machine, found.version, found.settings) == ("a.example", "9.9", "digest")
    assert 0 <= found.silent_us < 60_000_000
    assert found.since_us <= found.seen_us


async def test_of_two_that_change_a_part_at_once_one_stands(two):
    here, there = map(Parts, two)
    assert await here.part("keys") is None
    assert await here.put("keys", 0, b"first")
    assert not await there.put("keys", 0, b"second")
    done = await asyncio.gather(
        *(each.put("keys", 1, octets) for each, octets in ((here, b"a"), (there, b"b")))
    )
    assert sorted(done) == [False, True]
    generation, octets = await there.part("keys")
    assert (generation, octets) == (2, (b"a", b"b")[done.index(True)])
    assert await here.generations() == {"keys": 2}
