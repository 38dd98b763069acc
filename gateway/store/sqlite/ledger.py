"""`billing.ledger.Ledger` on SQLite: the books, and how they are derived again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import Final, TypeVar

import apsw

from gateway.admission.spending import Purse
from gateway.admission.till import PaidUnit
from gateway.billing.book_export import Journaled
from gateway.billing.ledger import CHUNK
from gateway.billing.paid_units import paid_units
from gateway.billing.postings import Booked, Posting, prepaid
from gateway.billing.reconcile import Books, Kept, Reckoning, referred_by
from gateway.billing.statements import Extract, Period, Statement, statement
from gateway.money import Money
from gateway.provenance.record import FetchRecord
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.deriving import POSTING, Deriving, booked_of, posting_of

T = TypeVar("T")

#: As many paid records as a till looks back on.
_UNITS: Final = 200_000
#: Entries that are looked through at once.
_AT_ONCE: Final = 20_000
_MONEY: Final = "WHERE kind = 'book' OR outcome = 'licensed' ORDER BY seq"
_BOOK: Final = "WHERE kind = 'book'"
_OF_LICENSEE: Final = "WHERE licensee = ? AND time_us >= ? AND time_us < ? ORDER BY seq"
#: Beyond every place in the journal, before and behind.
_BEFORE, _BEHIND = -(2**63), 2**63 - 1


class SqliteLedger:
    """Reads the books that the keeper folds."""

    def __init__(self, database: Database) -> None:
        """Read *database*."""
        self._database = database

    async def balance(self, account: str, currency: str) -> Money:
        """Credits minus debits of *account*."""
        for money in await self.balances(account):
            if money.currency == currency:
                return money
        return Money(0, currency)

    async def balances(self, account: str) -> tuple[Money, ...]:
        """The balance in every currency ever posted to *account*, by currency."""
        sql = "SELECT micros, currency FROM balances WHERE account = ? ORDER BY currency"
        return await self._database.read(
            lambda db: tuple(Money(micros, currency) for micros, currency in db.execute(sql, (account,)))
        )

    async def postings(self, account: str | None, since_us: int, until_us: int) -> tuple[Posting, ...]:
        """Postings on *account*, or all, in the journal's order."""
        return await self._database.read(lambda db: _postings(db, account, since_us, until_us))

    async def entries_of(self, licensee: str, since_us: int, until_us: int) -> tuple[Booked, ...]:
        """Every entry of *licensee*, in the journal's order."""
        return await self._database.read(lambda db: _entries_of(db, licensee, since_us, until_us))

    async def has_entry(self, entry_id: str) -> bool:
        """Whether the entry of that id is folded in."""
        found = await self._database.read(
            lambda db: db.execute("SELECT 1 FROM entries WHERE id = ?", (entry_id,)).get
        )
        return found is not None

    async def charged(self, record_id: str) -> int | None:
        """What the fetch of that id was charged; None where none is folded in."""
        sql = "SELECT charged_micros FROM entries WHERE id = ? AND kind = 'fetch'"
        found = await self._database.read(lambda db: db.execute(sql, (record_id,)).get)
        return found if isinstance(found, int) else None

    async def undone(self, entry_id: str) -> int:
        """How much of the entry of that id reversals undid."""
        sql = "SELECT coalesce(sum(micros), 0) FROM postings WHERE undoes = ? AND undoes <> ''"
        found = await self._database.read(lambda db: db.execute(sql, (entry_id,)).get)
        return found if isinstance(found, int) else 0

    async def extract(self, licensee: str, since_us: int, until_us: int) -> Extract:
        """What a statement is made from, of one moment."""
        account = prepaid(licensee)
        return await self._database.read(
            lambda db: Extract(
                _opening(db, account, since_us),
                _entries_of(db, licensee, since_us, until_us),
                _postings(db, account, since_us, until_us),
            )
        )

    async def statement(self, licensee: str, name: str, period: Period) -> Statement:
        """The statement of *licensee*; see `Ledger.statement`."""
        account, since_us, until_us = prepaid(licensee), period.since_us, period.until_us

        def act(db: apsw.Connection) -> Statement:
            # Read while it is added up: a month of fetches may not fit into memory.
            entries = booked_of(db, _OF_LICENSEE, (licensee, since_us, until_us))
            extract = Extract(
                _opening(db, account, since_us), entries, _read(db, account, since_us, until_us)
            )
            return statement(licensee, name, period, extract)

        return await self._database.read(act)

    async def books(self) -> Books:
        """Everything that `billing.reconcile` compares, of one moment."""
        return await self._database.read(_books)

    async def reckoned(self, asked: Collection[str] = (), *, at_once: int = CHUNK) -> Reckoning:
        """The same added up chunk after chunk, of one moment."""

        def act(db: apsw.Connection) -> Reckoning:
            # Made within the act: a database that has to begin it again adds nothing twice.
            found = Reckoning(_kept(db), referred_by(booked_of(db, _BOOK)), asked)
            for entries, postings in _chunks(db, at_once):
                found.take(entries, postings)
            return found

        return await self._database.read(act)

    async def kept(self) -> Kept:
        """What is kept beside entries and postings."""
        return await self._database.read(_kept)

    async def through(self, act: Callable[[Journaled], T]) -> T:
        """What *act* makes of all balances and postings of one moment; it may be begun again."""
        return await self._database.read(lambda db: act(Journaled(_kept(db).balances, _AllPosted(db))))

    async def paid_units(self, since: int) -> tuple[PaidUnit, ...]:
        """Units paid for since *since*, whole seconds, oldest first."""
        rest = (
            "WHERE outcome = 'licensed' AND charge_reason = 'fetch' AND time_us >= ?"
            f" ORDER BY time_us DESC LIMIT {_UNITS}"
        )
        return await self._database.read(
            lambda db: paid_units(
                booked.entry
                for booked in booked_of(db, rest, (since * 1_000_000,))
                if isinstance(booked.entry, FetchRecord)
            )
        )

    async def last_place(self) -> int:
        """The place in the journal of the last entry that is folded, 0 before the first."""
        found = await self._database.read(lambda db: db.execute("SELECT max(seq) FROM journal").get)
        return found if isinstance(found, int) else 0

    async def place_at(self, time_us: int) -> int:
        """A place before which no entry is of *time_us* or later."""
        sql = "SELECT min(seq) FROM journal WHERE time_us >= ?"
        found = await self._database.read(lambda db: db.execute(sql, (time_us,)).get)
        return found - 1 if isinstance(found, int) else await self.last_place()

    async def paid_records(self, place: int) -> tuple[int, tuple[FetchRecord, ...]]:
        """Fetches behind *place* that owed their price, in order, and the place up to which was looked."""

        def act(db: apsw.Connection) -> tuple[int, tuple[FetchRecord, ...]]:
            last = db.execute("SELECT max(seq) FROM journal").get
            if not isinstance(last, int) or last <= place:
                return place, ()
            until = min(last, place + _AT_ONCE)
            rest = (
                "WHERE seq > ? AND seq <= ? AND outcome = 'licensed' AND charge_reason = 'fetch' ORDER BY seq"
            )
            found = booked_of(db, rest, (place, until))
            return until, tuple(each.entry for each in found if isinstance(each.entry, FetchRecord))

        return await self._database.read(act)

    async def paid_after(self, place: int) -> tuple[int, tuple[PaidUnit, ...]]:
        """Units paid for by entries behind *place*, and the place up to which was looked."""
        until, records = await self.paid_records(place)
        return until, paid_units(records)

    async def rederive(self) -> int:
        """Drop all that is derived and derive it again; how many postings."""
        return await self._database.write(_rederive)


