"""`billing.owing.Owing` on SQLite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import apsw

from gateway.billing.owing import Held
from gateway.licenses.duties import KeptReport
from gateway.licenses.rates import Rates, rates_of
from gateway.provenance.record import JournalEntry
from gateway.store.duty_json import read_kept_report
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.deriving import booked_of
from gateway.store.sqlite.register import licenses_where

_ACCEPTED: Final = (
    "FROM duties WHERE unmet = 0 AND json_extract(document, '$.kind') = 'report'"
    " AND json_extract(document, '$.state') = 'accepted'"
)
_SIGNS: Final = (
    "SELECT id, group_concat(sign, '/' ORDER BY sign) FROM ("  # noqa: S608
    " SELECT id, version || ':' || ends_at AS sign FROM license_terms WHERE id NOT LIKE 'pf\\_%' ESCAPE '\\'"
    " UNION ALL SELECT subject, 'over' || at FROM revocations WHERE kind = 'license'"
    f" UNION ALL SELECT license, id || version {_ACCEPTED}"
    " UNION ALL SELECT license, 'b' || count(*) FROM entries WHERE kind = 'book' AND license <> '' GROUP BY license"
    ") AS signs WHERE id IN (SELECT id FROM licenses WHERE id NOT LIKE 'pf\\_%' ESCAPE '\\') GROUP BY id"
)
_MILESTONES: Final = "json_extract(terms, '$.compensation.milestones') IS NOT NULL AND id > ?1 AND id NOT LIKE 'pf\\_%' ESCAPE '\\'"
_WITH_MILESTONES: Final = (
    f"SELECT id FROM licenses WHERE {_MILESTONES}"  # noqa: S608
    f" UNION SELECT id FROM later_versions WHERE {_MILESTONES} ORDER BY 1 LIMIT ?2"
)
_RATES: Final = (
    "SELECT count(*) FROM entries WHERE kind = 'book' AND licensee = '' AND license = '' AND site = ''"
)
_BOOK: Final = "kind = 'book' AND licensee = (SELECT licensee FROM licenses WHERE id = ?1)"


class SqliteOwing:
    """Reads the licenses, reports and entries of one file."""

    def __init__(self, database: Database) -> None:
        """Read *database*."""
        self._database = database

    async def signs(self) -> Mapping[str, str]:
        """A text by license; see the port."""

        def act(db: apsw.Connection) -> tuple[list[Any], object]:
            return db.execute(_SIGNS).fetchall(), db.execute(_RATES).get

        rows, rates = await self._database.read(act)
        return {str(id): f"{sign}/{rates}" for id, sign in rows}

    async def with_milestones(self, most: int, behind: str = "") -> tuple[str, ...]:
        """Licenses that have milestones; see the port."""

        def act(db: apsw.Connection) -> tuple[str, ...]:
            rows: Any = db.execute(_WITH_MILESTONES, (behind, most))
            return tuple(str(id) for (id,) in rows)

        return await self._database.read(act)

    async def held(self, license_id: str) -> Held:
        """The license of that id."""

        def act(db: apsw.Connection) -> Held:
            at = db.execute(
                "SELECT at FROM revocations WHERE kind = 'license' AND subject = ?", (license_id,)
            ).get
            rows: list[Any] = db.execute(
                "SELECT duty, license, at, document FROM reports WHERE license = ?"  # noqa: S608
                f" AND duty IN (SELECT id {_ACCEPTED} AND license = reports.license) ORDER BY at, duty, sha256",
                (license_id,),
            ).fetchall()
            return Held(
                licenses_where(db, "WHERE id = ? ORDER BY version", license_id),
                tuple(KeptReport(duty, id, when, read_kept_report(text)) for duty, id, when, text in rows),
                at if isinstance(at, int) else 0,
            )

        return await self._database.read(act)

    async def rates(self) -> Rates:
        """Every rate of a currency."""
        rest = "WHERE kind = 'book' AND licensee = '' AND license = '' AND site = '' ORDER BY seq"
        return await self._database.read(lambda db: rates_of(each.entry for each in booked_of(db, rest)))

    async def items(self, license_id: str) -> int:
        """How many different paths or renditions were delivered."""
        sql = (
            "SELECT count(*) FROM (SELECT DISTINCT path, rendition"
            " FROM entries WHERE outcome = 'licensed' AND charge_reason = 'fetch' AND license = ?1"
            " AND licensee = (SELECT licensee FROM licenses WHERE id = ?1)) AS items"
        )
        found = await self._database.read(lambda db: db.execute(sql, (license_id,)).get)
        return found if isinstance(found, int) else 0

    async def entries(self, license_id: str, *, deliveries: bool) -> tuple[JournalEntry, ...]:
        """What the journal says of it; see the port."""
        sql = f"WHERE seq IN (SELECT seq FROM entries WHERE {_BOOK}"  # noqa: S608
        if deliveries:
            sql += (
                " UNION SELECT seq FROM entries WHERE outcome = 'licensed' AND license = ?1"
                " AND licensee = (SELECT licensee FROM licenses WHERE id = ?1)"
            )
        return await self._database.read(
            lambda db: tuple(each.entry for each in booked_of(db, f"{sql}) ORDER BY seq", (license_id,)))
        )
