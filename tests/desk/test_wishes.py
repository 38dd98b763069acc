"""Places and details, read into what is wanted."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.desk.wishes import read_place, read_targets, read_wish
from gateway.licenses.offers import Wanted
from gateway.paths import PathScope
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import Territory
from gateway.tokens.claims import Budget
from gateway.uses import Use

ORIGIN = "https://journal.example"


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("/", "/"),
        (ORIGIN, "/"),
        (ORIGIN + "/", "/"),
        ("HTTPS://Journal.Example/essays/", "/essays/"),
        (ORIGIN + ":443/essays/", "/essays/"),
        ("/essays/%74ides?x=1", "/essays/tides"),
        ("/caf\u00e9", "/caf%C3%A9"),
        ("/videos/*.vtt", "/videos/*.vtt"),
    ],
)
def test_places_of_the_site(text, pattern):
    assert read_place(text, ORIGIN) == PathScope(pattern)


@pytest.mark.parametrize(
    "text",
    [
        "", "essays", "//evil.example/", "http://journal.example/", ORIGIN + ":8443/", ORIGIN + ".evil.example/",
        "https://journal.example@evil.example/", "https://user@journal.example/", ORIGIN + "/a/../b", ORIGIN + "/#x",
        "/a//b", "/a%2fb", "/a\\b", "/a\nb", "https://[::1", "https://journal.example:99999/", "javascript:alert(1)",
        "/" + "x" * 300, "\ud800",
    ],
)  # fmt: skip
def test_what_is_no_place_of_the_site(text):
    assert read_place(text, ORIGIN) is None


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8402", "http://[::1]:8402"])
def test_origins_with_ports_and_ipv6(origin):
    assert read_place(origin + "/a", origin) == PathScope("/a")
    assert read_place(origin.replace("8402", "8403") + "/a", origin) is None


def test_the_site_as_a_whole_demands_nothing():
    assert read_targets((ORIGIN, "/essays/a"), ORIGIN) == (PathScope("/essays/a"),)
    assert read_targets((), ORIGIN) == ()
    assert read_targets(("/a",) * 65, ORIGIN).problem is Problem.TARGET_INVALID


def test_everything_that_can_be_said():
    detail = {
        "type": "content_license",
        "version": 1,
        "offer": "training",
        "terms": "sha-256:1",
        "license": "li_1",
        "locations": [ORIGIN + "/essays/", "/videos/"],
        "renditions": ["page", "page"],
        "privileges": ["ai-train"],
        "territory": ["DE", "EU"],
        "crawlers": ["GPTBot"],
        "budget": {"micros": 5, "fetches": None},
    }
    assert read_wish(("/essays/a",), "ai-train", json.dumps([detail]), ORIGIN) == Wanted(
        targets=(PathScope("/essays/a"),),
        scopes=(PathScope("/essays/"), PathScope("/videos/")),
        uses=frozenset({Use.AI_TRAIN}),
        territory=Territory(frozenset({"DE", "EU"})),
        renditions=("page",),
        crawlers=frozenset({"gptbot"}),
        budget=Budget(5, None),
        offer="training",
        terms="sha-256:1",
        license="li_1",
    )


def test_saying_nothing_wants_the_whole_and_null_is_the_whole_world():
    assert read_wish((), "", "", ORIGIN) == Wanted()
    assert read_wish((), "", '[{"type": "content_license"}]', ORIGIN) == Wanted()
    worldwide = read_wish((), "", '[{"type": "content_license", "territory": null}]', ORIGIN)
    assert worldwide.territory == Territory(None)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = st.sampled_from(
    ["type", "version", "offer", "terms", "license", "locations", "renditions", "privileges", "territory", "crawlers", "budget", "x"]
)  # fmt: skip


@given(st.lists(st.text(max_size=20), max_size=3).map(tuple), st.text(max_size=12), st.text(max_size=60))
def test_no_text_makes_it_raise(resources, scope, details):
    read = read_wish(resources, scope, details, ORIGIN)
    assert isinstance(read, Wanted | Refusal)


@given(st.dictionaries(MEMBERS, ANYTHING, max_size=5))
def test_no_details_make_it_raise_and_unknown_members_refuse(detail):
    detail = {**detail, "type": "content_license"}
    read = read_wish((), "", json.dumps([detail]), ORIGIN)
    assert isinstance(read, Wanted | Refusal)
    if "x" in detail:
        assert isinstance(read, Refusal)
        assert read.problem is Problem.DETAILS_INVALID
