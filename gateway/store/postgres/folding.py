"""`provenance.keeper.Folding` on PostgreSQL: entries by COPY, in a table for each month.

A month that ended is a table that is only read: it can be backed up, moved to
slower disks or detached whole. Several gateways may fold into one database, each
the journal of its own data folder; the order of all entries is that of their
commits, without a gap (``entry_numbers``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from gateway.store.sqlite.folding import COLUMNS, Row, SqliteFolding

#: Between these years a time is one; what lies outside stays in the table for the rest.
_YEARS: Final = (2000, 2100)


class PostgresFolding(SqliteFolding):
    """Takes the keeper's batches. What it raises leaves the store as it was."""

    async def purse_writers(self) -> frozenset[str]:
        """The writers of this data folder that have a purse: of others' it cannot be seen here whether they live."""
        sql = "SELECT DISTINCT writer FROM purses WHERE place = coalesce(current_setting('licet.place', true), '')"
        return await self._database.read(lambda db: frozenset(str(writer) for (writer,) in db.execute(sql)))

    @staticmethod
    def insert(db: Any, numbered: Sequence[tuple[int, Row]]) -> None:
        """Add the rows, in their order."""
        months = {month_of(row.entry.time_us) for _, row in numbered}
        for first_us in sorted(month for month in months if month is not None):
            db.execute("SELECT make_months(?, ?)", (first_us, first_us))
        for kind, run in groupby(numbered, key=lambda each: each[1].entry.kind):
            db.copy("entries", ("seq", *COLUMNS[kind]), [(seq, *row.values) for seq, row in run])


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
