"""`licenses.objections.Objections` on SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw

from gateway.event import Event
from gateway.licenses.objection import Objection, Objector
from gateway.store.objection_json import read_objection, write_objection
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import keep_events


class SqliteObjections:
    """Objections, and in another table who made them."""

    def __init__(self, database: Database) -> None:
        """Keep them in *database*."""
        self._database = database

    async def add(
        self, objection: Objection, objector: Objector, *, most: int, events: Sequence[Event] = ()
    ) -> bool:
        """Keep a new one; see the port."""
        each = objection

        def act(db: apsw.Connection) -> bool:
            open_: Any = db.execute(
                "SELECT count(*) FROM objections WHERE site = ? AND waits = 1", (each.site,)
            ).fetchone()
            if open_[0] >= most:
                return False
            db.execute(
                "INSERT INTO objections (id, site, at, version, waits, document) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (
                    each.id,
                    each.site,
                    each.at,
                    each.version,
                    int(not each.state.is_over),
                    write_objection(each),
                ),
            )
            if not db.changes():
                return False
            db.execute(
                "INSERT INTO objectors (id, name, contact, why) VALUES (?, ?, ?, ?)",
                (each.id, objector.name, objector.contact, objector.why),
            )
            keep_events(db, events)
            return True

        return await self._database.write(act)

    async def change(self, objection: Objection, *, events: Sequence[Event] = ()) -> bool:
        """Keep another version; see the port."""
        each = objection

        def act(db: apsw.Connection) -> bool:
            db.execute(
                "UPDATE objections SET version = ?, waits = ?, document = ? WHERE id = ? AND version = ?",
                (each.version, int(not each.state.is_over), write_objection(each), each.id, each.version - 1),
            )
            if not db.changes():
                return False
            keep_events(db, events)
            return True

        return await self._database.write(act)

    async def get(self, id: str) -> Objection | None:
        """The objection of that id."""
        found = await self._texts("SELECT document FROM objections WHERE id = ?", id)
        return read_objection(found[0]) if found else None

    async def all(self, most: int, after: str = "") -> tuple[Objection, ...]:
        """The undecided first, then the latest first; see the port."""
        order = "ORDER BY waits DESC, at DESC, id DESC LIMIT ?"

        def act(db: apsw.Connection) -> list[str]:
            where, values = "", tuple[Any, ...]()
            if after:
                place = db.execute("SELECT waits, at, id FROM objections WHERE id = ?", (after,)).fetchone()
                if place is None:
                    return []
                # Values, not a subquery: SQLite goes into the index by all of them.
                where, values = "WHERE (waits, at, id) < (?, ?, ?)", tuple(place)
            rows = db.execute(f"SELECT document FROM objections {where} {order}", (*values, most))  # noqa: S608
            return [str(text) for (text,) in rows]

        return tuple(map(read_objection, await self._database.read(act)))

    async def objector(self, id: str) -> Objector | None:
        """Who made it."""

        def act(db: apsw.Connection) -> Any:
            return db.execute("SELECT name, contact, why FROM objectors WHERE id = ?", (id,)).fetchone()

        row = await self._database.read(act)
        return Objector(*row) if row else None

    async def erase(self, id: str) -> bool:
        """Forget who made it."""

        def act(db: apsw.Connection) -> bool:
            db.execute("DELETE FROM objectors WHERE id = ?", (id,))
            return bool(db.changes())

        return await self._database.write(act)

    async def _texts(self, query: str, value: str | int) -> list[str]:
        def act(db: apsw.Connection) -> list[str]:
            return [str(text) for (text,) in db.execute(query, (value,))]

        return await self._database.read(act)
