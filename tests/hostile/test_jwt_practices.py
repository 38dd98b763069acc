"""RFC 8725 (JWT Best Current Practices, February 2020), section 3: one test for each item, then this profile's own list.

Tokens are signed here by hand (`tests/proving.py`), so that what is refused is
refused by us and not by whoever would not write it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.desk.assertions import flaw_in, read_assertion
from gateway.keys.key_set import CLIENT_ALGORITHMS, KeySet, UnusableKeySet
from gateway.keys.signing_key import SigningKey
from gateway.problems import Problem
from gateway.tokens.claims import LEEWAY_SECONDS, Claims
from gateway.tokens.dpop import Proof, Proving, read_proof
from gateway.tokens.verification import read_token

GOLDEN = json.loads((Path(__file__).parent.parent / "vectors" / "tokens.json").read_text(encoding="ascii"))
NOW, ISSUER, AUDIENCE = GOLDEN["now"], GOLDEN["issuer"], GOLDEN["audience"]


def b64u(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def payload_of(text: str) -> dict:
    part = text.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


CLAIMS = payload_of(GOLDEN["vectors"][0]["token"])


@pytest.fixture(scope="module")
def desk(proving):
    """A desk's key, and `read(text)`, `said(**claims)`: what a reader says of a text, or of good claims changed."""
    holder = proving.Holder()
    keys = KeySet.parse(json.dumps({"keys": [holder.jwk | {"kid": "k1"}]}))
    assert isinstance(keys, KeySet)

    def read(text, keys=keys):
        found = read_token(text, keys, issuer=ISSUER, audience=AUDIENCE, now=NOW)
        return "good" if isinstance(found, Claims) else found.problem

    def text(claims=CLAIMS, **header):
        said = {"alg": "ES256", "kid": "k1", "typ": "at+jwt"} | header
        return holder.signed({name: value for name, value in said.items() if value is not None}, claims)

    def said(**changes):
        changed = CLAIMS | changes
        return read(text({name: value for name, value in changed.items() if value is not ...}))

    return SimpleNamespace(holder=holder, keys=keys, read=read, text=text, said=said)


def test_the_good_one_is_good(desk):
    assert desk.read(desk.text()) == "good"
    assert desk.said() == "good"


def test_3_1_the_algorithm_is_that_of_the_key_and_not_the_text_s(desk, proving):
    public = desk.holder.key.public_key()
    forms = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        json.dumps(desk.holder.jwk).encode(),
    ]
    for secret in (*forms, public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)):
        for algorithm in ("HS256", "ES256"):
            head = b64u(json.dumps({"alg": algorithm, "kid": "k1", "typ": "at+jwt"}).encode())
            signed = f"{head}.{b64u(json.dumps(CLAIMS).encode())}"
            mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
            assert desk.read(f"{signed}.{b64u(mac)}") is Problem.TOKEN_INVALID
    for algorithm in ("EdDSA", "RS256", "PS256", "ES384", "ES256K", "es256"):
        assert desk.read(desk.text(alg=algorithm)) is Problem.TOKEN_INVALID
    rsa = proving.Holder("RS256")
    there = KeySet.parse(json.dumps({"keys": [rsa.jwk | {"alg": "PS256", "kid": "k"}]}), CLIENT_ALGORITHMS)
    login = read_assertion(rsa.login("cl_1", ISSUER, NOW, header={"kid": "k"}))
    assert flaw_in(login, there, (ISSUER,), NOW) == "no key of the client made the signature"


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", "", "HS256", "HS384", "RSA1_5", "A128GCM", 0, None, []])  # fmt: skip
def test_3_2_only_algorithms_that_are_in_use_here(desk, algorithm):
    text = desk.text(alg=algorithm)
    bare = text.rpartition(".")[0]
    for each in (text, bare, f"{bare}.", f"{bare}.AA"):
        assert desk.read(each) is Problem.TOKEN_INVALID


