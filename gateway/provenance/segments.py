r"""The journal's files: their format, version 1, and how they are read.

A journal folder (0700) holds, for every worker, boot and running number::

    <worker>-<boot>-<n>.seg   entries, append-only, kept
    <worker>-<boot>-<n>.det   details of those entries: personal, erasable, gone once folded
    <worker>-<boot>-<n>.end   how far the other two are durable; exists while they are written
    <worker>-<boot>.live      locked while the writer lives, whatever files it has (`writers`)

All are 0600. A ``.seg`` starts with the line ``licet-journal 1 entries``, a
``.det`` with ``licet-journal 1 details``; frames follow::

    length   4 octets, big endian: octets of the payload, at most `FRAME_LIMIT`
    CRC-32   4 octets, big endian, over length and payload (IEEE 802.3, as in zlib)
    payload  canonical JSON (RFC 8785)

An entry's payload is ``{"entry":…,"kind":…,"salt":hex}``, where ``entry`` holds
exactly the entry's canonical bytes; a detail's is
``{"detail":…,"id":…,"salt":hex,"time_us":…}``.

A file is live while its writer holds an exclusive `flock` on the ``.seg``. A
live file is read up to its ``.end`` and no further: what lies beyond may still
be taken back. A file without a writer is read to its last whole frame. What
follows that is a torn tail, which was never acknowledged; but a broken frame
with a whole one behind it is damage, and reading stops there with
`SegmentDamaged`.

A file that is closed and folded may be packed (`pack`): its content is then the
gzip (RFC 1952; `provenance.packed`) of what it was, under the same name; offsets
are those of the content.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from io import FileIO
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import orjson

from gateway.provenance.frames import FRAME_HEAD, FRAME_LIMIT, SealedDetail, detail_payload, entry_payload
from gateway.provenance.packed import GZIP, PackedDamaged, open_packed, packing
from gateway.provenance.record import SALT_BYTES, FetchDetail, JournalEntry, RecordError, read_canonical

ENTRY_HEADER: Final = b"licet-journal 1 entries\n"
DETAIL_HEADER: Final = b"licet-journal 1 details\n"

_END: Final = struct.Struct(">QQI")
_BLOCK: Final = 1 << 18
#: Content that nearly every frame has at most.
_GUESS: Final = 1 << 11
_NAME = re.compile(r"([a-z0-9]{1,32})-([0-9a-f]{24})-([0-9]{6,12})\.seg")
#: Every payload starts so, and JSON cannot hold these octets inside a string.
_STARTS: Final = (b'{"entry":{', b'{"detail":{')
_PAYLOAD_START = re.compile(b"|".join(map(re.escape, _STARTS)))
_DETAIL = frozenset(field.name for field in fields(FetchDetail))
_TEXT = frozenset({str})


class Content(Protocol):
    """What the content of a journal file is read from, from any place of it."""

    def seek(self, at: int, /) -> int:
        """Read on from there."""
        ...

    def read(self, wanted: int, /) -> bytes:
        """The next octets, at most as many, none at the end."""
        ...


class SegmentDamaged(Exception):
    """A journal file holds something no writer of this version wrote, at *offset* octets."""

    def __init__(self, path: Path, offset: int, why: str) -> None:
        """Name the file, the place and the reason, a clause for people."""
        self.path, self.offset, self.why = path, offset, why
        super().__init__(f"{path} is damaged at offset {offset}: {why}")


class Frame(NamedTuple):
    """One whole frame: the file it stands in, where it starts, what it carries."""

    path: Path
    offset: int
    payload: bytes

    @property
    def place(self) -> str:
        """File name and offset, as records of origin say it: ``w0-…-000001.seg:24``."""
        return f"{self.path.name}:{self.offset}"


class SealedEntry(NamedTuple):
    """An entry as it stands in the journal, with the salt of its leaf.

    *canonical* are the entry's canonical bytes; *source* is `Frame.place`.
    """

    entry: JournalEntry
    salt: bytes
    canonical: bytes
    source: str


@dataclass(frozen=True, slots=True)
class Ends:
    """How far a segment and its details may be read. None is: to the last whole frame.

    *live* says that a writer still has the file.
    """

    live: bool
    entries: int | None
    details: int | None


@dataclass(frozen=True, slots=True)
class TornTail:
    """What a crash left behind the last whole frame of *file*: octets *kept* to *size*."""

    file: str
    kept: int
    size: int


def segment_name(worker: str, boot: str, number: int) -> str:
    """Name a segment; raise `ValueError` for parts that have no place in a name."""
    name = f"{worker}-{boot}-{number:06d}.seg"
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no journal file name: worker is [a-z0-9], boot 24 hex digits")
    return name


def segments(folder: Path) -> tuple[Path, ...]:
    """Every segment of *folder* in the order of its making; empty where there is no folder."""
    if not folder.is_dir():
        return ()
    named = [(_NAME.fullmatch(path.name), path) for path in folder.iterdir()]
    found = [(match[2], int(match[3]), match[1], path) for match, path in named if match]
    return tuple(path for *_, path in sorted(found))


def read_frames(path: Path, offset: int = 0, *, end: int | None = None) -> Iterator[tuple[Frame, int]]:
    """Yield the whole frames from *offset* on, each with the offset behind it.

    *offset* is 0 or an offset that was yielded before; *end* bounds what is
    looked at. Ends without a word at a torn tail. Raises `SegmentDamaged` for
    what is not a torn tail, and `OSError` where the file cannot be read.
    """
    header = DETAIL_HEADER if path.suffix == ".det" else ENTRY_HEADER
    with _opened(path) as (file, length):
        size = length
        if end is not None:
            if end > size:
                raise SegmentDamaged(path, size, f"it is shorter than the {end} octets that were durable")
            size = end
        head = _read(file, len(header))
        if head != header:
            if len(head) < len(header) and header.startswith(head):
                return
            raise SegmentDamaged(path, 0, "its first line is not that of a journal file of version 1")
        at = max(offset, len(header))
        if at > size and end is None:
            raise SegmentDamaged(path, size, f"it is shorter than the {at} octets already read from it")
        file.seek(at)
        block, here = b"", 0
        while at < size:
            payload, wanted = _payload(block, here)
            if wanted and wanted <= size - at:  # the block ends, not the file
                block, here = block[here:] + _read(file, max(wanted, _BLOCK) - (len(block) - here)), 0
                payload, _ = _payload(block, 0)
            if payload is None:
                if _whole_frame_after(file, at + 1, size):
                    raise SegmentDamaged(path, at, "a frame fails its checksum, and whole frames follow it")
                return
            behind = at + FRAME_HEAD.size + len(payload)
            here += behind - at
            yield Frame(path, at, payload), behind
            at = behind


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Content, int]]:
    """The content of a journal file, packed or not, and how long it is; what is no gzip any more is damaged."""
    with path.open("rb", buffering=0) as file:
        try:
            packed = open_packed(file)
            if packed is None:
                yield file, os.fstat(file.fileno()).st_size
            else:
                yield packed, packed.size
        except PackedDamaged as error:
            raise SegmentDamaged(path, 0, f"it is packed and cannot be unpacked: {error}") from None


def pack(path: Path) -> bool:
    """Put the gzip of a closed segment in its place, durably; False where that is done, or it is still written.

    Its name, its offsets and what is read from it stay as they were; any gzip
    reads it. Only whole frames are packed: a torn tail has to be cut before.
    Raises `SegmentDamaged` for a file that cannot be read to its end, `OSError`.
    """
    if readable(path).live:
        return False
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if file.read(len(GZIP)) == GZIP:
            return False
        end = min(len(ENTRY_HEADER), size)
        for _, end in read_frames(path):  # noqa: B007 - only the last one counts
            pass
        if end != size:
            raise SegmentDamaged(path, end, "a torn tail stands behind its last whole frame")
        beside = path.with_suffix(".packing")
        file.seek(0)
        with beside.open("wb") as out:
            out.writelines(packing(file.read, size))
            out.flush()
            os.fsync(out.fileno())
        if not _reads_back(beside, file):
            beside.unlink()
            raise SegmentDamaged(path, 0, "what was packed does not read back")
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True


def _reads_back(packed: Path, file: FileIO) -> bool:
    """Whether *packed* holds what *file* holds, to its end."""
    file.seek(0)
    with _opened(packed) as (again, _):
        while part := _read(file, _BLOCK):
            if _read(again, len(part)) != part:
                return False
        return not again.read(1)


def open_entry(frame: Frame) -> SealedEntry:
    """Read the entry in *frame*; raise `SegmentDamaged` unless it re-derives octet by octet."""
    members = _members(frame, {"entry", "kind", "salt"})
    kind, salt, inner = members["kind"], _salt(frame, members["salt"]), members["entry"]
    if not isinstance(kind, str) or not isinstance(inner, dict):
        raise SegmentDamaged(frame.path, frame.offset, "a frame holds no journal entry")
    try:
        entry, canonical = read_canonical(kind, inner)
    except RecordError as error:
        raise SegmentDamaged(frame.path, frame.offset, str(error)) from None
    if entry_payload(kind, canonical, salt) != frame.payload:
        raise SegmentDamaged(frame.path, frame.offset, "an entry does not stand in its canonical form")
    return SealedEntry(entry, salt, canonical, frame.place)


def open_detail(frame: Frame) -> SealedDetail:
    """Read the detail in *frame*; raise `SegmentDamaged` unless it re-derives octet by octet."""
    members = _members(frame, {"detail", "id", "salt", "time_us"})
    inner, id, time_us = members["detail"], members["id"], members["time_us"]
    if not isinstance(inner, dict) or not isinstance(id, str) or type(time_us) is not int:
        raise SegmentDamaged(frame.path, frame.offset, "a frame holds no detail")
    evidence = inner.get("evidence")
    if inner.keys() != _DETAIL or type(evidence) is not list:
        raise SegmentDamaged(frame.path, frame.offset, "a detail has other members than version 1")
    inner["evidence"] = tuple(evidence)
    made = FetchDetail(**inner)
    texts = (made.address, made.peer, made.user_agent, made.referer, made.query, *evidence)
    if not _TEXT.issuperset(map(type, texts)):
        raise SegmentDamaged(frame.path, frame.offset, "a detail has a member of another type than version 1")
    detail = SealedDetail(id, _salt(frame, members["salt"]), time_us, made)
    try:
        again = detail_payload(detail)
    except ValueError as error:
        raise SegmentDamaged(frame.path, frame.offset, str(error)) from None
    if again != frame.payload:
        raise SegmentDamaged(frame.path, frame.offset, "a detail does not stand in its canonical form")
    return detail


def readable(path: Path) -> Ends:
    """How far segment *path* and its details may be read now.

    Ask before reading: a file found without a writer never changes again, but
    for the cutting of its torn tail.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return Ends(True, *_durable(path))
    finally:
        os.close(descriptor)
    return Ends(False, None, None)


