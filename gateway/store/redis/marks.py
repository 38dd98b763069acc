"""Marks that are used once, over all workers and machines: `visitors.replays.SharedMarks` on Redis."""

from __future__ import annotations

from typing import Final

from gateway.store.redis.line import RedisLine
from gateway.store.redis.scripts import CLAIM

#: A mark is kept for this many milliseconds at least: a clock that is behind must not forget it at once.
_LEAST_MS: Final = 60_000


class RedisMarks:
    """Gives each mark to the first request that shows it."""

    def __init__(self, line: RedisLine) -> None:
        """Ask over *line*."""
        self._line = line

    async def taken(self, mark: str, request: str, seconds: int) -> bool | None:
        """Whether *mark* is another request's than *request*; None where Redis does not say.

        From now on it belongs to the first, for *seconds*.
        """
        kept_ms = max(seconds * 1000, _LEAST_MS)
        answer = await self._line.ask(CLAIM, self._line.key(f"mark {mark}"), (request, kept_ms))
        return None if answer is None else bool(int(answer))
