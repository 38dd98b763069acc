"""What was acknowledged is durable; what could not be made so is said, and the journal comes back."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.clock import HandClock, SystemClock
from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.provenance.append_file import Disk
from gateway.provenance.audit import audit
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Keeper
from gateway.provenance.record import JournalEntry, ShedNote
from gateway.provenance.segments import open_detail, open_entry, read_frames, readable, segments
from gateway.provenance.writers import lives


def entries(folder: Path) -> list[JournalEntry]:
    """Every entry that may be read now, file by file."""
    return [
        open_entry(frame).entry
        for path in segments(folder)
        for frame, _ in read_frames(path, end=readable(path).entries)
    ]


def ids(folder: Path) -> list[str]:
    return [entry.id for entry in entries(folder)]


async def until(true: Callable[[], bool]) -> None:
    """Wait for what another thread is about to bring about."""
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.005)


class Gate(Disk):
    """Counts syncs, holds them while `open` is not set, fails the acts told to."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.waiting = threading.Event()
        self.syncs = 0
        self.failing: dict[str, Exception] = {}
        self.free: int | None = None
        self.touched: list[str] = []
        self.given_up: set[str] = set()

    def write(self, descriptor: int, octets: memoryview) -> int:
        self.touched.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        return super().write(descriptor, octets)

    def sync(self, descriptor: int) -> None:
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        assert name not in self.given_up, "a failed file was synced again"
        self.syncs += 1
        self.waiting.set()
        assert self.open.wait(60)
        if "sync" in self.failing:
            self.given_up.add(name)
            raise self.failing["sync"]
        super().sync(descriptor)

    def truncate(self, path: Path, length: int) -> None:
        if "truncate" in self.failing:
            raise self.failing["truncate"]
        super().truncate(path, length)

    def free_bytes(self, folder: Path) -> int:
        return super().free_bytes(folder) if self.free is None else self.free


EIO = OSError(errno.EIO, "Input/output error")


@pytest.fixture
def disk() -> Gate:
    return Gate()


@pytest.fixture
async def journal(folder, clock, disk):
    opened = Journal.open(
        folder, "w0", clock=clock, reserve_bytes=0, queue_limit=20, retry_seconds=0, disk=disk
    )
    yield opened
    disk.open.set()
    await opened.close()


async def test_a_kept_entry_is_in_the_file_with_its_detail(
    journal, folder, new_record, new_detail, detail_salt
) -> None:
    record = new_record(1)
    await journal.keep(record, new_detail(1), detail_salt)
    assert entries(folder) == [record]
    [path] = segments(folder)
    [(frame, _)] = read_frames(path.with_suffix(".det"), end=readable(path).details)
    detail = open_detail(frame)
    assert (detail.id, detail.time_us, detail.detail) == (record.id, record.time_us, new_detail(1))
    assert detail.detail.commitment(detail.salt) == record.detail


async def test_every_entry_has_a_salt_of_its_own(journal, folder, new_record) -> None:
    await asyncio.gather(*(journal.keep(new_record(number)) for number in range(10)))
    salts = {open_entry(frame).salt for path in segments(folder) for frame, _ in read_frames(path)}
    assert len(salts) == 10
    assert {len(salt) for salt in salts} == {32}


async def test_nobody_is_woken_before_the_sync_and_a_batch_is_synced_once(journal, disk, new_record) -> None:
    disk.open.clear()
    disk.waiting.clear()
    first = asyncio.ensure_future(journal.keep(new_record(0)))
    await asyncio.to_thread(disk.waiting.wait)
    assert journal.state.bytes == 0
    rest = [asyncio.ensure_future(journal.keep(new_record(number))) for number in range(1, 15)]
    await asyncio.sleep(0)
    assert not first.done()
    before = disk.syncs
    calls: list[object] = []
    loop = asyncio.get_running_loop()
    call_soon_threadsafe = loop.call_soon_threadsafe

    def counted(callback, *args, **named):
        calls.append(callback)
        return call_soon_threadsafe(callback, *args, **named)

    loop.call_soon_threadsafe = counted
    try:
        disk.open.set()
        await asyncio.gather(first, *rest)
    finally:
        loop.call_soon_threadsafe = call_soon_threadsafe
    assert disk.syncs == before + 1
    assert len(calls) == 2


