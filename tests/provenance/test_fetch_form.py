"""What a form fills in is what the record itself would write, octet by octet."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical import canonical_bytes
from gateway.provenance.fetch_form import FetchForm
from gateway.provenance.frames import entry_frame
from gateway.provenance.record import FetchRecord, make_fetch, read_entry

_BLANKS = (
    "bytes_sent", "charge_reason", "charged_micros", "detail", "digest", "duration_us", "etag", "id", "path",
    "time_us", "unit",
)  # fmt: skip
_HEX = {"detail", "digest", "unit"}
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ["%b", "%d%%", '"\\']
)
_number = st.integers(0, 2**53)


def _members(blanks: bool) -> st.SearchStrategy[dict[str, Any]]:
    made: dict[str, st.SearchStrategy[Any]] = {}
    for field in fields(FetchRecord):
        if (field.name in _BLANKS) is not blanks or field.name == "v":
            continue
        kinds = {"str": _text, "int": _number, "tuple[str, ...]": st.lists(_text, max_size=3).map(tuple)}
        hexadecimal = st.binary(max_size=32).map(bytes.hex)
        made[field.name] = hexadecimal if field.name in _HEX else kinds[str(field.type)]
    return st.fixed_dictionaries(made)


@given(_members(False), _members(True), _members(True))
def test_a_filled_record_is_the_record_and_has_its_bytes(same, first, other) -> None:
    filled = FetchForm(FetchRecord(**same, **first)).filled(**other)
    plain = FetchRecord(**same, **other)
    assert filled == plain
    assert plain == filled
    assert hash(filled) == hash(plain)
    assert filled.canonical() == canonical_bytes(asdict(plain))
    assert entry_frame("fetch", filled.canonical(), b"s" * 32) == entry_frame(
        "fetch", plain.canonical(), b"s" * 32
    )
    assert read_entry("fetch", vars(filled)) == plain


@given(_members(True))
def test_a_form_leaves_nothing_of_one_record_in_the_next(other) -> None:
    form = FetchForm(_record())
    form.filled(**other)
    again = form.filled(**{name: getattr(_record(), name) for name in _BLANKS})
    assert again == _record()
    assert again.canonical() == _record().canonical()


@pytest.mark.parametrize(("name", "value"), [("time_us", 2**53 + 1), ("path", "/\ud800"), ("etag", "\udcff")])
def test_what_has_no_bytes_says_so_when_it_is_asked_for_them(name, value) -> None:
    odd = {blank: getattr(_record(), blank) for blank in _BLANKS} | {name: value}
    filled = FetchForm(_record()).filled(**odd)
    assert filled == replace(_record(), **{name: value})
    with pytest.raises((ValueError, TypeError)):
        filled.canonical()


def _record() -> FetchRecord:
    return make_fetch(
        id="01920000-0000-7000-8000-000000000001", time_us=1_795_000_000_000_000, duration_us=5, site="journal",
        host="journal.example", method="GET", path="/essays/tides", visitor_class="ai", identity="verified",
        identity_method="network", verdict="license", rule="rules[1]", policy="sha-256:p", mode="enforce",
        outcome="licensed", status=200, bytes_sent=4, ended="complete", detail="ab" * 32, uses=("ai-train",),
    )  # fmt: skip
