"""The files that a public log consists of, and where they stand (C2SP tlog-tiles 0.1.0).

========================= =====================================================
``checkpoint``            the signed head (`provenance.checkpoint`)
``tile/L/N``              256 hashes at level ``8 * L`` of the tree, side by side
``tile/entries/N``        256 leaves, each behind its length in two octets
…``.p/W``                 the same with *W* of them, while there are no more
========================= =====================================================

N is written in groups of three digits, all but the last behind an ``x``. All but
the checkpoint never change, so any static host can serve them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from gateway.provenance.chain import HASH, folded

#: Hashes of a whole tile, leaves of a whole bundle.
WIDTH: Final = 256
#: The level of `Tile` by which bundles of leaves are told from tiles of hashes.
ENTRIES: Final = -1
LONGEST_LEAF: Final = 65_535
_HEIGHT: Final = 8
_PATH: Final = re.compile(
    r"tile/(entries|0|[1-5]?[0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """Tile *index* of *level* (`ENTRIES` for a bundle of leaves), *width* wide."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Its name below the log's prefix."""
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{name}" + (f".p/{self.width}" if self.width < WIDTH else "")

    @classmethod
    def read(cls, path: str) -> Tile | None:
        """The tile that *path* names, if it is the one name of a tile."""
        matched = _PATH.fullmatch(path) if len(path) <= 64 else None
        if matched is None:
            return None
        index = int(matched[2].replace("/", "").replace("x", ""))
        level = ENTRIES if matched[1] == "entries" else int(matched[1])
        found = cls(level, index, int(matched[3] or WIDTH))
        return found if found.path == path and found.width <= WIDTH else None


def width_of(level: int, index: int, size: int) -> int:
    """How wide that tile is in a log of *size*; 0 where there is none."""
    return max(0, min(WIDTH, (size >> max(level, 0) * _HEIGHT) - index * WIDTH))


def edge(size: int) -> Iterator[Tile]:
    """The tiles of hashes that are not whole in a log of *size*, from the leaves upwards."""
    level = 0
    while size >> level * _HEIGHT:
        count = size >> level * _HEIGHT
        if count % WIDTH:
            yield Tile(level, count // WIDTH, count % WIDTH)
        level += 1


class Nodes:
    """The nodes of a log's tree, out of tiles that *read* gives; implements `chain.Node`."""

    def __init__(self, size: int, read: Callable[[Tile], bytes]) -> None:
        """See a log of *size*. *read* raises what it raises; a tile of another length is a `ValueError` here."""
        self._size, self._read = size, read
        self._known: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """The hash over the ``2**level`` leaves from ``index * 2**level`` on."""
        tile, above = divmod(level, _HEIGHT)
        first = index << above
        octets = self._tile(tile, first // WIDTH)
        at = first % WIDTH
        return folded([octets[each * HASH : (each + 1) * HASH] for each in range(at, at + (1 << above))])

    def _tile(self, level: int, index: int) -> bytes:
        found = self._known.get((level, index))
        if found is None:
            width = width_of(level, index, self._size)
            found = self._read(Tile(level, index, width))
            if len(found) != width * HASH:
                raise ValueError(f"the tile {Tile(level, index, width).path} has another length")
            self._known[level, index] = found
        return found


def bundle(leaves: Iterable[bytes]) -> bytes:
    """A bundle of *leaves*, each at most `LONGEST_LEAF` octets."""
    return b"".join(struct.pack(">H", len(leaf)) + leaf for leaf in leaves)


def read_bundle(octets: bytes) -> tuple[bytes, ...]:
    """The leaves of a bundle; raises `ValueError` where it is cut."""
    leaves, at = [], 0
    while at < len(octets):
        end = at + 2 + int.from_bytes(octets[at : at + 2])
        if end > len(octets) or at + 2 > len(octets):
            raise ValueError("the bundle is cut")
        leaves.append(octets[at + 2 : end])
        at = end
    return tuple(leaves)
