"""Every refusal is either written by itself or counted once, and only unpaid refusals are counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.provenance import floods as module
from gateway.provenance.audit import audit
from gateway.provenance.floods import Floods, network_of
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Keeper
from gateway.provenance.record import FetchDetail, FloodNote, read_canonical
from gateway.provenance.segments import open_detail, open_entry, read_frames, segments

MINUTE = 60_000_000


@pytest.fixture(scope="module")
def refusal(new_record):
    """Refusal number *n*, at *time_us*, with what else is told."""

    def make(n: int, time_us: int, **changes):
        usual = {"time_us": time_us, "problem": "license-required", "licensee": ""}
        return replace(new_record(n, paid=False), **{**usual, **changes})

    return make


FROM = FetchDetail("198.51.100.7")


def alone_in(floods, record, detail) -> bool:
    about = (record.crawler, record.visitor_class, record.problem, record.status)
    return floods.alone(record.site, detail.address if detail else "", about, record.time_us)


def test_what_is_above_the_pace_of_a_second_is_counted_and_told_after_a_minute(refusal) -> None:
    floods = Floods(2)
    times = [MINUTE + at for at in (0, 1, 2, 3, 1_000_000, 1_000_001, 1_000_002)]
    alone = [alone_in(floods, refusal(n, at), FetchDetail(f"198.51.100.{n}")) for n, at in enumerate(times)]
    assert alone == [True, True, False, False, True, True, False]
    assert floods.told(2 * MINUTE - 1) == []
    [flood] = floods.told(2 * MINUTE)
    assert (flood.note.count, flood.note.since_us, flood.note.time_us) == (3, times[2], times[-1])
    assert (flood.note.site, flood.note.crawler, flood.note.problem, flood.note.status) == (
        "journal", "GPTBot", "license-required", 402,
    )  # fmt: skip
    assert flood.detail == FetchDetail("198.51.100.0/24")
    assert flood.detail.commitment(flood.detail_salt) == flood.note.detail
    assert b"198.51" not in flood.note.canonical()
    assert floods.told(9 * MINUTE) == floods.told(9 * MINUTE, all=True) == []


def test_refusals_of_another_sort_have_a_pace_of_their_own(refusal) -> None:
    floods = Floods(1)
    sorts = [
        ({}, FROM),
        ({"site": "radio"}, FROM),
        ({"crawler": "CCBot"}, FROM),
        ({"problem": "owner-refuses"}, FROM),
        ({}, FetchDetail("198.51.101.7")),
        ({}, FetchDetail("2001:db8:1:2::3")),
        ({}, None),
    ]
    for changes, detail in sorts:
        assert alone_in(floods, refusal(1, MINUTE, **changes), detail)
        assert not alone_in(floods, refusal(2, MINUTE, **changes), detail)
    assert len(floods.told(MINUTE, all=True)) == len(sorts)


def test_without_a_pace_every_one_is_alone(refusal) -> None:
    every = Floods(0)
    assert all(alone_in(every, refusal(n, MINUTE), FROM) for n in range(100))
    assert every.told(MINUTE, all=True) == []


def test_sorts_are_bounded_and_lose_nothing(refusal, monkeypatch) -> None:
    monkeypatch.setattr(module, "SORTS", 8)
    floods = Floods(1)
    alone = sum(alone_in(floods, refusal(n, MINUTE), FetchDetail(f"10.0.{n % 50}.1")) for n in range(500))
    told = floods.told(MINUTE, all=True)
    assert len(told) <= 9
    assert alone + sum(flood.note.count for flood in told) == 500


@given(
    st.lists(st.tuples(st.integers(0, 3 * MINUTE), st.sampled_from(["a", "b"]), st.booleans()), max_size=60),
    st.integers(1, 3),
)
def test_alone_and_counted_are_all_there_were(refusal, asked, pace) -> None:
    floods, found, alone = Floods(pace), [], Counter()
    for n, (at, crawler, look) in enumerate(sorted(asked)):
        alone[crawler] += alone_in(floods, refusal(n, MINUTE + at, crawler=crawler), FROM)
        found += floods.told(MINUTE + at) if look else []
    found += floods.told(0, all=True)
    for flood in found:
        alone[flood.note.crawler] += flood.note.count
        assert flood.note.since_us <= flood.note.time_us
    assert alone == Counter(crawler for _, crawler, _ in asked)


@pytest.mark.parametrize(
    ("address", "network"),
    [("203.0.113.255", "203.0.113.0/24"), ("::1", "::/48"), ("", ""), ("unix:", ""), ("1.2.3", "")],
)
def test_networks(address, network) -> None:
    assert network_of(address) == network


async def test_the_journal_tells_of_a_flood_and_it_folds_and_audits(folder, folding, clock, refusal) -> None:
    journal = Journal.open(folder, "w0", clock=clock, reserve_bytes=0, refusals_per_second=3)
    for n in range(50):
        record = refusal(n, clock.now_us())
        if alone_in(journal.floods, record, FROM):
            journal.note(record, FROM, bytes(32))
    await journal.close()
    [path] = segments(folder)
    entries = [open_entry(frame).entry for frame, _ in read_frames(path)]
    assert [entry.kind for entry in entries] == ["fetch", "fetch", "fetch", "flood"]
    note = entries[-1]
    assert isinstance(note, FloodNote)
    assert note.count == 47
    details = [open_detail(frame) for frame, _ in read_frames(path.with_suffix(".det"))]
    [mine] = [each for each in details if each.id == note.id]
    assert mine.detail.commitment(mine.salt) == note.detail
    assert read_canonical("flood", {name: getattr(note, name) for name in note.__slots__}) == (
        note,
        note.canonical(),
    )
    # Refusals of this test commit to another detail: the audit must find those three and not the flood's.
    assert {fault.id for fault in audit(folder).faults} == {entry.id for entry in entries[:3]}
    assert await Keeper(folder, folding).catch_up() == 4
