"""`licenses.originals.Originals` on SQLite."""

from __future__ import annotations

from typing import Any, Final

import apsw

from gateway.licenses.authorship import Original, Seen
from gateway.store.sqlite.database import Database

_SEEN: Final = (
    "SELECT path, digest, min(first_us) / 1000000, max(last_us) / 1000000 FROM ("
    " SELECT path, digest, time_us AS first_us, time_us AS last_us FROM entries"
    " WHERE kind = 'fetch' AND status IN (200, 206) AND site = ? AND work = ? AND status = 200 AND ended = 'complete'"
    " UNION ALL SELECT w.word, b.digest, b.first_us, b.last_us FROM shelved_bodies b JOIN words w ON w.id = b.path"
    " WHERE b.site = ? AND b.work = ? AND b.whole = 1) AS seen"
    " WHERE digest <> '' GROUP BY path, digest ORDER BY path, min(first_us), digest"
)


class SqliteOriginals:
    """Originals, each a row; what was seen is read from the folded journal."""

    def __init__(self, database: Database) -> None:
        """Keep them in *database*."""
        self._database = database

    async def add(self, original: Original) -> bool:
        """Keep it; see the port."""
        each = original

        def act(db: apsw.Connection) -> bool:
            db.execute(
                "INSERT INTO originals (site, work, digest, name, size, added_at, by_whom)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (each.site, each.work, each.digest, each.name, each.size, each.added_at, each.by),
            )
            return bool(db.changes())

        return await self._database.write(act)

    async def of_work(self, site: str, work: str) -> tuple[Original, ...]:
        """Those of a work, the earliest first."""

        def act(db: apsw.Connection) -> list[Any]:
            query = (
                "SELECT site, work, digest, name, size, added_at, by_whom FROM originals"
                " WHERE site = ? AND work = ? ORDER BY added_at, digest"
            )
            return list(db.execute(query, (site, work)))

        return tuple(Original(*row) for row in await self._database.read(act))

    async def seen(self, site: str, work: str) -> tuple[Seen, ...]:
        """What was delivered whole of a work."""

        def act(db: apsw.Connection) -> list[Any]:
            return list(db.execute(_SEEN, (site, work, site, work)))

        return tuple(Seen(*row) for row in await self._database.read(act))
