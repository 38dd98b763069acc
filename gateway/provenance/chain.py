"""The tree of the public log: hashes, roots, and proofs that anybody can check.

RFC 6962 (June 2013), section 2.1, with SHA-256; proofs are verified as in
RFC 9162 (December 2021), sections 2.1.3.2 and 2.1.4.2. A leaf is hashed behind
an octet 0, two nodes behind an octet 1, so that neither is taken for the other.

A tree of *size* leaves is seen through its *nodes*: ``node(level, index)`` is
the hash over the ``2**level`` leaves from ``index * 2**level`` on, which are all
there. Where nodes come from (`provenance.tiles`) is nothing to this module.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final

#: Octets of a hash.
HASH: Final = 32
#: The root of a tree without leaves.
EMPTY: Final = hashlib.sha256(b"").digest()

Node = Callable[[int, int], bytes]


def leaf_hash(octets: bytes) -> bytes:
    """The hash of a leaf that says *octets*."""
    return hashlib.sha256(b"\0" + octets).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbors."""
    return hashlib.sha256(b"\1" + left + right).digest()


def folded(hashes: Sequence[bytes]) -> bytes:
    """The root over *hashes*, whose number is a power of two."""
    row = hashes
    while len(row) > 1:
        row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]


def root(size: int, node: Node) -> bytes:
    """The root of the tree of *size* leaves."""
    return _span(0, size, node) if size else EMPTY


def inclusion_proof(index: int, size: int, node: Node) -> tuple[bytes, ...]:
    """What proves that leaf *index* is in the tree of *size*, from the leaf's sibling upwards.

    Raises `ValueError` unless ``0 <= index < size``.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _half(end - begin)
        if index < middle:
            path.append(_span(middle, end, node))
            end = middle
        else:
            path.append(_span(begin, middle, node))
            begin = middle
    return tuple(reversed(path))


def consistency_proof(earlier: int, later: int, node: Node) -> tuple[bytes, ...]:
    """What proves that the tree of size *later* begins with the one of size *earlier*.

    Raises `ValueError` unless ``0 < earlier <= later``.
    """
    if not 0 < earlier <= later:
        raise ValueError(f"there is no proof from a tree of {earlier} leaves to one of {later}")
    proof: list[bytes] = []
    begin, end, whole = 0, later, True
    while earlier != end:
        middle = begin + _half(end - begin)
        if earlier <= middle:
            proof.append(_span(middle, end, node))
            end = middle
        else:
            proof.append(_span(begin, middle, node))
            begin, whole = middle, False
    if not whole:
        proof.append(_span(begin, end, node))
    return tuple(reversed(proof))


def includes(index: int, size: int, leaf: bytes, proof: Iterable[bytes], found: bytes) -> bool:
    """Whether *proof* shows that the leaf of hash *leaf* is at *index* of the tree of *size* with root *found*."""
    if not 0 <= index < size or len(leaf) != HASH:
        return False
    at, last, hashed = index, size - 1, leaf
    for sibling in proof:
        if len(sibling) != HASH or not last:
            return False
        if at & 1 or at == last:
            hashed = node_hash(sibling, hashed)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            hashed = node_hash(hashed, sibling)
        at, last = at >> 1, last >> 1
    return not last and hashed == found


def continues(
    earlier: int, later: int, earlier_root: bytes, later_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether *proof* shows that the tree of *later* leaves begins with the one of *earlier*.

    A tree continues itself without a proof. Of the empty one nothing can be shown.
    """
    if not 0 < earlier <= later or any(len(each) != HASH for each in proof):
        return False
    if earlier == later:
        return not proof and earlier_root == later_root
    if not proof:
        return False
    at, last, path = earlier - 1, later - 1, list(proof)
    while at & 1:
        at, last = at >> 1, last >> 1
    # A whole subtree on the left is the earlier root itself and is left out.
    first = second = earlier_root if not at else path.pop(0)
    for each in path:
        if not last:
            return False
        if at & 1 or at == last:
            first, second = node_hash(each, first), node_hash(each, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, each)
        at, last = at >> 1, last >> 1
    return not last and first == earlier_root and second == later_root


def _half(length: int) -> int:
    """The largest power of two below *length*, which is at least 2."""
    return 1 << (length - 1).bit_length() - 1


def _span(begin: int, end: int, node: Node) -> bytes:
    """The root over the leaves from *begin* to before *end*; *begin* is where a subtree that large begins."""
    hashed: bytes | None = None
    for level, index in reversed(_subtrees(begin, end)):
        found = node(level, index)
        hashed = found if hashed is None else node_hash(found, hashed)
    assert hashed is not None
    return hashed


def _subtrees(begin: int, end: int) -> list[tuple[int, int]]:
    """The whole subtrees that lie side by side from *begin* to before *end*, the largest first."""
    parts = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        parts.append((level, begin >> level))
        begin += 1 << level
    return parts
