"""What a name is, and what of an address is kept under it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dashboard.saved_views import LONGEST_NAME, LONGEST_QUERY, SavedView, name_of, query_of


@pytest.mark.parametrize("text", ["", "   ", "a\nb", "a\x00", "\u202eb", "x" * (LONGEST_NAME + 1)])
def test_what_cannot_be_read_is_no_name(text):
    assert name_of(text) is None


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""), ("?last=7d", "last=7d"), ("last=7d&before=9&page=2&done=x", "last=7d"),
        ("crawler=GPT%42ot&text=a+b", "crawler=GPTBot&text=a+b"), ("text=%3Cscript%3E", "text=%3Cscript%3E"),
        ("columns=time,path", "columns=time%2Cpath"), ("a=" + "x" * LONGEST_QUERY, None), ("&".join(["a=b"] * 60), None),
        ("text=%ff", None),
    ],
)  # fmt: skip
def test_a_query_is_kept_in_one_form_and_without_what_passes(text, kept):
    assert query_of(text) == kept


@given(st.text(max_size=200))
def test_any_text_is_a_query_or_none_and_one_that_is_kept_is_kept_again(text):
    found = query_of(text)
    assert found is None or query_of(found) == found


def test_a_view_opens_where_it_was_saved():
    view = SavedView("vi_1", "pe_1", "/log", "Quoted", "decision=quoted", 0)
    assert (view.address, view.page) == ("/log?decision=quoted", "Access log")
    assert SavedView("vi_1", "pe_1", "/", "All", "", 0).address == "/"
