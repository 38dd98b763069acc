"""Parts of a data folder as octets and back: whole, private, and nothing beside what a part may hold."""

from __future__ import annotations

import base64
import stat

import orjson
import pytest

from gateway.app.shared_parts import KEYS, LOG, POLICIES, PartRefused, read_part, stamp, write_part
from gateway.clock import SystemClock
from gateway.folders import Folders
from gateway.keys.key_ring import KeyRing


@pytest.fixture
def full(tmp_path):
    """A data folder with keys, a policy and what it was."""
    folders = Folders(tmp_path / "here")
    ring = folders.keys
    ring.parent.mkdir(parents=True)
    KeyRing.create(ring, clock=SystemClock())
    for path, text in {
        "keys/nonces": "n" * 32,
        "sites/journal.toml": "stance",
        "sites/notes.txt": "mine",
        "sites/bundles/essays.json": "{}",
        "policy-versions/journal/versions.jsonl": "{}",
        "policy-versions/journal/.lock": "",
        "earlier/index.json": "[]",
        "log/name": "journal.example/.licet/log",
        "log/checkpoint": "signed",
    }.items():
        file = folders.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folders


def test_what_is_taken_is_what_was_given(full, tmp_path):
    other = Folders(tmp_path / "there")
    for name in (KEYS, POLICIES, LOG):
        octets = read_part(full, name)
        write_part(other, name, octets)
        assert read_part(other, name) == octets
    ring = KeyRing.open(other.keys, SystemClock())
    assert ring.current.kid == KeyRing.open(full.keys, SystemClock()).current.kid
    assert stat.S_IMODE((other.folder / "keys" / "nonces").stat().st_mode) == 0o600
    assert stat.S_IMODE(other.keys.stat().st_mode) == 0o700
    for path in ("sites/notes.txt", "policy-versions/journal/.lock", "earlier", "log/checkpoint"):
        assert not (other.folder / path).exists()


def test_what_starts_another_machine_is_written_once(full, tmp_path):
    other = Folders(tmp_path / "there")
    octets = read_part(full, POLICIES, seeds=True)
    write_part(other, POLICIES, octets, joining=True)
    assert (other.folder / "earlier" / "index.json").read_text() == "[]"
    (other.folder / "earlier" / "index.json").write_text("[1]")
    write_part(other, POLICIES, octets, joining=True)
    assert (other.folder / "earlier" / "index.json").read_text() == "[1]"


def test_what_went_goes_and_a_rotation_is_taken_whole(full, tmp_path):
    other = Folders(tmp_path / "there")
    for name in (KEYS, POLICIES):
        write_part(other, name, read_part(full, name))
    reader = KeyRing.open(other.keys, SystemClock())
    KeyRing.open(full.keys, SystemClock()).rotate(1_800_000_000)
    (full.folder / "sites" / "bundles" / "essays.json").unlink()
    for name in (KEYS, POLICIES):
        write_part(other, name, read_part(full, name))
    assert reader.refresh()
    assert sorted(each.name for each in other.keys.iterdir()) == sorted(
        each.name for each in full.keys.iterdir()
    )
    assert not (other.folder / "sites" / "bundles" / "essays.json").exists()


def test_a_stamp_changes_with_every_change_and_with_nothing_else(full):
    before = stamp(full, POLICIES)
    (full.folder / "sites" / "notes.txt").write_text("other")
    assert stamp(full, POLICIES) == before
    (full.folder / "sites" / "journal.toml").write_text("other stance")
    assert stamp(full, POLICIES) != before


def test_nothing_is_nothing(tmp_path):
    assert read_part(Folders(tmp_path), KEYS) == b""


@pytest.mark.parametrize(
    "path",
    [
        "../licet.toml", "keys/../licet.toml", "/etc/passwd", "keys", "licet.toml", "sites/journal.toml",
        "keys/.hidden", "keys//x", "keys/a\0b",
    ],
)  # fmt: skip
def test_a_part_that_leaves_its_place_is_refused_and_writes_nothing(tmp_path, path):
    folders = Folders(tmp_path / "data")
    octets = orjson.dumps({"keys/good": "", path: base64.b64encode(b"x").decode()})
    with pytest.raises(PartRefused):
        write_part(folders, KEYS, octets)
    assert not folders.folder.exists()


@pytest.mark.parametrize("octets", [b"[]", b"{", b'{"keys/a": 1}', b'{"keys/a": "*"}', b"\xff"])
def test_octets_that_are_no_part_are_refused(tmp_path, octets):
    with pytest.raises(PartRefused):
        write_part(Folders(tmp_path), KEYS, octets)
