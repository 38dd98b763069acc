"""`dashboard.admin_log.AdminNotes` on SQLite."""

from __future__ import annotations

import orjson

from gateway.dashboard.admin_log import Noted
from gateway.provenance.record import AdminNote, read_entry
from gateway.store.sqlite.database import Database


class SqliteAdminNotes:
    """The notes among the folded entries."""

    def __init__(self, database: Database) -> None:
        """Read from *database*."""
        self._database = database

    async def latest(self, before: int, most: int) -> tuple[Noted, ...]:
        """The latest notes first; see the port."""
        sql = "SELECT seq, own_canonical FROM entries WHERE kind = 'admin' AND (?1 = 0 OR seq < ?1) ORDER BY seq DESC LIMIT ?2"
        rows = await self._database.read(lambda db: list(db.execute(sql, (before, most))))
        return tuple(
            Noted(int(seq), note)
            for seq, canonical in rows
            if isinstance(note := read_entry("admin", orjson.loads(canonical)), AdminNote)
        )
