from __future__ import annotations

from gateway.store.memory.marks import MemoryMarks
from gateway.visitors.replays import CLOCKS_SECONDS, Replays


def test_a_mark_belongs_to_the_first_request_until_it_lapses() -> None:
    replays = Replays()
    assert not replays.used_before("m", "one", 100, 10)
    assert not replays.used_before("m", "one", 100, 10), "deciding one request again is no replay"
    assert replays.used_before("m", "two", 100, 10)
    assert replays.used_before("m", "two", 100, 100)
    assert not replays.used_before("m", "two", 200, 101)
    assert replays.used_before("m", "one", 200, 101)


def test_what_has_lapsed_makes_room_first() -> None:
    replays = Replays(most=8)
    for number in range(4):
        replays.used_before(f"old{number}", "r", 50, 10)
    for number in range(4):
        replays.used_before(f"new{number}", "r", 500, 10)
    replays.used_before("one more", "r", 500, 100)
    assert all(replays.used_before(f"new{number}", "x", 500, 100) for number in range(4))


def test_it_is_bounded() -> None:
    replays = Replays(most=8)
    for number in range(1000):
        replays.used_before(f"m{number}", "r", 500, 10)
    assert len(replays._used) <= 8
    assert replays.used_before("m999", "x", 500, 10)
    assert not replays.used_before("m0", "x", 500, 10)


def test_other_processes_are_told_once_and_what_they_tell_counts() -> None:
    told = []
    here, there = Replays(tell=lambda *news: told.append(news)), Replays()
    here.used_before("m", "one", 100, 10)
    here.used_before("m", "one", 100, 10)
    here.used_before("m", "two", 100, 10)
    assert told == [("m", 100)]
    there.learn(*told[0], 10)
    assert there.used_before("m", "two", 100, 10)
    here.learn("m", 100, 10)
    assert not here.used_before("m", "one", 100, 10), "the first request stays the first"


async def test_a_mark_that_is_known_anywhere_is_used() -> None:
    marks = MemoryMarks()
    here, there, alone = Replays(shared=marks), Replays(shared=marks), Replays()
    assert not await here.used_anywhere("m", "one", 100, 10)
    assert not await here.used_anywhere("m", "one", 100, 10)
    assert await there.used_anywhere("m", "two", 100, 10)
    assert await there.used_anywhere("m", "three", 100, 10), "now it is known there too"
    assert await here.used_anywhere("m", "two", 100, 10)
    assert not await alone.used_anywhere("m", "two", 100, 10)


async def test_it_is_kept_for_gateways_whose_clocks_are_behind() -> None:
    asked = []

    class Marks:
        async def taken(self, mark: str, request: str, seconds: int) -> bool | None:
            asked.append(seconds)
            return None

    replays = Replays(shared=Marks())
    assert not await replays.used_anywhere("m", "one", 100, 10), "who cannot say says no"
    assert not await replays.used_anywhere("n", "one", 10, 100)
    assert asked == [90 + CLOCKS_SECONDS, CLOCKS_SECONDS]
