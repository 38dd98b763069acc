"""One entry read again from where it stands, in a file as it was written and in a packed one."""

from __future__ import annotations

import gzip

import pytest

from gateway.provenance import packed
from gateway.provenance.append_file import AppendFile, Disk
from gateway.provenance.frames import entry_frame
from gateway.provenance.segments import SegmentDamaged, open_entry, pack, read_frames, segment_name
from gateway.provenance.shelf import Shelf

ENTRIES = 200


@pytest.fixture
def segment(folder, new_record):
    """A closed file of many entries."""
    folder.mkdir()
    file = AppendFile(folder / segment_name("w0", "0" * 24, 1), Disk())
    for each in range(ENTRIES):
        file.append(entry_frame("fetch", new_record(each).canonical(), bytes([each]) * 32), b"")
    file.close()
    return file.path


def standing(path):
    return [(frame.offset, *open_entry(frame)[1:3][::-1]) for frame, _ in read_frames(path)]


def one_member(path):
    path.write_bytes(gzip.compress(path.read_bytes()))


@pytest.mark.parametrize(
    "change", [lambda _: None, pack, one_member], ids=["plain", "packed", "packed before"]
)
def test_every_entry_is_found_where_it_stands_in_any_order(segment, change):
    entries = standing(segment)
    change(segment)
    with Shelf(segment.parent) as shelf:
        for offset, canonical, salt in [*entries, *entries[::-7]]:
            assert shelf.entry(segment.name, offset) == (canonical, salt)
        for wrong in (0, 23, 25, entries[-1][0] + 1, 10**9):
            with pytest.raises(SegmentDamaged):
                shelf.entry(segment.name, wrong)
        with pytest.raises(FileNotFoundError):
            shelf.entry(segment_name("w0", "0" * 24, 2), 24)


def test_a_file_that_is_packed_meanwhile_is_read_on(segment):
    entries = standing(segment)
    with Shelf(segment.parent) as shelf:
        assert shelf.entry(segment.name, entries[0][0]).canonical == entries[0][1]
        assert pack(segment)
        assert shelf.entry(segment.name, entries[-1][0]).canonical == entries[-1][1]


def test_one_entry_of_a_packed_file_needs_one_member_alone(segment):
    entries = standing(segment)
    assert pack(segment)
    octets = bytearray(segment.read_bytes())
    octets[40] ^= 1  # in the first member
    segment.write_bytes(octets)
    last, first = entries[-1], entries[0]
    assert last[0] > packed.BLOCK
    with Shelf(segment.parent) as shelf:
        assert shelf.entry(segment.name, last[0]).canonical == last[1]
        with pytest.raises(SegmentDamaged, match="cannot be unpacked"):
            shelf.entry(segment.name, first[0])