def test_3_3_every_operation_must_hold(desk, proving):
    text = desk.text()
    head, body, signature = text.split(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
    for at in range(len(raw)):
        changed = bytes(raw[:at]) + bytes([raw[at] ^ 1]) + bytes(raw[at + 1 :])
        assert desk.read(f"{head}.{body}.{b64u(changed)}") is Problem.TOKEN_INVALID
    for zeros in (b"\0" * 64, b"\0" * 63, b"", b"\0" * 32 + bytes(raw[32:])):
        assert desk.read(f"{head}.{body}.{b64u(zeros)}") is Problem.TOKEN_INVALID
    assert (
        desk.read(proving.Holder().signed({"alg": "ES256", "kid": "k1", "typ": "at+jwt"}, CLAIMS))
        is Problem.TOKEN_INVALID
    )
    nested = desk.holder.signed({"alg": "ES256", "kid": "k1", "typ": "at+jwt", "cty": "JWT"}, text.encode())
    jwe = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA"
    serialized = json.dumps({"payload": body, "signatures": [{"protected": head, "signature": signature}]})
    for other in (nested, jwe, serialized):
        assert desk.read(other) is Problem.TOKEN_INVALID


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "EC", "crv": "P-256", "x": b64u(b"\0" * 32), "y": b64u(b"\0" * 32)},
        {"kty": "EC", "crv": "P-256", "x": b64u(b"\1" * 32), "y": b64u(b"\1" * 32)},
        {"kty": "EC", "crv": "P-256", "x": b64u(b"\xff" * 32), "y": b64u(b"\1" * 32)},
        {"kty": "RSA", "n": b64u(b"\xff" * 256), "e": "AQ"},
        {"kty": "RSA", "n": b64u(b"\xff" * 256), "e": "Ag"},
    ],
)
def test_3_4_keys_are_checked_before_they_are_used(jwk):
    assert isinstance(KeySet.parse(json.dumps({"keys": [jwk]}), CLIENT_ALGORITHMS), UnusableKeySet)


def test_3_5_keys_have_the_strength_they_need_and_nothing_is_signed_with_a_password(proving):
    weak = {"keys": [proving.Holder("RS256", 1024).jwk]}
    assert isinstance(KeySet.parse(json.dumps(weak), CLIENT_ALGORITHMS), UnusableKeySet)
    password = {"keys": [{"kty": "oct", "k": b64u(b"secret")}]}
    assert isinstance(KeySet.parse(json.dumps(password), CLIENT_ALGORITHMS), UnusableKeySet)
    assert len({SigningKey.generate().kid for _ in range(20)}) == 20


@pytest.mark.parametrize("header", [{"zip": "DEF"}, {"enc": "A128GCM"}, {"b64": False, "crit": ["b64"]}])
def test_3_6_nothing_is_compressed_or_encrypted(desk, header):
    assert desk.read(desk.text(**header)) is Problem.TOKEN_INVALID


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_3_7_it_is_utf_8(desk, encoding):
    assert desk.read(desk.text(json.dumps(CLAIMS).encode(encoding))) is Problem.TOKEN_INVALID
    latin = json.dumps(CLAIMS, ensure_ascii=False).replace("client-1", "cli\xe9nt").encode("latin-1")
    assert desk.read(desk.text(latin)) is Problem.TOKEN_INVALID
    assert desk.said(client_id="\ud800", sub="\ud800") is Problem.TOKEN_INVALID


def test_3_8_issuer_and_subject_are_exact(desk):
    for issuer in (ISSUER + "/", ISSUER[:-1], ISSUER.upper(), "https://journal.example", [ISSUER], None, ""):
        assert desk.said(iss=issuer) is Problem.TOKEN_INVALID
    for subject in ("client-2", "", None, 5, ["client-1"]):
        assert desk.said(sub=subject) is Problem.TOKEN_INVALID


def test_3_9_the_audience_is_one_text_and_exact(desk):
    for audience in (
        AUDIENCE + "/",
        AUDIENCE.upper(),
        AUDIENCE + ".evil.example",
        "https://gazette.example",
        AUDIENCE[:-1],
    ):
        assert desk.said(aud=audience) is Problem.TOKEN_OTHER_SITE
    for audience in ([AUDIENCE], [AUDIENCE, "https://gazette.example"], None, "", {}, ...):
        assert desk.said(aud=audience) is Problem.TOKEN_INVALID


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "https://evil.example/keys"}, {"jku": "http://169.254.169.254/"}, {"x5u": "https://evil.example/"},
        {"x5c": ["MIIB"]}, {"jwk": {"kty": "EC"}}, {"kid": "../../dev/null"}, {"kid": "' OR 1=1 --"}, {"kid": "k1\x00"},
        {"kid": "x" * 10_000}, {"kid": ["k1"]}, {"kid": 1}, {"kid": ""}, {"kid": None}, {"crit": ["exp"], "exp": 1},
        {"cty": "JWT"}, {"iss": ISSUER},
    ],
)  # fmt: skip
def test_3_10_nothing_received_names_a_key_or_a_place(desk, header):
    assert desk.read(desk.text(**header)) is Problem.TOKEN_INVALID


def test_3_10_a_key_that_travels_with_the_text_proves_nothing(desk, proving):
    own = proving.Holder()
    said = {"alg": "ES256", "kid": "k1", "typ": "at+jwt", "jwk": own.jwk}
    assert desk.read(own.signed(said, CLAIMS)) is Problem.TOKEN_INVALID
    double = json.dumps({"keys": [own.jwk | {"kid": "k1"}, desk.holder.jwk | {"kid": "k1"}]})
    assert isinstance(KeySet.parse(double), UnusableKeySet)


