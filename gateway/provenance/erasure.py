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
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from gateway.provenance.frames import SealedDetail
from gateway.provenance.record import FetchDetail
from gateway.provenance.segments import SegmentDamaged, open_detail, read_frames, readable, segments

#: The salt of a detail that was cut: it commits to nothing any more.
NO_SALT: Final = b""
_WIDTH: Final = {4: 24, 6: 48}


class Trait(StrEnum):
    """By what details of one person, or of one program, are found: the id of their record, an address, a User-Agent."""

    RECORD = "id"
    ADDRESS = "address"
    AGENT = "user_agent"


def cut(detail: FetchDetail) -> FetchDetail:
    """What is left of *detail* once it is cut: the network (/24, /48) that it came from, and nothing else.

    >>> cut(FetchDetail("203.0.113.9", "127.0.0.1", "GPTBot/1.3")).address
    '203.0.113.0/24'
    """
    try:
        address = ipaddress.ip_address(detail.address.partition("%")[0])
    except ValueError:
        return FetchDetail()
    mapped = getattr(address, "ipv4_mapped", None) or address
    return FetchDetail(str(ipaddress.ip_network(f"{mapped}/{_WIDTH[mapped.version]}", strict=False)))


def is_cut(detail: FetchDetail) -> bool:
    """Whether *detail* has no more than a cut one has."""
    try:
        network = ipaddress.ip_network(detail.address) if detail.address else None
    except ValueError:
        return False
    wide = network is None or network.prefixlen == _WIDTH[network.version]
    return wide and detail == FetchDetail(detail.address)


class Details(Protocol):
    """Where folded details rest. A storage port."""

    async def forget_of(self, trait: Trait, value: str) -> int:
        """Erase every detail whose *trait* is *value*, as `forget_before` does; return how many.

        An address is looked for in `address` and in `peer`.
        """
        ...

    async def cut_before(self, time_us: int) -> int:
        """Put what `cut` leaves, and `NO_SALT`, in place of every detail older than *time_us*; return how many.

        What was there before is erased as `forget_before` erases. Raises `StoreUnavailable`.
        """
        ...

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


def waiting(folder: Path, trait: Trait, value: str) -> int:
    """How many details of that *trait* stand in ``.det`` files still, which their writers end within a day.

    A damaged file is passed over: `licet journal audit` tells of it.
    """
    return sum(
        value in ({sealed.id} if trait is Trait.RECORD else traits(sealed.detail, trait))
        for path in segments(folder)
        for sealed in _sealed(path.with_suffix(".det"))
    )


def traits(detail: FetchDetail, trait: Trait) -> frozenset[str]:
    """The values of *trait* that *detail* has; none for the id, which is the record's."""
    match trait:
        case Trait.ADDRESS:
            return frozenset({detail.address, detail.peer})
        case Trait.AGENT:
            return frozenset({detail.user_agent})
        case Trait.RECORD:
            return frozenset()


def _sealed(path: Path) -> Iterator[SealedDetail]:
    try:
        for frame, _ in read_frames(path):
            yield open_detail(frame)
    except (SegmentDamaged, FileNotFoundError):
        return
