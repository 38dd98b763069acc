"""Connections that speak another protocol: begun by the origin alone, octets both ways, ended from both sides."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import WSMsgType, web

UPGRADE = ("Connection: Upgrade", "Upgrade: odd/1")
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: odd/1\r\n\r\n"


@pytest.fixture
async def echo_site():
    """An origin with a websocket that echoes, and says goodbye when told ``bye``."""
    closed = asyncio.Queue()

    async def echo(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.data == "bye":
                await socket.close(code=4001)
            elif message.type is WSMsgType.TEXT:
                await socket.send_str(message.data[::-1])
            else:
                await socket.send_bytes(message.data)
        closed.put_nowait(socket.close_code)
        return socket

    app = web.Application()
    app.router.add_get("/ws", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", closed
    await runner.cleanup()


@pytest.mark.parametrize("last_word", ["client", "origin"])
async def test_a_websocket_passes_both_ways_and_is_closed_from_either_side(
    kit, started, echo_site, last_word
):
    url, closed = echo_site
    door = await started(kit.Door(url))
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{door.url}/ws", headers={"Host": "a.example"}, max_msg_size=0) as socket,
    ):
        await socket.send_str("hello")
        assert (await socket.receive_str()) == "olleh"
        large = bytes(range(256)) * 8192
        await socket.send_bytes(large)
        assert (await socket.receive_bytes()) == large
        if last_word == "client":
            await socket.close(code=4000)
        else:
            await socket.send_str("bye")
            assert (await socket.receive()).type is WSMsgType.CLOSE
            assert socket.close_code == 4001
    async with asyncio.timeout(kit.PATIENCE):
        code = await closed.get()
        while door.listener.connections:
            await asyncio.sleep(0.001)
    # What the client answers to the origin's goodbye is the client's own affair.
    assert last_word == "origin" or code == 4000
    assert door.people.counted == [("/ws", 101)]
    assert door.listener.faults == 0


async def test_nothing_switches_before_the_origin_says_so(door, origin, kit):
    """What the client sends ahead is not passed on, and a refusal is an ordinary answer."""
    reader, writer = await door.connect()
    writer.write(kit.get("/", "Connection: Upgrade", "Upgrade: websocket", close=False))
    head = await kit.read_head(reader)
    assert kit.statuses(head) == [200]
    assert await reader.readexactly(2) == b"ok"
    assert origin.requests[0].values("upgrade") == ["websocket"]
    writer.write(kit.get("/second"))
    assert kit.statuses(await reader.read()) == [200]
    assert origin.requests[1].target == "/second"


async def test_octets_pass_unread_and_either_half_may_end_first(door, origin, kit):
    async def odd(request, reader, writer):
        writer.write(SWITCHED + b"welcome")
        heard = await reader.read()
        writer.write(b"heard " + heard)
        writer.write_eof()

    origin.reply = odd
    reader, writer = await door.connect()
    writer.write(kit.get("/", *UPGRADE, close=False))
    head = await kit.read_head(reader)
    assert b"\r\nUpgrade: odd/1\r\n" in head
    assert head.count(b"Connection: Upgrade\r\n") == 1
    assert await reader.readexactly(7) == b"welcome"
    writer.write(b"GET /not-a-request HTTP/1.1\r\n\r\n\x00\xff")
    writer.write_eof()
    assert await reader.read() == b"heard GET /not-a-request HTTP/1.1\r\n\r\n\x00\xff"
    assert len(origin.requests) == 1


async def test_a_client_that_is_gone_ends_the_tunnel(door, origin, kit):
    async def endless(request, reader, writer):
        writer.write(SWITCHED)
        while True:
            writer.write(b"a" * 65536)
            await writer.drain()

    origin.reply = endless
    reader, writer = await door.connect()
    writer.write(kit.get("/", *UPGRADE, close=False))
    await reader.readexactly(300_000)
    writer.transport.abort()
    await origin.all_gone()
    assert door.listener.faults == 0


async def test_a_client_that_sends_without_end_is_held_back(door, origin, kit):
    """What waits between the two stays small while the origin reads nothing."""
    go = asyncio.Event()
    total = 20 << 20

    async def late(request, reader, writer):
        writer.write(SWITCHED)
        await go.wait()
        left = total
        while left:
            left -= len(await reader.read(min(left, 1 << 16)))
        writer.write(b"all")

    origin.reply, origin.hang_up = late, True
    reader, writer = await door.connect()
    writer.write(kit.get("/", *UPGRADE, close=False))
    await kit.read_head(reader)
    writer.write(b"a" * total)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):  # it must not fit
            await writer.drain()
    (connection,) = door.listener.connected
    assert connection.tunnel.held < 1 << 20
    go.set()
    assert await reader.read() == b"all"


async def test_a_silent_tunnel_is_closed(kit, started, origin):
    """T19."""

    async def silent(request, reader, writer):
        writer.write(SWITCHED)
        await reader.read()

    origin.reply = silent
    door = await started(kit.Door(origin.url, limits=kit.Limits(tunnel_idle=0.1)))
    reader, writer = await door.connect()
    writer.write(kit.get("/", *UPGRADE, close=False))
    await kit.read_head(reader)
    assert await reader.read() == b""
    await origin.all_gone()


async def test_an_origin_that_ends_a_tunnel_ends_the_clients_side(door, origin, kit):
    async def reset(request, reader, writer):
        writer.write(SWITCHED)
        await reader.readexactly(1)
        writer.transport.abort()

    origin.reply = reset
    reader, writer = await door.connect()
    writer.write(kit.get("/", *UPGRADE, close=False))
    await kit.read_head(reader)
    writer.write(b"x")
    assert await reader.read() == b""


async def test_a_licensed_request_never_switches(door, origin, kit):
    received = await door.send(
        kit.get("/", *UPGRADE[1:], "User-Agent: GPTBot", "X-Pay: 1", "Connection: upgrade")
    )
    assert kit.statuses(received) == [200]
    assert origin.requests[0].values("upgrade") == []
    assert len(door.journal.kept) == 1


@pytest.mark.parametrize(
    "fields", [("Upgrade: odd/1",), ("Connection: upgrade",), (*UPGRADE, "Upgrade: two")]
)
async def test_half_a_wish_is_none(door, origin, kit, fields):
    await door.send(kit.get("/", *fields))
    assert origin.requests[0].values("upgrade") == []


async def test_an_old_client_cannot_switch(door, origin, kit):
    await door.send(kit.get("/", *UPGRADE).replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert origin.requests[0].values("upgrade") == []
