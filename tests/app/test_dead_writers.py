"""When nobody needs to wait any more for what a writer that was killed wrote."""

from __future__ import annotations

import asyncio
import shutil
from collections import deque
from types import SimpleNamespace

import pytest

from gateway.admission.till import PaidUnit
from gateway.app.calls import PAID
from gateway.app.channel import Channel
from gateway.app.office_line import OfficeLine
from gateway.app.office_room import OfficeRoom, _Line
from gateway.app.paid_telling import PaidTelling, Told
from gateway.billing.paid_units import paid_units
from gateway.clock import HandClock
from gateway.licenses.revocations import RevocationFeed
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Keeper
from gateway.provenance.record import BookEntry, FetchRecord
from gateway.provenance.writers import OtherWriters, ReadToTheEnd, WriterLock, lives, named
from gateway.store.memory.folding import MemoryFolding
from gateway.store.memory.tables import Tables

PAID_FETCH = FetchRecord(
    id="r0", time_us=1_795_000_000_000_000, duration_us=1, site="journal", host="journal.example", method="GET",
    path="/essays/tides", visitor_class="ai", identity="claimed", identity_method="none", verdict="license",
    rule="rules[1]", policy="sha-256:p", mode="enforce", outcome="licensed", status=200, bytes_sent=9,
    ended="complete", detail="0" * 64, licensee="le_1", client="cl_1", license="lic_1", work="essays",
    currency="USD", price_micros=5_000, charged_micros=5_000, charge_reason="fetch", digest="d" * 64, etag='"1"',
)  # fmt: skip


class Unread:
    """A ledger of which nobody reads more than where it ends."""

    async def last_place(self) -> int:
        return 0


def telling(room) -> PaidTelling:
    """How an office tells that was made without a store."""
    return PaidTelling(Unread(), lambda: room.paid(), lambda: (), single=False)


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
    room._telling = telling(room)
    slow = Slow(tables)
    keeper = slow.keeper = Overtaken(journal, Told(slow, room))
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

    room.paid, room._look, room._spoken, room._greeted = paid, look, {silent}, deque()
    room._telling = telling(room)
    room.neighbors = Heard()
    line = _Line(Heard())
    hello = {"name": "w2", "writer": f"w2-{'0' * 24}", "others": [killed], "paid": []}
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


def opened(folder, ours: str) -> OfficeRoom:
    """An office that has just started and knows of no payment yet."""
    room = OfficeRoom.__new__(OfficeRoom)
    room.config, room.journal = SimpleNamespace(journal=folder), SimpleNamespace(writer=ours)
    room._lines, room._writers, room._whole, room._read = set(), set(), set(), ReadToTheEnd()
    room._spoken, room._greeted, room.neighbors = set(), deque(), Heard()

    async def paid():
        return ()

    async def look(): ...

    room.paid, room._look = paid, look
    room._telling = telling(room)
    return room


async def test_what_was_paid_when_the_office_ended_is_told_before_anybody_goes_on(tmp_path):
    """Whoever speaks first is welcomed only when the other has told its latest payments, and hears of them before."""
    first, second, ours = (f"{name}-{'0' * 24}" for name in ("w1", "w2", "office"))
    locks = [WriterLock(tmp_path, each) for each in (first, second, ours)]
    room = opened(tmp_path, ours)
    lines = {first: _Line(Heard()), second: _Line(Heard())}
    units = {each: [{"key": each, "paid_at": 1_795_000_000}] for each in lines}

    def greet(writer: str) -> asyncio.Task[None]:
        hello = {"name": writer[:2], "writer": writer, "others": [], "paid": units[writer]}
        return asyncio.create_task(room._welcome(lines[writer], hello))

    welcome = greet(first)
    done, _ = await asyncio.wait({welcome}, timeout=0.1)
    assert not done
    later = greet(second)
    await asyncio.wait_for(asyncio.gather(welcome, later), 30)
    for one, other in ((first, second), (second, first)):
        assert units[other] in lines[one].channel.of("paid")
        assert units[one] not in lines[one].channel.of("paid")
    assert room.neighbors.of("paid") == [units[first], units[second]]
    for lock in locks:
        lock.release()


