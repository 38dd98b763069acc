"""Folding the journal's files into the store, in an assigned order, exactly once.

One keeper per journal folder (`KeeperLock`) reads every file from where the
store last left off and hands over batches; the store takes a batch and the new
positions in one transaction. So a crash anywhere repeats a batch or does not,
and never half. Entries already stored are told by their record id.

Segments stay: they are the journal, the store is derived from it and may keep
no more of a fetch than where it stands there. A ``.det``
goes when its segment is finished and both are folded, so that after that the
personal part of a fetch exists in one place, where it can be erased.

What a writer set aside in the store, its *purses*, goes down with each of its
entries. When a writer is gone and its files are folded to their end, nothing
can come of the rest: the keeper closes its purses.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, Self, TypeVar

from gateway.problems import StoreUnavailable
from gateway.provenance.frames import SealedDetail
from gateway.provenance.segments import (
    ENTRY_HEADER,
    Ends,
    Frame,
    SealedEntry,
    SegmentDamaged,
    TornTail,
    read_frames,
    readable,
    segments,
    shorten,
    torn_tail,
)
from gateway.provenance.shapes import Shapes
from gateway.provenance.writers import lives, sweep, writer_of

__all__ = ["FoldBatch", "Folding", "Keeper", "KeeperLock", "KeeperState", "SealedDetail", "SealedEntry"]

_log = logging.getLogger(__name__)
BATCH_LIMIT: Final = 512
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class FoldBatch:
    """What is folded in one transaction, in this order.

    *entries* and *details* each hold at most `BATCH_LIMIT`. *positions* are
    (file name, offset behind the last frame taken), absolute: the store sets
    them as they are. A detail may arrive before, with or after its entry, and
    twice. A batch may hold an entry that is stored already, but not one entry twice.
    """

    entries: tuple[SealedEntry, ...]
    details: tuple[SealedDetail, ...]
    positions: tuple[tuple[str, int], ...]


class Folding(Protocol):
    """The store that the journal is folded into. A storage port.

    Each method raises `StoreUnavailable` when the store cannot answer; then
    nothing happened, and the keeper asks again after a pause.
    """

    async def positions(self) -> Mapping[str, int]:
        """File name to folded offset, for ``.seg`` and ``.det`` alike; a file never seen is absent."""
        ...

    async def fold(self, batch: FoldBatch) -> int:
        """Take *batch* in one transaction, and return how many entries were new.

        New entries get the next sequence numbers, in the order given, without a
        gap; an entry whose id is stored is passed over. With each new entry go
        its postings, and what it owes leaves the purse of its writer
        (`writers.writer_of` its source). Details are kept by record id;
        a second one for the same id changes nothing.
        """
        ...

    async def purse_writers(self) -> frozenset[str]:
        """The writers that have a purse."""
        ...

    async def close_purses(self, writers: frozenset[str]) -> None:
        """Return at once whatever is left in the purses of *writers*, which are gone for good."""
        ...


@dataclass(frozen=True, slots=True)
class KeeperState:
    """How folding is going.

    *reason* is why the last try failed, as a sentence, or "". *damaged* says
    for each damaged file what is wrong; it is folded up to there and no
    further. *torn* are the tails that crashes left and this keeper cut.
    """

    healthy: bool
    reason: str
    damaged: tuple[str, ...]
    torn: tuple[TornTail, ...]


class KeeperLock:
    """The right to be the one keeper of a folder; ends with `release` or the process."""

    def __init__(self, descriptor: int) -> None:
        """Hold a locked descriptor. Use `try_take`."""
        self._descriptor = descriptor

    @classmethod
    def try_take(cls, folder: Path) -> KeeperLock | None:
        """Take the lock on ``keeper.lock`` in *folder*, or None while another keeper has it.

        Raises `OSError` where the folder cannot be written.
        """
        descriptor = os.open(folder / "keeper.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError:
            os.close(descriptor)
            raise
        return cls(descriptor)

    def release(self) -> None:
        """Let another keeper begin. Twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        """Hold it for a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release it."""
        self.release()


