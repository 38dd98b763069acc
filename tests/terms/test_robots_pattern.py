"""How two patterns relate: what is said to lie inside, or never to meet, does."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.terms.robots_pattern import encoded, head, matches, may_meet, plain, surely_inside

PATTERNS = (
    "/",
    "/a",
    "/a/",
    "/a/b",
    "/a*",
    "/a/*.pdf",
    "/a/*.pdf$",
    "/a$",
    "/a/b/*",
    "/*.pdf$",
    "/c/",
    "/a/b/x.pdf$",
    "/*",
)
PATHS = ("/", "/a", "/a/", "/a/x.pdf", "/a/b", "/a/b/x.pdf", "/a/b/y", "/c/z", "/ab", "/x.pdf", "/a/x.pdf?q")


@settings(max_examples=500)
@given(st.sampled_from(PATTERNS), st.sampled_from(PATTERNS), st.sampled_from(PATHS))
def test_what_lies_inside_and_what_meets(one, other, path):
    if matches(one, path) and surely_inside(one, other):
        assert matches(other, path)
    if matches(one, path) and matches(other, path):
        assert may_meet(one, other)
    assert may_meet(one, other) is may_meet(other, one)
    if matches(one, path):
        assert path.startswith(head(one))
    if plain(one):
        assert matches(one, path) is path.startswith(head(one))


@given(st.text())
def test_one_spelling(text):
    assert encoded(encoded(text)) == encoded(text)
    assert encoded(text).isascii()
