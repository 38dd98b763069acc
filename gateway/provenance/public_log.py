"""The public log: every entry of the journal as a leaf that tells nobody anything, under a head that is signed.

Its leaves are those that `provenance.record` makes, in the order in which the
keeper folded the entries. On disk it is the files of `provenance.tiles`, for
any static host; they are made of what the store holds and can be made again.
The head alone cannot: whoever has seen one holds this log to it. So:

- a head is written, and written through to the disk, before it can be read, and
  only over entries that the store has made durable;
- opening compares the last head with the tiles and with the store. Where the
  store holds fewer entries than the head promised, or others, the log is not
  written on and the reason is told: a restored backup or a changed row must not
  become a second history.

Not for two processes at once: whoever keeps the journal keeps the log.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.folders import make_folder
from gateway.provenance.chain import EMPTY, HASH, folded, leaf_hash, root
from gateway.provenance.checkpoint import Checkpoint, CheckpointRefused, LogKey, read, sign
from gateway.provenance.receipts import Opened
from gateway.provenance.tiles import ENTRIES, WIDTH, Nodes, Tile, bundle, edge, read_bundle

CHECKPOINT: Final = "checkpoint"
#: The last head that enough witnesses cosigned (`provenance.cosignature`).
WITNESSED: Final = "witnessed"
#: Leaves that are taken from the store at once.
AT_ONCE: Final = 4096


class LogRefused(Exception):
    """The log cannot be written on without telling a second history; the message is a sentence."""


class Leaves(Protocol):
    """The journal's public leaves in their assigned order. A storage port.

    Implemented by `store.memory` and `store.sqlite`; both pass
    `tests/conformance/test_leaves.py`. Raises `StoreUnavailable`.
    """

    async def size(self) -> int:
        """How many there are."""
        ...

    async def leaves(self, begin: int, most: int) -> tuple[bytes, ...]:
        """Those from index *begin* on, the first being 0, at most *most*; each as `record.leaf` writes it."""
        ...

    async def opened(self, entry: str) -> Opened | None:
        """The entry of that id with its place and its salt."""
        ...

    async def opened_from(self, begin: int, most: int) -> tuple[Opened, ...]:
        """Entries of everybody from index *begin* on, at most *most*, in their order."""
        ...

    async def opened_of(
        self, licensee: str, since_us: int, until_us: int, after: tuple[int, int], most: int
    ) -> tuple[Opened, ...]:
        """Entries of *licensee* from *since_us* to before *until_us* by time and place, at most *most*.

        *after* is time and index of the last one that was had, ``(0, -1)`` at first.
        """
        ...


@dataclass(frozen=True, slots=True)
class Signed:
    """A head and the note that publishes it."""

    head: Checkpoint
    note: str


class Leader(Protocol):
    """The right to sign heads, where several gateways could: one of them has it at a time."""

    async def leads(self, log: LogKey) -> bool:
        """Whether this gateway keeps *log*, or may from now on. Raises `StoreUnavailable`, `LogRefused` for another key."""
        ...

    async def promised(self) -> tuple[int, bytes]:
        """Size and root of the last head that any leader may have signed; (0, `EMPTY`) before the first."""
        ...

    async def promise(self, size: int, root: bytes) -> bool:
        """Keep that a head of *size* and *root* is about to be signed; False, and it must not be, where others lead now."""
        ...


class PublicLog:
    """Appends leaves, writes tiles, signs heads. Use `open`."""

    def __init__(self, folder: Path, name: str, key: Ed25519PrivateKey, signed: Signed) -> None:
        """Hold the log in *folder* at *signed*; the tiles of its edge are read by `open`."""
        self.folder, self._key = folder, key
        self.key = LogKey(name, key.public_key())
        #: The last head and its note, together: another thread may sign the next one.
        self.signed = signed
        self.size = signed.head.size
        # What is not yet in a whole tile: hashes by level, and the leaves themselves.
        self._hashes: list[list[bytes]] = []
        self._leaves: list[bytes] = []

    @classmethod
    async def open(cls, folder: Path, name: str, key: Ed25519PrivateKey, leaves: Leaves) -> PublicLog:
        """Open the log called *name* in *folder*, or begin it there.

        Raises `LogRefused` where head, tiles and *leaves* are not of one
        history, `StoreUnavailable`, and `OSError`.
        """
        signed = last_signed(folder, LogKey(name, key.public_key()))
        log = cls(folder, name, key, signed or Signed(Checkpoint(name, 0, EMPTY), ""))
        if signed is None:
            # Before its first tile: tiles without a head would be a log whose promises nobody knows.
            await asyncio.to_thread(log.publish)
        stored = await leaves.size()
        if stored < log.size:
            raise LogRefused(
                f"The log's head promises {log.size} entries and the store holds {stored}: an older state was restored."
            )
        if log.size and not (log._read_edge() and await log._edge_is_stored(leaves)):
            await log._make_again(leaves)
        return log

    async def catch_up(self, leaves: Leaves, leader: Leader | None = None) -> bool:
        """Take up what is new in *leaves* and sign a head over it; False where nothing is. Raises as `open`.

        With a *leader* nothing is signed that it does not allow, and what others
        signed before stands: `LogRefused` where that was of another history.
        """
        size, root_before = await leader.promised() if leader else (0, EMPTY)
        while True:
            if size and self.size == size and self._root_now() != root_before:
                raise LogRefused(
                    f"Another gateway signed other {size} entries: one of the two has an older state."
                )
            taken = await leaves.leaves(
                self.size, min(AT_ONCE, size - self.size) if self.size < size else AT_ONCE
            )
            if not taken:
                break
            await asyncio.to_thread(self.append, taken)
        if self.size < size:
            raise LogRefused(
                f"Another gateway signed {size} entries and the store holds {self.size}: an older state."
            )
        if self.size == self.head.size:
            return False
        if leader and not await leader.promise(self.size, await asyncio.to_thread(self._root)):
            return False
        await asyncio.to_thread(self.publish)
        return True

    async def follow(self, leaves: Leaves, leader: Leader) -> bool:
        """Publish the head that another gateway signed last, under the same key; False where nothing is new.

        Its root is that of our own leaves, or `LogRefused`. Raises as `open`.
        """
        size, root_before = await leader.promised()
        if size < self.size or size == self.head.size:
            return False
        while self.size < size:
            taken = await leaves.leaves(self.size, min(AT_ONCE, size - self.size))
            if not taken:
                raise LogRefused(
                    f"Another gateway signed {size} entries and the store holds {self.size}: an older state."
                )
            await asyncio.to_thread(self.append, taken)
        if await asyncio.to_thread(self._root) != root_before:
            raise LogRefused(
                f"Another gateway signed other {size} entries: one of the two has an older state."
            )
        await asyncio.to_thread(self.publish)
        return True

    def append(self, leaves: Iterable[bytes]) -> None:
        """Put *leaves* behind the others; tiles that are whole now are written through to the disk."""
        for leaf in leaves:
            self._leaves.append(leaf)
            self._put(0, leaf_hash(leaf))
            self.size += 1
            if len(self._leaves) == WIDTH:
                self._write(Tile(ENTRIES, self.size // WIDTH - 1), bundle(self._leaves), through=True)
                self._leaves.clear()

    def publish(self) -> Checkpoint:
        """Write the tiles of the edge, then sign the head over all that was appended."""
        self._write_edge()
        head = Checkpoint(self.key.name, self.size, self._root())
        note = sign(head, self.key.name, self._key)
        replace_whole(self.folder / CHECKPOINT, note.encode(), through=True)
        self.signed = Signed(head, note)
        return head

    def _write_edge(self) -> None:
        for tile in edge(self.size):
            self._write(tile, b"".join(self._hashes[tile.level]))
        if self._leaves:
            self._write(Tile(ENTRIES, self.size // WIDTH, len(self._leaves)), bundle(self._leaves))

    def cosigned(self, signed: Signed, lines: str, *, witnessed: bool) -> None:
        """Put the signature *lines* of witnesses behind the note of *signed*, and keep it apart if it is *witnessed*.

        Where another head was signed meanwhile, that one stands as it is. Raises `OSError`.
        """
        cosigned = Signed(signed.head, signed.note + lines)
        if witnessed:
            replace_whole(self.folder / WITNESSED, cosigned.note.encode(), through=True)
        if self.signed is signed:
            replace_whole(self.folder / CHECKPOINT, cosigned.note.encode(), through=True)
            self.signed = cosigned

    @property
    def head(self) -> Checkpoint:
        """The last head."""
        return self.signed.head

    def nodes(self, size: int) -> Nodes:
        """The tree of *size* leaves, for which a head was signed; it raises `OSError` where a tile is gone."""
        return tree(self.folder, size)

    def _root_now(self) -> bytes:
        return self.head.root if self.head.size == self.size else self._root()

    def _root(self) -> bytes:
        # The right edge is in memory; what lies left of it is in whole tiles above.
        edges = {(tile.level, tile.index): b"".join(self._hashes[tile.level]) for tile in edge(self.size)}

        def of(tile: Tile) -> bytes:
            found = edges.get((tile.level, tile.index))
            return read_tile(self.folder, tile) if found is None else found

        return root(self.size, Nodes(self.size, of))

    def _put(self, level: int, hashed: bytes) -> None:
        if level == len(self._hashes):
            self._hashes.append([])
        row = self._hashes[level]
        row.append(hashed)
        if len(row) < WIDTH:
            return
        index = (self.size + 1 >> 8 * level) // WIDTH - 1
        self._write(Tile(level, index), b"".join(row), through=True)
        above = folded(row)
        row.clear()
        self._put(level + 1, above)

    def _write(self, tile: Tile, octets: bytes, *, through: bool = False) -> None:
        path = self.folder / tile.path
        replace_whole(path, octets, through=through)
        if tile.width == WIDTH:
            shutil.rmtree(path.with_name(f"{path.name}.p"), ignore_errors=True)

    def _read_edge(self) -> bool:
        """Take the edge from the tiles; False where they do not make the head's root."""
        self._hashes, self._leaves = [], []
        try:
            for level in range(8):
                if not self.size >> 8 * level:
                    break
                count = (self.size >> 8 * level) % WIDTH
                tile = Tile(level, (self.size >> 8 * level) // WIDTH, count)
                octets = read_tile(self.folder, tile) if count else b""
                self._hashes.append([octets[at : at + HASH] for at in range(0, len(octets), HASH)])
                if len(self._hashes[-1]) != count:
                    return False
            if self.size % WIDTH:
                octets = read_tile(self.folder, Tile(ENTRIES, self.size // WIDTH, self.size % WIDTH))
                self._leaves = list(read_bundle(octets))
            return [leaf_hash(each) for each in self._leaves] == self._hashes[
                0
            ] and self._root() == self.head.root
        except (OSError, ValueError):
            return False

    async def _make_again(self, leaves: Leaves) -> None:
        """Make every tile again out of the store; refuse, and leave the tiles, where that is not what the head signed."""
        beside = self.folder / "again"
        shutil.rmtree(beside, ignore_errors=True)
        promised, again = self.head, PublicLog(beside, self.key.name, self._key, self.signed)
        again.size = 0
        while again.size < promised.size:
            taken = await leaves.leaves(again.size, min(AT_ONCE, promised.size - again.size))
            await asyncio.to_thread(again.append, taken)
        again._write_edge()
        if again._root() != promised.root:
            shutil.rmtree(beside, ignore_errors=True)
            raise LogRefused(
                f"The store's first {promised.size} entries are not those that the log's head signed:"
                " a row was changed or another history was restored."
            )
        shutil.rmtree(self.folder / "tile", ignore_errors=True)
        (beside / "tile").rename(self.folder / "tile")
        shutil.rmtree(beside, ignore_errors=True)
        self._hashes, self._leaves = again._hashes, again._leaves

    async def _edge_is_stored(self, leaves: Leaves) -> bool:
        """Whether the store says what the last bundles say; all the rest is for `licet journal audit`.

        An older store that was folded forward again, in another order, may agree
        at the very edge: so bundles ever further back are looked at too.
        """
        begin, back = self.size - len(self._leaves), 1
        if self._leaves and list(await leaves.leaves(begin, len(self._leaves))) != self._leaves:
            return False
        while (index := begin // WIDTH - back) >= 0:
            if not await self._is_stored(index, leaves):
                return False
            back *= 2
        return True

    async def _is_stored(self, index: int, leaves: Leaves) -> bool:
        """Whether the store and the tile of hashes say what whole bundle *index* says."""
        try:
            octets = await asyncio.to_thread(read_tile, self.folder, Tile(ENTRIES, index))
            hashes = await asyncio.to_thread(read_tile, self.folder, Tile(0, index))
        except OSError:
            return False
        stored = await leaves.leaves(index * WIDTH, WIDTH)
        return octets == bundle(stored) and hashes == b"".join(map(leaf_hash, stored))


def tree(folder: Path, size: int) -> Nodes:
    """The tree of *size* leaves in *folder*, for which a head was signed; it raises `OSError` where a tile is gone."""
    return Nodes(size, lambda tile: read_tile(folder, tile))


def read_tile(folder: Path, tile: Tile) -> bytes:
    """The octets of *tile*, cut from the whole one where that took its place. Raises `OSError`, `ValueError`."""
    try:
        return (folder / tile.path).read_bytes()
    except FileNotFoundError:
        if tile.width == WIDTH:
            raise
        return cut((folder / Tile(tile.level, tile.index).path).read_bytes(), tile)


def cut(whole: bytes, tile: Tile) -> bytes:
    """What *tile*, which is not whole, has of the octets of the *whole* one. Raises `ValueError`."""
    if tile.level == ENTRIES:
        return bundle(read_bundle(whole)[: tile.width])
    return whole[: tile.width * HASH]


def replace_whole(path: Path, octets: bytes, *, through: bool = False) -> None:
    """Put *octets* in place of the file at *path* in one step; *through*: on the disk when this returns."""
    beside = path.with_name(f"{path.name}.new")
    make_folder(beside.parent, 0o755)
    with beside.open("wb") as out:
        out.write(octets)
        if through:
            out.flush()
            os.fsync(out.fileno())
    beside.replace(path)
    if through:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def last_signed(folder: Path, key: LogKey) -> Signed | None:
    """The head in *folder*, None where nothing was logged yet. Raises `LogRefused` for one that is none of *key*."""
    try:
        note = (folder / CHECKPOINT).read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        if (folder / "tile").exists():
            raise LogRefused(
                "The log's tiles are there and its head is not: what it promised is unknown."
            ) from None
        return None
    try:
        return Signed(read(note, key), note)
    except CheckpointRefused as error:
        raise LogRefused(f"The log's head cannot be believed: {error}.") from None
