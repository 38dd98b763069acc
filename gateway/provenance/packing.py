"""Packing the journal's old files: what is folded and will not be written any more takes a tenth of the disk.

Nothing is lost by it and nothing moves: names, offsets, records of origin and
audits stay as they are (`segments.pack`). `gzip -cd` gives back what it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.provenance.segments import SegmentDamaged, pack, readable, segments


@dataclass(frozen=True, slots=True)
class Packed:
    """How many files were packed, and their octets before and after. *damaged* are those that were left as they are."""

    files: int
    before: int
    after: int
    damaged: tuple[str, ...] = ()


def pack_folded(
    folder: Path, positions: Mapping[str, int], *, before_ns: int | None = None, most: int | None = None
) -> Packed:
    """Pack the closed files of *folder* that are folded to their end, at most *most*, the oldest first.

    *positions* are `Folding.positions`; a file changed at *before_ns* (since the
    epoch) or later is left. Raises `OSError`; asking again goes on.
    """
    files = before = after = 0
    damaged: list[str] = []
    for path in segments(folder):
        if files == most:
            break
        found = path.stat()
        if (
            readable(path).live
            or positions.get(path.name) != found.st_size
            or (before_ns is not None and found.st_mtime_ns >= before_ns)
        ):
            continue
        try:
            if pack(path):
                files, before, after = files + 1, before + found.st_size, after + path.stat().st_size
        except SegmentDamaged as error:
            damaged.append(str(error))
    return Packed(files, before, after, tuple(damaged))
