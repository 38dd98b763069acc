"""Where an entry belongs once periods are closed: to exactly one period, whatever was closed when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.closing import END, Window, following, late_from, preceding, windows
from gateway.billing.statements import Period

MONTHS = [f"2026-{month:02}" for month in range(1, 9)]
OPEN = Period.parse("2026-09")


def test_months_around_a_year():
    assert preceding(Period.parse("2026-01")).name == "2025-12"
    assert following(Period.parse("2026-12")).name == "2027-01"
    assert windows(Period.parse("1000-01"), {}) == (
        Window(Period.parse("1000-01").since_us, Period.parse("1000-01").until_us, 0, END),
    )


@given(
    st.dictionaries(st.sampled_from(MONTHS), st.integers(1, 40), max_size=8),
    st.sampled_from(MONTHS),
    st.integers(1, 50),
)
def test_an_entry_belongs_to_exactly_one_period_and_to_none_that_was_closed_before_it(closes, home, seq):
    if seq in closes.values():
        return
    at = Period.parse(home).since_us + 5
    every = [Period.parse(name) for name in MONTHS] + [OPEN]
    holding = [
        (period, window) for period in every for window in windows(period, closes) if window.holds(at, seq)
    ]
    assert len(holding) == 1
    ((period, window),) = holding
    assert closes.get(period.name, END) > seq
    assert window.late == (period.name != home)
    between = MONTHS[MONTHS.index(home) : MONTHS.index(period.name) if period is not OPEN else None]
    assert all(closes.get(name, END) < seq for name in between)


@given(st.dictionaries(st.sampled_from(MONTHS), st.integers(1, 40), max_size=8), st.integers(1, 50))
def test_what_is_before_a_period_and_what_is_not_are_told_apart(closes, seq):
    if seq in closes.values():
        return
    for home in MONTHS[:-1]:
        at = Period.parse(home).since_us + 5
        for name in MONTHS[MONTHS.index(home) + 1 :]:
            period = Period.parse(name)
            earlier = [Period.parse(each) for each in MONTHS if each < name]
            before = any(window.holds(at, seq) for each in earlier for window in windows(each, closes))
            beyond = any(each.holds(at, seq) for each in late_from(period, closes))
            assert before != beyond