def durable_ends(folder: Path) -> dict[str, int]:
    """How far each file of entries in *folder* is durable at this moment; those without an entry are left out."""
    ends = {path.name: _end_of(path) for path in segments(folder) if path.exists()}
    return {name: end for name, end in ends.items() if end > len(ENTRY_HEADER)}


def _end_of(path: Path) -> int:
    """How far *path* is durable; 0 where it is packed, which it is once nobody has to wait for it."""
    found = readable(path).entries
    if found is not None:
        return found
    # Its writer went on to another file, or ended: all that is in it is durable.
    with path.open("rb", buffering=0) as file:
        if file.read(len(GZIP)) == GZIP:
            return 0
        size = os.fstat(file.fileno()).st_size
    # One that was killed leaves its ``.end``. Behind that may stand whole frames, which count, and a torn tail,
    # which nobody folds: it is there until the keeper cuts it, and is not to be waited for.
    marked, _ = _durable(path)
    if not marked:
        return size
    end = marked
    try:
        for _, end in read_frames(path, marked):  # noqa: B007 - only the last one counts
            pass
    except SegmentDamaged:
        return size
    return end


def torn_tail(path: Path, end: int) -> TornTail | None:
    """What lies behind *end*, the last whole frame of a file without a writer, or None; packed ones have none."""
    with path.open("rb", buffering=0) as file:
        if file.read(len(GZIP)) == GZIP:
            return None
        size = os.fstat(file.fileno()).st_size
    return TornTail(path.name, end, size) if size > end else None


