"""Every write and every sync failed once, at its k-th call: of the database, of the journal, of the log's files."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw

from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.provenance import public_log
from gateway.provenance.append_file import Disk
from loadtests.faults.shop import Said, Shop

PLACES = (
    "database write",
    "database sync",
    "journal write",
    "journal sync",
    "log file write",
    "log file sync",
)
ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC}


class Trigger:
    """Counts the calls of one place and says which of them is the one to fail; none with *at* 0."""

    def __init__(self, at: int = 0, error: int = errno.EIO, *, lying: bool = False) -> None:
        """Fail call *at* with *error*; or, *lying*, do nothing there and say that it was done."""
        self.at, self.error, self.lying, self.calls = at, error, lying, 0
        self._lock = threading.Lock()

    def hit(self) -> bool:
        """Count a call; whether it is the one."""
        with self._lock:
            self.calls += 1
            return self.calls == self.at

    def fault(self) -> OSError:
        """What it fails with."""
        return OSError(self.error, os.strerror(self.error))


class FailingDisk(Disk):
    """The journal's disk."""

    def __init__(self, writes: Trigger, syncs: Trigger) -> None:
        """Fail as these say."""
        self._writes, self._syncs = writes, syncs

    def write(self, descriptor: int, octets: memoryview) -> int:
        """Half of it is written where it fails."""
        if not self._writes.hit():
            return super().write(descriptor, octets)
        if self._writes.lying:
            return len(octets)
        super().write(descriptor, octets[: len(octets) // 2])
        raise self._writes.fault()

    def sync(self, descriptor: int) -> None:
        """As `Disk.sync`."""
        if self._syncs.hit():
            raise self._syncs.fault()
        super().sync(descriptor)


class FailingVfs(apsw.VFS):
    """The database's disk; `unregister` ends it."""

    def __init__(self, writes: Trigger, syncs: Trigger) -> None:
        """Fail as these say."""
        self.writes, self.syncs = writes, syncs
        super().__init__("failing", "unix", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> _File:  # noqa: N802 - SQLite's name
        """Every file of the database."""
        return _File(self, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, disk: FailingVfs, name: Any, flags: list[int]) -> None:
        self._disk = disk
        super().__init__("unix", name, flags)

    def xWrite(self, octets: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        writes = self._disk.writes
        if writes.hit():
            if writes.lying:
                return
            super().xWrite(octets[: len(octets) // 2], offset)
            raise _engine_error(writes.error, apsw.SQLITE_IOERR_WRITE)
        super().xWrite(octets, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        if self._disk.syncs.hit():
            raise _engine_error(errno.EIO, apsw.SQLITE_IOERR_FSYNC)
        super().xSync(flags)


def _engine_error(error: int, extended: int) -> apsw.Error:
    made: apsw.Error
    if error == errno.ENOSPC:
        made = apsw.FullError("full")
        made.result = made.extendedresult = apsw.SQLITE_FULL
    else:
        made = apsw.IOError("failed")
        made.result, made.extendedresult = apsw.SQLITE_IOERR, extended
    return made


class _Os:
    """`os`, as the public log sees it."""

    def __init__(self, syncs: Trigger) -> None:
        self._syncs = syncs

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def fsync(self, descriptor: int) -> None:
        if self._syncs.hit():
            raise self._syncs.fault()
        os.fsync(descriptor)


@contextlib.contextmanager
def failing(place: str, trigger: Trigger) -> Iterator[Disk]:
    """Let *place* fail as *trigger* says; gives the journal's disk."""
    never = Trigger()
    of = {name: trigger if name == place else never for name in PLACES}
    vfs = FailingVfs(of["database write"], of["database sync"])
    replace_whole, its_os = public_log.replace_whole, public_log.os

    def replaced(path: Path, octets: bytes, *, through: bool = False) -> None:
        if not of["log file write"].hit():
            return replace_whole(path, octets, through=through)
        if trigger.lying:
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(f"{path.name}.new").write_bytes(octets[: len(octets) // 2])
        raise trigger.fault()

    public_log.replace_whole = replaced
    public_log.os = _Os(of["log file sync"])  # type: ignore[assignment]
    try:
        yield FailingDisk(of["journal write"], of["journal sync"])
    finally:
        public_log.replace_whole, public_log.os = replace_whole, its_os
        vfs.unregister()


async def short_run(data: Path, said: Said, disk: Disk, *, rounds: int = 3) -> list[str]:
    """A gateway's short life; what was answered where something failed, each a sentence.

    It asks on after a failure, as crawlers do. Whatever is raised that is no
    answer of design.md section 4 passes through, and is a defect.
    """
    answers: list[str] = []
    try:
        shop = await Shop.open(data, said, disk=disk, retry_seconds=0.0)
    except (ConfigurationError, StoreUnavailable) as error:
        return [str(error)]
    try:
        for act in (shop.pay_in, *(lambda: shop.sell(2), shop.fold, shop.publish) * rounds):
            try:
                reason = await act()
            except StoreUnavailable as error:
                answers.append(str(error))
            else:
                answers += [reason] if isinstance(reason, str) and reason else []
    finally:
        await shop.close()
    return answers
