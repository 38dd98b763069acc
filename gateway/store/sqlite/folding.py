"""`provenance.keeper.Folding` on SQLite: the journal's entries, in order, exactly once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, NamedTuple

import apsw
import orjson

from gateway.billing.postings import Booked
from gateway.provenance.keeper import FoldBatch, SealedDetail, SealedEntry
from gateway.provenance.record import JournalEntry, leaf
from gateway.provenance.writers import writer_of
from gateway.store.purses import EntryConflict, used_by
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.deriving import Deriving
from gateway.store.sqlite.leaves import FreshLeaves
from gateway.store.sqlite.spend_book import lower

#: Members that have a column of their own, by kind of entry; the others keep the column's default.
_WHOLE: Final = ("id", "kind", "time_us", "site", "salt", "canonical", "leaf", "source")
_COPIED: Final[Mapping[str, tuple[str, ...]]] = {
    "fetch": (
        "crawler", "operator", "visitor_class", "identity", "licensee", "license", "outcome", "verdict", "rule",
        "problem", "would", "status", "method", "host", "path", "work", "ended", "country", "currency",
        "charged_micros", "quote_micros", "charge_reason", "bytes_sent", "duration_us",
    ),
    "book": ("licensee", "license", "currency"),
    "flood": ("crawler", "visitor_class", "outcome", "problem", "status", "count"),
}  # fmt: skip
_VALUES_OF: Final = {kind: attrgetter(*names) for kind, names in _COPIED.items()}
_INSERT: Final = {
    kind: f"INSERT INTO entries (seq, {', '.join((*_WHOLE, *names))})"  # noqa: S608
    f" VALUES ({', '.join('?' * (1 + len(_WHOLE) + len(names)))})"
    for kind, names in {"shed": (), "admin": (), **_COPIED}.items()
}


class _Row(NamedTuple):
    entry: JournalEntry
    canonical: bytes
    leaf: bytes
    source: str
    values: tuple[Any, ...]


class SqliteFolding:
    """Takes the keeper's batches. What it raises leaves the store as it was."""

    def __init__(self, database: Database, fresh: FreshLeaves | None = None) -> None:
        """Fold into *database*; the leaves of what is committed are left in *fresh*."""
        self._database = database
        self._fresh = fresh

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
        begin, stored = await self._database.write(lambda db: _fold(db, rows, batch))
        if self._fresh is not None:
            self._fresh.put(begin, [row.leaf for row in stored])
        return len(stored)

    async def purse_writers(self) -> frozenset[str]:
        """The writers that have a purse."""
        sql = "SELECT DISTINCT writer FROM purses"
        return await self._database.read(lambda db: frozenset(str(writer) for (writer,) in db.execute(sql)))

    async def close_purses(self, writers: frozenset[str]) -> None:
        """Return what is left in the purses of *writers*."""
        gone = [(writer,) for writer in sorted(writers)]
        await self._database.write(lambda db: db.executemany("DELETE FROM purses WHERE writer = ?", gone))


def _fold(db: apsw.Connection, rows: list[_Row], batch: FoldBatch) -> tuple[int, list[_Row]]:
    """Store *batch*; return how many entries were stored before, and what was new, in its order."""
    found = db.execute("SELECT coalesce(max(seq), 0) FROM entries").get
    assert isinstance(found, int)
    fresh = _fresh(db, rows)
    numbered = [(seq, row) for seq, row in enumerate(fresh, start=found + 1)]
    # Runs of one kind are one statement, in order: the columns of other kinds keep their defaults.
    for kind, run in groupby(numbered, key=lambda each: each[1].entry.kind):
        db.executemany(_INSERT[kind], [(seq, *row.values) for seq, row in run])
    deriving = Deriving(db)
    for seq, row in numbered:
        if row.entry.is_paid:  # nothing else posts
            deriving.take(Booked(seq, row.entry))
    deriving.finish()
    _lower(db, fresh)
    db.executemany(_KEEP_DETAIL, map(_detail_values, batch.details))
    db.executemany(
        "INSERT INTO fold_positions (source, position) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET position = excluded.position",
        batch.positions,
    )
    return found, fresh


def _fresh(db: apsw.Connection, rows: list[_Row]) -> list[_Row]:
    """The rows that are not stored, each once; raise `EntryConflict` for a stored id with other content."""
    ids = orjson.dumps([row.entry.id for row in rows]).decode()
    sql = "SELECT id, canonical FROM entries WHERE id IN (SELECT value FROM json_each(?))"
    known: dict[str, bytes] = dict(db.execute(sql, (ids,)))
    fresh = []
    for row in rows:
        if row.entry.id not in known:
            known[row.entry.id] = row.canonical
            fresh.append(row)
        elif known[row.entry.id] != row.canonical:
            raise EntryConflict(f"entry {row.entry.id} stands in the books with other content")
    return fresh


def _row(sealed: SealedEntry) -> _Row:
    entry = sealed.entry
    public = leaf(entry, sealed.salt, sealed.canonical)
    digest = hashlib.sha256(public).digest()
    whole = (
        entry.id, entry.kind, entry.time_us, entry.site, sealed.salt, sealed.canonical, digest, sealed.source,
    )  # fmt: skip
    copied = _VALUES_OF[entry.kind](entry) if entry.kind in _VALUES_OF else ()
    return _Row(entry, sealed.canonical, public, sealed.source, whole + copied)


def _lower(db: apsw.Connection, rows: list[_Row]) -> None:
    """Take what *rows* use up out of the purses of their writers: once a purse, as nothing is put back between."""
    sums: dict[tuple[str, str, str], tuple[int, int]] = {}
    for row in rows:
        used = used_by(row.entry) if row.entry.is_paid else None
        if used is not None:
            purse = (writer_of(row.source), used.license, used.currency)
            micros, fetches = sums.get(purse, (0, 0))
            sums[purse] = micros + max(used.micros, 0), fetches + used.fetches
    for (writer, license, currency), (micros, fetches) in sums.items():
        lower(db, writer, license, currency, micros, fetches)


_KEEP_DETAIL: Final = (
    "INSERT INTO details (id, salt, time_us, address, peer, user_agent, referer, query, evidence)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)


def _detail_values(sealed: SealedDetail) -> tuple[Any, ...]:
    detail = sealed.detail
    return (
        sealed.id, sealed.salt, sealed.time_us, detail.address, detail.peer, detail.user_agent,
        detail.referer, detail.query, orjson.dumps(detail.evidence).decode(),
    )  # fmt: skip
