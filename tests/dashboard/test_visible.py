"""Strings of a crawler's choosing, as people and spreadsheets meet them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dashboard.visible import spreadsheet_cell, visible


@given(st.text())
def test_nothing_hides_or_turns_around(text):
    shown = visible(text)
    assert not [sign for sign in shown if unicodedata.category(sign) in {"Cc", "Zl", "Zp"}]
    assert not [
        sign
        for sign in shown
        if unicodedata.bidirectional(sign) in {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"}
    ]


@given(st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="\u180e")))
def test_what_can_be_seen_stays_as_it_is(text):
    assert visible(text) == text


@given(st.text())
def test_no_cell_begins_a_formula(text):
    assert not spreadsheet_cell(text).lstrip().startswith(tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20"))


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("/essays/=1", "/essays/=1"),
        ("=1+1", "'=1+1"),
        ("  @SUM(A1)", "'  @SUM(A1)"),
        ("\t=1", "\\u0009=1"),
        ("\uff1d1", "'\uff1d1"),
        ("", ""),
    ],
)
def test_cells(text, cell):
    assert spreadsheet_cell(text) == cell
