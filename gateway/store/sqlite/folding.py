"""`provenance.keeper.Folding` on SQLite: the journal's entries, in order, exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Any, Final, NamedTuple

import apsw
import orjson

from gateway.billing.postings import Booked
from gateway.provenance.keeper import FoldBatch, SealedDetail, SealedEntry
from gateway.provenance.record import FetchRecord, JournalEntry, leaf
from gateway.provenance.writers import writer_of
from gateway.store.purses import EntryConflict, used_by
from gateway.store.sqlite.columns import Columns, columns_of
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.deriving import Deriving
from gateway.store.sqlite.leaves import FreshLeaves
from gateway.store.sqlite.octets import PLACE, Octets, journal_beside
from gateway.store.sqlite.shelved import left_ids
from gateway.store.sqlite.spend_book import lower
from gateway.store.sqlite.words import Known, Words

#: What a row has, in this order; the octets are null where they stand in the journal's files.
COLUMNS: Final = (
    "seq", "id", "kind", "outcome", "status", "time_us", "face", "licensee", "path", "count", "charged_micros",
    "quote_micros", "bytes_sent", "duration_us", "digest", "file", "place", "salt", "canonical",
)  # fmt: skip
_INSERT: Final = f"INSERT INTO journal ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608


#: All that a fetch takes out of a purse follows from these.
_USES: Final = attrgetter("outcome", "license", "currency", "charged_micros", "price_micros", "charge_reason")


class Row(NamedTuple):
    """An entry about to be stored. *file* and *place* are where its frame begins; -1 is in no file."""

    entry: JournalEntry
    salt: bytes
    canonical: bytes
    leaf: bytes
    source: str
    file: str
    place: int
    columns: Columns


class SqliteFolding:
    """Takes the keeper's batches. What it raises leaves the store as it was."""

    def __init__(self, database: Database, fresh: FreshLeaves | None = None) -> None:
        """Fold into *database*; the leaves of what is committed are left in *fresh*.

        The octets of fetches stay in the folder ``journal`` beside the database,
        where the file is there that they come from; else they are stored.
        """
        self._database = database
        self._fresh = fresh
        self._known = Known()

    async def positions(self) -> Mapping[str, int]:
        """File name to folded offset, of every file ever seen."""
        sql = "SELECT source, position FROM fold_positions"
        return await self._database.read(
            lambda db: {str(source): int(position) for source, position in db.execute(sql)}
        )

    async def elsewhere(self) -> frozenset[str]:
        """The files that other machines fold from."""
        return frozenset()

    async def fold(self, batch: FoldBatch) -> int:
        """Take *batch* in one transaction; see `Folding.fold`.

        Raises `EntryConflict` for an entry whose id is stored with other content.
        """
        rows = await asyncio.to_thread(lambda: [row_of(sealed) for sealed in batch.entries])
        begin, stored, words = await self._database.write(lambda db: self._fold(db, rows, batch))
        self._known.take(words)
        if self._fresh is not None:
            self._fresh.put(begin, [row.leaf for row in stored])
        return len(stored)

    def _fold(self, db: apsw.Connection, rows: list[Row], batch: FoldBatch) -> tuple[int, list[Row], Words]:
        """Store *batch*; return how many entries were stored before, what was new, in its order, and the words of it."""
        found = db.execute("SELECT coalesce(max(seq), 0) FROM journal").get
        assert isinstance(found, int)
        fresh, words = _fresh(db, rows), Words(db, self._known)
        self.insert(db, stored_columns(db, fresh, range(found + 1, found + 1 + len(fresh)), words))
        deriving = Deriving(db, words)
        for seq, row in enumerate(fresh, found + 1):
            if row.entry.is_paid:  # nothing else posts
                deriving.take(Booked(seq, row.entry))
        deriving.finish()
        _lower(db, fresh)
        db.executemany(_KEEP_DETAIL, map(_detail_values, batch.details))
        db.executemany(
            "INSERT INTO fold_positions (source, position) VALUES (?, ?)"
            " ON CONFLICT (source) DO UPDATE SET position = excluded.position",
            batch.positions,
        )
        return found, fresh, words

    @staticmethod
    def insert(db: apsw.Connection, rows: list[tuple[Any, ...]]) -> None:
        """Add *rows*, each of `COLUMNS`, in their order."""
        db.executemany(_INSERT, rows)

    @staticmethod
    def removed(db: apsw.Connection, after: int, upto: int) -> None:
        """Clear up where rows left the journal behind *after*, up to and with *upto*: here there is nothing to clear."""

    async def purse_writers(self) -> frozenset[str]:
        """The writers that have a purse."""
        sql = "SELECT DISTINCT writer FROM purses"
        return await self._database.read(lambda db: frozenset(str(writer) for (writer,) in db.execute(sql)))

    async def close_purses(self, writers: frozenset[str]) -> None:
        """Return what is left in the purses of *writers*."""
        gone = [(writer,) for writer in sorted(writers)]
        await self._database.write(lambda db: db.executemany("DELETE FROM purses WHERE writer = ?", gone))


