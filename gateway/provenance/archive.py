"""A zip of small files that is the same octets for the same content, and a reader that no zip surprises.

The writer knows no clock, no owner and no order but the one in which files are
added. The reader takes apart what strangers hand in: it extracts nothing to a
disk, reads at most so many octets whatever the zip says of itself, and names
everything that is not as the writer makes it. Both keep to the plain format
(PKWARE APPNOTE 6.3.10, sections 4.3 and 4.4): no zip64, no comment, no
encryption, methods 0 and 8.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

#: What one archive may hold: files, octets of one, octets of all, octets of the archive itself.
MOST_FILES: Final = 65_000
LARGEST_FILE: Final = 1 << 25
LARGEST_CONTENT: Final = 1 << 31
LARGEST_ARCHIVE: Final = 1 << 31
_LARGEST_DIRECTORY: Final = 1 << 25
_LONGEST_NAME: Final = 200
_PART: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_NAME: Final = re.compile(rf"{_PART}(?:/{_PART})*", re.ASCII)
_END: Final = struct.Struct("<4s4H2LH")
_END_MARK: Final = b"PK\5\6"
_LOCATOR: Final = 20
_LOCATOR_MARK: Final = b"PK\6\7"
_WHEN: Final = (1980, 1, 1, 0, 0, 0)
_REGULAR: Final = 0o100644
_KIND: Final = 0o170000
_UNIX: Final = 3
_LEVEL: Final = 6
_ENCRYPTED: Final = 1
_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, NotImplementedError, OSError, RuntimeError,
    ValueError, OverflowError,
)  # fmt: skip


class ArchiveRefused(ValueError):
    """It is no archive as this module writes them, or a file of it is none; the message is a clause."""


def file_part(text: str) -> str:
    """*text* where it can be part of a name in an archive, else a hash of it."""
    if re.fullmatch(_PART, text, re.ASCII) and len(text) <= 64:
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class ArchiveWriter:
    """Writes files one behind the other. Use it in a `with`; raises `ArchiveRefused` for more than a reader takes."""

    def __init__(self, out: BinaryIO) -> None:
        """Write to *out*, which is left open."""
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, allowZip64=False)
        self._left = LARGEST_CONTENT
        #: The SHA-256 of each file so far, in hex.
        self.sums: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the directory, where nothing went wrong."""
        if kind is None:
            self._zip.close()

    def add(self, name: str, octets: bytes) -> None:
        """Put the file *name* behind the others; raises `ValueError` for a name that is none or was used."""
        if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME or name in self.sums:
            raise ValueError(f"{name!r} is no name for a file of an archive, or one that it has")
        self._left -= len(octets)
        if len(octets) > LARGEST_FILE or self._left < 0 or len(self.sums) == MOST_FILES:
            raise ArchiveRefused(f"{name} is too large, or one file too many")
        entry = zipfile.ZipInfo(name, _WHEN)
        entry.create_system = _UNIX
        entry.external_attr = _REGULAR << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        self._zip.writestr(entry, octets, compresslevel=_LEVEL)
        self.sums[name] = hashlib.sha256(octets).hexdigest()


class Archive:
    """An archive that somebody handed in: what of it can be read, and what is wrong with the rest.

    *faults* are sentences about files that the writer would not have made;
    these cannot be read.
    """

    def __init__(self, opened: zipfile.ZipFile, file: BinaryIO) -> None:
        """Take apart what *opened*, which reads *file*, lists; `open_archive` opens one."""
        self._zip, self._file = opened, file
        self._entries: Mapping[str, zipfile.ZipInfo]
        self._entries, self.faults = _listed(opened.infolist())

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *of: object) -> None:
        """Close the file."""
        self._zip.close()
        self._file.close()

    def __iter__(self) -> Iterator[str]:
        """The names, sorted."""
        return iter(sorted(self._entries))

    def __contains__(self, name: object) -> bool:
        """Whether it has a file of that name."""
        return name in self._entries

    def __len__(self) -> int:
        """How many files can be read."""
        return len(self._entries)

    def read(self, name: str) -> bytes:
        """The octets of the file *name*; raises `ArchiveRefused`, nothing else."""
        entry = self._entries.get(name)
        if entry is None:
            raise ArchiveRefused("it is missing")
        try:
            with self._zip.open(entry) as file:
                octets = file.read(LARGEST_FILE + 1)
        except _BROKEN as error:
            raise ArchiveRefused(f"it cannot be read: {_clause(error)}") from None
        if len(octets) != entry.file_size:
            raise ArchiveRefused("it does not have the size that the archive tells")
        return octets


