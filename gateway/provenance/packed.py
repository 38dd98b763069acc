"""A packed journal file: a gzip of many small members, so that one record is read without unpacking the rest.

Every member but the last holds `BLOCK` octets of the content (the one before
the last: what is left) and says in its extra field (RFC 1952, section 2.3.1.1)
that it is one of ours. The last is empty, and its extra field is the index::

    offset   4 octets for each member: where it begins
    content  8 octets: how long the content is
    members  4 octets: how many there are before this one
    CRC-32   4 octets, over the three

all little endian, as gzip is. Any gzip reads such a file as it reads others.
What an earlier version packed, in one member, is read too, from its start.
"""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO, FileIO
from itertools import pairwise
from typing import Final

#: Octets of content that are unpacked at once.
BLOCK: Final = 1 << 16
#: How a gzip member begins (RFC 1952, deflate), and how long it is at least.
GZIP: Final = b"\x1f\x8b\x08"
_SHORTEST: Final = 18
_HEAD: Final = struct.Struct("<3sBIBBH")
_EXTRA: Final = 4
_UNKNOWN: Final = 255
_FIELD: Final = struct.Struct("<2sH")
_OURS, _INDEX = b"Lb", b"Li"
_COUNTS: Final = struct.Struct("<QII")
_EMPTY: Final = b"\x03\x00" + bytes(8)
_FIRST: Final = _HEAD.pack(GZIP, _EXTRA, 0, 0, _UNKNOWN, _FIELD.size) + _FIELD.pack(_OURS, 0)
_MOST_EXTRA: Final = 65_535


class PackedDamaged(ValueError):
    """It begins as a packed file and is none; the message is a clause."""


