from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.visitors.key_directory import KeyDirectory, read_directory
from gateway.visitors.message_signature import (
    Fields,
    Signed,
    SignedRequest,
    Unreadable,
    flaw_in_proof,
    flaw_in_time,
    read_dictionary,
    read_signatures,
)
from gateway.visitors.signature_agent import SignatureAgent

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "web_bot_auth.json").read_text())
AGENT = SignatureAgent("https://a.example", "https://a.example/k", bound=False)


def proof(vector, **changed) -> str:
    headers = tuple((name, value) for name, value in vector["headers"])
    fields = dict(headers)
    (signed,) = read_signatures(fields["signature-input"], fields["signature"])
    directory = read_directory(json.dumps({"keys": [vector["key"]]}).encode(), AGENT)
    assert isinstance(directory, KeyDirectory)
    (key,) = directory.keys.values()
    assert key.algorithm == vector["algorithm"]
    url = changed.get("url", vector["url"])
    message = SignedRequest(
        changed.get("method", vector["method"]), url, Fields(changed.get("headers", headers))
    )
    return flaw_in_proof(signed, message, key.algorithm, key.key)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_every_vector_holds(vector) -> None:
    assert proof(vector) == ""


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_no_vector_holds_for_another_authority(vector) -> None:
    assert proof(vector, url=vector["url"].replace("example.com", "example.org")) == "signature"


def test_a_covered_header_must_be_there_and_unchanged() -> None:
    vector = VECTORS[0]
    assert proof(vector, method="PUT") == "signature"
    changed = tuple((name, "19" if name == "content-length" else value) for name, value in vector["headers"])
    assert proof(vector, headers=changed) == "signature"
    lacking = tuple((name, value) for name, value in vector["headers"] if name != "date")
    assert proof(vector, headers=lacking) == "components"


INPUT = 'a=("@authority");created=1;expires=2;keyid="k";tag="t"'


@pytest.mark.parametrize(
    ("said", "signature", "why"),
    [
        ("a=(", "a=:AA==:", "unreadable"),
        (INPUT, "a=:A:", "unreadable"),
        (INPUT, "b=:AA==:", "labels_differ"),
        (INPUT, "a=:AA==:, b=:AA==:", "labels_differ"),
        (f"{INPUT}, {INPUT}", "a=:AA==:", "duplicate"),
        (INPUT.replace("expires=2", "expires=2;expires=3"), "a=:AA==:", "duplicate"),
        ("a=1", "a=:AA==:", "unreadable"),
        (INPUT, "a=1", "unreadable"),
        (INPUT, "a=::", "unreadable"),
        ("é", "a=:AA==:", "unreadable"),
        ("a" * 9000, "a=:AA==:", "too_long"),
        (f"a=(){';p' * 200}", "a=:AA==:", "too_many"),
        (INPUT, "a=:AA==:" + " " * 200, "too_many"),
        (", ".join(f"{'abcdefghi'[n]}=()" for n in range(9)), ", ".join(f"{'abcdefghi'[n]}=:AA==:" for n in range(9)), "too_many"),
    ],
)  # fmt: skip
def test_headers_without_one_reading(said, signature, why) -> None:
    assert read_signatures(said, signature) == Unreadable(why)


@pytest.mark.parametrize(
    ("said", "odd"),
    [
        ('a=("@authority" "@authority")', "component_duplicate"),
        ('a=("x";sf "x";sf)', "component_duplicate"),
        ('a=("@other")', "component_unknown"),
        ('a=("@status")', "component_unknown"),
        ('a=("@signature-params")', "component_unknown"),
        ('a=("@authority";sf)', "component_parameter"),
        ('a=("@query-param")', "component_parameter"),
        ('a=("x";req)', "component_parameter"),
        ('a=("x";tr)', "component_parameter"),
        ('a=("X")', "component_parameter"),
        ("a=(token)", "component_type"),
        ("a=(1)", "component_type"),
        ('a=("@authority");context="x"', "parameter_unknown"),
        ('a=("@authority");created="1"', "parameter_type"),
        ('a=("@authority");created=1.0', "parameter_type"),
        ('a=("@authority");created=?1', "parameter_type"),
        ('a=("@authority");keyid=token', "parameter_type"),
        ('a=("@authority");tag', "parameter_type"),
        (f'a=("@authority");nonce="{"n" * 600}"', "parameter_type"),
        ("a=(" + " ".join(f'"h{number}"' for number in range(33)) + ")", "too_many_components"),
        ('a=("@authority" "@query-param";name="a" "@query-param";name="b" "x";key="a" "x";key="b")', ""),
    ],
)
def test_what_no_signature_may_say(said, odd) -> None:
    (signed,) = read_signatures(said, "a=:AA==:")
    assert signed.odd == odd


@pytest.mark.parametrize(
    ("created", "expires", "flaw"),
    [
        (None, 200, "created_missing"),
        (90, None, "expires_missing"),
        (90, 90, "expires_before_created"),
        (106, 200, "created_in_future"),
        (105, 200, ""),
        (50, 94, "expired"),
        (50, 95, ""),
        (90, 191, "lifetime"),
        (90, 190, ""),
    ],
)
def test_times(created, expires, flaw) -> None:
    signed = Signed("a", (), b"s", created=created, expires=expires)
    assert flaw_in_time(signed, 100, skew=5, longest=100) == flaw


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_text_makes_it_raise(said, signature) -> None:
    assert isinstance(read_signatures(said, signature), tuple | Unreadable)
    assert isinstance(read_dictionary(said), dict | None)


@given(st.text(alphabet='()";=:,@?*ab1 -.', max_size=200))
def test_no_structured_text_makes_it_raise(said) -> None:
    found = read_signatures(f"a={said}", "a=:AAAA:")
    if isinstance(found, tuple):
        message = SignedRequest("GET", "https://a.example/", Fields(()), "/")
        for signed in found:
            key = next(
                iter(read_directory(json.dumps({"keys": [VECTORS[0]["key"]]}).encode(), AGENT).keys.values())
            )
            assert flaw_in_proof(signed, message, key.algorithm, key.key) in {"signature", "components"}
