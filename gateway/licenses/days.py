"""Whole days of UTC that a memo or a dossier is about: read from a word, told in whole seconds. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

#: What stands where nobody chose.
USUAL: Final = "30d"
_BACK: Final = re.compile(r"([1-9][0-9]{0,3})d", re.ASCII)
_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)
_DAYS: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.\.([0-9]{4}-[0-9]{2}-[0-9]{2})", re.ASCII)
_DAY: Final = 86_400
_SENTENCE: Final = "a period is 30d (days back), a month such as 2026-11, or 2026-11-01..2026-11-15"


class NotDays(ValueError):
    """What was written is no period; the sentence says what one looks like."""


def read_days(text: str, now: int) -> tuple[int, int]:
    """The first second of *text*'s days and the first after them; *now* in whole seconds.

    ``30d`` is today and the 29 days before; of ``a..b`` both days are included.

    >>> read_days("2026-11", 0), read_days("1d", 86_400 * 3 + 7)
    ((1793491200, 1796083200), (259200, 345600))
    """
    back, month, days = _BACK.fullmatch(text), _MONTH.fullmatch(text), _DAYS.fullmatch(text)
    if back:
        until = (now // _DAY + 1) * _DAY
        return max(0, until - int(back[1]) * _DAY), until
    try:
        if month:
            first = date(int(month[1]), int(month[2]), 1)
            return _span(first, (first + timedelta(days=32)).replace(day=1))
        if days:
            first, last = date.fromisoformat(days[1]), date.fromisoformat(days[2])
            if last < first:
                raise NotDays("the second day of a period cannot be before the first")
            return _span(first, last + timedelta(days=1))
    except NotDays:
        raise
    except (ValueError, OverflowError):
        pass
    raise NotDays(_SENTENCE)


def _span(first: date, after: date) -> tuple[int, int]:
    if first.year < 1970:
        raise NotDays("a period begins in 1970 or later")
    since, until = (
        int(datetime(each.year, each.month, each.day, tzinfo=UTC).timestamp()) for each in (first, after)
    )
    return since, until
