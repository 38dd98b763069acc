"""What this process was answered, and whether the server still has it.

Each process numbers its transactions in a row of its own (``last_acts``), which
goes with them. After a line broke at a commit the row says what came of it, on
whatever server: a number of PostgreSQL's own may be given again by the server
that takes over. And where the row is behind what was answered, a server that
lacks the last transactions has taken over, or an older state was put back:
`Answered.lost`.

A commit that PostgreSQL made on one server alone, because whoever waited for the
synchronous standby was sent away, is not answered before the standby has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import Any, Final

import asyncpg

from gateway.problems import StoreUnavailable
from gateway.store.postgres.faults import GONE
from gateway.store.postgres.hosts import History, Hosts

#: Numbers a transaction in which anything was written; its number of PostgreSQL's, or none.
ACTED: Final = "SELECT acted(?, ?)"
_LAST: Final = "SELECT nth FROM last_acts WHERE process = $1"
#: Everything before this is on the standby, too, once it is answered.
_BARRIER: Final = "UPDATE last_acts SET at_us = now_us() WHERE process = $1"
#: One that closed, and those that were killed long ago.
_FORGET: Final = (
    "DELETE FROM last_acts WHERE process = $1 OR at_us < now_us() - 30 * 86400 * BIGINT '1000000'"
)
_UNKNOWN: Final = "the database stopped answering while it was writing: it is not known whether it did"
_STATES: Final = 50


class Commit:
    """One transaction about to be committed: its place among ours, its number, and on which history it is."""

    def __init__(self, nth: int, number: str | None, history: History) -> None:
        """Without *number* it wrote nothing."""
        self.nth, self.number, self.history = nth, number, history


class Answered:
    """The transactions of one process. Everything but `lost` is for the loop of its lines."""

    def __init__(self, hosts: Hosts, place: str) -> None:
        """Count for a process of the data folder called *place*."""
        self.process = f"{place or 'nowhere'}-{secrets.token_hex(8)}"
        self._hosts = hosts
        self._tried = self._kept = 0
        #: How many of the last transactions that were answered the server does not have, at most; 0 where none is missing.
        self.lost = 0

    def next(self) -> int:
        """The number of the next transaction."""
        self._tried += 1
        return self._tried

    def keep(self, commit: Commit) -> None:
        """Know that *commit* was answered."""
        if commit.number is not None:
            self._kept = commit.nth

    async def look(self, connection: asyncpg.Connection) -> None:
        """See whether the server of *connection*, which is new, has everything that was answered before."""
        kept = self._kept
        if kept:
            self.lost = max(self.lost, kept - (await connection.fetchval(_LAST, self.process) or 0))

    async def came_true(self, commit: Commit, error: BaseException | None) -> bool:
        """Whether *commit*, of which no answer came because of *error*, or a doubtful one, was made and is kept.

        Raises `StoreUnavailable` where that cannot be found out.
        """
        with contextlib.suppress(asyncpg.PostgresError, *GONE):
            connection = await self._hosts.connect()
            try:
                if await self._made(connection, commit):
                    warned = Warned(connection)
                    await connection.execute(_BARRIER, self.process)
                    if warned:
                        raise StoreUnavailable(_UNKNOWN) from error
                    return True
                return False
            finally:
                await connection.close(timeout=2)
        raise StoreUnavailable(_UNKNOWN) from error

    async def _made(self, connection: asyncpg.Connection, commit: Commit) -> bool:
        if self._hosts.history_of(connection) != commit.history:
            return bool((await connection.fetchval(_LAST, self.process) or 0) >= commit.nth)
        for _ in range(_STATES):
            state = await connection.fetchval("SELECT pg_xact_status($1::text::xid8)", commit.number)
            if state != "in progress":
                return bool(state == "committed")
            await asyncio.sleep(0.1)
        raise TimeoutError

    async def forget(self, connection: asyncpg.Connection) -> None:
        """Take the row away: nothing more is written."""
        if self._kept:
            await connection.execute(_FORGET, self.process)


class Warned:
    """Whether a server warned since this was made: of a commit it does where no standby has it (SQLSTATE 01000)."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """Listen to *connection*."""
        self._heard = False
        connection.add_log_listener(self._hear)

    def _hear(self, _connection: Any, message: Any) -> None:
        self._heard = self._heard or message.sqlstate == "01000"

    def __bool__(self) -> bool:
        """Whether it did."""
        return self._heard

    def forget(self) -> None:
        """Begin again."""
        self._heard = False
