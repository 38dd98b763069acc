"""Multiples of a price: every part of it, exact, and never cheaper for a larger one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.position import ratio
from gateway.money import MICROS, Money
from gateway.terms.license_terms import Compensation
from gateway.terms.scaling import scaled
from tests.licenses.deals import prices


def usd(text):
    return Money.parse(text, "USD")


def test_every_part_is_scaled():
    price = Compensation("USD", upfront=usd("500"), per_fetch=usd("0.02"), revenue_share_bp=300)
    half = scaled(price, 550_000)
    assert (half.upfront, half.per_fetch, half.revenue_share_bp) == (usd("275"), usd("0.011"), 165)
    assert scaled(price, MICROS) == price


@given(prices, st.integers(0, 4 * MICROS), st.integers(0, 4 * MICROS))
def test_a_larger_multiple_is_never_cheaper(price, one, other):
    low, high = scaled(price, min(one, other)), scaled(price, max(one, other))
    assert ratio(low, price) <= ratio(high, price)
    assert low.revenue_share_bp <= high.revenue_share_bp
