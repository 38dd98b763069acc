"""Two replicas under a partition: the short form of `loadtests.faults.partitions`, whose long one is for `make faults`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.faults.partitions import FAULTS, MISSING, TWINS, lines
from loadtests.faults.table import told

ROOT = Path(__file__).resolve().parents[2]


def run(*args: str):
    """The rows of a run in namespaces, or a skip that says what is missing."""
    done = subprocess.run(
        [sys.executable, "-m", "loadtests.faults.partitions", "--json", *args],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == MISSING:
        pytest.skip(done.stderr.strip())
    assert done.stdout, done.stderr
    rows = json.loads(done.stdout)
    for row in rows:
        kinds = {"paid_twice_and_credited": row["twice"], "acknowledged": row["acknowledged"]}
        wrong = row["lost"] + row["double"] + row["forks"] + row["late"] + len(row["reconcile"])
        if row["caught"]:
            told("replicas", control=f"{row['caught']} caught {row[row['caught']]}")
        else:
            told(f"replicas: {row['fault']}", 1, wrong=wrong, **kinds)
    return rows, "\n".join(lines(rows))


@pytest.mark.timeout(300)
def test_a_machine_that_loses_the_store_loses_nothing_and_believes_nothing_old():
    rows, table = run("--short")
    print(table)
    assert [row["fault"] for row in rows] == ["one machine loses the store"]
    assert all(row["good"] for row in rows), table
    assert rows[0]["acknowledged"] > 0
    assert set(rows[0]["people"]) == {"200"}, table


@pytest.mark.night
@pytest.mark.timeout(3600)
def test_every_fault_and_every_twin():
    rows, table = run()
    print(table)
    assert len(rows) == len(FAULTS) + len(TWINS)
    assert all(row["good"] for row in rows), table
