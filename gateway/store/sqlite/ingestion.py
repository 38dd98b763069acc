"""`licenses.ingestion.Ingestion` on SQLite."""

from __future__ import annotations

from typing import Any, Final

import apsw

from gateway.event import Event
from gateway.licenses.bundle import TYPES, Fetched
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import keep_events

# The condition on the terms is that of the index `licenses_bundle`, letter for letter. Quotes inside a text of
# the terms are escaped, so no text can look like the member.
_SOLD: Final = "SELECT id FROM licenses WHERE instr(terms, '\"bundle\":{') > 0"
_AWAITED: Final = (
    f"{_SOLD} AND NOT EXISTS"  # noqa: S608
    " (SELECT 1 FROM events WHERE subject = licenses.id AND type = ?) ORDER BY id"
)
_FETCHED: Final = (
    "SELECT path, digest, min(time_us) / 1000000 FROM ("
    " SELECT path, time_us, digest FROM entries"
    " WHERE kind = 'fetch' AND status IN (200, 206) AND status = 200 AND ended = 'complete' AND method = 'GET'"
    " AND site = (SELECT site FROM licenses WHERE id = ?1)"
    " AND licensee = (SELECT licensee FROM licenses WHERE id = ?1) AND license = ?1) AS seen"
    " WHERE digest <> '' GROUP BY path, digest ORDER BY path, digest"
)


class SqliteIngestion:
    """Reads the folded journal and the licenses of one file."""

    def __init__(self, database: Database) -> None:
        """Read *database*."""
        self._database = database

    async def awaited(self) -> tuple[str, ...]:
        """Licenses over a bundle that nobody heard of; see the port."""

        def act(db: apsw.Connection) -> list[Any]:
            return list(db.execute(_AWAITED, TYPES))

        return tuple(str(id) for (id,) in await self._database.read(act))

    async def sold(self) -> tuple[str, ...]:
        """Licenses over a bundle."""

        def act(db: apsw.Connection) -> list[Any]:
            return list(db.execute(f"{_SOLD} ORDER BY id"))

        return tuple(str(id) for (id,) in await self._database.read(act))

    async def fetched(self, license_id: str) -> tuple[Fetched, ...]:
        """What was delivered whole under a license."""

        def act(db: apsw.Connection) -> list[Any]:
            return list(db.execute(_FETCHED, (license_id,)))

        return tuple(Fetched(*row) for row in await self._database.read(act))

    async def tell(self, milestone: Event) -> None:
        """Keep *milestone*."""
        await self._database.write(lambda db: keep_events(db, [milestone]))
