"""The one rule of what may be leased."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admission.spending import Charge, Lease, Short
from gateway.money import Money
from gateway.problems import StoreUnavailable
from gateway.store.holds import EntryConflict, Standing, decide, same_charge, settled
from gateway.tokens.claims import Budget

small = st.integers(0, 50)


def charge(micros, budget=Budget()):
    return Charge("r", "le", "lic", Money(micros, "USD"), budget)


@given(
    small,
    st.none() | small,
    st.none() | st.integers(0, 5),
    st.integers(-5, 60),
    small,
    small,
    small,
    st.integers(0, 5),
    st.integers(0, 5),
)
def test_a_lease_fits_every_limit_and_a_short_names_one_that_it_breaks(
    price, micros, fetches, credit, held, spent, open, spent_fetches, open_fetches
):
    standing = Standing(credit, held, spent, spent_fetches, open, open_fetches)
    answer = decide(charge(price, Budget(micros, fetches)), standing)
    by_money = micros is None or spent + open + price <= micros
    by_count = fetches is None or spent_fetches + open_fetches + 1 <= fetches
    by_credit = price == 0 or held + price <= credit
    assert isinstance(answer, Lease) == (by_money and by_count and by_credit)
    if isinstance(answer, Short):
        assert answer.left.micros >= 0
        assert answer.what == ("credit" if by_money and by_count else "budget")
        assert answer.left < Money(price, "USD") or answer.left == Money(0, "USD")


def test_amounts_that_are_none():
    with pytest.raises(ValueError, match="negative"):
        decide(charge(-1), Standing(credit=10))
    assert settled(Money(0, "USD"), Money(5, "USD")).micros == 0
    for owed in (Money(6, "USD"), Money(-1, "USD"), Money(1, "EUR")):
        with pytest.raises(ValueError, match=r"settled|mix"):
            settled(owed, Money(5, "USD"))


def test_the_same_charge_is_the_same_charge():
    same_charge(charge(5), "le", "lic", Money(5, "USD"))
    with pytest.raises(ValueError, match="another charge"):
        same_charge(charge(5), "le", "lic", Money(4, "USD"))


def test_a_conflict_stops_the_keeper_as_an_unavailable_store_does():
    assert issubclass(EntryConflict, StoreUnavailable)
