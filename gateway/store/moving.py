"""Moving the books from SQLite to PostgreSQL, or back: every row, checked by a digest of each table.

Rows go in the order of their key, some hundred in a transaction that also says
how far it came, so that a move that was killed goes on where it was. Nothing
else may write meanwhile: whoever calls this holds the folder's locks. A copy is
used only once every table has the same digest on both sides: until then a
database says that it is half a copy (`HALF`), and a file has another name.

The octets of fetches that SQLite's rows leave in the journal's files are in the
rows of PostgreSQL, and are still there after the way back.
"""

from __future__ import annotations

import graphlib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

import orjson

from gateway.store.postgres.database import Postgres
from gateway.store.postgres.folding import month_of
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.octets import Octets

#: Rows in one transaction.
AT_ONCE: Final = 500
#: The table that says how far a move came. Only a copy that is not finished has it.
HALF: Final = "moving"
_BEGIN: Final = (
    f"CREATE TABLE IF NOT EXISTS {HALF} (name TEXT PRIMARY KEY, source TEXT NOT NULL, after TEXT NOT NULL,"
    " count INTEGER NOT NULL)"
)
_NOTE: Final = (
    f"INSERT INTO {HALF} (name, source, after, count) VALUES (?, ?, ?, ?)"  # noqa: S608
    f" ON CONFLICT (name) DO UPDATE SET after = excluded.after, count = {HALF}.count + excluded.count"
)


class NotMoved(Exception):
    """The move cannot begin or did not end well; the message is a sentence. The source is as it was."""


class Side(Protocol):
    """A database of either engine."""

    async def read(self, act: Callable[[Any], Any]) -> Any:
        """Run an act that reads."""
        ...

    async def write(self, act: Callable[[Any], Any]) -> Any:
        """Run an act."""
        ...


@dataclass(frozen=True, slots=True)
class Table:
    """A table that both engines have: its columns, those of its key first in their order, and what it refers to."""

    name: str
    columns: tuple[str, ...]
    key: int
    refers: frozenset[str]

    def page(self, db: Any, after: Sequence[Any] | None, most: int) -> list[tuple[Any, ...]]:
        """The next rows behind the key *after*, with every octet that the row stands for."""
        keys = ", ".join(self.columns[: self.key])
        where = f" WHERE ({keys}) > ({', '.join('?' * self.key)})" if after is not None else ""
        sql = f"SELECT {', '.join(self.columns)} FROM {self.name}{where} ORDER BY {keys} LIMIT ?"  # noqa: S608
        rows = db.execute(sql, (*(after or ()), most)).fetchall()
        return _whole(db, self.columns, rows) if self.name == "journal" else rows


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of one table: its rows, and the digest that both sides have."""

    name: str
    rows: int
    digest: str


async def move(
    source: Side,
    target: Side,
    name: str,
    *,
    at_once: int = AT_ONCE,
    say: Callable[[str, int], None] | None = None,
) -> tuple[Moved, ...]:
    """Copy every table of *source*, which is called *name*, to *target*, and compare them.

    *say* hears of each transaction: the table, and how many of its rows are there. Raises `NotMoved` where
    *target* holds anything but the first part of this very move, or is not the same afterwards.
    """
    tables = await _tables(source if isinstance(source, Database) else target)
    await target.write(lambda db: _begin(db, tables, name))
    for table in tables:
        while (count := await _next(source, target, table, name, at_once)) is not None:
            if say is not None:
                say(table.name, count)
    moved = []
    for table in tables:
        rows, digest = await _digest(source, table)
        if (rows, digest) != await _digest(target, table):
            raise NotMoved(f"{table.name} is not the same on both sides; begin again with an empty database")
        moved.append(Moved(table.name, rows, digest))
    reached: dict[str, int] = dict(await source.read(_counted))
    await target.write(lambda db: _count_on(db, tables, reached))
    await target.write(lambda db: db.execute(f"DROP TABLE {HALF}"))
    return tuple(moved)


async def _tables(sqlite: Side) -> tuple[Table, ...]:
    """Every table, each behind those that it refers to."""

    def act(db: Any) -> dict[str, Table]:
        names = (
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
        return {name: _table(db, name) for (name,) in db.execute(names).fetchall() if name != HALF}

    found = await sqlite.read(act)
    order = graphlib.TopologicalSorter({name: sorted(table.refers) for name, table in found.items()})
    return tuple(found[name] for name in order.static_order())


def _table(db: Any, name: str) -> Table:
    keys: list[tuple[int, str]] = []
    others = []
    for _, column, _, _, _, key, hidden in db.execute(f"PRAGMA table_xinfo({name})").fetchall():
        # What is derived from other columns is derived there too.
        if not hidden:
            keys.append((key, column)) if key else others.append(column)
    refers = {row[2] for row in db.execute(f"PRAGMA foreign_key_list({name})").fetchall()} - {name}
    if name == "posted":
        refers.add("journal")
    assert keys, f"{name} has no key to go on from"
    return Table(name, (*(column for _, column in sorted(keys)), *others), len(keys), frozenset(refers))


def _begin(db: Any, tables: Sequence[Table], name: str) -> None:
    """See that the target is empty, or the first part of the same move."""
    db.execute(_BEGIN)
    sources = {source for (source,) in db.execute(f"SELECT source FROM {HALF}").fetchall()}  # noqa: S608
    if sources - {name}:
        raise NotMoved("the target is half a copy of another data folder; take an empty database")
    if sources:
        return
    for table in tables:
        # One word is there from the beginning.
        least = 1 if table.name == "words" else 0
        if len(db.execute(f"SELECT 1 FROM {table.name} LIMIT 2").fetchall()) > least:  # noqa: S608
            raise NotMoved(f"the target is not empty: it has {table.name}")
    db.execute(_NOTE, ("", name, "", 0))


async def _next(source: Side, target: Side, table: Table, name: str, at_once: int) -> int | None:
    """Copy the next rows of *table*, and return how many are there; None where none are left."""
    reached = f"SELECT after, count FROM {HALF} WHERE name = ?"  # noqa: S608
    row = await target.read(lambda db: db.execute(reached, (table.name,)).fetchone())
    after = orjson.loads(row[0]) if row else ([0] if table.name == "words" else None)
    rows = await source.read(lambda db: table.page(db, after, at_once))
    if not rows:
        return None
    last = orjson.dumps(list(rows[-1][: table.key])).decode()

    def act(db: Any) -> None:
        _insert(db, table, rows, copying=isinstance(target, Postgres))
        db.execute(_NOTE, (table.name, name, last, len(rows)))

    await target.write(act)
    return len(rows) + (row[1] if row else 0)


def _insert(db: Any, table: Table, rows: list[tuple[Any, ...]], *, copying: bool) -> None:
    if copying:
        if table.name == "journal":
            at = table.columns.index("time_us")
            for first_us in sorted({month for row in rows if (month := month_of(row[at])) is not None}):
                db.execute("SELECT make_months(?, ?)", (first_us, first_us))
        db.copy(table.name, table.columns, rows)
        return
    if table.name == "journal":
        at = table.columns.index("digest")
        rows = [(*row[:at], _octets(row[at]), *row[at + 1 :]) for row in rows]
    blanks = ", ".join("?" * len(table.columns))
    db.executemany(f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({blanks})", rows)  # noqa: S608


def _whole(db: Any, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows of the journal with their octets, and with digests as texts."""
    if not rows:
        return rows
    at = {name: columns.index(name) for name in ("id", "salt", "canonical", "file", "place", "digest")}
    words = dict(
        db.execute(
            "SELECT id, word FROM words WHERE id IN (SELECT file FROM journal WHERE seq BETWEEN ? AND ?)",
            (rows[0][columns.index("seq")], rows[-1][columns.index("seq")]),
        ).fetchall()
    )
    made = []
    with Octets(db) as octets:
        for row in rows:
            id, salt, canonical, file, place, digest = (row[at[name]] for name in at)
            standing = octets.of(id, canonical, salt, words[file], place)
            full = list(row)
            full[at["canonical"]], full[at["salt"]] = standing.canonical, standing.salt
            full[at["digest"]] = digest.hex() if isinstance(digest, bytes) else digest
            made.append(tuple(full))
    return made


