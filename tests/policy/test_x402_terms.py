from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.money import LARGEST_MICROS, Money
from gateway.policy.x402_terms import X402Terms

TERMS = X402Terms(
    "https://f.example", "eip155:8453", "0x" + "0" * 40, 6, "0x" + "1" * 40, "USD Coin", "2", "USD"
)


@pytest.mark.parametrize(
    ("units", "decimals", "micros"),
    [
        ("5000", 6, 5_000),
        ("5000000000000000", 18, 5_000),
        ("1", 18, None),
        ("0", 6, None),
        ("1", 0, 1_000_000),
    ],
)
def test_units_are_worth_a_whole_amount_or_none(units, decimals, micros) -> None:
    worth = replace(TERMS, decimals=decimals).worth(units)
    assert worth == (None if micros is None else Money(micros, "USD"))
    assert worth is None or replace(TERMS, decimals=decimals).units(worth) == units


def test_no_amount_is_larger_than_any_that_is_booked() -> None:
    assert TERMS.worth(str(LARGEST_MICROS)) == Money(LARGEST_MICROS, "USD")
    assert TERMS.worth(str(LARGEST_MICROS + 1)) is None
    assert TERMS.worth("9" * 78) is None
