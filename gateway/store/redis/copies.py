"""What each machine says it has idle of a payer's units: `admission.recalling.Copies` on Redis."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.store.redis.line import RedisLine
from gateway.store.redis.scripts import HOLD


class RedisCopies:
    """One hash a licensee: who has how many, until when. Nothing here is money."""

    def __init__(self, line: RedisLine) -> None:
        """Tell over *line*."""
        self._line = line

    def say(self, licensee: str, place: str, units: int, seconds: int) -> None:
        """As `Copies.say`."""
        self._line.send(HOLD, self._key(licensee), (place, units, seconds * 1000), lambda _: None)

    async def said(self, licensee: str, place: str, units: int, seconds: int) -> Mapping[str, int]:
        """As `Copies.said`."""
        answer = await self._line.ask(HOLD, self._key(licensee), (place, units, seconds * 1000))
        pairs = zip(answer[::2], answer[1::2], strict=True) if answer else ()
        # Whoever can write there can write anything: what is no number says nothing.
        return {
            str(who): int(what)
            for who, what in pairs
            if what.isascii() and what.isdecimal() and len(what) < 10
        }

    def _key(self, licensee: str) -> str:
        return self._line.key(f"idle {licensee}")