def shorten(path: Path, length: int) -> None:
    """Cut *path* back to *length* octets, durably. A file without a writer, or one's own."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.ftruncate(descriptor, length)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def durable_mark(entries: int, details: int) -> bytes:
    """The content of an ``.end`` file: both durable lengths and their CRC-32."""
    head = struct.pack(">QQ", entries, details)
    return head + zlib.crc32(head).to_bytes(4, "big")


def _durable(path: Path) -> tuple[int, int]:
    """Both durable lengths of a live segment; zero where they cannot be told just now."""
    try:
        content = path.with_suffix(".end").read_bytes()
    except FileNotFoundError:  # its writer closes it at this moment
        return 0, 0
    if len(content) != _END.size:
        return 0, 0
    entries, details, _ = _END.unpack(content)
    return (entries, details) if durable_mark(entries, details) == content else (0, 0)


def payload_at(file: Content, offset: int) -> bytes | None:
    """What the frame at *offset* of a file's content carries, None where no whole frame is there. Raises `OSError`."""
    file.seek(offset)
    block = _read(file, _GUESS)
    payload, wanted = _payload(block, 0)
    if wanted > len(block):
        payload, _ = _payload(block + _read(file, wanted - len(block)), 0)
    return payload


def _payload(block: bytes, here: int) -> tuple[bytes | None, int]:
    """The payload of the frame at *here*, or None and how many octets of it are wanted, 0 for a broken one."""
    start = here + FRAME_HEAD.size
    if start > len(block):
        return None, FRAME_HEAD.size
    length, checksum = FRAME_HEAD.unpack_from(block, here)
    if length > FRAME_LIMIT:
        return None, 0
    if start + length > len(block):
        return None, FRAME_HEAD.size + length
    payload = block[start : start + length]
    if zlib.crc32(payload, zlib.crc32(block[here : here + 4])) != checksum:
        return None, 0
    return (payload, 0) if payload.startswith(_STARTS) else (None, 0)


