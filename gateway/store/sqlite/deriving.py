"""Writing what one entry derives: its postings, the sums they change, the budget it spends.

Used when an entry is folded and when everything is derived again, so that both
write the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any, Final

import apsw
import orjson

from gateway.billing.postings import (
    DECIDES,
    NUMBERED,
    Booked,
    Posting,
    Spend,
    Undone,
    postings_of,
    reference_of,
    spend_of,
)
from gateway.money import Money
from gateway.problems import StoreUnavailable
from gateway.provenance.record import BookEntry, FetchRecord, JournalEntry, RecordError, read_entry
from gateway.store.purses import month_spend_of
from gateway.store.sqlite.octets import PLACE, Octets
from gateway.store.sqlite.words import Words

#: What something adds to a month of a licensee, as `month_spend_of` says it.
Month = tuple[tuple[str, str, str], int]
_DAY_US: Final = 86_400_000_000
POSTING = "debit, credit, micros, currency, entry_id, time_us, code, undoes"
_POST = (
    "INSERT INTO posted (seq, leg, debit, credit, micros, currency, time_us, code, undoes)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
#: The next number of its series, in the order of the journal: none is left out, and none is given twice.
_NUMBER = (
    "INSERT INTO document_numbers (series, number, seq, document)"
    " SELECT ?1, coalesce((SELECT max(number) FROM document_numbers WHERE series = ?1), 0) + 1, ?2, ?3"
    " WHERE true ON CONFLICT DO NOTHING"
)


@dataclass(slots=True)
class _Alike:
    """What every one of some fetches moves, and how many of them there were."""

    made: tuple[Posting, ...]
    rows: list[tuple[int, int, int, str, str, str]]
    spend: Spend | None
    month: Month | None
    times: int = 0


class Deriving:
    """Derives entries in their order, and writes what they derive together.

    `finish` must be called in the same transaction. Only a reversal reads what
    was derived before it, and that is the postings: they are written before it
    looks.
    """

    def __init__(self, db: apsw.Connection, words: Words | None = None) -> None:
        """Derive into *db*, within a transaction; accounts get their numbers from *words*."""
        self._db, self._words = db, words or Words(db)
        self._posted: list[tuple[str | int, ...]] = []
        self._balances: dict[tuple[str, str], int] = {}
        self._spent: dict[tuple[str, str], tuple[int, int]] = {}
        self._months: Counter[tuple[str, str, str]] = Counter()
        self._alike: dict[Any, _Alike] = {}

    def take(self, booked: Booked) -> int:
        """Post *booked*, which everything before it was; return how many postings that made."""
        entry = booked.entry
        if isinstance(entry, FetchRecord):
            return self._fetched(booked.seq, entry)
        reference = reference_of(entry)
        if reference:
            self._post()
        made = postings_of(entry, _undone(self._db, reference))
        for leg, each in enumerate(made):
            amount = each.amount
            self._posted.append((
                booked.seq, leg, self._words.of(each.debit), self._words.of(each.credit), amount.micros,
                amount.currency, each.time_us, each.code, each.undoes,
            ))  # fmt: skip
        self._add(made, spend_of(entry), month_spend_of(entry), 1)
        if isinstance(entry, BookEntry) and entry.kind_of in NUMBERED:
            self._db.execute(_NUMBER, (entry.kind_of, booked.seq, entry.reference))
        return len(made)

    def _fetched(self, seq: int, entry: FetchRecord) -> int:
        """The same of a fetch; what it moves is told once for all that are alike."""
        key = entry.time_us // _DAY_US, DECIDES(entry)
        alike = self._alike.get(key)
        if alike is None:
            made = postings_of(entry)
            rows = [
                (
                    self._words.of(each.debit), self._words.of(each.credit), each.amount.micros,
                    each.amount.currency, each.code, each.undoes,
                )
                for each in made
            ]  # fmt: skip
            alike = self._alike[key] = _Alike(made, rows, spend_of(entry), month_spend_of(entry))
        alike.times += 1
        for leg, (debit, credit, micros, currency, code, undoes) in enumerate(alike.rows):
            self._posted.append((seq, leg, debit, credit, micros, currency, entry.time_us, code, undoes))
        return len(alike.rows)

    def _add(self, made: Iterable[Posting], spend: Spend | None, month: Month | None, times: int) -> None:
        """Add to the sums what *made* and *spend* change, each *times* over."""
        for each in made:
            for account in (each.debit, each.credit):
                key = (account, each.amount.currency)
                self._balances[key] = self._balances.get(key, 0) + each.effect_on(account) * times
        if spend is not None:
            micros, fetches = self._spent.get((spend.license, spend.currency), (0, 0))
            self._spent[spend.license, spend.currency] = (
                micros + spend.micros * times,
                fetches + spend.fetches * times,
            )
        if month is not None:
            self._months[month[0]] += month[1] * times

    def finish(self) -> None:
        """Write what is left to write: postings, balances, spent budgets and months."""
        self._post()
        for alike in self._alike.values():
            self._add(alike.made, alike.spend, alike.month, alike.times)
        self._db.executemany(
            "INSERT INTO balances (account, currency, micros) VALUES (?, ?, ?)"
            " ON CONFLICT (account, currency) DO UPDATE SET micros = balances.micros + excluded.micros",
            [(*key, micros) for key, micros in self._balances.items()],
        )
        self._db.executemany(
            "INSERT INTO license_spend (license, currency, micros, fetches) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (license, currency) DO UPDATE SET micros = license_spend.micros + excluded.micros,"
            " fetches = license_spend.fetches + excluded.fetches",
            [(*key, *sums) for key, sums in self._spent.items()],
        )
        self._db.executemany(
            "INSERT INTO month_spend (licensee, currency, month, micros) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (licensee, currency, month) DO UPDATE SET micros = month_spend.micros + excluded.micros",
            [(*key, micros) for key, micros in self._months.items()],
        )
        self._balances, self._spent, self._months, self._alike = {}, {}, Counter(), {}

    def _post(self) -> None:
        self._db.executemany(_POST, self._posted)
        self._posted = []


def _undone(db: apsw.Connection, reference: str) -> Undone | None:
    # Entries behind the reversal have no postings yet, here as when all is derived again.
    if not reference:
        return None
    row = db.execute(
        f"SELECT {POSTING} FROM postings"  # noqa: S608
        " WHERE seq = (SELECT seq FROM entries WHERE id = ?) ORDER BY leg LIMIT 1",
        (reference,),
    ).fetchone()
    if row is None:
        return None
    gone = db.execute("SELECT coalesce(sum(micros), 0) FROM postings WHERE undoes = ?", (reference,)).get
    posting = posting_of(row)
    assert isinstance(gone, int)
    return Undone(posting, posting.amount.micros - gone)


def posting_of(row: tuple[object, ...]) -> Posting:
    """The posting of a row of `POSTING`."""
    debit, credit, micros, currency, entry_id, time_us, code, undoes = row
    assert isinstance(micros, int)
    assert isinstance(time_us, int)
    return Posting(
        str(debit), str(credit), Money(micros, str(currency)), str(entry_id), time_us, str(code), str(undoes)
    )


def entry_of(kind: str, canonical: bytes) -> JournalEntry:
    """The entry of those canonical bytes; `StoreUnavailable` where this version cannot read it."""
    try:
        return read_entry(kind, orjson.loads(canonical))
    except (RecordError, orjson.JSONDecodeError) as error:
        raise StoreUnavailable(f"an entry in the store cannot be read: {error}") from error


def booked_of(db: apsw.Connection, rest: str, values: tuple[str | int, ...] = ()) -> Generator[Booked]:
    """Entries in the order that *rest*, what follows FROM entries, gives them."""
    rows: Any = db.execute(f"SELECT seq, kind, {PLACE} FROM entries {rest}", values)  # noqa: S608
    with Octets(db) as octets:
        for seq, kind, *place in rows:
            yield Booked(seq, entry_of(kind, octets.of(*place).canonical))
