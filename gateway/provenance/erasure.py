"""Forgetting the personal part of fetches when its time is over.

Everything else stays as it was: records bind a detail by a salted commitment,
and with detail and salt gone the commitment tells nothing (invariant of this
package; a test erases and audits). What is personal stands in the store and,
for as long as it is not folded, in the ``.det`` files; both are swept here. A
file that is still written is left to its writer, which starts a new one every
day (`Journal.open`, *segment_seconds*).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gateway.provenance.segments import SegmentDamaged, open_detail, read_frames, readable, segments


class Details(Protocol):
    """Where folded details rest. A storage port."""

    async def forget_before(self, time_us: int) -> int:
        """Erase every detail whose fetch is older than *time_us*, with its salt; return how many.

        Erased means that the octets are gone from the store's files too
        (SQLite: `secure_delete`). Raises `StoreUnavailable`; asking again is harmless.
        """
        ...


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many stored details and how many unfolded ``.det`` files were erased."""

    details: int
    files: int


async def forget_details(folder: Path, details: Details, before_us: int) -> Forgotten:
    """Erase what is personal in fetches older than *before_us* (microseconds since the epoch).

    Files first, so that nothing erased from the store is folded in again.
    Raises `StoreUnavailable` and `OSError`; asking again is harmless.
    """
    files = await asyncio.to_thread(_forget_files, folder, before_us)
    return Forgotten(await details.forget_before(before_us), files)


def _forget_files(folder: Path, before_us: int) -> int:
    gone = 0
    for path in segments(folder):
        personal = path.with_suffix(".det")
        if personal.exists() and not readable(path).live and _latest_us(personal) < before_us:
            personal.unlink(missing_ok=True)
            gone += 1
    return gone


def _latest_us(path: Path) -> int:
    """When the last fetch in a ``.det`` was; a damaged file is as old as its last change."""
    latest = 0
    try:
        for frame, _ in read_frames(path):
            latest = max(latest, open_detail(frame).time_us)
    except SegmentDamaged:
        return path.stat().st_mtime_ns // 1000
    return latest
