"""How numbers, times and commands are said to people, on a terminal as on a page."""

from __future__ import annotations

import time
from pathlib import Path

#: The data folder of a command that is told no other one.
DATA = Path("licet-data")


def moment(seconds: int) -> str:
    """A time as people read it, or "-" for none: ``2026-11-24 19:38:09Z``."""
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(seconds)) if seconds else "-"


def counted(number: int, one: str, more: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "entry", "entries"), counted(2, "entry", "entries"), counted(2, "day")
    ('1 entry', '2 entries', '2 days')
    """
    return f"{number} {one if number == 1 else more or one + 's'}"


def with_data(command: str, data: Path) -> str:
    """*command* as it must be typed for the data folder at hand.

    >>> with_data("licet doctor", DATA), with_data("licet doctor", Path("/srv/licet"))
    ('licet doctor', 'licet doctor --data /srv/licet')
    """
    return command if data == DATA else f"{command} --data {data}"
