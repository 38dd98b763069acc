"""What time it is, handed in: the only module that asks the machine."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two readings of time; a test hands in its own."""

    def now_us(self) -> int:
        """Microseconds since 1970-01-01T00:00:00Z, never less than before."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that nobody can set; only differences mean anything."""
        ...


class SystemClock:
    """The machine's clock, which does not run backwards here.

    When the wall clock is stepped back, `now_us` goes on from the latest time
    it has told by the monotonic clock, until the wall clock has caught up:
    an expired token stays expired (design, "clock stepped back").
    """

    def __init__(self) -> None:
        """Anchor the monotonic estimate to the wall clock of this moment."""
        self._anchor_us = time.time_ns() // 1000
        self._anchor_mono = time.monotonic_ns()

    def now_us(self) -> int:
        """Return the later of the wall clock and the monotonic estimate."""
        mono = time.monotonic_ns()
        estimate = self._anchor_us + (mono - self._anchor_mono) // 1000
        wall = time.time_ns() // 1000
        if wall > estimate:
            self._anchor_us, self._anchor_mono = wall, mono
            return wall
        return estimate

    def monotonic(self) -> float:
        """Seconds of `time.monotonic`."""
        return time.monotonic()


class HandClock:
    """A clock that stands still until it is told; for tests and replays."""

    def __init__(self, now_us: int = 1_795_000_000_000_000) -> None:
        """Start at *now_us* microseconds since the epoch."""
        self.wall_us = now_us
        self.mono = 1000.0

    def now_us(self) -> int:
        """Return the time it was set to."""
        return self.wall_us

    def monotonic(self) -> float:
        """Return the monotonic reading it was set to."""
        return self.mono

    def advance(self, seconds: float) -> None:
        """Move both readings forward by *seconds*."""
        self.wall_us += round(seconds * 1_000_000)
        self.mono += seconds
