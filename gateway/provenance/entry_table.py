"""What an audit remembers of every entry that it has read, in some 150 octets each.

A journal may hold tens of millions, and whoever audits a copy of it may have a
small machine. So entries are rows of one array, found by the octets of their
id in a table of their numbers (open addressing, linear probing, at most two
thirds full), and no object stands for one.
"""

from __future__ import annotations

import hashlib
import struct
from array import array
from collections.abc import Iterator
from typing import Final, NamedTuple

#: Key, digest, leaf, commitment, offset, number of the file.
_ROW: Final = struct.Struct("<16s32s32s32sqI")
_KEY: Final = 16
#: Places for numbers to begin with, a power of two.
_PLACES: Final = 1 << 10


class Standing(NamedTuple):
    """Where an entry stands in the journal, and what it must be elsewhere.

    *number* counts entries from 0. *digest* is that of its salt and octets,
    *leaf* that of its public leaf, *detail* that of the commitment to its
    detail (`digest_of`); each SHA-256.
    """

    number: int
    file: str
    offset: int
    digest: bytes
    leaf: bytes
    detail: bytes


def digest_of(octets: bytes) -> bytes:
    """SHA-256 of *octets*."""
    return hashlib.sha256(octets).digest()


class EntryTable:
    """Entries by id, each once; and which of them were met in the store."""

    def __init__(self) -> None:
        """Know none."""
        self._rows = bytearray()
        self._met = bytearray()
        self._numbers = array("I", bytes(4 * _PLACES))
        self._files: list[str] = []
        self._file_numbers: dict[str, int] = {}
        self._named: dict[bytes, str] = {}

    def __len__(self) -> int:
        """How many entries are known."""
        return len(self._met)

    def add(
        self, id: str, file: str, offset: int, digest: bytes, leaf: bytes, detail: bytes
    ) -> Standing | None:
        """Remember an entry; the one of the same *id* that is known already, which stays, or None."""
        key = _key(id)
        place = self._place(key)
        if self._numbers[place]:
            return self._standing(self._numbers[place] - 1)
        number = self._file_numbers.setdefault(file, len(self._files))
        if number == len(self._files):
            self._files.append(file)
        if _id(key) != id:
            self._named[key] = id
        self._rows += _ROW.pack(key, digest, leaf, detail, offset, number)
        self._met.append(0)
        self._numbers[place] = len(self._met)
        if 3 * len(self._met) > 2 * len(self._numbers):
            self._grow()
        return None

    def get(self, id: str) -> Standing | None:
        """The entry with *id*, or None."""
        found = self._numbers[self._place(_key(id))]
        return self._standing(found - 1) if found else None

    def meet(self, number: int) -> bool:
        """Note that entry *number* is in the store; whether it was met there before."""
        before = bool(self._met[number])
        self._met[number] = 1
        return before

    def forget_meetings(self) -> None:
        """Have met none in the store."""
        self._met = bytearray(len(self._met))

    @property
    def missing(self) -> int:
        """How many entries were not met in the store."""
        return self._met.count(0)

    def missed(self) -> Iterator[tuple[str, Standing]]:
        """The entries that were not met in the store, with their ids, in the order they were added."""
        number = self._met.find(0)
        while number >= 0:
            (key,) = struct.unpack_from(f"{_KEY}s", self._rows, number * _ROW.size)
            yield self._named.get(key, _id(key)), self._standing(number)
            number = self._met.find(0, number + 1)

    def _standing(self, number: int) -> Standing:
        _, digest, leaf, detail, offset, file = _ROW.unpack_from(self._rows, number * _ROW.size)
        return Standing(number, self._files[file], offset, digest, leaf, detail)

    def _place(self, key: bytes) -> int:
        """Where the number of *key* stands, or would."""
        numbers, rows, most = self._numbers, self._rows, len(self._numbers) - 1
        # Seeded anew in each process, so that nobody can make a journal whose ids all begin at one place.
        place = hash(key) & most
        while number := numbers[place]:
            begin = (number - 1) * _ROW.size
            if rows[begin : begin + _KEY] == key:
                break
            place = place + 1 & most
        return place

    def _grow(self) -> None:
        self._numbers = array("I", bytes(8 * len(self._numbers)))
        for number in range(len(self._met)):
            begin = number * _ROW.size
            self._numbers[self._place(bytes(self._rows[begin : begin + _KEY]))] = number + 1


def _key(id: str) -> bytes:
    """The octets of a UUID, and of any other id a digest."""
    try:
        key = bytes.fromhex(id.replace("-", ""))
    except ValueError:
        key = b""
    if len(key) == _KEY and _id(key) == id:
        return key
    return hashlib.blake2b(id.encode(errors="surrogatepass"), digest_size=_KEY).digest()


def _id(key: bytes) -> str:
    """The UUID of these octets (RFC 9562 section 4)."""
    told = key.hex()
    return f"{told[:8]}-{told[8:12]}-{told[12:16]}-{told[16:20]}-{told[20:]}"
