"""How two processes of one gateway speak: frames on a stream, calls with answers, and news without.

A frame is four octets of length, most significant first, and that many octets
of one JSON object:

======================================== =====================================
``{"id": 7, "call": "lease", "with": …}``  a call
``{"id": 7, "gives": …}``                  its answer
``{"id": 7, "fails": "why"}``              what was called could not be done
``{"tell": "paid", "with": …}``            news; nobody answers
======================================== =====================================

Both ends may call. Frames arrive in the order they were sent. Both ends are of
one gateway; while an upgrade is taken up, of two versions, so a call or news
that an end does not know is none. A frame that is none of these ends the channel.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

from gateway.problems import StoreUnavailable

log = structlog.get_logger("licet")

_LENGTH: Final = struct.Struct(">I")
_LONGEST: Final = 1 << 26
#: Octets that may wait for an end that does not read; then it is given up.
_BACKLOG: Final = 1 << 26

Answering = Callable[[str, Any], Awaitable[Any]]
Hearing = Callable[[str, Any], None]


class Channel:
    """One end. *answer* does what the other end calls, *hear* takes its news."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        answer: Answering | None = None,
        hear: Hearing | None = None,
    ) -> None:
        """Speak over *reader* and *writer*; nothing is read before `run`."""
        self._reader, self._writer = reader, writer
        self._answer, self._hear = answer, hear
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self.closed = False

    async def call(self, name: str, given: object = None, *, seconds: float = 2.0) -> Any:
        """Have the other end do *name* and return what it gives.

        Raises `StoreUnavailable` where it is gone, says that it could not, or
        has not answered after *seconds*; then it may have been done or not.
        """
        if self.closed:
            raise StoreUnavailable("The other process is gone.")
        self._number += 1
        number = self._number
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._send({"id": number, "call": name, "with": given})
            async with asyncio.timeout(seconds):
                return await waiting
        except TimeoutError:
            raise StoreUnavailable(f"The other process has not answered {name} in {seconds:g} s.") from None
        finally:
            del self._waiting[number]

    def tell(self, name: str, given: object = None) -> None:
        """Send news; without effect once the other end is gone."""
        if not self.closed:
            self._send({"tell": name, "with": given})

    async def drained(self) -> None:
        """Return when the other end has taken most of what was sent."""
        try:
            await self._writer.drain()
        except ConnectionError:
            self.close()

    async def run(self) -> None:
        """Take what comes until either end closes. Every call that waits then fails."""
        try:
            while not self.closed:
                (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
                if length > _LONGEST:
                    break
                self._take(orjson.loads(await self._reader.readexactly(length)))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except (ValueError, KeyError, TypeError):
            log.exception("a channel between two processes broke and is closed")
        finally:
            self.close()

    async def answered(self, seconds: float) -> None:
        """Return when what the other end has called by now is answered, or after *seconds*."""
        if self._answering:
            await asyncio.wait(self._answering, timeout=seconds)

    def close(self) -> None:
        """End the channel. Twice is harmless."""
        self.closed = True
        self._writer.close()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(StoreUnavailable("The other process is gone."))
        for task in self._answering:
            task.cancel()

    def _take(self, frame: dict[str, Any]) -> None:
        if "call" in frame:
            self._spawn(self._answered(frame["id"], frame["call"], frame["with"]))
        elif "tell" in frame:
            if self._hear is not None:
                self._hear(frame["tell"], frame["with"])
        else:
            waiting = self._waiting.get(frame["id"])
            if waiting is None or waiting.done():
                return  # nobody waits any more
            if "fails" in frame:
                waiting.set_exception(StoreUnavailable(frame["fails"]))
            else:
                waiting.set_result(frame["gives"])

    async def _answered(self, number: int, name: str, given: Any) -> None:
        try:
            if self._answer is None:
                raise StoreUnavailable(f"Nothing answers {name} here.")
            gives = await self._answer(name, given)
        except StoreUnavailable as error:
            self._send({"id": number, "fails": str(error)})
        except Exception as error:
            log.exception("a call of another process failed", call=name)
            self._send({"id": number, "fails": f"{name} failed: {type(error).__name__}."})
        else:
            self._send({"id": number, "gives": gives})

    def _spawn(self, act: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(act)
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    def _send(self, frame: dict[str, object]) -> None:
        octets = orjson.dumps(frame)
        transport = self._writer.transport
        # uvloop raises where asyncio only warns: a transport that has closed is not written to.
        if self.closed or transport.is_closing() or transport.get_write_buffer_size() > _BACKLOG:
            self.close()
            return
        self._writer.write(_LENGTH.pack(len(octets)) + octets)


async def asked(path: Path, name: str, given: object = None) -> Any:
    """Call *name* with *given* once at the process that listens at *path*; raises `StoreUnavailable` where none does."""
    try:
        channel = Channel(*await asyncio.open_unix_connection(str(path)))
    except OSError as error:
        raise StoreUnavailable(f"The office is away: {error.strerror or error}.") from None
    running = asyncio.create_task(channel.run())
    try:
        return await channel.call(name, given)
    finally:
        channel.close()
        await running
