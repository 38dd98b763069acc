"""An answer that has begun: read, let go of, or turned into a tunnel."""

from __future__ import annotations

import asyncio

from gateway.ask import Ask
from gateway.problems import Problem


def ask(*headers, method="GET", target="/"):
    return Ask("", 0, "a", "http://a.example", method, target, "", headers=(("host", "a.example"), *headers))


async def test_an_early_answer_is_passed_on_and_the_connection_ends(forward, origin):
    """The origin refuses before it has read the body."""
    origin.read_bodies = False
    origin.reply = b"HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno"
    endless = asyncio.Event()

    async def body():
        yield b"he"
        await endless.wait()

    assert await forward(ask(("content-length", "5"), method="POST"), body()) == (413, b"no")
    await origin.all_gone()


async def test_closing_early_closes_the_connection(forward, origin):
    origin.reply = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf!"
    opened = await forward.http.open(ask(), origin.url, None, ours=-1, upgrade=False)
    opened.close()
    opened.close()
    await origin.all_gone()
    assert origin.connections == 1


async def test_an_answer_without_a_body_gives_its_connection_back(forward, origin):
    for reply in (b"HTTP/1.1 204 No\r\n\r\n", b"HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n"):
        origin.reply = reply
        status, body = await forward(ask())
        assert body == b""
        assert status in {204, 304}
    assert origin.connections == 1


async def test_tunnels(forward, origin):
    async def echo(request, reader, writer):
        writer.write(b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: odd\r\n\r\nhello")
        writer.write(await reader.read())

    origin.reply, origin.hang_up = echo, True
    wish = ask(("connection", "upgrade"), ("upgrade", "odd"))
    opened = await forward.http.open(wish, origin.url, None, ours=-1, upgrade=True)
    assert opened.status == 101
    assert opened.headers == (("Upgrade", "odd"),)
    await opened.tunnel.send(b"abc")
    await opened.tunnel.end()
    assert b"".join([piece async for piece in opened.body()]) == b"helloabc"
    origin.hang_up = False
    refusal = await forward(wish, upgrade=False)
    assert refusal.problem is Problem.ORIGIN_FAILED
