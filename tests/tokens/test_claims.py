from __future__ import annotations

import json
from dataclasses import replace
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.money import LARGEST_MICROS, Money
from gateway.paths import PathScope
from gateway.problems import Problem, Refusal
from gateway.terms.ages import AgeStep
from gateway.terms.license_terms import WORLDWIDE, Territory
from gateway.tokens.claims import Budget, Claims, read_claims
from gateway.uses import Use

texts = st.text(min_size=1, max_size=12)
counts = st.none() | st.integers(0, LARGEST_MICROS)
claims_of_any_kind = st.builds(
    Claims,
    issuer=texts,
    audience=texts,
    client=texts,
    token_id=texts,
    issued_at=st.integers(0, 2**40),
    not_before=st.integers(0, 2**40),
    expires_at=st.integers(0, 2**40),
    license=texts,
    licensee=texts,
    scopes=st.lists(
        st.sampled_from(["/", "/a/", "/a/b", "/v/*.vtt"]).map(PathScope), min_size=1, max_size=3
    ).map(tuple),
    renditions=st.lists(texts, min_size=1, max_size=3).map(tuple),
    uses=st.frozensets(st.sampled_from(Use), min_size=1),
    territory=st.just(WORLDWIDE)
    | st.frozensets(st.sampled_from(["EU", "DE", "US"]), min_size=1).map(lambda found: Territory(found)),
    crawlers=st.frozensets(texts, max_size=2),
    budget=st.builds(Budget, counts, counts),
    price=st.builds(Money, st.integers(0, LARGEST_MICROS), st.sampled_from(["USD", "EUR"])),
    terms=texts,
    policy=texts,
    window_hours=st.integers(1, 168),
)


@given(claims_of_any_kind)
def test_what_is_written_reads_back(claims: Claims) -> None:
    assert read_claims(claims.as_json()) == claims
    assert read_claims(json.loads(json.dumps(claims.as_json()))) == claims


def test_a_window_of_its_own_makes_version_2_and_nothing_else_does(golden: ModuleType) -> None:
    usual, short = golden.CLAIMS.as_json(), replace(golden.CLAIMS, window_hours=6).as_json()
    (detail,) = short["authorization_details"]
    assert detail == {**usual["authorization_details"][0], "version": 2, "window_hours": 6}
    assert read_claims(short).window_hours == 6
    for hours in (0, 24, 169, "6", None, True, 6.0):
        (detail,) = short["authorization_details"]
        bent = {**short, "authorization_details": [{**detail, "window_hours": hours}]}
        assert isinstance(read_claims(bent), Refusal), hours
    bent = {**short, "authorization_details": [{**detail, "version": 1}]}
    assert isinstance(read_claims(bent), Refusal)
    bent = {**usual, "authorization_details": [{**usual["authorization_details"][0], "version": 2}]}
    assert isinstance(read_claims(bent), Refusal)


def test_steps_by_age_make_version_3_and_go_down(golden: ModuleType) -> None:
    price = golden.CLAIMS.price
    steps = (AgeStep(30, Money(price.micros - 1, price.currency)), AgeStep(365, Money(0, price.currency)))
    aged = replace(golden.CLAIMS, by_age=steps).as_json()
    (detail,) = aged["authorization_details"]
    assert (detail["version"], detail["window_hours"]) == (3, 24)
    assert read_claims(aged) == replace(golden.CLAIMS, by_age=steps)
    odd = [
        [],
        {},
        [{"from_days": 30}],
        [{"from_days": 30, "micros": -1}],
        [{"from_days": 0, "micros": 0}],
        [{"from_days": 30, "micros": price.micros}],
        [{"from_days": 30, "micros": 1}, {"from_days": 30, "micros": 0}],
        [{"from_days": 30, "micros": True}],
        [{"from_days": day, "micros": 100 - day} for day in range(1, 40)],
    ]
    for by_age in odd:
        bent = {**aged, "authorization_details": [{**detail, "by_age": by_age}]}
        assert isinstance(read_claims(bent), Refusal), by_age
    for version in (1, 2, 4, True, "3"):
        bent = {**aged, "authorization_details": [{**detail, "version": version}]}
        assert isinstance(read_claims(bent), Refusal), version


def test_the_written_form_is_pinned(golden: ModuleType) -> None:
    # A reader of version 1 in another language depends on these names and shapes.
    assert golden.CLAIMS.as_json() == {
        "iss": "https://journal.example/.licet",
        "aud": "https://journal.example",
        "sub": "client-1",
        "client_id": "client-1",
        "jti": "019c2f5e-7a00-7000-8000-000000000001",
        "iat": 1_794_999_940,
        "nbf": 1_794_999_940,
        "exp": 1_795_003_540,
        "authorization_details": [
            {
                "type": "content_license",
                "version": 1,
                "license": "019c2f5e-7a00-7000-8000-0000000000aa",
                "licensee": "Example AI",
                "locations": ["/essays/", "/videos/*.vtt"],
                "excluded": [],
                "renditions": ["page", "transcript"],
                "privileges": ["ai-input", "search"],
                "territory": ["EU", "US"],
                "crawlers": ["ExampleBot"],
                "budget": {"micros": 5_000_000, "fetches": 1000},
                "price": {"micros": 4000, "currency": "USD", "per": "fetch"},
                "terms": "sha-256:" + "0" * 64,
                "offer": "",
                "policy": "sha-256:" + "1" * 64,
            }
        ],
    }


