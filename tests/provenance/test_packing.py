"""Old files are packed, and everything reads them as before; what was changed in a packed one is damage."""

from __future__ import annotations

import gzip
import os

import pytest

from gateway.provenance.append_file import AppendFile, Disk
from gateway.provenance.audit import audit
from gateway.provenance.frames import entry_frame
from gateway.provenance.keeper import Keeper
from gateway.provenance.packing import Packed, pack_folded
from gateway.provenance.segments import SegmentDamaged, pack, read_frames, segment_name, torn_tail


@pytest.fixture
def segment(folder, new_record):
    """Makes file *number* of some entries."""
    folder.mkdir()

    def make(number=1, entries=40, *, close=True):
        file = AppendFile(folder / segment_name("w0", "0" * 24, number), Disk())
        for each in range(entries):
            file.append(entry_frame("fetch", new_record(1000 * number + each).canonical(), bytes(32)), b"")
        if close:
            file.close()
        return file

    return make


def frames(path, offset=0):
    return list(read_frames(path, offset))


async def test_a_packed_file_reads_as_it_did(folder, folding, segment):
    path = segment().path
    await Keeper(folder, folding).catch_up()
    before, octets, seen = frames(path), path.read_bytes(), audit(folder)
    positions = await folding.positions()
    done = pack_folded(folder, positions)
    assert (done.files, done.before, done.damaged) == (1, len(octets), ())
    assert path.stat().st_size < len(octets) / 2
    assert gzip.decompress(path.read_bytes()) == octets
    assert frames(path) == before
    for at in (0, 7, 39):
        assert frames(path, before[at][0].offset) == before[at:]
    assert frames(path, len(octets)) == []
    assert torn_tail(path, 10) is None
    assert audit(folder) == seen
    # Twice is harmless, a keeper that starts anew has nothing to do, and nothing is cut.
    packed = path.read_bytes()
    assert not pack(path)
    assert pack_folded(folder, positions) == Packed(0, 0, 0)
    assert await Keeper(folder, folding).catch_up() == 0
    assert path.read_bytes() == packed


async def test_a_file_that_is_packed_before_it_was_folded_is_folded_all_the_same(folder, folding, segment):
    assert pack(segment().path)
    assert await Keeper(folder, folding).catch_up() == 40
    assert audit(folder).ok


async def test_only_what_is_closed_folded_and_old_is_packed(folder, folding, segment):
    segment(1)
    await Keeper(folder, folding).catch_up()
    segment(2)
    live = segment(3, close=False)
    positions = await folding.positions()
    written = (folder / segment_name("w0", "0" * 24, 1)).stat().st_mtime_ns
    assert pack_folded(folder, positions, before_ns=written).files == 0
    assert pack_folded(folder, positions, most=0).files == 0
    assert pack_folded(folder, positions, before_ns=written + 1).files == 1
    assert pack_folded(folder, positions).files == 0
    assert not pack(live.path)
    live.close()


def test_no_octet_of_a_packed_file_can_change_unseen(folder, segment):
    path = segment(entries=3).path
    before = frames(path)
    assert pack(path)
    octets = path.read_bytes()
    # Octets 4 to 9 are time, flags and system of the gzip header: they say nothing about the content.
    for at in [at for at in range(len(octets)) if not 4 <= at < 10]:
        bent = bytearray(octets)
        bent[at] ^= 0x41
        path.write_bytes(bent)
        try:
            found = frames(path)
        except SegmentDamaged:
            continue
        # Bits behind the end of the last block are nobody's.
        assert found == before, at
    for end in range(1, len(octets)):
        path.write_bytes(octets[:end])
        try:
            assert frames(path) == [], end  # as short as a header that was never whole
        except SegmentDamaged:
            continue
    path.write_bytes(octets + b"more")
    with pytest.raises(SegmentDamaged):
        frames(path)


def test_a_torn_tail_is_not_packed(folder, segment):
    path = segment().path
    with path.open("ab") as file:
        file.write(b"torn")
    with pytest.raises(SegmentDamaged, match="torn tail"):
        pack(path)
    done = pack_folded(folder, {path.name: path.stat().st_size})
    assert (done.files, len(done.damaged)) == (0, 1)


def test_what_a_crash_left_beside_is_written_over(folder, segment):
    path = segment().path
    path.with_suffix(".packing").write_bytes(b"half")
    os.chmod(path.with_suffix(".packing"), 0o600)
    assert pack(path)
    assert not path.with_suffix(".packing").exists()