class Keeper:
    """Folds one journal folder into one store. Its maker holds the `KeeperLock`."""

    def __init__(
        self, folder: Path, folding: Folding, *, poll_seconds: float = 0.1, pause_seconds: float = 1.0
    ) -> None:
        """Fold the files in *folder* into *folding*, looking every *poll_seconds*.

        After a failure of store or disk it waits *pause_seconds*.
        """
        self._folder, self._folding = folder, folding
        self._poll, self._pause = poll_seconds, pause_seconds
        self._reason = ""
        self._finished: set[str] = set()
        self._damaged: dict[str, str] = {}
        self._torn: list[TornTail] = []
        self._swept = False
        self._shapes = Shapes()

    @property
    def state(self) -> KeeperState:
        """How folding is going, as of the last try."""
        damaged = tuple(self._damaged.values())
        return KeeperState(not self._reason and not damaged, self._reason, damaged, tuple(self._torn))

    async def catch_up(self) -> int:
        """Fold everything readable now; return how many entries were new.

        Purses of writers that are gone are closed. Raises `StoreUnavailable` or `OSError`; what was folded until then stays
        folded. Damage does not raise: it is in `state`, and the other files go on.
        """
        positions = dict(await self._folding.positions())
        new = 0
        ahead: asyncio.Future[FoldBatch] | None = None
        while True:
            batch = await (ahead or asyncio.to_thread(self._next_batch, positions))
            if not batch.positions and ahead is None:
                await self._close_purses()
                return new
            ahead = None
            if not batch.positions:
                continue  # once more, for what is finished only when everything before is folded
            positions |= batch.positions
            # The next batch is read while this one is stored.
            ahead = asyncio.ensure_future(asyncio.to_thread(self._next_batch, dict(positions), finish=False))
            try:
                new += await self._folding.fold(batch)
            except BaseException:
                await asyncio.wait((ahead,))
                if not ahead.cancelled():
                    ahead.exception()  # it is met again when this batch is
                raise

    async def _close_purses(self) -> None:
        """Close what writers that are gone left set aside; listed before it is asked who lives, none that lives is met."""
        gone = await asyncio.to_thread(self._gone, await self._folding.purse_writers())
        if gone:
            await self._folding.close_purses(gone)
            _log.info("closed what was set aside for %s", ", ".join(sorted(gone)))

    def _gone(self, purses: frozenset[str]) -> frozenset[str]:
        """Those of *purses* that live no more and whose files are finished."""
        dead = frozenset(writer for writer in purses if not lives(self._folder, writer))
        if not dead and self._swept:
            return dead
        # Looked for only after they were found dead: none of them makes another file.
        unread = {writer_of(path.name) for path in segments(self._folder) if path.name not in self._finished}
        sweep(self._folder, frozenset(map(writer_of, self._finished)) - unread)
        self._swept = True
        return dead - unread

    async def run(self, stop: asyncio.Event, wake: asyncio.Event | None = None) -> None:
        """Keep folding until *stop* is set, then fold once more.

        Setting *wake* makes it look at once. Failures of store and disk are
        logged once, stand in `state` and are retried after a pause.
        """
        while True:
            last = stop.is_set()
            try:
                await self.catch_up()
                self._reason = ""
            except (StoreUnavailable, OSError) as error:
                if not self._reason:
                    _log.error("the journal cannot be folded: %s", error)
                self._reason = f"The journal cannot be folded: {error}."
            if last:
                return
            await _any_of(stop, wake, self._pause if self._reason else self._poll)

    def _next_batch(self, positions: Mapping[str, int], *, finish: bool = True) -> FoldBatch:
        """Read on from *positions*; a file with nothing left and no writer is finished here.

        Where *positions* are not stored yet nothing may be finished.
        """
        entries: dict[str, SealedEntry] = {}
        details: list[SealedDetail] = []
        moved: dict[str, int] = {}
        for path in segments(self._folder):
            if path.name in self._finished or path.name in moved:
                continue
            with contextlib.suppress(FileNotFoundError):  # an empty one that its writer removed
                ends = self._read_segment(path, positions, entries, details, moved)
                personal = path.with_suffix(".det").name
                if finish and not ends.live and path.name not in moved and personal not in moved:
                    self._finish(path)
            if len(entries) >= BATCH_LIMIT or len(details) >= BATCH_LIMIT:
                break
        self._shapes.forget()
        return FoldBatch(tuple(entries.values()), tuple(details), tuple(moved.items()))

    def _read_segment(
        self,
        path: Path,
        positions: Mapping[str, int],
        entries: dict[str, SealedEntry],
        details: list[SealedDetail],
        moved: dict[str, int],
    ) -> Ends:
        ends = readable(path)
        personal = path.with_suffix(".det")
        name, personal_name = path.name, personal.name
        for frame, behind in self._frames(path, positions.get(name, 0), ends.entries):
            sealed = self._opened(self._shapes.entry, frame)
            if sealed is None:
                break
            entries.setdefault(sealed.entry.id, sealed)
            moved[name] = behind
            if len(entries) >= BATCH_LIMIT:
                break
        for frame, behind in self._details(personal, positions.get(personal_name, 0), ends):
            detail = self._opened(self._shapes.detail, frame)
            if detail is None:
                break
            details.append(detail)
            moved[personal_name] = behind
            if len(details) >= BATCH_LIMIT:
                break
        return ends

    def _details(self, path: Path, start: int, ends: Ends) -> Iterator[tuple[Frame, int]]:
        """As `_frames`. Details are not synced: where a loss of power took some, the store has them, and that is all."""
        if ends.live or not path.exists() or path.stat().st_size >= start:
            yield from self._frames(path, start, ends.details)

    def _frames(self, path: Path, start: int, end: int | None) -> Iterator[tuple[Frame, int]]:
        """Frames of a file, until damage, which is kept for `state`. None for a file that is gone."""
        if path.name in self._damaged or not path.exists():
            return
        try:
            yield from read_frames(path, start, end=end)
        except SegmentDamaged as error:
            self._note_damage(path, error)

    def _opened(self, read: Callable[[Frame], _T], frame: Frame) -> _T | None:
        try:
            return read(frame)
        except SegmentDamaged as error:
            self._note_damage(frame.path, error)
            return None

    def _note_damage(self, path: Path, error: SegmentDamaged) -> None:
        self._damaged[path.name] = str(error)
        _log.error("%s", error)

    def _finish(self, path: Path) -> None:
        """Cut a torn tail; forget the details of a finished segment that is folded to its end."""
        if path.name not in self._damaged:
            try:
                # The cut is made where the file itself says, whatever the store believes.
                tail = torn_tail(path, _last_whole(path))
            except SegmentDamaged as error:
                # Damaged after it was folded: the store has it all, and an audit names the place.
                self._note_damage(path, error)
                self._finished.add(path.name)
                return
            if tail is not None:
                shorten(path, tail.kept)
                self._torn.append(tail)
                _log.warning("cut a torn tail of %d octets off %s", tail.size - tail.kept, path.name)
        personal = path.with_suffix(".det")
        if personal.name not in self._damaged:
            personal.unlink(missing_ok=True)
        path.with_suffix(".end").unlink(missing_ok=True)
        self._finished.add(path.name)


def _last_whole(path: Path) -> int:
    """The offset behind the last whole frame of a segment, read from its start."""
    end = min(len(ENTRY_HEADER), path.stat().st_size)
    for _, end in read_frames(path):  # noqa: B007 - only the last one counts
        pass
    return end


async def _any_of(stop: asyncio.Event, wake: asyncio.Event | None, seconds: float) -> None:
    """Return when either event is set or *seconds* have passed."""
    waits = [asyncio.ensure_future(event.wait()) for event in (stop, wake) if event is not None]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    if wake is not None:
        wake.clear()
