"""Does the journal still say what was written, and does the store say the same?

Needs the files alone; no key, no database, no clock, and nothing is changed, so
it runs on a copy on read-only media. With the store's rows at hand it compares
those too, and whatever was forgotten in between stays forgiven: a missing
detail is no fault, nor is one cut to its network (`erasure.cut`); a changed one is.

===================== =======================================================
checked               how
===================== =======================================================
every frame           checksum, then `read_entry`, then the same octets again
ids                   none twice with different content, none twice in a file
details still present their commitment is the record's `detail`
stored rows           consecutive sequence numbers; octets, salt and leaf as in
                      the journal; the order of each file kept; none missing
===================== =======================================================

What the files alone cannot show: that a whole frame was cut out, or a file
rolled back. The store's rows show it, and so does whoever holds a receipt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import orjson

from gateway.provenance.entry_table import EntryTable, Standing, digest_of
from gateway.provenance.erasure import NO_SALT, is_cut
from gateway.provenance.frames import SealedDetail
from gateway.provenance.record import FetchRecord, FloodNote, entry_commitment, leaf
from gateway.provenance.segments import (
    ENTRY_HEADER,
    SealedEntry,
    SegmentDamaged,
    TornTail,
    open_detail,
    open_entry,
    read_frames,
    readable,
    segments,
    torn_tail,
)

#: Faults beyond this many are counted, not listed.
FAULTS_LISTED: Final = 100


@dataclass(frozen=True, slots=True)
class StoredRow:
    """An entry as the store has it. *leaf* is the SHA-256 of its public leaf.

    *why* is what is wrong with the row itself, a clause for people, or "". *file* is the
    journal's file that it was folded from.
    """

    seq: int
    id: str
    canonical: bytes
    salt: bytes
    leaf: bytes
    why: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was written.

    *file* and *offset* are "" and -1 where it is not a matter of a file, *seq*
    is -1 where it is not one of a stored row. *why* is a clause for people.
    """

    why: str
    id: str = ""
    file: str = ""
    offset: int = -1
    seq: int = -1

    def __str__(self) -> str:
        """One line: where, which record, what."""
        places = [f"{self.file} at offset {self.offset}"] if self.file else []
        places += [f"stored row {self.seq}"] if self.seq >= 0 else []
        places += [f"record {self.id}"] if self.id else []
        return f"{', '.join(places)}: {self.why}"


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit saw.

    *repeated* entries stand in two files with the same octets, which a failing
    disk can cause and folding undoes. *unfolded* entries are not stored (yet);
    -1 where no rows were given. *faults* holds the first of *fault_count*, in
    the order found: files first, then stored rows.
    """

    files: int
    entries: int
    details: int
    repeated: int
    torn: tuple[TornTail, ...]
    rows: int
    unfolded: int
    fault_count: int
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong. A torn tail is not: it was never acknowledged."""
        return self.fault_count == 0

    @property
    def first(self) -> Fault | None:
        """The first fault, or None."""
        return self.faults[0] if self.faults else None


@dataclass(slots=True)
class _Audit:
    known: EntryTable = field(default_factory=EntryTable)
    faults: list[Fault] = field(default_factory=list)
    torn: list[TornTail] = field(default_factory=list)
    fault_count: int = 0
    files: int = 0
    entries: int = 0
    details: int = 0
    repeated: int = 0
    rows: int = 0

    def fault(self, why: str, *, id: str = "", file: str = "", offset: int = -1, seq: int = -1) -> None:
        self.fault_count += 1
        if len(self.faults) < FAULTS_LISTED:
            self.faults.append(Fault(why, id, file, offset, seq))

    def damage(self, error: SegmentDamaged) -> None:
        self.fault(error.why, file=error.path.name, offset=error.offset)


def audit(
    folder: Path,
    rows: Iterable[StoredRow] | None = None,
    *,
    positions: Mapping[str, int] | None = None,
    details: Iterable[SealedDetail] = (),
    elsewhere: frozenset[str] = frozenset(),
) -> AuditReport:
    """Check the journal in *folder*, and the store's *rows* against it where given.

    *rows* come in the order of their sequence numbers. *positions* are
    `Folding.positions`: entries before them must be stored, later ones may not
    be yet. *details* are those that the store still has. Files that are *elsewhere*, on other
    machines with the same store, are audited there; here their rows are held against themselves. Raises `OSError` where
    a file cannot be read, nothing else; costs some 150 octets of memory for each entry (`EntryTable`).
    """
    return read_files(folder).against(rows, positions=positions, details=details, elsewhere=elsewhere)


def read_files(folder: Path) -> Files:
    """The first half of `audit`: check the journal in *folder* by itself. Raises `OSError` where a file cannot be read."""
    seen = _Audit()
    for path in segments(folder):
        seen.files += 1
        _check_entries(path, seen)
    for path in segments(folder):
        _check_details(path, seen)
    return Files(seen)


class Files:
    """A journal's files as they were read, to be held against the store. `read_files` makes it."""

    def __init__(self, seen: _Audit) -> None:
        """Take what was *seen*."""
        self._seen = seen

    def against(
        self,
        rows: Iterable[StoredRow] | None = None,
        *,
        positions: Mapping[str, int] | None = None,
        details: Iterable[SealedDetail] = (),
        elsewhere: frozenset[str] = frozenset(),
    ) -> AuditReport:
        """The second half of `audit`: *details* and then *rows* are gone through once, as the store reads them.

        May be done again, for a store that had to begin its read again.
        """
        seen = replace(self._seen, faults=[*self._seen.faults])
        seen.known.forget_meetings()
        for detail in details:
            _check_detail(detail, seen)
        if rows is not None:
            _check_rows(rows, seen, elsewhere)
            _check_missing(positions or {}, seen)
        unfolded = -1 if rows is None else seen.known.missing
        return AuditReport(
            seen.files,
            seen.entries,
            seen.details,
            seen.repeated,
            tuple(seen.torn),
            seen.rows,
            unfolded,
            seen.fault_count,
            tuple(seen.faults),
        )


