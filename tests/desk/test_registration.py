"""Registration with and without an invitation, and what a client may do with its own (RFC 7592)."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import aiohttp
import pytest

from gateway.desk.clients import Admittance
from gateway.licenses.enrollment import OLDER_SECONDS


@pytest.fixture
async def own(world):
    """A client of the world by registration, and its view of its own address."""
    answer = await world.post("/.licet/register", json={"client_name": "A", "contacts": ["a@b.example"]})
    one = SimpleNamespace(**await answer.json())
    path = one.registration_client_uri.removeprefix(world.origin)

    async def send(method, token=None, more="", **rest):
        headers = {"Authorization": f"Bearer {token or one.registration_access_token}"}
        async with world.http.request(method, world.origin + path + more, headers=headers, **rest) as got:
            return got.status, await got.json(content_type=None) if await got.read() else {}

    async def logs_in(secret):
        header = aiohttp.encode_basic_auth(one.client_id, secret)
        return (await world.get("/.licet/account", headers={"Authorization": header})).status == 200

    one.send, one.logs_in = send, logs_in
    return one


async def test_a_registration_can_be_read_and_changed_whole(world, own):
    status, body = await own.send("GET")
    assert (status, body["client_name"], body["client_id"]) == (200, "A", own.client_id)
    assert "client_secret" not in body, "shown once"
    assert body["registration_access_token"] == own.registration_access_token
    assert body["registration_client_uri"] == own.registration_client_uri
    sent = {
        "client_id": own.client_id,
        "client_name": "B",
        "software_id": "x",
        "client_secret": own.client_secret,
    }
    status, body = await own.send("PUT", json=sent)
    assert (status, body["client_name"], body["software_id"]) == (200, "B", "x")
    assert "contacts" not in body
    assert (await own.send("GET"))[1] == body
    assert await own.logs_in(own.client_secret)


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "cl_other"}, {"client_id": None}, {"client_secret": "x"}, {"client_secret": 5},
        {"registration_access_token": "x"}, {"client_id_issued_at": 5}, {"client_name": ""}, {"jwks_uri": "ftp://x"},
    ],
)  # fmt: skip
async def test_a_change_that_is_not_acceptable_changes_nothing(own, change):
    before = await own.send("GET")
    status, body = await own.send("PUT", json={"client_id": own.client_id, "client_name": "B"} | change)
    assert (status, body["error"]) == (400, "invalid_client_metadata")
    assert await own.send("GET") == before


async def test_another_secret_leaves_the_one_before_it_a_day(world, own):
    status, body = await own.send("POST", more="/secret")
    assert (status, body["client_secret_expires_at"]) == (200, 0)
    assert body["client_secret"] != own.client_secret
    assert await own.logs_in(body["client_secret"])
    assert await own.logs_in(own.client_secret)
    world.clock.advance(OLDER_SECONDS)
    assert await own.logs_in(body["client_secret"])
    assert not await own.logs_in(own.client_secret)
    assert body["client_secret"] not in repr(vars(world.register.store))


async def test_from_a_secret_to_a_key_and_back(world, own, proving):
    sent = {
        "client_id": own.client_id, "client_name": "A", "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [proving.Holder().jwk]},
    }  # fmt: skip
    assert (await own.send("PUT", json=sent))[0] == 200
    assert not await own.logs_in(own.client_secret)
    status, body = await own.send("POST", more="/secret")
    assert (status, body["error"]) == (400, "invalid_client_metadata")
    _, body = await own.send("PUT", json={"client_id": own.client_id, "client_name": "A"})
    assert await own.logs_in(body["client_secret"])
    assert not await own.logs_in(own.client_secret)


async def test_a_client_that_leaves_takes_its_tokens_with_it(world, own):
    from gateway.licenses.license import Standing

    _, licensee = await world.register.client(own.client_id)
    await world.register.set_standing(licensee.id, Standing.ACTIVE, world.now)
    login = {"client_id": own.client_id, "client_secret": own.client_secret}
    answer = await world.post(
        "/.licet/token", None, login | {"grant_type": "client_credentials", "resource": "/gift/"}
    )
    claims = world.desk.sales and (await answer.json())["authorization_details"][0]
    assert await own.send("DELETE") == (204, {})
    assert (await own.send("GET"))[0] == 401
    assert not await own.logs_in(own.client_secret)
    assert (own.client_id, world.now) in (await world.register.revocations()).holders
    assert await world.register.license(claims["license"]) is not None


async def test_nobody_else_s_token_opens_it_and_all_failures_are_alike(world, own):
    other = await (await world.post("/.licet/register", json={"client_name": "B"})).json()
    found = [
        await own.send(method, token)
        for method in ("GET", "PUT", "DELETE")
        for token in (other["registration_access_token"], own.client_secret, "x", "é")
    ]
    assert {status for status, _ in found} == {401}
    async with world.http.get(f"{world.origin}/.licet/register/cl_none") as got:
        assert (got.status, got.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
        assert (await got.json())["error"] == "invalid_token"
    made = await world.licensee()
    async with world.http.get(f"{world.origin}/.licet/register/{made.client.id}") as got:
        assert got.status == 401, "the operator's clients have no such token"
    assert (await own.send("GET"))[0] == 200


@pytest.mark.parametrize("more", ["/other", "/secret/x", "//secret", "/%2e%2e", "/../x"])
async def test_further_down_there_is_nothing(own, more):
    assert (await own.send("GET", more=more))[0] in {400, 401, 404}
    assert (await own.send("POST", more=more))[0] in {400, 401, 404}
    assert (await own.send("GET", more="/secret"))[0] == 404
    assert (await own.send("POST"))[0] == 404


async def test_by_invitation_only(world):
    world.admittance = Admittance(initial="come in")
    await world.reopen()

    async def tried(**headers):
        return await world.post("/.licet/register", json={"client_name": "A"}, headers=headers)

    for headers in (
        {},
        {"Authorization": "Bearer come"},
        {"Authorization": "Basic come in"},
        {"Authorization": "Bearer"},
    ):
        answer = await tried(**headers)
        assert (answer.status, (await answer.json())["error"]) == (401, "invalid_token")
    world.address = "198.51.100.7"
    assert (await tried(Authorization="Bearer come in")).status == 201


async def test_a_slow_change_does_not_bring_back_a_secret_that_was_replaced_meanwhile(world, own):
    begun, replaced = asyncio.Event(), asyncio.Event()

    async def slowly():
        yield b'{"client_name": "B", '
        begun.set()
        await replaced.wait()
        yield json.dumps({"client_id": own.client_id})[1:].encode()

    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {own.registration_access_token}"}
    changing = asyncio.create_task(
        world.http.put(own.registration_client_uri, data=slowly(), headers=headers)
    )
    await begun.wait()
    while ("client", (own.client_id,)) not in world.register.calls:
        await asyncio.sleep(0)
    _, renewed = await own.send("POST", more="/secret")
    replaced.set()
    async with await changing as got:
        assert (got.status, (await got.json())["client_name"]) == (200, "B")
    assert await own.logs_in(renewed["client_secret"])
    world.clock.advance(OLDER_SECONDS)
    assert not await own.logs_in(own.client_secret)
