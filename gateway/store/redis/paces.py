"""Limits of pace that hold over all workers and machines together.

Each process decides by itself and at once, and tells Redis once a turn what it took;
the answer is what all took, and counts from then on. So a limit of n a second lets
n a second pass over all processes, and beyond that at most what each lets through
before it has heard of the others: what came within the time of one answer, once.
That is paid back, because the count of all goes on above the limit. While Redis is
away each process keeps the limit by itself. Who is refused asks nothing: a process
hears of the others when it lets something through, so at the limit each may let one
more through than there is.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any, Final

from gateway.admission.pace import Pace
from gateway.clock import Clock
from gateway.store.redis.line import RedisLine
from gateway.store.redis.scripts import TAKE

#: Microseconds beyond twice its limit that a key may be ahead: a server whose clock jumps holds nobody for longer.
_BEYOND_US: Final = 10_000_000


class RedisPaces:
    """`app.spreading.Paces` for the processes on one Redis. One object a process."""

    def __init__(self, line: RedisLine, clock: Clock) -> None:
        """Tell over *line*."""
        self._line, self._clock = line, clock

    def pace(self, name: str, per_second: float, burst: int, *, keys: int = 50_000) -> Pace:
        """As `Paces.pace`."""
        shared = _Shared(name, self._line, self._clock)
        shared.pace = Pace(per_second, burst, keys=keys, tell=shared.tell)
        return shared.pace


class _Shared:
    """One limit: what was taken since Redis was last told, by key."""

    pace: Pace

    def __init__(self, name: str, line: RedisLine, clock: Clock) -> None:
        self._name, self._line, self._clock = name, line, clock
        self._taken: Counter[str] = Counter()
        self._told: set[str] = set()

    def tell(self, key: str, taken: int) -> None:
        self._taken[key] += taken
        if key not in self._told:
            self._send(key)

    def _send(self, key: str) -> None:
        """Tell what was taken for *key*; once at a time, and what is taken meanwhile gathers."""
        taken, pace = self._taken.pop(key, 0), self.pace
        if not taken:
            return
        if not self._line.up:
            return  # nobody hears it, and it would be wrong later
        self._told.add(key)
        most = 2 * (pace.slack_us + pace.interval_us) + _BEYOND_US
        given = (taken, pace.interval_us, most)
        self._line.send(TAKE, self._line.key(f"pace {self._name} {key}"), given, partial(self._heard, key))

    def _heard(self, key: str, ahead_us: Any) -> None:
        self._told.discard(key)
        if ahead_us is None:
            self._taken.pop(key, None)
            return
        since = self._taken.get(key, 0) * self.pace.interval_us
        self.pace.learn(key, self._clock.now_us() + int(ahead_us) + since)
        self._send(key)
