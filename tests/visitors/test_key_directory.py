from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.visitors.key_directory import (
    MOST_KEYS,
    KeyDirectory,
    NoDirectory,
    WantedKey,
    proven_keys,
    read_directory,
)
from gateway.visitors.signature_agent import SignatureAgent, read_agent

BOT = read_agent("https://bot.example")
KEYS = read_agent("https://bot.example/keys.json")


def read(*keys: object, agent=BOT) -> KeyDirectory | NoDirectory:
    return read_directory(json.dumps({"keys": keys}).encode(), agent)


@pytest.mark.parametrize("algorithm", ["ed25519", "ecdsa-p256-sha256", "rsa-pss-sha512"])
def test_a_key_is_found_by_its_thumbprint(signing, algorithm) -> None:
    signer = signing.Signer.of(algorithm)
    found = read(signer.published)
    assert found.get(signer.keyid).algorithm == algorithm
    assert found.get("other") is None
    assert read(signer.jwk).keys.keys() == {signer.keyid}


def test_a_kid_that_is_no_thumbprint_rules_a_key_of_a_domain_out(signing) -> None:
    signer = signing.Signer()
    named = {**signer.jwk, "kid": "key-1"}
    assert read(named).keys == {}
    assert read(named, agent=KEYS).keys.keys() == {signer.keyid}
    assert read_directory(json.dumps({"keys": [named]}).encode(), BOT, pinned=True).keys.keys() == {
        signer.keyid
    }


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519", "ed25519", None])
def test_both_names_of_an_algorithm_are_read(signing, alg) -> None:
    assert len(read({**signing.Signer().jwk, "alg": alg}).keys) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"use": "enc"}, {"key_ops": ["sign"]}, {"alg": "ES256"}, {"crv": "X25519"}, {"crv": "Ed448"}, {"kty": "oct"},
        {"x": "AAAA"}, {"x": 1}, {"x": "!"}, {"nbf": "1"}, {"exp": True}, {"nbf": -1}, {"kty": None},
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_used_is_passed_over(signing, change) -> None:
    good = signing.Signer()
    assert read({**signing.Signer().jwk, **change}, good.jwk).keys.keys() == {good.keyid}


def test_a_short_or_odd_rsa_key_is_passed_over(signing) -> None:
    jwk = signing.Signer.of("rsa-pss-sha512").jwk
    for change in ({"n": jwk["n"][:100]}, {"n": jwk["n"] * 3}, {"e": "Ag"}, {"e": 65537}, {"alg": "RS256"}):
        assert read({**jwk, **change}).keys == {}


def test_a_term_is_in_seconds_or_milliseconds(signing) -> None:
    signer = signing.Signer()
    for unit in (1, 1000):
        key = read({**signer.jwk, "nbf": 1_700_000_000 * unit, "exp": 1_800_000_000 * unit}).get(signer.keyid)
        assert [key.stands(now) for now in (1_699_999_999, 1_700_000_000, 1_799_999_999, 1_800_000_000)] == [
            False, True, True, False,
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "directory_unreadable"),
        (b"<html>", "directory_unreadable"),
        (b"[]", "directory_unreadable"),
        (b"{}", "directory_unreadable"),
        (b'{"keys": {}}', "directory_unreadable"),
        (b'{"keys": [], "keys": []}', "directory_unreadable"),
        (b'{"keys": [' + b"[" * 5000, "directory_unreadable"),
        (json.dumps({"keys": [1] * (MOST_KEYS + 1)}).encode(), "directory_too_many_keys"),
        (b'{"keys": [{"kty": "OKP", "d": "x"}]}', "directory_has_secrets"),
        (b'{"keys": [{"kty": "oct", "k": "x"}]}', "directory_has_secrets"),
    ],
)
def test_documents_that_are_refused_whole(body, why) -> None:
    assert read_directory(body, BOT) == NoDirectory(why)


@given(st.binary(max_size=200))
def test_no_octets_make_it_raise(body) -> None:
    assert isinstance(read_directory(body, BOT), KeyDirectory | NoDirectory)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e", "alg", "use", "nbf", "key_ops"]), inner), max_leaves=8))  # fmt: skip
def test_no_key_makes_it_raise(key) -> None:
    assert isinstance(read(key), KeyDirectory | NoDirectory)


URL = "https://bot.example/.well-known/http-message-signatures-directory"


def proven(signing, *signers, published=None, headers=None, body=None, now=None, **kept):
    body = body or signing.jwks(*(published or signers))
    lines = headers or signing.signed_directory("bot.example", body, *signers, **kept)
    directory = read_directory(body, BOT)
    return proven_keys(directory, URL, tuple(lines), body, now or signing.NOW)


def test_whoever_signed_the_answer_holds_the_key(signing) -> None:
    one, two, three = signing.Signer(), signing.Signer.of("ecdsa-p256-sha256"), signing.Signer()
    assert proven(signing, one, two) == {one.keyid, two.keyid}
    assert proven(signing, one, published=[one, three]) == {one.keyid}
    assert proven(signing, one, headers=[("content-type", "application/json")]) is None


def test_a_mirrored_old_or_changed_directory_proves_nothing(signing) -> None:
    one, stranger = signing.Signer(), signing.Signer()
    body = signing.jwks(one)
    mirrored = signing.signed_directory("other.example", body, one)
    assert proven(signing, one, headers=mirrored) == frozenset()
    assert proven(signing, stranger, published=[one]) == frozenset()
    assert proven(signing, one, now=signing.NOW + 7200) == frozenset()
    assert proven(signing, one, now=signing.NOW - 7200) == frozenset()
    assert proven(signing, one, req=False) == frozenset()
    lines = signing.signed_directory("bot.example", body, one)
    assert proven(signing, one, headers=lines, body=body + b" ") == frozenset()
    assert proven(signing, one, headers=[(n, v.replace("=:", "=!") if n == "signature" else v) for n, v in lines]) == frozenset()  # fmt: skip


def test_the_signed_directory_of_the_draft(signing) -> None:
    """Draft of 2026-10-29, appendix E.2.3."""
    body = (
        b'{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U",'
        b'"x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs","use":"sig"}]}'
    )
    agent = read_agent("https://signature-agent.test")
    assert isinstance(agent, SignatureAgent)
    headers = (
        ("content-digest", "sha-256=:CADMT2aBdV/rqQr/NIru64ERQkCobVvllA4V0fLFDu0=:"),
        (
            "signature-input",
            (
                f'binding=("@authority";req "content-digest");created=1735689600;expires=4889289600;'
                f'keyid="{signing.TEST_ID}";tag="http-message-signatures-directory"'
            ),
        ),
        (
            "signature",
            "binding=:l6P8R67tm3kujAxbHWio7ll01qrEZ0dKD/WWlGhNYEmTnFZM8Wt0VQ9zqGfvo7T/UMkBxsigzChM1Gpz7gOVBg==:",
        ),
    )
    found = proven_keys(read_directory(body, agent), agent.directory, headers, body, signing.NOW)
    assert found == {signing.TEST_ID}
    assert (
        proven_keys(
            read_directory(body, agent),
            agent.directory.replace(".test", ".example"),
            headers,
            body,
            signing.NOW,
        )
        == frozenset()
    )


def test_a_wanted_key_is_a_value() -> None:
    assert WantedKey(BOT, "k") == WantedKey(BOT, "k")
