"""What doctor says of people who were taken for machines: how many told so, week by week, and whether any wait."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gateway.finding import Finding, State
from gateway.spoken import with_data
from gateway.visitors.person_reports import OPEN, WEEK, PersonReport, weekly

_WEEKS = 4


async def looked_at(data: Path) -> list[Finding]:
    """The reports of the last weeks; nothing where there is no database that can be read."""
    from gateway.clock import SystemClock
    from gateway.problems import ConfigurationError, StoreUnavailable
    from gateway.store.sqlite.database import Database
    from gateway.store.sqlite.person_reports import SqlitePersonReports

    if not (data / "licet.db").is_file():
        return []
    try:
        database = await Database.open(data / "licet.db")
    except ConfigurationError:
        return []  # told elsewhere
    now = SystemClock().now_us() // 1_000_000
    try:
        found = await SqlitePersonReports(database).since(now - _WEEKS * WEEK)
    except StoreUnavailable:
        return []  # told elsewhere
    finally:
        await database.close()
    return [false_positives(found, now, with_data("licet dashboard", data))]


def false_positives(reports: Sequence[PersonReport], now: int, step: str) -> Finding:
    """How many of *reports* each of the last weeks had, the running one first; *step* opens the inbox."""
    weeks = weekly(reports, now, _WEEKS)
    waiting = sum(each.state == OPEN for each in reports)
    counts = ", ".join(str(each.reported) for each in reversed(weeks))
    fact = f"people who said that they were taken for machines, by the week, this one first: {counts}"
    if not waiting:
        return Finding("people", State.OK, fact)
    wait = "1 report waits" if waiting == 1 else f"{waiting} reports wait"
    return Finding("people", State.WARN, f"{fact}; {wait}", f"decide at /refused of the dashboard ({step})")
