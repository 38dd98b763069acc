"""`billing.payout_book.PayoutBook` on SQLite."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from gateway.billing.payouts import Payout
from gateway.billing.postings import earned
from gateway.store.payout_json import read_payout, write_payout
from gateway.store.sqlite.database import Database


class SqlitePayoutBook:
    """Payouts by id."""

    def __init__(self, database: Database) -> None:
        """Keep them in *database*."""
        self._database = database

    async def plan(self, payouts: Sequence[Payout]) -> bool:
        """Keep new ones; see the port."""

        def act(db: apsw.Connection) -> bool:
            fresh = [each for each in payouts if not _content(db, each.id)]
            for each in fresh:
                db.execute(
                    "INSERT INTO payouts (id, site, currency, micros, at, version, content) VALUES (?, ?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING",
                    (each.id, each.site, each.amount.currency, each.amount.micros, each.at, each.version, write_payout(each)),
                )  # fmt: skip
            for site, currency in {(each.site, each.amount.currency) for each in fresh}:
                balance = db.execute(
                    "SELECT coalesce(sum(micros), 0) FROM balances WHERE account = ? AND currency = ?",
                    (earned(site), currency),
                ).get
                unseen = db.execute(
                    "SELECT coalesce(sum(p.micros), 0) FROM payouts p WHERE p.site = ? AND p.currency = ?"
                    " AND NOT EXISTS (SELECT 1 FROM entries e WHERE e.id = p.id)",
                    (site, currency),
                ).get
                assert isinstance(balance, int)
                assert isinstance(unseen, int)
                if unseen > balance:
                    raise _Uncovered
            return True

        try:
            return await self._database.write(act)
        except _Uncovered:
            return False

    async def move(self, payouts: Sequence[Payout]) -> bool:
        """Keep other versions; see the port."""

        def act(db: apsw.Connection) -> bool:
            for each in payouts:
                db.execute(
                    "UPDATE payouts SET version = ?, content = ? WHERE id = ? AND version = ?",
                    (each.version, write_payout(each), each.id, each.version - 1),
                )
                if not db.changes():
                    raise _Uncovered
            return True

        try:
            return await self._database.write(act)
        except _Uncovered:
            return False

    async def get(self, id: str) -> Payout | None:
        """The payout of that id."""
        found = await self._database.read(lambda db: _content(db, id))
        return read_payout(found) if found else None

    async def all(self, most: int) -> tuple[Payout, ...]:
        """The newest first."""
        sql = "SELECT content FROM payouts ORDER BY at DESC, id DESC LIMIT ?"
        return await self._database.read(
            lambda db: tuple(read_payout(str(text)) for (text,) in db.execute(sql, (most,)))
        )


class _Uncovered(Exception):
    pass


def _content(db: apsw.Connection, id: str) -> str:
    found = db.execute("SELECT content FROM payouts WHERE id = ?", (id,)).get
    return str(found) if found else ""
