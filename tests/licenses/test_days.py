from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.days import NotDays, read_days

NOW = int(datetime(2026, 11, 26, 13, 45, tzinfo=UTC).timestamp())


def at(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("30d", at(2026, 10, 28), at(2026, 11, 27)),
        ("1d", at(2026, 11, 26), at(2026, 11, 27)),
        ("2026-11", at(2026, 11, 1), at(2026, 12, 1)),
        ("2026-12", at(2026, 12, 1), at(2027, 1, 1)),
        ("2024-02", at(2024, 2, 1), at(2024, 3, 1)),
        ("2026-11-03..2026-11-03", at(2026, 11, 3), at(2026, 11, 4)),
        ("2025-12-31..2026-01-01", at(2025, 12, 31), at(2026, 1, 2)),
    ],
)
def test_days(text, since, until):
    assert read_days(text, NOW) == (since, until)


@pytest.mark.parametrize(
    "text",
    [
        "", "0d", "30", "d", "-3d", "30D", "2026-13", "2026-00", "0000-01", "1969-12", "9999-12", "2026-11-31..2026-12-01",
        "2026-11-02..2026-11-01", "2026-11-01", "9999-12-31..9999-12-31", "\u0661d", "99999d", "2026-11\n",
    ],
)  # fmt: skip
def test_what_is_no_period_is_refused(text):
    with pytest.raises(NotDays):
        read_days(text, NOW)


@given(st.text(), st.integers(0, 2**33))
def test_nothing_but_its_own_refusal(text, now):
    try:
        since, until = read_days(text, now)
    except NotDays as error:
        assert str(error)
    else:
        assert 0 <= since < until


@given(st.integers(1, 9999), st.integers(0, 2**33))
def test_days_back_are_whole_and_end_with_today(days, now):
    since, until = read_days(f"{days}d", now)
    assert since % 86_400 == until % 86_400 == 0
    assert since <= now < until
    assert until - now <= 86_400
