"""No ring is missed, and only what is not urgent lingers."""

from __future__ import annotations

import asyncio
import threading
from collections import deque

import pytest

from gateway.problems import StoreUnavailable
from gateway.provenance.waking import Doorbell, answer

NEVER = 3600.0


def test_an_urgent_ring_ends_the_longest_linger() -> None:
    bell = Doorbell(NEVER)
    queued: deque[str] = deque()
    woken: list[bool] = []
    thread = threading.Thread(target=lambda: woken.append(bell.rest(lambda: not queued, NEVER)))
    thread.start()
    for word, urgent in (("slow", False), ("slow", False), ("at once", True)):
        assert not woken
        queued.append(word)
        bell.ring(urgent=urgent)
    thread.join(30)
    assert woken == [True]
    assert list(queued) == ["slow", "slow", "at once"]


def test_what_was_queued_before_the_rest_is_not_slept_over() -> None:
    bell = Doorbell(0)
    bell.ring(urgent=False)
    assert bell.rest(lambda: False, NEVER)
    urgent = Doorbell(NEVER)
    urgent.ring(urgent=True)
    assert urgent.rest(lambda: False, NEVER)


def test_without_a_ring_the_rest_ends_and_says_so() -> None:
    assert not Doorbell(NEVER).rest(lambda: True, 0)


def test_a_linger_ends_by_itself() -> None:
    assert Doorbell(0.001).rest(lambda: False, NEVER)


@pytest.mark.parametrize("linger", [0.0, 0.0001])
def test_whatever_two_threads_queue_is_taken(linger) -> None:
    bell, queued, taken = Doorbell(linger), deque(), 0

    def ring(urgent: bool) -> None:
        for number in range(3000):
            queued.append(number)
            bell.ring(urgent=urgent)

    ringers = [threading.Thread(target=ring, args=(urgent,)) for urgent in (True, False)]
    for ringer in ringers:
        ringer.start()
    while taken < 6000:
        assert bell.rest(lambda: not queued, 30), "a ring was missed"
        bell.urgent = False
        while queued:
            queued.popleft()
            taken += 1
    for ringer in ringers:
        ringer.join()


async def test_every_waiter_is_answered_and_a_gone_one_disturbs_nobody() -> None:
    loop = asyncio.get_running_loop()
    well, gone, failed = loop.create_future(), loop.create_future(), loop.create_future()
    gone.cancel()
    await asyncio.to_thread(answer, [well, gone], "")
    await asyncio.to_thread(answer, [failed], "The disk is full.")
    assert await well is None
    with pytest.raises(StoreUnavailable, match="The disk is full"):
        await failed
