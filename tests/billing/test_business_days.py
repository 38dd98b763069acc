"""Days on which banks work: ends of months, holidays, zones, clocks that are put forward."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.business_days import (
    WEEKDAYS,
    Calendar,
    CalendarError,
    business_days_after,
    on_or_after,
)

BERLIN = Calendar(
    "Berlin banks",
    ZoneInfo("Europe/Berlin"),
    holidays=frozenset(
        {date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1), date(2026, 12, 25), date(2027, 1, 1)}
    ),
    known_until=date(2027, 12, 31),
)
GULF = Calendar("Friday and Saturday", weekend=frozenset({4, 5}))


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("trigger", "days", "calendar", "expected"),
    [
        ("2026-01-29T12:00", 1, WEEKDAYS, "2026-01-30"),
        ("2026-01-30T12:00", 1, WEEKDAYS, "2026-02-02"),  # over a weekend and the end of a month
        ("2026-02-28T12:00", 1, WEEKDAYS, "2026-03-02"),  # begins on a Saturday
        ("2028-02-28T12:00", 1, WEEKDAYS, "2028-02-29"),  # a leap day is a day
        ("2026-03-31T12:00", 3, BERLIN, "2026-04-07"),  # Good Friday, the weekend, Easter Monday
        ("2026-04-30T12:00", 1, BERLIN, "2026-05-04"),  # a holiday on a Friday
        ("2026-12-24T12:00", 5, BERLIN, "2027-01-04"),  # over the year, two holidays
        ("2026-01-01T12:00", 0, WEEKDAYS, "2026-01-01"),
        ("2026-01-03T12:00", 0, WEEKDAYS, "2026-01-05"),
        ("2026-01-01T12:00", 1, GULF, "2026-01-04"),  # Thursday; Sunday is a business day
        # Half past eleven at night in London is the next day in Berlin, in winter and in summer.
        ("2026-01-29T23:30", 1, WEEKDAYS, "2026-01-30"),
        ("2026-01-29T23:30", 1, BERLIN, "2026-02-02"),
        ("2026-07-29T21:59:59", 1, BERLIN, "2026-07-30"),
        ("2026-07-29T22:00", 1, BERLIN, "2026-07-31"),
    ],
)
def test_the_nth_business_day_after(trigger, days, calendar, expected):
    assert business_days_after(at(trigger), days, calendar).isoformat() == expected


def test_a_day_ends_at_midnight_of_its_zone_however_long_it_is():
    assert WEEKDAYS.ends_at(date(2026, 2, 28)) == at("2026-03-01T00:00")
    lengths = {
        day: BERLIN.ends_at(day) - BERLIN.ends_at(day - timedelta(days=1))
        for day in (date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 25))
    }
    assert [length // 3600 for length in lengths.values()] == [24, 23, 25]
    assert BERLIN.day_of(BERLIN.ends_at(date(2026, 3, 29))) == date(2026, 3, 30)
    assert BERLIN.day_of(BERLIN.ends_at(date(2026, 3, 29)) - 1) == date(2026, 3, 29)


def test_until_when_holidays_are_known():
    assert WEEKDAYS.knows(date(2999, 1, 1))
    assert BERLIN.knows(date(2027, 12, 31))
    assert not BERLIN.knows(date(2028, 1, 1))


@pytest.mark.parametrize("weekend", [frozenset(range(7)), frozenset({7}), frozenset({-1})])
def test_a_week_without_a_business_day_is_refused(weekend):
    with pytest.raises(CalendarError):
        Calendar("none", weekend=weekend)


def test_a_year_of_holidays_ends():
    first = date(2026, 1, 1)
    rest = Calendar("closed", holidays=frozenset(first + timedelta(days=nth) for nth in range(800)))
    with pytest.raises(CalendarError, match="closed"):
        on_or_after(first, rest)


holidays = st.frozensets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=40)


@given(holidays, st.integers(at("2026-01-01T00:00"), at("2027-06-01T00:00")), st.integers(0, 30))
def test_exactly_so_many_business_days_lie_between(holidays, trigger, days):
    calendar = Calendar("any", ZoneInfo("Pacific/Auckland"), holidays=holidays)
    begins, found = calendar.day_of(trigger), business_days_after(trigger, days, calendar)
    between = [begins + timedelta(days=nth) for nth in range(1, (found - begins).days + 1)]
    assert calendar.is_business_day(found)
    assert found >= begins
    counted = sum(map(calendar.is_business_day, between))
    # With 0 the day itself may be the one; after that each day counts once.
    assert counted == days if days else counted == (found > begins)
    # From a free day on, the day itself (0) and the first one after it (1) are the same.
    assert (business_days_after(trigger, days + 1, calendar) > found) == bool(
        days or calendar.is_business_day(begins)
    )
