"""One moment of a database, for as long as it takes to read all of it, beside gateways that go on."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, NoReturn, TypeVar

import asyncpg

from gateway.problems import StoreUnavailable
from gateway.store.postgres.database import Postgres
from gateway.store.postgres.faults import GONE, told
from gateway.store.postgres.transaction import Line, Transaction, run

T = TypeVar("T")

#: The moment is one that acts could have left one after the other: it waits for those under way.
_BEGIN: Final = "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE; SET LOCAL idle_in_transaction_session_timeout = 0"


class Snapshot:
    """What a database held when this was begun. Use `snapshot`."""

    def __init__(self, database: Postgres, line: Line) -> None:
        """Read on *line*, which has begun its transaction."""
        self._database, self._line = database, line

    async def read(self, act: Callable[[Any], T]) -> T:
        """Run *act*, which only reads; one at a time. Raises `StoreUnavailable`."""
        try:
            return await self._database.apart(run(act, Transaction(self._line)))
        except (asyncpg.PostgresError, *GONE) as error:
            raise StoreUnavailable(told(error)) from error

    async def write(self, act: Callable[[Any], Any]) -> NoReturn:  # noqa: ARG002 - the port has it
        """Nothing is written to what was."""
        raise TypeError("a snapshot is only read")


@contextlib.asynccontextmanager
async def snapshot(database: Postgres) -> AsyncIterator[Snapshot]:
    """Hold the database at this moment. Raises `StoreUnavailable`."""
    try:
        connection = await database.apart(database.connect())
    except (asyncpg.PostgresError, *GONE) as error:
        raise StoreUnavailable(told(error)) from error
    try:
        line = await database.apart(_begun(connection))
        yield Snapshot(database, line)
    except (asyncpg.PostgresError, *GONE) as error:
        raise StoreUnavailable(told(error)) from error
    finally:
        connection.terminate()


async def _begun(connection: asyncpg.Connection) -> Line:
    await connection.execute(_BEGIN)
    return Line(connection)
