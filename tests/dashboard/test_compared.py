"""Rows of two periods side by side: nobody is taken for absent who was only cut off."""

from __future__ import annotations

from dataclasses import replace

from gateway.dashboard.compared import beside, changes_of, matched
from gateway.dashboard.filters import Decision
from gateway.dashboard.queries import Overview, WorkRow
from gateway.money import Money

NONE = dict.fromkeys(Decision, 0)
NOTHING = Overview(0, 0, 0, NONE, (), (), 0, 0, (), (), (), None)


def row(work: str, fetches: int) -> WorkRow:
    return WorkRow("journal", work, NONE | {Decision.FREE: fetches}, (), 0)


def emptied(gone: WorkRow) -> WorkRow:
    return replace(gone, decisions=NONE)


def told(now, before, most):
    return [(each.work, each.fetches, was) for each, was in matched(now, before, most, emptied)]


def test_each_row_stands_beside_its_own_and_who_stayed_away_comes_last():
    now, before = [row("a", 3), row("b", 1)], [row("a", 2), row("c", 9)]
    assert told(now, before, 5) == [("a", 3, 2), ("b", 1, 0), ("c", 0, 9)]
    assert told([], before, 5) == [("a", 0, 2), ("c", 0, 9)]
    assert told(now, [], 5) == [("a", 3, 0), ("b", 1, 0)]


def test_what_a_full_list_lacks_is_not_known():
    now, before = [row("a", 3), row("b", 1)], [row("a", 2), row("c", 9)]
    assert told(now, before, 2) == [("a", 3, 2), ("b", 1, None)]
    assert list(beside(1, None).values()) == [None, "", ""]


def test_an_overview_says_every_sum_twice():
    now = replace(
        NOTHING, fetches=4, decisions=NONE | {Decision.FREE: 4}, charged=(Money(5, "EUR"),), bytes_sent=2_000
    )
    found = {each.name: each for each in changes_of(now, replace(NOTHING, fetches=5))}
    assert (found["Fetches by machines"].now, found["Fetches by machines"].before) == ("4", "5")
    assert found["Fetches free"].difference == "4 more"
    assert (found["Sent"].difference, found["Sent"].percent) == ("2.0 kB more", "")
    assert found["Charged, EUR"].now == "0.000005 EUR"
    assert "Fetches refused" not in found
