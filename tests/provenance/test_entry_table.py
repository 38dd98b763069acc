"""Entries by id, without an object for each."""

from __future__ import annotations

import tracemalloc
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from gateway.provenance.entry_table import EntryTable, Standing, digest_of

UUIDS = st.uuids().map(str)
#: What stands in books beside them, and what a damaged or hostile journal may hold.
IDS = st.one_of(
    UUIDS,
    UUIDS.map(str.upper),
    UUIDS.map(lambda told: told.replace("-", "")),
    st.sampled_from(["", "credit-1", "-" * 36, "0" * 32]),
    st.text(max_size=40),
)
ENTRIES = st.tuples(IDS, st.sampled_from(["w1.jnl", "w2.jnl"]), st.integers(0, 2**62), st.binary(max_size=3))


@given(st.lists(ENTRIES, max_size=60), st.sets(st.integers(0, 59)))
def test_it_says_what_a_mapping_of_objects_says(entries, met):
    table, known = EntryTable(), {}
    for id, file, offset, octets in entries:
        digest, leaf, detail = (digest_of(octets + end) for end in (b"d", b"l", b"c"))
        standing = Standing(len(known), file, offset, digest, leaf, detail)
        assert table.add(id, file, offset, digest, leaf, detail) == known.get(id)
        known.setdefault(id, standing)
    assert len(table) == len(known)
    assert {id: table.get(id) for id in known} == known
    assert table.get("nobody") is None
    met = {number for number in met if number < len(known)}
    assert not any(table.meet(number) for number in met)
    assert all(table.meet(number) for number in met)
    missed = [(id, each) for id, each in known.items() if each.number not in met]
    assert list(table.missed()) == missed
    assert table.missing == len(missed)
    table.forget_meetings()
    assert list(table.missed()) == list(known.items())


def test_it_grows_and_keeps_what_it_knew_in_few_octets():
    digest = digest_of(b"")
    tracemalloc.start()
    try:
        table = EntryTable()
        for number in range(50_000):
            assert table.add(str(UUID(int=number)), "w1.jnl", number, digest, digest, digest) is None
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size / 50_000 < 160
    for number in range(0, 50_000, 997):
        found = table.get(str(UUID(int=number)))
        assert found is not None
        assert (found.number, found.offset, found.file) == (number, number, "w1.jnl")
    assert table.get(str(UUID(int=50_000))) is None
