"""A mistake is found where it is written."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.lines import line_of
from gateway.policy.reading import read_policy_text
from gateway.problems import ConfigurationError

TEXT = """\
stance = "closed"

[site]                     # where
hosts = ["a.example"]
origin = "nope"

[[works]]
id = "x"
paths = ["y"]
[[works]]
id = "z"
renditions = { page = ["/z/"], "odd name" = [] }

[offers.training]
uses = ["ai-train"]
price = { per_fetch = "-1", upfront = "5" }
[offers.training.term]
months = 24
[offers."odd name"]
uses = []
[[rules]]
when = { purpose = "search" }
then = "servee"
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("stance", 1),
        ("site", 3),
        ("site.origin", 5),
        ("site.mode", 3),
        ("works[0].paths", 9),
        ("works[0].rights", 7),
        ("works[1]", 10),
        ("works[1].renditions.page", 12),
        ("works[2].id", 0),
        ("offers.training.price.per_fetch", 16),
        ("offers.training.term.months", 18),
        ("offers.training.terms", 14),
        ("offers.odd name.uses", 20),
        ("rules[0].when.purpose", 22),
        ("rules[0].then", 23),
        ("rules[7]", 0),
        ("nothing", 0),
        ("", 0),
        ("line 7", 7),
    ],
)
def test_a_key_has_a_line(key, line):
    assert line_of(TEXT, key) == line


def test_the_reader_names_keys_that_have_a_line():
    with pytest.raises(ConfigurationError) as raised:
        read_policy_text(TEXT, "a.toml")
    found = {mistake.key: line_of(TEXT, mistake.key) for mistake in raised.value.mistakes}
    assert found["site.origin"] == 5
    assert found["works[0].paths"] == 9
    assert all(found.values()), found


def test_a_mistake_of_form_names_its_line():
    text = 'stance = "closed"\n[site\n'
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(text)
    with pytest.raises(ConfigurationError) as raised:
        read_policy_text(text, "a.toml")
    assert [line_of(text, mistake.key) for mistake in raised.value.mistakes] == [2]


@given(st.text(max_size=200), st.text(max_size=40))
def test_nothing_raises_and_a_line_is_one_of_the_text(text, key):
    found = line_of(text, key)
    assert found >= 0
    assert found <= len(text.splitlines()) or key.startswith("line ")
