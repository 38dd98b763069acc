"""`provenance.audience.AudienceBook` on SQLite: totals of people, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apsw

from gateway.dashboard.filters import LogFilter
from gateway.provenance.audience import AudienceRow
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.totals import Where


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


def people_in(db: apsw.Connection, filter: LogFilter) -> int:
    """How many requests of people there were in the time that *filter* means."""
    where = _hours(filter)
    sql = f"SELECT coalesce(sum(count), 0) FROM audience WHERE {where.sql}"  # noqa: S608
    rows: list[Any] = db.execute(sql, where.values).fetchall()
    return int(rows[0][0])


def referred_in(db: apsw.Connection, filter: LogFilter, step_us: int) -> dict[int, int]:
    """How many people an AI service sent, by step; none where *filter* is of some fetches alone."""
    if filter.crawler is not None or filter.decision or filter.path or filter.text:
        return {}
    if any(key != "site" for key, _ in filter.words):
        return {}
    where = _hours(filter).also("referring <> ''")
    for _, site in filter.words:
        where = where.also("site = ?", site)
    hours = step_us // 3_600_000_000
    sql = f"SELECT hour_at / 3600 / {hours}, sum(count) FROM audience WHERE {where.sql} GROUP BY 1"  # noqa: S608
    rows: list[Any] = db.execute(sql, where.values).fetchall()
    return dict(rows)


def _hours(filter: LogFilter) -> Where:
    """Totals are kept by the hour: an hour counts where any of it lies in the range."""
    where = Where("TRUE")
    if filter.from_us is not None:
        where = where.also("hour_at > ?", filter.from_us // 1_000_000 - 3600)
    if filter.to_us is not None:
        where = where.also("hour_at * 1000000 < ?", filter.to_us)
    return where
