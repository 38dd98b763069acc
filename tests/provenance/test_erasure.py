"""What is personal goes in time; what is still written or young stays."""

from __future__ import annotations

import os

import pytest

from gateway.provenance.append_file import AppendFile, Disk
from gateway.provenance.audit import audit
from gateway.provenance.erasure import NO_SALT, Forgotten, Trait, cut, forget_details, is_cut, waiting
from gateway.provenance.frames import SealedDetail, detail_frame, entry_frame
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Keeper
from gateway.provenance.record import FetchDetail
from gateway.provenance.segments import segment_name


@pytest.fixture
def segment(folder, new_record, new_detail, detail_salt):
    """Makes file *number* with one entry and details of the given times; closed."""
    folder.mkdir()

    def make(number: int, *times: int, close: bool = True) -> AppendFile:
        file = AppendFile(folder / segment_name("w0", "0" * 24, number), Disk())
        record = new_record(number)
        details = (SealedDetail(record.id, detail_salt, time_us, new_detail(number)) for time_us in times)
        file.append(entry_frame("fetch", record.canonical(), bytes(32)), b"".join(map(detail_frame, details)))
        if close:
            file.close()
        return file

    return make


async def test_only_files_that_are_wholly_older_are_erased(folder, folding, segment) -> None:
    segment(1, 10, 20)
    segment(2, 10, 30)
    assert await forget_details(folder, folding, 30) == Forgotten(0, 1)
    assert [path.name[-5] for path in folder.glob("*.det")] == ["2"]
    assert len(list(folder.glob("*.seg"))) == 2
    assert await forget_details(folder, folding, 30) == Forgotten(0, 0)


async def test_a_file_that_is_still_written_is_left_to_its_writer(folder, folding, segment) -> None:
    file = segment(1, 10, close=False)
    assert (await forget_details(folder, folding, 30)).files == 0
    file.close()
    assert (await forget_details(folder, folding, 30)).files == 1


async def test_a_damaged_file_is_as_old_as_its_last_change(folder, folding, segment) -> None:
    details = segment(1, 10).path.with_suffix(".det")
    details.write_bytes(b"garbled")
    assert (await forget_details(folder, folding, 30)).files == 0
    os.utime(details, ns=(20_000, 20_000))
    assert (await forget_details(folder, folding, 30)).files == 1


async def test_stored_details_are_forgotten_by_age(folder, folding, segment) -> None:
    segment(1, 10)
    segment(2, 40)
    await Keeper(folder, folding).catch_up()
    assert await forget_details(folder, folding, 30) == Forgotten(1, 0)
    assert [detail.time_us for detail in folding.details.values()] == [40]


async def test_a_quiet_journal_lets_go_of_details_within_a_day(
    folder, folding, clock, new_record, new_detail, detail_salt
) -> None:
    journal = Journal.open(folder, "w0", clock=clock, reserve_bytes=0)
    await journal.keep(new_record(1), new_detail(1), detail_salt)
    clock.advance(86_400)
    await journal.flush()
    await journal.keep(new_record(2), new_detail(2), detail_salt)
    keeper = Keeper(folder, folding)
    await keeper.catch_up()
    await keeper.catch_up()
    left = b"".join(path.read_bytes() for path in folder.glob("*.det"))
    assert b"192.0.2.1" not in left
    assert b"192.0.2.2" in left
    await journal.close()


@pytest.mark.parametrize(
    ("address", "left"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("unix:", ""),
        ("", ""),
    ],
)
def test_of_a_cut_detail_its_network_is_left(address, left) -> None:
    detail = FetchDetail(address, "127.0.0.1", "GPTBot", "https://a.example/", "q=1", ("x",))
    assert cut(detail) == FetchDetail(left)
    assert is_cut(cut(detail))
    assert not is_cut(detail)


@pytest.mark.parametrize("address", ["203.0.113.9", "203.0.113.0/25", "0.0.0.0/0", "somebody"])
def test_what_says_more_than_a_network_is_not_cut(address) -> None:
    assert not is_cut(FetchDetail(address))


def test_an_audit_forgives_what_was_cut_and_nothing_else(folder, new_record, new_detail, segment) -> None:
    segment(1)
    record = new_record(1)
    for salt, detail, faults in (
        (NO_SALT, FetchDetail("203.0.113.0/24"), 0),
        (NO_SALT, FetchDetail(), 0),
        (NO_SALT, FetchDetail("203.0.113.0/24", user_agent="made up"), 1),
        (NO_SALT, FetchDetail("203.0.113.9"), 1),
        (bytes(32), FetchDetail("203.0.113.0/24"), 1),
    ):
        assert audit(folder, details=[SealedDetail(record.id, salt, 10, detail)]).fault_count == faults


def test_what_waits_in_a_file_of_the_day_is_counted(folder, segment, new_record, new_detail) -> None:
    file = segment(1, 10, 20, close=False)
    mine = new_detail(1)
    assert waiting(folder, Trait.AGENT, mine.user_agent) == 2
    assert waiting(folder, Trait.ADDRESS, mine.address) == 2
    assert waiting(folder, Trait.RECORD, new_record(1).id) == 2
    assert waiting(folder, Trait.ADDRESS, "198.51.100.1") == 0
    file.close()
