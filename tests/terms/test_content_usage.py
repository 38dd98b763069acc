"""Content-Usage: read as strictly as Structured Fields are, and written in the labels of the latest draft alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.terms import content_usage
from gateway.terms.preferences import PathRule

SAID = (("train-ai", False), ("ai-use", False), ("search", True))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("train-ai=n, ai-use=n, search=y", SAID),
        ("search=y,train-ai=n", (("train-ai", False), ("search", True))),
        ("train-ai=n;exceptions=cc-cr", (("train-ai", False),)),
        ("train-ai=n, train-ai=y", (("train-ai", True),)),
        ("train-ai=n, bots=y, ai-train=y", (("train-ai", False),)),
        ("train-ai", ()),
        ('train-ai="n"', ()),
        ("train-ai=no, search=y", (("search", True),)),
        ("train-ai=(n)", ()),
        ("Train-AI=n", ()),
        ("train-ai = n", ()),
        ("train-ai=n,", ()),
        ("train-ai=ü", ()),
        ("", ()),
        ("train-ai=n, " * 200, ()),
    ],
)
def test_what_a_header_says(value, said):
    assert content_usage.read(value) == said


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("train-ai=n", PathRule("/", (("train-ai", False),))),
        ("/open/ train-ai=y, search=y", PathRule("/open/", (("train-ai", True), ("search", True)))),
        ("/caf\u00e9/ search=y", PathRule("/caf%C3%A9/", (("search", True),))),
        ("/open/", None),
        ("/open/ ai=y", None),
        ("", None),
    ],
)
def test_what_a_robots_rule_says(value, rule):
    assert content_usage.read_rule(value) == rule


@given(st.permutations(SAID), st.sampled_from(("/", "/a/", "/b$")))
def test_what_is_written_is_read_back(said, pattern):
    said = tuple(said)
    assert dict(content_usage.read(content_usage.render(said))) == dict(said)
    rule = content_usage.read_rule(content_usage.render_rule(PathRule(pattern, said)))
    assert (rule.pattern, dict(rule.said)) == (pattern, dict(said))


@given(st.text() | st.binary().map(lambda octets: octets.decode("latin-1")))
def test_no_text_raises(text):
    for label, allowed in content_usage.read(text):
        assert label in content_usage.LABELS
        assert isinstance(allowed, bool)
    content_usage.read_rule(text)
