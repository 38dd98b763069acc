"""Every stored entry as an audit compares it with the journal's files: its octets, its leaf, and what its columns say."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from heapq import merge
from operator import attrgetter
from typing import Any, Final

import apsw
import orjson

from gateway.problems import StoreUnavailable
from gateway.provenance.audit import StoredRow
from gateway.provenance.record import RecordError, public_leaf, read_entry
from gateway.provenance.shelved import digest_of
from gateway.store.sqlite.columns import Columns, columns_of
from gateway.store.sqlite.octets import PLACE, Octets
from gateway.store.sqlite.shelved import LeftRows, places_of
from gateway.store.sqlite.words import FACE

#: What of a row of ``entries`` is compared, in this order.
ROW: Final = (
    f"seq, {PLACE}, kind, outcome, status, time_us, licensee, path, count, charged_micros, quote_micros,"
    f" bytes_sent, duration_us, digest, {', '.join(FACE)}"
)
_SELECT: Final = f"SELECT {ROW} FROM entries WHERE seq <= ? ORDER BY seq"  # noqa: S608
_BEHIND: Final = 2**63 - 1
_LAST: Final = "SELECT max(last) FROM (SELECT max(seq) AS last FROM journal UNION ALL SELECT max(last_seq) FROM shelved) AS ends"


def last_row(db: apsw.Connection) -> int:
    """The number of the last row there is, also of those that left; 0 before the first."""
    found = db.execute(_LAST).get
    return found if isinstance(found, int) else 0


def stored_rows(db: apsw.Connection) -> list[StoredRow]:
    """Every row in its order, those that left too. What cannot be read, or does not say what its entry says, has the reason in `why`."""
    return list(rows_upto(db, _BEHIND))


def rows_upto(db: apsw.Connection, last: int) -> Iterator[StoredRow]:
    """The same up to number *last*, each read when it is asked for: all of them may not fit into memory."""
    rows: Any = db.execute(_SELECT, (last,))
    with Octets(db) as octets:
        standing = (stored_row(octets, *row) for row in rows)
        left = (row for row in _left(db) if row.seq <= last)
        yield from merge(standing, left, key=attrgetter("seq"))


def _left(db: apsw.Connection) -> Iterator[StoredRow]:
    """Those that left, by their numbers, read where they stand, and each block against the digest that was kept of it."""
    blocks: list[Any] = db.execute(
        "SELECT seq, digest, files, places, marks FROM shelved WHERE count > 0 ORDER BY seq"
    ).fetchall()
    with LeftRows(db) as reading:
        for upto, digest, *kept in blocks:
            rows, leaves = [], []
            try:
                places = places_of(*kept)
                for place in places:
                    left = reading.read(place)
                    leaves.append((left.seq, left.digest))
                    why = "" if place in set(places.marked(left.id)) else "another entry stands in its place"
                    rows.append(StoredRow(left.seq, left.id, *left.standing, left.digest, why))
            except StoreUnavailable as error:
                yield StoredRow(upto, f"block {upto}", b"", b"", b"", str(error))
                continue
            if digest_of(leaves) != digest and rows:
                why = f"what left up to number {upto} is not what the journal's files hold now"
                rows[0] = replace(rows[0], why=rows[0].why or why)
            yield from rows


def stored_row(
    octets: Octets, seq: int, id: str, canonical: Any, salt: Any, file: str, place: int, *row: Any
) -> StoredRow:
    """A row of `ROW`, with its octets read by *octets* where they are not in it."""
    try:
        standing = octets.of(id, canonical, salt, file, place)
    except StoreUnavailable as error:
        return StoredRow(seq, id, b"", b"", b"", str(error), file)
    kind, outcome, status, time_us, *rest = row
    face = tuple(rest[8:])
    stored = Columns(id, kind, outcome, status, time_us, face, *rest[:8])
    opened = public_leaf(face[0], time_us, *standing)
    digest = hashlib.sha256(opened).digest()
    return StoredRow(seq, id, *standing, digest, _why_not(stored, kind, standing.canonical), file)


def _why_not(stored: Columns, kind: str, canonical: bytes) -> str:
    try:
        meant = columns_of(read_entry(kind, orjson.loads(canonical)))
    except (RecordError, orjson.JSONDecodeError) as error:
        return f"the stored entry cannot be read: {error}"
    uses = meant.face[-1]
    meant = meant._replace(face=(*meant.face[:-1], orjson.dumps(uses).decode() if uses != "" else ""))
    if stored == meant:
        return ""
    wrong = [name for name, one, two in zip(Columns._fields, stored, meant, strict=True) if one != two]
    return f"the stored row says something else than its entry: {', '.join(wrong)}"
