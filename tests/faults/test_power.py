"""The power goes at a random change to the disk; what was acknowledged is there afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.faults.power import BROKEN, MODES, missing
from loadtests.faults.table import told

if WHY := missing():
    pytest.skip(f"no power can be cut here: {WHY}", allow_module_level=True)


def cut(root: Path, target: str, number: int, *more: str, timeout: int = 100) -> dict:
    command = [sys.executable, "-m", "loadtests.faults.power", "--target", target, "--cuts", str(number)]
    done = subprocess.run([*command, *more], cwd=root, capture_output=True, text=True, timeout=timeout)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("target", ["shop", "ledger"])
def test_nothing_acknowledged_is_lost(root: Path, target: str, mode: str) -> None:
    found = cut(root, target, 16, "--mode", mode)
    told(
        f"power cut: {target}",
        found["cuts"],
        wrong=len(found["wrong"]),
        acknowledged=found["acknowledged"],
    )
    assert found["wrong"] == []
    assert found["acknowledged"] > 10
    assert found["cut before a word"] < found["cuts"]


@pytest.mark.parametrize("mode", MODES)
def test_a_first_start_that_was_cut_off_anywhere_needs_no_operator(root: Path, mode: str) -> None:
    found = cut(root, "first start", 1, "--mode", mode, "--step", "53", "--seed", "7")
    told(
        "power cut: first start", found["cuts"], wrong=len(found["wrong"]), acknowledged=found["acknowledged"]
    )
    assert found["wrong"] == []
    assert found["cuts"] > 10


@pytest.mark.parametrize("broken", BROKEN)
def test_less_than_full_durability_is_found_out(root: Path, broken: str) -> None:
    """The control: the same cuts under a configuration that `kill -9` cannot tell from ours."""
    found = cut(root, BROKEN[broken], 40, "--broken", broken)
    # Which word it is found by depends on the moment: an entry that is lost, or one that was folded in time and that
    # the journal, having lost its octets, does not tell as the books do.
    assert found["wrong"], found
    name = f"synchronous={broken.upper()}" if BROKEN[broken] == "ledger" else broken
    row = told(f"power cut: {BROKEN[broken]}")
    row.control += f"{', ' * bool(row.control)}{name}: found"


@pytest.mark.night
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("target", ["shop", "ledger"])
def test_many_cuts_lose_nothing_acknowledged(root: Path, target: str, mode: str, capsys) -> None:
    for seed in range(10):
        found = cut(root, target, 100, "--mode", mode, "--seed", str(seed), timeout=600)
        with capsys.disabled():
            print(f"\n{found}")
        told(
            f"power cut: {target}",
            found["cuts"],
            wrong=len(found["wrong"]),
            acknowledged=found["acknowledged"],
        )
        assert found["wrong"] == []


@pytest.mark.night
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("mode", MODES)
def test_a_first_start_that_was_cut_off_at_each_change_needs_no_operator(root: Path, mode: str) -> None:
    found = cut(root, "first start", 1, "--mode", mode, timeout=3000)
    told(
        "power cut: first start", found["cuts"], wrong=len(found["wrong"]), acknowledged=found["acknowledged"]
    )
    assert found["wrong"] == []


def test_the_file_system_forgets_exactly_what_was_not_synced(tmp_path: Path) -> None:
    """One that forgot nothing would prove nothing: octets, names and renames, each with and without its sync."""
    backing, mount = tmp_path / "backing", tmp_path / "mount"
    backing.mkdir()
    (backing / "old").write_bytes(b"before")
    act = """
import os, sys
from pathlib import Path
from loadtests.faults.power import mounted

backing, mount = map(Path, sys.argv[1:])
with mounted(backing, mount, 12, "synced", 1):
    def write(name, octets, *, sync):
        fd = os.open(mount / name, os.O_WRONLY | os.O_CREAT)   # change 1, 4
        os.write(fd, octets)                                   # 2, 5
        if sync:
            os.fdatasync(fd)                                   # 3, 6
        os.close(fd)
    write("kept", b"octets", sync=True)
    write("named", b"octets", sync=True)
    folder = os.open(mount, os.O_RDONLY)
    os.fsync(folder)                                           # 7
    write("named", b"OCTETS", sync=False)                      # 8
    write("unnamed", b"octets", sync=True)                     # 9, 10, 11
    os.rename(mount / "old", mount / "new")                    # 12
    assert (mount / "named").read_bytes() == b"OCTETS"
    try:
        os.mkdir(mount / "more")
    except OSError as error:
        print("gone", error.errno)
"""
    command = [sys.executable, "-c", act, str(backing), str(mount)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2])
    assert done.stdout.startswith("gone"), done.stderr
    assert sorted(os.listdir(backing)) == ["kept", "named", "old"]
    assert (backing / "named").read_bytes() == b"octets"
    assert (backing / "old").read_bytes() == b"before"