def stored_columns(
    db: apsw.Connection, rows: list[Row], numbers: Iterable[int], words: Words
) -> list[tuple[Any, ...]]:
    """What is stored of *rows*, each under the next of *numbers*."""
    folder = journal_beside(db)
    files = {row.file for row in rows}
    here = {file for file in files if (folder / file).is_file()}
    words.learn({*files, *(row.columns.licensee for row in rows), *(row.columns.path for row in rows)})
    of, face, made = words.of, words.face, []
    for seq, row in zip(numbers, rows, strict=True):
        (
            id, kind, outcome, status, time_us, looks, licensee, path, count, charged, quote, sent, took, digest,
        ) = row.columns  # fmt: skip
        pointed = kind == "fetch" and row.place >= 0 and row.file in here
        made.append((
            seq, id, kind, outcome, status, time_us, face(looks), of(licensee), of(path), count, charged, quote,
            sent, took, _halved(digest), of(row.file), row.place,
            None if pointed else row.salt, None if pointed else row.canonical,
        ))  # fmt: skip
    return made


def _halved(digest: str) -> bytes | str | None:
    """A digest in half the octets, where it is one."""
    if not digest:
        return None
    try:
        octets = bytes.fromhex(digest)
    except ValueError:
        return digest
    return octets if octets.hex() == digest else digest


def _fresh(db: apsw.Connection, rows: list[Row]) -> list[Row]:
    """The rows that are not stored, each once; raise `EntryConflict` for a stored id with other content."""
    ids = orjson.dumps([row.entry.id for row in rows]).decode()
    sql = f"SELECT {PLACE} FROM entries WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608
    found: Any = db.execute(sql, (ids,))
    with Octets(db) as octets:
        known = {row[0]: octets.of(*row).canonical for row in found}
    left = left_ids(db, {row.entry.id: row.entry.time_us for row in rows if row.entry.id not in known})
    known |= {id: each.standing.canonical for id, each in left.items()}
    fresh = []
    for row in rows:
        if row.entry.id not in known:
            known[row.entry.id] = row.canonical
            fresh.append(row)
        elif known[row.entry.id] != row.canonical:
            raise EntryConflict(f"entry {row.entry.id} stands in the books with other content")
    return fresh


def row_of(sealed: SealedEntry) -> Row:
    """The row of *sealed*, whose source says in which file it stands."""
    entry, salt, canonical, source = sealed
    file, _, place = source.rpartition(":")
    if not (file and place.isdecimal()):
        file, place = source, "-1"
    return Row(
        entry, salt, canonical, leaf(entry, salt, canonical), source, file, int(place), columns_of(entry)
    )


def _lower(db: apsw.Connection, rows: list[Row]) -> None:
    """Take what *rows* use up out of the purses of their writers: once a purse, as nothing is put back between."""
    alike: dict[tuple[str, Any], tuple[JournalEntry, int]] = {}
    for row in rows:
        entry = row.entry
        if entry.is_paid:
            decides = _USES(entry) if isinstance(entry, FetchRecord) else entry.id
            alike[row.file, decides] = entry, alike.get((row.file, decides), (entry, 0))[1] + 1
    sums: dict[tuple[str, str, str], tuple[int, int]] = {}
    for (file, _), (entry, times) in alike.items():
        used = used_by(entry)
        if used is not None:
            purse = (writer_of(file), used.license, used.currency)
            micros, fetches = sums.get(purse, (0, 0))
            sums[purse] = micros + max(used.micros, 0) * times, fetches + used.fetches * times
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
