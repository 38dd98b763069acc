"""Limits of pace that several share within one process: `app.spreading.Paces`."""

from __future__ import annotations

from gateway.admission.pace import Pace


class MemoryPaces:
    """Makes limits; whoever asks for the same name gets the same one."""

    def __init__(self) -> None:
        """Know none."""
        self._made: dict[str, Pace] = {}

    def pace(self, name: str, per_second: float, burst: int, *, keys: int = 50_000) -> Pace:
        """As `Paces.pace`."""
        return self._made.setdefault(name, Pace(per_second, burst, keys=keys))
