"""`outbox.usage.UsageCounts` on SQLite: counted and told in one transaction."""

from __future__ import annotations

import apsw

from gateway.outbox.usage import counted
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import keep_events

_SUMS = (
    "SELECT licensee, license, currency, time_us / 86400000000 * 86400, count(*), sum(charged_micros) FROM entries"
    " WHERE seq > ? AND seq <= ? AND outcome = 'licensed' AND charge_reason = 'fetch' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
)


class SqliteUsageCounts:
    """Counts the folded journal."""

    def __init__(self, database: Database) -> None:
        """Count in *database*."""
        self._database = database

    async def count(self, most: int, now: int) -> int:
        """Count the next entries; see the port."""

        def act(db: apsw.Connection) -> int:
            db.execute("INSERT INTO usage_counted VALUES (1, 0) ON CONFLICT DO NOTHING")
            after = db.execute("SELECT seq FROM usage_counted").get
            last = db.execute("SELECT coalesce(max(seq), 0) FROM journal").get
            assert isinstance(after, int)
            assert isinstance(last, int)
            upto = min(last, after + most)
            if upto == after:
                return 0
            events = [
                counted(licensee, license, currency, day, (count, micros), (after, upto), now)
                for licensee, license, currency, day, count, micros in db.execute(_SUMS, (after, upto))
            ]
            keep_events(db, events)
            db.execute("UPDATE usage_counted SET seq = ?", (upto,))
            return len(events)

        return await self._database.write(act)
