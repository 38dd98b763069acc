"""More asked for than there is, by eight processes at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.faults.table import told

ROW = "8 processes, a budget of one less"


def crowd(root: Path, fetches: int, *more: str) -> dict:
    command = [sys.executable, "-m", "loadtests.faults.crowd", "--fetches", str(fetches), *more]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=1200)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def exactly(found: dict, fetches: int) -> None:
    assert found["wrong"] == []
    assert (found["sold"], found["refused"], found["sold twice"]) == (fetches - 1, 1, 0)


def test_exactly_the_budget_is_sold(root: Path) -> None:
    found = crowd(root, 1000)
    told(ROW, 1000, wrong=len(found["wrong"]), sold=found["sold"])
    exactly(found, 1000)


def test_without_leases_more_is_sold_and_that_is_found(root: Path) -> None:
    """The control: whether something is left is looked at, and then it is sold."""
    found = crowd(root, 200, "--careless")
    assert found["sold"] > 199
    assert found["wrong"]
    told(ROW, control=f"no lease: {found['sold']} sold of 199, found")


@pytest.mark.night
@pytest.mark.timeout(3600)
def test_ten_thousand_over_eight_processes(root: Path, capsys) -> None:
    found = crowd(root, 10_000)
    told(ROW, 10_000, wrong=len(found["wrong"]), sold=found["sold"])
    with capsys.disabled():
        print(f"\n{found}")
    exactly(found, 10_000)
