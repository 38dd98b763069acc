"""Coins of 0, 2, 3 and 4 decimals, and currencies that are none."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.minor_units import CurrencyError, coin, decimals, whole, written
from gateway.currencies import DECIMALS
from gateway.money import LARGEST_MICROS, Money


@pytest.mark.parametrize(
    ("currency", "micros", "said"),
    [
        ("USD", 1_230_000, "1.23"),
        ("USD", 10_000, "0.01"),
        ("JPY", 7_000_000, "7"),
        ("KWD", 1_001_000, "1.001"),
        ("CLF", 1_000_100, "1.0001"),
        ("UYW", 100, "0.0001"),
        ("EUR", -1_500_000, "-1.50"),
        ("EUR", 0, "0.00"),
    ],
)
def test_whole_coins_are_written_with_all_their_decimals(currency, micros, said):
    assert written(Money(micros, currency)) == said


@pytest.mark.parametrize(
    ("currency", "micros"),
    [("USD", 1), ("USD", 5_000), ("JPY", 500_000), ("KWD", 100), ("CLF", 10), ("EUR", 1_234_567)],
)
def test_what_is_no_whole_number_of_coins_is_refused(currency, micros):
    with pytest.raises(CurrencyError, match="no whole number"):
        written(Money(micros, currency))


@pytest.mark.parametrize("currency", ["XXX", "XTS", "AAA", "BTC", "USC", "DEM", "XAU"])
def test_what_is_no_currency_is_refused(currency):
    for act in (decimals, coin, lambda code: whole(Money(1, code)), lambda code: written(Money(1, code))):
        with pytest.raises(CurrencyError, match=currency):
            act(currency)


def test_an_amount_that_nobody_books_is_refused():
    with pytest.raises(CurrencyError, match="larger"):
        written(Money(LARGEST_MICROS + 10_000, "USD"))


@given(st.integers(-(10**15), 10**15), st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
def test_rounding_moves_less_than_a_coin_and_is_whole(micros, currency):
    made = whole(Money(micros, currency))
    assert abs(made.micros - micros) * 2 <= coin(currency)
    assert made.micros % coin(currency) == 0
    assert whole(-Money(micros, currency)) == -made
    if abs(made.micros) <= LARGEST_MICROS:
        said = written(made)
        places = len(said.partition(".")[2])
        assert places == decimals(currency)
        assert Money.parse(re.sub("^-", "", said), currency).micros == abs(made.micros)


def test_each_currency_stands_in_the_list_once():
    from gateway import currencies

    lists = f"{currencies._TWO} {currencies._NONE} {currencies._THREE} {currencies._FOUR}".split()
    assert len(lists) == len(set(lists)) == len(DECIMALS)
