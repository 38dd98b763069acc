from __future__ import annotations

from gateway.visitors.replays import Replays


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