def export_entries(folder: Path) -> Iterator[dict[str, Any]]:
    """Every entry of *folder* as JSON values, file by file in the order of writing.

    ``{"kind", "file", "offset", "salt" (hex), "commitment" (hex), "entry"}``.
    Details are not in it: they are personal. The salt opens the public leaf, so
    whoever is given a line can check it. Raises `SegmentDamaged` where a file
    is, after everything before that.
    """
    for path in segments(folder):
        for sealed, offset, _ in _entries(path):
            yield {
                "kind": sealed.entry.kind,
                "file": path.name,
                "offset": offset,
                "salt": sealed.salt.hex(),
                "commitment": entry_commitment(sealed.canonical, sealed.salt),
                "entry": orjson.loads(sealed.canonical),
            }


def _entries(path: Path) -> Iterator[tuple[SealedEntry, int, int]]:
    for frame, behind in read_frames(path, end=readable(path).entries):
        yield open_entry(frame), frame.offset, behind


def _check_entries(path: Path, seen: _Audit) -> None:
    ends = readable(path)
    end = min(len(ENTRY_HEADER), path.stat().st_size)
    try:
        for frame, behind in read_frames(path, end=ends.entries):
            end = behind
            try:
                _take(open_entry(frame), path.name, frame.offset, seen)
            except SegmentDamaged as error:
                seen.damage(error)
    except SegmentDamaged as error:
        seen.damage(error)
        return
    tail = None if ends.live else torn_tail(path, end)
    if tail is not None:
        seen.torn.append(tail)


def _take(sealed: SealedEntry, file: str, offset: int, seen: _Audit) -> None:
    entry = sealed.entry
    seen.entries += 1
    bound = entry.detail if isinstance(entry, FetchRecord | FloodNote) else ""
    digest, opened = digest_of(sealed.salt + sealed.canonical), digest_of(leaf(entry, sealed.salt))
    earlier = seen.known.add(entry.id, file, offset, digest, opened, digest_of(bound.encode()))
    if earlier is None:
        return
    if earlier.digest != digest:
        seen.fault(
            "another entry has the same id and says something else", id=entry.id, file=file, offset=offset
        )
    elif earlier.file == file:
        seen.fault("the entry stands in this file already", id=entry.id, file=file, offset=offset)
    else:
        seen.repeated += 1


def _check_details(path: Path, seen: _Audit) -> None:
    personal = path.with_suffix(".det")
    if not personal.exists():
        return
    try:
        for frame, _ in read_frames(personal, end=readable(path).details):
            try:
                _check_detail(open_detail(frame), seen, personal.name, frame.offset)
            except SegmentDamaged as error:
                seen.damage(error)
    except FileNotFoundError:
        return  # folded and removed by a running keeper in between
    except SegmentDamaged as error:
        seen.damage(error)


def _check_detail(sealed: SealedDetail, seen: _Audit, file: str = "", offset: int = -1) -> None:
    seen.details += 1
    known = seen.known.get(sealed.id)
    # One without a record is what a crash between the two files leaves.
    if known is None or (sealed.salt == NO_SALT and is_cut(sealed.detail)):
        return
    if digest_of(sealed.detail.commitment(sealed.salt).encode()) != known.detail:
        seen.fault("the detail is not the one its record commits to", id=sealed.id, file=file, offset=offset)


def _check_rows(rows: Iterable[StoredRow], seen: _Audit, elsewhere: frozenset[str]) -> None:
    expected: int | None = None
    latest: dict[str, int] = {}
    for row in rows:
        seen.rows += 1
        if expected is not None and row.seq != expected:
            seen.fault(f"rows {expected} to {row.seq - 1} are missing", id=row.id, seq=row.seq)
        expected = row.seq + 1
        known = seen.known.get(row.id)
        if known is None and row.file in elsewhere:
            if row.why:
                seen.fault(row.why, id=row.id, seq=row.seq)
            continue
        if known is None:
            seen.fault(row.why or "the journal does not hold this entry", id=row.id, seq=row.seq)
            continue
        again = seen.known.meet(known.number)
        why = "the entry is stored twice" if again else _row_fault(row, known, latest)
        if why:
            seen.fault(why, id=row.id, file=known.file, offset=known.offset, seq=row.seq)
        latest[known.file] = max(known.offset, latest.get(known.file, -1))


def _row_fault(row: StoredRow, known: Standing, latest: Mapping[str, int]) -> str:
    """What is wrong with a stored row whose id the journal holds, or ""."""
    if row.why:
        return row.why
    if digest_of(row.salt + row.canonical) != known.digest:
        return "the stored entry is not the one in the journal"
    if row.leaf != known.leaf:
        return "the stored leaf is not the one of its entry"
    if known.offset < latest.get(known.file, -1):
        return "the entry changed places with one before it"
    return ""


def _check_missing(positions: Mapping[str, int], seen: _Audit) -> None:
    for id, known in seen.known.missed():
        if known.offset < positions.get(known.file, 0):
            seen.fault(
                "the entry was folded and is not stored any more", id=id, file=known.file, offset=known.offset
            )
