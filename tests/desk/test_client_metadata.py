"""What a client may say of itself, and that it is told as it is kept."""

from __future__ import annotations

import pytest

from gateway.desk.client_metadata import Metadata, read_metadata
from gateway.problems import Problem, Refusal

FULL = {
    "client_name": "Example crawler",
    "client_uri": "https://labs.example/bot",
    "logo_uri": "https://labs.example/logo.png",
    "tos_uri": "https://labs.example/tos",
    "policy_uri": "https://labs.example/policy",
    "contacts": ["ops@labs.example"],
    "scope": "ai-input search",
    "software_id": "4NRB1-0XZABZI9E6-5SM3R",
    "software_version": "2.1",
    "dpop_bound_access_tokens": True,
    "authorization_details_types": ["content_license"],
    "grant_types": ["client_credentials"],
    "response_types": [],
}


async def registered(world, **metadata):
    answer = await world.post("/.licet/register", json={"client_name": "A"} | metadata)
    return answer.status, await answer.json(content_type=None)


async def test_everything_that_is_registered_is_told_as_it_is_kept(world, proving):
    keys = {"keys": [proving.Holder("PS256").jwk | {"kid": "a", "alg": "PS256"}, proving.Holder().jwk]}
    sent = FULL | {
        "jwks": keys,
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "PS256",
    }
    status, body = await registered(world, **sent, nonsense={"deep": [1]})
    assert status == 201
    assert {name: body[name] for name in sent} == sent
    assert "client_secret" not in body
    assert "nonsense" not in body
    client, _ = await world.register.client(body["client_id"])
    assert (client.signs, client.secret_sha256) == (True, "")
    assert body["registration_access_token"] not in repr(client)


async def test_a_client_with_a_secret_is_told_when_it_ends(world):
    _, body = await registered(world, token_endpoint_auth_method="client_secret_post")
    assert body["client_secret"]
    assert body["client_secret_expires_at"] == 0
    assert body["token_endpoint_auth_method"] == "client_secret_post"


@pytest.mark.parametrize(
    "metadata",
    [
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": "tls_client_auth"},
        {"token_endpoint_auth_method": ["client_secret_basic"]},
        {"token_endpoint_auth_signing_alg": "none"},
        {"token_endpoint_auth_signing_alg": "HS256"},
        {"token_endpoint_auth_signing_alg": {}},
        {"jwks": {"keys": []}},
        {"jwks": "https://labs.example/jwks"},
        {"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}},
        {"jwks": {"keys": [{"kty": "EC", "crv": "P-384"}]}},
        {"jwks": {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}},
        {"jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "A" * 43, "d": "A" * 43}]}},
        {"jwks": {"keys": [], "junk": "x" * 20_000}},
        {"jwks": {"keys": []}, "jwks_uri": "https://labs.example/jwks"},
        {"jwks_uri": "http://labs.example/jwks"},
        {"jwks_uri": "https://user@labs.example/jwks"},
        {"jwks_uri": 5},
        {"scope": "openid"},
        {"scope": ["search"]},
        {"software_id": ""},
        {"software_version": 2.5},
        {"software_version": 2},
        {"dpop_bound_access_tokens": "true"},
        {"authorization_details_types": ["payment_initiation"]},
        {"authorization_details_types": "content_license"},
        {"logo_uri": "data:,x"},
        {"tos_uri": []},
    ],
)
async def test_what_is_not_acceptable_registers_nobody(world, metadata):
    status, body = await registered(world, **metadata)
    assert (status, body["error"]) == (400, "invalid_client_metadata")
    assert not await world.register.licensees()


@pytest.mark.parametrize(("statement", "error"), [("x", "invalid_software_statement"), (7, "invalid_software_statement"), ("e30.e30.AAAA", "unapproved_software_statement")])  # fmt: skip
async def test_nobody_s_software_statement_is_trusted(world, statement, error):
    status, body = await registered(world, software_statement=statement)
    assert (status, body["error"]) == (400, error)


def test_null_is_absent():
    read = read_metadata(
        {**dict.fromkeys(FULL), "client_name": "A", "jwks": None, "software_statement": None}
    )
    assert read == Metadata("A", "", (), False, '{"token_endpoint_auth_method":"client_secret_basic"}')


def test_a_weak_key_is_refused_whole(proving):
    weak = {"keys": [proving.Holder("RS256", 1024).jwk]}
    found = read_metadata({"client_name": "A", "jwks": weak})
    assert isinstance(found, Refusal)
    assert found.problem is Problem.METADATA_INVALID


@pytest.mark.parametrize("place", ["set", "key"])
async def test_a_key_set_with_a_member_that_is_not_ascii_is_refused_and_breaks_nothing(world, proving, place):
    key, odd = proving.Holder().jwk, {"schlüssel": 1}
    jwks = {"keys": [key], **odd} if place == "set" else {"keys": [key | odd]}
    status, body = await registered(world, jwks=jwks)
    assert (status, body["error"]) == (400, "invalid_client_metadata")


@pytest.mark.parametrize("name", ["client_uri", "logo_uri", "tos_uri", "policy_uri"])
def test_an_address_holds_nothing_that_a_page_shows_as_something_else(name):
    for char in ("\0", "\x1b", "\u202e", "\u2028", "é", " ", '"', "<", ">", "\x7f"):
        read = read_metadata({"client_name": "A", name: f"https://labs.example/{char}moc.kcatta"})
        assert isinstance(read, Refusal), repr(char)
    plain = "https://labs.example:8443/a;b=c?d=e&f=[g]%20@#!$'()*+,|{}^`~-_"
    assert isinstance(read_metadata({"client_name": "A", name: plain}), Metadata)
