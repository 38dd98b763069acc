"""`admission.spending.SpendBook` on SQLite: one transaction checks and sets aside."""

from __future__ import annotations

from typing import Any

import apsw

from gateway.admission.spending import Charge, Short
from gateway.billing.postings import prepaid
from gateway.clock import Clock, SystemClock
from gateway.licenses.spend_limits import month_of
from gateway.money import Money
from gateway.store.purses import Standing, decide
from gateway.store.sqlite.accounts import limit_of
from gateway.store.sqlite.database import Database
from gateway.tokens.claims import Budget


class SqliteSpendBook:
    """Purses, beside the postings."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        """Keep purses in *database*; *clock* says which month it is."""
        self._database, self._clock = database, clock or SystemClock()

    async def lease(self, writer: str, charge: Charge, fetches: int) -> int | Short:
        """Add up to *fetches* to the purse of *writer*; see `SpendBook.lease`."""
        return await self._database.write(lambda db: self._lease(db, writer, charge, fetches))

    async def give_back(self, writer: str, license: str, held: Money, fetches: int) -> None:
        """Take what will not be used out of a purse."""
        await self._database.write(lambda db: lower(db, writer, license, held.currency, held.micros, fetches))

    async def exhausted(self, license: str, price: Money, budget: Budget) -> bool:
        """Whether *budget* allows the license no further fetch at *price*; see `SpendBook.exhausted`."""
        further = Charge("", "", license, price, budget)
        answer = await self._database.read(lambda db: decide(further, self._standing(db, further)))
        return isinstance(answer, Short) and answer.what == "budget"

    async def charged(self, license: str, currency: str) -> int:
        """How many fetches the books show as charged under the license."""

        def act(db: apsw.Connection) -> int:
            sql = "SELECT fetches FROM license_spend WHERE license = ? AND currency = ?"
            found = db.execute(sql, (license, currency)).get
            return found if isinstance(found, int) else 0

        return await self._database.read(act)

    async def affords(self, licensee: str, price: Money) -> bool:
        """Whether *licensee* could lease one fetch at *price*; see `SpendBook.affords`."""
        charge = Charge("", licensee, "", price, Budget())
        answer = await self._database.read(lambda db: decide(charge, self._standing(db, charge)))
        return isinstance(answer, int)

    async def available(self, licensee: str, currency: str) -> Money:
        """The balance of *licensee*: postings minus purses; below zero where it owes."""
        return await self._database.read(
            lambda db: Money(_credit(db, licensee, currency) - _held(db, licensee, currency), currency)
        )

    async def balances(self, licensee: str) -> tuple[Money, ...]:
        """`available` in every currency the licensee ever had, by currency."""

        def act(db: apsw.Connection) -> tuple[Money, ...]:
            rows: list[Any] = db.execute(
                "SELECT currency, micros FROM balances WHERE account = ? ORDER BY currency",
                (prepaid(licensee),),
            ).fetchall()
            return tuple(Money(micros - _held(db, licensee, currency), currency) for currency, micros in rows)

        return await self._database.read(act)

    def _lease(self, db: apsw.Connection, writer: str, charge: Charge, fetches: int) -> int | Short:
        answer = decide(charge, self._standing(db, charge), fetches)
        if isinstance(answer, int):
            db.execute(
                "INSERT INTO purses (writer, license, currency, licensee, held, fetches) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (writer, license, currency) DO UPDATE SET held = purses.held + excluded.held,"
                " fetches = purses.fetches + excluded.fetches",
                (
                    writer, charge.license, charge.price.currency, charge.licensee,
                    answer * charge.price.micros, answer,
                ),
            )  # fmt: skip
        return answer

    def _standing(self, db: apsw.Connection, charge: Charge) -> Standing:
        currency = charge.price.currency
        spent = db.execute(
            "SELECT micros, fetches FROM license_spend WHERE license = ? AND currency = ?",
            (charge.license, currency),
        ).fetchone() or (0, 0)
        opened: Any = db.execute(
            "SELECT coalesce(sum(held), 0), coalesce(sum(fetches), 0) FROM purses"
            " WHERE license = ? AND currency = ?",
            (charge.license, currency),
        ).fetchone()
        return Standing(
            credit=_credit(db, charge.licensee, currency),
            held=_held(db, charge.licensee, currency),
            limit=limit_of(db, charge.licensee, currency),
            spent=spent[0],
            spent_fetches=spent[1],
            open=opened[0],
            open_fetches=opened[1],
            month=_month(db, charge.licensee, currency, month_of(self._clock.now_us())),
            most=_most(db, charge.licensee, currency),
        )


def lower(db: apsw.Connection, writer: str, license: str, currency: str, micros: int, fetches: int) -> None:
    """Take that much out of a purse, at most what is in it; an empty one goes."""
    key = (writer, license, currency)
    db.execute(
        "UPDATE purses SET held = max(held - ?, 0), fetches = max(fetches - ?, 0)"
        " WHERE writer = ? AND license = ? AND currency = ?",
        (micros, fetches, *key),
    )
    db.execute(
        "DELETE FROM purses WHERE writer = ? AND license = ? AND currency = ? AND held = 0 AND fetches = 0",
        key,
    )


def _credit(db: apsw.Connection, licensee: str, currency: str) -> int:
    found = db.execute(
        "SELECT micros FROM balances WHERE account = ? AND currency = ?", (prepaid(licensee), currency)
    ).get
    return found if isinstance(found, int) else 0


def _held(db: apsw.Connection, licensee: str, currency: str) -> int:
    found = db.execute(
        "SELECT coalesce(sum(held), 0) FROM purses WHERE licensee = ? AND currency = ?", (licensee, currency)
    ).get
    assert isinstance(found, int)
    return found


def _month(db: apsw.Connection, licensee: str, currency: str, month: str) -> int:
    found = db.execute(
        "SELECT micros FROM month_spend WHERE licensee = ? AND currency = ? AND month = ?",
        (licensee, currency, month),
    ).get
    return found if isinstance(found, int) else 0


def _most(db: apsw.Connection, licensee: str, currency: str) -> int | None:
    found = db.execute(
        "SELECT micros FROM spend_limits WHERE licensee = ? AND currency = ?", (licensee, currency)
    ).get
    return found if isinstance(found, int) else None
