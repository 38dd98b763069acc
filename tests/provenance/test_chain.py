"""The tree: proofs hold for what is in it, for nothing else, and others' vectors and roots agree."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.provenance.chain import (
    EMPTY,
    consistency_proof,
    continues,
    folded,
    includes,
    inclusion_proof,
    leaf_hash,
    root,
)

LEAVES = [leaf_hash(str(each).encode()) for each in range(1100)]


def node(level, index):
    return folded(LEAVES[index << level : (index + 1) << level])


ROOTS = [root(size, node) for size in range(130)]


def test_every_leaf_of_every_small_tree_is_proven():
    for size in range(1, 130):
        for index in range(size):
            proof = inclusion_proof(index, size, node)
            assert includes(index, size, LEAVES[index], proof, ROOTS[size])


def test_every_small_tree_continues_every_smaller_one():
    for later in range(1, 130):
        for earlier in range(1, later + 1):
            proof = consistency_proof(earlier, later, node)
            assert continues(earlier, later, ROOTS[earlier], ROOTS[later], proof)


@given(st.data())
def test_one_changed_bit_proves_nothing(data):
    size = data.draw(st.integers(1, 1100))
    index = data.draw(st.integers(0, size - 1))
    whole, proof = root(size, node), list(inclusion_proof(index, size, node))
    assert includes(index, size, LEAVES[index], proof, whole)
    at = data.draw(st.integers(0, len(proof)))
    bit = data.draw(st.integers(0, 255))
    flipped = (int.from_bytes(([*proof, LEAVES[index]])[at]) ^ (1 << bit)).to_bytes(32)
    if at == len(proof):
        assert not includes(index, size, flipped, proof, whole)
    else:
        proof[at] = flipped
        assert not includes(index, size, LEAVES[index], proof, whole)


@given(st.integers(1, 1100), st.integers(1, 1100), st.data())
def test_a_history_that_was_changed_is_not_continued(one, other, data):
    earlier, later = sorted((one, other))
    proof = consistency_proof(earlier, later, node)
    before, after = root(earlier, node), root(later, node)
    assert continues(earlier, later, before, after, proof)
    changed = list(LEAVES[:earlier])
    changed[data.draw(st.integers(0, earlier - 1))] = leaf_hash(b"another")
    forged = root(earlier, lambda level, index: folded(changed[index << level : (index + 1) << level]))
    assert not continues(earlier, later, forged, after, proof)
    for cut in ([*proof, EMPTY], proof[:-1], [b"", *proof]):
        if list(cut) != list(proof):
            assert not continues(earlier, later, before, after, cut)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_what_is_not_in_the_tree_has_no_proof(index, size):
    with pytest.raises(ValueError, match="has no leaf"):
        inclusion_proof(index, size, node)


@pytest.mark.parametrize(("earlier", "later"), [(0, 3), (4, 3), (-1, 3)])
def test_a_tree_that_is_not_earlier_has_no_proof(earlier, later):
    with pytest.raises(ValueError, match="there is no proof"):
        consistency_proof(earlier, later, node)


def test_the_vectors_of_transparency_dev(shared_data):
    """Each says whether a verifier may believe it."""
    folder = shared_data / "vectors" / "merkle"
    seen = {True: 0, False: 0}
    for file in sorted(folder.glob("inclusion/*/*.json")):
        told = json.loads(file.read_text())
        found = includes(told["leafIdx"], told["treeSize"], b(told["leafHash"]), proof(told), b(told["root"]))
        assert found is not told["wantErr"], file
        seen[found] += 1
    for file in sorted(folder.glob("consistency/*/*.json")):
        told = json.loads(file.read_text())
        found = continues(told["size1"], told["size2"], b(told["root1"]), b(told["root2"]), proof(told))
        assert found is not told["wantErr"], file
        seen[found] += 1
    print(f"\n  merkle vectors: {seen[True]} believed, {seen[False]} refused")
    assert seen[True] >= 10
    assert seen[False] >= 100


def b(text):
    return base64.b64decode(text or "")


def proof(told):
    return [b(each) for each in told["proof"] or ()]