@pytest.mark.parametrize("typ", ["JWT", "jwt", "", None, "dpop+jwt", "license+jwt", "AT+JWT ", "application/at+jwt", 1])  # fmt: skip
def test_3_11_the_type_is_explicit(desk, typ):
    assert desk.read(desk.text(typ=typ)) is Problem.TOKEN_INVALID


def test_3_12_no_kind_of_text_is_taken_for_another(desk):
    token = desk.text()
    url = f"{ISSUER}/token"
    proof = desk.holder.proof("POST", url, NOW)
    login = desk.holder.login("client-1", ISSUER, NOW)
    assert desk.read(proof) is Problem.TOKEN_INVALID
    assert desk.read(login) is Problem.TOKEN_INVALID
    for text in (token, login):
        assert not isinstance(read_proof([text], Proving("POST", url, NOW)), Proof)
    for text in (token, proof):
        assert isinstance(read_assertion(text), str)
    assert isinstance(read_proof([proof], Proving("POST", url, NOW)), Proof)
    taken = read_assertion(login)
    assert flaw_in(taken, desk.keys, (ISSUER,), NOW) == ""


# --- The profile's own list, where PyJWT alone would say yes ------------------------------------


@pytest.mark.parametrize("name", list(CLAIMS))
def test_no_claim_may_be_missing(desk, name):
    assert desk.said(**{name: ...}) is Problem.TOKEN_INVALID


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", [str(NOW + 60), NOW + 60.5, float(NOW + 60), True, -1, 2**53 + 1, 10**400, None, [NOW], {}])  # fmt: skip
def test_times_are_whole_numbers(desk, name, value):
    assert desk.said(**{name: value}) is Problem.TOKEN_INVALID


def test_times_that_json_cannot_hold(desk):
    for number in ("1e400", "1e10", "NaN", "Infinity", "-Infinity", "0x10", "01"):
        raw = json.dumps(CLAIMS).replace(f'"exp": {CLAIMS["exp"]}', f'"exp": {number}').encode()
        assert number.encode() in raw
        assert desk.read(desk.text(raw)) is Problem.TOKEN_INVALID


@pytest.mark.parametrize("name", list(CLAIMS))
def test_no_claim_stands_there_twice(desk, name):
    twice = json.dumps(CLAIMS)[:-1] + f", {json.dumps(name)}: {json.dumps(CLAIMS[name])}}}"
    assert desk.read(desk.text(twice.encode())) is Problem.TOKEN_INVALID


@pytest.mark.parametrize("end", ["=", "==", "A", ".", " ", "\n", "\x00", "%3D", "é"])
def test_nothing_follows_the_signature(desk, end):
    assert desk.read(desk.text() + end) is Problem.TOKEN_INVALID
    assert desk.read(end + desk.text()) is Problem.TOKEN_INVALID


def test_the_last_sign_has_no_second_spelling(desk):
    text, signs = desk.text(), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    at = signs.index(text[-1])
    twins = [text[:-1] + signs[at ^ low] for low in range(1, 16) if at // 16 == (at ^ low) // 16]
    assert twins
    assert {desk.read(twin) for twin in twins} == {Problem.TOKEN_INVALID}


def test_a_life_is_short_and_a_second_counts(desk):
    day = 86_400
    assert desk.said(iat=NOW - 60, exp=NOW - 60 + day) == "good"
    assert desk.said(iat=NOW - 60, exp=NOW - 60 + day + 1) is Problem.TOKEN_INVALID
    assert desk.said(exp=NOW - LEEWAY_SECONDS + 1) == "good"
    assert desk.said(exp=NOW - LEEWAY_SECONDS) is Problem.TOKEN_EXPIRED
    assert desk.said(nbf=NOW + LEEWAY_SECONDS) == "good"
    assert desk.said(nbf=NOW + LEEWAY_SECONDS + 1) is Problem.TOKEN_EXPIRED
    assert desk.said(iat=NOW + LEEWAY_SECONDS + 1) is Problem.TOKEN_INVALID


def test_what_is_long_or_deep_is_not_looked_into(desk):
    assert desk.read(desk.text(CLAIMS | {"policy": "x" * 4096})) is Problem.TOKEN_INVALID
    deep = json.dumps(CLAIMS)[:-1] + ', "x": ' + "[" * 500 + "]" * 500 + "}"
    assert desk.read(desk.text(deep.encode())) is Problem.TOKEN_INVALID
    assert desk.read("." * 1_000_000) is Problem.TOKEN_INVALID
