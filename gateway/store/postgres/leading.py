"""Who keeps the public log of a database that several gateways share: one at a time, and never a second history.

The leader holds an advisory lock on a line of its own. The server lets go of it
when the process ends, when the machine is not heard from, or when the leader is
silent for `SILENT_SECONDS`; then another takes it, with the next epoch. That
alone would not be enough, since a leader that slept may not know yet that it
leads no more. So before a head is signed its size and root are kept in the
database, in a transaction that finds the signer's epoch still the last and every
head before it smaller or the same. Whoever comes later goes on from the kept
head, and checks on the way that its own tree has that root.

Tiles lie on the disk of whoever leads; the next leader makes them again out of
the database. It signs by the same key under the same name: the folder
``keys/log`` and the file ``log/name`` are the same in every data folder.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

import asyncpg

from gateway.problems import StoreUnavailable
from gateway.provenance.chain import EMPTY
from gateway.provenance.checkpoint import LogKey
from gateway.provenance.public_log import LogRefused
from gateway.store.postgres.database import Postgres
from gateway.store.postgres.faults import GONE, told

#: The advisory lock of the log keeper.
_LOCK: Final = 0x4C434C4F
#: A leader asks every second whether it leads.
SILENT_SECONDS: Final = 10.0
_ASK_SECONDS: Final = 2.0
_NEXT: Final = (
    "INSERT INTO leaders (name, epoch, place) VALUES ('log', 1, ?)"
    " ON CONFLICT (name) DO UPDATE SET epoch = leaders.epoch + 1, place = excluded.place RETURNING epoch"
)
_EPOCH: Final = "SELECT epoch FROM leaders WHERE name = 'log'"
_KEEP: Final = (
    "INSERT INTO promised_heads (log, size, root) VALUES (?, ?, ?)"
    " ON CONFLICT (log) DO UPDATE SET size = excluded.size, root = excluded.root"
)


class Leadership:
    """`provenance.public_log.Leader` on PostgreSQL."""

    def __init__(self, database: Postgres, *, silent_seconds: float = SILENT_SECONDS) -> None:
        """Lead on *database*, or wait there. A leader that asked nothing for *silent_seconds* leads no more."""
        self._database = database
        self._silent_ms = int(silent_seconds * 1000)
        self._line: asyncpg.Connection | None = None
        self._epoch = 0
        self._log = ""

    async def leads(self, log: LogKey) -> bool:
        """Whether this gateway keeps *log*, or may from now on; see the port."""
        self._log = log.vkey
        try:
            held = await self._database.apart(self._held())
        except (asyncpg.PostgresError, *GONE) as error:
            self._epoch = 0
            raise StoreUnavailable(told(error)) from error
        if not held:
            self._epoch = 0
        elif not self._epoch:
            self._epoch = await self._database.write(self._begin)
            if not self._epoch:
                raise LogRefused(
                    "The database's log is kept under another name or key: every data folder needs the same"
                    " keys/log and log/name."
                )
        return held

    async def promised(self) -> tuple[int, bytes]:
        """The last head that any leader may have signed."""

        def act(db: Any) -> tuple[int, bytes]:
            row = db.execute("SELECT size, root FROM promised_heads WHERE log = ?", (self._log,)).get
            return (row[0], bytes(row[1])) if row else (0, EMPTY)

        return await self._database.read(act)

    async def promise(self, size: int, root: bytes) -> bool:
        """Keep that a head is about to be signed; False where others lead now, or signed another."""

        def act(db: Any) -> bool:
            if not self._epoch or db.execute(_EPOCH).get != self._epoch:
                return False
            before = db.execute("SELECT size, root FROM promised_heads WHERE log = ?", (self._log,)).get
            if before and (before[0] > size or (before[0] == size and bytes(before[1]) != root)):
                return False
            db.execute(_KEEP, (self._log, size, root))
            return True

        return await self._database.write(act)

    async def close(self) -> None:
        """Let another lead. Twice is harmless."""
        self._epoch = 0
        await self._database.apart(self._let_go())

    def _begin(self, db: Any) -> int:
        """The next epoch, which is this one's now; 0 where the log of this database is another one."""
        if db.execute("SELECT 1 FROM promised_heads WHERE log <> ?", (self._log,)).get:
            return 0
        epoch: int = db.execute(_NEXT, (self._database.place,)).get
        return epoch

    async def _held(self) -> bool:
        """Whether the lock is held, at this moment, by a line that answers."""
        try:
            if self._line is None or self._line.is_closed():
                # Where there are several hosts, finding the one that took over takes its own time.
                self._epoch = 0
                self._line = await self._database.connect()
            async with asyncio.timeout(_ASK_SECONDS):
                if not self._epoch:
                    await self._line.execute(f"SET idle_session_timeout = {self._silent_ms}")
                # The lock lasts as long as its line.
                if self._epoch:
                    await self._line.fetchval("SELECT 1")
                    return True
                return bool(await self._line.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK))
        except BaseException:
            await self._let_go()
            raise

    async def _let_go(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(asyncpg.PostgresError, *GONE):
                await line.close(timeout=1)
