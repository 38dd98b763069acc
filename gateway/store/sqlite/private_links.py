"""`licenses.private_links.PrivateLinks` on SQLite."""

from __future__ import annotations

from typing import Any

import apsw

from gateway.licenses.private_links import BY_MAIL, PrivateLink
from gateway.store.sqlite.database import Database

_COLUMNS = "link, negotiation, client, email, made_at, mail, mail_until, verified_at, verified_by"


class SqlitePrivateLinks:
    """Private pages, each a row."""

    def __init__(self, database: Database) -> None:
        """Keep pages in *database*."""
        self._database = database

    async def add(self, link: PrivateLink) -> bool:
        """Keep a new one; see the port."""

        def act(db: apsw.Connection) -> bool:
            db.execute(
                f"INSERT INTO private_links ({_COLUMNS}) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?"  # noqa: S608
                " WHERE EXISTS (SELECT 1 FROM negotiations WHERE id = ?) ON CONFLICT DO NOTHING",
                (
                    link.link, link.negotiation, link.client, link.email, link.made_at, link.mail, link.mail_until,
                    link.verified_at, link.verified_by, link.negotiation,
                ),
            )  # fmt: skip
            return bool(db.changes())

        return await self._database.write(act)

    async def by_link(self, link: str) -> PrivateLink | None:
        """The one whose link has that SHA-256."""
        return await self._database.read(lambda db: _one(db, "link = ?", link))

    async def of(self, negotiation: str) -> PrivateLink | None:
        """The one of that negotiation."""
        return await self._database.read(lambda db: _one(db, "negotiation = ?", negotiation))

    async def mailed(self, negotiation: str, mail: str, until: int) -> bool:
        """Keep what was mailed; see the port."""

        def act(db: apsw.Connection) -> bool:
            db.execute(
                "UPDATE private_links SET mail = ?, mail_until = ? WHERE negotiation = ?",
                (mail, until, negotiation),
            )
            return bool(db.changes())

        return await self._database.write(act)

    async def answered(self, mail: str, at: int) -> PrivateLink | None:
        """Take the token in a mail; see the port."""

        def act(db: apsw.Connection) -> PrivateLink | None:
            found = _one(db, "mail = ? AND mail <> '' AND mail_until > ?", mail, at)
            if found is None:
                return None
            db.execute(
                "UPDATE private_links SET mail = '', mail_until = 0 WHERE negotiation = ?",
                (found.negotiation,),
            )
            return _verified(db, found.negotiation, BY_MAIL, at)

        return await self._database.write(act)

    async def verify(self, negotiation: str, by: str, at: int) -> PrivateLink | None:
        """Keep that somebody is known behind it; see the port."""
        return await self._database.write(lambda db: _verified(db, negotiation, by, at))


def _verified(db: apsw.Connection, negotiation: str, by: str, at: int) -> PrivateLink | None:
    db.execute(
        "UPDATE private_links SET verified_at = ?, verified_by = ? WHERE negotiation = ? AND verified_at = 0",
        (at, by, negotiation),
    )
    return _one(db, "negotiation = ?", negotiation)


def _one(db: apsw.Connection, where: str, *values: str | int) -> PrivateLink | None:
    rows: Any = db.execute(f"SELECT {_COLUMNS} FROM private_links WHERE {where}", values)  # noqa: S608
    return next((PrivateLink(*row) for row in rows), None)