def _postings(db: apsw.Connection, account: str | None, since_us: int, until_us: int) -> tuple[Posting, ...]:
    return tuple(_read(db, account, since_us, until_us))


def _read(db: apsw.Connection, account: str | None, since_us: int, until_us: int) -> Iterator[Posting]:
    on = (
        ""
        if account is None
        else " AND (debited = (SELECT id FROM words WHERE word = ?3) OR credited = (SELECT id FROM words WHERE word = ?3))"
    )
    values = (since_us, until_us) if account is None else (since_us, until_us, account)
    sql = f"SELECT {POSTING} FROM postings WHERE time_us >= ?1 AND time_us < ?2{on} ORDER BY seq, leg"  # noqa: S608
    return map(posting_of, db.execute(sql, values))


def _entries_of(db: apsw.Connection, licensee: str, since_us: int, until_us: int) -> tuple[Booked, ...]:
    return tuple(booked_of(db, _OF_LICENSEE, (licensee, since_us, until_us)))


def _opening(db: apsw.Connection, account: str, before_us: int) -> tuple[Money, ...]:
    rows = db.execute(
        "SELECT currency, sum(CASE WHEN credit = ?1 THEN micros ELSE -micros END) FROM postings"
        " WHERE (debited = (SELECT id FROM words WHERE word = ?1) OR credited = (SELECT id FROM words WHERE word = ?1))"
        " AND time_us < ?2 GROUP BY currency ORDER BY currency",
        (account, before_us),
    )
    return tuple(Money(micros, currency) for currency, micros in rows)