def _read(file: Content, wanted: int) -> bytes:
    """The next *wanted* octets, or fewer where the file ends."""
    parts = []
    while wanted > 0 and (part := file.read(wanted)):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)


def _whole_frame_after(file: Content, start: int, size: int) -> bool:
    """Whether any whole frame starts at or behind *start*; found by how payloads begin."""
    file.seek(start)
    rest = _read(file, size - start)
    return any(
        found.start() >= FRAME_HEAD.size and _payload(rest, found.start() - FRAME_HEAD.size)[0] is not None
        for found in _PAYLOAD_START.finditer(rest)
    )


def _members(frame: Frame, expected: set[str]) -> dict[str, Any]:
    try:
        members = orjson.loads(frame.payload)
    except orjson.JSONDecodeError:
        raise SegmentDamaged(frame.path, frame.offset, "a frame holds no JSON") from None
    if not isinstance(members, dict) or members.keys() != expected:
        raise SegmentDamaged(frame.path, frame.offset, "a frame has other members than version 1")
    return members


def _salt(frame: Frame, text: object) -> bytes:
    # Spelled in any other way it does not re-derive.
    try:
        salt = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        salt = b""
    if len(salt) != SALT_BYTES:
        raise SegmentDamaged(frame.path, frame.offset, f"a salt is {SALT_BYTES} octets in hex")
    return salt
