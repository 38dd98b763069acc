"""Who writes in a journal folder, and who is gone for good.

A writer is one `Journal`: a worker and a boot, the part ``<worker>-<boot>`` of
the names of its files. What it sets aside elsewhere (credit, for one) can be
returned once it is gone and its files are read to their end. Whether it is gone
no segment tells: between two files, or while the disk fails, a writer has none.
So each holds an exclusive `flock` on ``<worker>-<boot>.live`` for as long as it
lives. A boot is never used again: who is gone stays gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from gateway.problems import StoreUnavailable

_NAME = re.compile(r"([a-z0-9]{1,32}-[0-9a-f]{24})-[0-9]{6,12}\.(?:seg|det)")
_LIVE = re.compile(r"([a-z0-9]{1,32}-[0-9a-f]{24})\.live")


class WriterLock:
    """Says that a writer lives, until `release` or the end of the process."""

    def __init__(self, folder: Path, writer: str) -> None:
        """Make and lock the file of *writer*, whose name is new; raises `OSError`."""
        self._path = folder / f"{writer}.live"
        how = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor = os.open(self._path, how, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def release(self, *, told: bool = True) -> None:
        """Say that the writer is gone: it has no file open and makes no other. Twice is harmless.

        Where it is not *told* what the writer wrote, its file stays, as that of one that was killed (`sweep`).
        """
        if self._descriptor < 0:
            return
        if told:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1


class OtherWriters:
    """The writers whose entries somebody else reads and tells of, and whether each of them still lives.

    One that was killed may have written what it told nobody. Its lock goes with
    it, before the other side of its connections can have noticed and asked
    again: so whoever looks at the locks knows when to wait for what is read.
    """

    def __init__(self, folder: Path) -> None:
        """Watch nobody in *folder* yet."""
        self._folder = folder
        self._descriptors: dict[str, int] = {}
        self._told: asyncio.Future[None] | None = None
        self._heard = True

    @property
    def names(self) -> frozenset[str]:
        """Whom it watches."""
        return frozenset(self._descriptors)

    def watch(self, writers: Iterable[str]) -> None:
        """From now on watch *writers* and nobody else: what all others wrote is known here."""
        wanted = frozenset(writers)
        for writer in self._descriptors.keys() - wanted:
            os.close(self._descriptors.pop(writer))
        for writer in wanted - self._descriptors.keys():
            # One that ended well and had told of everything has no lock.
            with contextlib.suppress(FileNotFoundError):
                path = self._folder / f"{writer}.live"
                self._descriptors[writer] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._look_again()

    def hear(self, *, heard: bool) -> None:
        """Whether anybody tells of them at the moment. Until somebody does again, what they write is not known here."""
        self._heard = heard
        self._look_again()

    async def settled(self, seconds: float) -> None:
        """Return at once while all live and are told of, else once `watch` leaves out those that do not.

        Raises `StoreUnavailable` after *seconds*.
        """
        if self._known():
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while not self._known():
            if self._told is None:
                self._told = loop.create_future()
            await asyncio.wait((self._told,), timeout=max(until - loop.time(), 0))
            if loop.time() >= until:
                raise StoreUnavailable("What another process was paid for is not known yet.")

    def _known(self) -> bool:
        return not self._descriptors or (self._heard and all(map(_is_locked, self._descriptors.values())))

    def _look_again(self) -> None:
        if self._told is not None:
            self._told.set_result(None)
            self._told = None

    def close(self) -> None:
        """Watch nobody."""
        self.watch(())


class ReadToTheEnd:
    """Which writers that are gone were read to their end, by what a keeper stored since each was found gone. Pure.

    A keeper reads the next batch while it stores one. So the batch that is stored
    next after a writer was found gone may have been read before that writer wrote
    its last; the one after it was not, nor was a read that found nothing left.
    """

    def __init__(self) -> None:
        """Nobody was found gone yet."""
        self._found: frozenset[str] = frozenset()
        self._earlier: frozenset[str] = frozenset()

    def stored(self, gone: Iterable[str]) -> frozenset[str]:
        """A batch that held all there was to read is stored, and *gone* are gone by now; gives those that are known whole."""
        known, self._earlier, self._found = self._earlier, self._found, frozenset(gone)
        return known

    def emptied(self, gone: Iterable[str]) -> frozenset[str]:
        """A read that began after the last batch was stored found nothing; *gone* are gone by now. As `stored`."""
        known, self._earlier, self._found = self._earlier | self._found, frozenset(), frozenset(gone)
        return known


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


def writer_of(place: str) -> str:
    """The writer of a journal file, by its name or a place in it; "" for what is no such name.

    >>> writer_of("front-00065f1c2a3b4c5d01020304-000001.seg:24")
    'front-00065f1c2a3b4c5d01020304'
    """
    name, colon, offset = place.partition(":")
    return _writer(name) if not colon or (offset.isascii() and offset.isdigit()) else ""


@lru_cache(maxsize=256)
def _writer(name: str) -> str:
    found = _NAME.fullmatch(name)
    return found[1] if found else ""


def lives(folder: Path, writer: str) -> bool:
    """Whether *writer*, which was met before, may still write in *folder*."""
    try:
        descriptor = os.open(folder / f"{writer}.live", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return _is_locked(descriptor)
    finally:
        os.close(descriptor)


def named(folder: Path) -> frozenset[str]:
    """Every writer of *folder* that lives, or was killed and is not swept away yet."""
    found = (_LIVE.fullmatch(path.name) for path in folder.iterdir()) if folder.is_dir() else ()
    return frozenset(match[1] for match in found if match)


def sweep(folder: Path, writers: frozenset[str]) -> None:
    """Remove what *writers* that were killed left of their locks; those that live keep theirs."""
    for path in folder.iterdir() if folder.is_dir() else ():
        named = _LIVE.fullmatch(path.name)
        if named and named[1] in writers and not lives(folder, named[1]):
            path.unlink(missing_ok=True)
