"""Every way to change history on the disk is found and named; forgetting is not one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from gateway.provenance.append_file import AppendFile, Disk
from gateway.provenance.audit import FAULTS_LISTED, audit, export_entries, read_files
from gateway.provenance.erasure import forget_details
from gateway.provenance.frames import SealedDetail, detail_frame, entry_frame
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Keeper
from gateway.provenance.record import entry_commitment, leaf, read_entry
from gateway.provenance.segments import (
    ENTRY_HEADER,
    SegmentDamaged,
    open_entry,
    read_frames,
    segment_name,
    segments,
)


@pytest.fixture
async def history(folder, clock, folding, new_record, new_detail, detail_salt):
    """Twelve records in one closed file, with its details, folded and then put back beside it."""
    journal = Journal.open(folder, "w0", clock=clock, reserve_bytes=0)
    for number in range(12):
        await journal.keep(new_record(number), new_detail(number), detail_salt)
    await Keeper(folder, folding).catch_up()
    await journal.close()
    return segments(folder)[0]


def frames(path) -> list[bytes]:
    content = path.read_bytes()
    return [content[frame.offset : behind] for frame, behind in read_frames(path)]


def rewrite(path, parts: list[bytes]) -> None:
    path.write_bytes(ENTRY_HEADER + b"".join(parts))


def checked(folder, folding):
    return audit(folder, folding.rows, positions=folding.offsets, details=folding.details.values())


async def test_a_journal_as_it_was_written_is_in_order(history, folder, folding) -> None:
    report = audit(folder)
    assert report.ok
    assert report.first is None
    assert (report.files, report.entries, report.details, report.rows, report.unfolded) == (1, 12, 12, 0, -1)
    report = checked(folder, folding)
    assert report.ok
    assert (report.rows, report.unfolded, report.details) == (12, 0, 24)


async def test_files_that_were_read_once_are_held_against_rows_as_often_as_a_store_begins_again(
    history, folder, folding
) -> None:
    files = read_files(folder)
    wrong = [replace(row, salt=b"x" * 16) if row.seq == 3 else row for row in folding.rows]
    for rows, faults in ((wrong, 1), (folding.rows, 0), (wrong, 1)):
        told = files.against(iter(rows), positions=folding.offsets, details=iter(folding.details.values()))
        assert (told.rows, told.unfolded, told.details, told.fault_count) == (12, 0, 24, faults)
    assert files.against(wrong, positions=folding.offsets) == audit(folder, wrong, positions=folding.offsets)
    assert files.against() == audit(folder)


async def test_a_live_journal_can_be_audited(folder, clock, new_record) -> None:
    journal = Journal.open(folder, "w0", clock=clock, reserve_bytes=0)
    await journal.keep(new_record(1))
    report = audit(folder)
    assert (report.ok, report.entries, report.torn) == (True, 1, ())
    await journal.close()


async def test_any_flipped_bit_in_a_file_is_found_and_its_place_named(history, folder, folding) -> None:
    content = history.read_bytes()
    places = [frame.offset for frame, _ in read_frames(history)]
    for at in [*range(0, len(content), 97), *places, *(place + 5 for place in places), len(content) - 1]:
        garbled = bytearray(content)
        garbled[at] ^= 4
        history.write_bytes(garbled)
        report = checked(folder, folding)
        assert not report.ok, at
        if at < places[-1]:
            assert report.first.file == history.name
            assert report.first.offset == max([0, *(place for place in places if place <= at)])
        else:
            assert report.torn[0].kept == places[-1]
            assert report.first.seq == 12
    history.write_bytes(content)
    assert checked(folder, folding).ok


async def test_a_frame_cut_out_of_the_journal_is_found_by_the_stored_row(history, folder, folding) -> None:
    parts = frames(history)
    for at in (0, 5, 11):
        rewrite(history, parts[:at] + parts[at + 1 :])
        report = checked(folder, folding)
        assert report.fault_count == 1
        assert report.first.seq == at + 1
        assert "does not hold" in report.first.why
        assert str(at + 1) in str(report.first)


async def test_a_row_deleted_from_the_store_is_found(history, folder, folding) -> None:
    rows = list(folding.rows)
    folding.rows = rows[:4] + rows[5:]
    report = checked(folder, folding)
    assert [(fault.seq, fault.id) for fault in report.faults] == [(6, rows[5].id), (-1, rows[4].id)]
    assert "rows 5 to 5 are missing" in report.first.why
    for rest in (rows[1:], rows[:-1]):
        folding.rows = rest
        report = checked(folder, folding)
        assert report.fault_count == 1
        assert "not stored any more" in report.first.why
        assert report.first.file == history.name
    report = audit(folder, rows[:-1])
    assert (report.ok, report.unfolded) == (True, 1)


async def test_swapped_frames_are_found(history, folder, folding) -> None:
    parts = frames(history)
    parts[3], parts[4] = parts[4], parts[3]
    rewrite(history, parts)
    report = checked(folder, folding)
    assert report.fault_count == 1
    assert report.first.seq == 5
    assert "changed places" in report.first.why


async def test_swapped_rows_are_found(history, folder, folding) -> None:
    rows = folding.rows
    rows[3], rows[4] = replace(rows[4], seq=4), replace(rows[3], seq=5)
    report = checked(folder, folding)
    assert [fault.seq for fault in report.faults] == [5]


async def test_an_entry_written_anew_with_a_good_checksum_is_found(
    history, folder, folding, new_record
) -> None:
    parts = frames(history)
    [third] = [open_entry(frame) for frame, _ in read_frames(history)][2:3]
    cheaper = replace(new_record(2), charged_micros=1)
    parts[2] = entry_frame("fetch", cheaper.canonical(), third.salt)
    rewrite(history, parts)
    assert audit(folder).ok
    report = checked(folder, folding)
    assert report.first.seq == 3
    assert "not the one in the journal" in report.first.why


@pytest.mark.parametrize("what", ["canonical", "salt", "leaf"])
async def test_a_changed_row_is_found(history, folder, folding, new_record, what) -> None:
    row = folding.rows[6]
    other = {
        "canonical": replace(new_record(6), charged_micros=1).canonical(),
        "salt": bytes(32),
        "leaf": leaf(new_record(6), bytes(32)),
    }[what]
    folding.rows[6] = replace(row, **{what: other})
    report = checked(folder, folding)
    assert report.fault_count == 1
    assert (report.first.seq, report.first.id) == (7, row.id)


async def test_a_row_stored_twice_or_never_journaled_is_found(history, folder, folding) -> None:
    rows = list(folding.rows)
    folding.rows = [*rows, replace(rows[0], seq=13)]
    assert checked(folder, folding).first.why == "the entry is stored twice"
    folding.rows = [*rows, replace(rows[0], seq=13, id="invented")]
    assert checked(folder, folding).first.seq == 13


async def test_a_changed_detail_is_found_in_the_file_and_in_the_store(
    history, folder, folding, new_detail, detail_salt, new_record
) -> None:
    id = new_record(4).id
    changed = SealedDetail(id, detail_salt, 4, replace(new_detail(4), address="203.0.113.9"))
    details = history.with_suffix(".det")
    content = details.read_bytes()
    details.write_bytes(content + detail_frame(changed))
    report = checked(folder, folding)
    assert report.fault_count == 1
    assert (report.first.id, report.first.file, report.first.offset) == (id, details.name, len(content))
    details.write_bytes(content)
    folding.details[id] = changed
    report = checked(folder, folding)
    assert (report.fault_count, report.first.id, report.first.file) == (1, id, "")


async def test_erasing_details_and_their_salts_leaves_the_audit_green(history, folder, folding) -> None:
    forgotten = await forget_details(folder, folding, 2**62)
    assert (forgotten.details, forgotten.files) == (12, 1)
    assert not folding.details
    assert not history.with_suffix(".det").exists()
    report = checked(folder, folding)
    assert report.ok
    assert (report.entries, report.rows, report.details) == (12, 12, 0)
    everything = history.read_bytes() + b"".join(row.canonical + row.leaf for row in folding.rows)
    assert b"192.0.2." not in everything
    assert b"GPTBot/1.2" not in everything


def place(folder, number, parts) -> None:
    folder.mkdir(exist_ok=True)
    (folder / segment_name("w0", "0" * 24, number)).write_bytes(ENTRY_HEADER + b"".join(parts))


def test_one_id_with_two_contents_is_a_fault_and_a_repeated_file_write_is_not(folder, new_record) -> None:
    frame = entry_frame("fetch", new_record(1).canonical(), bytes(32))
    place(folder, 1, [frame])
    place(folder, 2, [frame])
    report = audit(folder)
    assert (report.ok, report.repeated) == (True, 1)
    place(folder, 2, [frame, frame])
    assert audit(folder).repeated == 2
    place(folder, 2, [])
    place(folder, 1, [frame, frame])
    assert "in this file already" in audit(folder).first.why
    other = replace(new_record(1), status=500)
    place(folder, 2, [entry_frame("fetch", other.canonical(), bytes(32))])
    assert "says something else" in audit(folder).faults[1].why


def test_a_torn_tail_is_told_and_no_fault(folder, new_record) -> None:
    frame = entry_frame("fetch", new_record(1).canonical(), bytes(32))
    place(folder, 1, [frame, frame[:20]])
    report = audit(folder)
    assert report.ok
    assert report.torn[0].size - report.torn[0].kept == 20


def test_faults_beyond_the_limit_are_counted(folder, new_record) -> None:
    frame = entry_frame("fetch", new_record(1).canonical(), bytes(32))
    place(folder, 1, [frame] * (FAULTS_LISTED + 6))
    report = audit(folder)
    assert (report.fault_count, len(report.faults)) == (FAULTS_LISTED + 5, FAULTS_LISTED)


def test_an_empty_folder_is_in_order(folder) -> None:
    assert audit(folder, []).ok
    assert list(export_entries(folder)) == []


async def test_the_export_holds_every_entry_opens_the_leaf_and_has_no_details(
    history, folder, folding, new_record
) -> None:
    lines = [json.loads(json.dumps(line)) for line in export_entries(folder)]
    assert [line["entry"]["id"] for line in lines] == [row.id for row in folding.rows]
    for line, row in zip(lines, folding.rows, strict=True):
        salt = bytes.fromhex(line["salt"])
        opened = leaf(read_entry(line["kind"], dict(line["entry"])), salt)
        assert hashlib.sha256(opened).digest() == row.leaf
        assert line["commitment"] == json.loads(opened)["entry"] == entry_commitment(row.canonical, salt)
        assert (line["kind"], line["file"]) == ("fetch", history.name)
    assert "192.0.2" not in json.dumps(lines)
    content = bytearray(history.read_bytes())
    content[lines[3]["offset"] + 9] ^= 1
    history.write_bytes(content)
    read = export_entries(folder)
    assert [next(read)["offset"] for _ in range(3)] == [line["offset"] for line in lines[:3]]
    with pytest.raises(SegmentDamaged):
        next(read)


def test_an_audit_changes_nothing_and_needs_no_right_to_write(mount, remount, folder, new_record) -> None:
    where = mount("size=1m")
    file = AppendFile(where / segment_name("w0", "0" * 24, 1), Disk())
    file.append(entry_frame("fetch", new_record(1).canonical(), bytes(32)), b"")
    file.close()
    remount(where, "ro")
    assert audit(where).entries == 1