async def test_the_linger_never_holds_up_what_is_paid_or_waited_for(folder, clock, disk, new_record) -> None:
    journal = Journal.open(folder, "w0", clock=clock, reserve_bytes=0, linger_seconds=3600, disk=disk)
    async with asyncio.timeout(30):
        for number in range(0, 30, 3):
            journal.note(new_record(number, paid=False))
            await journal.keep(new_record(number + 1))
            journal.note(new_record(number + 2, paid=False))
            await journal.flush()
        assert ids(folder) == [new_record(number).id for number in range(30)]
        journal.note(new_record(30, paid=False))
        journal.note(new_record(31))
        await until(lambda: len(ids(folder)) == 32)
        journal.note(new_record(32, paid=False))
        await journal.close()
    assert ids(folder) == [new_record(number).id for number in range(33)]


async def test_unpaid_entries_gather_and_are_written_then_synced_once(
    folder, clock, disk, new_record
) -> None:
    journal = Journal.open(folder, "w0", clock=clock, reserve_bytes=0, linger_seconds=0, disk=disk)
    await journal.keep(new_record(0))
    [path] = segments(folder)
    before, size = disk.syncs, path.stat().st_size
    for number in range(1, 6):
        journal.note(new_record(number, paid=False))
        await until(lambda: path.stat().st_size > size)
        size = path.stat().st_size
    # The clock stands still, so it is the writer's own rest that ends in the sync; until then nobody reads them.
    await until(lambda: disk.syncs > before)
    await until(lambda: len(ids(folder)) == 6)
    assert disk.syncs <= before + 5
    await journal.close()


async def test_an_unpaid_entry_whose_late_sync_fails_is_shed_and_told(
    folder, clock, disk, new_record
) -> None:
    journal = Journal.open(
        folder, "w0", clock=clock, reserve_bytes=0, retry_seconds=0, linger_seconds=0, disk=disk
    )
    await journal.keep(new_record(0))
    disk.failing = {"sync": EIO}
    journal.note(new_record(1, paid=False))
    await until(lambda: journal.state.shed == 1)
    disk.failing = {}
    await until(lambda: journal.room(paid=True))
    await journal.keep(new_record(2))
    await journal.close()
    found = entries(folder)
    assert [entry.id for entry in found if not isinstance(entry, ShedNote)] == [
        new_record(0).id,
        new_record(2).id,
    ]
    assert [(entry.count, entry.reason) for entry in found if isinstance(entry, ShedNote)] == [
        (1, "unavailable")
    ]
    assert audit(folder).ok


async def test_what_was_noted_is_durable_after_a_flush(journal, folder, new_record) -> None:
    for number in range(5):
        journal.note(new_record(number, paid=number % 2 == 0))
    await journal.flush()
    assert ids(folder) == [new_record(number).id for number in range(5)]
    assert journal.state.healthy
    assert journal.state.queued == 0


async def test_unpaid_entries_are_shed_first_and_a_note_tells_how_many(
    journal, disk, folder, clock, new_record
) -> None:
    disk.open.clear()
    disk.waiting.clear()
    kept = asyncio.ensure_future(journal.keep(new_record(0)))
    await asyncio.to_thread(disk.waiting.wait)
    for number in range(1, 11):
        assert journal.room(paid=False)
        journal.note(new_record(number, paid=False))
    assert not journal.room(paid=False)
    assert journal.room(paid=True)
    since = clock.now_us()
    for number in range(11, 18):
        journal.note(new_record(number, paid=False, site="journal" if number < 15 else "radio"))
        clock.advance(1)
    for number in range(18, 28):
        journal.note(new_record(number))
    assert not journal.room(paid=True)
    assert journal.state.shed == 7
    assert not journal.state.healthy
    with pytest.raises(StoreUnavailable, match="wait for the disk"):
        await journal.keep(new_record(99))
    disk.open.set()
    await kept
    await journal.close()
    found = entries(folder)
    notes = [entry for entry in found if isinstance(entry, ShedNote)]
    assert [(note.site, note.count, note.reason) for note in notes] == [
        ("journal", 4, "queue"),
        ("radio", 3, "queue"),
    ]
    assert notes[0].since_us == since
    assert notes[1].since_us == since + 4_000_000
    assert [entry.id for entry in found if entry not in notes] == [
        new_record(number).id for number in (*range(11), *range(18, 28))
    ]


