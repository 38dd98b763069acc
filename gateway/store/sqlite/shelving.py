"""Rows that leave the database once their journal files are packed, and rows that come back.

What leaves are fetches and floods without a licensee: nobody owes for them, no
statement, report or evidence of a deal names them. They leave by whole blocks of
the totals (`totals.BLOCK`), so that every sum over them stands already, and
never among the newest entries, which pages count one by one. Before a row goes
its frame is read from the packed file and held against all that the row says.

Each block leaves, or comes back, in one transaction: a crash repeats it or does
not, and never half. It comes back under the numbers that it had.

Where several gateways fold into one database, nothing leaves: the files of
another's journal are on another machine. What had left before a second one came
is to be brought back first, if that one is to read it too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw
import orjson

from gateway.problems import StoreUnavailable
from gateway.provenance.audit import StoredRow
from gateway.provenance.packed import GZIP
from gateway.provenance.segments import SealedEntry, SegmentDamaged
from gateway.provenance.shelf import Shelf
from gateway.provenance.shelved import Place, Places, digest_of
from gateway.store.sqlite.access_log import COUNTED
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.folding import SqliteFolding, row_of, stored_columns
from gateway.store.sqlite.octets import Octets, journal_of
from gateway.store.sqlite.shelved import Left, LeftRows, places_of
from gateway.store.sqlite.stored_rows import ROW, stored_row
from gateway.store.sqlite.words import Words

#: What may leave, of the view and of the table: nobody's.
_NOBODYS: Final = "kind IN ('fetch', 'flood') AND outcome <> 'licensed' AND charged_micros = 0 AND place >= 0"
_SEEN: Final = f"licensee = '' AND {_NOBODYS} AND seq > ? AND seq <= ?"
_ROWS: Final = f"licensee = 0 AND {_NOBODYS} AND seq > ? AND seq <= ?"
_FACES: Final = (
    f"INSERT INTO shelved_faces SELECT face, max(time_us) FROM journal WHERE {_ROWS} GROUP BY face"  # noqa: S608
    " ON CONFLICT (face) DO UPDATE SET newest_us = max(shelved_faces.newest_us, excluded.newest_us)"
)
_BODIES: Final = (
    "INSERT INTO shelved_bodies SELECT site, work, path, digest, uses, whole, min(time_us), max(time_us) FROM ("  # noqa: S608
    "SELECT e.site, e.work, j.path, e.digest, e.uses, iif(e.status = 200 AND e.ended = 'complete', 1, 0) AS whole,"
    f" e.time_us FROM entries e JOIN (SELECT seq AS nth, path FROM journal WHERE {_ROWS}) AS j ON j.nth = e.seq"
    " WHERE e.kind = 'fetch' AND e.status IN (200, 206) AND e.digest <> '') AS bodies"
    " WHERE TRUE GROUP BY site, work, path, digest, uses, whole"
    " ON CONFLICT (site, work, path, digest, uses, whole) DO UPDATE SET"
    " first_us = min(shelved_bodies.first_us, excluded.first_us),"
    " last_us = max(shelved_bodies.last_us, excluded.last_us)"
)
_KEEP: Final = (
    "INSERT INTO shelved (seq, first_seq, last_seq, count, first_us, last_us, files, digest, places, marks)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_DUE: Final = (
    "SELECT seq FROM totals_through t WHERE last_us < ? AND seq <= ? AND seq > ?"
    " AND NOT EXISTS (SELECT 1 FROM shelved s WHERE s.seq = t.seq)"
    " AND NOT EXISTS (SELECT 1 FROM brought_back b WHERE b.seq = t.seq AND b.until > ?) ORDER BY seq LIMIT 1"
)


class Shelved(NamedTuple):
    """One block of what left: the number that it ends with, how many entries of it left, and from when to when they were."""

    seq: int
    entries: int
    first_us: int
    last_us: int


@dataclass(frozen=True, slots=True)
class _Leaving:
    """What is to leave of the block behind *after*, up to and with *upto*; *why* is why it cannot yet, or ""."""

    after: int
    upto: int
    why: str = ""
    places: Places | None = None
    first_us: int = 0
    last_us: int = 0
    files: str = "[]"
    digest: bytes = b""


class Shelving:
    """Lets rows leave one database, and brings them back. Each method raises `StoreUnavailable`."""

    def __init__(self, folding: SqliteFolding, database: Database, *, keep: int | None = None) -> None:
        """Work on *database*, which *folding* folds into; the newest `COUNTED` entries stay, *keep* in tests alone."""
        self._folding, self._database = folding, database
        self._keep = COUNTED if keep is None else keep
        #: Why blocks that were due stayed, each once.
        self.stayed: list[str] = []

    async def leave(
        self,
        before_us: int,
        now: int,
        *,
        most: int | None = None,
        said: Callable[[int], None] | None = None,
    ) -> int:
        """Let the blocks leave whose entries are all older than *before_us*, at most *most*; how many rows left.

        Whatever has to stay for a reason is in `stayed`. *said* hears after each block how many rows left so far.
        Asking again goes on.
        """
        rows = blocks = reached = 0
        self.stayed = []
        alone = await self._database.read(_alone)
        if alone:
            self.stayed = [alone]
            return 0
        while most is None or blocks < most:
            found = await self._next(before_us, now, reached)
            if found is None:
                break
            reached = found.upto
            if found.why:
                self.stayed.append(found.why)
                continue
            rows += await self._database.write(lambda db, found=found: self._leave(db, found))  # type: ignore[misc]
            blocks += 1
            if said is not None:
                said(rows)
        return rows

    async def bring_back(self, seq: int, until: int) -> int:
        """Bring the block back that ends with number *seq*, to stay until second *until*; how many rows came.

        None come where none of it left. Raises `StoreUnavailable`, and changes nothing, where the files do not
        hold what left.
        """
        digest, left = await self._database.read(lambda db: _read_back(db, seq))
        return await self._database.write(lambda db: self._come(db, seq, digest, left, until)) if left else 0

    async def shelved(self) -> tuple[Shelved, ...]:
        """Every block that something left of, oldest first."""
        sql = "SELECT seq, count, first_us, last_us FROM shelved WHERE count > 0 ORDER BY seq"

        def act(db: apsw.Connection) -> tuple[Shelved, ...]:
            rows: Any = db.execute(sql).fetchall()
            return tuple(Shelved(*row) for row in rows)

        return await self._database.read(act)

    async def _next(self, before_us: int, now: int, behind: int) -> _Leaving | None:
        """The next block behind number *behind* that is due, or None."""

        def act(db: apsw.Connection) -> _Leaving | None:
            newest: Any = db.execute("SELECT coalesce(max(seq), 0) FROM journal").get
            due: Any = db.execute(_DUE, (before_us, newest - self._keep, behind, now)).get
            if due is None:
                return None
            after: Any = db.execute(
                "SELECT coalesce(max(seq), 0) FROM totals_through WHERE seq < ?", (due,)
            ).get
            return _looked(db, after, due)

        return await self._database.read(act)

    def _leave(self, db: apsw.Connection, leaving: _Leaving) -> int:
        after, upto, places = leaving.after, leaving.upto, leaving.places
        assert places is not None
        if db.execute("SELECT 1 FROM shelved WHERE seq = ?", (upto,)).get is not None:
            return 0  # another process was faster
        count = len(places)
        first, last = (places.seqs[0], places.seqs[-1]) if count else (upto, upto)
        db.execute(
            _KEEP,
            (
                upto, first, last, count, leaving.first_us, leaving.last_us, leaving.files, leaving.digest,
                places.write(), places.marks,
            ),
        )  # fmt: skip
        if count:
            db.execute(_FACES, (after, upto))
            db.execute(_BODIES, (after, upto))
            db.execute(f"DELETE FROM journal WHERE {_ROWS}", (after, upto))  # noqa: S608
            if db.changes() != count:
                raise StoreUnavailable(f"the rows up to number {upto} are not those that were looked at")
            self._folding.removed(db, after, upto)
        return count

    def _come(self, db: apsw.Connection, seq: int, digest: bytes, left: list[Left], until: int) -> int:
        db.execute("DELETE FROM shelved WHERE seq = ? AND digest = ?", (seq, digest))
        if not db.changes():
            return 0  # another process was faster
        rows = [
            row_of(SealedEntry(each.entry, each.standing.salt, each.standing.canonical, each.source))
            for each in left
        ]
        self._folding.insert(db, stored_columns(db, rows, [each.seq for each in left], Words(db)))
        db.execute(
            "INSERT INTO brought_back (seq, until) VALUES (?, ?) ON CONFLICT (seq) DO UPDATE SET until = excluded.until",
            (seq, until),
        )
        return len(rows)


def _alone(db: apsw.Connection) -> str:
    """Why nothing may leave *db*, or "": files that were folded are not in this data folder."""
    folder = journal_of(db)
    names: Any = db.execute("SELECT source FROM fold_positions").fetchall()
    for (name,) in names:
        if name.endswith(".seg") and not (folder / name).is_file():
            return f"{name} was folded and is not in this data folder's journal: rows leave only where all files are at hand"
    return ""


def _looked(db: apsw.Connection, after: int, upto: int) -> _Leaving:
    """What is to leave of one block, each row held against its frame."""
    rows: Any = db.execute(f"SELECT {ROW} FROM entries WHERE {_SEEN} ORDER BY seq", (after, upto))  # noqa: S608
    found: list[tuple[Place, str]] = []
    leaves: list[tuple[int, bytes]] = []
    spans: dict[str, list[int]] = {}
    times: list[int] = []
    folder = journal_of(db)
    waiting = _Waiting(folder)
    with Shelf(folder) as shelf, Octets(db) as octets:
        for seq, id, canonical, salt, file, offset, *rest in rows:
            why = waiting.why(file)
            if why:
                return _Leaving(after, upto, why)
            why, row = _held(shelf, octets, seq, id, canonical, salt, file, offset, *rest)
            if why:
                return _Leaving(after, upto, f"entry {id} is not what {file}:{offset} holds: {why}")
            found.append((Place(seq, rest[0], file, offset), id))
            leaves.append((seq, row.leaf))
            times.append(rest[3])
            span = spans.setdefault(file, [offset, offset, 0])
            span[:] = min(span[0], offset), max(span[1], offset), span[2] + 1
    places = Places.made(found)
    return _Leaving(
        after, upto, "", places, min(times, default=0), max(times, default=0),
        orjson.dumps([[name, *spans[name]] for name in places.files]).decode(), digest_of(leaves),
    )  # fmt: skip


def _held(
    shelf: Shelf, octets: Octets, seq: int, id: str, canonical: Any, salt: Any, file: str, offset: int, *rest: Any
) -> tuple[str, StoredRow]:  # fmt: skip
    """What is wrong with a row of `ROW`, or "", and the row as its frame has it."""
    try:
        standing = shelf.entry(file, offset)
    except (SegmentDamaged, OSError) as error:
        return str(error), StoredRow(seq, id, b"", b"", b"")
    row = stored_row(octets, seq, id, *standing, file, offset, *rest)
    own = (canonical, salt)
    return row.why or ("" if own in {(None, None), tuple(standing)} else "its own octets are others"), row


class _Waiting:
    """Which files are not packed yet, each looked at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told: dict[str, str] = {}

    def why(self, file: str) -> str:
        if file not in self._told:
            try:
                with (self._folder / file).open("rb") as opened:
                    packed = opened.read(len(GZIP)) == GZIP
            except FileNotFoundError:
                self._told[file] = f"{file} is not in this data folder's journal"
            else:
                self._told[file] = "" if packed else f"{file} is not packed yet"
        return self._told[file]


def _read_back(db: apsw.Connection, seq: int) -> tuple[bytes, list[Left]]:
    sql = "SELECT digest, files, places, marks FROM shelved WHERE seq = ? AND count > 0"
    row: Any = db.execute(sql, (seq,)).fetchone()
    if row is None:
        return b"", []
    digest, *kept = row
    places = places_of(*kept)
    with LeftRows(db) as reading:
        left = list(map(reading.read, places))
    if digest_of((each.seq, each.digest) for each in left) != digest:
        raise StoreUnavailable(f"what left up to number {seq} is not what the journal's files hold now")
    return bytes(digest), left
