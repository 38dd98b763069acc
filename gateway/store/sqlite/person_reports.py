"""`visitors.person_reports.PersonReports` on SQLite, beside the log that says what they are about."""

from __future__ import annotations

from dataclasses import astuple, fields
from typing import Any, Final

import apsw
import orjson

from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import keep_events
from gateway.store.sqlite.left_log import left_row
from gateway.visitors.person_reports import HOUR, MOST_OPEN, PersonReport, Refused, Sent, reported

_NAMES: Final = ", ".join(field.name for field in fields(PersonReport))
_BLANKS: Final = ", ".join("?" * len(fields(PersonReport)))


class SqlitePersonReports:
    """Reports in one file."""

    def __init__(self, database: Database) -> None:
        """Keep them in *database*."""
        self._database = database

    async def add(self, report: PersonReport) -> bool:
        """Keep *report*; see the port."""

        def act(db: apsw.Connection) -> bool:
            waiting = db.execute("SELECT count(*) FROM person_reports WHERE state = 'open'").get
            assert isinstance(waiting, int)
            if waiting >= MOST_OPEN:
                return False
            sql = f"INSERT INTO person_reports ({_NAMES}) VALUES ({_BLANKS}) ON CONFLICT DO NOTHING"  # noqa: S608
            db.execute(sql, astuple(report))
            if db.changes():
                keep_events(db, (reported(report, first=_first(db, report)),))
            return True

        return await self._database.write(act)

    async def get(self, id: str) -> PersonReport | None:
        """The report of that id."""
        found = await self._read("WHERE id = ?", id)
        return found[0] if found else None

    async def all(self, most: int, behind: Sent | None = None) -> tuple[PersonReport, ...]:
        """Reports, those that wait first; see the port."""
        found: tuple[PersonReport, ...] = ()
        for waits in (True, False):
            if len(found) >= most or (behind and waits and not behind[0]):
                continue
            where, values = f"WHERE state {'=' if waits else '<>'} 'open'", tuple[str | int, ...]()
            if behind and waits == behind[0]:
                where += " AND at <= ? AND (at < ? OR id > ?)"
                values = (behind[1], behind[1], behind[2])
            found += await self._read(f"{where} ORDER BY at DESC, id LIMIT ?", *values, most - len(found))
        return found

    async def since(self, at: int) -> tuple[PersonReport, ...]:
        """Every report from second *at* on."""
        return await self._read("WHERE at >= ? ORDER BY at, id", at)

    async def decide(self, id: str, state: str, exempted: str, at: int) -> bool:
        """Say what came of it."""

        def act(db: apsw.Connection) -> bool:
            db.execute(
                "UPDATE person_reports SET state = ?, exempted = ?, decided_at = ? WHERE id = ?",
                (state, exempted, at, id),
            )
            return bool(db.changes())

        return await self._database.write(act)

    async def refused(self, request: str) -> Refused | None:
        """What the log says of that request."""

        def act(db: apsw.Connection) -> Refused | None:
            row: Any = db.execute(
                "SELECT problem, rule, visitor_class, crawler, address, evidence FROM entries"
                " LEFT JOIN details USING (id) WHERE entries.id = ? AND kind = 'fetch'",
                (request,),
            ).fetchone()
            if row is None:
                left = left_row(db, request, near=True)
                # What is personal of it is forgotten long before its row leaves.
                if left is None:
                    return None
                return Refused(left.problem, left.rule, left.visitor_class, left.crawler, "", ())
            reasons = tuple(orjson.loads(row[5])) if row[5] else ()
            return Refused(row[0], row[1], row[2], row[3], row[4] or "", reasons)

        return await self._database.read(act)

    async def forget(self, before: int) -> int:
        """Erase reports from before second *before*."""

        def act(db: apsw.Connection) -> int:
            db.execute("DELETE FROM person_reports WHERE at < ?", (before,))
            return db.changes()

        return await self._database.write(act)

    async def _read(self, rest: str, *values: str | int) -> tuple[PersonReport, ...]:
        sql = f"SELECT {_NAMES} FROM person_reports {rest}"  # noqa: S608
        rows: Any = await self._database.read(lambda db: db.execute(sql, values).fetchall())
        return tuple(PersonReport(*row) for row in rows)


def _first(db: apsw.Connection, report: PersonReport) -> bool:
    begins = report.at - report.at % HOUR
    sql = "SELECT count(*) FROM person_reports WHERE at >= ? AND at < ? AND id <> ?"
    return bool(db.execute(sql, (begins, begins + HOUR, report.id)).get == 0)
