"""What a journal weighs: each file counts once, as what it is now."""

from __future__ import annotations

from gateway.provenance.append_file import AppendFile, Disk
from gateway.provenance.frames import entry_frame
from gateway.provenance.segments import ENTRY_HEADER, pack, segment_name
from gateway.provenance.weight import weigh, weigh_all


def test_files_that_are_written_that_ended_and_that_are_packed(tmp_path):
    assert weigh(tmp_path).octets == 0
    made = [AppendFile(tmp_path / segment_name("w0", "0" * 24, number), Disk()) for number in (1, 2, 3)]
    frame = b"\x00\x00\x00\x00" * 25
    for file in made:
        file.write(frame, b"." * 7)
        file.sync()
    for file in made[:2]:
        file.close()
    one = len(ENTRY_HEADER) + len(frame)
    seen = weigh(tmp_path)
    assert (seen.live, seen.ended, seen.packed) == ((1, one), (2, 2 * one), (0, 0))
    assert seen.details == sum(path.stat().st_size for path in tmp_path.glob("*.det")) > 21
    assert seen.octets == 3 * one + seen.details
    assert weigh_all(tmp_path) == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert weigh_all(tmp_path / "nowhere") == 0
    made[2].close()


def test_a_packed_file_weighs_what_it_takes(tmp_path, new_record):
    file = AppendFile(tmp_path / segment_name("w0", "0" * 24, 1), Disk())
    file.append(entry_frame("fetch", new_record(1).canonical(), bytes(32)), b"")
    file.close()
    path = file.path
    assert pack(path)
    seen = weigh(tmp_path)
    assert (seen.packed, seen.ended) == ((1, path.stat().st_size), (0, 0))
