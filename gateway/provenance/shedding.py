"""Counting what the journal gave up, until it can be told there."""

from __future__ import annotations

import threading

from uuid_utils import uuid7

from gateway.provenance.record import ShedNote


class ShedCount:
    """How many entries were given up, by site and reason. For any thread."""

    def __init__(self) -> None:
        """Begin with none."""
        self.total = 0
        self._lock = threading.Lock()
        self._since: dict[tuple[str, str], tuple[int, int]] = {}

    def add(self, site: str, reason: str, now_us: int) -> None:
        """Count one more."""
        with self._lock:
            count, since_us = self._since.get((site, reason), (0, now_us))
            self._since[site, reason] = count + 1, since_us
            self.total += 1

    @property
    def untold(self) -> int:
        """How many no note tells of yet."""
        return sum(count for count, _ in list(self._since.values()))

    def notes(self, now_us: int) -> list[ShedNote]:
        """One note per site and reason of what no note tells of yet; from here on they are told."""
        if not self._since:
            return []
        with self._lock:
            told, self._since = self._since, {}
        return [
            ShedNote(str(uuid7()), now_us, since_us, count, reason, site)
            for (site, reason), (count, since_us) in told.items()
        ]
