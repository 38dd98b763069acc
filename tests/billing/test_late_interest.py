"""Interest on what is paid late: by the day, of each part until it was paid, rounded once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.late_interest import Paid, late_interest
from gateway.money import Money

DUE_ON = date(2026, 1, 30)
DUE = Money(365_000_000, "USD")


def on(text, micros):
    return Paid(Money(micros, "USD"), date.fromisoformat(text))


@pytest.mark.parametrize(
    ("paid", "until", "expected"),
    [
        ([], "2026-01-30", 0), ([], "2026-01-29", 0),
        # Ten percent of 365 a year are 0.1 a day.
        ([], "2026-01-31", 100_000), ([], "2026-03-01", 3_000_000), ([], "2027-01-30", 36_500_000),
        ([on("2026-01-30", 365_000_000)], "2026-12-31", 0), ([on("2026-02-01", 365_000_000)], "2026-12-31", 200_000),
        ([on("2026-02-09", 182_500_000)], "2026-02-19", 500_000 + 1_000_000),
        ([on("2026-02-09", 182_500_000), on("2026-02-19", 900_000_000)], "2026-12-31", 1_500_000),
        ([on("2026-03-09", 365_000_000)], "2026-02-01", 200_000),
    ],
)  # fmt: skip
def test_each_part_bears_it_until_the_day_on_which_it_was_paid(paid, until, expected):
    assert late_interest(DUE, DUE_ON, paid, 1_000, date.fromisoformat(until)).micros == expected


def test_a_leap_day_is_a_day_and_the_year_has_365():
    assert late_interest(DUE, date(2028, 2, 28), [], 1_000, date(2028, 3, 1)).micros == 200_000


def test_another_currency_pays_nothing():
    with pytest.raises(ValueError, match="not paid in EUR"):
        late_interest(DUE, DUE_ON, [Paid(Money(1, "EUR"), DUE_ON)], 1_000, DUE_ON)


@given(
    st.integers(0, 10**12), st.integers(0, 10_000), st.integers(-5, 400),
    st.lists(st.tuples(st.integers(0, 10**12), st.integers(-5, 400)), max_size=4),
)  # fmt: skip
def test_paying_more_or_sooner_never_costs_more(due, points, until, parts):
    paid = [Paid(Money(micros, "USD"), DUE_ON + timedelta(days)) for micros, days in parts]
    last = DUE_ON + timedelta(until)
    whole = late_interest(Money(due, "USD"), DUE_ON, paid, points, last).micros
    assert 0 <= whole <= late_interest(Money(due, "USD"), DUE_ON, paid[1:], points, last).micros
    sooner = [Paid(each.amount, each.on - timedelta(1)) for each in paid]
    assert late_interest(Money(due, "USD"), DUE_ON, sooner, points, last).micros <= whole
    assert late_interest(Money(due, "USD"), DUE_ON, paid, points, last + timedelta(1)).micros >= whole
