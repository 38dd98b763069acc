"""`licenses.accounts.Accounts` on SQLite, beside the register."""

from __future__ import annotations

from typing import Any

import apsw

from gateway.licenses.accounts import Account
from gateway.licenses.license import Standing
from gateway.money import Money
from gateway.store.sqlite.database import Database


class SqliteAccounts:
    """Agents and credit limits in one file."""

    def __init__(self, database: Database) -> None:
        """Keep everything in *database*."""
        self._database = database

    async def by_agent(self, agent: str) -> Account | None:
        """The account that *agent* is tied to."""

        def act(db: apsw.Connection) -> Account | None:
            row: Any = db.execute(
                "SELECT licensees.id, standing FROM agents JOIN licensees ON licensees.id = licensee"
                " WHERE agent = ?",
                (agent,),
            ).fetchone()
            return Account(row[0], Standing(row[1]), _limits(db, row[0])) if row else None

        return await self._database.read(act)

    async def tie(self, agent: str, licensee: str) -> bool:
        """Tie *agent* to *licensee*; False if there is no such licensee."""

        def act(db: apsw.Connection) -> bool:
            if not _exists(db, licensee):
                return False
            db.execute(
                "INSERT INTO agents (agent, licensee) VALUES (?, ?)"
                " ON CONFLICT (agent) DO UPDATE SET licensee = excluded.licensee",
                (agent, licensee),
            )
            return True

        return await self._database.write(act)

    async def untie(self, agent: str) -> bool:
        """Let *agent* pay for nobody; False if it did not."""

        def act(db: apsw.Connection) -> bool:
            db.execute("DELETE FROM agents WHERE agent = ?", (agent,))
            return bool(db.changes())

        return await self._database.write(act)

    async def agents_of(self, licensee: str) -> tuple[str, ...]:
        """The agents that pay from the account of *licensee*, sorted."""
        sql = "SELECT agent FROM agents WHERE licensee = ? ORDER BY agent"
        return await self._database.read(
            lambda db: tuple(str(agent) for (agent,) in db.execute(sql, (licensee,)))
        )

    async def set_limit(self, licensee: str, limit: Money) -> bool:
        """Let *licensee* owe up to *limit*; False if there is no such licensee."""
        if limit.micros < 0:
            raise ValueError(f"a credit limit is not negative: {limit}")

        def act(db: apsw.Connection) -> bool:
            if not _exists(db, licensee):
                return False
            key = (licensee, limit.currency)
            db.execute("DELETE FROM credit_limits WHERE licensee = ? AND currency = ?", key)
            if limit:
                db.execute(
                    "INSERT INTO credit_limits (licensee, currency, micros) VALUES (?, ?, ?)",
                    (*key, limit.micros),
                )
            return True

        return await self._database.write(act)

    async def limits_of(self, licensee: str) -> tuple[Money, ...]:
        """The limits above zero of *licensee*, by currency."""
        return await self._database.read(lambda db: _limits(db, licensee))


def limit_of(db: apsw.Connection, licensee: str, currency: str) -> int:
    """How many micro-units *licensee* may owe in *currency*."""
    found = db.execute(
        "SELECT micros FROM credit_limits WHERE licensee = ? AND currency = ?", (licensee, currency)
    ).get
    return found if isinstance(found, int) else 0


def _limits(db: apsw.Connection, licensee: str) -> tuple[Money, ...]:
    rows: list[Any] = db.execute(
        "SELECT micros, currency FROM credit_limits WHERE licensee = ? ORDER BY currency", (licensee,)
    ).fetchall()
    return tuple(Money(micros, currency) for micros, currency in rows)


def _exists(db: apsw.Connection, licensee: str) -> bool:
    return db.execute("SELECT 1 FROM licensees WHERE id = ?", (licensee,)).get is not None
