"""`desk.once.Repeats` on SQLite."""

from __future__ import annotations

from typing import Any

import apsw

from gateway.desk.once import KEPT_SECONDS, Stood
from gateway.store.sqlite.database import Database


class SqliteRepeats:
    """Requests that carried a key, in one file."""

    def __init__(self, database: Database) -> None:
        """Keep them in *database*."""
        self._database = database

    async def begin(self, name: str, fingerprint: str, at: int) -> Stood:
        """Keep *fingerprint* unless something stands there; see `Repeats.begin`."""

        def act(db: apsw.Connection) -> Stood:
            db.execute("DELETE FROM repeats WHERE at <= ?", (at - KEPT_SECONDS,))
            db.execute(
                "INSERT INTO repeats (name, fingerprint, at, sealed) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (name, fingerprint, at, b""),
            )
            row: Any = db.execute(
                "SELECT fingerprint, sealed FROM repeats WHERE name = ?", (name,)
            ).fetchone()
            return Stood(row[0], bytes(row[1]))

        return await self._database.write(act)

    async def finish(self, name: str, sealed: bytes) -> None:
        """Keep the answer."""

        def act(db: apsw.Connection) -> None:
            db.execute("UPDATE repeats SET sealed = ? WHERE name = ?", (sealed, name))

        await self._database.write(act)
