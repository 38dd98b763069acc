"""`Leaves`: what the public log is made of, in the order in which it was folded."""

from __future__ import annotations

from dataclasses import replace

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
    opened = [await ports.leaves.opened(each.id) for each in entries]
    assert await ports.leaves.opened_from(0, 100) == tuple(opened)
    assert await ports.leaves.opened_from(4, 3) == tuple(opened[4:7])
    assert await ports.leaves.opened_from(9, 3) == ()


async def test_entries_of_a_licensee_come_by_time_and_in_pages(ports, make):
    times = (30, 10, 20, 20, 40, 10)
    entries = [replace(make.fetch(f"r{n}"), time_us=us) for n, us in enumerate(times)]
    entries[3] = replace(entries[3], licensee="le_2")
    await ports.put(*entries)

    async def paged(licensee, since, until, most):
        after, found = (0, -1), []
        while page := await ports.leaves.opened_of(licensee, since, until, after, most):
            assert len(page) <= most
            found += page
            after = (page[-1].time_us, page[-1].index)
        return found

    for most in (1, 2, 100):
        found = await paged("le_1", 10, 40, most)
        assert [each.index for each in found] == [1, 5, 2, 0]
        assert [each.index for each in await paged("le_2", 0, 1000, most)] == [3]
    assert [each.leaf for each in found] == [
        leaf(entries[n], make.sealed(entries[n]).salt) for n in (1, 5, 2, 0)
    ]
    assert await paged("le_3", 0, 1000, 5) == []


async def test_nothing_is_there_at_first(ports):
    assert await ports.leaves.size() == 0
    assert await ports.leaves.leaves(0, 10) == ()


async def test_a_store_that_is_closed_says_so(make, tmp_path):
    database = await Database.open(tmp_path / "licet.db")
    ports = make.sqlite_ports(database)
    await database.close()
    with pytest.raises(StoreUnavailable):
        await ports.leaves.size()
