"""The one rule of what may be leased, and of what an entry uses up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admission.spending import Charge, Short, fee_of
from gateway.billing.postings import Spend
from gateway.money import Money
from gateway.problems import StoreUnavailable
from gateway.provenance.record import BookEntry
from gateway.store.purses import EntryConflict, Standing, decide, used_by
from gateway.tokens.claims import Budget

small = st.integers(0, 50)


def charge(micros, budget=Budget()):
    return Charge("r", "le", "lic", Money(micros, "USD"), budget)


@given(
    small,
    st.none() | st.integers(0, 500),
    st.none() | st.integers(0, 60),
    st.integers(-5, 600),
    st.integers(0, 90),
    small,
    small,
    small,
    st.integers(0, 5),
    st.integers(0, 5),
    st.integers(1, 40),
)
def test_a_lease_fits_every_limit_and_a_short_names_one_that_it_breaks(
    price, micros, fetches, credit, limit, held, spent, open, spent_fetches, open_fetches, asked
):
    standing = Standing(credit, held, spent, spent_fetches, open, open_fetches, limit)
    answer = decide(charge(price, Budget(micros, fetches)), standing, asked)

    def fits(n):
        by_money = micros is None or spent + open + n * price <= micros
        by_count = fetches is None or spent_fetches + open_fetches + n <= fetches
        by_credit = price == 0 or held + n * price <= credit + limit
        return by_money and by_count, by_credit

    assert isinstance(answer, int) == all(fits(1))
    if isinstance(answer, int):
        assert 1 <= answer <= asked
        assert all(fits(answer))
        assert answer == 1 or all(fits(4 * answer)), "more than a quarter of what is left"
        assert answer == asked or not all(fits(4 * (answer + 1))), "less than there is for it"
    else:
        assert answer.left.micros >= 0
        assert answer.what == ("credit" if fits(1)[0] else "budget")
        assert answer.left < Money(price, "USD") or answer.left == Money(0, "USD")


def test_what_is_no_lease():
    with pytest.raises(ValueError, match="negative"):
        decide(charge(-1), Standing(credit=10))
    with pytest.raises(ValueError, match="one fetch"):
        decide(charge(1), Standing(credit=10), 0)
    assert decide(charge(1), Standing()) == Short("credit", Money(0, "USD"))


def test_a_fee_leaves_a_purse_of_its_own_and_other_book_entries_none():
    entry = BookEntry("lic_1", 1, "fee", "journal", "le_1", 900, "USD", license="lic_1")
    assert used_by(entry) == Spend(fee_of("lic_1"), "USD", 900, 1)
    assert used_by(BookEntry("f", 1, "fee", "journal", "le_1", 900, "USD")) is None
    assert used_by(BookEntry("c", 1, "credit", "", "le_1", 900, "USD", license="lic_1")) is None


def test_a_conflict_stops_the_keeper_as_an_unavailable_store_does():
    assert issubclass(EntryConflict, StoreUnavailable)
