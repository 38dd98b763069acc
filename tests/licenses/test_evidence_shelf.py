"""Which documents are taken as evidence."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.evidence_shelf import JSON, LARGEST, PDF, PLAIN, TAKEN, evidence_of
from gateway.licenses.obligations import Evidence
from gateway.problems import Problem, Refusal


@pytest.mark.parametrize(
    ("octets", "media_type"),
    [(b'{"a": [1]}', JSON), (b"%PDF-1.7\n\x00", PDF), ("Größe\n".encode(), PLAIN), (b"x" * LARGEST, PLAIN)],
)
def test_what_is_what_it_says_is_taken(octets, media_type):
    found = evidence_of(octets, media_type, now=7, name="card.txt", holds_until=9)
    assert found == Evidence(hashlib.sha256(octets).hexdigest(), media_type, len(octets), 7, "card.txt", 9)


@pytest.mark.parametrize(
    ("octets", "media_type", "why"),
    [
        (b"", PLAIN, "is empty"), (b"x" * (LARGEST + 1), PLAIN, "is longer"), (b"{", JSON, "is not JSON"),
        (b"\xff", PLAIN, "is not text"), (b"a\x00b", PLAIN, "has control"), (b"a\x1b[2Jb", PLAIN, "has control"),
        (b"<html>", PDF, "does not begin"), (b"MZ", "application/x-dosexec", "is none of"),
        (b"<p>", "text/html", "is none of"),
    ],
)  # fmt: skip
def test_what_is_not_is_refused(octets, media_type, why):
    refusal = evidence_of(octets, media_type, now=7)
    assert refusal.problem is Problem.DOCUMENT_INVALID
    assert why in refusal.detail


def test_a_name_is_one_line():
    for name in ("a\nb", "x" * 121):
        assert isinstance(evidence_of(b"x", PLAIN, now=7, name=name), Refusal)


@given(st.binary(max_size=200), st.sampled_from(TAKEN))
def test_nothing_makes_it_raise(octets, media_type):
    assert isinstance(evidence_of(octets, media_type, now=7), Evidence | Refusal)
