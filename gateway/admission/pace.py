"""How fast one visitor may go: the generic cell rate algorithm, in memory.

Each key may send *burst* requests at once and then one every *interval*. State
is bounded: the least recently seen keys are forgotten first, which only ever
makes the limit kinder. A limit that several processes share is one each keeps
for itself and tells the others of: deciding never waits, and what passes
before the others have heard of it is paid back by all of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable


class Pace:
    """A limit of *per_second* requests a key, with *burst* at once. *per_second* 0 is no limit."""

    def __init__(
        self,
        per_second: float,
        burst: int,
        *,
        keys: int = 50_000,
        tell: Callable[[str, int], None] | None = None,
    ) -> None:
        """Remember at most *keys* keys; *tell* hears of each request that was taken for a key (1) or given back (-1)."""
        self._tell = tell
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
        if self._tell is not None:
            self._tell(key, 1)
        return 0

    def give_back(self, key: str) -> None:
        """Undo one request that was taken for *key*, as far as it is remembered."""
        if key in self._due:
            self._due[key] -= self._interval_us
            if self._tell is not None:
                self._tell(key, -1)

    @property
    def interval_us(self) -> int:
        """Microseconds between two requests of a key; 0 where there is no limit."""
        return self._interval_us

    @property
    def slack_us(self) -> int:
        """Microseconds that a key may be ahead of its pace."""
        return self._slack_us

    def learn(self, key: str, due_us: int) -> None:
        """Hear that all processes together have used up *key* until *due_us*; what is less than known here says nothing."""
        if due_us > self._due.get(key, due_us):
            self._due[key] = due_us
