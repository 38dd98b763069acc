"""`dashboard.saved_views.SavedViews` on SQLite."""

from __future__ import annotations

from dataclasses import astuple, fields
from typing import Any, Final

import apsw

from gateway.dashboard.saved_views import Kept, SavedView
from gateway.store.sqlite.database import Database

_NAMES: Final = ", ".join(field.name for field in fields(SavedView))
_BLANKS: Final = ", ".join("?" * len(fields(SavedView)))


class SqliteSavedViews:
    """Views in one file."""

    def __init__(self, database: Database) -> None:
        """Keep them in *database*."""
        self._database = database

    async def keep(self, view: SavedView, most: int) -> Kept:
        """Keep *view*; see the port."""

        def act(db: apsw.Connection) -> Kept:
            db.execute(
                "UPDATE saved_views SET query = ?, at = ? WHERE person = ? AND path = ? AND name = ?",
                (view.query, view.at, view.person, view.path, view.name),
            )
            if db.changes():
                return Kept.DONE
            count = db.execute("SELECT count(*) FROM saved_views WHERE person = ?", (view.person,)).get
            assert isinstance(count, int)
            if count >= most:
                return Kept.FULL
            sql = f"INSERT INTO saved_views ({_NAMES}) VALUES ({_BLANKS})"  # noqa: S608
            db.execute(sql, astuple(view))
            return Kept.DONE

        return await self._database.write(act)

    async def of(self, person: str) -> tuple[SavedView, ...]:
        """The views of *person*."""
        sql = f"SELECT {_NAMES} FROM saved_views WHERE person = ?"  # noqa: S608
        rows: Any = await self._database.read(lambda db: db.execute(sql, (person,)).fetchall())
        # Engines order texts each in its own way.
        return tuple(sorted((SavedView(*row) for row in rows), key=lambda each: (each.path, each.name)))

    async def rename(self, person: str, id: str, name: str) -> Kept:
        """Give one of *person* another *name*."""

        def act(db: apsw.Connection) -> Kept:
            found: Any = db.execute(
                "SELECT path FROM saved_views WHERE person = ? AND id = ?", (person, id)
            ).fetchone()
            if found is None:
                return Kept.MISSING
            others = db.execute(
                "SELECT count(*) FROM saved_views WHERE person = ? AND path = ? AND name = ? AND id <> ?",
                (person, found[0], name, id),
            ).get
            if others:
                return Kept.TAKEN
            db.execute("UPDATE saved_views SET name = ? WHERE person = ? AND id = ?", (name, person, id))
            return Kept.DONE

        return await self._database.write(act)

    async def remove(self, person: str, id: str) -> bool:
        """Forget one of *person*."""

        def act(db: apsw.Connection) -> bool:
            db.execute("DELETE FROM saved_views WHERE person = ? AND id = ?", (person, id))
            return bool(db.changes())

        return await self._database.write(act)

    async def forget(self, person: str) -> int:
        """Forget all of *person*."""

        def act(db: apsw.Connection) -> int:
            db.execute("DELETE FROM saved_views WHERE person = ?", (person,))
            return db.changes()

        return await self._database.write(act)
