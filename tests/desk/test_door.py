"""The desk behind its Unix socket: what the front says about a request, and what is refused without it."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import socket
import stat

import aiohttp
import pytest
from aiohttp import web

from gateway.desk.door import ADDRESS, ORIGIN, SITE, DeskDoor
from gateway.desk.reading import LARGEST_BODY
from gateway.desk.replies import streamed_reply

PUBLIC = "https://journal.example"
FRONT = {SITE: "journal", ORIGIN: PUBLIC, ADDRESS: "203.0.113.7"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "desk"


@pytest.fixture
async def http(path):
    connector = aiohttp.UnixConnector(str(path))
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        yield session


@pytest.fixture
async def door(world, path):
    made = DeskDoor(world.desk, {"journal": world.policy}.get)
    await made.start(path)
    yield made
    await made.stop()
    await made.stop()
    assert made.faults == 0


async def test_the_socket_is_for_its_owner_alone_and_goes_with_the_door(world, path):
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as left_by_a_crash:
        left_by_a_crash.bind(str(path))
    door = DeskDoor(world.desk, {"journal": world.policy}.get)
    await door.start(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await door.stop()
    assert not path.exists()


async def test_a_place_that_will_not_do_is_told_and_left_alone(world, path):
    door = DeskDoor(world.desk, {"journal": world.policy}.get)
    with pytest.raises(OSError, match="too long"):
        await door.start(path.with_name("x" * 108))
    path.write_text("not ours")
    with pytest.raises(OSError, match="in use"):
        await door.start(path)
    assert path.read_text() == "not ours"
    path.parent.chmod(0o750)
    with pytest.raises(PermissionError, match="others may enter"):
        await door.start(path.with_name("other"))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750


async def test_it_answers_as_the_desk_does_for_the_public_origin(world, door, http):
    made = await world.licensee()
    form = {"grant_type": "client_credentials", "resource": f"{PUBLIC}/essays/"}
    login = base64.b64encode(f"{made.client.id}:{made.secret}".encode()).decode()
    headers = {**FRONT, "Authorization": f"Basic {login}"}
    async with http.post(
        f"{PUBLIC}/.licet/token".replace("https", "http"), data=form, headers=headers
    ) as answer:
        body = await answer.json(content_type=None)
        assert (answer.status, body["token_type"]) == (200, "Bearer"), body
    payload = json.loads(base64.urlsafe_b64decode(body["access_token"].split(".")[1] + "=="))
    assert (payload["iss"], payload["aud"]) == (f"{PUBLIC}/.licet", PUBLIC)
    async with http.get("http://journal.example/.licet/nowhere", headers=FRONT) as answer:
        assert answer.status == 404
        assert (await answer.json(content_type=None))["type"] == f"{PUBLIC}/.licet/problems/not-found"


@pytest.mark.parametrize("missing", [SITE, ORIGIN, ADDRESS])
async def test_a_request_that_the_front_did_not_explain_is_refused(door, http, missing):
    headers = {name: value for name, value in FRONT.items() if name != missing}
    async with http.get("http://journal.example/.licet/", headers=headers) as answer:
        assert answer.status == 400
    twice = [*FRONT.items(), (missing, "another")]
    async with http.get("http://journal.example/.licet/", headers=twice) as answer:
        assert answer.status == 400


async def test_a_site_that_is_gone_is_421(door, http):
    async with http.get("http://x.example/.licet/", headers={**FRONT, SITE: "gone"}) as answer:
        assert answer.status == 421
        assert (await answer.json(content_type=None))["code"] == "unknown-site"


async def test_a_body_too_large_is_refused_and_not_read_as_the_next_request(door, path):
    reader, writer = await asyncio.open_unix_connection(str(path))
    head = "".join(f"{name}: {value}\r\n" for name, value in FRONT.items())
    body = "GET /.licet/ HTTP/1.1\r\nHost: x\r\n\r\n" * (LARGEST_BODY // 16)
    writer.write(
        f"POST /.licet/register HTTP/1.1\r\nHost: journal.example\r\n{head}Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    async with asyncio.timeout(20):
        said = await reader.read()
    assert said.startswith(b"HTTP/1.1 413 ")
    assert said.count(b"HTTP/1.1 ") == 1
    writer.close()


async def test_one_connection_serves_one_request_after_the_other(door, path):
    reader, writer = await asyncio.open_unix_connection(str(path))
    head = "".join(f"{name}: {value}\r\n" for name, value in FRONT.items())
    for _ in range(3):
        writer.write(f"HEAD /.licet/ HTTP/1.1\r\nHost: journal.example\r\n{head}\r\n".encode())
        async with asyncio.timeout(20):
            said = await reader.readuntil(b"\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" not in said.lower()
    writer.close()


async def test_what_takes_too_long_is_408_and_what_breaks_is_500(world, path, http, caplog):
    async def desk(request, policy, origin, address):
        if request.path == "/.licet/slow":
            await asyncio.Event().wait()
        raise RuntimeError("broken on purpose")

    door = DeskDoor(desk, {"journal": world.policy}.get, seconds=0.05)
    await door.start(path)
    async with http.get("http://journal.example/.licet/slow", headers=FRONT) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (408, "request-timeout")
    for send, accept, said in (
        (http.get, "application/json", "Load the page again."),
        (http.get, "text/html", "Load the page again."),
        (http.post, "text/html", "Whether what you sent was done is not known"),
    ):
        caplog.clear()
        async with send("http://journal.example/.licet/", headers={**FRONT, "Accept": accept}) as answer:
            text = await answer.text()
            assert (answer.status, answer.headers["Cache-Control"]) == (500, "no-store")
            assert answer.content_type == ("text/html" if "html" in accept else "application/problem+json")
        assert "broken on purpose" not in text
        assert said in text
        (told,) = (each for each in caplog.records if each.exc_info)
        assert re.search(r"re_[0-9a-f]{32}", told.getMessage())[0] in text
    assert door.faults == 3
    await door.stop()


async def test_stopping_lets_an_answer_under_way_end(world, path, http):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def desk(request, policy, origin, address):
        begun.set()
        await go_on.wait()
        return web.Response(text=address)

    door = DeskDoor(desk, {"journal": world.policy}.get)
    await door.start(path)
    asked = asyncio.ensure_future(http.get("http://journal.example/.licet/", headers=FRONT))
    await begun.wait()
    stopping = asyncio.ensure_future(door.stop())
    await asyncio.sleep(0)
    with pytest.raises(OSError):
        await asyncio.open_unix_connection(str(path))
    go_on.set()
    async with await asked as answer:
        assert (answer.status, await answer.text()) == (200, "203.0.113.7")
    await stopping


async def test_whoever_leaves_in_the_middle_of_a_streamed_answer_is_no_fault(world, path, caplog):
    caplog.set_level(logging.INFO)
    client, ended, made = socket.socket(socket.AF_UNIX), asyncio.Event(), 0

    async def lines():
        nonlocal made
        for made in range(10_000):
            if made == 1:
                client.close()
            yield b"x" * 65_536

    async def desk(request, _policy, _origin, _address):
        try:
            return await streamed_reply(request, "application/jsonl", lines())
        finally:
            ended.set()

    door = DeskDoor(desk, {"journal": world.policy}.get)
    await door.start(path)
    try:
        client.connect(str(path))
        fields = "".join(f"{name}: {value}\r\n" for name, value in FRONT.items())
        client.sendall(f"GET /.licet/quote HTTP/1.1\r\nHost: journal.example\r\n{fields}\r\n".encode())
        await ended.wait()
    finally:
        await door.stop()
        client.close()
    assert 1 <= made < 100, "pieces are made for nobody"
    assert door.faults == 0
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
