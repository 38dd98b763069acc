"""Order, retries, and nobody held up by another."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from gateway.event import event
from gateway.outbox.courier import DISABLED, Courier, Outcome, Said
from gateway.outbox.endpoints import Endpoint, Reach
from gateway.outbox.schedule import DELAYS
from gateway.problems import StoreUnavailable
from gateway.store.memory.endpoints import MemoryEndpoints
from gateway.store.memory.events import Happened

OK = Outcome(Said.TOLD, 200)
DOWN = Outcome(Said.LATER, 500, "status 500")


class Receiver:
    """A transport that answers as it is told to: by endpoint, by default with success; *open* holds answers back."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.answers: dict[str, Outcome | Exception] = {}
        self.open = asyncio.Event()
        self.open.set()
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    async def tell(self, endpoint, happening):
        for key in ("all", endpoint.licensee):
            self.now[key] += 1
            self.most[key] = max(self.most[key], self.now[key])
        try:
            await self.open.wait()
        finally:
            for key in ("all", endpoint.licensee):
                self.now[key] -= 1
        self.heard.append((endpoint.id, happening.event.subject))
        answer = self.answers.get(endpoint.id, OK)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def by(self, id):
        return [subject for endpoint, subject in self.heard if endpoint == id]


class Post:
    def __init__(self, clock) -> None:
        self.clock, self.happened, self.receiver = clock, Happened(), Receiver()
        self.endpoints = MemoryEndpoints(self.happened)
        self.courier = self.another()

    def another(self):
        """A courier of a process that starts anew on the same stores."""
        return Courier(
            self.happened,
            self.endpoints,
            {"https": self.receiver},
            self.clock,
            lambda: len(self.happened.kept()),
        )

    @property
    def now(self):
        return self.clock.now_us() // 1_000_000

    async def add(self, id, licensee="le_1", **changes):
        site = "journal" if licensee else ""
        made = Endpoint(id, licensee, site, "", f"https://{id}.example/", (), self.now, Reach.ON)
        await self.endpoints.add(replace(made, **changes), 99)

    def happen(self, *subjects, licensee="le_1", type="negotiation.offered"):
        self.happened.keep(
            event(type, at=self.now, site="journal", licensee=licensee, subject=each, body={})
            for each in subjects
        )

    async def rounds(self, number=1):
        for _ in range(number):
            await self.courier.round()
            await self.courier.idle()


@pytest.fixture
async def post(clock):
    made = Post(clock)
    yield made
    await made.courier.stop()


async def test_each_hears_what_is_meant_for_it_in_order_and_once(post):
    await post.add("we_1")
    await post.add("we_2", "le_2")
    await post.add("we_own", "")
    await post.add("we_some", types=("contract.*",))
    post.happen("a", "b", "c")
    post.happen("d", licensee="le_2")
    post.happen("e", type="contract.signed")
    await post.rounds(3)
    assert post.receiver.by("we_1") == ["a", "b", "c", "e"]
    assert post.receiver.by("we_2") == ["d"]
    assert post.receiver.by("we_own") == ["a", "b", "c", "d", "e"]
    assert post.receiver.by("we_some") == ["e"]
    assert not await post.endpoints.due(post.now, 9)


async def test_more_than_are_read_at_once_are_told_all(post):
    await post.add("we_1", "")
    await post.add("we_none", "", types=("contract.*",))
    names = [f"ne_{number}" for number in range(200)]
    post.happen(*names)
    await post.rounds(10)
    assert post.receiver.by("we_1") == names
    assert post.receiver.by("we_none") == []
    assert not await post.endpoints.due(post.now, 9)


async def test_what_fails_is_tried_again_before_anything_that_came_later(post):
    await post.add("we_1")
    await post.add("we_2")
    post.receiver.answers["we_1"] = DOWN
    post.happen("a", "b")
    await post.rounds(2)
    assert post.receiver.by("we_1") == ["a"], "not again before its time, and b not before a"
    assert post.receiver.by("we_2") == ["a", "b"], "the other is not held up"
    found = await post.endpoints.get("we_1")
    assert (found.tries, found.why) == (1, "status 500")
    assert found.next_at - post.now == DELAYS[0]
    del post.receiver.answers["we_1"]
    post.clock.advance(DELAYS[0] + 1)
    await post.rounds()
    assert post.receiver.by("we_1") == ["a", "a", "b"]
    assert (await post.endpoints.get("we_1")).tries == 0
    first = (await post.endpoints.deliveries(9, endpoint="we_1"))[-1]
    assert (first.tries, first.status, first.done) == (2, 200, True)