def open_archive(path: Path) -> Archive:
    """Open the archive at *path*; raises `ArchiveRefused` for what is none, and `OSError`."""
    file = path.open("rb")
    try:
        count = _check_end(file)
        opened = zipfile.ZipFile(file)
        if len(opened.infolist()) != count:
            raise ArchiveRefused("its directory does not list as many files as it says")
        return Archive(opened, file)
    except (*_BROKEN, UnicodeDecodeError) as error:
        file.close()
        if isinstance(error, ArchiveRefused):
            raise
        raise ArchiveRefused(f"it is no zip: {_clause(error)}") from None
    except BaseException:
        file.close()
        raise


def _check_end(file: BinaryIO) -> int:
    """See to it that the directory at the end is one of plain size, before it is read; how many files it tells of."""
    size = file.seek(0, 2)
    if not _END.size <= size <= LARGEST_ARCHIVE:
        raise ArchiveRefused(f"it does not have {_END.size} to {LARGEST_ARCHIVE} octets")
    file.seek(size - _END.size)
    mark, disk, of, here, count, length, begin, comment = _END.unpack(file.read(_END.size))
    if mark != _END_MARK or comment:
        raise ArchiveRefused(
            "it does not end as a zip without a comment does: it is cut off, or something is behind it"
        )
    if disk or of or here != count or count > MOST_FILES or length > _LARGEST_DIRECTORY:
        raise ArchiveRefused(f"it has more than {MOST_FILES} files, or more than one part")
    if begin + length + _END.size != size:
        raise ArchiveRefused("its directory does not end where the archive does")
    if size >= _END.size + _LOCATOR:
        file.seek(size - _END.size - _LOCATOR)
        if file.read(4) == _LOCATOR_MARK:
            raise ArchiveRefused("it is a zip64")
    return int(here)


def _listed(entries: list[zipfile.ZipInfo]) -> tuple[dict[str, zipfile.ZipInfo], list[str]]:
    found: dict[str, zipfile.ZipInfo] = {}
    seen: dict[str, list[str]] = {}
    faults: list[str] = []
    left = LARGEST_CONTENT
    for entry in entries:
        name = entry.orig_filename
        alike = seen.setdefault(name.casefold(), [])
        alike.append(name)
        if len(alike) > 1:
            found.pop(alike[0], None)
            if len(alike) == 2:
                faults.append(f"{_printable(name)}: it stands there more than once")
            continue
        why = _why_not(entry)
        left -= 0 if why else entry.file_size
        if not why and left < 0:
            why, left = "all files together are too large", left + entry.file_size
        if why:
            faults.append(f"{_printable(name)}: {why}")
        else:
            found[name] = entry
    return found, faults


def _why_not(entry: zipfile.ZipInfo) -> str:
    """Why nothing of *entry* is read, or ""."""
    name, kind = entry.orig_filename, entry.external_attr >> 16 & _KIND
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME or name != entry.filename:
        return "that is no name for a file here"
    if kind not in {0, _REGULAR & _KIND}:
        return "it is no plain file"
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return "it is encrypted, or packed in an unknown way"
    if entry.file_size > LARGEST_FILE:
        return f"it has more than {LARGEST_FILE} octets"
    return ""


def _printable(name: str) -> str:
    shown = "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name[:_LONGEST_NAME]
    )
    return shown or "a file without a name"


def _clause(error: BaseException) -> str:
    return _printable(str(error)) if str(error) else type(error).__name__
