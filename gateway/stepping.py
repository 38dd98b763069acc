"""Coroutines driven by hand: a request that waits for nothing costs no task, and one that waits is woken in place.

A `Run` takes a coroutine as far as it goes at once. What it then waits for is
either a `Signal`, which continues it in the call that fires it, or a future of
the event loop, which continues it as a task would be. So the path of a request
is one coroutine, read from top to bottom, and still answers inside the callback
in which its octets arrived.

Inside a run nothing may be used that asks for the current task (`asyncio.timeout`,
`asyncio.wait_for`): deadlines belong to the connection whose octets are awaited
(`Watch`). The same coroutine may run in a task as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, Protocol, TypeVar

_T = TypeVar("_T")
#: The run whose coroutine is being stepped, innermost; one event loop has one thread.
_running: Run[Any] | None = None


class Run(Generic[_T]):
    """Drives coroutines, one after the other. *done* is called with the run whenever one has ended."""

    __slots__ = ("_cancelled", "_coroutine", "_done", "_stepping", "_waits", "error", "result")

    def __init__(self, done: Callable[[Run[_T]], None]) -> None:
        """Drive nothing yet."""
        self._coroutine: Coroutine[Any, Any, _T] | None = None
        self._done = done
        self._waits: Signal | asyncio.Future[Any] | None = None
        self._stepping = False
        self._cancelled = False
        self.result: _T | None = None
        self.error: BaseException | None = None

    @property
    def active(self) -> bool:
        """Whether a coroutine is on its way."""
        return self._coroutine is not None

    def start(self, coroutine: Coroutine[Any, Any, _T]) -> None:
        """Take *coroutine* as far as it goes without waiting; the one before has ended."""
        self._coroutine = coroutine
        self.error = None
        self._step(None)

    def cancel(self) -> None:
        """Raise `asyncio.CancelledError` where it waits; nothing where it has ended."""
        waits = self._waits
        if waits is None:
            self._cancelled = self._stepping
        elif isinstance(waits, Signal):
            waits.forget()
            self._step(asyncio.CancelledError())
        elif not waits.cancel() and not waits.cancelled():
            self._cancelled = True  # what it waits for is here already; it goes on to its next wait

    def wake(self) -> None:
        """Go on: what was waited for has come."""
        self._step(None)

    def _woken(self, _: asyncio.Future[Any]) -> None:
        self._step(None)

    def _step(self, error: BaseException | None) -> None:
        global _running  # noqa: PLW0603 - as asyncio knows its current task
        coroutine = self._coroutine
        assert coroutine is not None
        outer, _running = _running, self
        self._waits, self._stepping = None, True
        try:
            awaited = coroutine.send(None) if error is None else coroutine.throw(error)
            while self._cancelled and isinstance(awaited, Signal):
                self._cancelled = False
                awaited.forget()
                awaited = coroutine.throw(asyncio.CancelledError())
            if self._cancelled:
                self._cancelled = False
                awaited.cancel()  # and is woken by that: whoever makes it must learn of it too
            self._waits = awaited
            if not isinstance(awaited, Signal):
                # What a future yields to its task, a run answers like a task.
                awaited._asyncio_future_blocking = False  # noqa: SLF001
                awaited.add_done_callback(self._woken)
            return
        except StopIteration as end:
            self.result = end.value
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as broke:  # noqa: BLE001 - handed to whoever started it
            self.error = broke
        finally:
            _running = outer
            self._stepping = False
        self._coroutine, self._cancelled = None, False
        self._done(self)


class Signal:
    """Lets one waiter go on. Firing it without a waiter is remembered for the next."""

    __slots__ = ("_fired", "_waiter")

    def __init__(self) -> None:
        """Wait to be fired."""
        self._fired = False
        self._waiter: Run[Any] | asyncio.Future[None] | None = None

    def fire(self) -> None:
        """Let the waiter go on, a run at once and a task in the loop's next turn."""
        waiter, self._waiter = self._waiter, None
        if waiter is None:
            self._fired = True
        elif isinstance(waiter, Run):
            waiter.wake()
        elif not waiter.done():
            waiter.set_result(None)

    def forget(self) -> None:
        """Nobody waits any more."""
        self._waiter = None

    def __await__(self) -> Generator[Any, None, None]:
        """Return when it is fired, at once if it was fired already."""
        if self._fired:
            self._fired = False
            return
        if _running is not None:
            self._waiter = _running
            yield self
        else:
            future = self._waiter = asyncio.get_running_loop().create_future()
            try:
                yield from future
            finally:
                if self._waiter is future:
                    self._waiter = None


class Watched(Protocol):
    """Something with a deadline on the event loop's clock; infinity where it has none."""

    deadline: float

    def late(self) -> None:
        """The deadline has passed."""
        ...


class Watch:
    """One coarse clock for many deadlines: every *tick* seconds it looks at all of them.

    A timer for each request would cost more than the request's decision; a
    deadline that is noticed a tick late costs nobody anything.
    """

    def __init__(self, tick: float) -> None:
        """Watch nothing yet."""
        self.watched: set[Watched] = set()
        self._tick = tick
        self._timer: asyncio.TimerHandle | None = None

    def add(self, one: Watched) -> None:
        """Watch *one* until it is discarded."""
        self.watched.add(one)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._tick, self._look)

    def discard(self, one: Watched) -> None:
        """Watch *one* no longer."""
        self.watched.discard(one)

    def close(self) -> None:
        """Stop looking."""
        self.watched.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for one in [one for one in self.watched if one.deadline <= now]:
            if one.deadline > now or one not in self.watched:
                continue  # what ended before it has changed it
            try:
                one.late()
            except Exception as error:  # noqa: BLE001 - the clock goes on for all others
                told = {"message": "what was late could not be ended", "exception": error}
                loop.call_exception_handler(told)
        self._timer = loop.call_later(self._tick, self._look) if self.watched else None
