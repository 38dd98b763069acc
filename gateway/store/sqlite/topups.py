"""`rails.topups.TopUps` on SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import apsw

from gateway.event import Event
from gateway.money import Money
from gateway.rails.topups import BACK_KEPT_SECONDS, KEPT_SECONDS, PaidBack, TopUp
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import keep_events

_SELECT: Final = "SELECT id, licensee, micros, currency, at, session, paid_by FROM topups"


class SqliteTopUps:
    """Top-ups and the events that were heard of them, in one file."""

    def __init__(self, database: Database) -> None:
        """Keep them in *database*."""
        self._database = database

    async def add(self, topup: TopUp) -> TopUp:
        """Keep *topup*, unless one of its id is there."""
        amount = topup.amount

        def act(db: apsw.Connection) -> TopUp:
            db.execute("DELETE FROM topups WHERE paid_by = '' AND at <= ?", (topup.at - KEPT_SECONDS,))
            db.execute(
                "INSERT INTO topups (id, licensee, micros, currency, at) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (topup.id, topup.licensee, amount.micros, amount.currency, topup.at),
            )
            found = _one(db, "id = ?", topup.id)
            assert found is not None
            return found

        return await self._database.write(act)

    async def opened(self, id: str, session: str) -> None:
        """Note the provider's page."""
        await self._write("UPDATE topups SET session = ? WHERE id = ?", session, id)

    async def paid(self, id: str, paid_by: str) -> None:
        """Note the provider's payment, if none is noted."""
        await self._write("UPDATE topups SET paid_by = ? WHERE id = ? AND paid_by = ''", paid_by, id)

    async def topup(self, id: str) -> TopUp | None:
        """The top-up of that id."""
        return await self._database.read(lambda db: _one(db, "id = ?", id))

    async def paid_with(self, paid_by: str) -> TopUp | None:
        """The top-up that *paid_by* paid."""
        return await self._database.read(lambda db: _one(db, "paid_by = ? AND paid_by <> ''", paid_by))

    async def everything(self) -> tuple[TopUp, ...]:
        """Every top-up that is kept."""
        return await self._database.read(
            lambda db: tuple(_topup(row) for row in db.execute(f"{_SELECT} ORDER BY id"))
        )

    async def went_back(self, back: PaidBack, at: int) -> None:
        """Keep *back*, once."""

        def act(db: apsw.Connection) -> None:
            db.execute("DELETE FROM topups_back WHERE at <= ?", (at - BACK_KEPT_SECONDS,))
            db.execute(
                "INSERT INTO topups_back (refund, paid_by, micros, currency, at) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (back.refund, back.paid_by, back.amount.micros, back.amount.currency, at),
            )

        await self._database.write(act)

    async def back_of(self, paid_by: str) -> tuple[PaidBack, ...]:
        """What was kept of that payment."""
        sql = "SELECT refund, micros, currency FROM topups_back WHERE paid_by = ? ORDER BY refund"

        def act(db: apsw.Connection) -> tuple[PaidBack, ...]:
            rows: list[Any] = db.execute(sql, (paid_by,)).fetchall()
            return tuple(PaidBack(refund, Money(micros, code), paid_by) for refund, micros, code in rows)

        return await self._database.read(act)

    async def heard(self, event: str) -> bool:
        """Whether the event was noted."""
        sql = "SELECT 1 FROM provider_events WHERE id = ?"
        return await self._database.read(lambda db: db.execute(sql, (event,)).fetchone() is not None)

    async def take_back(self, id: str, entry: str, amount: Money) -> Money:
        """Take *amount* of a top-up back for *entry*, as far as others left of it."""

        def act(db: apsw.Connection) -> Money:
            taken: Any = db.execute("SELECT micros FROM topups_taken WHERE entry = ?", (entry,)).fetchone()
            if taken is not None:
                return Money(taken[0], amount.currency)
            topup = _one(db, "id = ?", id)
            if topup is None or topup.amount.currency != amount.currency:
                raise LookupError(id)
            total: Any = db.execute(
                "SELECT COALESCE(SUM(micros), 0) FROM topups_taken WHERE topup = ?", (id,)
            ).fetchone()
            micros = min(amount.micros, topup.amount.micros - total[0])
            db.execute(
                "INSERT INTO topups_taken (entry, topup, micros) VALUES (?, ?, ?)", (entry, id, micros)
            )
            return Money(micros, amount.currency)

        return await self._database.write(act)

    async def note(self, event: str, at: int, *, events: Sequence[Event] = ()) -> None:
        """Note that the event was acted upon, and keep *events*."""

        def act(db: apsw.Connection) -> None:
            db.execute("DELETE FROM provider_events WHERE at <= ?", (at - KEPT_SECONDS,))
            new = db.execute(
                "INSERT INTO provider_events (at, id) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id",
                (at, event),
            ).fetchone()
            if new is not None:
                keep_events(db, events)

        await self._database.write(act)

    async def _write(self, sql: str, *given: str | int) -> None:
        def act(db: apsw.Connection) -> None:
            db.execute(sql, given)

        await self._database.write(act)


def _one(db: apsw.Connection, where: str, given: str) -> TopUp | None:
    row: Any = db.execute(f"{_SELECT} WHERE {where}", (given,)).fetchone()
    return _topup(row) if row else None


def _topup(row: Any) -> TopUp:
    return TopUp(row[0], row[1], Money(row[2], row[3]), *row[4:])
