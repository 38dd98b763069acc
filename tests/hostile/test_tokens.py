"""Forged, foreign, stale and mangled tokens: each gets its one refusal, and nothing raises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.keys.key_set import KeySet
from gateway.problems import Problem, Refusal
from gateway.tokens.claims import Claims
from gateway.tokens.verification import Credential, Verifier, credential, read_token

GOLDEN = json.loads((Path(__file__).parent.parent / "vectors" / "tokens.json").read_text(encoding="ascii"))
VECTORS = GOLDEN["vectors"]
KEYS = KeySet.parse(json.dumps(GOLDEN["jwks"]))
assert isinstance(KEYS, KeySet)
HERE = {"issuer": GOLDEN["issuer"], "audience": GOLDEN["audience"], "now": GOLDEN["now"]}
GOOD = VECTORS[0]["token"]
OF_A_TOKEN = {Problem.TOKEN_INVALID, Problem.TOKEN_OTHER_SITE, Problem.TOKEN_EXPIRED}

vectors = pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])


def outcome(found: Claims | Refusal) -> str:
    return found.code if isinstance(found, Refusal) else "claims"


@vectors
def test_each_attack_gets_its_refusal(vector: dict[str, str]) -> None:
    found = read_token(vector["token"], KEYS, **HERE)
    assert outcome(found) == vector["outcome"], vector["guards"]
    if isinstance(found, Refusal):
        assert found.status == 401
        assert found.detail.endswith(".")
        assert "\n" not in found.detail
        # Nothing of an unproven text comes back to whoever reads the answer.
        assert "evil" not in found.detail


@vectors
def test_a_verifier_that_remembers_says_the_same_every_time(vector: dict[str, str]) -> None:
    verifier = Verifier(lambda: KEYS)
    once = read_token(vector["token"], KEYS, **HERE)
    assert [verifier.verify(vector["token"], **HERE) for _ in range(3)] == [once] * 3


@vectors
def test_under_the_license_scheme_nothing_falls_through_to_free(vector: dict[str, str]) -> None:
    found = credential([("authorization", f"License {vector['token']}")])
    assert isinstance(found, Credential)
    assert outcome(read_token(found.token, KEYS, **HERE)) in {vector["outcome"], "claims"}


def test_the_list_is_whole() -> None:
    names = [vector["name"] for vector in VECTORS]
    assert len(names) == len(set(names)) > 200
    assert {vector["outcome"] for vector in VECTORS} == {"claims", *(problem.code for problem in OF_A_TOKEN)}


def test_with_no_keys_nothing_is_genuine() -> None:
    for vector in VECTORS:
        assert isinstance(read_token(vector["token"], KeySet(), **HERE), Refusal)


@given(st.data())
@settings(max_examples=300)
def test_no_mutation_of_a_good_token_is_taken(data: st.DataObject) -> None:
    token = list(data.draw(st.sampled_from([VECTORS[0]["token"], VECTORS[1]["token"]])))
    good = "".join(token)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(token) - 1))
        match data.draw(st.sampled_from(["swap", "insert", "delete", "repeat", "cut"])):
            case "swap":
                token[at] = data.draw(st.sampled_from("Aa0_-.=+/ ") | st.characters())
            case "insert":
                token.insert(at, data.draw(st.sampled_from("Aa0_-.=") | st.characters()))
            case "delete":
                del token[at]
            case "repeat":
                token[at:at] = token[at : at + data.draw(st.integers(1, 40))]
            case "cut":
                del token[at + 1 :]
        if not token:
            break
    text = "".join(token)
    found = read_token(text, KEYS, **HERE)
    assert Verifier(lambda: KEYS).verify(text, **HERE) == found
    if text != good:
        assert isinstance(found, Refusal)
        assert found.problem in OF_A_TOKEN


@given(st.text(max_size=200) | st.text(st.sampled_from('eyJ0._-=A{}[]":'), max_size=5000))
def test_no_text_raises(text: str) -> None:
    found = read_token(text, KEYS, **HERE)
    assert isinstance(found, Refusal)
    assert found.problem is Problem.TOKEN_INVALID
    assert Verifier(lambda: KEYS).verify(text, **HERE) == found


@given(
    st.lists(st.tuples(st.sampled_from(["authorization", "Authorization", "cookie"]), st.text(max_size=60)))
)
def test_no_headers_raise(headers: list[tuple[str, str]]) -> None:
    found = credential(headers)
    assert found is None or isinstance(found, Credential | Refusal)


@given(st.sampled_from(VECTORS), st.sampled_from(["Bearer", "DPoP", "License"]), st.text(max_size=3))
def test_no_credential_raises(vector: dict[str, str], scheme: str, junk: str) -> None:
    for value in (f"{scheme} {vector['token']}{junk}", f"{scheme}{junk}{vector['token']}"):
        found = credential([("authorization", value)])
        assert found is None or isinstance(found, Credential | Refusal)


def test_a_flood_of_forgeries_neither_grows_nor_displaces() -> None:
    verifier = Verifier(lambda: KEYS, most_tokens=5, most_forgeries=50)
    assert isinstance(verifier.verify(GOOD, **HERE), Claims)
    for number in range(500):
        assert isinstance(verifier.verify(f"{GOOD[:-6]}{number:06d}", **HERE), Refusal)
    assert verifier.remembered() == (1, 50)
