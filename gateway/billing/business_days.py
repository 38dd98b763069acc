"""Days on which banks work, and the moment at which a payment that was agreed in such days is late. Pure.

A calendar is data: a zone, the days of the week that are free, the holidays,
and until when those are known. It is named in an agreement; nothing is guessed
of a country. A moment is in whole seconds since the epoch; the day it falls on
is the one of the calendar's zone. The day of a trigger is never counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

_DAY: Final = timedelta(days=1)
#: A row of free days longer than this is a mistake in the calendar.
_LONGEST_REST: Final = 366


class CalendarError(ValueError):
    """A calendar leaves no day to work on; the sentence says which."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The business days of one place.

    Attributes:
        name: as an agreement names it.
        zone: whose midnight begins a day, such as ``zoneinfo.ZoneInfo("Europe/Berlin")``.
        weekend: days of the week that are free, 0 for Monday.
        holidays: dates that are free besides.
        known_until: the last date whose holidays are known; None where there are none to know.
    """

    name: str
    zone: tzinfo = UTC
    weekend: frozenset[int] = frozenset({5, 6})
    holidays: frozenset[date] = frozenset()
    known_until: date | None = None

    def __post_init__(self) -> None:
        """Refuse a week without a day to work on."""
        if not self.weekend < frozenset(range(7)):
            raise CalendarError(f"{self.name} has days of the week that are none, or no business day")

    def is_business_day(self, day: date) -> bool:
        """Whether banks work on *day*, by the holidays that are known."""
        return day.weekday() not in self.weekend and day not in self.holidays

    def knows(self, day: date) -> bool:
        """Whether the holidays up to *day* are known."""
        return self.known_until is None or day <= self.known_until

    def day_of(self, at: int) -> date:
        """The date in this calendar's zone at second *at*."""
        return datetime.fromtimestamp(at, UTC).astimezone(self.zone).date()

    def ends_at(self, day: date) -> int:
        """The second at which *day* is over: the first one of the next day in this zone, however long it was."""
        after = day + _DAY
        return int(datetime(after.year, after.month, after.day, tzinfo=self.zone).timestamp())


#: Monday to Friday in UTC without a holiday: what holds where an agreement names no calendar.
WEEKDAYS: Final = Calendar("weekdays (UTC)")


def business_days_after(at: int, days: int, calendar: Calendar) -> date:
    """The *days*-th business day after the day of second *at*; with 0 that day, or the first business day after it.

    Raises `CalendarError` where a whole year has none.
    """
    day = calendar.day_of(at)
    if not days:
        return on_or_after(day, calendar)
    for _ in range(days):
        day = on_or_after(day + _DAY, calendar)
    return day


def on_or_after(day: date, calendar: Calendar) -> date:
    """*day* if it is a business day, else the next one. Raises `CalendarError` where a whole year has none."""
    for _ in range(_LONGEST_REST):
        if calendar.is_business_day(day):
            return day
        day += _DAY
    raise CalendarError(f"{calendar.name} has no business day in the year before {day}")
