"""The benchmark runs: one short round of it, and its load generators, against a real gateway."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.deciding import deciding
from loadtests.idle import big

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("nginx", "wrk", "taskset"))),
    reason="needs nginx, wrk and taskset (make bench)",
)


def _bench(*options: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "loadtests.bench", "--json", "--rounds", "1", "--seconds", "1", *options],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        # A flood's count is told once a minute; here every refusal is a record of its own.
        env={**os.environ, "LICET_PACING_REFUSALS_PER_SECOND": "0"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_a_round_of_every_kind_of_load_gives_a_ratio() -> None:
    works = {"person", "person-10m", "402", "licensed-new", "websocket"}
    found = _bench("--comparison", "--targets", "licet,aiohttp", "--only", ",".join(sorted(works)))[
        "comparison"
    ]
    rows = {(row["target"], row["work"]): row for row in found["rows"]}
    assert rows.keys() == {(name, work) for name in ("nginx", "licet", "aiohttp") for work in works}
    for row in rows.values():
        assert row.get("ratio", 0) > 0, row
        assert row["per_cpu_second"] > 0
        assert row["pss_mb"] > 1
    for told in found["journal"].values():
        assert told["records"] + told["in_notes"] >= told["answers"] > 0
    assert set(found["journal"]) == {"402", "licensed"}
    assert set(found["versions"]) == {"nginx", "licet", "aiohttp"}


def test_what_an_answer_costs_in_time_is_given_for_both() -> None:
    found = _bench("--latency", "--rate", "200")["latency"]
    assert {row["target"] for row in found} == {"origin", "nginx", "licet"}
    assert not [row for row in found if "not_measured" in row]


def test_idle_connections_are_counted_and_stay_open() -> None:
    found = _bench("--idle", "200")["idle"]
    assert [row["target"] for row in found] == ["nginx", "licet"]
    assert all(row["pss_mb_after"] > 1 for row in found), found


def test_a_large_body_passes_whole_either_way(tmp_path: Path) -> None:
    found = big(tmp_path, 0.05)
    assert [row["work"] for row in found] == ["download", "upload"]
    assert all(row["mb_per_second"] > 0 for row in found), found


def test_decisions_are_what_they_are_called() -> None:
    assert {row["decision"] for row in deciding()} == {
        "warm, a person",
        "warm, a crawler without a license",
        "warm, a license with its lease",
        "first sight of a token",
    }


@pytest.mark.night
@pytest.mark.timeout(900)
def test_ten_minutes_of_traffic_let_nothing_grow() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "loadtests.soak", "--minutes", "10"],
        capture_output=True,
        text=True,
        timeout=850,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
