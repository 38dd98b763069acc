"""By its shape a frame is read as it would be read octet by octet, or not at all."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.provenance.fetch_form import FilledFetch
from gateway.provenance.frames import SealedDetail, detail_frame, entry_frame
from gateway.provenance.record import BookEntry, FetchDetail, FetchRecord
from gateway.provenance.segments import Frame, SegmentDamaged, open_detail, open_entry
from gateway.provenance.shapes import Shapes

SALT = bytes(range(32))
RECORD = FetchRecord(
    id="01920000-0000-7000-8000-000000000001", time_us=1_795_000_000_000_000, duration_us=5, site="journal",
    host="journal.example", method="GET", path="/essays/tides", visitor_class="ai", identity="verified",
    identity_method="network", verdict="license", rule="rules[1]", policy="sha-256:p", mode="enforce",
    outcome="licensed", status=200, bytes_sent=4, ended="complete", detail="ab" * 32, uses=("ai-train",),
    digest="cd" * 32, etag='"v1"', licensee="le_1", client='odd " \\ é', charge_reason="fetch", charged_micros=7,
)  # fmt: skip
DETAIL = FetchDetail("192.0.2.7", "192.0.2.7", 'Agent "1" ü', "", "a=b", ("ua_claim:GPTBot",))
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_number = st.integers(-1, 2**53)


def _frame(payload: bytes) -> Frame:
    return Frame(Path("front-000000000000000000000000-000001.seg"), 24, payload)


def _entry(record: FetchRecord, salt: bytes = SALT) -> bytes:
    return entry_frame("fetch", record.canonical(), salt)[8:]


def _detail(id: str, detail: FetchDetail, time_us: int) -> bytes:
    return detail_frame(SealedDetail(id, SALT, time_us, detail))[8:]


def _taught() -> Shapes:
    shapes = Shapes()
    for number in range(40):
        shapes.entry(_frame(_entry(replace(RECORD, id=f"{number}"))))
    shapes.detail(_frame(_detail("0", DETAIL, 1)))
    return shapes


SHAPES = _taught()


def _both(read: Any, ordinary: Any, payload: bytes) -> None:
    try:
        wanted = ordinary(_frame(payload))
    except SegmentDamaged as error:
        with pytest.raises(SegmentDamaged, match=re.escape(error.why)):
            read(_frame(payload))
        return
    assert read(_frame(payload)) == wanted


def test_a_shape_is_learned_and_used() -> None:
    sealed = SHAPES.entry(_frame(_entry(replace(RECORD, id="another", path="/essays/moon"))))
    assert type(sealed.entry) is FilledFetch
    assert (
        sealed.entry.canonical()
        == sealed.canonical
        == replace(RECORD, id="another", path="/essays/moon").canonical()
    )
    changed = replace(sealed.entry, path="/essays/sun")
    assert changed.canonical() == replace(RECORD, id="another", path="/essays/sun").canonical()


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "bytes_sent": _number, "charge_reason": _text, "charged_micros": _number, "detail": _text,
            "digest": _text, "duration_us": _number, "etag": _text, "id": _text, "path": _text, "time_us": _number,
            "unit": _text, "host": _text, "uses": st.lists(_text, max_size=2).map(tuple), "status": _number,
            "country": _text,
        },
    ),
    st.binary(min_size=32, max_size=32),
)  # fmt: skip
def test_every_record_is_read_as_it_stands(changes, salt) -> None:
    record = replace(RECORD, **changes)
    sealed = SHAPES.entry(_frame(_entry(record, salt)))
    assert sealed == open_entry(_frame(_entry(record, salt)))
    assert (sealed.entry, sealed.salt, sealed.canonical) == (record, salt, record.canonical())


@given(st.data(), st.sampled_from([_entry(RECORD), _detail("0", DETAIL, 1)]))
def test_octets_that_were_changed_are_read_or_refused_alike(data, whole) -> None:
    at = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(
        st.binary(max_size=3) | st.sampled_from([b"0", b"00", b'"', b"\\", b"\\u0041", b" ", b"A"])
    )
    changed = whole[:at] + other + whole[at + data.draw(st.integers(0, 2)) :]
    _both(SHAPES.entry, open_entry, changed)
    _both(SHAPES.detail, open_detail, changed)


@pytest.mark.parametrize(
    ("what", "instead"),
    [
        (b'"bytes_sent":4', b'"bytes_sent":04'), (b'"bytes_sent":4', b'"bytes_sent":9007199254740993'),
        (b'"bytes_sent":4', b'"bytes_sent":-0'), (b'"bytes_sent":4', b'"bytes_sent":4.0'),
        (b'"path":"/essays/tides"', b'"path":"/essays\\/tides"'), (b'"etag":"\\"v1\\""', b'"etag":"\\u0022v1\\""'),
        (b'"etag":"\\"v1\\""', b'"etag":"\\\\"'), (SALT.hex().encode(), SALT.hex().upper().encode()),
        (b'"salt":"00', b'"salt":"'), (b'"kind":"fetch"', b'"kind":"flood"'), (b"}", b"} "),
    ],
)  # fmt: skip
def test_what_says_the_same_in_other_octets_is_not_taken_for_it(what, instead) -> None:
    payload = _entry(RECORD)
    assert what in payload
    changed = payload.replace(what, instead)
    _both(SHAPES.entry, open_entry, changed)
    if instead != b'"etag":"\\\\"':  # the one that is another entry, and stands in its canonical form
        with pytest.raises(SegmentDamaged):
            SHAPES.entry(_frame(changed))


@given(
    _text,
    st.sampled_from([DETAIL, replace(DETAIL, query='x","id":"y'), FetchDetail()]),
    st.integers(-1, 2**53),
)
@example("", DETAIL, 2**53)
def test_every_detail_is_read_as_it_stands(id, detail, time_us) -> None:
    for _ in range(2):
        payload = _detail(id, detail, time_us)
        assert SHAPES.detail(_frame(payload)) == open_detail(_frame(payload)) == (id, SALT, time_us, detail)


def test_what_is_forgotten_is_read_again() -> None:
    shapes, payload = Shapes(), _detail("0", DETAIL, 1)
    first = shapes.detail(_frame(payload)).detail
    assert shapes.detail(_frame(payload)).detail is first
    shapes.forget()
    again = shapes.detail(_frame(payload)).detail
    assert again == first
    assert again is not first


def test_other_kinds_are_read_too() -> None:
    shapes = Shapes()
    credit = BookEntry("0193", 1, "credit", "journal", "le_1", 10_000, "USD")
    payload = entry_frame("book", credit.canonical(), SALT)[8:]
    for _ in range(40):
        assert shapes.entry(_frame(payload)).entry == credit


def test_more_shapes_than_are_held_are_read_all_the_same() -> None:
    shapes = Shapes()
    for number in range(600):
        record = replace(RECORD, client=f"cl_{number}")
        assert shapes.entry(_frame(_entry(record))).entry == record
