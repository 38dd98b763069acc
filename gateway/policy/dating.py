"""When a page was published, as far as its address or the creator's own server says so. Pure.

A work says how its pages are dated, in one way or both:

=============================== ==================================================
``dated = "/news/%Y/%m/%d/"``   the address: a pattern that the canonical path begins
                                with, ``%Y`` four digits, ``%m`` and ``%d`` two each.
                                Several can be given; the first that fits decides
``dated_by = "last-modified"``  a header field of the answer of the creator's own
                                server, known once that has answered: an HTTP date
                                (RFC 9110, section 5.6.7), or a date or moment of
                                RFC 3339 with its offset
=============================== ==================================================

*Which moment.* A day is its first second in UTC, whatever the creator's clocks
say; a month its last day, a year its last day, so that nothing counts as older
than it may be. A moment with an offset is that moment. What is no date of the
calendar, and a page that no pattern fits, has no date, and counts as new. Where
both ways tell a date, the older one holds, because it is the cheaper.

*Why only at the beginning of the path.* Many servers serve one page under its
address with anything behind it. Were the date looked for anywhere, whoever asks
could write an old one behind the address of a new page.

*How much it is worth.* The address is the creator's own, and the date in it does
not move when a page is edited. ``Last-Modified`` does, and a server that makes
pages afresh says the present: such a page is new, and costs the first price.
Nothing that a visitor sends is looked at.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

_FIELDS: Final = {"%Y": r"(?P<year>[0-9]{4})", "%m": r"(?P<month>[0-9]{2})", "%d": r"(?P<day>[0-9]{2})"}
_LONGEST: Final = 64
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_HTTP: Final = re.compile(
    r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Dating:
    """How the pages of a work are dated: by *patterns* of their paths, by *field* of the answer (lower case), or "" ."""

    patterns: tuple[str, ...] = ()
    field: str = ""


UNDATED: Final = Dating()


def trouble_of(pattern: str) -> str:
    """What is wrong with *pattern* as a sentence, or "" if pages can be dated by it."""
    parts = re.findall(r"%.?", pattern)
    if not pattern.startswith("/") or len(pattern) > 200 or not pattern.isprintable():
        return "begin with a slash: it is how the path of a page begins"
    if set(parts) - _FIELDS.keys() or len(set(parts)) != len(parts):
        return "of percent signs write only %Y, %m and %d, each once"
    if "%Y" not in parts or ("%d" in parts and "%m" not in parts):
        return "name the year as %Y, and the month as %m where there is a day"
    return ""


def dated_by_path(dating: Dating, path: str) -> int | None:
    """When the page at canonical *path* was published, in seconds since the epoch; None if *path* does not say."""
    for pattern in dating.patterns:
        found = _compiled(pattern).match(path)
        if found is not None:
            told = {name: int(digits) for name, digits in found.groupdict().items()}
            return _first_second(told["year"], told.get("month"), told.get("day"))
    return None


def dated_by_field(value: str) -> int | None:
    """The moment that *value* of a header field says, in seconds since the epoch; None for whatever is no date."""
    text = value.strip()
    if len(text) > _LONGEST:
        return None
    try:
        if _DATE.fullmatch(text):
            return _seconds(datetime.fromisoformat(text).replace(tzinfo=UTC))
        if _MOMENT.fullmatch(text):
            return _seconds(datetime.fromisoformat(text.upper()))
        return _seconds(parsedate_to_datetime(text)) if _HTTP.fullmatch(text) else None
    except (ValueError, OverflowError):
        return None


def _seconds(moment: datetime) -> int | None:
    seconds = int(moment.timestamp())
    return max(seconds, 0)


def _first_second(year: int, month: int | None, day: int | None) -> int | None:
    try:
        last = day or monthrange(year, month or 12)[1]
        return max(
            0, int(datetime.combine(date(year, month or 12, last), datetime.min.time(), UTC).timestamp())
        )
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(%[Ymd])", pattern)
    return re.compile("".join(_FIELDS.get(part) or re.escape(part) for part in parts), re.ASCII)