def packing(read: Callable[[int], bytes], content: int) -> Iterator[bytes]:
    """The packed form of the *content* octets that *read* gives, at most as many at once as it is asked for, in parts.

    Raises `EOFError` where *read* gives fewer.
    """
    block = BLOCK
    while -(-content // block) * 4 + _COUNTS.size + _FIELD.size > _MOST_EXTRA:
        block *= 2
    begins, at, left = [], 0, content
    while left:
        part = _filled(read, min(block, left))
        deflating = zlib.compressobj(6, zlib.DEFLATED, -15)
        made = b"".join((
            _FIRST, deflating.compress(part), deflating.flush(),
            zlib.crc32(part).to_bytes(4, "little"), len(part).to_bytes(4, "little"),
        ))  # fmt: skip
        begins.append(at)
        at += len(made)
        left -= len(part)
        yield made
    yield _index(begins, content)


def _filled(read: Callable[[int], bytes], wanted: int) -> bytes:
    part = read(wanted)
    while len(part) < wanted:
        more = read(wanted - len(part))
        if not more:
            raise EOFError("there is less than there was to be packed")
        part += more
    return part


def pack_octets(octets: bytes) -> bytes:
    """The packed form of *octets*."""
    return b"".join(packing(BytesIO(octets).read, len(octets)))


def _index(begins: list[int], content: int) -> bytes:
    table = struct.pack(f"<{len(begins)}I", *begins)
    table += struct.pack("<QI", content, len(begins))
    table += zlib.crc32(table).to_bytes(4, "little")
    extra = _FIELD.pack(_INDEX, len(table)) + table
    return _HEAD.pack(GZIP, _EXTRA, 0, 0, _UNKNOWN, len(extra)) + extra + _EMPTY


class PackedFile:
    """The content of a packed file, read from any place of it. Made by `open_packed`."""

    def __init__(self, file: FileIO, begins: tuple[int, ...], end: int, size: int) -> None:
        """Read *file*, whose members begin at *begins* and end at *end* and hold *size* octets in all."""
        self._file, self._begins, self._end = file, begins, end
        self.size = size
        self._width = BLOCK
        while len(begins) and -(-size // self._width) > len(begins):
            self._width *= 2
        self._at = 0
        self._held = (-1, b"")

    def seek(self, at: int) -> int:
        """Read on from octet *at* of the content."""
        self._at = at
        return at

    def read(self, wanted: int) -> bytes:
        """The next octets, at most *wanted*, none at the end. Raises `PackedDamaged`, `OSError`."""
        if self._at >= self.size or wanted <= 0:
            return b""
        number, begin = divmod(self._at, self._width)
        part = self._block(number)[begin : begin + wanted]
        self._at += len(part)
        return part

    def _block(self, number: int) -> bytes:
        if self._held[0] != number:
            self._held = number, self._unpacked(number)
        return self._held[1]

    def _unpacked(self, number: int) -> bytes:
        begin = self._begins[number]
        end = self._begins[number + 1] if number + 1 < len(self._begins) else self._end
        octets = os.pread(self._file.fileno(), end - begin, begin)
        unpacking = zlib.decompressobj(31)
        try:
            content = unpacking.decompress(octets) + unpacking.flush()
        except zlib.error as error:
            raise PackedDamaged(str(error)) from None
        wanted = min(self._width, self.size - number * self._width)
        if (
            not octets.startswith(_FIRST)
            or not unpacking.eof
            or unpacking.unused_data
            or len(content) != wanted
        ):
            raise PackedDamaged(f"member {number} is not what the index says")
        return content


class OneMember:
    """The content of a file that an earlier version packed: read from its start, and checked at its end."""

    def __init__(self, file: FileIO, size: int) -> None:
        """Read *file*, which says that it holds *size* octets."""
        self._file, self.size = file, size
        self._gzip = gzip.GzipFile(fileobj=file, mode="rb")
        self._at = 0

    def seek(self, at: int) -> int:
        """Read on from octet *at* of the content."""
        self._at = at
        return at

    def read(self, wanted: int) -> bytes:
        """The next octets, at most *wanted*. Raises `PackedDamaged`, `OSError`."""
        try:
            if self._gzip.tell() != self._at:
                self._gzip.seek(self._at)
            part = self._gzip.read(wanted)
            self._at += len(part)
            # To its end, where gzip compares length and checksum of all of it.
            if self._at >= self.size and self._gzip.read(1):
                raise PackedDamaged("it is longer than it says")
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise PackedDamaged(str(error)) from None
        return part


def open_packed(file: FileIO) -> PackedFile | OneMember | None:
    """The content of *file* where it is packed, None where it is not. Raises `PackedDamaged`, `OSError`."""
    found, size = file.fileno(), os.fstat(file.fileno()).st_size
    start = os.pread(found, len(_FIRST), 0)
    if not start.startswith(GZIP) or size < _SHORTEST:
        file.seek(0)
        return None
    if not _is_ours(start):
        file.seek(0)
        return OneMember(file, int.from_bytes(os.pread(found, 4, size - 4), "little"))
    tail = os.pread(
        found,
        min(size, _HEAD.size + _MOST_EXTRA + len(_EMPTY)),
        max(0, size - _HEAD.size - _MOST_EXTRA - len(_EMPTY)),
    )
    counts = len(tail) - len(_EMPTY) - _COUNTS.size
    if counts < 0 or not tail.endswith(_EMPTY):
        raise PackedDamaged("it has no index")
    content, members, _ = _COUNTS.unpack_from(tail, counts)
    begin = counts - 4 * members
    length = len(tail) - len(_EMPTY) - begin
    head = begin - _FIELD.size - _HEAD.size
    if head < 0 or length + _FIELD.size > _MOST_EXTRA:
        raise PackedDamaged("it has no index")
    begins = struct.unpack_from(f"<{members}I", tail, begin)
    end = size - (len(tail) - head)
    if (
        tail[head:] != _index(list(begins), content)
        or any(one >= two for one, two in pairwise((*begins, end)))
        or begins[:1] not in {(), (0,)}
    ):
        raise PackedDamaged("its index is damaged")
    return PackedFile(file, begins, end, content)


def _is_ours(start: bytes) -> bool:
    return start == _FIRST or (start[3] == _EXTRA and start[_HEAD.size : _HEAD.size + 2] in {_OURS, _INDEX})