async def test_the_last_of_the_disk_is_for_paid_entries(folder, clock, disk, new_record) -> None:
    disk.free = 2_000_000
    journal = Journal.open(folder, "w0", clock=clock, reserve_bytes=1_000_000, disk=disk)
    assert journal.room(paid=False)
    for free, paid, unpaid in [(1_999_999, True, False), (999_999, False, False), (5_000_000, True, True)]:
        disk.free = free
        await journal.flush()
        await until(
            lambda paid=paid, unpaid=unpaid: (
                (journal.room(paid=True), journal.room(paid=False)) == (paid, unpaid)
            )
        )
        assert journal.state.healthy is paid
        assert bool(journal.state.reason) is not paid
        journal.note(new_record(free, paid=False))
        await journal.keep(new_record(free + 1))
    await journal.close()
    notes = [entry for entry in entries(folder) if isinstance(entry, ShedNote)]
    assert [(note.count, note.reason) for note in notes] == [(2, "disk")]


async def test_a_failed_sync_is_said_taken_back_and_never_tried_again_on_that_file(
    journal, disk, folder, new_record
) -> None:
    await journal.keep(new_record(0))
    [first] = segments(folder)
    disk.open.clear()
    disk.waiting.clear()
    disk.failing = {"sync": EIO}
    waiting = [asyncio.ensure_future(journal.keep(new_record(1)))]
    await asyncio.to_thread(disk.waiting.wait)
    waiting.append(asyncio.ensure_future(journal.keep(new_record(2))))
    journal.note(new_record(3))
    journal.note(new_record(4, paid=False))
    await asyncio.sleep(0)
    touched = len(disk.touched)
    disk.open.set()
    for told in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(told, StoreUnavailable)
        assert "Input/output error" in str(told)
    assert not journal.room(paid=True)
    assert "Input/output error" in journal.state.reason
    with pytest.raises(StoreUnavailable):
        await journal.keep(new_record(5))
    disk.failing = {}
    await until(lambda: journal.room(paid=True))
    await journal.keep(new_record(6))
    await journal.close()
    assert str(first) not in disk.touched[touched:]
    assert [new_record(number).id for number in (0, 3, 6)] == [
        entry.id for entry in entries(folder) if not isinstance(entry, ShedNote)
    ]
    assert [(entry.count, entry.reason) for entry in entries(folder) if isinstance(entry, ShedNote)] == [
        (1, "unavailable")
    ]
    assert len(segments(folder)) == 2
    assert audit(folder).ok


async def test_while_nothing_can_be_written_the_writer_rests_whatever_is_queued(
    folder, disk, new_record
) -> None:
    class Counting(HandClock):
        asked = 0

        def monotonic(self) -> float:
            self.asked += 1
            return super().monotonic()

    clock = Counting()
    journal = Journal.open(folder, "w0", clock=clock, reserve_bytes=0, retry_seconds=3600, disk=disk)
    disk.failing = {"sync": EIO}
    with pytest.raises(StoreUnavailable):
        await journal.keep(new_record(0))
    for number in range(1, 6):
        journal.note(new_record(number))
    before = clock.asked
    for _ in range(100):
        await asyncio.sleep(0.002)
    assert clock.asked < before + 50
    assert journal.state.queued == 5
    disk.failing = {}
    await journal.close()
    assert ids(folder) == [new_record(number).id for number in range(1, 6)]


async def test_while_a_failed_append_cannot_be_taken_back_nobody_folds_it(
    journal, disk, folder, folding, new_record
) -> None:
    await journal.keep(new_record(0))
    disk.failing = {"sync": EIO, "truncate": EIO}
    with pytest.raises(StoreUnavailable):
        await journal.keep(new_record(1))
    del disk.failing["sync"]
    await until(lambda: journal.room(paid=True))
    await journal.keep(new_record(2))
    keeper = Keeper(folder, folding)
    assert await keeper.catch_up() == 2
    assert [row.id for row in folding.rows] == [new_record(0).id, new_record(2).id]
    disk.failing = {}
    await journal.close()
    await keeper.catch_up()
    assert [row.id for row in folding.rows] == [new_record(0).id, new_record(2).id]
    assert ids(folder) == [new_record(0).id, new_record(2).id]


async def test_a_writer_that_breaks_leaves_nobody_waiting(journal, disk, folder, new_record, caplog) -> None:
    await journal.keep(new_record(0))
    disk.failing = {"sync": RuntimeError("a mistake of ours")}
    told = await asyncio.gather(
        *(journal.keep(new_record(number)) for number in range(1, 4)), return_exceptions=True
    )
    assert [type(each) for each in told] == [StoreUnavailable] * 3
    disk.failing = {}
    assert not journal.room(paid=True)
    assert "a mistake of ours" in journal.state.reason
    with pytest.raises(StoreUnavailable):
        await journal.keep(new_record(4))
    await journal.close()
    assert ids(folder) == [new_record(0).id]


