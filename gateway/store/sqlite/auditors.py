"""`licenses.auditors.Auditors` on SQLite."""

from __future__ import annotations

from typing import Any

import apsw

from gateway.licenses.auditors import Auditor, Look
from gateway.store.sqlite.database import Database

_COLUMNS = "id, name, secret_sha256, licensee, site, first, last, made_at, expires_at, revoked_at"


class SqliteAuditors:
    """Auditors, each a row, and their looks."""

    def __init__(self, database: Database) -> None:
        """Keep them in *database*."""
        self._database = database

    async def add(self, auditor: Auditor) -> bool:
        """Keep a new one; see the port."""
        each = auditor

        def act(db: apsw.Connection) -> bool:
            db.execute(
                f"INSERT INTO auditors ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",  # noqa: S608
                (
                    each.id, each.name, each.secret_sha256, each.licensee, each.site, each.first, each.last,
                    each.made_at, each.expires_at, each.revoked_at,
                ),
            )  # fmt: skip
            return bool(db.changes())

        return await self._database.write(act)

    async def by_secret(self, sha256: str) -> Auditor | None:
        """The one whose secret has that hash."""
        found = await self._database.read(lambda db: _all(db, "WHERE secret_sha256 = ?", sha256))
        return found[0] if found else None

    async def all(self) -> tuple[Auditor, ...]:
        """Every one, the latest first."""
        return await self._database.read(lambda db: _all(db, "ORDER BY made_at DESC, id DESC"))

    async def revoke(self, id: str, at: int) -> bool:
        """End an access; see the port."""

        def act(db: apsw.Connection) -> bool:
            db.execute("UPDATE auditors SET revoked_at = ? WHERE id = ? AND revoked_at = 0", (at, id))
            return bool(db.changes())

        return await self._database.write(act)

    async def looked(self, look: Look) -> None:
        """Keep that an auditor looked."""

        def act(db: apsw.Connection) -> None:
            db.execute(
                "INSERT INTO auditor_looks (auditor, at, what, came) VALUES (?, ?, ?, ?)",
                (look.auditor, look.at, look.what, look.came),
            )

        await self._database.write(act)

    async def looks(self, auditor: str, most: int, before: int = 0) -> tuple[Look, ...]:
        """The latest looks first; see the port."""
        said, values = list[str](), list[str | int]()
        for text, value in (("auditor = ?", auditor), ("nth < ?", before)):
            if value:
                said.append(text)
                values.append(value)
        where = f"WHERE {' AND '.join(said)} " if said else ""
        sql = f"SELECT auditor, at, what, came, nth FROM auditor_looks {where}ORDER BY nth DESC LIMIT ?"  # noqa: S608

        def act(db: apsw.Connection) -> tuple[Look, ...]:
            rows: Any = db.execute(sql, (*values, most))
            return tuple(Look(*row) for row in rows)

        return await self._database.read(act)

    async def forget_looks(self, before: int) -> int:
        """Forget looks from before second *before*."""

        def act(db: apsw.Connection) -> int:
            db.execute("DELETE FROM auditor_looks WHERE at < ?", (before,))
            return db.changes()

        return await self._database.write(act)


def _all(db: apsw.Connection, which: str, *values: str) -> tuple[Auditor, ...]:
    rows: Any = db.execute(f"SELECT {_COLUMNS} FROM auditors {which}", values)  # noqa: S608
    return tuple(Auditor(*row) for row in rows)
