"""No garbled file yields a frame that was not written, or any error but its own."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.canonical import canonical_bytes
from gateway.provenance.append_file import AppendFile, Disk
from gateway.provenance.frames import FRAME_LIMIT, SealedDetail, detail_frame, entry_frame
from gateway.provenance.record import FetchDetail, ShedNote
from gateway.provenance.segments import (
    DETAIL_HEADER,
    ENTRY_HEADER,
    Frame,
    SegmentDamaged,
    durable_ends,
    open_detail,
    open_entry,
    read_frames,
    readable,
    segment_name,
    segments,
    shorten,
    torn_tail,
)

SALT = bytes(32)
ENTRIES = [ShedNote(f"id-{n}", n, 0, n, 'queue {"entry":{', "journal ☃") for n in range(1, 5)]
FRAMES = [entry_frame(entry.kind, entry.canonical(), SALT) for entry in ENTRIES]
DETAIL = SealedDetail("id-1", SALT, 5, FetchDetail("192.0.2.1", evidence=("a", "b")))
CONTENT = ENTRY_HEADER + b"".join(FRAMES)
BOOT = "0" * 24


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("segments") / segment_name("w0", BOOT, 1)


def read(path: Path, content: bytes) -> tuple[list[bytes], SegmentDamaged | None]:
    """Every whole frame as it was framed, and the damage found behind them."""
    path.write_bytes(content)
    found = []
    try:
        for frame, behind in read_frames(path):
            assert open_entry(frame).entry in ENTRIES
            found.append(content[frame.offset : behind])
    except SegmentDamaged as error:
        return found, error
    return found, None


def test_what_is_written_is_read_and_each_offset_continues(path) -> None:
    path.write_bytes(CONTENT)
    steps = list(read_frames(path))
    assert [open_entry(frame).entry for frame, _ in steps] == ENTRIES
    for at, (_, behind) in enumerate(steps):
        assert [frame.offset for frame, _ in read_frames(path, behind)] == [
            frame.offset for frame, _ in steps[at + 1 :]
        ]


def test_the_format_is_the_one_described(path) -> None:
    path.write_bytes(CONTENT)
    octets = path.read_bytes()
    assert octets.startswith(b"licet-journal 1 entries\n")
    at, found = 24, []
    while at < len(octets):
        length = int.from_bytes(octets[at : at + 4], "big")
        payload = octets[at + 8 : at + 8 + length]
        assert zlib.crc32(octets[at : at + 4] + payload) == int.from_bytes(octets[at + 4 : at + 8], "big")
        found.append(json.loads(payload))
        at += 8 + length
    assert [members["entry"] for members in found] == [json.loads(entry.canonical()) for entry in ENTRIES]
    assert {(members["kind"], members["salt"]) for members in found} == {("shed", "00" * 32)}


def test_a_sealed_entry_has_its_canonical_bytes_salt_and_place(path) -> None:
    path.write_bytes(CONTENT)
    frame, _ = next(read_frames(path))
    sealed = open_entry(frame)
    assert (sealed.canonical, sealed.salt) == (ENTRIES[0].canonical(), SALT)
    assert sealed.source == f"{path.name}:24"


def test_a_file_that_ends_anywhere_is_torn_never_damaged(path) -> None:
    for length in range(len(CONTENT)):
        found, damage = read(path, CONTENT[:length])
        assert damage is None
        assert found == FRAMES[: len(found)]
        whole = len(ENTRY_HEADER) + sum(map(len, found))
        assert length < whole + len(FRAMES[len(found)])
        if length >= len(ENTRY_HEADER):
            tail = torn_tail(path, whole)
            assert (tail.kept, tail.size) == (whole, length) if tail else length == whole


@pytest.mark.parametrize("bits", [1, 0x80, 0xFF])
def test_any_garbled_octet_is_torn_in_the_last_frame_and_damage_before(path, bits) -> None:
    last = len(CONTENT) - len(FRAMES[-1])
    for at in range(len(CONTENT)):
        garbled = bytearray(CONTENT)
        garbled[at] ^= bits
        found, damage = read(path, bytes(garbled))
        assert found == FRAMES[: len(found)]
        if at >= last:
            assert damage is None
            assert len(found) == 3
        else:
            assert damage is not None
            assert damage.path == path
            assert damage.offset <= at
            assert str(damage.offset) in str(damage)
            assert path.name in str(damage)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(FRAMES),
            st.sampled_from(FRAMES).flatmap(lambda f: st.integers(0, len(f)).map(lambda n: f[:n])),
            st.binary(max_size=40),
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_whatever_a_file_holds_only_written_frames_come_out(path, pieces, headed) -> None:
    content = (ENTRY_HEADER if headed else b"") + b"".join(pieces)
    found, damage = read(path, content)
    assert set(found) <= set(FRAMES)
    assert content.startswith(ENTRY_HEADER + b"".join(found)) or not found
    if damage is None and content.startswith(ENTRY_HEADER):
        behind = content[len(ENTRY_HEADER) + sum(map(len, found)) :]
        assert not any(frame in behind for frame in FRAMES)


@given(st.binary(max_size=300) | st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["entry", "kind", "salt", "detail", "id", "time_us"]), x)).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_no_payload_makes_opening_raise_anything_but_its_own_error(payload) -> None:
    frame = Frame(Path("x.seg"), 24, payload)
    for opened in (open_entry, open_detail):
        with pytest.raises(SegmentDamaged):
            opened(frame)


ENTRY = json.loads(ENTRIES[0].canonical())


@pytest.mark.parametrize(
    "payload",
    [
        {"entry": ENTRY, "kind": "shed", "salt": "00" * 31},
        {"entry": ENTRY, "kind": "shed", "salt": "FF" * 32},
        {"entry": ENTRY, "kind": "shed", "salt": " " * 64},
        {"entry": ENTRY, "kind": ["shed"], "salt": "00" * 32},
        {"entry": ENTRY, "kind": "book", "salt": "00" * 32},
        {"entry": ENTRY | {"v": 2}, "kind": "shed", "salt": "00" * 32},
        {"entry": ENTRY | {"more": 1}, "kind": "shed", "salt": "00" * 32},
        {"entry": ENTRY, "kind": "shed", "salt": "00" * 32, "more": 1},
    ],
)
def test_an_entry_that_is_not_exactly_one_is_refused(payload) -> None:
    with pytest.raises(SegmentDamaged):
        open_entry(Frame(Path("x.seg"), 24, canonical_bytes(payload)))


def test_an_entry_out_of_its_canonical_form_is_refused() -> None:
    payload = FRAMES[0][8:]
    assert open_entry(Frame(Path("x.seg"), 24, payload)).entry == ENTRIES[0]
    for other in (payload + b" ", payload.replace(b'"count":1', b'"count":9,"count":1')):
        with pytest.raises(SegmentDamaged, match="canonical form"):
            open_entry(Frame(Path("x.seg"), 24, other))


def test_a_detail_comes_back_and_a_changed_one_does_not_pass(tmp_path) -> None:
    path = tmp_path / "x.det"
    path.write_bytes(DETAIL_HEADER + detail_frame(DETAIL))
    [(frame, _)] = read_frames(path)
    assert open_detail(frame) == DETAIL
    members = json.loads(frame.payload)
    for change in (
        {"time_us": 1.5},
        {"time_us": True},
        {"id": 3},
        {"salt": "x"},
        {"detail": members["detail"] | {"evidence": "ab"}},
        {"detail": members["detail"] | {"evidence": [1]}},
        {"detail": members["detail"] | {"address": None}},
        {"detail": members["detail"] | {"more": ""}},
        {"detail": []},
    ):
        with pytest.raises(SegmentDamaged):
            open_detail(Frame(path, 24, json.dumps(members | change).encode()))


def test_a_details_file_is_not_read_as_entries_nor_a_later_version(path) -> None:
    for header in (DETAIL_HEADER, ENTRY_HEADER.replace(b"1", b"2")):
        _, damage = read(path, header + FRAMES[0])
        assert damage is not None
        assert damage.offset == 0


def test_a_file_shorter_than_what_was_read_from_it_is_damaged(path) -> None:
    path.write_bytes(CONTENT[: -len(FRAMES[-1])])
    with pytest.raises(SegmentDamaged, match="shorter"):
        list(read_frames(path, len(CONTENT)))
    with pytest.raises(SegmentDamaged, match="shorter"):
        list(read_frames(path, end=len(CONTENT)))


def test_reading_stops_at_the_given_end(path) -> None:
    path.write_bytes(CONTENT)
    end = len(ENTRY_HEADER) + len(FRAMES[0])
    assert [behind for _, behind in read_frames(path, end=end)] == [end]
    assert list(read_frames(path, end, end=end)) == []


def test_what_does_not_fit_a_frame_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        entry_frame("shed", b"x" * FRAME_LIMIT, SALT)


def test_segments_are_listed_in_the_order_of_their_making(tmp_path) -> None:
    names = [
        segment_name("w1", "0" * 23 + "1", 1),
        segment_name("w0", "0" * 23 + "2", 1),
        segment_name("w0", "0" * 23 + "2", 2),
        segment_name("w1", "0" * 23 + "2", 2),
        segment_name("w0", "0" * 23 + "2", 1_000_000),
    ]
    for name in (*reversed(names), "keeper.lock", "w0-1-1.seg", names[0] + ".bak"):
        (tmp_path / name).touch()
    assert [path.name for path in segments(tmp_path)] == names
    assert segments(tmp_path / "absent") == ()


@pytest.mark.parametrize("worker", ["", "W", "a/b", "a-b", "x" * 33])
def test_a_worker_needs_a_plain_name(worker) -> None:
    with pytest.raises(ValueError, match="no journal file name"):
        segment_name(worker, BOOT, 1)


def test_a_live_file_is_read_to_what_is_durable_and_a_finished_one_to_its_end(tmp_path) -> None:
    file = AppendFile(tmp_path / segment_name("w0", BOOT, 1), Disk())
    file.append(FRAMES[0], detail_frame(DETAIL))
    ends = readable(file.path)
    assert (ends.live, ends.entries, ends.details) == (True, file.end, file.details_end)
    assert file.end == file.path.stat().st_size
    mark = file.path.with_suffix(".end")
    for garbled in (b"", mark.read_bytes()[:-1] + b"?"):
        mark.write_bytes(garbled)
        assert readable(file.path).entries == 0
    file.close()
    assert readable(file.path) == type(ends)(False, None, None)
    assert not mark.exists()


def test_what_is_durable_is_waited_for_also_where_its_writer_went_on(tmp_path) -> None:
    file = AppendFile(tmp_path / segment_name("w0", BOOT, 1), Disk())
    file.append(FRAMES[0], b"")
    end = file.end
    assert durable_ends(tmp_path) == {file.path.name: end}
    file.close()
    assert durable_ends(tmp_path) == {file.path.name: end}
    file.path.write_bytes(gzip.compress(file.path.read_bytes()))
    assert durable_ends(tmp_path) == {}


def test_shortening_leaves_the_beginning(path) -> None:
    path.write_bytes(CONTENT)
    shorten(path, 30)
    assert path.read_bytes() == CONTENT[:30]