async def test_an_entry_without_bytes_fails_alone(journal, folder, new_record) -> None:
    bad, good = new_record(1, path="/\udcff"), new_record(2)
    journal.note(new_record(3, path="/\udcff"))
    told = await asyncio.gather(journal.keep(bad), journal.keep(good), return_exceptions=True)
    assert isinstance(told[0], StoreUnavailable)
    assert told[1] is None
    await journal.close()
    [note] = [entry for entry in entries(folder) if isinstance(entry, ShedNote)]
    assert (note.count, note.reason) == (1, "unwritable")
    assert sorted(ids(folder)) == sorted([good.id, note.id])


async def test_a_canceled_waiter_does_not_disturb_the_others(journal, disk, folder, new_record) -> None:
    disk.open.clear()
    disk.waiting.clear()
    first = asyncio.ensure_future(journal.keep(new_record(0)))
    await asyncio.to_thread(disk.waiting.wait)
    first.cancel()
    second = asyncio.ensure_future(journal.keep(new_record(1)))
    await asyncio.sleep(0)
    disk.open.set()
    await second
    assert first.cancelled()
    assert ids(folder) == [new_record(0).id, new_record(1).id]


async def test_files_follow_each_other_by_size_and_by_age(folder, clock, new_record) -> None:
    journal = Journal.open(
        folder, "w0", clock=clock, reserve_bytes=0, segment_bytes=3000, segment_seconds=3600
    )
    for number in range(10):
        await journal.keep(new_record(number))
    await until(lambda: len(segments(folder)) >= 3)
    await journal.keep(new_record(10))
    latest = segments(folder)[-1]
    clock.advance(3601)
    await journal.keep(new_record(11))
    await until(lambda: segments(folder)[-1] != latest)
    assert lives(folder, journal.writer)
    await journal.keep(new_record(12))
    await journal.close()
    assert ids(folder) == [new_record(number).id for number in range(13)]
    assert {path.name.rsplit("-", 1)[0] for path in segments(folder)} == {journal.writer}
    assert not lives(folder, journal.writer)


async def test_a_closed_journal_takes_nothing_and_says_so(journal, folder, new_record) -> None:
    journal.note(new_record(1))
    await journal.close()
    await journal.close()
    assert ids(folder) == [new_record(1).id]
    assert not journal.room(paid=True)
    journal.note(new_record(2))
    assert journal.state.shed == 1
    for act in (journal.keep(new_record(3)), journal.flush()):
        with pytest.raises(StoreUnavailable):
            await act
    assert not list(folder.glob("*.end"))


async def test_two_boots_and_two_workers_write_beside_each_other(folder, clock, new_record) -> None:
    for number, worker in enumerate(["w0", "w0", "w1"]):
        journal = Journal.open(folder, worker, clock=clock)
        await journal.keep(new_record(number))
        await journal.close()
    assert len(segments(folder)) == 3
    assert sorted(ids(folder)) == [new_record(number).id for number in range(3)]


async def test_the_folder_is_private(folder, clock) -> None:
    folder.mkdir(mode=0o755)
    await Journal.open(folder, "w0", clock=clock).close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    await Journal.open(folder / "deeper" / "still", "w0", clock=clock).close()
    assert stat.S_IMODE((folder / "deeper" / "still").stat().st_mode) == 0o700


def test_a_folder_that_is_none_is_a_configuration_error(tmp_path, clock) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "journal"):
        with pytest.raises(ConfigurationError, match="must be able to write"):
            Journal.open(folder, "w0", clock=clock)


def test_a_read_only_folder_is_a_configuration_error(mount, clock) -> None:
    place = mount("ro,size=1m")
    for folder in (place, place / "journal"):
        with pytest.raises(ConfigurationError, match=r"must be able to write.*Read-only file system"):
            Journal.open(folder, "w0", clock=clock)


def test_a_full_disk_at_the_start_is_a_configuration_error(mount, clock) -> None:
    place = mount("size=64k")
    (place / "ballast").write_bytes(bytes(64 << 10))
    with pytest.raises(ConfigurationError, match="No space left on device"):
        Journal.open(place, "w0", clock=clock)
    assert os.listdir(place) == ["ballast"]


