"""When something that failed is tried again: a pure rule."""

from __future__ import annotations

import hashlib
from typing import Final

#: Seconds from one attempt to the next; some three days in all.
DELAYS: Final = (5, 30, 120, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 50_400, 72_000, 86_400)
#: By how many hundredths at most a delay is longer, so that not everybody comes back in one second.
_JITTER: Final = 10


def next_try(tries: int, seed: str) -> int | None:
    """Whole seconds to wait after *tries* attempts that all failed, or None when it is given up.

    Each delay is longer than the one before, whatever *seed* adds to them: by a
    tenth at most, the same for the same *seed* and *tries*.

    >>> [next_try(tries, "") for tries in (1, 2, 3, 99)]
    [5, 32, 125, None]
    """
    if not 0 < tries <= len(DELAYS):
        return None
    delay = DELAYS[tries - 1]
    drawn = int.from_bytes(hashlib.sha256(f"{seed}\x1f{tries}".encode()).digest()[:4])
    return delay + delay * _JITTER * drawn // (100 << 32)
