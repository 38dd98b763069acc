"""The entry that keeps a consent: canonical, and nobody named in clear."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from gateway.provenance.consent_note import ConsentNote, consent_of_whom
from gateway.provenance.record import leaf, read_entry

SALT = bytes(32)


@given(words=st.lists(st.text(max_size=20), max_size=4), name=st.text(max_size=20))
def test_it_is_read_back_octet_by_octet_and_names_nobody(words, name):
    note = ConsentNote(
        "id", 7, "journal", "p", "", "the file", "t", consent_of_whom(name, SALT), tuple(words), ("a",)
    )
    again = read_entry("consent", orjson.loads(note.canonical()))
    assert again == note
    assert again.canonical() == note.canonical()
    assert orjson.loads(leaf(note, SALT)).keys() == {"entry", "site", "time", "v"}


def test_who_it_was_is_bound_by_the_salt():
    assert consent_of_whom("", SALT) == ""
    assert len({consent_of_whom(name, salt) for name in ("Ada", "Bo") for salt in (SALT, b"1" * 32)}) == 4
