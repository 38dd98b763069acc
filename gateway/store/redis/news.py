"""News from one gateway to all others on the same Redis: heard at once, and by looking twice a second where the bell fails.

News stands in a stream that keeps the last `KEPT`; whoever writes there rings on a
channel, and who hears the bell reads on from where it was. The bell may be lost, the
stream may begin anew; so everybody also looks by itself, and all news may be told
twice. What a gateway tells, it hears too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from gateway.problems import StoreUnavailable
from gateway.store.redis.line import FAILURES, RedisLine
from gateway.store.redis.scripts import HOLD, READ, TELL

log = structlog.get_logger("licet")

#: News that are kept for those who were away.
KEPT: Final = 4096
#: Seconds between two looks.
_LOOK: Final = 0.5
_ONCE: Final = 512

Told = Callable[[str], Awaitable[None]]


class RedisNews:
    """`app.neighbors.Bulletin` for the gateways on one Redis. One object a gateway."""

    def __init__(self, line: RedisLine) -> None:
        """Speak over *line*; nothing is heard before `run`."""
        self._line = line
        self._key, self._channel = line.key("news"), line.key("news", ":bell")
        self._hears: dict[str, Told] = {}
        self._after = "0-0"
        self._bell = asyncio.Event()
        self._gathered: list[tuple[str, str]] = []
        self._telling = False

    def on(self, kind: str, told: Told) -> None:
        """From now on *told* is called with the body of news of *kind*, one after the other."""
        self._hears[kind] = told

    def tell(self, kind: str, body: str = "") -> None:
        """Tell all gateways; without effect while Redis is away. What one turn tells is one script."""
        if not self._line.up:
            return
        self._gathered.append((kind, body))
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_soon(self._send)

    async def hold(self, place: str, what: str, seconds: int) -> dict[str, str]:
        """Say that *place* has *what* in force for *seconds*; what every place has, {} while Redis is away."""
        said = await self._line.ask(HOLD, self._line.key("held"), (place, what, seconds * 1000))
        return dict(zip(said[::2], said[1::2], strict=True)) if said else {}

    async def run(self) -> None:
        """Listen and look until canceled."""
        bells = asyncio.create_task(self._listen())
        try:
            while True:
                with_more = await self._look()
                if not with_more:
                    await self._rung()
        finally:
            bells.cancel()
            await asyncio.gather(bells, return_exceptions=True)

    def _send(self) -> None:
        self._telling = False
        told, self._gathered = self._gathered, []
        given = [each for pair in told for each in pair]
        self._line.send(TELL, self._key, (self._channel, KEPT, *given), lambda _: None)

    async def _rung(self) -> None:
        try:
            async with asyncio.timeout(_LOOK):
                await self._bell.wait()
        except TimeoutError:
            return
        finally:
            self._bell.clear()

    async def _listen(self) -> None:
        while True:
            try:
                async with self._line.rings(self._channel) as rings:
                    self._bell.set()
                    async for _ in rings:
                        self._bell.set()
            except FAILURES:
                # The line says why; until the bell works again there are the looks.
                pass
            await asyncio.sleep(_LOOK)

    async def _look(self) -> bool:
        """Read on, and whether there may be more."""
        answer = await self._line.ask(READ, self._key, (self._after, _ONCE))
        if answer is None:
            return False
        after, found = answer
        for _, fields in found:
            await self._hear(dict(zip(fields[::2], fields[1::2], strict=False)))
        self._after = str(after)
        return len(found) == _ONCE

    async def _hear(self, told: dict[str, Any]) -> None:
        hears = self._hears.get(str(told.get("kind", "")))
        if hears is None:
            return
        try:
            await hears(str(told.get("body", "")))
        except StoreUnavailable as error:
            log.warning("news could not be acted on", kind=told["kind"], reason=str(error))
        except Exception:
            # Others wrote it: one odd piece must not end hearing.
            log.exception("news could not be understood", kind=told["kind"])
