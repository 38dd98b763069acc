"""A clock that is stepped: nothing that was acknowledged, folded or signed depends on it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.clock import HandClock
from loadtests.faults.shop import NOW_US, Shop
from loadtests.faults.table import told
from loadtests.faults.verdict import judge

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
DAY = 86_400 * 1_000_000
STEPS = {"second": 1_000_000, "hour": 3_600_000_000, "day": DAY, "forty years": 40 * 365 * DAY}


@pytest.mark.parametrize("step", STEPS)
async def test_lives_whose_clock_was_stepped_between_them_are_one_history(data, said, step):
    """Back and forth: the journal's files are called after the time, so they sort in another order than they came."""
    for round, factor in enumerate((0, -1, 1, -1, 0)):
        clock = HandClock(NOW_US + factor * STEPS[step] + round)
        shop = await Shop.open(data, said, round=round, clock=clock)
        if not round:
            await shop.pay_in()
        await shop.sell(3)
        clock.wall_us -= STEPS[step] // 2
        await shop.sell(2)
        if round % 2:
            await shop.fold()
            await shop.publish()
        # Every other life ends with entries that the next one folds.
        await shop.journal.close()
        shop.lock.release()
        await shop.database.close()
    found = await judge(data, said)
    told("clock steps between lives", 5, wrong=not found.clean)
    assert found.clean, found


STEPPED = """
import os, sys, time
from gateway.clock import SystemClock

clock, step, told, wall = SystemClock(), sys.argv[1], [], []
for offset in ("+0", step, "+0", "-" + step[1:], "+0"):
    with open(os.environ["FAKETIME_TIMESTAMP_FILE"], "w") as file:
        file.write(offset)
    time.monotonic()
    told.append(clock.now_us())
    wall.append(time.time_ns() // 1000)
print(told == sorted(told), wall == sorted(wall))
"""


@pytest.mark.skipif(LIBRARY is None, reason="libfaketime is absent (Debian: faketime)")
@pytest.mark.parametrize("step", ["+2s", "+1h", "+40d"])
def test_the_machines_clock_does_not_run_backwards_here(tmp_path, root, step):
    """And it is shown that the clock of the machine did: the control."""
    stamp = tmp_path / "stamp"
    stamp.write_text("+0")
    fake = {
        **os.environ,
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(stamp),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", STEPPED, step], env=fake, cwd=root, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["True", "False"], done.stderr
    told("clock steps under a running clock", 4, control="time.time ran backwards, seen")
