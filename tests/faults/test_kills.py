"""`kill -9` at any moment: what was acknowledged is there, posted once, and no head is taken back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.faults.kills import LIVES
from loadtests.faults.table import told

COUNTS = {"journal": 120, "keeper": 60, "ledger": 120}


def killed(root: Path, target: str, number: int) -> dict:
    command = [sys.executable, "-m", "loadtests.faults.kills", "--target", target, "--kills", str(number)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60 + number)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert (done.returncode == 0) == (not found["wrong"]), done.stderr
    return found


@pytest.mark.parametrize("target", LIVES)
def test_kills_lose_nothing_acknowledged(root: Path, target: str) -> None:
    number = COUNTS[target]
    found = killed(root, target, number)
    told(f"kill -9: {target}", number, wrong=len(found["wrong"]), acknowledged=found["acknowledged"])
    assert found["wrong"] == []
    assert found["acknowledged"] > number
    assert 0 < found["killed before a word"] < number
    assert target != "keeper" or found["heads"] > number // 2


@pytest.mark.night
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("target", LIVES)
def test_ten_thousand_kills_lose_nothing_acknowledged(root: Path, target: str, capsys) -> None:
    found = killed(root, target, 10_000)
    told(f"kill -9: {target}", 10_000, wrong=len(found["wrong"]), acknowledged=found["acknowledged"])
    with capsys.disabled():
        print(f"\n{found}")
    assert found["wrong"] == []


@pytest.mark.parametrize("target", LIVES)
def test_a_life_that_speaks_before_it_is_durable_is_found_out(
    root: Path, target: str, tmp_path, monkeypatch
) -> None:
    """The control: acknowledged first and written afterwards, which is what a kill can see."""
    hasty = """
import asyncio, random, sys
from pathlib import Path
from loadtests.faults import kills
from loadtests.faults.shop import record

target, folder = sys.argv[1:]
begin, life, verdict = kills.LIVES[target]

async def hastily(data, round, said):
    for number in range(10_000, 10_003):
        said.entry(record(number, writer_round=round).id)
    await life(data, round, said)

kills.LIVES[target] = (begin, hastily, verdict)
print(kills.kills(target, 6, Path(folder), 1)["wrong"])
"""
    command = [sys.executable, "-c", hasty, target, str(tmp_path)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)
    assert "lost" in done.stdout, done.stderr
    told(f"kill -9: {target}", control="told before it was durable: lost, found")
