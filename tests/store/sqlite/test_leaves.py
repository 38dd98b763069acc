"""Leaves that are at hand since they were folded are those that the store tells."""

from __future__ import annotations

import pytest

from gateway.provenance.keeper import FoldBatch
from gateway.provenance.record import BookEntry, leaf
from gateway.provenance.segments import SealedEntry
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.leaves import FreshLeaves, SqliteLeaves


def sealed(number: int) -> SealedEntry:
    entry = BookEntry(f"b{number}", 1_000_000 + number, "credit", "s", "le_1", 5, "USD")
    return SealedEntry(entry, bytes([number]) * 32, entry.canonical(), f"w-{number}:24")


@pytest.fixture
async def database(tmp_path):
    database = await Database.open(tmp_path / "licet.db")
    yield database
    await database.close()


async def test_what_was_folded_is_at_hand_and_the_same_as_what_is_stored(database):
    fresh = FreshLeaves()
    folding = SqliteFolding(database, fresh)
    for batch in ([0, 1], [1, 2, 3], [4]):  # the second repeats an entry
        await folding.fold(FoldBatch(tuple(map(sealed, batch)), (), ()))
    at_hand, stored = SqliteLeaves(database, fresh), SqliteLeaves(database)
    assert await stored.leaves(0, 9) == tuple(leaf(each.entry, each.salt) for each in map(sealed, range(5)))
    for begin, most in ((0, 2), (0, 9), (2, 1), (3, 9), (5, 9), (1, 9)):
        assert await at_hand.leaves(begin, most) == await stored.leaves(begin, most)
    assert fresh.take(3, 1) == (leaf(sealed(3).entry, sealed(3).salt),)


async def test_entries_that_did_not_come_to_the_store_leave_nothing(database):
    fresh = FreshLeaves()
    folding = SqliteFolding(database, fresh)
    await folding.fold(FoldBatch((sealed(0),), (), ()))
    other = sealed(0)._replace(canonical=b"{}")
    with pytest.raises(Exception, match="other content"):
        await folding.fold(FoldBatch((sealed(1), other), (), ()))
    assert fresh.take(0, 9) == (leaf(sealed(0).entry, sealed(0).salt),)


def test_leaves_that_do_not_follow_let_the_others_go():
    fresh = FreshLeaves()
    fresh.put(3, [b"a", b"b"])
    assert [fresh.take(begin, 9) for begin in (2, 5, 6)] == [(), (), ()]
    fresh.put(5, [b"c"])
    assert fresh.take(4, 2) == (b"b", b"c")
    fresh.put(9, [b"d"])
    assert [fresh.take(begin, 9) for begin in (4, 9)] == [(), (b"d",)]
