"""When nobody needs to wait any more for what a writer that was killed wrote."""

from __future__ import annotations

import asyncio
import shutil
from types import SimpleNamespace

import pytest

from gateway.admission.till import PaidUnit
from gateway.app.office_room import OfficeRoom, _Line, _Told
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
    room._lines, room._writers, room._whole, room._read = set(), {killed}, set(), ReadToTheEnd()
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


class Heard:
    """The office's end of a line, which keeps what it was told."""

    closed = False

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def tell(self, name: str, given: object = None) -> None:
        self.told.append((name, given))

    async def drained(self) -> None: ...

    def of(self, name: str) -> list[object]:
        return [given for each, given in self.told if each == name]


async def test_a_worker_watches_whoever_was_killed_until_it_was_sent_what_was_paid_for_before_it_spoke(
    tmp_path,
):
    """An office that has just started folded it when nobody was on the line; its list takes longer than two reads."""
    killed, silent, ours = (f"{name}-{'0' * 24}" for name in ("w1", "w3", "office"))
    WriterLock(tmp_path, killed).release()
    locks = [WriterLock(tmp_path, silent), WriterLock(tmp_path, ours)]
    room = OfficeRoom.__new__(OfficeRoom)
    room.config, room.journal = SimpleNamespace(journal=tmp_path), SimpleNamespace(writer=ours)
    room._lines, room._writers, room._whole, room._read = set(), set(), set(), ReadToTheEnd()
    asked, listed = asyncio.Event(), asyncio.Event()

    async def paid():
        asked.set()
        await listed.wait()
        return (PaidUnit("unit", 1_795_000_000),)

    async def look(): ...

    room.paid, room._look = paid, look
    line = _Line(Heard())
    hello = {"name": "w2", "writer": f"w2-{'0' * 24}", "others": [killed]}
    welcome = asyncio.create_task(room._welcome(line, hello))
    await asyncio.wait_for(asked.wait(), 30)
    for _ in range(3):
        room.emptied()
    assert killed not in room._writers
    assert all(killed in told for told in line.channel.of("writers"))
    # One that lives and never spoke to this office may be killed before it does.
    assert silent in line.channel.of("writers")[-1]
    assert ours not in line.channel.of("writers")[-1]
    listed.set()
    await welcome
    names = [name for name, _ in line.channel.told]
    assert killed not in line.channel.of("writers")[-1]
    assert names.index("paid") < max(nth for nth, name in enumerate(names) if name == "writers")
    for lock in locks:
        lock.release()


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
