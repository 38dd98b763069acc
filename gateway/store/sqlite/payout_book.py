"""`billing.payout_book.PayoutBook` on SQLite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import apsw
import orjson

from gateway.billing.payouts import Payee, Payout, Standing, account_of, read_account
from gateway.money import Money
from gateway.store.payout_json import read_payout, write_payout
from gateway.store.sqlite.database import Database

_OF_UNSEEN: Final = "FROM payouts p WHERE NOT EXISTS (SELECT 1 FROM entries e WHERE e.id = p.id)"
_UNSEEN: Final = f"SELECT coalesce(sum(p.micros), 0) {_OF_UNSEEN}"


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
                    "INSERT INTO payouts (id, site, author, currency, micros, at, version, content)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (
                        each.id, each.site, each.author, each.amount.currency, each.amount.micros, each.at,
                        each.version, write_payout(each),
                    ),
                )  # fmt: skip
            wanted = {(each.site, each.author, account_of(each), each.amount.currency) for each in fresh}
            for site, author, account, currency in wanted:
                balance = db.execute(
                    "SELECT coalesce(sum(micros), 0) FROM balances WHERE account = ? AND currency = ?",
                    (account, currency),
                ).get
                unseen = db.execute(
                    f"{_UNSEEN} AND p.site = ? AND p.author = ? AND p.currency = ?", (site, author, currency)
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

    async def all(self, most: int, after: str = "") -> tuple[Payout, ...]:
        """The newest first; see the port."""
        behind = "WHERE (at, id) < (SELECT at, id FROM payouts WHERE id = ?) " if after else ""
        sql = f"SELECT content FROM payouts {behind}ORDER BY at DESC, id DESC LIMIT ?"  # noqa: S608
        values = (after, most) if after else (most,)
        return await self._database.read(
            lambda db: tuple(read_payout(str(text)) for (text,) in db.execute(sql, values))
        )

    async def owed(self) -> tuple[Standing, ...]:
        """What creators and authors have; see the port."""

        def act(db: apsw.Connection) -> tuple[Standing, ...]:
            left = Counter[tuple[str, str, str]]()
            for account, currency, micros in db.execute(
                "SELECT account, currency, micros FROM balances WHERE account LIKE 'creator:%' OR account LIKE 'author:%'"
            ):
                whose = read_account(str(account))
                assert whose is not None
                left[*whose, str(currency)] += int(str(micros))
            unseen: Any = db.execute(
                f"SELECT p.site, p.author, p.currency, sum(p.micros) {_OF_UNSEEN} GROUP BY 1, 2, 3"
            )
            for site, author, currency, micros in unseen:
                left[site, author, currency] -= micros
            return tuple(
                Standing(site, author, Money(micros, currency))
                for (site, author, currency), micros in sorted(left.items())
                if micros
            )

        return await self._database.read(act)

    async def name_payee(self, site: str, author: str, payee: Payee | None) -> None:
        """Keep or forget a payee; see the port."""

        def act(db: apsw.Connection) -> None:
            db.execute("DELETE FROM author_payees WHERE site = ? AND author = ?", (site, author))
            if payee is not None:
                values = (site, author, orjson.dumps(asdict(payee)).decode())
                db.execute("INSERT INTO author_payees (site, author, payee) VALUES (?, ?, ?)", values)

        await self._database.write(act)

    async def payees(self) -> Mapping[tuple[str, str], Payee]:
        """Where authors are paid to."""
        sql = "SELECT site, author, payee FROM author_payees"

        def act(db: apsw.Connection) -> dict[tuple[str, str], Payee]:
            rows: Any = db.execute(sql)
            return {(site, author): Payee(**orjson.loads(text)) for site, author, text in rows}

        return await self._database.read(act)


class _Uncovered(Exception):
    pass


def _content(db: apsw.Connection, id: str) -> str:
    found = db.execute("SELECT content FROM payouts WHERE id = ?", (id,)).get
    return str(found) if found else ""
