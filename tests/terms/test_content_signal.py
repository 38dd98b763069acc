"""Content-Signal: yes and no, and `use` only where it follows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.terms import content_signal
from gateway.terms.preferences import PathRule, strictest


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (
            (("search", True), ("ai-input", False), ("ai-train", False)),
            "search=yes, ai-input=no, ai-train=no, use=reference",
        ),
        (
            (("search", False), ("ai-input", False), ("ai-train", False)),
            "search=no, ai-input=no, ai-train=no, use=immediate",
        ),
        (
            (("search", True), ("ai-input", True), ("ai-train", False)),
            "search=yes, ai-input=yes, ai-train=no",
        ),
        ((("ai-train", False),), "ai-train=no"),
    ],
)
def test_what_is_said(said, value):
    assert content_signal.render(said) == value
    assert content_signal.read(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("search=yes,ai-train=no,use=reference", (("search", True), ("ai-train", False), ("full", False))),
        ("use=immediate", (("reference", False), ("full", False))),
        (
            "search=yes, ai-input=no, use=immediate",
            (("search", True), ("ai-input", False), ("reference", False)),
        ),
        ("search=no, ai-input=no, use=immediate", (("search", False), ("ai-input", False))),
        ("use=whole", ()),
        ("Search = YES", (("search", True),)),
        ("ai-train=yes, ai-train=no", (("ai-train", False),)),
        ("ai-train=allow", ()),
        ("ai-train", ()),
        ("use=full", ()),
        ("", ()),
    ],
)
def test_what_others_say(value, said):
    assert content_signal.read(value) == said


def test_a_robots_line_may_have_a_path():
    rule = PathRule("/blog/", (("search", True), ("ai-train", False)))
    assert content_signal.read_rule("/blog/ ai-train=no, search=yes") == rule
    assert content_signal.read_rule(content_signal.render_rule(rule)) == rule
    assert content_signal.read_rule("/blog/") is None
    assert content_signal.read_rule("ai-train=no") == PathRule("/", (("ai-train", False),))


@given(st.text())
def test_no_text_raises(text):
    assert {label for label, _ in content_signal.read(text)} <= {*content_signal.LABELS, "reference", "full"}
    content_signal.read_rule(text)


values = st.builds(
    lambda pairs, use: ", ".join(
        [f"{label}={word}" for label, word in pairs.items()] + ([f"use={use}"] if use else [])
    ),
    st.dictionaries(st.sampled_from(sorted(content_signal.LABELS)), st.sampled_from(["yes", "no"])),
    st.sampled_from(["immediate", "reference", "full", ""]),
)


@given(values, values)
def test_no_use_is_told_that_either_rules_out(one, other):
    """`use` is a ladder: of both the lower rung, or a lower one that the labels ask for."""
    told = content_signal.render(strictest(content_signal.read(one), content_signal.read(other)))
    highest = {"immediate": 0, "reference": 1}
    rung = highest.get(told.partition("use=")[2], 2)
    for value in (one, other):
        assert rung <= highest.get(value.partition("use=")[2], 2), (one, other, told)
    assert content_signal.render(content_signal.read(told)) == told
