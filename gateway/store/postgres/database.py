"""One PostgreSQL database, reached by a few lines from a thread of its own.

`Postgres.write` queues an act; the writer takes what is queued into one
SERIALIZABLE transaction, each act in a savepoint of its own, and answers after
the commit. So the acts of one process are as good as one after the other, and
share one sync of the server's disk. Against other processes, on whatever
machine, the server holds them apart: where one of theirs ran meanwhile and would
have made one of ours decide otherwise, it undoes ours, and they run again. After
a few such tries they take their turn alone (a lock on the table ``turns`` that
others share), so that it ends. `Postgres.read` sees one moment.

Whatever the server says went wrong is `StoreUnavailable` with a sentence. Where
a line breaks while a transaction is being committed, the server, or the standby
that took over (`hosts`), is asked on another what came of it; where it cannot be
asked, the sentence says so. Where what was answered is gone (`answered`), nothing
is done any more: what this process remembers may be of rows that are gone, too.

`close` ends the thread. A database may be used from any number of loops.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import asyncpg

from gateway.problems import ConfigurationError, Mistake, StoreUnavailable
from gateway.store.postgres import versions
from gateway.store.postgres.answered import ACTED, Answered, Commit
from gateway.store.postgres.faults import AGAIN, GONE, told
from gateway.store.postgres.hosts import Hosts, Seen
from gateway.store.postgres.transaction import Line, Transaction, run

T = TypeVar("T")
Act = Callable[[Any], T]

# The lock comes before anything that looks at a row: what is seen is as of after the wait.
_BESIDE: Final = "BEGIN ISOLATION LEVEL SERIALIZABLE; LOCK TABLE turns IN ROW SHARE MODE; SAVEPOINT act"
_ALONE: Final = "BEGIN ISOLATION LEVEL SERIALIZABLE; LOCK TABLE turns IN EXCLUSIVE MODE; SAVEPOINT act"
_READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
#: Tries beside others, then alone. Alone, nothing is in the way but what does not take turns.
_TRIES: Final = (_BESIDE, _BESIDE, _ALONE, _ALONE, _ALONE)
#: Acts that share one transaction at most: all of them run again where one was in the way of another process.
_GROUP: Final = 128
#: Acts that may wait before more are turned away.
_WAITING: Final = 8192
#: Seconds that acts which have begun may take when the database is closed.
_CLOSE_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.1
#: A number that nobody could ask for during this long is none.
_OLD_SECONDS: Final = 2.0
#: Seconds between two looks whether another host took over.
_OTHERS_SECONDS: Final = 2.0


class _Again(Exception):
    """The act left nothing and may begin again."""


class Postgres:
    """The database behind a URL. Made by `open`, ended by `close`."""

    def __init__(self, url: str, lines: int, place: str, seen: Seen | None = None) -> None:
        """Prepare; `open` connects."""
        self.url, self.place = url, place
        self._hosts = Hosts(url, place, seen)
        self._answered = Answered(self._hosts, place)
        #: The folder of this gateway's journal files, where rows that left the database are read.
        self.journal: Path | None = None
        self._most = lines
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="licet-postgres", daemon=True)
        self._idle: list[Line] = []
        self._made: weakref.WeakSet[asyncpg.Connection] = weakref.WeakSet()
        self._room = asyncio.Semaphore(lines)
        self._jobs: deque[tuple[Act[Any], Future[Any]]] = deque()
        self._wake = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._closed = False
        self._seen, self._snapshot, self._looked_at = 0, "", 0.0
        self._watches: list[asyncio.Task[None]] = []

    @classmethod
    async def open(
        cls, url: str, *, lines: int = 6, place: str = "", seen: Seen | None = None,
        upgrade: bool = True, half: bool = False,
    ) -> Self:  # fmt: skip
        """Connect to *url* and bring its schema up to date; at most *lines* connections are held.

        *place* is the name of the data folder whose gateway this is, where several share the database; *seen* is what
        it remembers of the servers.

        With *upgrade* false an older schema is left as it is; with *half* a copy that is not finished is
        opened, to be gone on with. Raises `ConfigurationError` where there is no such
        server or database, or none that may be written, its encoding is not UTF-8, it does not sync to disk, or a
        later version of licet changed it beyond what this one can use.
        """
        try:
            made = cls(url, lines, place, seen)
        except ValueError as error:
            raise _mistake(f"cannot be read: {error}") from None
        made._thread.start()
        try:
            await made.apart(made._open(upgrade=upgrade, half=half))
        except BaseException as error:
            await made.close()
            if isinstance(error, ConfigurationError):
                raise
            if isinstance(error, (asyncpg.PostgresError, ValueError, *GONE)):
                raise _mistake(f"cannot be used: {told(error)}") from error
            raise
        return made

    async def write(self, act: Act[T]) -> T:
        """Run *act* as if nobody else acted, and return what it returned, once that is durable.

        Whatever *act* raises undoes it and is raised here. It may run more than once: it must change nothing but
        the database. A caller that stops waiting does not undo an act that has begun.
        """
        given: Future[T] = Future()
        self._may_wait()
        self._loop.call_soon_threadsafe(self._put, act, given)
        return await _answer(given)

    async def read(self, act: Act[T]) -> T:
        """Run *act*, which only reads: it sees one moment."""
        self._may_wait()
        return await self.apart(self._read(act))

    def version(self) -> int:
        """A number that changes soon after anybody, on any machine, committed something. Does not wait."""
        self._must_stand()
        if not self._looked_at:
            self._looked_at = time.monotonic()
            self._watches.append(
                asyncio.run_coroutine_threadsafe(_started(self._look()), self._loop).result()
            )
        if time.monotonic() - self._looked_at > _OLD_SECONDS:
            raise StoreUnavailable("the database does not answer")
        return self._seen

    async def checkpoint(self) -> bool:
        """Nothing to do: the server removes what was erased from its files in its own time. False."""
        return False

    async def close(self) -> None:
        """End every line and the thread. Twice is harmless."""
        first, self._closed = not self._closed, True
        if first:
            await self.apart(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            await asyncio.to_thread(self._thread.join)
            self._loop.close()

    @property
    def lost(self) -> int:
        """How many of the last transactions that were answered are gone, at most: then this is to be opened anew."""
        return self._answered.lost

    def _must_stand(self) -> None:
        if self._closed:
            raise StoreUnavailable("the database is closed")
        if self.lost:
            raise StoreUnavailable("the database lacks what it had answered")

    def _may_wait(self) -> None:
        self._must_stand()
        if len(self._jobs) >= _WAITING:
            raise StoreUnavailable("too many acts are waiting for the database")

    def _put(self, act: Act[Any], given: Future[Any]) -> None:
        self._jobs.append((act, given))
        self._wake.set()

    async def apart(self, work: Coroutine[Any, Any, T]) -> T:
        """What *work* comes to on the loop of this database, where its connections live."""
        return await _answer(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def _open(self, *, upgrade: bool, half: bool) -> None:
        async with self._line() as line:
            connection = line.connection
            if await connection.fetchval("SHOW server_encoding") != "UTF8":
                raise _mistake("its encoding must be UTF8")
            if await connection.fetchval("SHOW fsync") != "on":
                raise _mistake("the server must have fsync = on: what it answered would not be kept")
            await versions.recognize(connection)
            if not half and await connection.fetchval("SELECT to_regclass('licet.moving')"):
                raise _mistake("holds half a copy; `licet store move` goes on with it")
            if upgrade:
                await versions.upgrade(connection)
                line.forget()
        self._writer = asyncio.create_task(self._write())
        self._watches.append(asyncio.create_task(self._look_around()))

    async def _close(self) -> None:
        for watch in self._watches:
            watch.cancel()
            await asyncio.wait((watch,), timeout=_CLOSE_SECONDS)
        if self._writer is not None:
            self._wake.set()
            await self._writer
        with contextlib.suppress(TimeoutError):
            # An act that has begun is let finish, and none of them for ever.
            async with asyncio.timeout(_CLOSE_SECONDS):
                for _ in range(self._most):
                    await self._room.acquire()
        for line in self._idle:
            with contextlib.suppress(*GONE, asyncpg.PostgresError):
                if line is self._idle[0]:
                    await self._answered.forget(line.connection)
                await line.connection.close(timeout=2)
        self._idle.clear()
        for connection in self._made:
            if not connection.is_closed():
                connection.terminate()

    @contextlib.asynccontextmanager
    async def _line(self) -> AsyncIterator[Line]:
        """A line that nobody else has; it is let go of where it broke."""
        await self._room.acquire()
        line: Line | None = None
        try:
            while self._idle and line is None:
                line = self._idle.pop()
                if line.connection.is_closed():
                    line = None
            line = line or Line(await self.connect())
            line.journal = self.journal
            yield line
        finally:
            if line is not None and not line.connection.is_closed():
                if line.connection.is_in_transaction():
                    line.connection.terminate()
                else:
                    self._idle.append(line)
            self._room.release()

    async def connect(self) -> asyncpg.Connection:
        """A connection of its own, to be used within `apart`; it ends with this database at the latest."""
        connection = await self._hosts.connect()
        self._made.add(connection)
        await self._answered.look(connection)
        if self.lost:
            connection.terminate()
            self._must_stand()
        return connection

    async def _write(self) -> None:
        """The writer: everything queued, one transaction; then everything queued meanwhile."""
        while self._jobs or not self._closed:
            group: list[tuple[Act[Any], Future[Any]]] = []
            while self._jobs and len(group) < _GROUP:
                act, given = self._jobs.popleft()
                if given.set_running_or_notify_cancel():
                    group.append((act, given))
            if group:
                await self._commit(group)
            if not self._jobs and not self._closed:
                self._wake.clear()
                await self._wake.wait()

    async def _commit(self, group: list[tuple[Act[Any], Future[Any]]]) -> None:
        failed: BaseException = StoreUnavailable("the database is closed")
        for begin in _TRIES:
            try:
                async with self._line() as line:
                    answers = await self._transact(line, begin, [act for act, _ in group])
            except _Again as error:
                failed = error.__cause__ or error
            except Exception as error:  # noqa: BLE001 - the writer must live, and every caller be answered
                failed = error
                break
            else:
                self._seen += 1
                for (_, given), (value, refusal) in zip(group, answers, strict=True):
                    if refusal is None:
                        given.set_result(value)
                    else:
                        given.set_exception(refusal)
                return
        for _, given in group:
            given.set_exception(_unavailable(failed))

    async def _read(self, act: Act[T]) -> T:
        # Lines that were idle while the server restarted are all broken: the last try has a new one.
        for left in range(self._most, -1, -1):
            try:
                async with self._line() as line:
                    ((value, refusal),) = await self._transact(line, _READ, [act])
            except _Again as error:
                if not left:
                    raise _unavailable(error.__cause__ or error) from error
            except (asyncpg.PostgresError, *GONE) as error:
                raise _unavailable(error) from error
            else:
                if refusal is not None:
                    raise refusal
                found: T = value
                return found
        raise AssertionError("the last try returns or raises")

    async def _transact(
        self, line: Line, begin: str, acts: list[Act[Any]]
    ) -> list[tuple[Any, Exception | None]]:
        """One try: what each act returned, or raised. Raises `_Again` where nothing was left and all may run again."""
        connection = line.connection
        commit: Commit | None = None
        answers: list[tuple[Any, Exception | None]] = []
        try:
            await connection.execute(begin)
            for act in acts:
                if answers and answers[-1][1] is None:
                    await connection.execute("RELEASE act; SAVEPOINT act")
                answers.append(await _one(line, act, begin))
            if begin is not _READ:
                commit = await self._numbered(line)
            line.warned.forget()
            await connection.execute("COMMIT")
        except GONE as error:
            connection.terminate()
            if not (commit and commit.number and await self._answered.came_true(commit, error)):
                raise _Again from error
        except AGAIN as error:
            line.forget()
            await _undo(connection)
            raise _Again from error
        except BaseException:
            await _undo(connection)
            raise
        if commit is not None:
            if line.warned and not await self._answered.came_true(commit, None):
                raise StoreUnavailable("the database took back what it had committed")
            self._answered.keep(commit)
        return answers

    async def _numbered(self, line: Line) -> Commit:
        nth = self._answered.next()
        number = await (await line.prepare(ACTED)).fetchval(self._answered.process, nth)
        return Commit(nth, number, self._hosts.history_of(line.connection))

    async def _look(self) -> None:
        """Ask again and again which transactions there were."""
        # It ends where it is told to, also where what it waits for swallows that it was canceled.
        while not self._closed:
            with contextlib.suppress(asyncpg.PostgresError, *GONE):
                async with self._line() as line, asyncio.timeout(_OLD_SECONDS):
                    found = await line.connection.fetchval("SELECT pg_current_snapshot()::text")
                if found != self._snapshot:
                    self._snapshot = found
                    self._seen += 1
                self._looked_at = time.monotonic()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _look_around(self) -> None:
        """Where another host took over, hang up at once: what one that was left behind answers may never be kept."""
        while not self._closed:
            await asyncio.sleep(_OTHERS_SECONDS)
            with contextlib.suppress(asyncpg.PostgresError, *GONE):
                if await self._hosts.outlived():
                    for connection in self._made:
                        connection.terminate()


async def _answer(given: Future[T]) -> T:
    waited = asyncio.wrap_future(given)
    # Whoever stops waiting leaves the act alone, and nobody is told what it raised.
    waited.add_done_callback(lambda done: done.cancelled() or done.exception())
    return await asyncio.shield(waited)


async def _one(line: Line, act: Act[Any], begin: str) -> tuple[Any, Exception | None]:
    """What *act* returned or raised; what it raised undid it alone."""
    try:
        return await run(act, Transaction(line)), None
    except GONE as error:
        if line.connection.is_closed() or not isinstance(error, asyncpg.InterfaceError):
            raise
        # A wrong number of values, say.
        failed: Exception = StoreUnavailable(f"the database was asked wrongly: {error}")
        failed.__cause__ = error
    except AGAIN as error:
        # Alone, a key that is there already is a mistake of the act's own.
        if begin is not _ALONE or not isinstance(error, asyncpg.UniqueViolationError):
            raise
        failed = error
    except Exception as error:  # noqa: BLE001 - it is the caller's, and must not fail its neighbors
        failed = error
    if begin is not _READ:
        await line.connection.execute("ROLLBACK TO act")
    return None, _unavailable(failed) if isinstance(failed, asyncpg.PostgresError) else failed


def _unavailable(error: BaseException) -> StoreUnavailable:
    if isinstance(error, StoreUnavailable):
        return error
    made = StoreUnavailable(told(error))
    made.__cause__ = error
    return made


async def _started(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(work)


async def _undo(connection: asyncpg.Connection) -> None:
    try:
        if connection.is_in_transaction():
            await connection.execute("ROLLBACK")
    except (asyncpg.PostgresError, *GONE):
        connection.terminate()


def _mistake(what: str) -> ConfigurationError:
    return ConfigurationError([Mistake("licet.toml", "store.database", what)])
