from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.paths import Ambiguous, PathScope, canonical

segment = st.text("abcXYZ019-_~.!$&'()+,=:@", min_size=1, max_size=6).filter(lambda s: s not in {".", ".."})
paths = st.lists(segment, max_size=4).map(lambda parts: "/" + "/".join(parts))
scopes = st.lists(segment, max_size=3).map(lambda parts: PathScope("/" + "/".join(parts)))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("/essays/tides", "/essays/tides"),
        ("/essays/", "/essays/"),
        ("/essays/%74ides", "/essays/tides"),
        ("/a%c3%a9", "/a%C3%A9"),
        ("/aé", "/a%C3%A9"),
        ("/a[1]", "/a[1]"),
        ("/.well-known/x", "/.well-known/x"),
        ("/a..b/c.", "/a..b/c."),
    ],
)
def test_a_path_with_one_reading_has_a_normal_form(path: str, expected: str) -> None:
    assert canonical(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "", "a", "/a/../b", "/a/./b", "/..", "/a/%2e%2e/b", "/a/%2E/b", "/a/%252e%252e/b", "/a%2fb", "/a%5cb",
        "/a\\b", "/a;b", "/a%3bb", "//a", "/a//b", "/a%00", "/a%0a", "/a%", "/a%g1", "/a%1", "/a b", "/a\x7f",
        "/a%c0%af", "/a%ff", "/a?b", "/a#b", "/a%23b", "/a%3Fb", "/a\x00b", "/a%25b", "/a\udcff",
    ],
)  # fmt: skip
def test_a_path_with_two_readings_has_none(path: str) -> None:
    assert isinstance(canonical(path), Ambiguous)


@given(st.text(max_size=60))
def test_no_text_breaks_the_normal_form(text: str) -> None:
    for path in (text, "/" + text):
        once = canonical(path)
        if isinstance(once, str):
            assert canonical(once) == once
            assert once.isascii()


@given(paths, scopes)
def test_a_scope_covers_whole_segments_only(path: str, scope: PathScope) -> None:
    stem = [part for part in scope.pattern.split("/") if part]
    parts = [part for part in path.split("/") if part]
    assert scope.covers(path) == (parts[: len(stem)] == stem)


@given(paths, scopes, st.sampled_from(["", "?q=1", "-archive", "/x"]))
def test_as_robots_matches_exactly_the_scope(path: str, scope: PathScope, tail: str) -> None:
    target = path + tail
    matched = any(_robots_match(pattern, target) for pattern in scope.as_robots())
    assert matched == scope.covers(target.partition("?")[0])


@given(scopes, scopes, paths)
def test_within_means_covers_everything_the_narrower_covers(
    narrow: PathScope, wide: PathScope, path: str
) -> None:
    if narrow.within(wide) and narrow.covers(path):
        assert wide.covers(path)


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        ("/videos/*.vtt", "/videos/a.vtt", True),
        ("/videos/*.vtt", "/videos/x/a.vtt", True),
        ("/videos/*.vtt", "/videos/a.vtt.txt", False),
        ("/videos/*.vtt", "/videos/a.mp4", False),
        ("/*.vtt", "/videos/a.vtt", True),
        ("/v[1]/*", "/v1/x", False),
    ],
)
def test_a_star_spells_the_whole_path(pattern: str, path: str, covered: bool) -> None:
    assert PathScope(pattern).covers(path) is covered


@pytest.mark.parametrize(
    ("narrow", "wide", "inside"),
    [
        ("/videos/*.vtt", "/videos", True),
        ("/videos/*.vtt", "/vid", False),
        ("/videos/", "/videos", True),
        ("/videos", "/videos/*.vtt", False),
        ("/videos/*.vtt", "/videos/*.vtt", True),
        ("/a", "/", True),
        ("/", "/a", False),
    ],
)
def test_within_with_stars(narrow: str, wide: str, inside: bool) -> None:
    assert PathScope(narrow).within(PathScope(wide)) is inside


@pytest.mark.parametrize("pattern", ["", "essays", "/a/../b", "/a//b", "/a%2Fb", "/a;b", "/a?b", "/é"])
def test_a_scope_with_two_readings_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="a scope is a plain path"):
        PathScope(pattern)


def _robots_match(pattern: str, target: str) -> bool:
    """RFC 9309, 2.2.2 and 2.2.3, by another route."""
    anchored = pattern.endswith("$")
    body = re.escape(pattern.removesuffix("$")).replace(r"\*", ".*")
    return re.match(body + ("$" if anchored else ""), target) is not None
