"""Registration, authentication, and how fast both may be asked."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from types import SimpleNamespace

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admission.pace import Pace
from gateway.desk.client_metadata import Metadata, read_metadata
from gateway.desk.pacing import DeskPace
from gateway.licenses.license import Standing
from gateway.problems import Problem, Refusal


async def register(world, **metadata):
    metadata.setdefault("client_name", "Example crawler")
    return await world.post("/.licet/register", json=metadata)


async def test_a_registration_is_answered_with_credentials_once_and_is_quarantined(world):
    answer = await register(
        world,
        client_uri="https://labs.example/bot",
        contacts=["ops@labs.example"],
        software_id="x",
        unknown_member="ignored",
    )
    assert answer.status == 201
    body = await answer.json()
    assert body["client_secret_expires_at"] == 0
    assert body["client_id_issued_at"] == world.now
    assert body["token_endpoint_auth_method"] == "client_secret_basic"
    assert body["grant_types"] == ["client_credentials"]
    assert body["standing"] == "quarantined"
    assert body["contacts"] == ["ops@labs.example"]
    assert body["software_id"] == "x"
    assert "unknown_member" not in body
    client, licensee = await world.register.client(body["client_id"])
    assert licensee.standing is Standing.QUARANTINED
    assert client.contacts == ("ops@labs.example",)
    assert body["client_secret"] not in repr(vars(world.register.store))
    header = aiohttp.encode_basic_auth(body["client_id"], body["client_secret"])
    account = await world.get("/.licet/account", headers={"Authorization": header})
    assert (await account.json())["standing"] == "quarantined"
    form = {"grant_type": "client_credentials"}
    token = await world.post("/.licet/token", None, form, headers={"Authorization": header})
    assert (token.status, (await token.json())["error"]) == (403, "unauthorized_client")
    await world.register.set_standing(licensee.id, Standing.ACTIVE, world.now)
    await world.pay_in(SimpleNamespace(licensee=licensee), "1")
    token = await world.post("/.licet/token", None, form, headers={"Authorization": header})
    assert token.status == 200


@pytest.mark.parametrize(
    "metadata",
    [
        {"client_name": ""},
        {"client_name": "  "},
        {"client_name": 7},
        {"client_name": "a\nb"},
        {"client_name": "x" * 201},
        {"client_name": None},
        {"client_uri": "javascript:alert(1)"},
        {"client_uri": "https://a.example/<b>"},
        {"contacts": "ops@labs.example"},
        {"contacts": ["x"] * 9},
        {"contacts": [1]},
        {"token_endpoint_auth_method": "none"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"grant_types": ["authorization_code"]},
        {"response_types": ["code"]},
    ],
)
async def test_metadata_that_is_not_acceptable(world, metadata):
    answer = await register(world, **metadata)
    assert (answer.status, (await answer.json())["error"]) == (400, "invalid_client_metadata")
    assert not await world.register.licensees()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"client_name":"a","client_name":"b"}', b"\xff", b'"a"']
)
async def test_a_body_that_is_no_single_object(world, body):
    answer = await world.post("/.licet/register", data=body, headers={"Content-Type": "application/json"})
    assert (answer.status, (await answer.json())["error"]) == (400, "invalid_client_metadata")


@given(st.dictionaries(st.text(max_size=8), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)))  # fmt: skip
def test_no_metadata_makes_the_reader_raise(found):
    read = read_metadata(found)
    assert isinstance(read, Metadata | Refusal)
    assert not isinstance(read, Refusal) or read.problem in {
        Problem.METADATA_INVALID,
        Problem.STATEMENT_INVALID,
    }


def basic(text):
    return "Basic " + b64encode(text.encode()).decode()


async def test_every_wrong_login_gets_the_very_same_answer(world):
    made = await world.licensee()
    logins = [
        None,
        "",
        "Basic",
        "Basic !!!",
        basic("no-colon"),
        basic(":"),
        basic(f"{made.client.id}:"),
        basic(f"{made.client.id}:wrong"),
        basic(f"cl_unknown:{made.secret}"),
        basic(f"{made.client.id}:{made.client.secret_sha256}"),
        basic(f"{made.client.id}%zz:%ff%fe"),
        f"Bearer {made.secret}",
        "Basic " + "A" * 5000,
    ]
    bodies = set()
    for login in logins:
        headers = {} if login is None else {"Authorization": login}
        answer = await world.post(
            "/.licet/token", None, {"grant_type": "client_credentials"}, headers=headers
        )
        assert answer.status == 401, login
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="licet", charset="UTF-8"'
        bodies.add(await answer.text())
    assert len(bodies) == 1
    assert "invalid_client" in bodies.pop()


async def test_two_authorization_headers_are_no_login(world):
    made = await world.licensee()
    reader, writer = await asyncio.open_connection(world.server.host, world.server.port)
    header = aiohttp.encode_basic_auth(made.client.id, made.secret)
    lines = ["GET /.licet/account HTTP/1.1", f"Host: {world.server.host}", f"Authorization: {header}"]
    writer.write("\r\n".join([*lines, lines[-1], "Connection: close", "", ""]).encode())
    answer = await reader.read()
    writer.close()
    assert b" 401 " in answer.split(b"\r\n")[0] or b" 400 " in answer.split(b"\r\n")[0]


async def test_registrations_are_paced_by_network(world):
    statuses = [(await register(world)).status for _ in range(6)]
    assert statuses == [201] * 5 + [429]
    slow = await register(world)
    assert int(slow.headers["Retry-After"]) > 0
    assert (await slow.json(content_type=None))["code"] == "too-fast"
    world.address = "203.0.113.200"
    assert (await register(world)).status == 429
    world.address = "198.51.100.7"
    assert (await register(world)).status == 201
    world.address = "203.0.113.7"
    world.clock.advance(61)
    assert (await register(world)).status == 201


async def test_failed_logins_are_paced_and_good_clients_of_the_network_are_not(world):
    made = await world.licensee()
    statuses = {(await world.get("/.licet/account")).status for _ in range(20)}
    assert statuses == {401}
    assert (await world.get("/.licet/account")).status == 429
    assert (await world.token(made, resource="/essays/"))[0] == 200


async def test_a_client_is_paced_by_itself(world):
    world.pace = DeskPace(client=Pace(1, 3))
    await world.reopen()
    made, other = await world.licensee(), await world.licensee()
    statuses = [(await world.token(made, resource="/essays/"))[0] for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert (await world.token(other, resource="/essays/"))[0] == 200
    world.clock.advance(1)
    assert (await world.token(made, resource="/essays/"))[0] == 200
