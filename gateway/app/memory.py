"""How much of the machine's memory a process has to itself (Linux, ``/proc/PID/smaps_rollup``)."""

from __future__ import annotations

import re
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