def _books(db: apsw.Connection) -> Books:
    entries, kept = tuple(booked_of(db, _MONEY)), _kept(db)
    postings = tuple(_posted(db, _BEFORE, _BEHIND))
    return Books(entries, postings, kept.balances, kept.spent, kept.purses, kept.limits)


def _chunks(db: apsw.Connection, at_once: int) -> Iterator[tuple[list[Booked], list[Posting]]]:
    """Entries about money by their places, and every posting up to the last of them; at the end what is behind all."""
    money, behind = booked_of(db, _MONEY), _BEFORE
    while entries := list(islice(money, at_once)):
        upto = entries[-1].seq
        yield entries, list(_posted(db, behind, upto))
        behind = upto
    yield [], list(_posted(db, behind, _BEHIND))


class _AllPosted:
    """Every posting in the journal's order, read anew each time."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def __iter__(self) -> Iterator[Posting]:
        return _posted(self._db, _BEFORE, _BEHIND)


def _posted(db: apsw.Connection, behind: int, upto: int) -> Iterator[Posting]:
    sql = f"SELECT {POSTING} FROM postings WHERE seq > ? AND seq <= ? ORDER BY seq, leg"  # noqa: S608
    return map(posting_of, db.execute(sql, (behind, upto)))


def _kept(db: apsw.Connection) -> Kept:
    return Kept(
        balances=tuple(
            (account, Money(micros, currency))
            for account, micros, currency in db.execute(
                "SELECT account, micros, currency FROM balances ORDER BY account, currency"
            )
        ),
        spent=tuple(
            (license, Money(micros, currency), fetches)
            for license, micros, currency, fetches in db.execute(
                "SELECT license, micros, currency, fetches FROM license_spend ORDER BY license, currency"
            )
        ),
        purses=tuple(
            Purse(writer, license, licensee, Money(held, currency), fetches)
            for writer, license, licensee, held, currency, fetches in db.execute(
                "SELECT writer, license, licensee, held, currency, fetches FROM purses"
                " ORDER BY writer, license, currency"
            )
        ),
        limits=tuple(
            (licensee, Money(micros, currency))
            for licensee, micros, currency in db.execute(
                "SELECT licensee, micros, currency FROM credit_limits ORDER BY licensee, currency"
            )
        ),
    )


def _rederive(db: apsw.Connection) -> int:
    for table in ("posted", "balances", "license_spend", "month_spend", "document_numbers"):
        db.execute(f"DELETE FROM {table}")  # noqa: S608
    deriving = Deriving(db)
    posted = sum(deriving.take(booked) for booked in booked_of(db, _MONEY))
    deriving.finish()
    return posted
