"""Rates: found by day, converted once, and nothing without one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.rates import NONE, PER, Rate, Rates, rates_of
from gateway.money import Money
from gateway.provenance.record import BookEntry

EUR = Rate("EUR", "USD", 1_085_000_000, 100, "ECB")


def test_the_newest_rate_by_then_holds_and_of_two_for_one_moment_the_later_entered():
    later, corrected = replace(EUR, at=200, micros=1), replace(EUR, micros=2)
    rates = Rates((later, EUR, corrected))
    assert rates.find("EUR", "USD", 99) is None
    assert rates.find("EUR", "USD", 100) == rates.find("EUR", "USD", 199) == corrected
    assert rates.find("EUR", "USD", 200) == later
    assert rates.find("USD", "EUR", 200) is None, "no rate is made of its reverse"
    assert NONE.find("EUR", "USD", 200) is None


@pytest.mark.parametrize(
    ("rate", "amount", "expected"),
    [
        (EUR, 1_000_000, 1_085_000), (EUR, 1, 1), (EUR, 0, 0), (EUR, 500_000, 542_500),
        # One yen is 0.006543219 dollars, to nine places.
        (Rate("JPY", "USD", 6_543_219, 0, "BoJ"), 1_000_000_000_000, 6_543_219_000),
        (Rate("JPY", "USD", 6_543_219, 0, "BoJ"), 1_000_000, 6_543),
    ],
)  # fmt: skip
def test_an_amount_is_converted_and_rounded_once(rate, amount, expected):
    assert rate.converted(Money(amount, rate.base)) == Money(expected, "USD")


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(1, 10**12))
def test_more_is_never_worth_less(one, more, micros):
    rate = replace(EUR, micros=micros)
    assert rate.converted(Money(one, "EUR")) <= rate.converted(Money(one + more, "EUR"))


def test_rates_are_read_from_the_journal_alone():
    entry = BookEntry(
        "x", 100_000_000, "rate", "", "", 1_085_000_000, "USD", reference="EUR", memo="ECB", by="operator"
    )
    other = BookEntry("y", 100_000_000, "credit", "", "le_1", 1, "USD")
    assert rates_of([other, entry]) == Rates((EUR,))
    assert EUR.told == f"{PER:,} EUR = 1085 USD (ECB)"
