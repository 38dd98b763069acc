from __future__ import annotations

import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.keys.key_set import (
    CLIENT_ALGORITHMS,
    LONGEST_SET,
    MOST_KEYS,
    KeySet,
    PublicKey,
    UnusableKeySet,
    decode_base64url,
    encode_base64url,
)
from gateway.keys.signing_key import SigningKey
from gateway.keys.strict_json import Malformed

ES = SigningKey.of(ec.derive_private_key(5, ec.SECP256R1())).public
ED = SigningKey.of(ed25519.Ed25519PrivateKey.from_private_bytes(b"\x05" * 32)).public
JWK = ES.as_jwk()


def parsed(*keys: object) -> KeySet | UnusableKeySet:
    return KeySet.parse(json.dumps({"keys": list(keys)}))


def test_the_thumbprint_is_that_of_rfc_8037_appendix_a3() -> None:
    octets = decode_base64url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    key = PublicKey.of(ed25519.Ed25519PublicKey.from_public_bytes(octets))
    assert key.kid == key.thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert key.algorithm == "EdDSA"


def test_the_elliptic_key_is_that_of_rfc_7515_appendix_a3() -> None:
    found = parsed(
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        }
    )
    assert isinstance(found, KeySet)
    [key] = found
    assert key.algorithm == "ES256"
    # RFC 7638, section 3: the required members in this order and spelling.
    members = (
        b'{"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",'
        b'"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}'
    )
    assert decode_base64url(key.kid) == hashlib.sha256(members).digest()


def test_a_set_reads_back_what_it_publishes() -> None:
    keys = KeySet([ES, ED])
    again = KeySet.parse(json.dumps(keys.jwks()))
    assert again == keys
    assert isinstance(again, KeySet)
    assert hash(again) == hash(keys)
    assert list(again) == [ES, ED]
    assert again.get(ES.kid) == ES
    assert again.get("nobody") is None
    assert ED.kid in again
    assert len(again) == 2
    assert repr(again) == f"KeySet({ES.kid}, {ED.kid})"


def test_what_is_published_is_public_and_says_what_it_is_for() -> None:
    assert ES.as_jwk() == {
        **JWK,
        "kty": "EC",
        "crv": "P-256",
        "alg": "ES256",
        "use": "sig",
        "kid": ES.thumbprint,
    }
    assert set(JWK) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    assert set(ED.as_jwk()) == {"kty", "crv", "x", "kid", "alg", "use"}


def test_the_generation_is_that_of_the_content() -> None:
    assert KeySet([ES, ED]).generation == KeySet([ED, ES]).generation
    assert (
        len({KeySet(keys).generation for keys in ([], [ES], [ED], [ES, ED], [PublicKey.of(ES.key, "other")])})
        == 5
    )
    assert KeySet([ES]) != KeySet([ED])
    assert KeySet() != "KeySet()"


def test_a_key_keeps_the_id_its_publisher_gave_it() -> None:
    found = parsed({**JWK, "kid": "mine"})
    assert isinstance(found, KeySet)
    assert [key.kid for key in found] == ["mine"]
    assert found.get("mine") != ES
    [key] = found
    assert key.thumbprint == ES.kid


@pytest.mark.parametrize(
    "other",
    [
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {"kty": "future", "crv": ["x"]},
        {**JWK, "kid": "2", "use": "enc"},
        {**JWK, "kid": "2", "key_ops": ["encrypt"]},
        {**JWK, "kid": "2", "key_ops": "verify"},
    ],
)
def test_a_key_that_is_of_no_use_here_is_passed_over(other: dict[str, object]) -> None:
    assert parsed(JWK, other) == KeySet([ES])


def test_members_nobody_knows_are_passed_over() -> None:
    assert parsed({**JWK, "nbf": 1, "x5u": "https://evil.example/", "key_ops": ["verify"]}) == KeySet([ES])


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ([JWK, {**ED.as_jwk(), "kid": ES.kid}], "same kid"),
        ([JWK, {key: value for key, value in JWK.items() if key != "kid"}], "same kid"),
        ([JWK, {"kty": "RSA", "kid": ES.kid}], "same kid"),
        ([{**JWK, "d": "AA"}], "secret"),
        ([JWK, {"kty": "oct", "k": "AA"}], "secret"),
        ([JWK, {"kty": "RSA", "kid": "r", "p": "AA"}], "secret"),
        ([{**JWK, "alg": "EdDSA"}], "alg"),
        ([{**JWK, "alg": "none"}], "alg"),
        ([{**JWK, "alg": None}], "alg"),
        ([{**JWK, "x": JWK["y"]}], "point"),
        ([{**JWK, "x": encode_base64url(b"\xff" * 32)}], "point"),
        ([{**JWK, "x": encode_base64url(bytes(32)), "y": encode_base64url(bytes(32))}], "point"),
        ([{**JWK, "x": JWK["x"] + "="}], "canonical"),
        ([{**JWK, "x": "é"}], "base64url"),
        ([{**JWK, "x": encode_base64url(b"\x01" * 31)}], "32 octets"),
        ([{**JWK, "x": encode_base64url(b"\x00" + b"\x01" * 32)}], "32 octets"),
        ([{**JWK, "x": 1}], "not a text"),
        ([{"kty": "EC", "crv": "P-256"}], "not a text"),
        ([{**JWK, "kid": 1}], "kid"),
        ([{**JWK, "kid": ["a"]}], "kid"),
        ([{**JWK, "kid": "k" * 257}], "kid"),
        ([{**JWK, "kid": "a\nb"}], "kid"),
        (["x"], "not an object"),
        ([{}], "not an object"),
        ([{"kty": 1}], "not an object"),
        ([{**JWK, "kid": str(n)} for n in range(MOST_KEYS + 1)], "at most"),
    ],
)
def test_a_set_that_is_broken_is_refused_whole(keys: list[object], why: str) -> None:
    found = parsed(*keys)
    assert isinstance(found, UnusableKeySet)
    assert why in found.why


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        "{}",
        '{"keys":{}}',
        '{"keys":[],"keys":[]}',
        b"\xff",
        "\ud800",
        " " * (LONGEST_SET + 1),
        json.dumps(JWK),
    ],
)
def test_a_document_that_is_no_set_is_refused(document: str | bytes) -> None:
    assert isinstance(KeySet.parse(document), UnusableKeySet)


