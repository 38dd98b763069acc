"""Whoever has the files and the key sees what was changed, and where."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.provenance.checkpoint import Checkpoint, LogKey, sign
from gateway.provenance.log_audit import audit_log
from gateway.provenance.public_log import CHECKPOINT, PublicLog, read_tile
from gateway.provenance.tiles import ENTRIES, Tile, bundle, read_bundle

NAME = "journal.example/.licet/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
LOG = LogKey(NAME, KEY.public_key())


class Store:
    def __init__(self, count):
        self.rows = [f"leaf {n}".encode() for n in range(count)]

    async def size(self):
        return len(self.rows)

    async def leaves(self, begin, most):
        return tuple(self.rows[begin : begin + most])


def reader(folder):
    async def read(path):
        tile = Tile.read(path)
        return read_tile(folder, tile) if tile else (folder / path).read_bytes()

    return read


@pytest.fixture
async def heads(tmp_path):
    """A log of 70,000 leaves that was signed on the way; its heads."""
    store, heads = Store(0), []
    log = await PublicLog.open(tmp_path, NAME, KEY, store)
    for count in (1, 256, 700, 65_536, 70_000):
        store.rows = Store(count).rows
        await log.catch_up(store)
        heads.append(log.head)
    return heads


async def test_a_whole_log_is_good(tmp_path, heads):
    told = []
    report = await audit_log(reader(tmp_path), LOG, earlier=heads, seen=lambda *each: told.append(each))
    assert report.ok, report.faults
    assert (report.head, report.leaves, report.tiles) == (heads[-1], 70_000, 274 + 2 + 1)
    assert told[-1] == (70_000, 70_000)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512])
async def test_small_logs_are_good(tmp_path, size):
    log = await PublicLog.open(tmp_path, NAME, KEY, Store(size))
    assert await log.catch_up(Store(size)) == bool(size)
    report = await audit_log(reader(tmp_path), LOG)
    assert (report.ok, report.head.size) == (True, size)


def _leaf(folder):
    path = folder / Tile(ENTRIES, 3).path
    leaves = list(read_bundle(path.read_bytes()))
    leaves[7] = b"another"
    path.write_bytes(bundle(leaves))


def _shorter(folder):
    path = folder / Tile(ENTRIES, 3).path
    path.write_bytes(bundle(read_bundle(path.read_bytes())[:-1]))


def _bit(name):
    def act(folder):
        octets = bytearray((folder / name).read_bytes())
        octets[40] ^= 1
        (folder / name).write_bytes(octets)

    return act


TAMPERED = {
    "a leaf": (_leaf, ["tile/0/003: its hash 7", "do not make the root"]),
    "a leaf less": (_shorter, ["it has 255 leaves", "do not make the root"]),
    "a tile": (_bit("tile/0/100"), ["tile/0/100: its hash 1"]),
    "a tile above": (_bit("tile/1/000"), ["tile/1/000: its hash 1"]),
    "the edge above": (_bit("tile/1/001.p/17"), ["tile/1/001.p/17: its hash 1"]),
    "a bundle gone": (lambda folder: (folder / "tile/entries/009").unlink(), ["tile/entries/009"]),
    "a bundle cut": (
        lambda folder: (folder / "tile/entries/009").write_bytes(b"\0\5ab"),
        ["the bundle is cut"],
    ),
    "the head": (lambda folder: (folder / CHECKPOINT).write_text("x\n"), ["cannot be believed"]),
    "the head gone": (lambda folder: (folder / CHECKPOINT).unlink(), ["cannot be believed"]),
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_what_was_changed_is_told(tmp_path, heads, what):
    act, faults = TAMPERED[what]
    act(tmp_path)
    report = await audit_log(reader(tmp_path), LOG, earlier=heads)
    assert not report.ok
    for each in faults:
        assert any(each in fault for fault in report.faults), report.faults


async def test_a_second_history_is_seen_by_whoever_kept_a_head(tmp_path, heads):
    log = await PublicLog.open(tmp_path / "other", NAME, KEY, Store(0))
    forged = Store(70_000)
    forged.rows[300] = b"another"
    await log.catch_up(forged)
    report = await audit_log(reader(tmp_path / "other"), LOG, earlier=heads)
    assert report.faults == [
        f"the first {size} leaves are not those that an earlier head signed" for size in (700, 65_536, 70_000)
    ]


async def test_a_log_that_went_back_is_seen(tmp_path, heads):
    note = sign(Checkpoint(NAME, heads[0].size, heads[0].root), NAME, KEY)
    (tmp_path / CHECKPOINT).write_text(note)
    report = await audit_log(reader(tmp_path), LOG, earlier=heads[-1:])
    assert "the head has 1 leaves, and an earlier one had 70000" in report.faults
