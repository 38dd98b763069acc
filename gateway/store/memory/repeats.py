"""`desk.once.Repeats` in memory."""

from __future__ import annotations

from dataclasses import replace

from gateway.desk.once import KEPT_SECONDS, Stood


class MemoryRepeats:
    """Requests that carried a key."""

    def __init__(self) -> None:
        """Start empty."""
        self._stood: dict[str, tuple[int, Stood]] = {}

    async def begin(self, name: str, fingerprint: str, at: int) -> Stood:
        """Keep *fingerprint* unless something stands there; see `Repeats.begin`."""
        self._stood = {each: kept for each, kept in self._stood.items() if kept[0] > at - KEPT_SECONDS}
        return self._stood.setdefault(name, (at, Stood(fingerprint)))[1]

    async def finish(self, name: str, sealed: bytes) -> None:
        """Keep the answer."""
        if name in self._stood:
            at, stood = self._stood[name]
            self._stood[name] = (at, replace(stood, sealed=sealed))
