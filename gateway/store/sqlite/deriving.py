"""Writing what one entry derives: its postings, the sums they change, the budget it spends.

Used when an entry is folded and when everything is derived again, so that both
write the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

import apsw
import orjson

from gateway.billing.postings import Booked, Posting, Undone, postings_of, reference_of, spend_of
from gateway.money import Money
from gateway.problems import StoreUnavailable
from gateway.provenance.record import JournalEntry, RecordError, read_entry

POSTING = "debit, credit, micros, currency, entry_id, time_us, code, undoes"


def derive(db: apsw.Connection, booked: Booked) -> int:
    """Post *booked*, which everything before it was; return how many postings that made."""
    entry = booked.entry
    made = postings_of(entry, _undone(db, reference_of(entry)))
    for leg, each in enumerate(made):
        amount = each.amount
        db.execute(
            f"INSERT INTO postings (seq, leg, {POSTING}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (
                booked.seq, leg, each.debit, each.credit, amount.micros, amount.currency,
                each.entry_id, each.time_us, each.code, each.undoes,
            ),
        )  # fmt: skip
        for account in (each.debit, each.credit):
            db.execute(
                "INSERT INTO balances (account, currency, micros) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET micros = micros + excluded.micros",
                (account, amount.currency, each.effect_on(account)),
            )
    spend = spend_of(entry)
    if spend is not None:
        db.execute(
            "INSERT INTO license_spend (license, currency, micros, fetches) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET micros = micros + excluded.micros, fetches = fetches + excluded.fetches",
            (spend.license, spend.currency, spend.micros, spend.fetches),
        )
    return len(made)


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


def booked_of(db: apsw.Connection, rest: str, values: tuple[str | int, ...] = ()) -> Iterator[Booked]:
    """Entries in the order that *rest*, what follows FROM entries, gives them."""
    for seq, kind, canonical in db.execute(f"SELECT seq, kind, canonical FROM entries {rest}", values):  # noqa: S608
        yield Booked(seq, entry_of(kind, canonical))
