"""Does a public log hold what its head signs? For outsiders: it needs the log's files and its key, and nothing of ours.

===================== =======================================================
checked               how
===================== =======================================================
head                  signed by the key, under the log's own name
bundles               every leaf hashed anew; together they make the head's root
tiles                 each is what the bundles make it
an earlier head       the first leaves make its root: nothing was changed since
===================== =======================================================
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.provenance.chain import EMPTY, HASH, folded, leaf_hash, node_hash
from gateway.provenance.checkpoint import Checkpoint, CheckpointRefused, LogKey, read
from gateway.provenance.public_log import AT_ONCE, CHECKPOINT, Leaves
from gateway.provenance.tiles import ENTRIES, WIDTH, Tile, read_bundle, width_of

#: Faults that are listed; more are counted.
LISTED: Final = 20

Read = Callable[[str], Awaitable[bytes]]


@dataclass(slots=True)
class LogReport:
    """What was seen. *head* is None where it cannot be believed; then nothing else was looked at."""

    head: Checkpoint | None = None
    leaves: int = 0
    tiles: int = 0
    fault_count: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.fault_count

    def fault(self, why: str) -> None:
        """Note one thing that is wrong."""
        self.fault_count += 1
        if len(self.faults) < LISTED:
            self.faults.append(why)


class Growing:
    """The tree as leaves come, as the whole subtrees that lie side by side in it."""

    def __init__(self) -> None:
        """Start empty."""
        self._parts: list[tuple[int, bytes]] = []

    def push(self, level: int, hashed: bytes) -> None:
        """Put the root of a whole subtree of ``2**level`` leaves behind the others."""
        while self._parts and self._parts[-1][0] == level:
            hashed = node_hash(self._parts.pop()[1], hashed)
            level += 1
        self._parts.append((level, hashed))

    def root(self, more: Sequence[bytes] = ()) -> bytes:
        """The root, with the leaves *more* behind all that were pushed."""
        if more:
            grown = Growing()
            grown._parts = list(self._parts)
            for each in more:
                grown.push(0, each)
            return grown.root()
        found: bytes | None = None
        for _, hashed in reversed(self._parts):
            found = hashed if found is None else node_hash(hashed, found)
        return EMPTY if found is None else found


async def audit_log(
    read_file: Read,
    log: LogKey,
    *,
    earlier: Sequence[Checkpoint] = (),
    seen: Callable[[int, int], None] = lambda _done, _size: None,
) -> LogReport:
    """Read the whole log by *read_file*, which gives the octets at a path below its prefix.

    *earlier* are heads of it that somebody kept. *seen* is told how many leaves
    of how many were read. Whatever *read_file* raises for a file other than
    the head as `OSError` is a fault of the log.
    """
    report = LogReport()
    try:
        report.head = head = read((await read_file(CHECKPOINT)).decode("utf-8", "surrogateescape"), log)
    except (OSError, CheckpointRefused) as error:
        report.fault(f"the head cannot be believed: {error}")
        return report
    due = sorted((each for each in earlier if each.size <= head.size), key=lambda each: each.size)
    for each in earlier:
        if each.size > head.size:
            report.fault(f"the head has {head.size} leaves, and an earlier one had {each.size}")
    grown, rows = Growing(), [[]]  # type: tuple[Growing, list[list[bytes]]]
    for index in range(-(-head.size // WIDTH)):
        tile = Tile(ENTRIES, index, width_of(ENTRIES, index, head.size))
        hashes = await _bundle(read_file, tile, report)
        while due and due[0].size <= index * WIDTH + tile.width:
            _hold(due.pop(0), grown, hashes, index * WIDTH, report)
        report.leaves += len(hashes)
        if tile.width == WIDTH and len(hashes) == WIDTH:
            grown.push(8, folded(hashes))
        else:
            for hashed in hashes:
                grown.push(0, hashed)
        rows[0] = hashes
        await _tile(read_file, Tile(0, index, tile.width), hashes, report)
        await _above(read_file, rows, index, report)
        seen(report.leaves, head.size)
    for level, row in enumerate(rows[1:], start=1):
        if row:
            await _tile(read_file, Tile(level, (head.size >> 8 * level) // WIDTH, len(row)), row, report)
    if grown.root() != head.root:
        report.fault("the leaves do not make the root that the head signs")
    return report


def _hold(earlier: Checkpoint, grown: Growing, hashes: list[bytes], begin: int, report: LogReport) -> None:
    if grown.root(hashes[: earlier.size - begin]) != earlier.root:
        report.fault(f"the first {earlier.size} leaves are not those that an earlier head signed")


async def _above(read_file: Read, rows: list[list[bytes]], index: int, report: LogReport) -> None:
    """Carry whole rows upwards, and compare each tile that they fill; *index* is of the tile below the first."""
    level = 0
    while len(rows[level]) == WIDTH:
        if level + 1 == len(rows):
            rows.append([])
        rows[level + 1].append(folded(rows[level]))
        rows[level] = []
        level += 1
        index //= WIDTH
        if len(rows[level]) == WIDTH:
            await _tile(read_file, Tile(level, index), rows[level], report)


async def _bundle(read_file: Read, tile: Tile, report: LogReport) -> list[bytes]:
    try:
        leaves = read_bundle(await read_file(tile.path))
    except (OSError, ValueError) as error:
        report.fault(f"{tile.path}: {error}")
        return []
    if len(leaves) != tile.width:
        report.fault(f"{tile.path}: it has {len(leaves)} leaves, not {tile.width}")
    return [leaf_hash(each) for each in leaves[: tile.width]]


async def _tile(read_file: Read, tile: Tile, hashes: list[bytes], report: LogReport) -> None:
    try:
        octets = await read_file(tile.path)
    except (OSError, ValueError) as error:
        report.fault(f"{tile.path}: {error}")
        return
    report.tiles += 1
    if octets != b"".join(hashes):
        first = next(
            (at for at, each in enumerate(hashes) if octets[at * HASH : (at + 1) * HASH] != each), len(hashes)
        )
        report.fault(f"{tile.path}: its hash {first} is not the one that the leaves make")


async def root_of(leaves: Leaves, size: int) -> bytes:
    """The root over the first *size* of *leaves*, or over all where there are fewer. Raises `StoreUnavailable`."""
    grown, begin = Growing(), 0
    while begin < size and (taken := await leaves.leaves(begin, min(AT_ONCE, size - begin))):
        for each in taken:
            grown.push(0, leaf_hash(each))
        begin += len(taken)
    return grown.root()
