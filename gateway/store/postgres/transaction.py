"""What an act sees of PostgreSQL: the few calls that it also makes of SQLite's connection.

An act is a plain function, and asyncpg has coroutines: each act runs in a
greenlet that hands every statement to the loop and goes on with its answer. No
thread is taken, and a hundred acts may wait for the server at once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from greenlet import getcurrent, greenlet

from gateway.store.postgres import dialect
from gateway.store.postgres.answered import Warned

T = TypeVar("T")

#: Statements that a line keeps prepared.
_PREPARED: Final = 400
#: Rows of what has no limit to its growth that are fetched at once: entries, postings of a time or a part of the journal, details.
_FETCHED: Final = 2000
_ENDLESS: Final = (
    " FROM entries ",
    " FROM postings WHERE time_us ",
    " FROM postings WHERE seq > ",
    " FROM details NOT INDEXED",
)


class Line:
    """One connection, and what it has prepared."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """Use *connection*, which nobody else uses."""
        self.connection = connection
        self.warned = Warned(connection)
        self.journal: Path | None = None
        self._prepared: OrderedDict[str, PreparedStatement] = OrderedDict()

    async def prepare(self, sql: str) -> PreparedStatement:
        """*sql* of a port, prepared once."""
        found = self._prepared.get(sql)
        if found is None:
            found = await self.connection.prepare(dialect.statement(sql))
            if len(self._prepared) >= _PREPARED:
                self._prepared.popitem(last=False)
        self._prepared[sql] = found
        self._prepared.move_to_end(sql)
        return found

    def forget(self) -> None:
        """Prepare everything anew: tables have changed."""
        self._prepared.clear()


class Rows:
    """What a statement found: to be iterated, or asked as apsw's cursor is."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        """Hand out *rows*."""
        self._rows = rows

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Each row, once."""
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row, or None."""
        return next(self._rows, None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Every row that is left."""
        return list(self._rows)

    @property
    def get(self) -> Any:
        """The first row: its one value, or all of them; None where there is none."""
        row = next(self._rows, None)
        return row[0] if row is not None and len(row) == 1 else row


class Transaction:
    """The transaction of one act, for as long as it runs."""

    def __init__(self, line: Line) -> None:
        """Run statements on *line*, which has begun a transaction."""
        self._line = line
        self._changes = 0

    def execute(self, sql: str, bindings: Sequence[Any] = ()) -> Rows:
        """Run one statement, and return what it found."""
        values = [_kept(value) for value in bindings]
        if sql.startswith("SELECT") and any(each in sql for each in _ENDLESS):
            return Rows(self._portions(sql, values))
        rows = wait(self._run(sql, values))
        return Rows(tuple(row) for row in rows)

    def executemany(self, sql: str, bindings: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each of *bindings*, in their order."""
        rows = [[_kept(value) for value in each] for each in bindings]
        if rows:
            wait(self._run_many(sql, rows))

    def copy(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add *rows* to *table* by COPY, which is the fastest way in."""
        kept = [tuple(_kept(value) for value in row) for row in rows]
        wait(self._line.connection.copy_records_to_table(table, records=kept, columns=list(columns)))

    def db_filename(self, _schema: str) -> str:
        """No file: what a row points to in files beside SQLite's is in the row itself."""
        return ""

    @property
    def journal(self) -> Path | None:
        """The folder of the journal whose gateway this is, where rows that left are read."""
        return self._line.journal

    def changes(self) -> int:
        """How many rows the last statement changed."""
        return self._changes

    def _portions(self, sql: str, values: list[Any]) -> Iterator[tuple[Any, ...]]:
        cursor = wait(self._open(sql, values))
        while True:
            rows = wait(cursor.fetch(_FETCHED))
            yield from (tuple(row) for row in rows)
            if len(rows) < _FETCHED:
                return

    async def _open(self, sql: str, values: list[Any]) -> Any:
        return await (await self._line.prepare(sql)).cursor(*values)

    async def _run(self, sql: str, values: list[Any]) -> list[Any]:
        statement = await self._line.prepare(sql)
        rows: list[Any] = await statement.fetch(*values)
        self._changes = _count(statement.get_statusmsg())
        return rows

    async def _run_many(self, sql: str, rows: list[list[Any]]) -> None:
        if len(rows) == 1:
            await self._run(sql, rows[0])
        else:
            await (await self._line.prepare(sql)).executemany(rows)


def wait(work: Coroutine[Any, Any, T]) -> T:
    """What *work* comes to, for the act that calls this."""
    driver = getcurrent().parent
    assert driver is not None
    answer: T = driver.switch(work)
    return answer


async def run(act: Callable[[Any], T], transaction: Transaction) -> T:
    """Run *act*, awaiting for it whatever it waits for."""
    acting = greenlet(act)
    step = acting.switch(transaction)
    while not acting.dead:
        try:
            answer = await step
        except BaseException as error:  # noqa: BLE001 - it is the act's to see, and comes back from there
            step = acting.throw(error)
        else:
            step = acting.switch(answer)
    found: T = step
    return found


def _count(status: str | None) -> int:
    last = (status or "").rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


def _kept(value: Any) -> Any:
    # PostgreSQL has no text with U+0000 in it. Such columns are copies for queries: what counts is kept as octets.
    if type(value) is str and "\x00" in value:
        return value.replace("\x00", "\ufffd")
    return value
