"""The data folder's one gateway: its lock, what it says about itself, and its short-lived sockets."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.folders import make_folder
from gateway.problems import ConfigurationError, Mistake

if TYPE_CHECKING:
    from gateway.provenance.keeper import KeeperLock

_PREFIX: Final = "licet-"
_LOCK: Final = "licet.lock"
_LONGEST_BASE: Final = 80
#: Seconds that the processes of a gateway that was killed may take to notice it.
_ENDING: Final = 5.0
#: Twentieths of a second that a command may keep the journal while a gateway starts.
_PATIENCE: Final = 200


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the doors are, once open. *sign_in* is the one-time link, or ""."""

    front: str
    dashboard: str
    sign_in: str


class FolderLock:
    """Keeps a second gateway off a data folder; it goes with the last process that has it.

    The file says to commands beside it where the gateway listens; only while
    it is locked is that true (`running`).
    """

    def __init__(self, folder: Path) -> None:
        """Make *folder* private and lock it, or raise `ConfigurationError`.

        Where the gateway that has the lock was killed, its other processes are
        about to end; they are waited for.
        """
        try:
            make_folder(folder)
            self._file = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            why = error.strerror or str(error)
            raise ConfigurationError(
                [Mistake(str(folder), "", f"must be a folder licet can write: {why}")]
            ) from None
        until = time.monotonic() + _ENDING
        while not self._taken():
            if time.monotonic() > until or _lives(self._told()):
                os.close(self._file)
                raise ConfigurationError(
                    [Mistake(str(folder), "", "another gateway runs on this data folder; stop it first")]
                )
            time.sleep(0.02)
        _forget_run(self._told())
        self._write({"pid": os.getpid()})

    @property
    def descriptor(self) -> int:
        """What a process of this gateway inherits, so that the lock lasts as long as it."""
        return self._file

    def tell(self, addresses: Addresses, *, run: Path | None = None) -> None:
        """Write down where the gateway listens, without the sign-in link; *run* is its `RunFolder`."""
        told: dict[str, object] = {"pid": os.getpid(), "front": addresses.front}
        told["dashboard"] = addresses.dashboard
        if run is not None:
            told["run"] = str(run)
        self._write(told)

    def has(self, run: RunFolder) -> None:
        """Write down the run folder, so that the next gateway can clear it away if this one is killed."""
        self._write({"pid": os.getpid(), "run": str(run.path)})

    def release(self) -> None:
        """Let the next gateway have the folder."""
        os.close(self._file)

    def _taken(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _told(self) -> dict[str, object]:
        with contextlib.suppress(ValueError, OSError):
            told = json.loads(os.pread(self._file, 65536, 0) or b"{}")
            return told if isinstance(told, dict) else {}
        return {}

    def _write(self, told: dict[str, object]) -> None:
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps(told).encode(), 0)


def running(folder: Path) -> dict[str, object] | None:
    """What the gateway that runs on *folder* told of itself, empty if nothing yet; None if none runs."""
    try:
        with (folder / _LOCK).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                told = json.loads(file.read() or b"{}")
                return told if isinstance(told, dict) else {}
    except (OSError, ValueError):
        return None
    return None


class RunFolder:
    """Where one life of a gateway keeps its Unix sockets and the policies it took up; mode 0700.

    It lies in ``$RUNTIME_DIRECTORY``, which a service manager may give, or
    among the machine's temporary files: the path of a socket may have 107
    octets, and a data folder's own may be longer, or on a file system without
    sockets. Whoever made it has it locked, which keeps systemd from tidying it.
    """

    def __init__(self, path: Path, lock: int = -1) -> None:
        """Know the folder at *path*; use `make` for a new one, which holds *lock*."""
        self._lock = lock
        self.path = path
        self.desk = path / "desk"
        self.office = path / "office"
        self.policies = path / "policies"

    @classmethod
    def make(cls) -> RunFolder:
        """Make a new one. Raises `ConfigurationError` where no temporary file can be written."""
        try:
            path = tempfile.mkdtemp(prefix=_PREFIX, dir=_base())
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            why = f"must be writable, for sockets: {error.strerror or error}"
            raise ConfigurationError([Mistake(str(error.filename or "temporary files"), "", why)]) from None
        return cls(Path(path), lock)

    def remove(self) -> None:
        """Remove it with everything in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _base() -> str:
    """The folder for run folders: the first whose path leaves room for a socket's."""
    given = (os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0], tempfile.gettempdir())
    return next((place for place in given if place and len(os.fsencode(place)) <= _LONGEST_BASE), "/tmp")  # noqa: S108


def _lives(told: dict[str, object]) -> bool:
    """Whether the process that told this is there; one that is starting has told nothing and counts as there."""
    pid = told.get("pid")
    if not isinstance(pid, int):
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _forget_run(told: dict[str, object]) -> None:
    """Remove the run folder that a gateway that was killed left behind."""
    run = Path(str(told.get("run", "")))
    if run.name.startswith(_PREFIX) and run.parent == Path(_base()) and not run.is_symlink():
        shutil.rmtree(run, ignore_errors=True)


async def keeper_lock(folder: Path) -> KeeperLock:
    """Become the keeper of *folder*; a command that folds at this moment is waited for. Raises `ConfigurationError`."""
    from gateway.provenance.keeper import KeeperLock

    for _ in range(_PATIENCE):
        taken = KeeperLock.try_take(folder)
        if taken is not None:
            return taken
        await asyncio.sleep(0.05)
    raise ConfigurationError([Mistake(str(folder), "", "another process keeps this journal; stop it first")])