async def test_a_full_disk_loses_nothing_acknowledged_and_space_brings_the_journal_back(
    mount, new_record
) -> None:
    place = mount("size=512k")
    ballast = place / "ballast"
    ballast.write_bytes(bytes(256 << 10))
    folder = place / "journal"
    journal = Journal.open(folder, "w0", clock=SystemClock(), reserve_bytes=0, retry_seconds=0.01)
    kept, failed = [], []

    async def keep(number: int) -> None:
        try:
            await journal.keep(new_record(number))
        except StoreUnavailable as error:
            failed.append(new_record(number).id)
            assert "No space left on device" in str(error)
        else:
            kept.append(new_record(number).id)

    number = 0
    while not failed:
        await asyncio.gather(*(keep(number + more) for more in range(8)))
        number += 8
    assert len(kept) > 50
    assert not journal.state.healthy
    ballast.unlink()
    await until(lambda: journal.room(paid=True))
    await journal.keep(new_record(number))
    await journal.close()
    assert sorted(ids(folder)) == sorted([*kept, new_record(number).id])
    assert not set(failed) & set(ids(folder))
    assert audit(folder).ok


CHILD = """
    import asyncio, resource, sys
    from pathlib import Path
    from gateway.clock import SystemClock
    from gateway.problems import StoreUnavailable
    from gateway.provenance.journal import Journal
    from gateway.provenance.record import BookEntry

    folder, first, limit = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

    async def keep(journal, number):
        entry = BookEntry(f"{number:020d}", number, "credit", "journal", "acme", 1, "USD", memo="x" * (number % 700))
        while True:
            try:
                await journal.keep(entry)
            except StoreUnavailable:
                print("again", flush=True)
                await asyncio.sleep(0.001)
                continue
            print(entry.id, flush=True)
            return

    async def main():
        journal = Journal.open(folder, "w0", clock=SystemClock(), segment_bytes=60_000, retry_seconds=0.001)
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        number = first
        while not limit or number < first + 200:
            await asyncio.gather(*(keep(journal, number + more) for more in range(8)))
            number += 8
        await journal.close()

    asyncio.run(main())
"""


def child(folder: Path, first: int, limit: int = 0) -> subprocess.Popen[bytes]:
    """A process that keeps entries numbered from *first* and prints each id once it is acknowledged."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(folder), str(first), str(limit)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
    )


async def killed(folder: Path, folding, rounds: int) -> tuple[int, int]:
    """Kill a writer *rounds* times at random points; return how many ids were acknowledged and torn tails cut."""
    dice = random.Random(20261123)
    acknowledged: set[str] = set()
    torn = 0
    for round in range(rounds):
        process = child(folder, round * 1_000_000)
        seen = [process.stdout.readline() for _ in range(dice.randrange(1, 400))]
        process.kill()
        seen += process.stdout.read().splitlines(keepends=True)
        process.stdout.close()
        process.wait()
        lines = [line for line in seen if line.endswith(b"\n")]
        assert lines
        acknowledged.update(line.decode().strip() for line in lines)
        if round % 2:
            keeper = Keeper(folder, folding)
            await keeper.catch_up()
            torn += len(keeper.state.torn)
            assert not keeper.state.damaged
    written = ids(folder)
    assert acknowledged <= set(written)
    assert len(written) == len(set(written))
    await Keeper(folder, folding).catch_up()
    assert [row.id for row in folding.rows] == written
    report = audit(folder, folding.rows, positions=folding.offsets)
    assert report.ok, report.first
    assert report.unfolded == 0
    return len(acknowledged), torn


async def test_twenty_kills_lose_nothing_acknowledged(folder, folding) -> None:
    acknowledged, _ = await killed(folder, folding, 20)
    assert acknowledged > 1000


@pytest.mark.night
@pytest.mark.timeout(3600)
async def test_a_thousand_kills_lose_nothing_acknowledged(folder, folding, capsys) -> None:
    acknowledged, torn = await killed(folder, folding, 1000)
    with capsys.disabled():
        assert acknowledged > 1000
        print(f"\n1000 kills: {acknowledged} acknowledged, 0 lost, {torn} torn tails cut")


def test_a_limit_on_the_size_of_files_starts_the_next_and_loses_nothing(folder) -> None:
    process = child(folder, 0, 20_000)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    lines = output.decode().split()
    assert "again" in lines
    kept = [line for line in lines if line != "again"]
    assert len(kept) == 200
    assert sorted(ids(folder)) == sorted(kept)
    assert all(path.stat().st_size <= 20_000 for path in segments(folder))
    assert len(segments(folder)) > 3


async def test_a_clock_that_stands_still_or_goes_back_changes_nothing(folder, new_record) -> None:
    clock = HandClock()
    journal = Journal.open(folder, "w0", clock=clock)
    await journal.keep(new_record(1))
    clock.wall_us -= 3_600_000_000
    await journal.keep(new_record(2))
    await journal.close()
    assert ids(folder) == [new_record(1).id, new_record(2).id]
