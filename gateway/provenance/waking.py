"""Waking those who wait: the thread that writes, and the coroutines it answers."""

from __future__ import annotations

import asyncio
import contextlib
import queue
from collections.abc import Callable, Generator, Iterable
from typing import Any

from gateway.problems import StoreUnavailable
from gateway.stepping import Signal


class Doorbell:
    """Wakes the one thread that rests on it: at once for what is urgent, else once a little has gathered.

    `ring` may be called from any thread, after the work was queued. *urgent* is
    set by an urgent ring; the thread clears it before it takes what is queued.
    """

    def __init__(self, linger_seconds: float) -> None:
        """Let work that is not urgent gather for *linger_seconds* from its first ring on."""
        self.urgent = False
        self._linger = linger_seconds
        self._rings: queue.SimpleQueue[None] = queue.SimpleQueue()
        # How deep the thread sleeps. 0: awake, looks by itself. 1: lingers, only an urgent ring wakes it. 2: asleep.
        self._depth = 0

    def ring(self, *, urgent: bool) -> None:
        """Say that something was queued. Cheap where the thread is awake anyway."""
        if urgent:
            self.urgent = True
        if self._depth > (0 if urgent else 1):
            self._depth = 0
            self._rings.put(None)

    def rest(self, idle: Callable[[], bool], seconds: float) -> bool:
        """Rest until there is work, which *idle* denies; False where *seconds* passed without any.

        May return a little early, and then without work.
        """
        # Depth is set before the look, and the work queued before the ring: one of the two sees the other.
        self._depth = 2
        rung = not idle() or self._heard(seconds)
        self._depth = 1
        if rung and not self.urgent:
            self._heard(self._linger)
        self._depth = 0
        return rung

    def _heard(self, seconds: float) -> bool:
        try:
            self._rings.get(timeout=seconds)
        except queue.Empty:
            return False
        return True


class Waiter:
    """Awaited once, on the event loop on which it was made: returns when all went well, else raises `StoreUnavailable`.

    A request that is driven by hand (`stepping`) goes on in the very call that
    wakes its batch.
    """

    __slots__ = ("_failure", "_signal", "loop")

    def __init__(self) -> None:
        """Wait for `answer`."""
        self.loop = asyncio.get_running_loop()
        self._signal = Signal()
        self._failure = ""

    def tell(self, failure: str) -> None:
        """Let go on whoever waits, on its event loop; *failure* is "" where all went well."""
        self._failure = failure
        self._signal.fire()

    def __await__(self) -> Generator[Any, None, None]:
        """Wait to be told."""
        yield from self._signal.__await__()
        if self._failure:
            raise StoreUnavailable(self._failure)


def answer(waiters: Iterable[Waiter], failure: str) -> None:
    """Wake *waiters*, with one call into each event loop; *failure* is "" where all went well."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Waiter]] = {}
    for waiter in waiters:
        by_loop.setdefault(waiter.loop, []).append(waiter)
    for loop, group in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(_wake, group, failure)


def _wake(waiters: list[Waiter], failure: str) -> None:
    for waiter in waiters:
        try:
            waiter.tell(failure)
        except Exception as error:  # noqa: BLE001 - the others of the batch go on all the same
            told = {"message": "what was woken broke", "exception": error}
            waiter.loop.call_exception_handler(told)
