"""Statements by path: the longest decides, the stricter wins, and merging never allows more."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.terms.preferences import MOST, PathRule, at, merged, rules_of, strictest
from gateway.uses import Use

LABELS = {"search": Use.SEARCH, "train": Use.AI_TRAIN}
PATTERNS = (
    "/",
    "/a",
    "/a/",
    "/a/b",
    "/a/*.pdf",
    "/a/*.pdf$",
    "/a$",
    "/a/b/*",
    "/*.pdf$",
    "/c/",
    "/a/b/x.pdf$",
)
PATHS = (
    "/",
    "/a",
    "/a/",
    "/a/x.pdf",
    "/a/b",
    "/a/b/x.pdf",
    "/a/b/y",
    "/c/z",
    "/ab",
    "/x.pdf",
    "/a/b.pdf?q=1",
)
statements = st.fixed_dictionaries({}, optional={"search": st.booleans(), "train": st.booleans()}).map(
    lambda found: tuple(sorted(found.items()))
)
#: A rule that says nothing is never read.
statements = statements.filter(bool)
rules = st.lists(st.builds(PathRule, st.sampled_from(PATTERNS), statements), max_size=5).map(tuple)


def test_no_outweighs_yes_and_yes_outweighs_silence():
    assert strictest((("search", True),), (("search", False), ("train", True))) == (
        ("search", False),
        ("train", True),
    )
    assert strictest() == ()


def test_the_longest_pattern_decides_and_of_equal_ones_the_stricter():
    found = (
        PathRule("/", (("search", True),)),
        PathRule("/a/", (("search", False),)),
        PathRule("/a/", (("train", True),)),
    )
    assert at(found, "/a/x") == (("search", False), ("train", True))
    assert at(found, "/b") == (("search", True),)
    assert at((), "/b") == ()


def test_scopes_become_rules(make):
    terms = make.published(
        make.scope("/open/", free={Use.AI_TRAIN, Use.SEARCH}),
        make.scope("/essays/", free={Use.SEARCH}),
        make.scope("/", free={Use.SEARCH}),
    )
    found = rules_of(terms, LABELS)
    assert [rule.pattern for rule in found] == ["/open$", "/open?", "/open/", "/"]
    assert at(found, "/open/x") == (("search", True), ("train", True))
    assert at(found, "/opened") == at(found, "/essays/x") == (("search", True), ("train", False))


@settings(max_examples=500, deadline=None)
@given(rules, rules, st.sampled_from(PATHS))
def test_merging_never_allows_what_one_of_both_forbids(ours, theirs, path):
    found = dict(at(merged(ours, theirs), path))
    for label, allowed in (*at(ours, path), *at(theirs, path)):
        assert allowed or found.get(label) is False
    spoken = {label for rule in (*ours, *theirs) for label, _ in rule.said}
    assert set(found) <= spoken


@given(rules, rules)
def test_merging_again_changes_nothing(ours, theirs):
    once = merged(ours, theirs)
    assert merged(ours, once) == once
    assert merged(once) == once


@given(st.lists(st.sampled_from(("/", "/a/", "/a/b/", "/c/")), unique=True), st.data())
def test_plain_prefixes_lose_nothing(patterns, data):
    ours = tuple(PathRule(each, (("search", data.draw(st.booleans())),)) for each in patterns)
    for path in PATHS:
        assert at(merged(ours), path) == at(ours, path)


def test_many_rules_of_others_are_taken_together():
    theirs = tuple(PathRule(f"/{n}/", (("search", n != 7),)) for n in range(MOST + 1))
    assert merged((), theirs) == (PathRule("/", (("search", False),)),)
