"""`provenance.public_log.Leaves` on SQLite."""

from __future__ import annotations

from typing import Any

import apsw

from gateway.provenance.receipts import Opened
from gateway.provenance.record import public_leaf
from gateway.store.sqlite.database import Database


class SqliteLeaves:
    """The folded entries as leaves; the one numbered 1 is at index 0."""

    def __init__(self, database: Database) -> None:
        """Read *database*."""
        self._database = database

    async def size(self) -> int:
        """How many there are."""
        return await self._database.read(
            lambda db: db.execute("SELECT coalesce(max(seq), 0) FROM entries").get
        )

    async def leaves(self, begin: int, most: int) -> tuple[bytes, ...]:
        """Those from index *begin* on, at most *most*."""

        def act(db: apsw.Connection) -> tuple[bytes, ...]:
            rows: Any = db.execute(
                "SELECT site, time_us, canonical, salt FROM entries WHERE seq > ? ORDER BY seq LIMIT ?",
                (begin, most),
            )
            return tuple(public_leaf(*row) for row in rows)

        return await self._database.read(act)

    async def opened(self, entry: str) -> Opened | None:
        """The entry of that id with its place and its salt."""

        def act(db: apsw.Connection) -> Opened | None:
            rows: Any = db.execute(
                "SELECT seq - 1, kind, licensee, site, time_us, canonical, salt FROM entries WHERE id = ?",
                (entry,),
            )
            return next((Opened(*row) for row in rows), None)

        return await self._database.read(act)

    async def opened_from(self, begin: int, most: int) -> tuple[Opened, ...]:
        """Entries from index *begin* on, at most *most*."""

        def act(db: apsw.Connection) -> tuple[Opened, ...]:
            rows: Any = db.execute(
                "SELECT seq - 1, kind, licensee, site, time_us, canonical, salt FROM entries WHERE seq > ?"
                " ORDER BY seq LIMIT ?",
                (begin, most),
            )
            return tuple(Opened(*row) for row in rows)

        return await self._database.read(act)

    async def opened_of(
        self, licensee: str, since_us: int, until_us: int, after: tuple[int, int], most: int
    ) -> tuple[Opened, ...]:
        """Entries of *licensee* in that time behind *after*, at most *most*."""
        time_us, index = after

        def act(db: apsw.Connection) -> tuple[Opened, ...]:
            rows: Any = db.execute(
                "SELECT seq - 1, kind, licensee, site, time_us, canonical, salt FROM entries"
                " WHERE licensee = ? AND time_us >= ? AND time_us < ? AND (time_us, seq) > (?, ?)"
                " ORDER BY time_us, seq LIMIT ?",
                (licensee, max(since_us, time_us), until_us, time_us, index + 1, most),
            )
            return tuple(Opened(*row) for row in rows)

        return await self._database.read(act)
