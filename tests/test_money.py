from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.money import LARGEST_MICROS, Money, MoneyError

micros = st.integers(-(10**12), 10**12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.0001", 100), ("0", 0), ("10", 10_000_000), ("0.000001", 1), ("999999999", 999_999_999_000_000)],
)
def test_amounts_are_exact(text: str, expected: int) -> None:
    assert Money.parse(text, "USD").micros == expected


@pytest.mark.parametrize(
    "text",
    ["", ".5", "1.", "01", "-1", "1e3", "1,5", "0.0000001", "١", " 1", "1 ", "NaN", "9" * 13, "1000000001"],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(MoneyError):
        Money.parse(text, "USD")


@pytest.mark.parametrize("text", ["USD 0.01", "0.01 USD"])
def test_currency_may_stand_on_either_side(text: str) -> None:
    assert Money.read(text) == Money(10_000, "USD")


@pytest.mark.parametrize("text", ["0.01", "usd 0.01", "USD USD", "1 2", "USD 1 EUR", ""])
def test_money_without_one_currency_is_refused(text: str) -> None:
    with pytest.raises(MoneyError):
        Money.read(text)


@pytest.mark.parametrize("bad", [1.0, True, "1", None])
def test_only_whole_numbers_are_micros(bad: object) -> None:
    with pytest.raises(MoneyError):
        Money(bad, "USD")  # type: ignore[arg-type]


@given(st.integers(0, LARGEST_MICROS))
def test_an_amount_written_reads_back(value: int) -> None:
    money = Money(value, "EUR")
    assert Money.parse(money.amount, "EUR") == money
    assert Money.read(str(money)) == money


@given(micros, micros)
def test_addition_and_order_are_those_of_whole_numbers(a: int, b: int) -> None:
    left, right = Money(a, "USD"), Money(b, "USD")
    assert (left + right - right) == left
    assert (-left).micros == -a
    assert (left < right, left <= right, left > right, left >= right) == (a < b, a <= b, a > b, a >= b)


@given(micros, st.integers(0, 10**6), st.integers(1, 10**6))
def test_rounding_is_half_away_from_zero(value: int, numerator: int, denominator: int) -> None:
    exact = Decimal(value * numerator) / Decimal(denominator)
    rounded = Money(value, "USD").times(numerator, denominator).micros
    assert abs(Decimal(rounded) - exact) <= Decimal("0.5")
    if abs(value * numerator) < 10**20:
        assert rounded == int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def test_currencies_never_mix() -> None:
    with pytest.raises(MoneyError):
        Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(MoneyError):
        _ = Money(1, "USD") < Money(1, "EUR")


@given(micros, st.lists(st.integers(0, 10**9), min_size=1, max_size=12).filter(any))
def test_divided_adds_up_and_each_part_is_within_one_micro_unit(amount: int, weights: list[int]) -> None:
    parts = [part.micros for part in Money(amount, "JPY").divided(weights)]
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - amount * weight) < sum(weights)


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [3, -1]])
def test_nothing_is_divided_by_nothing(weights: list[int]) -> None:
    with pytest.raises(MoneyError):
        Money(5, "USD").divided(weights)
