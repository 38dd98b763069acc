"""How long whoever fails to sign in waits: nothing for a few times, then twice as long each time, up to a limit. No clock.

One is kept for addresses and one for accounts. The second would let a stranger
keep an owner out, so it is short, and it does not count for an address from
which that account was signed in to before.
"""

from __future__ import annotations

from collections import OrderedDict


class Slowing:
    """Failures by key. After *free* of them the wait is *first_s* seconds, doubled each time up to *most_s*."""

    def __init__(self, free: int, first_s: int, most_s: int, *, keys: int = 10_000) -> None:
        """Remember at most *keys* keys, the latest to fail."""
        self._free, self._first, self._most, self._keys = free, first_s, most_s, keys
        self._failed: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def wait(self, key: str, now_us: int) -> int:
        """Whole seconds that *key* still waits at *now_us*; 0 where it may try."""
        times, last_us = self._failed.get(key, (0, 0))
        if times < self._free:
            return 0
        seconds = min(self._first << min(times - self._free, 20), self._most)
        return max(0, -(-(last_us + seconds * 1_000_000 - now_us) // 1_000_000))

    def failed(self, key: str, now_us: int) -> None:
        """Count one failure of *key*; what lies a day back is forgotten."""
        times, last_us = self._failed.get(key, (0, 0))
        if now_us - last_us > 86_400_000_000:
            times = 0
        self._failed[key] = times + 1, now_us
        self._failed.move_to_end(key)
        if len(self._failed) > self._keys:
            self._failed.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forget the failures of *key*."""
        self._failed.pop(key, None)
