"""What one office tells the others, and what each does when it hears."""

from __future__ import annotations

import asyncio
import contextlib
from types import SimpleNamespace

from gateway.app import neighbors
from gateway.app.neighbors import Ears, Neighbors
from gateway.store.memory.news import MemoryBoard, MemoryNews


class Office:
    """An office that writes down what it does."""

    def __init__(self, *digests: str) -> None:
        self.done: list[object] = []
        self.shelf = SimpleNamespace(policies=[SimpleNamespace(digest=each) for each in digests])

    def ears(self) -> Ears:
        def look() -> None:
            self.done.append("look")

        async def files() -> None:
            self.done.append("files")

        return Ears(look, files, self.done.append, lambda: self.shelf)


@contextlib.asynccontextmanager
async def speaking(monkeypatch, **offices: Office):
    """Offices by the place of each, which speak with each other."""
    board, made = MemoryBoard(), {}
    monkeypatch.setattr(neighbors, "place_of", lambda config: config)
    monkeypatch.setattr("gateway.store.redis.news.RedisNews", lambda _: MemoryNews(board))
    monkeypatch.setattr(neighbors, "HOLD_SECONDS", 0.02)

    async def told():
        raise OSError

    spreading = SimpleNamespace(line=SimpleNamespace(told=told, up=True, reason=""))
    for place, office in offices.items():
        made[place] = Neighbors(place, spreading, office.ears())
    tasks = [asyncio.create_task(each.run()) for each in made.values()]
    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def until(holds) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


async def test_the_others_look_and_learn_and_oneself_does_not(monkeypatch) -> None:
    here, there = Office("p1"), Office("p1")
    async with speaking(monkeypatch, here=here, there=there) as made:
        made["here"].tell("revoked")
        made["here"].tell("paid", [{"key": "k", "paid_at": 1}])
        made["here"].tell("policies")
        await until(lambda: len(there.done) == 4)
        assert there.done == ["look", [{"key": "k", "paid_at": 1}], "look", "files"]
        assert here.done == []


async def test_who_has_other_policies_is_named_until_it_has_not(monkeypatch) -> None:
    here, there = Office("p1", "p2"), Office("p2", "p1")
    async with speaking(monkeypatch, here=here, there=there) as made:
        await asyncio.sleep(0.1)
        assert made["here"].status() == {}, "their order is no difference"
        there.shelf.policies.pop()
        await until(lambda: made["here"].status())
        assert made["here"].status() == {"gateway there": "has other policies in force than this one"}
        here.shelf.policies = there.shelf.policies
        await until(lambda: not made["here"].status())


async def test_a_line_that_is_down_is_said_and_nobody_is_harmed_without_one(monkeypatch) -> None:
    async with speaking(monkeypatch, here=Office()) as made:
        made["here"]._spreading.line.up, made["here"]._spreading.line.reason = False, "it is full"
        assert made["here"].status() == {"redis": "it is full"}
    alone = Neighbors("here", None, Office().ears())
    await alone.run()
    alone.tell("revoked")
    assert alone.status() == {}