@pytest.mark.parametrize(
    ("changes", "spelled"),
    [
        ({"territory": WORLDWIDE}, ("territory", None)),
        ({"crawlers": frozenset()}, ("crawlers", [])),
        ({"budget": Budget()}, ("budget", {"micros": None, "fetches": None})),
        ({"budget": Budget(micros=0, fetches=0)}, ("budget", {"micros": 0, "fetches": 0})),
    ],
)
def test_no_limit_and_no_amount_are_told_apart(
    golden: ModuleType, changes: dict[str, object], spelled: tuple[str, object]
) -> None:
    claims = replace(golden.CLAIMS, **changes)
    name, value = spelled
    assert claims.detail()[name] == value
    assert read_claims(claims.as_json()) == claims


def paths_in(value: object, here: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Every place in a JSON value below its root."""
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    else:
        return []
    return [path for key, item in inner for path in [(*here, key), *paths_in(item, (*here, key))]]


odd = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        -1,
        1.5,
        2**60,
        "",
        "x",
        "x" * 300,
        [],
        {},
        [None],
        {"x": 1},
        [[]],
        "\ud800",
        "/../",
        "*",
    ]
)


@given(data=st.data())
@settings(max_examples=200)
def test_no_changed_member_raises_or_is_guessed(golden: ModuleType, data: st.DataObject) -> None:
    document = json.loads(json.dumps(golden.CLAIMS.as_json()))
    *way, last = data.draw(st.sampled_from(paths_in(document)))
    holder = document
    for step in way:
        holder = holder[step]
    holder[last] = data.draw(odd)
    found = read_claims(document)
    # Whatever was taken means what it says: written again, it is what was read.
    assert isinstance(found, Refusal) or found.as_json() == sorted_lists(document)
    if isinstance(found, Refusal):
        assert found.problem is Problem.TOKEN_INVALID


def sorted_lists(document: dict) -> dict:
    """The document with those lists in order that are sets in `Claims`."""
    [detail] = document["authorization_details"]
    for name in ("privileges", "crawlers", "territory"):
        if detail[name] is not None:
            detail[name] = sorted(set(detail[name]))
    return document


@given(st.dictionaries(st.sampled_from(["iss", "aud", "sub", "exp", "authorization_details", "x"]), odd))
def test_no_mapping_raises(document: dict[str, object]) -> None:
    assert isinstance(read_claims(document), Refusal)


KEY = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def test_a_bound_token_and_a_scope_read_back(golden: ModuleType) -> None:
    bound = replace(golden.CLAIMS, key=KEY, scoped=True)
    written = bound.as_json()
    assert written["cnf"] == {"jkt": KEY}
    assert written["scope"] == "ai-input search"
    assert read_claims(written) == bound
    assert {"cnf", "scope"}.isdisjoint(golden.CLAIMS.as_json())


@pytest.mark.parametrize(
    "member",
    [
        {"cnf": None},
        {"cnf": {}},
        {"cnf": KEY},
        {"cnf": [{"jkt": KEY}]},
        {"cnf": {"jkt": ""}},
        {"cnf": {"jkt": KEY + "="}},
        {"cnf": {"jkt": KEY[:-1]}},
        {"cnf": {"jkt": KEY[:-1] + "J"}},
        {"cnf": {"jkt": 1}},
        {"cnf": {"jkt": KEY, "x5t#S256": KEY}},
        {"cnf": {"jwk": {}}},
        {"scope": ""},
        {"scope": "search"},
        {"scope": "search ai-input"},
        {"scope": ["ai-input", "search"]},
        {"scope": None},
    ],
)
def test_what_is_no_binding_or_another_scope_refuses_the_token(
    golden: ModuleType, member: dict[str, object]
) -> None:
    found = read_claims({**golden.CLAIMS.as_json(), **member})
    assert isinstance(found, Refusal)
    assert found.problem is Problem.TOKEN_INVALID


def test_version_4_names_a_bundle_and_no_locations(golden):
    digest = "sha-256:" + "a" * 64
    bundled = replace(golden.CLAIMS, scopes=(), bundle=digest)
    body = bundled.as_json()
    (detail,) = body["authorization_details"]
    assert (detail["version"], detail["bundle"], detail["locations"], detail["window_hours"]) == (
        4,
        digest,
        [],
        24,
    )
    assert read_claims(body) == bundled
    for bent in (
        {"bundle": ""},
        {"bundle": "a" * 64},
        {"bundle": digest.upper()},
        {"bundle": digest + "\n"},
        {"bundle": None},
        {"bundle": [digest]},
        {"locations": ["/"]},
        {"version": 1},
        {"version": 2},
        {"version": 4.0},
        {"version": True},
        {"version": "4"},
        {"version": 3},
        {"version": 5},
        {"version": [4]},
        {"window_hours": 0},
        {"window_hours": 169},
    ):
        refused = read_claims({**body, "authorization_details": [{**detail, **bent}]})
        assert isinstance(refused, Refusal), bent
    without = {name: value for name, value in detail.items() if name != "bundle"}
    assert isinstance(read_claims({**body, "authorization_details": [without]}), Refusal)
    assert isinstance(read_claims({**golden.CLAIMS.as_json(), "authorization_details": [
        {**golden.CLAIMS.detail(), "bundle": digest}
    ]}), Refusal)  # fmt: skip
