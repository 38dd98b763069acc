"""When nobody needs to wait any more for what a writer that was killed wrote."""

from __future__ import annotations

import asyncio
import shutil
from types import SimpleNamespace

import pytest

from gateway.app.office_room import OfficeRoom, _Told
from gateway.clock import HandClock
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Keeper
from gateway.provenance.record import BookEntry
from gateway.provenance.writers import ReadToTheEnd, WriterLock
from gateway.store.memory.folding import MemoryFolding
from gateway.store.memory.tables import Tables


def entry(id: str) -> BookEntry:
    return BookEntry(id, 1_795_000_000_000_000, "credit", "", "le_1", 5, "USD")


async def written(folder, worker: str, id: str):
    """The file of a writer that wrote one entry and is gone; gives its name as a writer, too."""
    journal = Journal.open(folder, worker, clock=HandClock(), reserve_bytes=0)
    await journal.keep(entry(id))
    writer = journal.writer
    await journal.close()
    (file,) = folder.glob(f"{writer}-*.seg")
    return writer, file


class Overtaken(Keeper):
    """Reads as a keeper does; *between* copies files into the folder right before and right after one of its reads."""

    between: dict[int, tuple]
    reads = read = 0

    def _next_batch(self, positions, *, finish=True):
        self.reads += 1
        before, after = self.between.get(self.reads, ((), ()))
        for file in before:
            shutil.copy(file, self._folder)
        batch = super()._next_batch(positions, finish=finish)
        for file, lock in after:
            shutil.copy(file, self._folder)
            lock.release()
        self.read = self.reads
        return batch


class Slow(MemoryFolding):
    """Stores a batch only when the next one is read."""

    keeper: Overtaken
    stored = 0

    async def fold(self, batch):
        self.stored += 1
        async with asyncio.timeout(30):
            while self.keeper.read <= self.stored:
                await asyncio.sleep(0.001)
        return await super().fold(batch)


@pytest.mark.parametrize("last_read", [2, 3])
async def test_a_writer_killed_while_the_next_batch_was_read_already_is_waited_for(tmp_path, last_read):
    """Its last entry comes after read *last_read*; whatever was read before it does not tell of it."""
    journal, aside = tmp_path / "journal", tmp_path / "aside"
    aside.mkdir()
    _, first = await written(aside, "w1", "first")
    _, second = await written(aside, "w2", "second")
    _, third = await written(aside, "w3", "third")
    killed, late = await written(aside, "w4", "late")
    journal.mkdir()
    shutil.copy(first, journal)
    tables = Tables()
    room = OfficeRoom.__new__(OfficeRoom)
    room.config = SimpleNamespace(journal=journal)
    room._lines, room._writers, room._read = set(), {killed}, ReadToTheEnd()
    known: list[bool] = []
    room._tell_writers = lambda: known.append("late" in tables.canonical)
    slow = Slow(tables)
    keeper = slow.keeper = Overtaken(journal, _Told(slow, room))
    keeper.between = {2: ((second,), ()), 3: ((third,), ())}
    keeper.between[last_read] = (keeper.between[last_read][0], ((late, WriterLock(journal, killed)),))
    for _ in range(3):
        await asyncio.wait_for(keeper.catch_up(), 30)
    assert known == [True], "told once, and not before its last entry was folded"
    assert room._writers == set()


def test_what_was_read_before_somebody_was_found_gone_says_nothing_of_them():
    read = ReadToTheEnd()
    assert read.stored({"a"}) == frozenset()
    assert read.stored({"a", "b"}) == frozenset(), "it may have been read before a was gone"
    assert read.stored({"b"}) == {"a"}
    assert read.stored(()) >= {"b"}
    assert read.stored({"c"}) == {"b"}
    assert read.emptied(()) == {"c"}
    assert read.emptied({"d"}) == frozenset()
    assert read.emptied(()) == {"d"}
