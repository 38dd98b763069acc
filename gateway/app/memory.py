"""How much of the machine's memory a process has to itself (Linux, ``/proc/PID/smaps_rollup``)."""

from __future__ import annotations

import contextlib
import gc
import re
from collections.abc import Iterator
from pathlib import Path

_PSS = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)


def proportional_bytes(pid: int) -> int:
    """The process's proportional set size: its own pages, and its share of those it shares; 0 if not known."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    found = _PSS.search(text)
    return int(found[1]) * 1024 if found else 0


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage while the block imports: that stays, and looking at it again and again is an eighth of a start."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def rarely_collected() -> None:
    """Have the garbage collector pass over what a process made at its start, and look at the rest less often.

    A request leaves no cycles behind, and what is made at the start (catalog,
    networks, modules) stays; looking at all of it again and again was a
    seventh of a busy front's time.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 20, 50)
