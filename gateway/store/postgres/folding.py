"""`provenance.keeper.Folding` on PostgreSQL: entries by COPY, in a table for each month.

A month that ended is a table that is only read: it can be backed up, moved to
slower disks or detached whole. Several gateways may fold into one database, each
the journal of its own data folder; the order of all entries is that of their
commits, without a gap (``entry_numbers``). Therefore every row has its octets:
the files of another gateway's journal are on another machine.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from gateway.provenance.keeper import FoldBatch
from gateway.store.sqlite.folding import COLUMNS, SqliteFolding

#: Between these years a time is one; what lies outside stays in the table for the rest.
_YEARS: Final = (2000, 2100)
_TIME: Final = COLUMNS.index("time_us")
_DIGEST: Final = COLUMNS.index("digest")


class PostgresFolding(SqliteFolding):
    """Takes the keeper's batches. What it raises leaves the store as it was."""

    async def purse_writers(self) -> frozenset[str]:
        """The writers of this data folder that have a purse: of others' it cannot be seen here whether they live."""
        sql = "SELECT DISTINCT writer FROM purses WHERE place = coalesce(current_setting('licet.place', true), '')"
        return await self._database.read(lambda db: frozenset(str(writer) for (writer,) in db.execute(sql)))

    async def elsewhere(self) -> frozenset[str]:
        """The files that other data folders fold from; none that was folded before that was kept."""
        sql = (
            "SELECT source FROM fold_places WHERE place <> coalesce(current_setting('licet.place', true), '')"
        )
        return await self._database.read(lambda db: frozenset(str(source) for (source,) in db.execute(sql)))

    def _fold(self, db: Any, rows: list[Any], batch: FoldBatch) -> Any:
        names = [(name,) for name, _ in batch.positions]
        db.executemany("INSERT INTO fold_places (source) VALUES (?) ON CONFLICT (source) DO NOTHING", names)
        return super()._fold(db, rows, batch)

    @staticmethod
    def insert(db: Any, rows: list[tuple[Any, ...]]) -> None:
        """Add *rows*, each of `COLUMNS`, in their order."""
        months = {month_of(row[_TIME]) for row in rows}
        for first_us in sorted(month for month in months if month is not None):
            db.execute("SELECT make_months(?, ?)", (first_us, first_us))
        # One column holds one kind of value: a digest is a text here.
        db.copy(
            "journal", COLUMNS, [(*row[:_DIGEST], _text(row[_DIGEST]), *row[_DIGEST + 1 :]) for row in rows]
        )

    @staticmethod
    def removed(db: Any, after: int, upto: int) -> None:
        """Let numbers go whose rows are gone: they are given again with the rows, should those come back."""
        db.execute(
            "DELETE FROM entry_numbers n WHERE n.seq > ? AND n.seq <= ?"
            " AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.seq = n.seq)",
            (after, upto),
        )


def _text(digest: bytes | str | None) -> str | None:
    return digest.hex() if isinstance(digest, bytes) else digest


def month_of(time_us: int) -> int | None:
    """The microsecond at which the month of *time_us* begins, in UTC; None for a time that no entry can have.

    >>> month_of(1_795_000_000_000_000)
    1793491200000000
    >>> month_of(-1)
    """
    try:
        at = dt.datetime.fromtimestamp(time_us // 1_000_000, dt.UTC)
    except (OverflowError, ValueError, OSError):
        return None
    if not _YEARS[0] <= at.year < _YEARS[1]:
        return None
    return int(dt.datetime(at.year, at.month, 1, tzinfo=dt.UTC).timestamp()) * 1_000_000
