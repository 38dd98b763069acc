"""Pages are cut by key: whatever their size, together they are the whole, each entry once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.desk.catalogue import Cursor, gone, page_of, read_cursor, same

keys = st.lists(st.text(max_size=4), unique=True, max_size=12)


def entries(names):
    return [{"path": name} for name in sorted(names)]


@given(keys, st.integers(1, 5))
def test_pages_together_are_everything_once(names, limit):
    whole, found, after = entries(names), [], None
    while True:
        shown, cursor = page_of(whole, "v", after, limit)
        found += shown
        if cursor is None:
            break
        assert len(shown) == limit
        after = cursor.key
    assert found == whole


@given(st.text(max_size=64), st.text(max_size=256).filter(lambda text: text.isascii()))
def test_a_cursor_reads_back(source, key):
    text = Cursor(source, key).written()
    assert read_cursor(text) == Cursor(source, key) or len(text) > 1024


@given(st.text(max_size=80))
def test_no_text_breaks_the_reading_of_cursors(text):
    assert read_cursor(text) is None or isinstance(read_cursor(text), Cursor)


def test_what_is_gone_and_what_is_the_same():
    assert gone(entries("abc"), entries("bd")) == ["a", "c"]
    assert same({"path": "a", "x": [1]}, {"x": [1], "path": "a"})
    assert not same({"path": "a"}, None)
