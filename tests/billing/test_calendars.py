"""Calendars that agreements name: what the shipped files say, and what is told of a name that is not there."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from gateway.billing.business_days import WEEKDAYS, business_days_after
from gateway.billing.calendars import named, shipped
from gateway.billing.dues import Facts, dues_of
from gateway.licenses.license import License
from gateway.money import Money
from gateway.policy.milestones import CALENDARS
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Scope


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_the_names_that_a_policy_may_write_are_those_that_are_shipped():
    assert tuple(shipped()) == CALENDARS
    assert named("") is WEEKDAYS


@pytest.mark.parametrize(
    ("name", "free", "open"),
    [
        # Easter of 2027 is on 28 March; 1 May 2027 is a Saturday.
        ("target", ["2027-03-26", "2027-03-29", "2026-12-25"], ["2027-03-25", "2027-03-30", "2026-12-28"]),
        # 4 July 2027 is a Sunday and kept on Monday; 19 June 2027 is a Saturday and kept on no other day.
        ("us-federal-reserve", ["2027-07-05", "2026-11-26", "2027-01-18"], ["2027-06-18", "2027-07-06", "2026-11-27"]),
    ],
)  # fmt: skip
def test_holidays(name, free, open):
    calendar = named(name)
    assert not any(calendar.is_business_day(date.fromisoformat(day)) for day in free)
    assert all(calendar.is_business_day(date.fromisoformat(day)) for day in open)
    assert calendar.knows(date(2035, 12, 31))
    assert not calendar.knows(date(2036, 1, 1))


def test_a_name_that_is_not_there_is_weekdays_of_which_nothing_is_certain():
    calendar = named("../../etc/passwd")
    assert business_days_after(at("2026-01-02"), 1, calendar) == date(2026, 1, 5)
    assert not calendar.knows(date(2026, 1, 5))


@pytest.mark.parametrize(
    ("signed", "calendar", "days", "due_on"),
    [
        # The last second of a month in UTC is the next day in Berlin: Good Friday, then Easter Monday, are free.
        ("2026-03-31 23:59:59", "target", 1, "2026-04-02"), ("2026-04-02 12:00", "target", 1, "2026-04-07"),
        ("2026-04-02 12:00", "", 1, "2026-04-03"), ("2026-04-02 12:00", "target", 0, "2026-04-02"),
        # In New York it is still Wednesday, 25 November; Thanksgiving is free.
        ("2026-11-26 03:00", "us-federal-reserve", 1, "2026-11-27"),
        ("2026-11-26 03:00", "us-federal-reserve", 10, "2026-12-10"),
        ("2028-02-28 10:00", "", 1, "2028-02-29"), ("2026-12-24 22:59", "target", 1, "2026-12-28"),
        ("2026-12-24 23:00", "target", 1, "2026-12-28"),
    ],
)  # fmt: skip
def test_what_is_due_is_paid_in_the_days_and_the_calendar_of_the_terms(signed, calendar, days, due_on):
    price = Compensation("USD", upfront=Money(5, "USD"), payment_days=days, calendar=calendar)
    terms = LicenseTerms(Scope((), ()), Purpose(frozenset()), price)
    license = License("li_1", "le_1", "journal", "", terms, "p", at(signed), at(signed) + 10**7)
    (due,) = dues_of(license, Facts(), license.starts_at, license.ends_at).items
    assert (due.due_on.isoformat(), due.certain) == (due_on, True)
