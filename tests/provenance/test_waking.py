"""No ring is missed, and only what is not urgent lingers."""

from __future__ import annotations

import asyncio
import threading
from collections import deque

import pytest

from gateway.problems import StoreUnavailable
from gateway.provenance.waking import Doorbell, Waiter, answer
from gateway.stepping import Run

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
    well, gone, failed = Waiter(), Waiter(), Waiter()
    waits = [asyncio.ensure_future(_told(waiter)) for waiter in (well, gone, failed)]
    await asyncio.sleep(0)
    waits[1].cancel()
    await asyncio.to_thread(answer, [gone, well], "")
    await asyncio.to_thread(answer, [failed], "The disk is full.")
    assert await waits[0] is None
    with pytest.raises(StoreUnavailable, match="The disk is full"):
        await waits[2]
    assert waits[1].cancelled()


async def test_what_is_told_before_anybody_waits_is_not_lost() -> None:
    early = Waiter()
    early.tell("")
    assert await early is None
    late = Waiter()
    late.tell("The disk is full.")
    with pytest.raises(StoreUnavailable, match="The disk is full"):
        await late


async def test_one_that_breaks_when_it_is_woken_leaves_the_others_to_go_on() -> None:
    loop, told = asyncio.get_running_loop(), list[str]()
    loop.set_exception_handler(lambda _, context: told.append(context["message"]))
    breaking, well = Waiter(), Waiter()

    def broke(_: Run[None]) -> None:
        raise RuntimeError("whoever started it cannot go on")

    Run(broke).start(_told(breaking))
    wait = asyncio.ensure_future(_told(well))
    await asyncio.sleep(0)
    await asyncio.to_thread(answer, [breaking, well], "")
    assert await wait is None
    assert told == ["what was woken broke"]


async def _told(waiter: Waiter) -> None:
    await waiter