def _octets(digest: str | None) -> bytes | str | None:
    try:
        octets = bytes.fromhex(digest or "")
    except ValueError:
        return digest
    return octets if digest and octets.hex() == digest else digest


async def _digest(side: Side, table: Table) -> tuple[int, str]:
    """How many rows *table* has, and a digest of all of them in the order of their key."""
    total, count = hashlib.sha256(), 0
    after: Sequence[Any] | None = None
    while rows := await side.read(partial(table.page, after=after, most=4 * AT_ONCE)):
        for row in rows:
            total.update(orjson.dumps([_plain(value) for value in row]) + b"\n")
        count += len(rows)
        after = rows[-1][: table.key]
    return count, total.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return ["octets", value.hex()]
    # As PostgreSQL keeps it (`postgres.transaction`).
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value


def _counted(db: Any) -> list[tuple[str, int]]:
    """How far keys were counted, also where the last rows are gone."""
    of_postgres = not db.db_filename("main")
    found: list[tuple[str, int]] = db.execute(
        "SELECT name, last FROM numbers" if of_postgres else "SELECT name, seq FROM sqlite_sequence"
    ).fetchall()
    return found


def _count_on(db: Any, tables: Sequence[Table], reached: Mapping[str, int]) -> None:
    """Let keys that are counted go on behind the last that there was."""
    if db.db_filename("main"):
        for name, last in reached.items():
            db.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (last, name))
            if not db.changes():
                auto = "SELECT 1 FROM sqlite_schema WHERE name = ? AND sql LIKE '%AUTOINCREMENT%'"
                if db.execute(auto, (name,)).get:
                    db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, last))
        return
    defaults = (
        "SELECT table_name, column_name, coalesce(column_default, '') LIKE 'next_nth%' FROM information_schema.columns"
        " WHERE table_schema = 'licet' AND (column_default LIKE 'next_nth%' OR is_identity = 'YES')"
    )
    names = {table.name for table in tables}
    for table, column, counted in db.execute(defaults).fetchall():
        if table not in names:
            continue
        last = max(db.execute(f"SELECT coalesce(max({column}), 0) FROM {table}").get, reached.get(table, 0))  # noqa: S608
        if counted:
            db.execute(
                "INSERT INTO numbers (name, last) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET last = max(numbers.last, excluded.last)",
                (table, last),
            )
        elif last:
            db.execute("SELECT setval(pg_get_serial_sequence(?, ?), ?)", (f"licet.{table}", column, last))
