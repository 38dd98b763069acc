"""Single entries read again from the journal's files, by where they stand.

The store keeps of a fetch what is asked for by columns, and where its octets
stand; whoever wants the octets themselves reads them here. Nothing is trusted:
a frame counts only with its checksum, and the store compares the id.
"""

from __future__ import annotations

import os
from io import FileIO
from pathlib import Path
from typing import Final, NamedTuple, Self

from gateway.provenance.packed import PackedDamaged, open_packed
from gateway.provenance.record import SALT_BYTES
from gateway.provenance.segments import ENTRY_HEADER, Content, SegmentDamaged, payload_at

_START: Final = b'{"entry":'
_KIND: Final = b',"kind":'
_SALT: Final = b',"salt":"'
_TAIL: Final = len(_SALT) + 2 * SALT_BYTES + len(b'"}')
#: Files that are held open at once.
_MOST: Final = 16
#: Content that are read at once.
_AHEAD: Final = 1 << 15


class Standing(NamedTuple):
    """An entry as its frame has it: canonical bytes and salt."""

    canonical: bytes
    salt: bytes


class _PlainFile:
    """The content of a file that is not packed, read ahead: whoever wants one entry often wants the next."""

    def __init__(self, file: FileIO) -> None:
        self._file, self._at = file, 0
        self._start, self._held = 0, b""

    def seek(self, at: int) -> int:
        self._at = at
        return at

    def read(self, wanted: int) -> bytes:
        begin = self._at - self._start
        if not 0 <= begin <= len(self._held) - wanted:
            self._start, begin = self._at, 0
            self._held = os.pread(self._file.fileno(), max(wanted, _AHEAD), self._at)
        part = self._held[begin : begin + wanted]
        self._at += len(part)
        return part


class Shelf:
    """Reads from one journal folder. For one thread; `close` it, or use it in a `with`."""

    def __init__(self, folder: Path) -> None:
        """Read from *folder*."""
        self._folder = folder
        self._open: dict[str, tuple[FileIO, Content]] = {}

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every file."""
        self.close()

    def close(self) -> None:
        """Close every file. Twice is harmless."""
        for file, _ in self._open.values():
            file.close()
        self._open.clear()

    def entry(self, name: str, offset: int) -> Standing:
        """The entry whose frame begins at *offset* of file *name*.

        Raises `SegmentDamaged` where no whole frame of an entry is there, and
        `OSError` where the file cannot be read.
        """
        path = self._folder / name
        try:
            payload = payload_at(self._file(name), offset) if offset >= len(ENTRY_HEADER) else None
        except PackedDamaged as error:
            raise SegmentDamaged(path, offset, f"it is packed and cannot be unpacked: {error}") from None
        if payload is None:
            raise SegmentDamaged(path, offset, "no whole frame stands there")
        tail = len(payload) - _TAIL
        kind = payload.rfind(_KIND, 0, tail)
        try:
            if not payload.startswith(_START) or payload[tail : tail + len(_SALT)] != _SALT or kind < 0:
                raise ValueError
            salt = bytes.fromhex(payload[tail + len(_SALT) : -2].decode("ascii"))
        except ValueError:
            raise SegmentDamaged(path, offset, "a frame holds no journal entry") from None
        return Standing(payload[len(_START) : kind], salt)

    def _file(self, name: str) -> Content:
        found = self._open.get(name)
        if found is None:
            if len(self._open) >= _MOST:
                self.close()
            file = FileIO(os.open(self._folder / name, os.O_RDONLY | os.O_CLOEXEC), closefd=True)
            try:
                found = file, open_packed(file) or _PlainFile(file)
            except BaseException:
                file.close()
                raise
            self._open[name] = found
        return found[1]
