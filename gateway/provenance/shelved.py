"""Where entries stand in the journal's packed files once their rows left the database: a few octets for each.

Rows leave in blocks of consecutive numbers (`store.sqlite.totals`), and not all
of a block need leave. `Places` says of each that did its number, its kind, the
file and the octet where its frame begins, and a mark of its id, which is enough
to find it and to tell it from another; the frame says the rest. `digest_of`
binds a number to every leaf, so that what is read back is what left.

Pure: the files are read by `shelf.Shelf`.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

#: Octets of a mark.
MARK: Final = 4
#: Kinds of entries that leave; a place names its kind by its number here.
KINDS: Final = ("fetch", "flood")
_HEAD: Final = struct.Struct("<I")
_WRAP: Final = (1 << 64) - 1
#: Octets of all columns of one place.
_WIDE: Final = 4 + 1 + 2 + 8


class Place(NamedTuple):
    """One entry that left: its number in the journal's order, its kind, and the file and octet of its frame."""

    seq: int
    kind: str
    file: str
    offset: int


class PlacesDamaged(ValueError):
    """What is kept of a block's places is not what `Places.write` made; the message is a clause."""


@dataclass(frozen=True, slots=True)
class Places:
    """The entries of one block that left, in the order of their numbers. *marks* has `MARK` octets for each."""

    files: tuple[str, ...]
    seqs: Sequence[int]
    kinds: bytes
    of: Sequence[int]
    offsets: Sequence[int]
    marks: bytes

    @classmethod
    def made(cls, rows: Iterable[tuple[Place, str]]) -> Places:
        """The places of *rows*, each with the id of its entry, in the order of their numbers.

        Raises `ValueError` for numbers out of order and for kinds that do not leave.
        """
        files: dict[str, int] = {}
        seqs, kinds, of, offsets, marks = array("Q"), bytearray(), array("H"), array("Q"), bytearray()
        for place, id in rows:
            seqs.append(place.seq)
            kinds.append(KINDS.index(place.kind))
            of.append(files.setdefault(place.file, len(files)))
            offsets.append(place.offset)
            marks += mark_of(id)
        if any(one >= two for one, two in pairwise(seqs)):
            raise ValueError("the numbers of a block's places do not rise")
        return cls(tuple(files), seqs, bytes(kinds), of, offsets, bytes(marks))

    def __len__(self) -> int:
        """How many there are."""
        return len(self.seqs)

    def __iter__(self) -> Iterator[Place]:
        """Each, in the order of their numbers."""
        return map(self.at, range(len(self.seqs)))

    def at(self, nth: int) -> Place:
        """The place at index *nth*."""
        return Place(self.seqs[nth], KINDS[self.kinds[nth]], self.files[self.of[nth]], self.offsets[nth])

    def between(self, after: int, upto: int) -> Iterator[Place]:
        """Those whose numbers lie behind *after*, up to and with *upto*."""
        return map(self.at, range(bisect_right(self.seqs, after), bisect_right(self.seqs, upto)))

    def of_seq(self, seq: int) -> Place | None:
        """The place of the entry numbered *seq*, or None where it did not leave."""
        nth = bisect_left(self.seqs, seq)
        return self.at(nth) if nth < len(self.seqs) and self.seqs[nth] == seq else None

    def marked(self, id: str) -> Iterator[Place]:
        """Those that may be of the entry of that *id*: one that is another's has the same mark by chance."""
        mark, at = mark_of(id), -1
        while (at := self.marks.find(mark, at + 1)) >= 0:
            if at % MARK == 0:
                yield self.at(at // MARK)

    def write(self) -> bytes:
        """All but the files and the marks, packed; the numbers and octets as steps from one to the next."""
        last: dict[int, int] = {}
        steps = array("Q")
        for of, offset in zip(self.of, self.offsets, strict=True):
            steps.append(offset - last.get(of, 0) & _WRAP)
            last[of] = offset
        first = self.seqs[0] if len(self.seqs) else 0
        seqs = [0, *(two - one for one, two in pairwise(self.seqs))][: len(self.seqs)]
        count = len(self.seqs)
        # Byte by byte of each column: the upper ones are nearly all zero.
        columns = (
            _planes(struct.pack(f"<{count}I", *seqs), 4),
            self.kinds,
            _planes(struct.pack(f"<{count}H", *self.of), 2),
            _planes(struct.pack(f"<{count}Q", *steps), 8),
        )
        return first.to_bytes(8, "little") + _HEAD.pack(count) + zlib.compress(b"".join(columns), 9)

    @classmethod
    def read(cls, files: tuple[str, ...], packed: bytes, marks: bytes) -> Places:
        """What `write` made, with the files and marks that belong to it. Raises `PlacesDamaged`."""
        try:
            return _read(files, bytes(packed), bytes(marks))
        except (struct.error, zlib.error, IndexError, ValueError) as error:
            raise PlacesDamaged(f"the places of a block cannot be read: {error}") from None


@lru_cache(maxsize=4)
def _read(files: tuple[str, ...], packed: bytes, marks: bytes) -> Places:
    first, (count,) = int.from_bytes(packed[:8], "little"), _HEAD.unpack_from(packed, 8)
    if len(marks) != count * MARK:
        raise ValueError("there are not as many marks as places")
    unpacking = zlib.decompressobj()
    columns = unpacking.decompress(packed[12:], count * _WIDE + 1)
    if not unpacking.eof or unpacking.unused_data or len(columns) != count * _WIDE:
        raise ValueError("it does not hold as many as it says")
    kinds = columns[4 * count : 5 * count]
    if any(kind >= len(KINDS) for kind in kinds):
        raise ValueError("one is of no kind that leaves")
    steps = struct.unpack(f"<{count}I", _woven(columns[: 4 * count], 4))
    of = struct.unpack(f"<{count}H", _woven(columns[5 * count : 7 * count], 2))
    if any(each >= len(files) for each in of):
        raise ValueError("one is in no file")
    seqs, at = array("Q"), first
    for step in steps:
        at += step
        seqs.append(at)
    offsets, last = array("Q"), [0] * len(files)
    for each, moved in zip(of, struct.unpack(f"<{count}Q", _woven(columns[7 * count :], 8)), strict=True):
        last[each] = last[each] + moved & _WRAP
        offsets.append(last[each])
    return Places(files, seqs, kinds, of, offsets, marks)


def mark_of(id: str) -> bytes:
    """The mark of an entry's *id*: a few octets of its SHA-256."""
    return hashlib.sha256(id.encode("utf-8", "surrogatepass")).digest()[:MARK]


def digest_of(leaves: Iterable[tuple[int, bytes]]) -> bytes:
    """SHA-256 over (number, SHA-256 of the public leaf) of each, as they are given; the number as 8 octets, big endian."""
    total = hashlib.sha256()
    for seq, digest in leaves:
        total.update(seq.to_bytes(8, "big") + digest)
    return total.digest()


def _planes(octets: bytes, width: int) -> bytes:
    return b"".join(octets[nth::width] for nth in range(width))


def _woven(planes: bytes, width: int) -> bytes:
    count = len(planes) // width
    woven = bytearray(len(planes))
    for nth in range(width):
        woven[nth::width] = planes[nth * count : (nth + 1) * count]
    return bytes(woven)
