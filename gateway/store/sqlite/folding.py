"""`provenance.keeper.Folding` on SQLite: the journal's entries, in order, exactly once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import apsw
import orjson

from gateway.billing.postings import Booked
from gateway.provenance.keeper import FoldBatch, SealedDetail, SealedEntry
from gateway.provenance.record import BookEntry, FetchRecord, JournalEntry, leaf
from gateway.provenance.writers import writer_of
from gateway.store.purses import EntryConflict, used_by
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.deriving import derive
from gateway.store.sqlite.spend_book import lower

_FETCH: Final = (
    "crawler", "operator", "visitor_class", "identity", "licensee", "license", "outcome", "verdict", "rule",
    "problem", "would", "status", "method", "host", "path", "work", "ended", "country", "currency",
    "charged_micros", "quote_micros", "charge_reason", "bytes_sent", "duration_us",
)  # fmt: skip
_BOOK: Final = ("licensee", "license", "currency")
_WHOLE: Final = ("id", "kind", "time_us", "site", "salt", "canonical", "leaf", "source")


@dataclass(frozen=True, slots=True)
class _Row:
    entry: JournalEntry
    canonical: bytes
    source: str
    sql: str
    values: tuple[Any, ...]


class SqliteFolding:
    """Takes the keeper's batches. What it raises leaves the store as it was."""

    def __init__(self, database: Database) -> None:
        """Fold into *database*."""
        self._database = database

    async def positions(self) -> Mapping[str, int]:
        """File name to folded offset, of every file ever seen."""
        sql = "SELECT source, position FROM fold_positions"
        return await self._database.read(
            lambda db: {str(source): int(position) for source, position in db.execute(sql)}
        )

    async def fold(self, batch: FoldBatch) -> int:
        """Take *batch* in one transaction; see `Folding.fold`.

        Raises `EntryConflict` for an entry whose id is stored with other content.
        """
        rows = await asyncio.to_thread(lambda: [_row(sealed) for sealed in batch.entries])
        return await self._database.write(lambda db: _fold(db, rows, batch))

    async def purse_writers(self) -> frozenset[str]:
        """The writers that have a purse."""
        sql = "SELECT DISTINCT writer FROM purses"
        return await self._database.read(lambda db: frozenset(str(writer) for (writer,) in db.execute(sql)))

    async def close_purses(self, writers: frozenset[str]) -> None:
        """Return what is left in the purses of *writers*."""
        gone = [(writer,) for writer in sorted(writers)]
        await self._database.write(lambda db: db.executemany("DELETE FROM purses WHERE writer = ?", gone))


def _fold(db: apsw.Connection, rows: list[_Row], batch: FoldBatch) -> int:
    found = db.execute("SELECT coalesce(max(seq), 0) FROM entries").get
    assert isinstance(found, int)
    last = first = found
    for row in rows:
        db.execute(row.sql, (last + 1, *row.values))
        if db.changes():
            last += 1
            derive(db, Booked(last, row.entry))
            _lower(db, row)
        else:
            _same(db, row)
    for detail in batch.details:
        _keep_detail(db, detail)
    for position in batch.positions:
        db.execute(
            "INSERT INTO fold_positions (source, position) VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET position = excluded.position",
            position,
        )
    return last - first


def _row(sealed: SealedEntry) -> _Row:
    entry = sealed.entry
    names: tuple[str, ...] = ()
    if isinstance(entry, FetchRecord):
        names = _FETCH
    elif isinstance(entry, BookEntry):
        names = _BOOK
    digest = hashlib.sha256(leaf(entry, sealed.salt)).digest()
    whole = (
        entry.id,
        entry.kind,
        entry.time_us,
        entry.site,
        sealed.salt,
        sealed.canonical,
        digest,
        sealed.source,
    )
    columns = ", ".join(("seq", *_WHOLE, *names))
    marks = ", ".join("?" * (1 + len(_WHOLE) + len(names)))
    sql = f"INSERT INTO entries ({columns}) VALUES ({marks}) ON CONFLICT (id) DO NOTHING"  # noqa: S608
    return _Row(
        entry, sealed.canonical, sealed.source, sql, (*whole, *(getattr(entry, name) for name in names))
    )


def _same(db: apsw.Connection, row: _Row) -> None:
    stored = db.execute("SELECT canonical FROM entries WHERE id = ?", (row.entry.id,)).get
    if stored != row.canonical:
        raise EntryConflict(f"entry {row.entry.id} stands in the books with other content")


def _lower(db: apsw.Connection, row: _Row) -> None:
    used = used_by(row.entry)
    if used is not None:
        lower(db, writer_of(row.source), used.license, used.currency, used.micros, used.fetches)


def _keep_detail(db: apsw.Connection, sealed: SealedDetail) -> None:
    detail = sealed.detail
    db.execute(
        "INSERT INTO details (id, salt, time_us, address, peer, user_agent, referer, query, evidence)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            sealed.id, sealed.salt, sealed.time_us, detail.address, detail.peer, detail.user_agent,
            detail.referer, detail.query, orjson.dumps(detail.evidence).decode(),
        ),
    )  # fmt: skip
