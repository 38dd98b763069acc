"""Steps by age: the boundary second, dates to come, no date, and that nothing is ever dearer than the first price."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.money import Money
from gateway.terms.ages import DAY, AgeStep, at_age, check_steps, days_old, lowered, reached


def usd(micros):
    return Money(micros, "USD")


STEPS = (AgeStep(30, usd(4_000)), AgeStep(365, usd(0)))


@pytest.mark.parametrize(
    ("published_at", "now", "micros"),
    [
        (0, 0, 20_000),
        (0, 30 * DAY - 1, 20_000),
        (0, 30 * DAY, 4_000),
        (0, 365 * DAY - 1, 4_000),
        (0, 365 * DAY, 0),
        (400 * DAY, 0, 20_000),
        (None, 10**12, 20_000),
    ],
    ids=["now", "a second early", "on the second", "a second early", "on the second", "to come", "no date"],
)
def test_a_step_is_reached_on_its_second(published_at, now, micros):
    assert at_age(usd(20_000), STEPS, days_old(published_at, now)) == usd(micros)


@pytest.mark.parametrize(
    "steps",
    [
        (AgeStep(0, usd(1)),),
        (AgeStep(9, usd(20_000)),),
        (AgeStep(9, usd(5)), AgeStep(9, usd(4))),
        (AgeStep(9, usd(5)), AgeStep(10, usd(5))),
    ],
)
def test_steps_that_do_not_go_down_later_are_refused(steps):
    with pytest.raises(ValueError, match="later"):
        check_steps(usd(20_000), steps)


prices = st.integers(0, 10**6).map(usd)
steps = st.lists(st.builds(AgeStep, st.integers(1, 500), prices), max_size=5).map(
    lambda found: lowered(sorted(found, key=lambda each: each.from_days), usd(10**6 + 1))
)
days = st.none() | st.integers(0, 1000)


@given(prices, steps, days, days)
def test_no_age_makes_a_price_higher_and_a_later_one_never_dearer(price, by_age, one, other):
    first, second = at_age(price, by_age, one), at_age(price, by_age, other)
    assert max(first, second) <= price
    if (one or 0) <= (other or 0):
        assert second <= first


@given(st.none() | st.integers(0, 10**10), st.integers(0, 10**10), st.integers(0, 10**9))
def test_whoever_waits_never_pays_more(published_at, now, later):
    early, late = (at_age(usd(9), STEPS, days_old(published_at, at)) for at in (now, now + later))
    assert late <= early


@given(prices, st.lists(st.builds(AgeStep, st.integers(1, 500), prices), max_size=5))
def test_what_is_kept_of_steps_goes_down(price, found):
    kept = lowered(sorted(found, key=lambda each: each.from_days), price)
    assert [each.per_fetch for each in kept] == sorted({each.per_fetch for each in kept}, reverse=True)
    assert all(each.per_fetch < price for each in kept)
    assert reached(kept, None) is None
