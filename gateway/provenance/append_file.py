"""One segment and its details while they are written: append, sync, or take back.

A failed write or sync is final for the file: the kernel may have dropped the
pages and would call the next sync a success, so nothing is ever tried again on
the same descriptor (reliability study, section 5.1). The file is cut back to
what was durable before, through a descriptor of its own, and closed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from gateway.provenance.segments import DETAIL_HEADER, ENTRY_HEADER, durable_mark, shorten


class Disk:
    """What the journal asks of the disk. A test hands in one that fails."""

    def write(self, descriptor: int, octets: memoryview) -> int:
        """Append, and return how many octets were taken."""
        return os.write(descriptor, octets)

    def sync(self, descriptor: int) -> None:
        """Return when everything written is durable."""
        os.fdatasync(descriptor)

    def truncate(self, path: Path, length: int) -> None:
        """Cut *path* back to *length*, durably."""
        shorten(path, length)

    def free_bytes(self, folder: Path) -> int:
        """Octets that this user can still write below *folder*."""
        stat = os.statvfs(folder)
        return stat.f_bavail * stat.f_frsize


class AppendFile:
    """A ``.seg`` with its ``.det`` and ``.end``, owned by one thread.

    `write` and `sync` as often as wanted, or `append`, which is both. *end* and *details_end* are the durable lengths. The exclusive lock on the
    ``.seg`` lasts until `close` or the end of the process, and tells readers to
    stop at ``.end``.
    """

    def __init__(self, path: Path, disk: Disk, *, opened_us: int = 0) -> None:
        """Make the three files, or none and raise `OSError`. The name must be new."""
        self.path = path
        self.opened_us = opened_us
        self.end, self.details_end = len(ENTRY_HEADER), len(DETAIL_HEADER)
        self._written, self._details_written = self.end, self.details_end
        self._disk = disk
        self._descriptors: list[int] = []
        self._made: list[Path] = []
        fresh = path.with_suffix(".new")
        try:
            self._details = self._make(path.with_suffix(".det"))
            self._write(self._details, DETAIL_HEADER)
            self._mark = self._make(path.with_suffix(".end"), os.O_RDWR)
            os.pwrite(self._mark, durable_mark(self.end, self.details_end), 0)
            # Named only once it is locked and has its first line: no reader meets it half made.
            self._entries = self._make(fresh)
            fcntl.flock(self._entries, fcntl.LOCK_EX)
            self._write(self._entries, ENTRY_HEADER)
            disk.sync(self._details)
            disk.sync(self._entries)
            fresh.rename(path)
            self._made.append(path)
            sync_folder(path.parent)
        except BaseException:
            for made in self._made:
                with contextlib.suppress(OSError):
                    made.unlink(missing_ok=True)
            self._let_go()
            raise

    @property
    def size(self) -> int:
        """The length of the entries, durable or not."""
        return self._written

    @property
    def is_empty(self) -> bool:
        """Whether no entry was ever made durable in it."""
        return self.end == len(ENTRY_HEADER)

    def append(self, entries: bytes, details: bytes) -> None:
        """Write both and return when the entries are durable; see `write` and `sync`."""
        self.write(entries, details)
        self.sync()

    def write(self, entries: bytes, details: bytes) -> None:
        """Hand both to the kernel: they survive this process, and no loss of power before `sync`.

        Raises `OSError`; then this file is finished and wants `take_back`.
        """
        if details:
            self._write(self._details, details)
        self._write(self._entries, entries)
        self._written += len(entries)
        self._details_written += len(details)

    def sync(self) -> int:
        """Return when every entry written is durable, and may be read: how many octets that was news for.

        Raises `OSError`; then this file is finished and wants `take_back`.
        Details reach the disk with the kernel's next write-back: they may be
        lost with the power, the entries may not.
        """
        fresh = self._written - self.end
        if fresh:
            self._disk.sync(self._entries)
            self.end, self.details_end = self._written, self._details_written
            # Readers of a live file lag if this fails; what was promised is durable already.
            with contextlib.suppress(OSError):
                os.pwrite(self._mark, durable_mark(self.end, self.details_end), 0)
        return fresh

    def take_back(self) -> bool:
        """Undo what is not durable and close; False, and still locked, where the disk refuses even that.

        As long as it is locked nobody reads beyond what was durable. Try again later.
        """
        try:
            self._disk.truncate(self.path, self.end)
            self._disk.truncate(self.path.with_suffix(".det"), self.details_end)
        except OSError:
            return False
        self._finish()
        return True

    def close(self) -> None:
        """Finish the file: nothing more will be appended. A file without entries goes."""
        with contextlib.suppress(OSError):
            self.sync()
            self._disk.sync(self._details)
        self._finish()

    def _make(self, path: Path, how: int = os.O_WRONLY | os.O_APPEND) -> int:
        descriptor = os.open(path, how | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._descriptors.append(descriptor)
        self._made.append(path)
        return descriptor

    def _write(self, descriptor: int, octets: bytes) -> None:
        left = memoryview(octets)
        while left:
            left = left[self._disk.write(descriptor, left) :]

    def _finish(self) -> None:
        with contextlib.suppress(OSError):
            self.path.with_suffix(".end").unlink(missing_ok=True)
            if self.is_empty:
                self.path.unlink(missing_ok=True)
                self.path.with_suffix(".det").unlink(missing_ok=True)
        self._let_go()

    def _let_go(self) -> None:
        while self._descriptors:
            with contextlib.suppress(OSError):
                os.close(self._descriptors.pop())


def sync_folder(folder: Path) -> None:
    """Make the names in *folder* durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