async def test_one_that_lives_and_never_speaks_holds_nobody_up_for_long(tmp_path):
    stuck, speaks, ours = (f"{name}-{'0' * 24}" for name in ("w1", "w2", "office"))
    locks = [WriterLock(tmp_path, each) for each in (stuck, speaks, ours)]
    room, line = opened(tmp_path, ours), _Line(Heard())
    hello = {"name": "w2", "writer": speaks, "others": [], "paid": []}
    welcome = asyncio.create_task(room._welcome(line, hello))
    done, _ = await asyncio.wait({welcome}, timeout=0.1)
    assert not done, "it is waited for at first"
    await asyncio.wait_for(welcome, 30)
    assert line.unsure is None
    assert stuck in line.channel.of("writers")[-1], "and watched from then on"
    for lock in locks:
        lock.release()


class Heeded(OtherWriters):
    """Watches as it does, and keeps what it was told of who tells."""

    def __init__(self, folder) -> None:
        super().__init__(folder)
        self.said: list[bool] = []

    def hear(self, *, heard: bool) -> None:
        self.said.append(heard)
        super().hear(heard=heard)


async def test_a_worker_tells_its_latest_payments_to_whoever_comes_and_to_every_office(tmp_path):
    ours, other = f"w1-{'0' * 24}", f"w2-{'0' * 24}"
    heard: list[tuple[str, object]] = []
    channels: list[Channel] = []
    got = asyncio.Event()

    async def answer(name, given):
        heard.append((name, given))

    def hear(name, given):
        heard.append((name, given))
        got.set()

    async def met(reader, writer):
        channels.append(Channel(reader, writer, answer=answer, hear=hear))
        await channels[-1].run()

    async def nothing(*_):
        return []

    server = await asyncio.start_unix_server(met, tmp_path / "office")
    lock, others = WriterLock(tmp_path, other), Heeded(tmp_path)
    line = OfficeLine(
        tmp_path / "office", "w1", RevocationFeed(), writer=ours, others=others, learn=lambda units: None,
        used=lambda *_: None, closed=lambda: None, recall=nothing, take_up=nothing, withdraw=lambda found: None,
    )  # fmt: skip
    assert line.told, "nothing was paid for"
    record = PAID_FETCH
    units = PAID.dump_python(paid_units((record,)), mode="json")
    line.tell_paid(record, alone=True)
    assert not line.told
    run = asyncio.create_task(line.run())
    await asyncio.wait_for(line.known.wait(), 30)
    hello = {"name": "w1", "writer": ours, "others": [], "paid": units, "place": 0}
    assert heard == [("hello", hello)]
    assert line.told
    line.tell_paid(record, alone=True)
    channels[0].tell("place", 7)
    channels[0].tell("writers", [ours, other])
    await asyncio.wait_for(got.wait(), 30)
    assert heard[1:] == [("paid", units)], "told once there is somebody, and not before"
    got.clear()
    line.tell_paid(record, alone=True)
    await asyncio.wait_for(got.wait(), 30)
    channels[0].close()
    async with asyncio.timeout(30):
        while [name for name, _ in heard].count("hello") < 2:
            await asyncio.sleep(0.01)
        while others.said != [True, False, True]:
            await asyncio.sleep(0.01)
    assert heard[-1] == ("hello", {**hello, "others": [other], "place": 7})
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    assert not line.told, "the office is not there to hear"
    server.close()
    others.close()
    lock.release()


async def test_one_that_ended_well_and_told_not_everything_leaves_its_lock_behind(tmp_path):
    for told in (True, False):
        journal = Journal.open(tmp_path, "w1", clock=HandClock(), reserve_bytes=0)
        await journal.close(told=told)
        assert not lives(tmp_path, journal.writer)
        assert (journal.writer in named(tmp_path)) is not told
