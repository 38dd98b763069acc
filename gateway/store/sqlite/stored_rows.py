"""Every stored entry as an audit compares it with the journal's files: its octets, its leaf, and what its columns say."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import apsw
import orjson

from gateway.problems import StoreUnavailable
from gateway.provenance.audit import StoredRow
from gateway.provenance.record import RecordError, public_leaf, read_entry
from gateway.store.sqlite.columns import Columns, columns_of
from gateway.store.sqlite.octets import PLACE, Octets
from gateway.store.sqlite.words import FACE

_SELECT: Final = (
    f"SELECT seq, {PLACE}, kind, outcome, status, time_us, licensee, path, count, charged_micros, quote_micros,"  # noqa: S608
    f" bytes_sent, duration_us, digest, {', '.join(FACE)} FROM entries ORDER BY seq"
)


def stored_rows(db: apsw.Connection) -> list[StoredRow]:
    """Every row in its order. What cannot be read, or does not say what its entry says, has the reason in `why`."""
    rows: Any = db.execute(_SELECT)
    with Octets(db) as octets:
        return [_stored_row(octets, *row) for row in rows]


def _stored_row(
    octets: Octets, seq: int, id: str, canonical: Any, salt: Any, file: str, place: int, *row: Any
) -> StoredRow:
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
