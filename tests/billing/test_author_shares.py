"""What is whose: exact, recursive, and what no author has stays the creator's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.author_shares import Earned, entries_of, shares
from gateway.billing.postings import authored, earned, postings_of

AUTHORS = {
    "essays": [("Ada", 600_000), ("Bo", 400_000)],
    "podcast": [("Bo", 333_333), ("Cy", 666_667)],
    "own": [],
}
SCOPES = {"li_1": ("essays", "podcast"), "li_2": ("essays", "own"), "li_3": ("own",)}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Earned("essays", "li_1", "USD", 100), {"Ada": 60, "Bo": 40}),
        (Earned("own", "li_1", "USD", 100), None), (Earned("gone", "", "USD", 100), None),
        # A half for each work: of the podcast's 500 a third is Bo's.
        (Earned("", "li_1", "USD", 1_000), {"Ada": 300, "Bo": 200 + 167, "Cy": 333}),
        (Earned("", "li_2", "USD", 100), {"Ada": 30, "Bo": 20}),
        (Earned("", "li_3", "USD", 100), None), (Earned("", "li_9", "USD", 100), None),
        (Earned("essays", "li_1", "USD", -100), {"Ada": -60, "Bo": -40}),
    ],
)  # fmt: skip
def test_what_is_earned_is_divided_by_work_and_by_author(given, expected):
    assert shares([given], AUTHORS, SCOPES).get("USD") == expected


amounts = st.lists(
    st.builds(
        Earned, st.sampled_from(["", "essays", "podcast"]), st.just("li_1"), st.sampled_from(["USD", "JPY"]),
        st.integers(-(10**12), 10**12),
    ),
    max_size=8,
)  # fmt: skip


@given(amounts)
def test_parts_add_up_to_the_micro_unit_and_the_entry_posts_them(found):
    divided = shares(found, AUTHORS, SCOPES)
    for currency in ("USD", "JPY"):
        whole = sum(each.micros for each in found if each.currency == currency)
        assert sum(divided.get(currency, {}).values()) == whole
    for entry in entries_of("journal", 7, divided, 5):
        sums = {}
        for each in postings_of(entry):
            for account in (each.debit, each.credit):
                sums[account] = sums.get(account, 0) + each.effect_on(account)
        parts = {name: micros for name, micros in divided[entry.currency].items() if micros}
        assert {name: sums[authored("journal", name)] for name in parts} == parts
        assert sums[earned("journal")] == -sum(parts.values())


def test_the_same_division_has_the_same_id_and_nothing_is_no_entry():
    found = {"USD": {"Ada": 5, "Bo": 0}}
    (one,) = entries_of("journal", 7, found, 5)
    assert (one.id, one.memo, one.amount_micros) == (entries_of("journal", 7, found, 9)[0].id, '{"Ada":5}', 5)
    assert one.id != entries_of("journal", 8, found, 5)[0].id
    assert entries_of("journal", 7, {"USD": {"Bo": 0}}, 5) == ()
