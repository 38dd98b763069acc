"""What alerts are made from, and where they are kept: the folded journal, the licenses' budgets, the events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import apsw

from gateway.event import Event
from gateway.outbox.alerts import Came, Spent, Unknown
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import keep_events

#: Entries that one look goes through.
AT_ONCE: Final = 20_000
#: User-Agents of nobody known that one look takes up.
_NAMES: Final = 200
_SERVED: Final = "sum(CASE WHEN outcome IN ('open', 'free', 'licensed') THEN 1 ELSE 0 END)"


class SqliteAlerts:
    """Reads with *pages*, so that a long look holds up nobody; writes with *database*."""

    def __init__(self, database: Database, pages: Database) -> None:
        """Keep events in *database*; *pages* is the same file with readers of its own."""
        self._database, self._pages = database, pages

    async def first_of(self, time_us: int) -> int:
        """The place before the first entry that is not older than *time_us*."""

        def act(db: apsw.Connection) -> int:
            row: Any = db.execute("SELECT min(seq) FROM entries WHERE time_us >= ?", (time_us,)).fetchone()
            if row and row[0] is not None:
                return int(row[0]) - 1
            last: Any = db.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()
            return int(last[0])

        return await self._pages.read(act)

    async def came(self, after: int) -> tuple[tuple[Came, ...], tuple[Unknown, ...], int]:
        """Who came after the place *after* and needs telling of, nobody known by a name, and the place looked up to."""

        def act(db: apsw.Connection) -> tuple[tuple[Came, ...], tuple[Unknown, ...], int]:
            span: Any = db.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()
            upto = min(int(span[0]), after + AT_ONCE)
            if upto <= after:
                return (), (), after
            bounds = (after, upto)
            came = tuple(
                Came(*row)
                for row in db.execute(
                    f"SELECT site, crawler, identity, verdict, count(*), {_SERVED} FROM entries"  # noqa: S608
                    " WHERE seq > ? AND seq <= ? AND kind = 'fetch' AND crawler <> ''"
                    " AND (identity = 'spoofed' OR verdict = 'refuse') GROUP BY 1, 2, 3, 4",
                    bounds,
                )
            )
            # The sign keeps an index of names out of it, which would be read from end to end.
            unknown = tuple(
                Unknown(*row)
                for row in db.execute(
                    "SELECT e.site, d.user_agent, count(*) FROM entries e JOIN details d ON d.id = e.id"
                    " WHERE e.seq > ? AND e.seq <= ? AND e.kind = 'fetch' AND +e.crawler = ''"
                    " GROUP BY 1, 2 ORDER BY 3 DESC LIMIT ?",
                    (*bounds, _NAMES),
                )
            )
            return came, unknown, upto

        return await self._pages.read(act)

    async def spent(self, now: int) -> tuple[Spent, ...]:
        """The licenses with a budget that hold at *now*, and what of it is spent."""
        sql = (
            "SELECT l.id, l.licensee, l.site, l.budget_micros, l.budget_fetches,"
            " coalesce(max(s.micros), 0), coalesce(sum(s.fetches), 0)"
            " FROM licenses l JOIN license_spend s ON s.license = l.id"
            " WHERE l.ends_at > ? AND (l.budget_micros IS NOT NULL OR l.budget_fetches IS NOT NULL)"
            " GROUP BY l.id"
        )

        def act(db: apsw.Connection) -> tuple[Spent, ...]:
            rows: Any = db.execute(sql, (now,))
            return tuple(Spent(*row) for row in rows)

        return await self._pages.read(act)

    async def keep(self, events: Sequence[Event]) -> None:
        """Keep *events*; one whose id is there already is the same one."""
        if events:
            await self._database.write(lambda db: keep_events(db, events))
