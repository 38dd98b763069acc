"""`Leaves`: what the public log is made of, in the order in which it was folded."""

from __future__ import annotations

import pytest

from gateway.problems import StoreUnavailable
from gateway.provenance.record import leaf
from gateway.store.sqlite.database import Database


async def test_leaves_are_those_of_the_entries_in_their_order(ports, make):
    entries = [make.fetch(f"r{n}") if n % 2 else make.book("credit", 5_000, f"b{n}") for n in range(9)]
    await ports.put(*entries[:5])
    await ports.put(*entries[5:])
    expected = tuple(leaf(each, make.sealed(each).salt) for each in entries)
    assert await ports.leaves.size() == 9
    assert await ports.leaves.leaves(0, 100) == expected
    assert await ports.leaves.leaves(4, 3) == expected[4:7]
    assert await ports.leaves.leaves(9, 3) == ()
    for nth, each in enumerate(entries):
        found = await ports.leaves.opened(each.id)
        assert (found.index, found.kind, found.licensee, found.leaf) == (
            nth,
            each.kind,
            "le_1",
            expected[nth],
        )
    assert await ports.leaves.opened("another") is None


async def test_nothing_is_there_at_first(ports):
    assert await ports.leaves.size() == 0
    assert await ports.leaves.leaves(0, 10) == ()


async def test_a_store_that_is_closed_says_so(make, tmp_path):
    database = await Database.open(tmp_path / "licet.db")
    ports = make.sqlite_ports(database)
    await database.close()
    with pytest.raises(StoreUnavailable):
        await ports.leaves.size()
