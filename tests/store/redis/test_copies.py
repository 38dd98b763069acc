"""Two machines on one book and one Redis: units that lie idle at one are sold at the other, and what happens when Redis ends meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

import orjson
import pytest

from gateway.admission.recalling import Elsewhere, Recalling
from gateway.admission.spending import Charge, Short
from gateway.billing.postings import prepaid
from gateway.clock import SystemClock
from gateway.money import Money
from gateway.store.memory.spend_book import MemorySpendBook
from gateway.store.memory.tables import Tables
from gateway.store.redis.address import read_address
from gateway.store.redis.copies import RedisCopies
from gateway.store.redis.line import RedisLine, RedisRules
from gateway.store.redis.news import RedisNews
from gateway.store.redis.scripts import HOLD, PROBE
from gateway.tokens.claims import Budget

UNIT = Money(5_000, "USD")
CHARGE = Charge("r", "le_1", "lic_1", UNIT, Budget())


@pytest.fixture(params=["redis", "valkey"])
def server(request, redis_serving):
    with redis_serving(request.param) as one:
        yield one


class Machine:
    """One place that sells: *idle* units of what it leased; *before* is called before each thing that it tells others."""

    def __init__(self, place: str, url: str, book: MemorySpendBook) -> None:
        self.place, self.book, self.idle, self.before = place, book, 0, lambda _kind: None
        self.line = RedisLine(RedisRules(read_address(url), seconds=0.5))
        self.news = RedisNews(self.line)
        self.selling = Recalling(book, self.give_back)
        self.there = self.selling.elsewhere = Elsewhere(
            place, RedisCopies(self.line), self.tell, self.selling.recall, SystemClock()
        )
        self.news.on("recall", partial(self.hear, lambda _, what: self.there.hear_question(what)))
        self.news.on("recalled", partial(self.hear, self.there.hear_answer))

    async def give_back(self, _holder: object, _licensee: str) -> None:
        units, self.idle = self.idle, 0
        if units:
            await self.book.give_back(
                f"front-{self.place}", "lic_1", Money(units * UNIT.micros, "USD"), units
            )
        self.selling.told("till", "le_1", 0)

    async def lease(self, fetches: int) -> int | Short:
        granted = await self.selling.lease(f"front-{self.place}", CHARGE, fetches)
        if isinstance(granted, int):
            self.idle += granted - 1
            self.selling.told("till", "le_1", self.idle)
        return granted

    def tell(self, kind: str, what: object) -> None:
        self.before(kind)
        self.news.tell(kind, orjson.dumps([self.place, what]).decode())

    async def hear(self, act, body: str) -> None:
        place, what = orjson.loads(body)
        if place != self.place:
            act(place, what)


@contextlib.asynccontextmanager
async def two(server, units: int):
    tables = Tables()
    tables.balances[prepaid("le_1"), "USD"] = units * UNIT.micros
    made = [Machine(place, server.url, MemorySpendBook(tables)) for place in ("here", "there")]
    tasks = [asyncio.create_task(run) for each in made for run in (each.line.run(), each.news.run())]
    async with asyncio.timeout(20):
        for each in made:
            await each.line.known.wait()
            assert each.line.up
    yield *made, tables
    for each in made:
        await each.there.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def set_aside(tables: Tables) -> int:
    return sum(purse.fetches for purse in tables.purses.values())


async def spread(here: Machine, there: Machine) -> int:
    """Have *here* hold idle units and *there* buy what is left; how many *there* bought."""
    assert await here.lease(8) == 4
    assert await here.line.ask(PROBE, here.line.key("probe"), ()) == 1, "and what was said of it is there"
    return sum([int(await there.book.lease("front-there", CHARGE, 1)) for _ in range(12)])


async def test_what_lies_idle_at_one_machine_is_sold_at_the_other(server) -> None:
    async with two(server, 16) as (here, there, tables):
        bought = await spread(here, there)
        assert (here.idle, bought) == (3, 12)
        assert [await there.lease(1) for _ in range(3)] == [1, 1, 1]
        assert here.idle == 0
        assert await there.lease(1) == await here.lease(1) == Short("credit", Money(0, "USD"))
        assert set_aside(tables) == 16


@pytest.mark.parametrize(
    "step", ["before it is asked", "before the question", "before the answer", "after it"]
)
async def test_redis_ends_at_each_step_and_no_unit_is_lost_or_sold_twice(server, step: str) -> None:
    async with two(server, 16) as (here, there, tables):
        await spread(here, there)

        def ends(at: str, kind: str) -> None:
            if kind == at:
                server.stop()

        if step == "before it is asked":
            server.stop()
        there.before, here.before = (
            partial(ends, "recall" if step == "before the question" else ""),
            partial(ends, "recalled" if step == "before the answer" else ""),
        )
        first = await there.lease(1)
        if step == "after it":
            server.stop()
        came_back = step in {"before the answer", "after it"}
        assert first == (1 if came_back else Short("credit", Money(0, "USD"))), step
        assert here.idle == (0 if came_back else 3)
        # Three came back, of which one was sold at once.
        assert set_aside(tables) == (14 if came_back else 16)
        # What nobody could be asked for comes when it rests, and Redis has no part in that.
        await here.give_back("till", "le_1")
        while await there.lease(1) == 1:
            pass
        assert set_aside(tables) == 16


async def test_what_is_no_number_says_nothing_and_another_who_writes_there_sells_nothing(server) -> None:
    async with two(server, 2) as (here, there, tables):
        key = here.line.key("idle le_1")
        said = (("a", "-3"), ("b", "1e9"), ("c", "٣"), ("d", ""), ("e", "9" * 50), ("f", "4 2"))
        for place, what in said:
            await here.line.ask(HOLD, key, (place, what, 60_000))
        assert await RedisCopies(here.line).said("le_1", "here", 1, 60) == {"here": 1}
        await here.line.ask(HOLD, key, ("nobody", "100", 60_000))
        assert [await there.lease(1) for _ in range(3)] == [1, 1, Short("credit", Money(0, "USD"))]
        assert set_aside(tables) == 2
