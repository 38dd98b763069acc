"""Doctor tells false positives by the week, and that somebody waits."""

from __future__ import annotations

from dataclasses import replace

from gateway.app.checkup.people import false_positives, looked_at
from gateway.clock import SystemClock
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.person_reports import SqlitePersonReports
from gateway.visitors.person_reports import EXEMPTED, WEEK, PersonReport

NOW = 10 * WEEK
REPORT = PersonReport("pr_1", "journal", NOW - 5, "r", "/", "203.0.113.0/24")


def test_weeks_are_counted_the_running_one_first():
    decided = replace(REPORT, state=EXEMPTED)
    rows = [decided, decided, replace(decided, at=NOW - WEEK - 5)]
    found = false_positives(rows, NOW, "licet dashboard")
    assert (found.state, found.step) == ("ok", "")
    assert found.fact.endswith("this one first: 2, 1, 0, 0")
    found = false_positives([*rows, REPORT], NOW, "licet dashboard")
    assert found.state == "warn"
    assert found.fact.endswith("3, 1, 0, 0; 1 report waits")
    assert "/refused" in found.step


async def test_a_folder_is_looked_at(tmp_path):
    assert await looked_at(tmp_path) == []
    database = await Database.open(tmp_path / "licet.db")
    await SqlitePersonReports(database).add(replace(REPORT, at=SystemClock().now_us() // 1_000_000))
    await database.close()
    (found,) = await looked_at(tmp_path)
    assert (found.what, found.state) == ("people", "warn")
