"""The access log as a file: lines gather for a moment and are appended at once, by every worker to one file.

A line is never cut: what one process writes is appended whole (``O_APPEND``).
A file that was moved away (logrotate) is made anew within a moment. A disk that
takes nothing loses lines, which are counted and told in the log, and holds
nobody up: what must not be lost is in the journal.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from gateway.app.timers import log
from gateway.front.access_lines import Written
from gateway.provenance.record import FetchDetail, FetchRecord

#: Seconds for which lines may gather.
FLUSH_SECONDS: Final = 0.5
_GATHERED: Final = 256 * 1024
_HELD: Final = 4 << 20


class AccessFile:
    """Watches what is recorded (`front.watching`) and appends a line for each to *path*."""

    def __init__(self, path: Path, written: Written) -> None:
        """Open nothing yet."""
        self._path, self._written = path, written
        self._lines: list[bytes] = []
        self._held = self._lost = 0
        self._file = -1
        self._inode = (0, 0)

    def __call__(self, record: FetchRecord, detail: FetchDetail) -> None:
        """Take up one line."""
        line = self._written(record, detail)
        if self._held + len(line) > _HELD:
            self._lost += 1
            return
        self._lines.append(line)
        self._held += len(line)
        if self._held >= _GATHERED:
            self.flush()

    def flush(self) -> None:
        """Append what has gathered."""
        if not self._lines:
            return
        octets = b"".join(self._lines)
        try:
            self._open()
            written = os.write(self._file, octets)
        except OSError as error:
            log.error("the access log cannot be written", file=str(self._path), reason=error.strerror)
            return
        # A short write is a full disk: the rest waits, from its next whole line on.
        if written < len(octets):
            rest = octets[written:].partition(b"\n")[2]
            self._lines, self._held = ([rest], len(rest)) if rest else ([], 0)
            return
        self._lines, self._held = [], 0
        if self._lost:
            log.error("lines of the access log were lost", lines=self._lost)
            self._lost = 0

    def close(self) -> None:
        """Append what has gathered, and let the file go."""
        self.flush()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> None:
        if self._file >= 0:
            with contextlib.suppress(OSError):
                at = self._path.stat()
                if (at.st_dev, at.st_ino) == self._inode:
                    return
            os.close(self._file)
            self._file = -1
        self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        made = os.fstat(self._file)
        self._inode = (made.st_dev, made.st_ino)
