"""Tokens bound to a key: by a proof, or to a key that the client registered."""

from __future__ import annotations

import json

import pytest

from gateway.desk.clients import Admittance
from gateway.keys.jws import read_compact
from gateway.licenses.license import Standing
from gateway.tokens.nonces import Nonces

NONCES = Nonces(b"n" * 32)


@pytest.fixture
def one(proving):
    return proving.Holder()


async def client_of(world, **metadata):
    answer = await world.post("/.licet/register", json={"client_name": "A"} | metadata)
    body = await answer.json()
    _, licensee = await world.register.client(body["client_id"])
    await world.register.set_standing(licensee.id, Standing.ACTIVE, world.now)
    return {"client_id": body["client_id"], "client_secret": body["client_secret"]}


async def ask(world, login, *proofs, **form):
    sent = {"grant_type": "client_credentials", "resource": "/gift/"} | login | form
    headers = [("DPoP", proof) for proof in proofs]
    async with world.http.post(f"{world.origin}/.licet/token", data=sent, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None), answer.headers.get("DPoP-Nonce", "")


def cnf(token):
    return json.loads(read_compact(token).payload).get("cnf")


async def test_a_proof_binds_the_token_and_is_good_once(world, one):
    login, url = await client_of(world), f"{world.origin}/.licet/token"
    proof = one.proof("POST", url, world.now)
    status, body, nonce = await ask(world, login, proof)
    assert (status, body["token_type"], nonce) == (200, "DPoP", "")
    assert cnf(body["access_token"]) == {"jkt": one.thumbprint}
    assert (await ask(world, login, proof))[:2][0] == 400
    found = await world.post("/.licet/introspect", None, login | {"token": body["access_token"]})
    said = await found.json()
    assert (said["token_type"], said["cnf"]) == ("DPoP", {"jkt": one.thumbprint})
    plain = await ask(world, login)
    assert (plain[1]["token_type"], cnf(plain[1]["access_token"])) == ("Bearer", None)


@pytest.mark.parametrize("kind", ["two", "method", "url", "stale", "junk", "empty"])
async def test_a_proof_that_does_not_hold_is_an_oauth_error(world, one, kind):
    login, url = await client_of(world), f"{world.origin}/.licet/token"
    proofs = {
        "two": [one.proof("POST", url, world.now), one.proof("POST", url, world.now)],
        "method": [one.proof("GET", url, world.now)],
        "url": [one.proof("POST", f"{world.origin}/.licet/revoke", world.now)],
        "stale": [one.proof("POST", url, world.now - 61)],
        "junk": ["x.y.z"],
        "empty": [""],
    }[kind]
    status, body, nonce = await ask(world, login, *proofs)
    assert (status, body["error"], nonce) == (400, "invalid_dpop_proof", "")


async def test_a_client_that_binds_all_its_tokens_is_asked_for_a_proof_with_a_nonce(world, one):
    world.admittance = Admittance(nonces=NONCES)
    await world.reopen()
    login, url = await client_of(world, dpop_bound_access_tokens=True), f"{world.origin}/.licet/token"
    assert (await ask(world, login))[1]["error"] == "invalid_dpop_proof"
    status, body, nonce = await ask(world, login, one.proof("POST", url, world.now))
    assert (status, body["error"], nonce) == (400, "use_dpop_nonce", NONCES.current(world.now))
    status, body, next_one = await ask(world, login, one.proof("POST", url, world.now, nonce=nonce))
    assert (status, body["token_type"], next_one) == (200, "DPoP", nonce)
    world.clock.advance(300)
    status, body, fresh = await ask(world, login, one.proof("POST", url, world.now, nonce=nonce))
    assert (status, body["error"]) == (400, "use_dpop_nonce")
    assert fresh not in {"", nonce}
    other = await client_of(world)
    assert (await ask(world, other, one.proof("POST", url, world.now)))[0] == 200


async def test_the_operator_may_want_a_nonce_of_everybody(world, one):
    world.admittance = Admittance(nonces=NONCES, every_proof=True)
    await world.reopen()
    login, url = await client_of(world), f"{world.origin}/.licet/token"
    assert (await ask(world, login))[0] == 200, "who shows no proof needs no nonce"
    assert (await ask(world, login, one.proof("POST", url, world.now)))[1]["error"] == "use_dpop_nonce"


async def test_a_client_whose_clock_is_wrong_is_offered_a_nonce_that_stands_in_for_it(world, one):
    world.admittance = Admittance(nonces=NONCES)
    await world.reopen()
    login, url = await client_of(world), f"{world.origin}/.licet/token"
    slow = world.now - 600
    status, body, nonce = await ask(world, login, one.proof("POST", url, slow))
    assert (status, body["error"]) == (400, "use_dpop_nonce")
    proof = one.proof("POST", url, slow, nonce=nonce)
    assert (await ask(world, login, proof))[0] == 200
    world.clock.advance(200)
    assert (await ask(world, login, proof))[0] == 400, "and it is still good once"


async def test_a_registered_key_is_bound_to_by_its_name(world, one, proving):
    login = await client_of(world, jwks={"keys": [proving.Holder("EdDSA").jwk, one.jwk]})
    named = json.dumps({"jkt": one.thumbprint})
    status, body, _ = await ask(world, login, cnf=named)
    assert (status, body["token_type"]) == (200, "DPoP")
    assert cnf(body["access_token"]) == {"jkt": one.thumbprint}
    url = f"{world.origin}/.licet/token"
    assert (await ask(world, login, one.proof("POST", url, world.now), cnf=named))[0] == 200
    other = proving.Holder().proof("POST", url, world.now)
    assert (await ask(world, login, other, cnf=named))[1]["error"] == "invalid_request"


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"jkt":1}', '{"jkt":"x"}', '{"jkt":"%s","a":1}', '{"jkt":"%s","jkt":"%s"}', "strange"])  # fmt: skip
async def test_what_names_no_registered_key_is_refused(world, one, proving, text):
    login = await client_of(world, jwks={"keys": [one.jwk]})
    named = (
        json.dumps({"jkt": proving.Holder().thumbprint})
        if text == "strange"
        else text.replace("%s", one.thumbprint)
    )
    status, body, _ = await ask(world, login, cnf=named)
    if text:
        assert (status, body["error"]) == (400, "invalid_request")
    else:
        assert (status, body["token_type"]) == (200, "Bearer"), "an empty value is absent"
