"""`billing.account_book.AccountBook` on SQLite: added up in the database, so that a million records take no room here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import apsw

from gateway.billing.account_statements import AccountExtract, Charged
from gateway.billing.closing import END, Window, late_from, windows
from gateway.billing.postings import Booked, Posting, owed, prepaid
from gateway.billing.statements import Period
from gateway.money import Money
from gateway.provenance.record import BookEntry
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.deriving import POSTING, booked_of, posting_of

_IN: Final = "time_us >= ? AND time_us < ? AND seq > ? AND seq < ?"


class SqliteAccountBook:
    """Reads accounts, and keeps the digests of closed periods."""

    def __init__(self, database: Database) -> None:
        """Read *database*."""
        self._database = database

    async def closes(self, licensee: str) -> Mapping[str, int]:
        """The closed periods of *licensee*; see the port."""
        return await self._database.read(lambda db: _closes(db, licensee))

    async def extract(self, licensee: str, period: Period) -> AccountExtract:
        """What a statement is made of; see the port."""
        return await self._database.read(lambda db: _extract(db, licensee, period))

    async def freeze(self, licensee: str, period: str, digest: str) -> str:
        """Keep the digest; see the port."""

        def act(db: apsw.Connection) -> str:
            db.execute(
                "INSERT INTO frozen_periods VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (licensee, period, digest),
            )
            sql = "SELECT digest FROM frozen_periods WHERE licensee = ? AND period = ?"
            return str(db.execute(sql, (licensee, period)).get)

        sql = "SELECT digest FROM frozen_periods WHERE licensee = ? AND period = ?"
        known = await self._database.read(lambda db: db.execute(sql, (licensee, period)).get)
        return str(known) if known else await self._database.write(act)

    async def frozen(self) -> Mapping[tuple[str, str], str]:
        """The digests that are kept."""
        sql = "SELECT licensee, period, digest FROM frozen_periods"

        def act(db: apsw.Connection) -> dict[tuple[str, str], str]:
            rows: Any = db.execute(sql)
            return {(licensee, period): digest for licensee, period, digest in rows}

        return await self._database.read(act)

    async def span(self, licensee: str) -> tuple[int, int] | None:
        """The times of its first and its last entry."""
        sql = "SELECT min(time_us), max(time_us) FROM entries WHERE licensee = ?"
        (row,) = await self._database.read(lambda db: db.execute(sql, (licensee,)).fetchall())
        first, last = row
        return (first, last) if isinstance(first, int) and isinstance(last, int) else None

    async def book_entries(self, licensee: str) -> tuple[BookEntry, ...]:
        """Every book entry of *licensee*."""
        rest = "WHERE kind = 'book' AND licensee = ? ORDER BY seq"
        return await self._database.read(
            lambda db: tuple(
                each.entry for each in booked_of(db, rest, (licensee,)) if isinstance(each.entry, BookEntry)
            )
        )

    async def mode(self, wanted: str) -> str:
        """The mode of these books; see the port."""

        def act(db: apsw.Connection) -> str:
            db.execute("INSERT INTO books_mode VALUES (1, ?) ON CONFLICT DO NOTHING", (wanted,))
            return str(db.execute("SELECT mode FROM books_mode").get)

        found = await self._database.read(lambda db: db.execute("SELECT mode FROM books_mode").get)
        return str(found) if found else await self._database.write(act)

    async def licensees(self) -> tuple[str, ...]:
        """Everybody with an entry about money."""
        sql = (
            "SELECT DISTINCT licensee FROM entries WHERE (kind = 'book' OR outcome = 'licensed')"
            " AND licensee <> '' ORDER BY licensee"
        )
        return await self._database.read(lambda db: tuple(str(each) for (each,) in db.execute(sql)))


def _closes(db: apsw.Connection, licensee: str) -> dict[str, int]:
    found: dict[str, int] = {}
    rest = "WHERE kind = 'book' AND licensee = ? AND instr(own_canonical, CAST(? AS BLOB)) > 0 ORDER BY seq"
    for booked in booked_of(db, rest, (licensee, '"kind_of":"close"')):
        if isinstance(booked.entry, BookEntry) and booked.entry.kind_of == "close":
            found.setdefault(booked.entry.reference, booked.seq)
    return found


def _extract(db: apsw.Connection, licensee: str, period: Period) -> AccountExtract:
    closes = _closes(db, licensee)
    parts = windows(period, closes)
    later = late_from(period, closes)
    charges, first, last = _charges(db, licensee, parts)
    booked = tuple(
        (each, window.late)
        for window in parts
        for each in booked_of(db, f"WHERE kind = 'book' AND licensee = ? AND {_IN} ORDER BY seq", (licensee, *_bounds(window)))
    )  # fmt: skip
    return AccountExtract(
        opening=_opening(db, licensee, period.since_us, later),
        charges=charges,
        booked=booked,
        postings=_postings(db, licensee, parts),
        posted=_posted(db, licensee, parts),
        held=_held(db, licensee, period, closes),
        first_seq=first,
        last_seq=last,
        closed_seq=closes.get(period.name, 0),
    )


def _bounds(window: Window) -> tuple[int, int, int, int]:
    return window.since_us, window.until_us, window.after_seq, window.before_seq


def _charges(
    db: apsw.Connection, licensee: str, parts: Iterable[Window]
) -> tuple[tuple[Charged, ...], int, int]:
    """The fetches added up, and the places of the first and last entry of any kind."""
    # By numbers first, which are many and quick to compare, then the few sums by what they stand for.
    sql = (
        "SELECT kind, outcome, currency, license, work, charge_reason, sum(count), sum(micros), min(first), max(last) FROM ("  # noqa: S608
        "SELECT kind, outcome, face, count(*) AS count, sum(charged_micros) AS micros, min(seq) AS first, max(seq) AS last"
        f" FROM journal WHERE licensee = (SELECT id FROM words WHERE word = ?) AND {_IN} GROUP BY 1, 2, 3"
        ") AS alike JOIN faces ON faces.id = alike.face GROUP BY 1, 2, 3, 4, 5, 6"
    )  # fmt: skip
    sums: dict[tuple[bool, str, str, str, str], tuple[int, int]] = {}
    places: list[int] = []
    for window in parts:
        for row in db.execute(sql, (licensee, *_bounds(window))):
            kind, outcome, currency, license, work, reason, count, micros, first, last = row
            places += (first, last)
            if kind == "fetch" and outcome == "licensed":
                sums[window.late, currency, license, work, reason] = (
                    count + sums.get((window.late, currency, license, work, reason), (0, 0))[0],
                    micros + sums.get((window.late, currency, license, work, reason), (0, 0))[1],
                )
    charges = tuple(
        Charged(license, work, reason, count, Money(micros, currency), late)
        for (late, currency, license, work, reason), (count, micros) in sorted(sums.items())
    )
    return charges, min(places, default=0), max(places, default=0)


def _effects(
    db: apsw.Connection, account: str, column: str, where: str, values: tuple[Any, ...]
) -> Iterable[tuple[str, str, int]]:
    sql = (
        "SELECT code, currency, sum(micros) FROM posted"  # noqa: S608
        f" WHERE {column} = (SELECT id FROM words WHERE word = ?) AND {where} GROUP BY 1, 2"
    )
    sign = 1 if column == "credit" else -1
    for code, currency, micros in db.execute(sql, (account, *values)):
        yield code, currency, sign * micros


def _posted(
    db: apsw.Connection, licensee: str, parts: Iterable[Window]
) -> tuple[tuple[str, str, Money], ...]:
    sums: Counter[tuple[str, str, str]] = Counter()
    for name, account in (("prepaid", prepaid(licensee)), ("owed", owed(licensee))):
        for window in parts:
            for column in ("debit", "credit"):
                for code, currency, micros in _effects(db, account, column, _IN, _bounds(window)):
                    sums[name, code, currency] += micros
    return tuple(
        (name, code, Money(micros, currency)) for (name, code, currency), micros in sorted(sums.items())
    )


def _opening(
    db: apsw.Connection, licensee: str, before_us: int, later: Iterable[Window]
) -> tuple[tuple[str, Money], ...]:
    """Everything before the period by its time, without what belongs to it or a later one all the same."""
    sums: Counter[tuple[str, str]] = Counter()
    for name, account in (("prepaid", prepaid(licensee)), ("owed", owed(licensee))):
        for column in ("debit", "credit"):
            for _, currency, micros in _effects(db, account, column, "time_us < ?", (before_us,)):
                sums[name, currency] += micros
            for window in later:
                for _, currency, micros in _effects(db, account, column, _IN, _bounds(window)):
                    sums[name, currency] -= micros
    return tuple((name, Money(micros, currency)) for (name, currency), micros in sorted(sums.items()))


def _postings(db: apsw.Connection, licensee: str, parts: Iterable[Window]) -> tuple[Posting, ...]:
    """The postings of the book entries alone."""
    sql = (
        f"SELECT {POSTING} FROM postings WHERE seq IN"  # noqa: S608
        f" (SELECT seq FROM entries WHERE kind = 'book' AND licensee = ? AND {_IN}) ORDER BY seq, leg"
    )
    return tuple(posting_of(row) for window in parts for row in db.execute(sql, (licensee, *_bounds(window))))


def _held(
    db: apsw.Connection, licensee: str, period: Period, closes: Mapping[str, int]
) -> tuple[tuple[str, Money], ...]:
    """What waits for milestones once everything of the period and before it is in."""
    sums: Counter[tuple[str, str]] = Counter()
    closed = closes.get(period.name, END)
    beyond = [
        *(Window(each.since_us, each.until_us, max(each.after_seq, closed - 1), END) for each in late_from(period, closes)),
        Window(period.since_us, period.until_us, closed - 1, END),
    ]  # fmt: skip
    rest = "WHERE kind = 'book' AND licensee = ? AND time_us < ? ORDER BY seq"
    sql = f"SELECT {POSTING} FROM postings WHERE seq = ? ORDER BY leg"  # noqa: S608
    for booked in booked_of(db, rest, (licensee, period.until_us)):
        if not _waits(booked) or any(each.holds(booked.entry.time_us, booked.seq) for each in beyond):
            continue
        for row in db.execute(sql, (booked.seq,)):
            posting = posting_of(row)
            for account in (posting.debit, posting.credit):
                if account.startswith(("escrow:", "milestone:")):
                    sums[account, posting.amount.currency] += posting.effect_on(account)
    return tuple(
        (account, Money(micros, currency)) for (account, currency), micros in sorted(sums.items()) if micros
    )


def _waits(booked: Booked) -> bool:
    entry = booked.entry
    return isinstance(entry, BookEntry) and entry.kind_of in {"deposit", "promise", "release", "refund"}
