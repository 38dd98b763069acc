"""One SQLite file, written by one thread a process, read by a few.

`Database.write` queues an act; the writer thread takes whatever is queued into
one ``BEGIN IMMEDIATE … COMMIT`` (write-ahead log, ``synchronous=FULL``), each
act in a savepoint of its own, and answers after the commit: what was answered
is on the disk. Under load many acts share one disk sync. Other processes (a
command beside the server) use the same file; SQLite keeps them apart.

Whatever the engine says went wrong is `StoreUnavailable` with a sentence; then
the act did not happen. A failed sync is final: nothing more is acknowledged
until the file is opened anew, because nobody knows what the disk holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import apsw

from gateway.problems import ConfigurationError, Mistake, StoreUnavailable
from gateway.store.sqlite import versions

T = TypeVar("T")
Act = Callable[[apsw.Connection], T]

#: Acts that share one transaction at most.
_GROUP: Final = 512
#: Acts that may wait for the writer before more are turned away.
_WAITING: Final = 8192
_BUSY_MS: Final = 5000
#: Before this, two connections could corrupt the log of a WAL database (fixed in 3.51.3).
_OLDEST_SQLITE: Final = (3, 51, 3)
#: A sync that failed: what the disk holds is unknown.
_SYNC_FAILED: Final = frozenset({apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC})
_SENTENCES: Final[tuple[tuple[type[apsw.Error], str], ...]] = (
    (apsw.BusyError, "another process has kept the database busy for too long"),
    (apsw.LockedError, "another process has kept the database busy for too long"),
    (apsw.FullError, "the disk that holds the database is full"),
    (apsw.ReadOnlyError, "the database cannot be written"),
    (apsw.CantOpenError, "the database file cannot be opened"),
    (apsw.PermissionsError, "the database file cannot be opened"),
    (apsw.IOError, "the disk that holds the database failed"),
    (apsw.CorruptError, "the database file is damaged; restore a backup"),
    (apsw.NotADBError, "the database file is damaged; restore a backup"),
    (apsw.ConnectionClosedError, "the database is closed"),
)


class Database:
    """The file, its writer thread and its readers. Made by `open`, ended by `close`."""

    def __init__(
        self, path: Path, writer: apsw.Connection, readers: tuple[apsw.Connection, ...], busy_ms: int
    ) -> None:
        """Take connections that are set up already; `open` makes them."""
        self.path = path
        self._writer, self._busy_ms = writer, busy_ms
        self._readers = readers
        self._idle: queue.SimpleQueue[apsw.Connection] = queue.SimpleQueue()
        for reader in readers[1:]:
            self._idle.put(reader)
        self._watch, self._watch_lock = readers[0], threading.Lock()
        self._jobs: queue.Queue[tuple[Act[Any], Future[Any]] | None] = queue.Queue(_WAITING)
        self._gate = threading.Lock()
        self._closed = False
        self._broken = ""
        self._pool = ThreadPoolExecutor(len(readers) - 1, thread_name_prefix="licet-db-read")
        self._thread = threading.Thread(target=self._run, name="licet-db-write", daemon=True)
        self._thread.start()

    @classmethod
    async def open(cls, path: Path, *, readers: int = 3, busy_ms: int = _BUSY_MS) -> Self:
        """Open or make the file at *path*, mode 0600, and bring its schema up to date.

        *busy_ms* is how long another process may hold it. Raises
        `ConfigurationError` where the folder or file cannot be written, the file
        is not ours, or a later version of licet wrote it.
        """
        return await asyncio.to_thread(cls._open, path, readers, busy_ms)

    @classmethod
    def _open(cls, path: Path, readers: int, busy_ms: int) -> Self:
        if tuple(map(int, apsw.sqlite_lib_version().split("."))) < _OLDEST_SQLITE:
            raise _mistake(path, f"SQLite is {apsw.sqlite_lib_version()}, which may corrupt this file")
        made: list[apsw.Connection] = []
        try:
            _touch(path)
            writer = _connect(path, busy_ms, write=True)
            made.append(writer)
            versions.recognize(writer, path)
            _keep_everything(writer, busy_ms)
            versions.upgrade(writer)
            made.extend(_connect(path, busy_ms, write=False) for _ in range(readers + 1))
        except OSError as error:
            raise _mistake(path, f"must be a file licet can write: {error.strerror or error}") from None
        except (apsw.Error, ConfigurationError) as error:
            for connection in made:
                _let_go(connection)
            if isinstance(error, ConfigurationError):
                raise
            raise _mistake(path, f"cannot be used: {told(error)} ({error})") from None
        return cls(path, writer, tuple(made[1:]), busy_ms)

    async def write(self, act: Act[T]) -> T:
        """Run *act* in the writer's next transaction and return what it returned, once that is durable.

        Whatever *act* raises undoes it alone and is raised here; an error of the
        engine becomes `StoreUnavailable`. Waiting for too many others raises that at once.
        A caller that stops waiting does not undo an act that has begun.
        """
        return await asyncio.wrap_future(self._put(act))

    def _put(self, act: Act[T]) -> Future[T]:
        future: Future[T] = Future()
        with self._gate:
            if self._closed:
                raise StoreUnavailable("the database is closed")
            try:
                self._jobs.put_nowait((act, future))
            except queue.Full:
                raise StoreUnavailable("too many writes are waiting for the database") from None
        return future

    async def read(self, act: Act[T]) -> T:
        """Run *act*, which only reads, in one transaction off the loop: it sees one moment."""
        if self._closed:
            raise StoreUnavailable("the database is closed")
        try:
            return await asyncio.wrap_future(self._pool.submit(self._read, act))
        except RuntimeError as error:
            if self._closed:
                raise StoreUnavailable("the database is closed") from error
            raise

    def version(self) -> int:
        """A number that changes whenever anybody, in any process, committed something. Does not wait."""
        with self._watch_lock:
            try:
                found = self._watch.pragma("data_version")
            except apsw.Error as error:
                raise StoreUnavailable(told(error)) from error
        assert isinstance(found, int)
        return found

    async def backup(self, path: Path) -> None:
        """Copy the database, as of one moment and beside its users, to *path*, which must not exist yet.

        The copy has mode 0600 and is on the disk when this returns.
        """
        await self.read(lambda source: _copy(source, path))

    async def checkpoint(self) -> bool:
        """Move the write-ahead log into the file and cut it off, so that erased octets are gone from both.

        False where a reader of this or another process was in the way.
        """
        return await self.write(_AFTERWARDS)

    async def close(self) -> None:
        """Finish what was queued, then close every connection. Twice is harmless."""
        with self._gate:
            first, self._closed = not self._closed, True
        if first:
            await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._jobs.put(None)
        self._thread.join()
        self._pool.shutdown()
        with self._watch_lock:
            for reader in self._readers:
                _let_go(reader)
        # Last, so that SQLite folds its log into the file.
        _let_go(self._writer)

    def _read(self, act: Act[T]) -> T:
        reader = self._idle.get()
        try:
            reader.execute("BEGIN")
            return act(reader)
        except apsw.Error as error:
            raise StoreUnavailable(told(error)) from error
        finally:
            with contextlib.suppress(apsw.Error):
                if reader.in_transaction:
                    reader.execute("ROLLBACK")
            self._idle.put(reader)

    def _run(self) -> None:
        """The writer: everything queued, one transaction; then everything queued meanwhile."""
        while True:
            job = self._jobs.get()
            group: list[tuple[Act[Any], Future[Any]]] = []
            while job is not None:
                group.append(job)
                if len(group) == _GROUP:
                    break
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
            wanted = [(act, future) for act, future in group if future.set_running_or_notify_cancel()]
            self._commit([each for each in wanted if each[0] is not _AFTERWARDS])
            for act, future in wanted:
                if act is _AFTERWARDS:
                    self._checkpoint(future)
            if job is None:
                return

    def _commit(self, group: list[tuple[Act[Any], Future[Any]]]) -> None:
        if not group:
            return
        answers: list[tuple[Future[Any], Any, Exception | None]] = []
        try:
            if self._broken:
                raise StoreUnavailable(self._broken)
            self._writer.execute("BEGIN IMMEDIATE")
            for act, future in group:
                value, error = self._one(act)
                answers.append((future, value, error))
                if not self._writer.in_transaction:
                    # The engine gave up the whole transaction, not this act alone.
                    raise error or StoreUnavailable("an act ended the transaction it was part of")
            self._writer.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - the thread must live, and every caller be answered
            self._undo(error)
            failed = StoreUnavailable(told(error) if isinstance(error, apsw.Error) else str(error))
            failed.__cause__ = error
            for _, future in group:
                future.set_exception(failed)
            return
        for future, value, failure in answers:
            if failure is None:
                future.set_result(value)
            else:
                future.set_exception(failure)

    def _one(self, act: Act[Any]) -> tuple[Any, Exception | None]:
        self._writer.execute("SAVEPOINT act")
        try:
            value = act(self._writer)
        except Exception as error:  # noqa: BLE001 - it is the caller's, and must not fail its neighbors
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK TO act")
                self._writer.execute("RELEASE act")
            if isinstance(error, apsw.Error):
                failed = StoreUnavailable(told(error))
                failed.__cause__ = error
                return None, failed
            return None, error
        self._writer.execute("RELEASE act")
        return value, None

    def _undo(self, error: Exception) -> None:
        cause = error if isinstance(error, apsw.Error) else error.__cause__
        if isinstance(cause, apsw.Error) and getattr(cause, "extendedresult", 0) in _SYNC_FAILED:
            self._broken = "the disk failed to keep what was written; restart after checking it"
        with contextlib.suppress(apsw.Error):
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")

    def _checkpoint(self, future: Future[bool]) -> None:
        try:
            # Nobody's lease waits long for a reader that is in the way.
            self._writer.set_busy_timeout(min(self._busy_ms, 250))
            self._writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            future.set_result(True)
        except apsw.BusyError:
            future.set_result(False)
        except apsw.Error as error:
            failed = StoreUnavailable(told(error))
            failed.__cause__ = error
            future.set_exception(failed)
        finally:
            with contextlib.suppress(apsw.Error):
                self._writer.set_busy_timeout(self._busy_ms)


def _AFTERWARDS(_: apsw.Connection) -> bool:  # noqa: N802 - a mark in the queue: runs outside the transaction
    raise AssertionError("a checkpoint is no part of a transaction")


def told(error: apsw.Error) -> str:
    """A clause for people about what the engine said."""
    for kind, sentence in _SENTENCES:
        if isinstance(error, kind):
            return sentence
    return f"the database failed: {error}"


def _mistake(path: Path, what: str) -> ConfigurationError:
    return ConfigurationError([Mistake(str(path), "", what)])


def _touch(path: Path) -> None:
    """Make the file, readable by its owner alone, before SQLite does: its log files copy the mode.

    A file that is there is not opened: closing it would end every lock that this
    process has on it (fcntl), and the next program that closes the database would
    take itself for the last one and remove the log that we write to.
    """
    new = True
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        new = False
        if path.is_dir():
            raise IsADirectoryError(21, "is a folder", str(path)) from None
        if not os.access(path, os.R_OK | os.W_OK):
            if os.statvfs(path).f_flag & os.ST_RDONLY:
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path)) from None
            raise PermissionError(13, "cannot be read and written", str(path)) from None
    path.chmod(0o600)
    # Where the folder cannot be written SQLite cannot keep its log beside the file.
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(13, "its folder cannot be written", str(path.parent))
    if new:
        _sync_folder(path.parent)


def _let_go(connection: apsw.Connection) -> None:
    """Close *connection*. What was answered is durable in the log, also where the disk will not take it from there."""
    with contextlib.suppress(apsw.Error):
        connection.close()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _connect(path: Path, busy_ms: int, *, write: bool) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READWRITE if write else apsw.SQLITE_OPEN_READONLY
    connection = apsw.Connection(str(path), flags=flags)
    try:
        connection.set_busy_timeout(busy_ms)
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
        connection.pragma("trusted_schema", False)
        connection.pragma("temp_store", "MEMORY")
        connection.pragma("mmap_size", 0)
    except BaseException:
        connection.close()
        raise
    return connection


def _keep_everything(writer: apsw.Connection, busy_ms: int) -> None:
    until = time.monotonic() + busy_ms / 1000
    while True:
        try:
            mode = writer.pragma("journal_mode", "WAL")
            break
        except apsw.BusyError:
            # Where two processes switch a new file at once, SQLite asks neither to wait for the other.
            if time.monotonic() >= until:
                raise
            time.sleep(0.01)
    if mode != "wal":
        raise apsw.CantOpenError("its file system cannot share a write-ahead log")
    writer.pragma("synchronous", "FULL")
    writer.pragma("foreign_keys", True)
    writer.pragma("secure_delete", True)
    writer.pragma("journal_size_limit", 64 << 20)


def _copy(source: apsw.Connection, path: Path) -> None:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    target = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        with target.backup("main", source, "main") as copying:
            copying.step(-1)
    finally:
        target.close()
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    _sync_folder(path.parent)
