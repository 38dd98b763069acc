"""Entries whose rows left the database, read from the journal's packed files as if they were there.

Whoever reads rows by their number, their id or their time asks here for the
rest, in the same transaction. Nothing is trusted: a frame counts with its
checksum and where its id has the mark that was kept. Where nothing ever left,
each question costs one look at an empty table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple, Self, TypeVar
from uuid import UUID

import apsw
import orjson

from gateway.dashboard.queries import Gone
from gateway.problems import StoreUnavailable
from gateway.provenance.record import JournalEntry, RecordError, public_leaf, read_entry
from gateway.provenance.segments import SegmentDamaged
from gateway.provenance.shelf import Shelf, Standing
from gateway.provenance.shelved import MARK, Place, Places, PlacesDamaged, mark_of
from gateway.store.sqlite.octets import journal_of

_T = TypeVar("_T")
_BLOCK: Final = "SELECT files, places, marks FROM shelved"
_MARKED: Final = " WHERE count > 0 AND instr(marks, ?) > 0"
_DAY_US: Final = 86_400_000_000


class Left(NamedTuple):
    """An entry whose row left: its number, its octets, and what they say."""

    seq: int
    kind: str
    id: str
    site: str
    time_us: int
    licensee: str
    standing: Standing
    members: Mapping[str, Any]
    source: str

    @property
    def entry(self) -> JournalEntry:
        """The entry itself. Raises `StoreUnavailable` where this version cannot read it."""
        try:
            return read_entry(self.kind, dict(self.members))
        except RecordError as error:
            raise StoreUnavailable(f"entry {self.id} cannot be read: {error}") from error

    @property
    def leaf(self) -> bytes:
        """Its public leaf."""
        return public_leaf(self.site, self.time_us, *self.standing)

    @property
    def digest(self) -> bytes:
        """The SHA-256 of its public leaf."""
        return hashlib.sha256(self.leaf).digest()


class LeftRows:
    """Reads entries that left *db*, within one act; use it in a `with`. Its methods raise `StoreUnavailable`."""

    def __init__(self, db: apsw.Connection) -> None:
        """Read what left *db* from the journal beside it."""
        self._db, self._shelf = db, Shelf(journal_of(db))

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files."""
        self._shelf.close()

    def between(self, after: int, upto: int) -> Iterator[Left]:
        """Those whose numbers lie behind *after*, up to and with *upto*, in their order."""
        rest = " WHERE count > 0 AND last_seq > ? AND first_seq <= ? ORDER BY seq"
        for places in self._blocks(rest, (after, upto)):
            yield from map(self.read, places.between(after, upto))

    def within(self, first_us: int, until_us: int) -> Iterator[Left]:
        """Those from *first_us* on and before *until_us*, in the order of their numbers."""
        rest = " WHERE count > 0 AND last_us >= ? AND first_us < ? ORDER BY seq"
        for places in self._blocks(rest, (first_us, until_us)):
            for left in map(self.read, places):
                if first_us <= left.time_us < until_us:
                    yield left

    def of(self, id: str, time_us: int | None = None, *, near: bool = False) -> Left | None:
        """The entry of that *id*, which was at *time_us* where that is known, or None.

        An id that tells its time (UUID version 7) is looked for there first. With *near* it is looked for nowhere
        else, so that a question from outside costs little.
        """
        mark = mark_of(id)
        if time_us is not None:
            rest, values = f"{_MARKED} AND first_us <= ? AND last_us >= ?", (mark, time_us, time_us)
            return self._found(id, rest, values)
        at = _time_of(id)
        if at is not None:
            rest, values = f"{_MARKED} AND first_us <= ? AND last_us >= ?", (mark, at + _DAY_US, at - _DAY_US)
            found = self._found(id, rest, values)
            if found is not None:
                return found
        return None if near else self._found(id, _MARKED, (mark,))

    def _found(self, id: str, rest: str, values: tuple[bytes | int, ...]) -> Left | None:
        for places in self._blocks(rest, values):
            for place in places.marked(id):
                with suppress(_OtherId):
                    return self.read(place, id)
        return None

    def read(self, place: Place, id: str = "") -> Left:
        """The entry at *place*; of that *id* where one is named, and where it is another's, `_OtherId`."""
        try:
            standing = self._shelf.entry(place.file, place.offset)
            members = orjson.loads(standing.canonical)
            found = members["id"]
            left = Left(
                place.seq, place.kind, found, members["site"], members["time_us"], members.get("licensee", ""),
                standing, members, f"{place.file}:{place.offset}",
            )  # fmt: skip
        except (SegmentDamaged, OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
            where = f"{place.file}:{place.offset}"
            raise StoreUnavailable(
                f"entry number {place.seq} left the database and cannot be read at {where}: {error}"
            ) from error
        if id and found != id:
            raise _OtherId
        return left

    def _blocks(self, rest: str, values: tuple[Any, ...]) -> Iterator[Places]:
        rows: list[Any] = self._db.execute(_BLOCK + rest, values).fetchall()
        for files, places, marks in rows:
            yield places_of(files, places, marks)


def _time_of(id: str) -> int | None:
    """When the UUID of version 7 *id* was made, in microseconds; None for any other id."""
    try:
        number = UUID(id)
    except ValueError:
        return None
    return (number.int >> 80) * 1000 if number.version == 7 else None


class _OtherId(Exception):
    """An entry has the mark of another."""


def places_of(files: str, places: bytes, marks: bytes) -> Places:
    """The places of a row of ``shelved``. Raises `StoreUnavailable`."""
    try:
        return Places.read(tuple(name for name, *_ in orjson.loads(files)), places, marks)
    except (PlacesDamaged, orjson.JSONDecodeError, TypeError, ValueError) as error:
        raise StoreUnavailable(f"the database is damaged: {error}") from error


def gone(db: apsw.Connection, first_us: int | None = None, until_us: int | None = None) -> Gone | None:
    """What left *db* in blocks that have entries from *first_us* on and before *until_us*, or None where nothing did."""
    sql = (
        "SELECT coalesce(sum(count), 0), min(first_us), max(last_us) FROM shelved"
        " WHERE count > 0 AND last_us >= ? AND first_us < ?"
    )
    values = (0 if first_us is None else first_us, 1 << 62 if until_us is None else until_us)
    row: Any = db.execute(sql, values).fetchone()
    count, first, last = row
    return Gone(int(count), first, last) if count else None


def joined(rows: Iterable[tuple[int, _T]], left: Iterable[tuple[int, _T]]) -> list[_T]:
    """Both by their numbers, of which no two are the same."""
    return [each for _, each in sorted([*rows, *left], key=lambda pair: pair[0])]


def with_left(
    db: apsw.Connection, after: int, upto: int, rows: list[tuple[int, _T]], made: Callable[[Left], _T]
) -> list[_T]:
    """*rows*, which have the numbers behind *after* up to *upto* that are still rows, with what *made* gives of the others."""
    with LeftRows(db) as reading:
        return joined(rows, ((each.seq, made(each)) for each in reading.between(after, upto)))


def left_ids(db: apsw.Connection, times: Mapping[str, int | None]) -> dict[str, Left]:
    """Those of the ids that left, with their entries; *times* says when each was, where that is known."""
    row: Any = db.execute("SELECT max(last_us) FROM shelved WHERE count > 0").fetchone()
    if row[0] is None:
        return {}
    found = {}
    with LeftRows(db) as reading:
        for id, time_us in times.items():
            if time_us is None or time_us <= row[0]:
                left = reading.of(id, time_us)
                if left is not None:
                    found[id] = left
    return found


assert MARK == 4, "the column `marks` is searched by that many octets"
