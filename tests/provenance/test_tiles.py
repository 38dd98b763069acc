"""Tiles: each has one name, and the tree that they hold is the tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.provenance.chain import HASH, folded, inclusion_proof, leaf_hash, root
from gateway.provenance.tiles import (
    ENTRIES,
    WIDTH,
    Nodes,
    Tile,
    bundle,
    edge,
    read_bundle,
    width_of,
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(1, 999, 12), "tile/1/999.p/12"),
        (Tile(2, 1000, 1), "tile/2/x001/000.p/1"),
        (Tile(ENTRIES, 273, 112), "tile/entries/273.p/112"),
        (Tile(63, 5), "tile/63/005"),
    ],
)
def test_names(tile, path):
    assert tile.path == path
    assert Tile.read(path) == tile


@given(st.integers(-1, 63), st.integers(0, 10**12), st.integers(1, WIDTH))
def test_every_tile_has_one_name(level, index, width):
    tile = Tile(level, index, width)
    assert Tile.read(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0/0", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/0/x000/000", "tile/0/001/002",
        "tile/0/x001", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/../000",
        "tile/entries/000/", "/tile/0/000", "tile/0/000\n", "tile/0/٠٠٠", "tile/8/" + "x001/" * 40 + "001",
    ],
)  # fmt: skip
def test_what_names_no_tile(path):
    assert Tile.read(path) is None


@given(st.text())
def test_no_text_does_anything_else(text):
    found = Tile.read(text)
    assert found is None or found.path == text


def test_the_edge_of_the_example_of_the_specification():
    """C2SP tlog-tiles: a tree of 70,000 leaves."""
    assert list(edge(70_000)) == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert list(edge(256)) == [Tile(1, 0, 1)]
    assert list(edge(0)) == []
    assert width_of(0, 272, 70_000) == WIDTH
    assert width_of(0, 274, 70_000) == 0
    assert width_of(ENTRIES, 273, 70_000) == 112


LEAVES = [leaf_hash(str(each).encode()) for each in range(70_000)]
WHOLE = [folded(LEAVES[at : at + WIDTH]) for at in range(0, 69_888, WIDTH)]


def read(tile):
    rows = {0: LEAVES, 1: WHOLE, 2: [folded(WHOLE[:WIDTH])]}
    return b"".join(rows[tile.level][tile.index * WIDTH : tile.index * WIDTH + tile.width])


def slow_root(hashes):
    """MTH of RFC 6962, as it is written there."""
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    return folded([slow_root(hashes[:half]), slow_root(hashes[half:])])


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 70_000])
def test_the_tree_in_tiles_is_the_tree(size):
    assert root(size, Nodes(size, read)) == slow_root(LEAVES[:size])


def test_a_proof_reads_few_tiles():
    seen = []
    nodes = Nodes(70_000, lambda tile: seen.append(tile) or read(tile))
    inclusion_proof(12_345, 70_000, nodes)
    assert len(seen) <= 5


def test_a_tile_of_another_length_is_not_taken():
    with pytest.raises(ValueError, match="another length"):
        root(300, Nodes(300, lambda tile: bytes(HASH)))


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_bundles(leaves):
    octets = bundle(leaves)
    assert read_bundle(octets) == tuple(leaves)
    if octets:
        with pytest.raises(ValueError, match="cut"):
            read_bundle(octets + b"\0")
