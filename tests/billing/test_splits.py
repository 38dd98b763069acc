"""Amounts divided between authors add up, whoever stands in which group."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.splits import DEEPEST, WHOLE, Share, Split, SplitError, divided
from gateway.money import Money

groups = st.recursive(
    st.sampled_from(["ada", "ben", "cleo", "dora"]),
    lambda inner: st.lists(st.tuples(inner, st.integers(1, 1000)), min_size=1, max_size=4).map(
        lambda parts: Split(
            tuple(
                Share(to, micros)
                for (to, _), micros in zip(parts, _whole([weight for _, weight in parts]), strict=True)
            )
        )
    ),
    max_leaves=12,
)
splits = groups.filter(lambda found: isinstance(found, Split) and found.depth <= DEEPEST)
currencies = st.sampled_from(["USD", "JPY", "CLF"])


def _whole(weights):
    """Shares of `WHOLE` by *weights*, each more than nothing."""
    return [part.micros + 1 for part in Money(WHOLE - len(weights), "USD").divided(weights)]


@given(st.integers(-(10**15), 10**15), splits, currencies)
def test_the_parts_add_up_exactly(micros, split, currency):
    found = divided(Money(micros, currency), split)
    assert sum(part.micros for _, part in found) == micros
    assert all(type(part.micros) is int and part.currency == currency for _, part in found)
    assert all(part.micros * micros >= 0 for _, part in found)
    assert [name for name, _ in found] == sorted({name for name, _ in found})


@given(st.integers(0, 10**15), splits)
def test_a_group_gets_its_share_however_it_is_made_up(micros, inner):
    outer = Split((Share(inner, 400_000), Share("zoe", 600_000)))
    alone = Split((Share("group", 400_000), Share("zoe", 600_000)))
    amount = Money(micros, "USD")
    assert dict(divided(amount, outer))["zoe"] == dict(divided(amount, alone))["zoe"]


def test_what_is_left_over_goes_to_the_largest_remainder():
    thirds = Split((Share("ada", 333_333), Share("ben", 333_333), Share("cleo", 333_334)))
    assert divided(Money(2, "JPY"), thirds) == (
        ("ada", Money(1, "JPY")), ("ben", Money(0, "JPY")), ("cleo", Money(1, "JPY")),
    )  # fmt: skip


def test_who_has_several_shares_gets_their_sum():
    band = Split((Share("ada", 500_000), Share("ben", 500_000)))
    split = Split((Share(band, 500_000), Share("ada", 500_000)))
    assert divided(Money(100, "USD"), split) == (("ada", Money(75, "USD")), ("ben", Money(25, "USD")))


def _nested(depth):
    made = Split((Share("ada", WHOLE),))
    for _ in range(depth - 1):
        made = Split((Share(made, WHOLE),))
    return made


@pytest.mark.parametrize(
    "make",
    [
        lambda: Split(()),
        lambda: Split((Share("ada", 999_999),)),
        lambda: Split((Share("ada", 1_000_001), Share("ben", -1))),
        lambda: Split((Share("ada", WHOLE), Share("ben", 0))),
        lambda: Split((Share("ada", 1_000_000.0),)),
        lambda: Split((Share("", WHOLE),)),
        lambda: _nested(DEEPEST + 1),
    ],
)
def test_what_divides_nothing_is_refused(make):
    with pytest.raises(SplitError):
        make()


def test_groups_may_stand_as_deep_as_allowed():
    assert divided(Money(7, "USD"), _nested(DEEPEST)) == (("ada", Money(7, "USD")),)
