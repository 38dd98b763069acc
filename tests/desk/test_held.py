"""Introspection, revocation and the account: one's own things only."""

from __future__ import annotations

import json

import pytest

from gateway.licenses.license import Standing

INACTIVE = {"active": False}


async def introspect(world, made, token, **more):
    answer = await world.post("/.licet/introspect", made, {"token": token, **more})
    assert answer.status == 200
    return await answer.json()


async def test_a_live_token_is_described_to_its_licensee(world):
    made = await world.licensee()
    _, body = await world.token(made, {"offer": "training"})
    found = await introspect(world, made, body["access_token"])
    assert found["active"] is True
    assert found["token_type"] == "License"
    assert found["iss"] == f"{world.origin}/.licet"
    assert found["aud"] == world.origin
    assert found["client_id"] == made.client.id
    assert found["exp"] - found["iat"] == 900
    assert found["authorization_details"] == body["authorization_details"]
    assert found["resource"] == "/essays/"
    assert "permitted" not in found


@pytest.mark.parametrize(
    ("resource", "permitted"),
    [
        ("/essays/tides", True),
        ("{}/essays/tides?x=1", True),
        ("/essays", True),
        ("/essays-old/tides", False),
        ("/podcast/1.mp3", False),
        ("/essays/*", False),
        ("https://elsewhere.example/essays/tides", False),
        ("/essays/../notes", False),
    ],
)
async def test_olp_s_question_whether_a_page_is_covered(world, resource, permitted):
    made = await world.licensee()
    _, body = await world.token(made, {"offer": "training"})
    found = await introspect(world, made, body["access_token"], resource=resource.format(world.origin))
    assert found["active"] is True
    assert found["permitted"] is permitted
    assert ("reason" in found) is not permitted


async def test_the_body_may_be_json_as_olp_s_draft_has_it(world):
    made = await world.licensee()
    _, body = await world.token(made, {"offer": "training"})
    asked = json.dumps({"token": body["access_token"], "resource": "/essays/a"})
    answer = await world.post("/.licet/introspect", made, asked, headers={"Content-Type": "application/json"})
    assert (await answer.json())["permitted"] is True


async def test_what_is_not_the_caller_s_or_not_live_says_nothing(world):
    made, other = await world.licensee(), await world.licensee()
    _, body = await world.token(made, {"offer": "training"})
    token = body["access_token"]
    assert await introspect(world, other, token) == INACTIVE
    assert await introspect(world, made, token[:-4] + "AAAA") == INACTIVE
    assert await introspect(world, made, "nonsense") == INACTIVE
    world.clock.advance(900 + 31)
    assert await introspect(world, made, token) == INACTIVE


async def test_suspension_makes_every_token_inactive(world):
    made = await world.licensee()
    _, body = await world.token(made, {"offer": "training"})
    await world.register.set_standing(made.licensee.id, Standing.SUSPENDED, world.now)
    assert await introspect(world, made, body["access_token"]) == INACTIVE


async def test_introspection_and_revocation_want_credentials_and_a_token(world):
    made = await world.licensee()
    for path in ("/.licet/introspect", "/.licet/revoke"):
        assert (await world.post(path, None, {"token": "x"})).status == 401
        answer = await world.post(path, made, {"token_type_hint": "access_token"})
        assert (answer.status, (await answer.json())["error"]) == (400, "invalid_request")


async def test_a_revoked_token_is_revoked_and_only_that_one(world):
    made = await world.licensee()
    _, one = await world.token(made, {"offer": "training"})
    _, two = await world.token(made, {"offer": "training"})
    for _ in range(2):
        answer = await world.post("/.licet/revoke", made, {"token": one["access_token"]})
        assert (answer.status, await answer.text()) == (200, "")
    assert await introspect(world, made, one["access_token"]) == INACTIVE
    assert (await introspect(world, made, two["access_token"]))["active"] is True


async def test_an_unknown_token_is_no_error_and_somebody_else_s_is_left_alone(world):
    made, other = await world.licensee(), await world.licensee()
    _, body = await world.token(made, {"offer": "training"})
    assert (await world.post("/.licet/revoke", other, {"token": "nonsense"})).status == 200
    answer = await world.post("/.licet/revoke", other, {"token": body["access_token"]})
    assert (answer.status, (await answer.json())["error"]) == (400, "invalid_request")
    assert (await introspect(world, made, body["access_token"]))["active"] is True


async def test_the_account_shows_credit_and_licenses_of_nobody_else(world):
    import aiohttp

    made, other = await world.licensee("2.5"), await world.licensee("7")
    _, body = await world.token(made, {"offer": "training"})
    await world.token(other, {"offer": "answers"})
    header = aiohttp.encode_basic_auth(made.client.id, made.secret)
    answer = await world.get("/.licet/account", headers={"Authorization": header})
    found = await answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert found["licensee"] == made.licensee.id
    assert found["balances"] == [{"amount": "2.5", "currency": "USD", "micros": 2_500_000}]
    (license,) = found["licenses"]
    assert license["license"] == body["authorization_details"][0]["license"]
    assert license["live"] is True
    assert license["price"]["amount"] == "0.02"
    assert (license["tiers"], license["window_hours"]) == ([], 24)
    assert made.secret not in await answer.text()
    await world.register.revoke("license", license["license"], world.now)
    answer = await world.get("/.licet/account", headers={"Authorization": header})
    assert (await answer.json())["licenses"][0]["live"] is False
