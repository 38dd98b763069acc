"""The published schema against the reader of requests: what one takes by its shape, the other takes."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.desk.details_types import details_schema
from gateway.desk.wishes import read_wish
from gateway.licenses.offers import Wanted
from gateway.uses import Use

ORIGIN = "https://journal.example"
SCHEMA = jsonschema_rs.validator_for(details_schema())

odd = st.none() | st.booleans() | st.integers(-1, 2**60) | st.text(max_size=3) | st.just([]) | st.just({})
places = st.sampled_from(["/essays/", f"{ORIGIN}/essays/tides", "/videos/*.vtt"])
names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
members = {
    "version": st.just(1),
    "offer": names,
    "terms": names,
    "license": names,
    "locations": st.lists(places, min_size=1, max_size=3),
    "renditions": st.lists(names, min_size=1, max_size=3),
    "privileges": st.lists(st.sampled_from([str(use) for use in Use]), min_size=1, max_size=3),
    "territory": st.none() | st.lists(st.sampled_from(["DE", "EU", "US"]), min_size=1, max_size=3),
    "crawlers": st.lists(names, min_size=1, max_size=3),
    "budget": st.fixed_dictionaries({}, optional={"micros": st.none() | st.integers(0, 2**40), "fetches": st.none() | st.integers(0, 2**40)}),
}  # fmt: skip


def read(detail):
    """Whether `desk.wishes` takes *detail*."""
    return isinstance(read_wish((), "", json.dumps([detail]), ORIGIN), Wanted)


@settings(max_examples=300)
@given(st.fixed_dictionaries({"type": st.just("content_license")}, optional=members))
def test_what_the_schema_lets_a_client_write_is_read(detail):
    assert SCHEMA.is_valid(detail), detail
    assert read(detail), detail


@settings(max_examples=400)
@given(st.fixed_dictionaries({"type": st.just("content_license")}, optional=members), st.sampled_from([*members, "unknown", "type"]), odd)  # fmt: skip
def test_what_breaks_the_schema_is_refused(detail, name, value):
    detail = {**detail, name: value}
    if not SCHEMA.is_valid(detail):
        assert not read(detail), detail


async def test_it_is_published_where_the_metadata_says_with_examples_that_sell(world):
    metadata = await (await world.get("/.well-known/oauth-authorization-server/.licet")).json()
    url = metadata["authorization_details_types_metadata_endpoint"]
    document = await (await world.get(url.removeprefix(world.origin))).json()
    assert document.keys() == set(metadata["authorization_details_types_supported"])
    told = document["content_license"]
    assert told["schema"] == details_schema()
    made = await world.licensee("1000")
    assert len(told["examples"]) > 1
    for example in told["examples"]:
        assert SCHEMA.is_valid(example)
        status, body = await world.token(made, example)
        assert status == 200, (example, body)
        granted = body["authorization_details"]
        assert granted[0]["offer"] == example["offer"]


@pytest.mark.parametrize("asked", [{"offer": "answers"}, {"offer": "training", "privileges": ["ai-train"], "territory": ["DE"], "budget": {"fetches": 5}}])  # fmt: skip
async def test_what_was_granted_is_echoed_and_stands_in_the_token(world, asked):
    from gateway.keys.jws import read_compact

    made = await world.licensee()
    _, body = await world.token(made, asked)
    payload = json.loads(read_compact(body["access_token"]).payload)
    assert body["authorization_details"] == payload["authorization_details"]
    granted = body["authorization_details"][0]
    assert granted["offer"] == asked["offer"]
    assert granted["territory"] == asked.get("territory")


@pytest.mark.parametrize(("form", "said"), [({"scope": "ai-input"}, "ai-input"), ({}, None)])
async def test_scope_stands_in_the_token_where_it_was_asked_for(world, form, said):
    from gateway.keys.jws import read_compact

    made = await world.licensee()
    _, body = await world.token(made, resource="/gift/", **form)
    assert json.loads(read_compact(body["access_token"]).payload).get("scope") == said
    assert body["scope"] == "ai-input"


@pytest.mark.parametrize(("scope", "status"), [("ai-input", 200), (" ai-input", 400), ("ai-input  search", 400), ("ai-input ", 400), ("\tai-input", 400), ("AI-INPUT", 400), ("a" * 9000, 400)])  # fmt: skip
async def test_scope_has_one_spelling(world, scope, status):
    made = await world.licensee()
    found, body = await world.token(made, resource="/gift/", scope=scope)
    assert found == status
    assert status == 200 or body["error"] == "invalid_scope"


@pytest.mark.parametrize(
    ("resources", "status"),
    [
        (["/gift/", "/gift/a"], 200),
        (["{}/gift/", "{}"], 200),
        (["{}/gift/?page=2"], 200),
        (["{}/gift/#part"], 400),
        (["{}#"], 400),
        (["/gift/", "/essays/"], 400),
        (["https://elsewhere.example/"], 400),
        (["urn:x"], 400),
        (["{}/gift/"] * 65, 400),
    ],
)
async def test_resources_repeat_and_have_no_fragment(world, resources, status):
    made = await world.licensee("0")
    form = [("grant_type", "client_credentials"), ("scope", "ai-input")]
    form += [("resource", each.format(world.origin)) for each in resources]
    answer = await world.post("/.licet/token", made, form)
    assert answer.status == status
    if status == 400:
        assert (await answer.json())["error"] in {
            "invalid_target",
            "invalid_request",
            "invalid_authorization_details",
        }
