"""`desk.versions.TermsVersions` on SQLite: rows that are added and never changed."""

from __future__ import annotations

from typing import Any

import apsw

from gateway.desk.versions import TakenUp
from gateway.problems import StoreUnavailable
from gateway.store.sqlite.database import Database
from gateway.terms.terms_version import TermsVersion

_HISTORY = "SELECT name, at, policy FROM terms_taken_up WHERE site = ? ORDER BY nth DESC LIMIT ?"


class SqliteTermsVersions:
    """Versions by site."""

    def __init__(self, database: Database) -> None:
        """Keep versions in *database*."""
        self._database = database

    async def take_up(self, site: str, version: TermsVersion, policy: str, at: int) -> TakenUp:
        """Keep *version*, and that it is in force from *at* on; see the port."""

        def act(db: apsw.Connection) -> TakenUp:
            last = next(iter(_history(db, site, 1)), None)
            if last is not None and last.name == version.name:
                return last
            db.execute(
                "INSERT INTO terms_versions (site, name, document) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (site, version.name, version.text),
            )
            taken = TakenUp(version.name, max(at, last.at) if last else at, policy)
            db.execute(
                "INSERT INTO terms_taken_up (site, nth, name, at, policy) SELECT ?1, coalesce(max(nth), 0) + 1,"
                " ?2, ?3, ?4 FROM terms_taken_up WHERE site = ?1",
                (site, taken.name, taken.at, taken.policy),
            )
            return taken

        return await self._database.write(act)

    async def version(self, site: str, name: str) -> TermsVersion | None:
        """The version of that name; `StoreUnavailable` where what is kept is not what was."""

        def act(db: apsw.Connection) -> bytes | None:
            sql = "SELECT document FROM terms_versions WHERE site = ? AND name = ?"
            row: Any = db.execute(sql, (site, name)).fetchone()
            return row[0] if row else None

        text = await self._database.read(act)
        if text is None:
            return None
        found = TermsVersion(name, text)
        if not found.is_whole:
            raise StoreUnavailable(f"the terms {name} of {site} in the store were changed")
        return found

    async def history(self, site: str, most: int) -> tuple[TakenUp, ...]:
        """What came into force at *site*, newest first."""
        return await self._database.read(lambda db: _history(db, site, most))


def _history(db: apsw.Connection, site: str, most: int) -> tuple[TakenUp, ...]:
    return tuple(TakenUp(*row) for row in db.execute(_HISTORY, (site, most)))
