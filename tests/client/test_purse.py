"""A purse: what is held counts as spent, and the budget is never exceeded, whatever comes when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.client.purse import FREE, Hold, Purse, Spending
from gateway.client.refused import Refused
from gateway.money import Money


def usd(micros):
    return Money(micros, "USD")


def test_only_what_is_free_is_taken_where_nothing_was_said():
    purse = Purse(FREE)
    assert isinstance(purse.hold_fetch(usd(0)), Hold)
    assert purse.hold_fetch(usd(1)).code == "over-ceiling"
    assert purse.hold(usd(1)).code == "over-budget"
    assert purse.spent is None


def test_a_hold_ends_once():
    purse = Purse(Spending(usd(5), usd(10)))
    hold = purse.hold(usd(5))
    purse.settle(hold, usd(3))
    purse.settle(hold)
    purse.release(hold)
    assert (purse.spent, purse.left) == (usd(3), 7)
    other = purse.hold(usd(7))
    purse.release(other)
    purse.settle(other)
    assert purse.left == 7


def test_what_is_not_known_counts_in_full_and_nothing_that_is_told_gives_money_back():
    for told, counted in ((None, 5), (Money(1, "EUR"), 5), (usd(-9), 0), (usd(2), 2)):
        purse = Purse(Spending(usd(5), usd(10)))
        purse.settle(purse.hold_fetch(usd(5)), told)
        assert purse.spent == usd(counted), told


def test_odd_amounts_and_limits_are_refused():
    purse = Purse(Spending(usd(5), usd(10)))
    assert purse.hold(usd(-1)).code == "unreadable"
    assert purse.hold(Money(1, "EUR")).code == "over-budget"
    assert purse.hold_fetch(Money(1, "EUR")).code == "over-ceiling"
    with pytest.raises(ValueError, match="one currency"):
        Spending(usd(1), Money(1, "EUR"))
    with pytest.raises(ValueError, match="below zero"):
        Spending(usd(-1))


acts = st.lists(
    st.tuples(st.sampled_from(["fetch", "fee", "settle", "release"]), st.integers(0, 40)), max_size=60
)


@given(st.integers(0, 20), st.integers(0, 100), acts)
def test_no_order_of_acts_exceeds_the_budget(ceiling, budget, acts):
    purse, held = Purse(Spending(usd(ceiling), usd(budget))), []
    for act, amount in acts:
        if act in {"fetch", "fee"}:
            made = purse.hold_fetch(usd(amount)) if act == "fetch" else purse.hold(usd(amount))
            if isinstance(made, Refused):
                assert amount > (min(ceiling, purse.left) if act == "fetch" else purse.left)
            else:
                assert act == "fee" or amount <= ceiling
                held.append(made)
        elif held:
            (purse.settle if act == "settle" else purse.release)(held.pop(amount % len(held)))
        still = sum(each.amount.micros for each in held)
        assert purse.spent.micros + still + purse.left == budget
        assert purse.left >= 0
