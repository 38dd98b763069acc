"""What each says it has idle of a payer's units, within one process: `admission.recalling.Copies`."""

from __future__ import annotations

import time
from collections.abc import Mapping


class MemoryCopies:
    """One object for all who speak with each other."""

    def __init__(self) -> None:
        """Hold nothing."""
        self._said: dict[str, dict[str, tuple[int, float]]] = {}

    def say(self, licensee: str, place: str, units: int, seconds: int) -> None:
        """As `Copies.say`."""
        self._said.setdefault(licensee, {})[place] = (units, time.monotonic() + seconds)

    async def said(self, licensee: str, place: str, units: int, seconds: int) -> Mapping[str, int]:
        """As `Copies.said`."""
        self.say(licensee, place, units, seconds)
        now = time.monotonic()
        return {who: has for who, (has, until) in self._said[licensee].items() if until > now}
