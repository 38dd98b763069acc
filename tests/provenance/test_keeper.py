"""Every entry is folded once, in order, whatever breaks in between."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.problems import StoreUnavailable
from gateway.provenance.append_file import AppendFile, Disk
from gateway.provenance.frames import SealedDetail, detail_frame, entry_frame
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import BATCH_LIMIT, Keeper, KeeperLock
from gateway.provenance.record import ShedNote
from gateway.provenance.segments import DETAIL_HEADER, ENTRY_HEADER, segment_name, segments

BOOT = "0" * 24


def frame_of(record) -> bytes:
    return entry_frame(record.kind, record.canonical(), bytes(32))


def make_segment(folder: Path, number: int, records, details: bytes = b"", tail: bytes = b"") -> Path:
    """A segment whose writer is gone."""
    folder.mkdir(exist_ok=True)
    path = folder / segment_name("w0", BOOT, number)
    path.write_bytes(ENTRY_HEADER + b"".join(map(frame_of, records)) + tail)
    path.with_suffix(".det").write_bytes(DETAIL_HEADER + details)
    path.with_suffix(".end").write_bytes(b"left behind")
    return path


@pytest.fixture
def detail_of(new_detail, detail_salt):
    """The framed detail of record number *n*."""

    def make(number: int) -> bytes:
        record_id = f"01900000-0000-7000-8000-{number:012x}"
        return detail_frame(SealedDetail(record_id, detail_salt, number, new_detail(number)))

    return make


def stored(folding) -> list[str]:
    return [row.id for row in folding.rows]


async def test_a_live_journal_is_folded_with_its_details(
    folder, clock, folding, new_record, new_detail, detail_salt
) -> None:
    journal = Journal.open(folder, "w0", clock=clock, reserve_bytes=0)
    keeper = Keeper(folder, folding)
    assert await keeper.catch_up() == 0
    for number in range(3):
        await journal.keep(new_record(number), new_detail(number), detail_salt)
    assert await keeper.catch_up() == 3
    assert await keeper.catch_up() == 0
    assert list(folding.details) == stored(folding) == [new_record(number).id for number in range(3)]
    assert [row.seq for row in folding.rows] == [1, 2, 3]
    assert list(folder.glob("*.det")), "a file that is still written was deleted"
    await journal.keep(new_record(3))
    await journal.close()
    assert await keeper.catch_up() == 1
    assert not list(folder.glob("*.det"))
    assert len(segments(folder)) == 1
    assert keeper.state.healthy


async def test_what_is_not_durable_yet_is_not_folded(folder, folding, new_record) -> None:
    class Slow(Disk):
        hold = threading.Event()

        def sync(self, descriptor: int) -> None:
            if self.hold.is_set():
                raise OSError(5, "Input/output error")
            super().sync(descriptor)

    folder.mkdir()
    file = AppendFile(folder / segment_name("w0", BOOT, 1), Slow())
    file.append(frame_of(new_record(0)), b"")
    Slow.hold.set()
    with pytest.raises(OSError):
        file.append(frame_of(new_record(1)), b"")
    assert await Keeper(folder, folding).catch_up() == 1
    assert file.take_back()
    assert await Keeper(folder, folding).catch_up() == 0


async def test_batches_are_bounded_and_span_files(folder, folding, new_record) -> None:
    count = BATCH_LIMIT * 2 + 100
    make_segment(folder, 1, [new_record(number) for number in range(100)])
    make_segment(folder, 2, [new_record(number) for number in range(100, count)])
    assert await Keeper(folder, folding).catch_up() == count
    assert stored(folding) == [new_record(number).id for number in range(count)]
    assert [len(batch.entries) for batch in folding.batches] == [BATCH_LIMIT, BATCH_LIMIT, 100]
    assert len(folding.batches[0].positions) == 2


async def test_more_details_than_entries_are_folded_in_bounded_batches(folder, folding, detail_of) -> None:
    count = BATCH_LIMIT + 10
    make_segment(folder, 1, [], b"".join(map(detail_of, range(count))))
    assert await Keeper(folder, folding).catch_up() == 0
    assert len(folding.details) == count
    assert max(len(batch.details) for batch in folding.batches) == BATCH_LIMIT
    assert not list(folder.glob("*.det"))


async def test_a_torn_tail_is_cut_and_reported_once(folder, folding, new_record) -> None:
    whole = frame_of(new_record(9))
    path = make_segment(folder, 1, [new_record(1)], tail=whole[:-3])
    keeper = Keeper(folder, folding)
    assert await keeper.catch_up() == 1
    [torn] = keeper.state.torn
    assert (torn.file, torn.size - torn.kept) == (path.name, len(whole) - 3)
    assert path.stat().st_size == torn.kept
    assert not path.with_suffix(".end").exists()
    assert keeper.state.healthy
    again = Keeper(folder, folding)
    assert await again.catch_up() == 0
    assert again.state.torn == ()


async def test_details_that_power_took_after_they_were_folded_are_no_damage(
    folder, folding, new_record, detail_of
) -> None:
    path = make_segment(folder, 1, [new_record(1)], detail_of(1))
    personal = path.with_suffix(".det")
    folding.offsets[personal.name] = personal.stat().st_size
    personal.write_bytes(DETAIL_HEADER)  # they are not synced
    keeper = Keeper(folder, folding)
    assert await keeper.catch_up() == 1
    assert keeper.state.healthy
    assert not personal.exists()


async def test_damage_stops_its_file_is_told_and_harms_no_other(
    folder, folding, new_record, detail_of
) -> None:
    path = make_segment(folder, 1, [new_record(number) for number in range(4)], detail_of(0))
    make_segment(folder, 2, [new_record(7)])
    octets = bytearray(path.read_bytes())
    at = len(ENTRY_HEADER) + len(frame_of(new_record(0))) + len(frame_of(new_record(1)))
    octets[at + 20] ^= 1
    path.write_bytes(octets)
    keeper = Keeper(folder, folding)
    assert await keeper.catch_up() == 3
    assert stored(folding) == [new_record(number).id for number in (0, 1, 7)]
    assert not keeper.state.healthy
    [told] = keeper.state.damaged
    assert path.name in told
    assert f"offset {at}" in told
    assert path.stat().st_size == len(octets)
    assert await keeper.catch_up() == 0


async def test_an_entry_of_a_later_version_stops_its_file(folder, folding, new_record) -> None:
    later = new_record(1).canonical().replace(b'"v":1', b'"v":2')
    make_segment(folder, 1, [new_record(0)], tail=entry_frame("fetch", later, bytes(32)))
    keeper = Keeper(folder, folding)
    assert await keeper.catch_up() == 1
    assert "version 2" in keeper.state.damaged[0]


async def test_a_position_that_fits_no_frame_cuts_nothing(folder, folding, new_record) -> None:
    path = make_segment(folder, 1, [new_record(0)])
    size = path.stat().st_size
    folding.offsets[path.name] = size - 5
    await Keeper(folder, folding).catch_up()
    assert path.stat().st_size == size


async def test_the_same_entry_in_two_files_is_folded_once(folder, folding, new_record) -> None:
    make_segment(folder, 1, [new_record(0), new_record(1)])
    make_segment(folder, 2, [new_record(1), new_record(2)])
    assert await Keeper(folder, folding).catch_up() == 3
    assert stored(folding) == [new_record(number).id for number in range(3)]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=25,
    deadline=None,
)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10)), min_size=1, max_size=4),
    st.lists(st.sampled_from(["before", "after", ""]), max_size=12),
)
async def test_crashes_between_any_two_steps_fold_each_entry_once(
    tmp_path_factory, folding, new_record, detail_of, sizes, crashes
) -> None:
    folder = tmp_path_factory.mktemp("crashes")
    folding.__init__()
    first = 0
    for number, (count, torn) in enumerate(sizes, start=1):
        records = [new_record(first + at) for at in range(count)]
        details = b"".join(detail_of(first + at) for at in range(count))
        make_segment(folder, number, records, details, frame_of(new_record(999))[:torn])
        first += count
    plan = iter(crashes)
    due: dict[int, str] = {}

    def fails(call: int, when: str) -> bool:
        return due.setdefault(call, next(plan, "")) == when

    folding.fails = fails
    for _ in range(len(crashes) + 1):
        try:
            # A crash ends the process: the next keeper knows only what the store knows.
            await Keeper(folder, folding).catch_up()
        except StoreUnavailable:
            continue
        break
    assert stored(folding) == [new_record(at).id for at in range(first)]
    assert [row.seq for row in folding.rows] == list(range(1, first + 1))
    assert set(folding.details) == set(stored(folding))
    assert not list(folder.glob("*.det"))
    for path in segments(folder):
        assert path.stat().st_size == folding.offsets.get(path.name, len(ENTRY_HEADER))


async def test_a_store_that_is_away_is_asked_again(folder, folding, clock, new_record) -> None:
    journal = Journal.open(folder, "w0", clock=clock, reserve_bytes=0)
    await journal.keep(new_record(0))
    keeper = Keeper(folder, folding, poll_seconds=60, pause_seconds=0.001)
    down, met = True, asyncio.Event()

    def fails(call: int, when: str) -> bool:
        if call > 3:
            met.set()
        return down

    folding.fails = fails
    stop, wake = asyncio.Event(), asyncio.Event()
    running = asyncio.ensure_future(keeper.run(stop, wake))
    await asyncio.wait_for(met.wait(), 30)
    assert "store went away" in keeper.state.reason
    assert not keeper.state.healthy
    down = False
    async with asyncio.timeout(30):
        while keeper.state.reason:
            await asyncio.sleep(0.005)
    assert stored(folding) == [new_record(0).id]
    await journal.keep(new_record(1))
    wake.set()
    async with asyncio.timeout(30):
        while len(folding.rows) < 2:
            await asyncio.sleep(0.005)
    await journal.keep(new_record(2))
    await journal.close()
    stop.set()
    await asyncio.wait_for(running, 30)
    assert stored(folding) == [new_record(number).id for number in range(3)]
    assert keeper.state.healthy


async def test_shed_notes_and_book_entries_are_folded_like_fetches(folder, folding) -> None:
    make_segment(folder, 1, [ShedNote("a", 2, 1, 3, "disk")])
    assert await Keeper(folder, folding).catch_up() == 1


async def test_a_folder_that_is_not_there_yet_is_empty(folder, folding) -> None:
    assert await Keeper(folder, folding).catch_up() == 0


def test_there_is_one_keeper_even_across_processes(tmp_path) -> None:
    asked = (
        "import sys; from pathlib import Path; from gateway.provenance.keeper import KeeperLock;"
        "print(KeeperLock.try_take(Path(sys.argv[1])) is not None)"
    )

    def other_gets_it() -> bool:
        answer = subprocess.run(
            [sys.executable, "-c", asked, str(tmp_path)], capture_output=True, check=True, text=True
        )
        return answer.stdout.strip() == "True"

    lock = KeeperLock.try_take(tmp_path)
    assert lock is not None
    with lock:
        assert KeeperLock.try_take(tmp_path) is None
        assert not other_gets_it()
    lock.release()
    assert other_gets_it()
    again = KeeperLock.try_take(tmp_path)
    assert again is not None
    again.release()
    assert oct(os.stat(tmp_path / "keeper.lock").st_mode)[-3:] == "600"


def test_a_lock_in_a_folder_that_is_not_there_is_an_error(tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        KeeperLock.try_take(tmp_path / "absent")


async def test_a_segment_damaged_after_it_was_folded_is_told_and_stops_nothing(
    folder, folding, new_record
) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    first = AppendFile(folder / segment_name("w0", "0" * 24, 1), Disk())
    for number in range(5):
        first.append(entry_frame("fetch", new_record(number).canonical(), bytes(32)), b"")
    first.close()
    assert await Keeper(folder, folding).catch_up() == 5
    path = folder / segment_name("w0", "0" * 24, 1)
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2] ^= 1
    path.write_bytes(octets)
    again = AppendFile(folder / segment_name("w1", "1" * 24, 1), Disk())
    again.append(entry_frame("fetch", new_record(9).canonical(), bytes(32)), b"")
    again.close()
    keeper = Keeper(folder, folding)
    assert await keeper.catch_up() == 1
    assert len(keeper.state.damaged) == 1


async def test_the_purses_of_a_writer_are_closed_when_it_is_gone_and_folded_and_not_before(
    folder, clock, folding, new_record
) -> None:
    journal, other = (Journal.open(folder, name, clock=clock, reserve_bytes=0) for name in ("w0", "w1"))
    folding.purses = {journal.writer, other.writer, "restored-" + BOOT}
    keeper = Keeper(folder, folding)
    assert await keeper.catch_up() == 0
    assert folding.purses == {journal.writer, other.writer}, "nobody ever heard of the third here"
    await journal.keep(new_record(0))
    await keeper.catch_up()
    assert folding.purses == {journal.writer, other.writer}
    await journal.keep(new_record(1))
    await journal.close()
    folding.fails = lambda _call, when: when == "before"
    with pytest.raises(StoreUnavailable):
        await keeper.catch_up()
    assert folding.purses == {journal.writer, other.writer}, "its last record is still to be folded"
    folding.fails = lambda _call, _when: False
    assert await keeper.catch_up() == 1
    assert folding.purses == {other.writer}
    await other.close()
    await keeper.catch_up()
    assert folding.purses == set()


async def test_a_writer_without_a_file_is_not_gone(folder, clock, folding, new_record) -> None:
    """The disk fails, every file of the writer is closed and folded, and still it will go on."""

    class Broken(Disk):
        broken = False

        def sync(self, descriptor: int) -> None:
            if self.broken:
                raise OSError(5, os.strerror(5))
            super().sync(descriptor)

    disk = Broken()
    journal = Journal.open(folder, "w0", clock=clock, reserve_bytes=0, disk=disk, retry_seconds=0.01)
    folding.purses = {journal.writer}
    await journal.keep(new_record(0))
    disk.broken = True
    with pytest.raises(StoreUnavailable):
        await journal.keep(new_record(1))
    keeper = Keeper(folder, folding)
    assert await keeper.catch_up() == 1
    assert not list(folder.glob("*.end")), "no file of it is written"
    assert folding.purses == {journal.writer}
    await journal.close()
    await keeper.catch_up()
    assert folding.purses == set()


async def test_a_writer_that_was_killed_keeps_its_purses_until_its_last_whole_record_is_folded(
    folder, folding, new_record
) -> None:
    make_segment(folder, 1, [new_record(number) for number in range(BATCH_LIMIT + 1)], tail=b"torn")
    writer = f"w0-{BOOT}"
    (folder / f"{writer}.live").touch()
    folding.purses = {writer}
    folding.fails = lambda call, when: (call, when) == (2, "before")
    with pytest.raises(StoreUnavailable):
        await Keeper(folder, folding).catch_up()
    assert folding.purses == {writer}
    folding.fails = lambda _call, _when: False
    assert await Keeper(folder, folding).catch_up() == 1
    assert folding.purses == set()
    assert not list(folder.glob("*.live"))


async def test_what_a_writer_recorded_just_before_it_died_is_folded_before_its_purses_are_closed(
    folder, folding, new_record
) -> None:
    folding.purses = {f"w0-{BOOT}"}
    purse_writers = folding.purse_writers

    async def dies_now() -> frozenset[str]:
        if not segments(folder):
            make_segment(folder, 1, [new_record(0)])
        return await purse_writers()

    folding.purse_writers = dies_now
    keeper = Keeper(folder, folding)
    assert await keeper.catch_up() == 0
    assert folding.purses == {f"w0-{BOOT}"}
    assert await keeper.catch_up() == 1
    assert folding.purses == set()
