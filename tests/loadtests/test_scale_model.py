"""The scale model: what it says follows from what was measured, and SCALING.md says what it prints."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.scale_model import INPUTS, Asked, Measured, behind_of, costs, needed, page

ROOT = Path(__file__).resolve().parents[2]
FIGURES = json.loads(INPUTS.read_text())
MEASURED = Measured.of(FIGURES)


def test_the_page_has_the_figures_that_the_model_prints():
    told = (ROOT / "SCALING.md").read_text()
    begin, end = "<!-- model -->\n", "\n<!-- end -->"
    assert told[told.index(begin) + len(begin) : told.index(end)] == "\n".join(page(FIGURES, Asked()))


def test_the_page_vendors_no_prices():
    assert costs(Asked(), needed(MEASURED, Asked())) == 0
    assert (
        "at your prices"
        not in (ROOT / "SCALING.md").read_text().split("<!-- end -->")[0].split("<!-- model -->")[1]
    )
    assert any("at your prices" in line for line in page(FIGURES, Asked(core_month=1.0)))


@pytest.mark.parametrize("name", ["sites", "requests", "licensed"])
def test_more_of_anything_never_needs_less(name):
    less, more = Asked(), replace(Asked(), **{name: getattr(Asked(), name) * 2})
    one, two = needed(MEASURED, less), needed(MEASURED, more)
    assert two.cells >= one.cells
    assert two.machines >= one.machines
    assert two.stored_gb >= one.stored_gb


def test_the_wall_is_the_limit_that_asks_for_most():
    slow = replace(MEASURED, folded_per_second=1.0)
    assert needed(slow, Asked()).wall == "records folded"
    large = replace(MEASURED, kilobytes_per_site=1e6)
    assert needed(large, Asked()).wall == "memory of a worker"
    assert needed(large, Asked()).cells == 500_000


def test_one_creator_is_one_cell_of_two_machines():
    found = needed(MEASURED, Asked(sites=1, requests=100))
    assert (found.cells, found.machines) == (1, 2)


def test_books_fall_behind_where_more_comes_than_is_folded_and_only_there():
    assert behind_of(10.0, 1000.0, 1) == (0.0, 0.0)
    worst, hours = behind_of(500.0, 1000.0, 1)
    assert worst > 0
    assert hours > 0
    assert behind_of(500.0, 1000.0, 1) == (worst, hours)
    # An hour at three times half of what is folded leaves half an hour's work.
    assert 1000 < worst < 4000
