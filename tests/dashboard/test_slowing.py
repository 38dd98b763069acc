"""Waiting grows with failures, ends with success, and is bounded."""

from __future__ import annotations

from gateway.dashboard.slowing import Slowing

SECOND = 1_000_000


def test_waiting_doubles_up_to_its_limit():
    slowing, now, waits = Slowing(2, 10, 60), 0, []
    for _ in range(7):
        waits.append(slowing.wait("a", now))
        now += slowing.wait("a", now) * SECOND
        assert slowing.wait("a", now) == 0
        slowing.failed("a", now)
    assert waits == [0, 0, 10, 20, 40, 60, 60]
    assert slowing.wait("b", now) == 0
    slowing.succeeded("a")
    assert slowing.wait("a", now) == 0


def test_a_part_of_a_second_is_waited_for_whole():
    slowing = Slowing(0, 1, 1)
    slowing.failed("a", 0)
    assert slowing.wait("a", 1) == 1
    assert slowing.wait("a", SECOND) == 0


def test_a_day_later_it_begins_anew_and_what_is_remembered_is_bounded():
    slowing = Slowing(1, 10, 60, keys=2)
    slowing.failed("a", 0)
    slowing.failed("a", 100_000 * SECOND)
    assert slowing.wait("a", 100_000 * SECOND) == 10
    slowing.failed("b", 0)
    slowing.failed("c", 0)
    assert slowing.wait("a", 100_000 * SECOND) == 0
    assert slowing.wait("b", 0) == 10
