"""Marks that are used once, in memory: `visitors.replays.SharedMarks`."""

from __future__ import annotations

import time
from typing import Final

_LEAST: Final = 60


class MemoryMarks:
    """Marks of one process."""

    def __init__(self) -> None:
        """Know none."""
        self._first: dict[str, tuple[str, float]] = {}

    async def taken(self, mark: str, request: str, seconds: int) -> bool | None:
        """As `SharedMarks.taken`."""
        now = time.monotonic()
        first = self._first.get(mark)
        if first is None or first[1] < now:
            self._first[mark] = (request, now + max(seconds, _LEAST))
            return False
        return first[0] != request
