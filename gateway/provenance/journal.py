"""Where every fetch is written down before it counts: one append file a worker, group-committed.

Callers queue; one thread takes whatever is queued, writes it with one write and
one `fdatasync`, and wakes the waiters of the batch once. `keep` returns when its
entry is durable, `note` does not wait. Unpaid entries that nobody waits for may
gather: a millisecond before they are written, `_SYNC_SECONDS` more before they
are synced. Whatever is paid or waited for takes all of them along at once. The
files' format is `segments`.

What happens when the disk fails:

========================= ==================================================
fault                     answer
========================= ==================================================
less than the reserve     `room` is False, first for unpaid, then for paid
queue full                the same, earlier for unpaid; those are shed, counted,
                          and a `ShedNote` tells of them when there is room
write or sync fails       nothing is retried on that file: it is cut back to what
                          was durable, waiters get `StoreUnavailable`, `room` is
                          False; a new file is tried after a pause, for as long
                          as it takes, without an operator
========================= ==================================================

An entry whose `keep` failed is not in the journal and will not be. A paid entry
that was only noted is written again into the next file, with the same salt;
whoever folds drops the second of two equal ids.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.clock import Clock
from gateway.folders import make_folder
from gateway.problems import ConfigurationError, Mistake, StoreUnavailable
from gateway.provenance.append_file import AppendFile, Disk
from gateway.provenance.floods import Floods
from gateway.provenance.queued import Queued
from gateway.provenance.record import FetchDetail, JournalEntry
from gateway.provenance.segments import segment_name
from gateway.provenance.shedding import ShedCount
from gateway.provenance.waking import Doorbell, Waiter, answer
from gateway.provenance.writers import WriterLock

_log = logging.getLogger(__name__)
_BATCH: Final = 1024
_GATHER: Final = 0.002  # seconds for paid entries that come faster than the disk syncs
#: How long written entries that are unpaid and that nobody waits for may lack their sync.
_SYNC_SECONDS: Final = 0.05
_LOOK_SECONDS: Final = 0.25
_IDLE_SECONDS: Final = 1.0
_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class JournalState:
    """How the journal is doing.

    *healthy* is whether paid fetches have room; *reason* says why not, as a
    sentence, or "". *queued* entries wait for the disk, *shed* were given up
    since this journal was opened, *bytes* of entries were made durable since.
    """

    healthy: bool
    reason: str
    queued: int
    shed: int
    bytes: int


class Journal:
    """The journal of one worker. Make one with `open`; every method but `room` and `note` is a coroutine.

    `room`, `note` and `keep` are called on an event loop; the files belong to a
    thread of the journal's own.
    """

    def __init__(
        self,
        folder: Path,
        worker: str,
        *,
        clock: Clock,
        reserve_bytes: int,
        queue_limit: int,
        segment_bytes: int,
        segment_seconds: int,
        retry_seconds: float,
        linger_seconds: float,
        refusals_per_second: int,
        disk: Disk,
    ) -> None:
        """Open the first file and start the thread; raises `OSError`. Use `open` instead."""
        self._folder, self._worker, self._clock, self._disk = folder, worker, clock, disk
        self._reserve, self._limit = reserve_bytes, queue_limit
        self._segment_bytes, self._segment_us = segment_bytes, segment_seconds * 1_000_000
        self._retry_seconds = retry_seconds
        self._boot = f"{clock.now_us():016x}{secrets.token_hex(4)}"
        self._number = 0
        self._pending: deque[Queued] = deque()
        self._shed, self.floods = ShedCount(), Floods(refusals_per_second)
        self._durable_bytes = 0
        self._broken = ""
        self._retry_at = 0.0
        self._stuck: list[AppendFile] = []
        self._free = disk.free_bytes(folder)
        self._living = WriterLock(folder, self.writer)
        try:
            self._file: AppendFile | None = self._next_file()
        except BaseException:
            self._living.release()
            raise
        self._stopping, self._told = False, True
        self._unsynced: list[Queued] = []
        self._crowd = 0  # how many waited for the last sync
        self._sync_at = self._look_at = 0.0
        self._bell = Doorbell(linger_seconds)
        self._writing = threading.Thread(target=self._run, name=f"journal-{worker}", daemon=True)
        self._writing.start()

    @classmethod
    def open(
        cls,
        folder: Path,
        worker: str,
        *,
        clock: Clock,
        reserve_bytes: int = 64 * _MIB,
        queue_limit: int = 20_000,
        segment_bytes: int = 128 * _MIB,
        segment_seconds: int = 86_400,
        retry_seconds: float = 1.0,
        linger_seconds: float = 0.001,
        refusals_per_second: int = 0,
        disk: Disk | None = None,
    ) -> Journal:
        """Start writing in *folder*, which is made if it is missing (0700).

        A first file is made and synced, so that a disk that cannot be written
        is found here: `ConfigurationError` says so. *worker* is ``[a-z0-9]+``.
        Unpaid entries need twice *reserve_bytes* free and half of *queue_limit*.
        A file is followed by the next after *segment_bytes* or *segment_seconds*,
        so that details can be forgotten in time. Unpaid entries gather for
        *linger_seconds* before they are written together. Of refusals alike
        *refusals_per_second* are written by themselves, 0 for all; see `floods`.
        """
        try:
            if not folder.is_dir():
                make_folder(folder)
            elif folder.stat().st_mode & 0o077:
                folder.chmod(0o700)
            return cls(
                folder,
                worker,
                clock=clock,
                reserve_bytes=reserve_bytes,
                queue_limit=queue_limit,
                segment_bytes=segment_bytes,
                segment_seconds=segment_seconds,
                retry_seconds=retry_seconds,
                linger_seconds=linger_seconds,
                refusals_per_second=refusals_per_second,
                disk=disk or Disk(),
            )
        except OSError as error:
            why = os.strerror(error.errno or errno.EIO)
            wanted = f"the journal must be able to write in this folder, and cannot: {why}"
            raise ConfigurationError([Mistake(str(folder), "", wanted)]) from error

    @property
    def writer(self) -> str:
        """Its name among all writers, ever: worker and boot, as its files begin."""
        return f"{self._worker}-{self._boot}"

    @property
    def state(self) -> JournalState:
        """How it is doing, as of the writer's last look at the disk."""
        reason = self._broken
        if not reason and self._free < self._reserve:
            reason = f"The disk has less than the reserve of {self._reserve // _MIB} MiB free."
        if not reason and len(self._pending) >= self._limit:
            reason = f"{self._limit} entries wait for the disk."
        return JournalState(not reason, reason, len(self._pending), self._shed.total, self._durable_bytes)

    def room(self, *, paid: bool) -> bool:
        """Whether a fetch may start that will be recorded. Cheap; the last of the disk is for paid ones."""
        share = 1 if paid else 2
        return (
            not self._broken
            and self._free >= self._reserve * share
            and len(self._pending) < self._limit // share
        )

    def note(self, entry: JournalEntry, detail: FetchDetail | None = None, detail_salt: bytes = b"") -> None:
        """Queue *entry* without waiting; shed and count it where there is no room.

        *detail* goes beside it, opened by *detail_salt*. What is noted survives the loss of this
        process once its batch is written, of power a little later. Ask `floods` before.
        """
        paid = entry.is_paid
        if self._stopping:
            self._give_up(entry, "stopped")
        elif paid and len(self._pending) >= self._limit:
            self._give_up(entry, "queue")
        elif not paid and not self.room(paid=False):
            queue = len(self._pending) >= self._limit // 2
            self._give_up(entry, "unavailable" if self._broken else "queue" if queue else "disk")
        else:
            self._put(Queued(entry, paid, detail, detail_salt))

    async def keep(
        self, entry: JournalEntry, detail: FetchDetail | None = None, detail_salt: bytes = b""
    ) -> None:
        """Write *entry* and return when it is durable.

        Raises `StoreUnavailable` if it could not be made so; then it is not in
        the journal. A caller that is canceled meanwhile does not know which.
        """
        if self._broken or self._stopping:
            raise StoreUnavailable(self._broken or "The journal is closed.")
        if len(self._pending) >= self._limit:
            raise StoreUnavailable(f"{self._limit} entries wait for the disk.")
        waiter = Waiter()
        self._put(Queued(entry, True, detail, detail_salt, waiter))
        await waiter

    async def flush(self) -> None:
        """Return when everything noted before is durable; raises `StoreUnavailable` if it cannot be."""
        if self._broken or self._stopping:
            raise StoreUnavailable(self._broken or "The journal is closed.")
        waiter = Waiter()
        self._put(Queued(None, True, waiter=waiter))
        await waiter

    async def close(self, *, told: bool = True) -> None:
        """Write what is queued, close the files, stop. Never raises for the disk; twice is harmless.

        *told* is for the lock of this writer (`WriterLock.release`).
        """
        self._told, self._stopping = told, True
        self._bell.ring(urgent=True)
        await asyncio.to_thread(self._writing.join)

    def _put(self, item: Queued) -> None:
        if (fault := item.frame()) and item.entry is not None:
            # A mistake of its maker, and nobody else's loss.
            _log.error("entry %s cannot be written: %s", item.entry.id, fault)
            if item.waiter is not None:
                item.waiter.tell(fault)
            else:
                self._give_up(item.entry, "unwritable")
            return
        self._pending.append(item)
        self._bell.ring(urgent=item.urgent)

    def _give_up(self, entry: JournalEntry, reason: str) -> None:
        if entry.is_paid:
            _log.error("paid entry %s of %s could not be kept: %s", entry.id, entry.site, reason)
        self._shed.add(entry.site, reason, self._clock.now_us())

    # What follows runs on the writer's thread.

    def _run(self) -> None:
        try:
            worked = False
            while True:
                stopping = self._stopping
                self._look(now=stopping or not worked)
                self._tell(all=stopping)
                while self._file is not None and self._pending:
                    self._bell.urgent = False
                    batch = self._batch()
                    self._commit(batch)
                    self._look(now=False)
                    if not (self._bell.urgent or len(batch) == _BATCH or stopping):
                        break  # what came meanwhile may gather
                    time.sleep(0 if stopping else _GATHER)  # there are many: the next sync takes more
                if self._file is None:
                    self._turn_away(self._broken)
                if stopping:
                    self._settle()
                    return
                worked = self._bell.rest(self._is_idle, self._patience())
                if worked and self._crowd > 1:
                    time.sleep(_GATHER)
                if not worked or self._clock.monotonic() >= self._sync_at:
                    self._settle()
        except Exception as error:  # noqa: BLE001 - whatever it is, waiters must hear of it
            self._broken = f"The journal's writer broke: {error!r}."
            _log.exception("the journal's writer broke")
        finally:
            self._end()

    def _is_idle(self) -> bool:
        # Without a file whatever is queued has to wait for the next try.
        return not self._stopping and (self._file is None or not self._pending)

    def _patience(self) -> float:
        """How long to rest where nothing is queued."""
        if self._file is None:
            return min(_IDLE_SECONDS, self._retry_seconds)
        return _SYNC_SECONDS if self._unsynced else _IDLE_SECONDS

    def _look(self, *, now: bool) -> None:
        """Look at the disk, *now* or where the last look is old; open the next file where it is time to."""
        moment = self._clock.monotonic()
        if now or moment >= self._look_at:
            self._look_at = moment + _LOOK_SECONDS
            try:
                self._free = self._disk.free_bytes(self._folder)
            except OSError:
                self._free = 0
        file = self._file
        if file is None:
            if moment >= self._retry_at or self._stopping:
                self._reopen()
        elif not file.is_empty and (
            file.size >= self._segment_bytes or self._clock.now_us() - file.opened_us >= self._segment_us
        ):
            self._settle()
            if self._file is file:
                file.close()
                self._file = None
                self._reopen()

    def _reopen(self) -> None:
        self._stuck = [file for file in self._stuck if not file.take_back()]
        try:
            if self._free < self._reserve and self._broken:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._file = self._next_file()
        except OSError as error:
            self._pause(error)
            return
        if self._broken:
            _log.warning("the journal is written again, in %s", self._file.path.name)
        self._broken = ""

    def _next_file(self) -> AppendFile:
        self._number += 1
        path = self._folder / segment_name(self._worker, self._boot, self._number)
        return AppendFile(path, self._disk, opened_us=self._clock.now_us())

    def _batch(self) -> list[Queued]:
        batch: list[Queued] = []
        while self._pending and len(batch) < _BATCH:
            batch.append(self._pending.popleft())
        return batch

    def _commit(self, batch: list[Queued]) -> None:
        """Write *batch* and, where any of it is urgent, make all durable and wake the waiters.

        What fails is taken back, with all that was not durable, and its waiters are told.
        """
        if not self._unsynced:
            self._sync_at = self._clock.monotonic() + _SYNC_SECONDS
        self._unsynced += batch
        entries, details = zip(*[item.framed for item in batch], strict=True)
        self._on_file(b"".join(entries), b"".join(details), sync=any(item.urgent for item in batch))

    def _settle(self) -> None:
        """Make durable what is written."""
        if self._unsynced:
            self._on_file(b"", b"", sync=True)

    def _on_file(self, entries: bytes, details: bytes, *, sync: bool) -> None:
        file = self._file
        if file is None:  # pragma: no cover - the caller has looked
            raise RuntimeError("a batch without a file")
        try:
            if entries:
                file.write(entries, details)
            if not sync:
                return
            self._durable_bytes += file.sync()
        except OSError as error:
            self._pause(error)
            self._undo(file)
            return
        except BaseException as error:
            self._broken = f"The journal's writer broke: {error!r}."
            self._undo(file)
            raise
        done, self._unsynced = self._unsynced, []
        self._crowd = sum([item.waiter is not None for item in done])
        answer((item.waiter for item in done if item.waiter), "")

    def _undo(self, file: AppendFile) -> None:
        """Take back from *file*, which is finished, what is not durable, and tell whoever waits."""
        self._file = None
        if not file.take_back():
            self._stuck.append(file)
        batch, self._unsynced = self._unsynced, []
        self._pending.extendleft(reversed(batch))
        self._turn_away(self._broken)

    def _pause(self, error: OSError) -> None:
        """Say that nothing can be written until the next try."""
        if not self._broken:
            _log.error("the journal cannot be written: %s", error)
        self._broken = f"The journal cannot be written: {os.strerror(error.errno or errno.EIO)}."
        self._retry_at = self._clock.monotonic() + self._retry_seconds

    def _turn_away(self, reason: str) -> None:
        """Tell every waiter that it failed, shed what is unpaid, hold on to paid notes."""
        waiters = []
        for _ in range(len(self._pending)):
            item = self._pending.popleft()
            if item.waiter is not None:
                waiters.append(item.waiter)
            elif item.entry is not None and item.entry.is_paid:
                self._pending.append(item)
            elif item.entry is not None:
                self._give_up(item.entry, "unavailable")
        answer(waiters, reason)

    def _tell(self, *, all: bool) -> None:
        """Queue one note per site and reason of what was shed, once there is room; and the floods of a minute."""
        now_us = self._clock.now_us()
        if self._shed.untold and self.room(paid=False):
            for note in self._shed.notes(now_us):
                self._put(Queued(note, True))
        for flood in self.floods.told(now_us, all=all):
            self._put(Queued(flood.note, True, flood.detail, flood.detail_salt))

    def _end(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        for file in self._stuck:
            file.take_back()
        self._living.release(told=self._told)
        self._broken = self._broken or "The journal is closed."
        self._turn_away(self._broken)
        if self._pending or self._shed.untold:
            lost = "the journal closed with %d paid and %d shed entries unwritten"
            _log.error(lost, len(self._pending), self._shed.untold)
