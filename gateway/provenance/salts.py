"""Random salts, taken from the kernel many at a time.

Each is handed out once, in whatever thread, and never in two processes: a child
that is forked draws its own.
"""

from __future__ import annotations

import os
from typing import Final

from gateway.provenance.record import SALT_BYTES

_AT_ONCE: Final = 128
_stock: list[bytes] = []
os.register_at_fork(after_in_child=_stock.clear)


def fresh_salt() -> bytes:
    """`SALT_BYTES` random octets that nothing else has."""
    try:
        return _stock.pop()  # one step of the interpreter: no two threads get the same
    except IndexError:
        drawn = os.urandom(SALT_BYTES * _AT_ONCE)
        salts = [drawn[at : at + SALT_BYTES] for at in range(0, len(drawn), SALT_BYTES)]
        last = salts.pop()
        _stock.extend(salts)
        return last
