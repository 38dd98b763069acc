"""The entry's bytes are fixed: what is hashed today must be hashed the same in ten years."""

from __future__ import annotations

import hashlib
import json
from dataclasses import FrozenInstanceError, asdict, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.canonical import canonical_bytes
from gateway.provenance.record import (
    SALT_BYTES,
    BookEntry,
    FetchDetail,
    FetchRecord,
    Outcome,
    RecordError,
    ShedNote,
    entry_commitment,
    leaf,
    make_fetch,
    read_entry,
)

SALT = bytes(range(SALT_BYTES))
BOOK = BookEntry(
    id="01900000-0000-7000-8000-000000000001",
    time_us=1_795_000_000_000_000,
    kind_of="credit",
    site="journal",
    licensee="acme",
    amount_micros=10_000_000,
    currency="USD",
    memo="Überweisung ☃",
    by="operator",
)
SHED = ShedNote("01900000-0000-7000-8000-000000000002", 2, 1, 7, "queue", "journal")


def test_the_canonical_bytes_of_a_book_entry_are_these() -> None:
    assert (
        BOOK.canonical()
        == (
            '{"amount_micros":10000000,"by":"operator","currency":"USD",'
            '"id":"01900000-0000-7000-8000-000000000001","kind_of":"credit","license":"","licensee":"acme",'
            '"memo":"Überweisung ☃","reference":"","site":"journal","time_us":1795000000000000,"v":1}'
        ).encode()
    )


def test_the_members_of_a_fetch_of_version_1_are_these(new_record) -> None:
    assert sorted(json.loads(new_record(1).canonical())) == sorted(
        [
            "bytes_sent",
            "charge_reason",
            "charged_micros",
            "client",
            "content_type",
            "country",
            "country_basis",
            "crawler",
            "currency",
            "detail",
            "digest",
            "duration_us",
            "ended",
            "etag",
            "host",
            "id",
            "identity",
            "identity_method",
            "license",
            "licensee",
            "method",
            "mode",
            "operator",
            "outcome",
            "path",
            "policy",
            "price_micros",
            "problem",
            "quote_micros",
            "rendition",
            "rule",
            "site",
            "status",
            "terms",
            "time_us",
            "token",
            "unit",
            "uses",
            "v",
            "verdict",
            "visitor_class",
            "work",
            "would",
        ]
    )


@pytest.mark.parametrize("which", ["fetch", "book", "shed"])
def test_an_entry_read_from_its_canonical_bytes_is_the_entry(which, new_record) -> None:
    entry = {"fetch": new_record(5), "book": BOOK, "shed": SHED}[which]
    again = read_entry(entry.kind, json.loads(entry.canonical()))
    assert again == entry
    assert again.canonical() == entry.canonical()


@pytest.mark.parametrize(
    "change",
    [
        lambda members: members.pop("memo"),
        lambda members: members.update(extra=1),
        lambda members: members.update(v=2),
        lambda members: members.pop("v"),
        lambda members: members.update(amount_micros=2**60),
        lambda members: members.update(amount_micros=1.5),
    ],
)
def test_another_version_or_other_members_are_refused(change) -> None:
    members = json.loads(BOOK.canonical())
    change(members)
    with pytest.raises(RecordError):
        read_entry("book", members)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(RecordError, match="unknown kind"):
        read_entry("gift", json.loads(BOOK.canonical()))


def test_only_licensed_fetches_and_book_entries_are_paid(new_record) -> None:
    paid = {outcome: replace(new_record(1), outcome=outcome).is_paid for outcome in Outcome}
    assert paid == {outcome: outcome is Outcome.LICENSED for outcome in Outcome}
    assert BOOK.is_paid
    assert SHED.is_paid


def test_the_leaf_opens_with_record_and_salt_and_tells_nothing_else(new_record) -> None:
    record = new_record(3)
    opened = json.loads(leaf(record, SALT))
    assert opened == {
        "v": 1,
        "time": record.time_us,
        "site": hashlib.sha256(SALT + b"site\0journal").hexdigest(),
        "entry": hashlib.sha256(SALT + record.canonical()).hexdigest(),
    }
    assert opened["entry"] == entry_commitment(record.canonical(), SALT)
    text = leaf(record, SALT).decode()
    for name in ("site", "host", "path", "crawler", "digest"):
        assert getattr(record, name) not in text.replace('"site":', "")


def test_a_changed_member_of_any_kind_changes_the_commitment(new_record) -> None:
    record = new_record(4)
    before = entry_commitment(record.canonical(), SALT)
    for field in fields(FetchRecord):
        value = getattr(record, field.name)
        other = (
            value + 1
            if isinstance(value, int)
            else (*value, "x")
            if isinstance(value, tuple)
            else value + "x"
        )
        changed = replace(record, **{field.name: other})
        assert entry_commitment(changed.canonical(), SALT) != before, field.name


@given(st.builds(FetchDetail, *[st.text(max_size=20)] * 5, st.tuples(st.text(max_size=9))))
def test_a_detail_is_bound_by_its_commitment_and_hidden_by_its_salt(detail: FetchDetail) -> None:
    bound = detail.commitment(SALT)
    assert bound == detail.commitment(SALT)
    assert bound != detail.commitment(bytes(SALT_BYTES))
    for name, value in asdict(detail).items():
        other = (*value, "x") if isinstance(value, tuple) else value + "x"
        assert replace(detail, **{name: other}).commitment(SALT) != bound


def test_a_fetch_made_quickly_is_the_fetch(new_record) -> None:
    record = new_record(7)
    named = asdict(record)
    for members in (dict(sorted(named.items())), named):
        made = make_fetch(**members)
        assert made == record
        assert made.canonical() == record.canonical() == canonical_bytes(named)
        assert hash(made) == hash(record)
        assert replace(made, status=500) == replace(record, status=500)
        with pytest.raises(FrozenInstanceError):
            made.status = 500
    assert make_fetch(**{name: named[name] for name in named if name != "etag"}) == record
    for wrong in ({"more": 1}, {"id": 1}):
        with pytest.raises(TypeError):
            make_fetch(**{name: named[name] for name in named if name != "id"}, id="x", **wrong)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "200"),
        ("status", True),
        ("status", 2.0),
        ("id", 7),
        ("etag", None),
        ("etag", []),
        ("uses", ""),
    ],
)
def test_a_member_of_another_type_is_refused(new_record, name, value) -> None:
    members = json.loads(new_record(1).canonical())
    assert read_entry("fetch", members) == new_record(1)
    with pytest.raises(RecordError):
        read_entry("fetch", members | {name: value})


def test_uses_are_words(new_record) -> None:
    members = json.loads(new_record(1).canonical())
    for uses in ([1], [["a"]], [None], [1.5]):
        with pytest.raises(RecordError):
            read_entry("fetch", members | {"uses": uses})
