"""The public log on a disk: what it signed once it says for ever, whatever happens to its files."""

from __future__ import annotations

import shutil

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.provenance.chain import (
    consistency_proof,
    continues,
    folded,
    includes,
    inclusion_proof,
    leaf_hash,
    root,
)
from gateway.provenance.checkpoint import LogKey, read
from gateway.provenance.public_log import CHECKPOINT, LogRefused, PublicLog, read_tile
from gateway.provenance.tiles import ENTRIES, Nodes, Tile, read_bundle

NAME = "journal.example/.licet/log"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


class Store:
    """Leaves in a list."""

    def __init__(self, count=0):
        self.rows = [f"leaf {n}".encode() for n in range(count)]

    def grow(self, count):
        self.rows += [f"leaf {n}".encode() for n in range(len(self.rows), len(self.rows) + count)]

    async def size(self):
        return len(self.rows)

    async def leaves(self, begin, most):
        return tuple(self.rows[begin : begin + most])

    async def opened(self, entry):
        return None


def expected(rows):
    hashes = [leaf_hash(each) for each in rows]

    def tile(wanted):
        row = hashes
        for _ in range(wanted.level):
            row = [folded(row[at : at + 256]) for at in range(0, len(row) - len(row) % 256, 256)]
        return b"".join(row[wanted.index * 256 : wanted.index * 256 + wanted.width])

    return root(len(rows), Nodes(len(rows), tile))


async def opened(folder, store):
    return await PublicLog.open(folder, NAME, KEY, store)


async def test_heads_continue_each_other_and_prove_every_leaf(tmp_path):
    store, heads = Store(), []
    log = await opened(tmp_path, store)
    assert not await log.catch_up(store)
    for count in (1, 3, 251, 1, 1, 300, 5000):
        store.grow(count)
        assert await log.catch_up(store)
        assert not await log.catch_up(store)
        head = read(log.signed.note, LogKey(NAME, KEY.public_key()))
        assert head == log.head
        assert (head.size, head.root) == (len(store.rows), expected(store.rows))
        heads.append(head)
    nodes, last = log.nodes(log.head.size), heads[-1]
    for head in heads:
        proof = consistency_proof(head.size, last.size, nodes)
        assert continues(head.size, last.size, head.root, last.root, proof)
    for index in (0, 1, 254, 255, 256, 511, 512, 5556):
        proof = inclusion_proof(index, last.size, nodes)
        assert includes(index, last.size, leaf_hash(store.rows[index]), proof, last.root)


async def test_bundles_hold_the_leaves(tmp_path):
    store = Store(700)
    log = await opened(tmp_path, store)
    await log.catch_up(store)
    found = [
        each
        for tile in (Tile(ENTRIES, 0), Tile(ENTRIES, 1), Tile(ENTRIES, 2, 188))
        for each in read_bundle(read_tile(tmp_path, tile))
    ]
    assert found == store.rows


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 600), min_size=1, max_size=5), st.booleans())
async def test_opening_again_goes_on_where_it_was(tmp_path_factory, counts, gone):
    folder, store = tmp_path_factory.mktemp("log"), Store()
    for count in counts:
        store.grow(count)
        log = await opened(folder, store)
        await log.catch_up(store)
        if gone:
            shutil.rmtree(folder / "tile", ignore_errors=True)
    log = await opened(folder, store)
    assert (log.head.size, log.head.root) == (len(store.rows), expected(store.rows))


async def test_tiles_that_were_lost_are_made_again_octet_for_octet(tmp_path):
    store = Store(1000)
    log = await opened(tmp_path, store)
    await log.catch_up(store)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    shutil.rmtree(tmp_path / "tile")
    await opened(tmp_path, store)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


async def test_a_crash_between_tile_and_head_changes_no_history(tmp_path):
    store = Store(300)
    log = await opened(tmp_path, store)
    await log.catch_up(store)
    head = log.head
    store.grow(300)
    log.append(store.rows[300:])  # and no head: the process is gone here
    again = await opened(tmp_path, store)
    assert again.head == head
    assert await again.catch_up(store)
    proof = consistency_proof(head.size, again.head.size, again.nodes(again.head.size))
    assert continues(head.size, again.head.size, head.root, again.head.root, proof)


async def test_a_crash_before_the_first_head_that_has_leaves_is_no_end_of_the_log(tmp_path):
    store = Store(300)
    (await opened(tmp_path, store)).append(store.rows)  # whole tiles are written, and no head over them
    again = await opened(tmp_path, store)
    assert again.head.size == 0
    assert await again.catch_up(store)
    assert (again.head.size, again.head.root) == (300, expected(store.rows))


async def test_an_older_store_is_no_second_history(tmp_path):
    store = Store(300)
    log = await opened(tmp_path, store)
    await log.catch_up(store)
    with pytest.raises(LogRefused, match="promises 300 entries and the store holds 299"):
        await opened(tmp_path, Store(299))


@pytest.mark.parametrize("row", [0, 255, 256, 299])
async def test_a_changed_row_at_the_end_is_found_at_once_and_no_tile_is_touched(tmp_path, row):
    store = Store(300)
    log = await opened(tmp_path, store)
    await log.catch_up(store)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    store.rows[row] = b"another"
    with pytest.raises(LogRefused, match="first 300 entries are not those that the log's head signed"):
        await opened(tmp_path, store)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


async def test_a_changed_row_is_found_when_tiles_are_made_again(tmp_path):
    store = Store(600)
    log = await opened(tmp_path, store)
    await log.catch_up(store)
    store.rows[3] = b"another"
    shutil.rmtree(tmp_path / "tile")
    with pytest.raises(LogRefused, match="not those that the log's head signed"):
        await opened(tmp_path, store)


async def test_a_changed_tile_is_mended_from_the_store(tmp_path):
    store = Store(300)
    log = await opened(tmp_path, store)
    await log.catch_up(store)
    tile = tmp_path / Tile(0, 1, 44).path
    octets = tile.read_bytes()
    for damage in (octets[:-1], bytes([octets[0] ^ 1]) + octets[1:], b""):
        tile.write_bytes(damage)
        await opened(tmp_path, store)
        assert tile.read_bytes() == octets


@pytest.mark.parametrize(
    ("octets", "why"),
    [(b"", "no end"), (b"nothing\n\nsigned\n", "no three lines"), (b"\xff\n", "not UTF-8")],
)
async def test_a_damaged_head_is_not_written_over(tmp_path, octets, why):
    store = Store(3)
    log = await opened(tmp_path, store)
    await log.catch_up(store)
    (tmp_path / CHECKPOINT).write_bytes(octets)
    with pytest.raises(LogRefused, match=why):
        await opened(tmp_path, store)
    assert (tmp_path / CHECKPOINT).read_bytes() == octets


async def test_a_head_that_is_gone_is_not_begun_anew(tmp_path):
    store = Store(300)
    log = await opened(tmp_path, store)
    await log.catch_up(store)
    (tmp_path / CHECKPOINT).unlink()
    with pytest.raises(LogRefused, match="its head is not"):
        await opened(tmp_path, store)


async def test_another_key_does_not_go_on_with_it(tmp_path):
    store = Store(3)
    log = await opened(tmp_path, store)
    await log.catch_up(store)
    with pytest.raises(LogRefused, match="not signed by"):
        await PublicLog.open(tmp_path, NAME, Ed25519PrivateKey.generate(), store)
