"""How fast one visitor may go: the generic cell rate algorithm, in memory.

Each key may send *burst* requests at once and then one every *interval*. State
is bounded: the least recently seen keys are forgotten first, which only ever
makes the limit kinder.
"""

from __future__ import annotations

from collections import OrderedDict


class Pace:
    """A limit of *per_second* requests a key, with *burst* at once. *per_second* 0 is no limit."""

    def __init__(self, per_second: float, burst: int, *, keys: int = 50_000) -> None:
        """Remember at most *keys* keys."""
        self._interval_us = round(1_000_000 / per_second) if per_second else 0
        self._slack_us = self._interval_us * max(burst - 1, 0)
        self._keys = keys
        self._due: OrderedDict[str, int] = OrderedDict()

    def wait(self, key: str, now_us: int) -> int:
        """Take one request for *key*: 0 if it may pass, else whole seconds to wait, at least 1.

        A request that must wait takes nothing, so waiting always helps.
        """
        if not self._interval_us:
            return 0
        due = max(self._due.get(key, 0), now_us)
        early = due - now_us - self._slack_us
        if early > 0:
            return -(-early // 1_000_000)
        self._due[key] = due + self._interval_us
        self._due.move_to_end(key)
        if len(self._due) > self._keys:
            self._due.popitem(last=False)
        return 0

    def give_back(self, key: str) -> None:
        """Undo one request that was taken for *key*, as far as it is remembered."""
        if key in self._due:
            self._due[key] -= self._interval_us