def test_an_empty_set_is_one() -> None:
    assert parsed() == KeySet()


def test_two_keys_of_one_id_are_no_set() -> None:
    with pytest.raises(Malformed, match="same kid"):
        KeySet([ES, ES])


def test_another_curve_is_no_key_here() -> None:
    with pytest.raises(Malformed, match="P-256"):
        PublicKey.of(ec.derive_private_key(5, ec.SECP384R1()).public_key())


loose = st.recursive(
    st.none() | st.integers() | st.text(max_size=4) | st.sampled_from(list(JWK.values())),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["keys", *JWK, "d", "crv"]), inner)
    ),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries({}, optional={"keys": st.lists(loose | st.just(JWK), max_size=3), "x": loose})
    | loose
)
@settings(max_examples=200)
def test_no_document_makes_it_raise(document: object) -> None:
    assert isinstance(KeySet.parse(json.dumps(document)), KeySet | UnusableKeySet)


@given(st.fixed_dictionaries({name: st.just(value) | loose for name, value in JWK.items()}))
@settings(max_examples=200)
def test_no_key_makes_it_raise(members: dict[str, object]) -> None:
    assert isinstance(parsed(members), KeySet | UnusableKeySet)


@given(st.binary(max_size=70))
def test_base64url_has_one_spelling(raw: bytes) -> None:
    text = encode_base64url(raw)
    assert decode_base64url(text) == raw
    for other in (text + "=", text + "\n", " " + text):
        with pytest.raises(Malformed):
            decode_base64url(other)


@pytest.mark.parametrize("text", ["A", "AB", "QQ==", "+/+/", "é", "Q Q", "QR", "\ud800"])
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(Malformed):
        decode_base64url(text)


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_rsa_keys_are_for_what_clients_sign_alone(proving, algorithm: str) -> None:
    jwk = proving.Holder(algorithm).jwk | {"alg": algorithm}
    document = json.dumps({"keys": [jwk]})
    assert list(KeySet.parse(document)) == [], "our own tokens know no RSA"
    (key,) = KeySet.parse(document, CLIENT_ALGORITHMS)
    assert key.algorithm == algorithm
    assert key.as_jwk().items() >= jwk.items()
    assert KeySet.parse(json.dumps({"keys": [key.as_jwk()]}), CLIENT_ALGORITHMS) == KeySet([key])


def test_the_thumbprint_of_an_rsa_key_is_that_of_rfc_7638(proving) -> None:
    holder = proving.Holder("RS256")
    (key,) = KeySet.parse(json.dumps({"keys": [holder.jwk]}), CLIENT_ALGORITHMS)
    assert key.thumbprint == key.kid == holder.thumbprint
    assert key.algorithm == "RS256", "a key that does not say which"


@pytest.mark.parametrize(
    "change",
    [
        {"n": ""}, {"n": None}, {"n": 5}, {"e": ""}, {"e": "AA"}, {"e": "AQ"}, {"n": "AAAA"}, {"n": "_" * 342},
        {"n": "A" * 1367}, {"e": "A" * 400}, {"e": "AQAAAAAAAAAB"}, {"d": "AAAA"}, {"n": "!"}, {"n": "Ag"},
    ],
)  # fmt: skip
def test_an_rsa_key_that_is_broken_refuses_the_set(proving, change) -> None:
    jwk = proving.Holder("RS256").jwk | change
    assert isinstance(KeySet.parse(json.dumps({"keys": [jwk]}), CLIENT_ALGORITHMS), UnusableKeySet)


@pytest.mark.parametrize("algorithm", ["RS512", "PS384", "RSA-OAEP", "none", 5, "ES256"])
def test_an_rsa_key_for_something_else_is_passed_over(proving, algorithm) -> None:
    jwk = proving.Holder("RS256").jwk | {"alg": algorithm}
    assert list(KeySet.parse(json.dumps({"keys": [jwk]}), CLIENT_ALGORITHMS)) == []


@pytest.mark.parametrize("bits", [1024, 2047, 4104])
def test_rsa_keys_are_neither_weak_nor_huge(proving, bits) -> None:
    jwk = {"kty": "RSA", "e": "AQAB", "n": proving.whole((1 << bits) - 1)}
    assert isinstance(KeySet.parse(json.dumps({"keys": [jwk]}), CLIENT_ALGORITHMS), UnusableKeySet)
