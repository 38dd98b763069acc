"""What the columns of an entry's row say, whatever they are stored as: written when it is folded, compared by an audit."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Final, NamedTuple

from gateway.provenance.record import FetchRecord, FloodNote, JournalEntry
from gateway.store.sqlite.words import FACE, Face

#: Statuses of answers whose digest is asked for.
_DELIVERED: Final = frozenset({200, 206})
#: Members that make the face of an entry, by kind; the others are "".
_FACES: Final[Mapping[str, frozenset[str]]] = {
    "book": frozenset({"site", "license", "currency"}),
    "admin": frozenset({"site"}),
    "consent": frozenset({"site"}),
    "flood": frozenset({"site", "crawler", "visitor_class", "problem"}),
    "shed": frozenset({"site"}),
}
_FETCH_FACE: Final = attrgetter(*FACE)


class Columns(NamedTuple):
    """The columns of one row, but for where its octets are; those up to *duration_us* in the table's order."""

    id: str
    kind: str
    outcome: str
    status: int
    time_us: int
    face: Face
    licensee: str
    path: str
    requests: int
    charged_micros: int
    quote_micros: int
    bytes_sent: int
    duration_us: int
    digest: str


def columns_of(entry: JournalEntry) -> Columns:
    """The columns of *entry*."""
    if isinstance(entry, FetchRecord):
        return Columns(
            entry.id, "fetch", entry.outcome, entry.status, entry.time_us, _FETCH_FACE(entry), entry.licensee,
            entry.path, 1, entry.charged_micros, entry.quote_micros, entry.bytes_sent, entry.duration_us,
            entry.digest if entry.status in _DELIVERED else "",
        )  # fmt: skip
    names = _FACES[entry.kind]
    face = tuple(getattr(entry, name) if name in names else "" for name in FACE)
    outcome, status, count = ("", 0, 1)
    if isinstance(entry, FloodNote):
        outcome, status, count = entry.outcome, entry.status, entry.count
    licensee = getattr(entry, "licensee", "")
    return Columns(
        entry.id, entry.kind, outcome, status, entry.time_us, face, licensee, "", count, 0, 0, 0, 0, ""
    )
