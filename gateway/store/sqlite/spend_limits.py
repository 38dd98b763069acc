"""`licenses.spend_limits.SpendLimits` on SQLite, beside the purses that heed them."""

from __future__ import annotations

from typing import Any

import apsw

from gateway.licenses.spend_limits import SpendLimit
from gateway.money import Money
from gateway.store.sqlite.database import Database


class SqliteSpendLimits:
    """Limits in one file."""

    def __init__(self, database: Database) -> None:
        """Keep them in *database*."""
        self._database = database

    async def limit(self, licensee: str, limit: Money) -> bool:
        """Let *licensee* spend at most *limit* a month; see the port."""
        if limit.micros < 0:
            raise ValueError(f"a spend limit is not negative: {limit}")

        def act(db: apsw.Connection) -> bool:
            if db.execute("SELECT 1 FROM licensees WHERE id = ?", (licensee,)).get is None:
                return False
            db.execute(
                "INSERT INTO spend_limits (licensee, currency, micros) VALUES (?, ?, ?)"
                " ON CONFLICT (licensee, currency) DO UPDATE SET micros = excluded.micros",
                (licensee, limit.currency, limit.micros),
            )
            return True

        return await self._database.write(act)

    async def lift(self, licensee: str, currency: str) -> bool:
        """Take the limit in that currency away."""

        def act(db: apsw.Connection) -> bool:
            db.execute("DELETE FROM spend_limits WHERE licensee = ? AND currency = ?", (licensee, currency))
            return bool(db.changes())

        return await self._database.write(act)

    async def limits_of(self, licensee: str, month: str) -> tuple[SpendLimit, ...]:
        """The limits of *licensee*, with what was spent in *month*."""

        def act(db: apsw.Connection) -> tuple[SpendLimit, ...]:
            rows: Any = db.execute(
                "SELECT currency, micros, coalesce((SELECT micros FROM month_spend WHERE licensee = ?1"
                " AND currency = spend_limits.currency AND month = ?2), 0)"
                " FROM spend_limits WHERE licensee = ?1 ORDER BY currency",
                (licensee, month),
            )
            return tuple(
                SpendLimit(Money(micros, currency), Money(spent, currency))
                for currency, micros, spent in rows
            )

        return await self._database.read(act)
