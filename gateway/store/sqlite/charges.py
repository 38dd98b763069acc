"""`billing.charges.Charges` on SQLite: an index of licensee and time, read backwards."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final

import apsw

from gateway.billing.charges import ChargeFilter, ChargeKey, ChargePage, Used, costs
from gateway.provenance.record import JournalEntry
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.deriving import booked_of

_OF_ACCOUNT: Final = "(kind = 'book' OR (kind = 'fetch' AND outcome = 'licensed'))"


class SqliteCharges:
    """Reads accounts."""

    def __init__(self, database: Database) -> None:
        """Read *database*."""
        self._database = database

    async def page(
        self, licensee: str, filter: ChargeFilter, after: ChargeKey | None, most: int
    ) -> ChargePage:
        """At most *most* entries of *licensee*; see the port."""
        return await self._database.read(lambda db: _page(db, licensee, filter, after, most))

    async def one(self, licensee: str, id: str) -> JournalEntry | None:
        """The entry of that id, if it is of *licensee*."""
        rest = f"WHERE id = ? AND licensee = ? AND {_OF_ACCOUNT}"
        found = await self._database.read(lambda db: tuple(booked_of(db, rest, (id, licensee))))
        return found[0].entry if found else None

    async def used(self, licensee: str) -> Mapping[tuple[str, str], Used]:
        """What was taken and is set aside, by license and currency."""
        sql = (
            "SELECT license, currency, sum(a), sum(b), sum(c), sum(d) FROM ("
            "SELECT license, currency, micros AS a, fetches AS b, 0 AS c, 0 AS d FROM license_spend"
            " WHERE license IN (SELECT id FROM licenses WHERE licensee = ?1)"
            " UNION ALL SELECT license, currency, 0, 0, held, fetches FROM purses WHERE licensee = ?1"
            ") AS used GROUP BY 1, 2"
        )
        rows: Any = await self._database.read(lambda db: db.execute(sql, (licensee,)).fetchall())
        return {(license, currency): Used(*sums) for license, currency, *sums in rows}


def _page(
    db: apsw.Connection, licensee: str, filter: ChargeFilter, after: ChargeKey | None, most: int
) -> ChargePage:
    where = f"licensee = ? AND time_us >= ? AND time_us < ? AND site IN ('', ?) AND {_OF_ACCOUNT}"
    values: list[Any] = [licensee, filter.since_us, filter.until_us, filter.site]
    if after is not None:
        # The first is for the index, the second for entries of one moment.
        where += " AND time_us <= ? AND (time_us, seq) < (?, ?)"
        values += [after.time_us, after.time_us, after.seq]
    if filter.license:
        where += " AND license = ?"
        values.append(filter.license)
    if filter.charged:
        where += " AND (kind = 'book' OR charged_micros > 0)"
    rows: list[tuple[int, JournalEntry]] = []
    with closing(booked_of(db, f"WHERE {where} ORDER BY time_us DESC, seq DESC", tuple(values))) as found:
        for each in found:
            if filter.charged and not costs(each.entry):
                continue
            if len(rows) == most:
                last, kept = rows[-1]
                return ChargePage(tuple(rows), ChargeKey(kept.time_us, last))
            rows.append((each.seq, each.entry))
    return ChargePage(tuple(rows))
