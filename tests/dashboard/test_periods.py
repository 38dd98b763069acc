"""The period that a view is compared with, and what a difference is called."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dashboard.filters import read_view
from gateway.dashboard.periods import compared_with, counted_change, moment_of, money_changes, percent_of
from gateway.money import Money

NOW = 1_795_000_000_000_000
DAY = 86_400_000_000


def us(*day: int) -> int:
    return int(datetime(*day, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize(
    ("word", "this", "wanted"),
    [
        ("previous", (us(2026, 11, 8), us(2026, 11, 15)), (us(2026, 11, 1), us(2026, 11, 8))),
        ("year", (us(2026, 11, 1), us(2026, 12, 1)), (us(2025, 11, 1), us(2025, 12, 1))),
        ("year", (us(2024, 2, 29), us(2024, 3, 1)), (us(2023, 2, 28), us(2023, 3, 1))),
        ("2026-10-01..2026-10-31", (us(2026, 11, 1), us(2026, 12, 1)), (us(2026, 10, 1), us(2026, 11, 1))),
        (
            "2026-10-01T12:00 .. 2026-10-01T13:00+00:00",
            (None, NOW),
            (us(2026, 10, 1, 12), us(2026, 10, 1, 13)),
        ),
    ],
)
def test_the_other_period(word, this, wanted):
    assert compared_with(word, *this) == wanted


@pytest.mark.parametrize(
    ("word", "from_us"),
    [
        ("previous", None), ("year", None), ("", 1), ("last", 1), ("..", 1), ("2026-10-02..2026-10-01", 1),
        ("2026-10-01..", 1), ("previous", 1), ("year", DAY), ("9999-01-01..9999-02-01", 1), ("1..2..3", 1),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_said(word, from_us):
    assert isinstance(compared_with(word, from_us, NOW), str)


@given(st.text(max_size=60), st.none() | st.integers(0, NOW - 1))
def test_no_word_breaks_it_and_a_period_is_one(word, from_us):
    found = compared_with(word, from_us, NOW)
    assert isinstance(found, str) or 0 <= found[0] < found[1]


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_percent_has_the_sign_of_the_difference(now, before):
    found = percent_of(now, before)
    assert (found == "") is (before == 0)
    if found:
        assert found.startswith("+") is (now > before)
        assert found.startswith("\N{MINUS SIGN}") is (now < before)


def test_a_change_is_said_in_words_and_percent():
    one = counted_change("Fetches", 1_500, 1_000)
    assert (one.now, one.before, one.difference, one.percent) == ("1,500", "1,000", "500 more", "+50 %")
    none = counted_change("Fetches", 5, 0)
    assert (none.difference, none.percent) == ("5 more", "")


def test_amounts_of_two_currencies_are_never_added():
    found = money_changes(
        "Charged", (Money(400_000, "EUR"),), (Money(1_000_000, "USD"), Money(500_000, "EUR"))
    )
    assert [(each.name, each.difference, each.percent) for each in found] == [
        ("Charged, EUR", "0.1 EUR less", "\N{MINUS SIGN}20 %"),
        ("Charged, USD", "1 USD less", "\N{MINUS SIGN}100 %"),
    ]


def test_a_view_keeps_it_in_its_address_and_says_what_is_wrong():
    view = read_view([("last", "7d"), ("compare", "previous"), ("crawler", "GPTBot")], NOW)
    assert view.compared is not None
    assert (view.compared.from_us, view.compared.to_us) == (NOW - 14 * DAY, NOW - 7 * DAY)
    assert view.compared.crawler == "GPTBot"
    assert "compare=previous" in view.filter.query()
    assert "compare" not in view.compared.query()
    assert "compare" not in view.filter.query(compare=None)
    wrong = read_view([("last", "all"), ("compare", "previous")], NOW)
    assert (wrong.compared, dict(wrong.mistakes).keys()) == (None, {"compare"})
    assert dict(read_view([("last", "7d"), ("compare", "x" * 100)], NOW).mistakes).keys() == {"compare"}


def test_a_date_at_the_end_means_its_end():
    assert moment_of("2026-11-01", end=True) == us(2026, 11, 2)
    assert moment_of("2026-11-01", end=False) == us(2026, 11, 1)
    assert moment_of("٢٠٢٦-11-01", end=False) is None
