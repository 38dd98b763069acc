"""`provenance.audience.AudienceBook` on SQLite: totals of people, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

import apsw

from gateway.provenance.audience import AudienceRow
from gateway.store.sqlite.database import Database


class SqliteAudience:
    """Adds counts to totals."""

    def __init__(self, database: Database) -> None:
        """Keep totals in *database*."""
        self._database = database

    async def add(self, rows: Iterable[AudienceRow]) -> None:
        """Add every count to its total, all or none."""
        values = [(row.hour_at, row.site, row.group, row.status, row.referring, row.count) for row in rows]

        def act(db: apsw.Connection) -> None:
            db.executemany(
                "INSERT INTO audience (hour_at, site, path_group, status, referring, count)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (hour_at, site, path_group, status, referring) DO UPDATE SET count = audience.count + excluded.count",
                values,
            )

        await self._database.write(act)

    async def totals(self, since: int, until: int) -> tuple[AudienceRow, ...]:
        """The totals of hours that began from *since* to before *until*, whole seconds."""
        return await self._database.read(
            lambda db: tuple(
                AudienceRow(*row)
                for row in db.execute(
                    "SELECT hour_at, site, path_group, status, referring, count FROM audience"
                    " WHERE hour_at >= ? AND hour_at < ? ORDER BY hour_at, site, path_group, status, referring",
                    (since, until),
                )
            )
        )
