"""`admission.spending.SpendBook` on SQLite: one transaction checks and holds."""

from __future__ import annotations

from typing import Any, Final

import apsw

from gateway.admission.spending import Charge, Lease, Short
from gateway.billing.postings import prepaid
from gateway.money import Money
from gateway.store.holds import Standing, decide, same_charge, settled
from gateway.store.sqlite.database import Database
from gateway.tokens.claims import Budget

#: Seconds for which an answer is remembered after its hold has lapsed.
_REMEMBERED: Final = 86_400


class SqliteSpendBook:
    """Holds on prepaid credit. A hold counts for as long as ``now <= leased at + hold_seconds``.

    Answers are remembered by record id for a day after their hold has lapsed.
    """

    def __init__(self, database: Database) -> None:
        """Keep holds in *database*, beside the postings."""
        self._database = database

    async def lease(self, charge: Charge, now: int) -> Lease | Short:
        """Set the charge's price aside, or say what is short; see `SpendBook.lease`.

        Raises `ValueError` if the record id was used for another charge.
        """
        return await self._database.write(lambda db: _lease(db, charge, now))

    async def settle(self, record_id: str, owed: Money, now: int) -> bool:
        """Close an open hold with *owed*; whether it changed anything.

        What is owed stays set aside until the record is folded or the hold
        lapses, so that it cannot be sold twice in between; the rest is free at
        once. Raises `ValueError` for more than was held, or another currency.
        """
        return await self._database.write(lambda db: _settle(db, record_id, owed, now))

    async def give_back(self, record_id: str) -> bool:
        """Let an open hold go; whether there was one."""
        return await self._database.write(lambda db: _give_back(db, record_id))

    async def exhausted(self, license: str, price: Money, budget: Budget, now: int) -> bool:
        """Whether *budget* allows the license no further fetch at *price*; see `SpendBook.exhausted`."""
        further = Charge("", "", license, price, budget)
        answer = await self._database.read(lambda db: decide(further, _standing(db, further, now)))
        return isinstance(answer, Short) and answer.what == "budget"

    async def available(self, licensee: str, currency: str, now: int) -> Money:
        """What *licensee* could still lease: postings minus open holds; below zero where it owes."""
        return await self._database.read(
            lambda db: Money(_credit(db, licensee, currency) - _held(db, licensee, currency, now), currency)
        )

    async def balances(self, licensee: str, now: int) -> tuple[Money, ...]:
        """`available` in every currency the licensee ever had, by currency."""

        def act(db: apsw.Connection) -> tuple[Money, ...]:
            rows: list[Any] = db.execute(
                "SELECT currency, micros FROM balances WHERE account = ? ORDER BY currency",
                (prepaid(licensee),),
            ).fetchall()
            return tuple(
                Money(micros - _held(db, licensee, currency, now), currency) for currency, micros in rows
            )

        return await self._database.read(act)


def _lease(db: apsw.Connection, charge: Charge, now: int) -> Lease | Short:
    before = db.execute(
        "SELECT licensee, license, price, currency, state, what, left_micros FROM holds WHERE record_id = ?",
        (charge.record_id,),
    ).fetchone()
    if before is not None:
        licensee, license, price, currency, state, what, left = before
        same_charge(charge, licensee, license, Money(price, currency))
        return (
            Short(what, Money(left, currency)) if state == "short" else Lease(charge.record_id, charge.price)
        )
    db.execute("DELETE FROM holds WHERE expires_at < ?", (now - _REMEMBERED,))
    answer = decide(charge, _standing(db, charge, now))
    price, currency = charge.price.micros, charge.price.currency
    match answer:
        case Lease():
            rest: tuple[str | int, ...] = (price, 1, "open", 1, "", 0)
        case Short(what, left):
            rest = (0, 0, "short", 0, what, left.micros)
    db.execute(
        "INSERT INTO holds (record_id, licensee, license, currency, price, expires_at,"
        " held, fetches, state, counts, what, left_micros) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            charge.record_id, charge.licensee, charge.license, currency, price, now + charge.hold_seconds,
            *rest,
        ),
    )  # fmt: skip
    return answer


def _standing(db: apsw.Connection, charge: Charge, now: int) -> Standing:
    currency = charge.price.currency
    spent = db.execute(
        "SELECT micros, fetches FROM license_spend WHERE license = ? AND currency = ?",
        (charge.license, currency),
    ).fetchone() or (0, 0)
    opened: Any = db.execute(
        "SELECT coalesce(sum(held), 0), coalesce(sum(fetches), 0) FROM holds"
        " WHERE counts = 1 AND license = ? AND currency = ? AND expires_at >= ?",
        (charge.license, currency, now),
    ).fetchone()
    return Standing(
        credit=_credit(db, charge.licensee, currency),
        held=_held(db, charge.licensee, currency, now),
        spent=spent[0],
        spent_fetches=spent[1],
        open=opened[0],
        open_fetches=opened[1],
    )


def _credit(db: apsw.Connection, licensee: str, currency: str) -> int:
    found = db.execute(
        "SELECT micros FROM balances WHERE account = ? AND currency = ?", (prepaid(licensee), currency)
    ).get
    return found if isinstance(found, int) else 0


def _held(db: apsw.Connection, licensee: str, currency: str, now: int) -> int:
    found = db.execute(
        "SELECT coalesce(sum(held), 0) FROM holds"
        " WHERE counts = 1 AND licensee = ? AND currency = ? AND expires_at >= ?",
        (licensee, currency, now),
    ).get
    assert isinstance(found, int)
    return found


def _settle(db: apsw.Connection, record_id: str, owed: Money, now: int) -> bool:
    row = db.execute(
        "SELECT held, price, currency FROM holds WHERE record_id = ? AND state = 'open' AND expires_at >= ?",
        (record_id, now),
    ).fetchone()
    if row is None:
        return False
    held, price, currency = row
    micros = settled(owed, Money(held, currency)).micros
    fetches = int(micros > 0 or price == 0)
    db.execute(
        "UPDATE holds SET state = 'settled', held = ?, fetches = ?, counts = ? WHERE record_id = ?",
        (micros, fetches, fetches, record_id),
    )
    return True


def _give_back(db: apsw.Connection, record_id: str) -> bool:
    db.execute(
        "UPDATE holds SET state = 'returned', counts = 0 WHERE record_id = ? AND state = 'open'", (record_id,)
    )
    return db.changes() > 0
