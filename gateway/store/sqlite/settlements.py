"""`rails.settlements.Settlements` on SQLite: a row before anybody is asked to move money."""

from __future__ import annotations

from typing import Any, Final

import apsw

from gateway.money import Money
from gateway.rails.settlements import UNTRIED_KEPT_US, Begun, Payment, State
from gateway.store.sqlite.database import Database

_COLUMNS: Final = (
    "id, rail, nonce, identifier, fingerprint, site, url, payer, micros, currency, asked, presented, state,"
    " began_us, changed_us, reason, tx, booked, spent_by, lent"
)
_SELECT: Final = f"SELECT {_COLUMNS} FROM payments"  # noqa: S608
_PUT: Final = (
    f"INSERT INTO payments ({_COLUMNS})"  # noqa: S608
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class SqliteSettlements:
    """Payments in one file."""

    def __init__(self, database: Database) -> None:
        """Keep them in *database*."""
        self._database = database

    async def begin(self, payment: Payment) -> Begun:
        """Record *payment* unless one stands in its way; see `Settlements.begin`."""
        return await self._database.write(lambda db: _begin(db, payment))

    async def skip(self, payment: Payment) -> None:
        """Record *payment* as not begun; without effect where one stands in its way."""

        def act(db: apsw.Connection) -> None:
            _forget(db, payment.began_us)
            if _in_the_way(db, payment) is None:
                _put(db, payment, State.SKIPPED_ORIGIN_ERROR)

        await self._database.write(act)

    async def finish(self, id: str, state: State, *, reason: str, transaction: str, at_us: int) -> Payment:
        """Say what came of a pending payment."""

        def act(db: apsw.Connection) -> Payment:
            found = _known(db, id)
            if found.state is State.PENDING:
                found = found.finished(state, reason=reason, transaction=transaction, at_us=at_us)
                _put(db, found, found.state)
            return found

        return await self._database.write(act)

    async def book(self, id: str) -> None:
        """Note that its credit stands in the journal."""

        def act(db: apsw.Connection) -> None:
            db.execute("UPDATE payments SET booked = 1 WHERE id = ?", (id,))

        await self._database.write(act)

    async def spend(self, id: str, record_id: str, *, at_us: int, instead_of: str = "") -> Payment:
        """Let a fetch have the money, if *instead_of* has it."""

        def act(db: apsw.Connection) -> Payment:
            db.execute(
                "UPDATE payments SET spent_by = ?, changed_us = iif(lent = 1, changed_us, ?) WHERE id = ? AND spent_by = ?",
                (record_id, at_us, id, instead_of),
            )
            return _known(db, id)

        return await self._database.write(act)

    async def lend(self, id: str) -> None:
        """Note that another fetch is served on it."""

        def act(db: apsw.Connection) -> None:
            db.execute("UPDATE payments SET lent = 1 WHERE id = ?", (id,))

        await self._database.write(act)

    async def payment(self, id: str) -> Payment | None:
        """The payment of that id."""
        return await self._database.read(lambda db: _one(db, "WHERE id = ?", id))

    async def of_nonce(self, nonce: str) -> Payment | None:
        """The payment with that nonce."""
        return await self._database.read(lambda db: _one(db, "WHERE nonce = ?", nonce))

    async def payments(self, limit: int = 100) -> tuple[Payment, ...]:
        """The newest *limit*, newest first."""
        sql = f"{_SELECT} ORDER BY began_us DESC, id DESC LIMIT ?"
        return await self._database.read(lambda db: tuple(_payment(row) for row in db.execute(sql, (limit,))))

    async def open(self) -> tuple[Payment, ...]:
        """Every one that is pending, or settled and not booked, oldest first."""
        sql = f"{_SELECT} WHERE state = 'PENDING' OR (state = 'SETTLED' AND booked = 0) ORDER BY began_us, id"
        return await self._database.read(lambda db: tuple(_payment(row) for row in db.execute(sql)))


def _forget(db: apsw.Connection, now_us: int) -> None:
    db.execute(
        "DELETE FROM payments WHERE (state = 'SERVICE_ERROR' OR state = 'SKIPPED_ORIGIN_ERROR') AND changed_us <= ?",
        (now_us - UNTRIED_KEPT_US,),
    )


def _begin(db: apsw.Connection, payment: Payment) -> Begun:
    _forget(db, payment.began_us)
    there = _in_the_way(db, payment)
    if there is not None and not there.may_begin_as(payment):
        return Begun(there, is_ours=False)
    begun = there.begun_again(payment) if there else payment
    _put(db, begun, begun.state)
    return Begun(begun, is_ours=True)


def _in_the_way(db: apsw.Connection, payment: Payment) -> Payment | None:
    same = _one(db, "WHERE nonce = ?", payment.nonce)
    if same is not None or not payment.identifier:
        return same
    called = (payment.rail, payment.payer, payment.identifier)
    return _one(db, "WHERE rail = ? AND payer = ? AND identifier = ? AND state <> 'FAILED'", *called)


def _put(db: apsw.Connection, payment: Payment, state: State) -> None:
    # What this one takes the place of.
    db.execute(
        "DELETE FROM payments WHERE id = ?1 OR nonce = ?2 OR (?3 <> '' AND rail = ?4 AND payer = ?5"
        " AND identifier = ?3 AND state <> 'FAILED' AND ?6 <> 'FAILED')",
        (payment.id, payment.nonce, payment.identifier, payment.rail, payment.payer, str(state)),
    )
    db.execute(
        _PUT,
        (
            payment.id, payment.rail, payment.nonce, payment.identifier, payment.fingerprint, payment.site,
            payment.url, payment.payer, payment.amount.micros, payment.amount.currency, payment.asked,
            payment.presented, str(state), payment.began_us, payment.changed_us, payment.reason,
            payment.transaction, int(payment.booked), payment.spent_by, int(payment.lent),
        ),
    )  # fmt: skip


def _known(db: apsw.Connection, id: str) -> Payment:
    found = _one(db, "WHERE id = ?", id)
    if found is None:
        raise KeyError(id)
    return found


def _one(db: apsw.Connection, where: str, *given: str) -> Payment | None:
    row: Any = db.execute(f"{_SELECT} {where}", given).fetchone()
    return _payment(row) if row else None


def _payment(row: Any) -> Payment:
    values: list[Any] = list(row)
    values[8:10] = [Money(row[8], row[9])]
    made = dict(zip(Payment.__dataclass_fields__, (*values[:11], State(row[12]), *values[12:]), strict=True))
    return Payment(**{**made, "booked": bool(made["booked"]), "lent": bool(made["lent"])})
