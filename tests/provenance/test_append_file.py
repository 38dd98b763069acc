"""A failed append leaves the file as it was before, or locked until it can."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from gateway.provenance.append_file import AppendFile, Disk
from gateway.provenance.frames import SealedDetail, detail_frame, entry_frame
from gateway.provenance.record import FetchDetail, ShedNote
from gateway.provenance.segments import DETAIL_HEADER, ENTRY_HEADER, read_frames, readable, segment_name

ENTRY = entry_frame("shed", ShedNote("id", 2, 1, 1, "queue").canonical(), bytes(32))
DETAIL = detail_frame(SealedDetail("id", bytes(32), 1, FetchDetail("192.0.2.1")))


class Faulty(Disk):
    """Fails the acts named in *broken*; a write takes half of what it is given first."""

    def __init__(self) -> None:
        self.broken: set[str] = set()

    def write(self, descriptor: int, octets: memoryview) -> int:
        if "write" in self.broken:
            if len(octets) > 1:
                return super().write(descriptor, octets[: len(octets) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(descriptor, octets)

    def sync(self, descriptor: int) -> None:
        if "sync" in self.broken:
            raise OSError(errno.EIO, "Input/output error")
        super().sync(descriptor)

    def truncate(self, path, length: int) -> None:
        if "truncate" in self.broken:
            raise OSError(errno.EROFS, "Read-only file system")
        super().truncate(path, length)


@pytest.fixture
def disk() -> Faulty:
    return Faulty()


@pytest.fixture
def path(tmp_path):
    return tmp_path / segment_name("w0", "0" * 24, 1)


def names(path) -> list[str]:
    return sorted(found.suffix for found in path.parent.iterdir())


def test_the_three_files_are_private_whatever_the_umask(path, disk) -> None:
    before = os.umask(0)
    try:
        file = AppendFile(path, disk)
    finally:
        os.umask(before)
    assert names(path) == [".det", ".end", ".seg"]
    for found in path.parent.iterdir():
        assert stat.S_IMODE(found.stat().st_mode) == 0o600
    file.close()


def test_appends_follow_each_other(path, disk) -> None:
    file = AppendFile(path, disk)
    assert file.is_empty
    file.append(ENTRY, DETAIL)
    file.append(ENTRY, b"")
    assert not file.is_empty
    file.close()
    assert path.read_bytes() == ENTRY_HEADER + ENTRY * 2
    assert path.with_suffix(".det").read_bytes() == DETAIL_HEADER + DETAIL
    assert names(path) == [".det", ".seg"]


@pytest.mark.parametrize("fault", ["write", "sync"])
def test_a_failed_append_is_taken_back(path, disk, fault) -> None:
    file = AppendFile(path, disk)
    file.append(ENTRY, DETAIL)
    disk.broken = {fault}
    with pytest.raises(OSError):
        file.append(ENTRY * 3, DETAIL * 3)
    assert path.with_suffix(".det").stat().st_size > file.details_end
    assert file.take_back()
    assert path.read_bytes() == ENTRY_HEADER + ENTRY
    assert path.with_suffix(".det").read_bytes() == DETAIL_HEADER + DETAIL
    assert not readable(path).live


def test_where_nothing_can_be_taken_back_readers_are_held_off_until_it_can(path, disk) -> None:
    file = AppendFile(path, disk)
    file.append(ENTRY, DETAIL)
    disk.broken = {"sync", "truncate"}
    with pytest.raises(OSError):
        file.append(ENTRY, DETAIL)
    assert not file.take_back()
    assert path.stat().st_size == len(ENTRY_HEADER) + 2 * len(ENTRY)
    ends = readable(path)
    assert ends.live
    assert len(list(read_frames(path, end=ends.entries))) == 1
    disk.broken = set()
    assert file.take_back()
    assert len(list(read_frames(path, end=readable(path).entries))) == 1


def test_a_file_that_never_held_an_entry_goes(path, disk) -> None:
    AppendFile(path, disk).close()
    assert names(path) == []
    file = AppendFile(path, disk)
    disk.broken = {"sync"}
    with pytest.raises(OSError):
        file.append(ENTRY, b"")
    assert file.take_back()
    assert names(path) == []


@pytest.mark.parametrize("fault", ["write", "sync"])
def test_files_that_cannot_be_made_leave_nothing_behind(path, disk, fault) -> None:
    disk.broken = {fault}
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError):
        AppendFile(path, disk)
    assert names(path) == []
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_name_is_used_once_and_the_first_user_keeps_it(path, disk) -> None:
    file = AppendFile(path, disk)
    file.append(ENTRY, DETAIL)
    with pytest.raises(FileExistsError):
        AppendFile(path, disk)
    assert names(path) == [".det", ".end", ".seg"]
    file.append(ENTRY, b"")
    file.close()
    assert path.read_bytes() == ENTRY_HEADER + ENTRY * 2


def test_what_is_written_is_read_once_it_is_synced_and_goes_when_it_is_taken_back(path, disk) -> None:
    file = AppendFile(path, disk)
    file.append(ENTRY, DETAIL)
    file.write(ENTRY, DETAIL)
    file.write(ENTRY, b"")
    assert file.size == file.end + 2 * len(ENTRY) == path.stat().st_size
    assert len(list(read_frames(path, end=readable(path).entries))) == 1
    assert file.sync() == 2 * len(ENTRY)
    assert file.sync() == 0
    ends = readable(path)
    assert len(list(read_frames(path, end=ends.entries))) == 3
    assert len(list(read_frames(path.with_suffix(".det"), end=ends.details))) == 2
    file.write(ENTRY, DETAIL)
    disk.broken = {"sync"}
    with pytest.raises(OSError, match="Input/output"):
        file.sync()
    assert file.take_back()
    assert len(list(read_frames(path))) == 3
    assert len(list(read_frames(path.with_suffix(".det")))) == 2


def test_closing_syncs_what_is_written(path, disk) -> None:
    file = AppendFile(path, disk)
    file.write(ENTRY, DETAIL)
    file.close()
    assert len(list(read_frames(path, end=readable(path).entries))) == 1
