"""Signed logins, judged one by one; then at the desk, where each is good once."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.desk.assertions import ASSERTION_TYPE, Assertion, flaw_in, read_assertion
from gateway.keys.key_set import CLIENT_ALGORITHMS, KeySet
from gateway.licenses.license import Standing

NOW = 1_795_000_000
ISSUER = "https://journal.example/.licet"
NAMES = (ISSUER, f"{ISSUER}/token")


def keys_of(*holders):
    found = KeySet.parse(json.dumps({"keys": [holder.jwk for holder in holders]}), CLIENT_ALGORITHMS)
    assert isinstance(found, KeySet)
    return found


def flaw(text, keys, algorithm=""):
    """Why *text* is no login, by whichever of the two steps, or ""."""
    read = read_assertion(text)
    return read if isinstance(read, str) else flaw_in(read, keys, NAMES, NOW, algorithm)


@pytest.fixture(scope="module")
def one(proving):
    return proving.Holder()


@pytest.mark.parametrize("algorithm", CLIENT_ALGORITHMS)
@pytest.mark.parametrize("audience", [ISSUER, f"{ISSUER}/token", [ISSUER], [ISSUER, f"{ISSUER}/token"]])
def test_a_good_login_by_each_algorithm_to_each_of_our_names(proving, algorithm, audience):
    holder = proving.Holder(algorithm)
    said = {"alg": algorithm} if algorithm == "PS256" else {}
    keys = KeySet.parse(json.dumps({"keys": [holder.jwk | said]}), CLIENT_ALGORITHMS)
    text = holder.login("cl_1", audience, NOW)
    assert flaw(text, keys) == ""
    assert flaw(text, keys, algorithm) == ""
    assert flaw(text, keys, "ES512") == "alg is not the one that was registered"


def test_a_key_may_be_named_and_then_is_the_only_one(one, proving):
    other = proving.Holder()
    named = one.login("cl_1", ISSUER, NOW, header={"kid": one.thumbprint, "typ": "JWT"})
    assert flaw(named, keys_of(other, one)) == ""
    wrong = one.login("cl_1", ISSUER, NOW, header={"kid": other.thumbprint})
    assert flaw(wrong, keys_of(other, one)) == "no key of the client made the signature"
    assert flaw(one.login("cl_1", ISSUER, NOW), keys_of(other)) == "no key of the client made the signature"
    assert flaw(one.login("cl_1", ISSUER, NOW), KeySet()) == "no key of the client made the signature"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "cl_2"}, {"iss": None}, {"sub": None}, {"sub": 7, "iss": 7}, {"aud": None}, {"aud": []}, {"aud": "x"},
        {"aud": [ISSUER, "https://other.example"]}, {"aud": ISSUER + "/"}, {"aud": {"a": 1}}, {"aud": ISSUER.upper()},
        {"exp": None}, {"exp": str(NOW + 60)}, {"exp": NOW + 60.5}, {"exp": True}, {"exp": NOW - 31}, {"exp": NOW + 631},
        {"exp": -1}, {"iat": NOW + 31}, {"iat": "now"}, {"nbf": NOW + 31}, {"nbf": None, "iat": False},
        {"jti": None}, {"jti": ""}, {"jti": 5}, {"jti": "x" * 257},
    ],
)  # fmt: skip
def test_claims_that_are_no_login(one, claims):
    assert flaw(one.login("cl_1", ISSUER, NOW, **claims), keys_of(one))


@pytest.mark.parametrize("header", [{"typ": "at+jwt"}, {"typ": "dpop+jwt"}, {"alg": "none"}, {"alg": "HS256"}, {"alg": "RS256"}, {"jwk": {}}, {"jku": "https://evil.example"}, {"x5u": "https://evil.example"}, {"crit": ["exp"]}, {"zip": "DEF"}, {"kid": 5}])  # fmt: skip
def test_headers_that_are_no_login(one, header):
    assert flaw(one.login("cl_1", ISSUER, NOW, header=header), keys_of(one))


def test_a_member_twice_is_no_login(one):
    payload = b'{"iss":"cl_1","sub":"cl_1","sub":"cl_1","aud":"%s","exp":%d,"jti":"1"}' % (
        ISSUER.encode(),
        NOW + 9,
    )
    assert flaw(one.signed({"alg": "ES256"}, payload), keys_of(one)) == "a member stands there twice"


@given(st.text())
def test_no_text_raises(text):
    assert isinstance(read_assertion(text), str | Assertion)


async def signing_client(world, holder, **more):
    """A registered, approved and funded client that signs; returns its id."""
    metadata = {
        "client_name": "A",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [holder.jwk]},
    }
    answer = await world.post("/.licet/register", json=metadata | more)
    body = await answer.json()
    assert answer.status == 201, body
    _, licensee = await world.register.client(body["client_id"])
    await world.register.set_standing(licensee.id, Standing.ACTIVE, world.now)
    return body["client_id"]


async def test_a_purchase_that_is_asked_for_again_under_a_login_of_its_own_is_the_same_one(world, one):
    client = await signing_client(world, one)
    answers = []
    for _ in range(2):
        text = one.login(client, f"{world.origin}/.licet", world.now)
        form = {
            "grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": text, "resource": "/gift/",
        }  # fmt: skip
        answer = await world.post("/.licet/token", None, form, headers={"Idempotency-Key": "order-1"})
        answers.append((answer.status, await answer.text()))
    assert answers[0] == answers[1]
    assert answers[0][0] == 200


async def login(world, text, path="/.licet/token", **form):
    sent = {
        "grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": text, "resource": "/gift/",
    }  # fmt: skip
    answer = await world.post(
        path, None, {name: value for name, value in (sent | form).items() if value is not None}
    )
    return answer.status, await answer.json(content_type=None)


async def test_a_signed_login_is_good_once_and_everywhere(world, one):
    client = await signing_client(world, one)
    issuer = f"{world.origin}/.licet"
    text = one.login(client, issuer, world.now)
    status, body = await login(world, text)
    assert (status, body["token_type"]) == (200, "Bearer")
    assert await login(world, text) == (401, (await login(world, "x.y.z"))[1]), "used before"
    found = await login(
        world, one.login(client, issuer, world.now), "/.licet/introspect", token=body["access_token"]
    )
    assert (found[0], found[1]["active"]) == (200, True)
    held = await login(world, one.login(client, [f"{issuer}/token"], world.now), "/.licet/account")
    assert (held[0], held[1]["client_id"]) == (200, client)
    gone = await world.post(
        "/.licet/revoke", None,
        {"client_assertion_type": ASSERTION_TYPE, "client_assertion": one.login(client, issuer, world.now), "token": body["access_token"]},
    )  # fmt: skip
    assert gone.status == 200
    # A login that lapsed is forgotten, and is no good any more.
    world.clock.advance(3600)
    assert (await login(world, text))[0] == 401


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_id": "cl_other"}, 400, "invalid_request"),
        ({"client_secret": "x"}, 400, "invalid_request"),
        (
            {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
            401,
            "invalid_client",
        ),
        ({"client_assertion_type": None}, 401, "invalid_client"),
        ({"client_assertion": None}, 401, "invalid_client"),
        ({"client_assertion": "x" * 5000}, 401, "invalid_client"),
    ],
)
async def test_a_login_in_two_ways_or_half_a_way(world, one, change, status, error):
    client = await signing_client(world, one)
    found = await login(world, one.login(client, f"{world.origin}/.licet", world.now), **change)
    assert (found[0], found[1]["error"]) == (status, error)


async def test_a_client_that_signs_has_no_secret_and_one_with_a_secret_does_not_sign(world, one):
    client = await signing_client(world, one)
    for secret in ("", "x"):
        answer = await world.post(
            "/.licet/token",
            None,
            {"grant_type": "client_credentials", "client_id": client, "client_secret": secret},
        )
        assert answer.status == 401
    made = await world.licensee()
    found = await login(world, one.login(made.client.id, f"{world.origin}/.licet", world.now))
    assert (found[0], found[1]["error"]) == (401, "invalid_client")
