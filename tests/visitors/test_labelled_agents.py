"""How the shipped catalog and the shipped stances do on labelled User-Agents: the goals, figure by figure.

The catalog's names were gathered with this very data in view, so its scores on
AI strings are no promise about unseen ones; a name left out is nearer to that.
`loadtests.detect` measures the same, with speed, beside other detectors; what
it counts as right is its, so that the two cannot differ.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.policy.rules import Verdict
from gateway.visitors.catalog import Catalog
from gateway.visitors.identify import Identifier
from gateway.visitors.networks import Networks
from loadtests.detect import (
    GOALS,
    Figures,
    Labels,
    holds,
    judged,
    left_out,
    measure,
    shipped_policies,
    stopped,
)


@pytest.fixture(scope="module")
def labels(shared_data: Path) -> Labels:
    return Labels.read(shared_data)


@pytest.fixture(scope="module")
def figures(catalog: Catalog, labels: Labels) -> Figures:
    found = measure(judged(catalog), labels, frozenset(GOALS))
    left_out(catalog, labels, found)
    return found


@pytest.mark.parametrize("row", [row for row in GOALS if row != "must_pass" and not row.startswith("us_")])
def test_a_goal_is_reached(figures: Figures, row: str) -> None:
    assert holds(row, figures.shares[row]), figures.misses[row]


@pytest.mark.parametrize(
    ("row", "least"),
    [
        ("ai_class_all", 0.98),
        ("named_all", 0.97),
        ("purpose_all", 0.95),
        ("left_out", 0.985),
        ("others", 0.85),
    ],
)
def test_what_has_no_goal_does_not_fall(figures: Figures, row: str, least: float) -> None:
    assert figures.shares[row] >= least, figures.misses[row]


def test_old_browsers_are_seldom_called_a_robot(figures: Figures) -> None:
    assert figures.shares["legacy"] <= 0.007, figures.misses["legacy"]


def test_no_stance_stops_what_must_pass(catalog: Catalog, labels: Labels) -> None:
    policies = shipped_policies()
    assert len(policies) == 5
    assert all(
        any(each.verdict is not Verdict.SERVE for each in policy.rules)
        for policy in policies
        if policy.stance != "open"
    )
    assert stopped(labels, policies, Identifier(catalog, Networks.shipped(), headers=False)) == []
