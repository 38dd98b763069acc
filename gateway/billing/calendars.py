"""The calendars of business days that an agreement may name: files of `policies/calendars`.

Each names its zone, the days of the week that are free, holidays, and until when
those are known. A day after that is told as uncertain, and so is every day of a
calendar that is named and not there; it is then counted in weekdays (UTC).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC, date
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from gateway import bundled
from gateway.billing.business_days import WEEKDAYS, Calendar

_WEEK: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, Calendar]:
    """Every calendar that is shipped, by name."""
    files = sorted(bundled.policies("calendars").glob("*.toml"))
    return MappingProxyType({file.stem: _read(file) for file in files})


def named(name: str) -> Calendar:
    """The calendar that an agreement calls *name*, weekdays for "".

    One that is not there is weekdays of which nothing is certain.
    """
    if not name:
        return WEEKDAYS
    return shipped().get(name) or Calendar(name, UTC, known_until=date.min)


def _read(file: Path) -> Calendar:
    found = tomllib.loads(file.read_text())
    return Calendar(
        file.stem,
        ZoneInfo(found["zone"]),
        frozenset(_WEEK.index(day) for day in found["weekend"]),
        frozenset(found["holidays"]),
        found["known_until"],
    )