async def test_after_the_last_delay_it_is_off_an_event_says_so_and_it_goes_on_where_it_was(post):
    await post.add("we_1")
    await post.add("we_own", "")
    post.receiver.answers["we_1"] = DOWN
    post.happen("a", "b")
    began = post.now
    while (await post.endpoints.get("we_1")).reach is Reach.ON:
        await post.rounds()
        post.clock.advance(max((await post.endpoints.next_at(post.now) or 0) - post.now, 1))
    assert post.receiver.by("we_1") == ["a"] * (len(DELAYS) + 1)
    assert 3 * 86_400 < post.now - began < 4 * 86_400
    await post.rounds()
    assert post.receiver.by("we_own") == ["a", "b", "we_1"]
    told = (await post.happened.after(0, 9))[-1].event
    assert (told.type, told.licensee, told.body["why"]) == (DISABLED, "le_1", "failing")
    assert told.body["untold"] == (await post.happened.after(0, 9))[0].event.id
    post.receiver.answers.clear()
    await post.endpoints.hurry("we_1")
    post.receiver.heard.clear()
    await post.rounds(2)
    assert post.receiver.by("we_1") == ["a", "b", "we_1"]


async def test_whoever_says_that_nobody_is_there_is_asked_no_more(post):
    await post.add("we_1")
    post.receiver.answers["we_1"] = Outcome(Said.GONE, 410, "status 410")
    post.happen("a", "b")
    await post.rounds(3)
    post.clock.advance(10**6)
    await post.rounds()
    assert post.receiver.by("we_1") == ["a"]
    assert (await post.endpoints.get("we_1")).reach is Reach.OFF
    assert [each.event.type for each in await post.happened.after(2, 9)] == [DISABLED]


async def test_what_can_never_be_told_is_passed_over(post):
    await post.add("we_1")
    post.receiver.answers["we_1"] = Outcome(Said.NEVER, why="no such mailbox")
    post.happen("a", "b")
    await post.rounds(2)
    assert post.receiver.by("we_1") == ["a", "b"]
    assert [each.done for each in await post.endpoints.deliveries(9)] == [False, False]


async def test_who_dies_while_telling_tells_it_again(post):
    await post.add("we_1")
    post.happen("a", "b")
    post.receiver.open.clear()
    await post.courier.round()
    await asyncio.sleep(0)
    await post.courier.stop()
    post.receiver.open.set()
    post.courier = post.another()
    await post.rounds()
    assert post.receiver.by("we_1") == ["a", "b"]


async def test_few_are_told_at_once_and_the_operator_waits_for_none_of_them(post):
    post.receiver.open.clear()
    for number in range(30):
        for which in range(4):
            await post.add(f"we_{number}_{which}", f"le_{number}")
        post.happen(f"s{number}", licensee=f"le_{number}")
    await post.add("we_own", "")
    await post.courier.round()
    await asyncio.sleep(0)
    await post.courier.round()
    await asyncio.sleep(0)
    assert post.receiver.most["all"] == 17
    assert max(post.receiver.most[f"le_{number}"] for number in range(30)) == 2
    assert post.receiver.now["all"] == 17
    post.receiver.open.set()
    await post.courier.idle()
    await post.rounds(40)
    assert len(post.receiver.heard) == 30 * 4 + 30
    assert not await post.endpoints.due(post.now, 99)


async def test_one_that_is_removed_or_switched_off_meanwhile_hears_nothing_more(post):
    await post.add("we_1")
    await post.add("we_2")
    post.happen("a", "b", "c")
    post.receiver.open.clear()
    await post.courier.round()
    await asyncio.sleep(0)
    await post.endpoints.remove("we_1")
    await post.endpoints.switch_off("we_2", "by hand")
    post.receiver.open.set()
    await post.courier.idle()
    assert sorted(post.receiver.heard) == [("we_1", "a"), ("we_2", "a")]


async def test_an_odd_endpoint_stops_no_other(post):
    await post.add("we_1")
    await post.add("we_2")
    post.receiver.answers["we_1"] = RuntimeError("odd")
    post.happen("a", "b")
    await post.rounds()
    assert post.receiver.by("we_2") == ["a", "b"]


async def test_it_runs_by_itself_and_outlives_a_store_that_is_down(post, monkeypatch):
    await post.add("we_1")
    down = [True]

    async def due(*given, **named):
        if down.pop() if down else False:
            raise StoreUnavailable("the disk is full")
        return await MemoryEndpoints.due(post.endpoints, *given, **named)

    monkeypatch.setattr(post.endpoints, "due", due)
    running = asyncio.create_task(post.courier.run())
    try:
        for name in ("a", "b"):
            post.happen(name)
            async with asyncio.timeout(20):
                while name not in post.receiver.by("we_1"):
                    await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert post.receiver.by("we_1") == ["a", "b"]
