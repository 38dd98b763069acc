"""One line of trust.txt: yes only where everything is free, by both sides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.terms.trust_txt import merged, read
from gateway.uses import Use

FREE = {Use.AI_TRAIN}


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"datatrainingallowed=yes", True),
        (b"member=https://a.example\r\nDataTrainingAllowed = NO\r\n", False),
        (b"datatrainingallowed=no\ndatatrainingallowed=yes", False),
        (b"# datatrainingallowed=yes", None),
        (b"datatrainingallowed=maybe", None),
        (b"datatrainingallowed=no # nobody may", False),
        (b"\xff\x00", None),
    ],
)
def test_what_a_file_says(octets, said):
    assert read(octets) is said


def test_the_site_s_own_lines_stay(make):
    terms = make.published(make.scope("/", free={Use.SEARCH}))
    assert merged(b"member=https://a.example\ndatatrainingallowed=yes\n", terms) == (
        b"member=https://a.example\ndatatrainingallowed=no\n"
    )
    assert merged(None, terms) == b"datatrainingallowed=no\n"


def test_yes_needs_every_page_and_both_sides(make):
    whole = make.published(make.scope("/", free=FREE))
    partly = make.published(make.scope("/a/", free=()), make.scope("/", free=FREE))
    assert read(merged(None, whole)) is True
    assert read(merged(b"datatrainingallowed=no", whole)) is False
    assert read(merged(None, partly)) is False
    assert read(merged(None, make.published())) is False
    assert read(merged(None, whole, unread=True)) is False
    long = merged(b"a=b\n" * 70_000 + b"datatrainingallowed=no", whole)
    assert long.endswith(b"a=b\ndatatrainingallowed=no\n")


@given(st.binary())
def test_no_octets_open_anything(make, octets):
    assert read(merged(octets, make.published(make.scope("/")))) is False
