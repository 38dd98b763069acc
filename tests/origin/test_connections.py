"""Spare connections: when one is used again, when never, and how little is held."""

from __future__ import annotations

import asyncio

import pytest

from gateway.origin.connections import OriginLimits
from gateway.origin.delivery import OriginAborted
from gateway.origin.pool import Connections
from gateway.origin.routing import read_upstream

ASKED = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"


@pytest.fixture
async def connections():
    made = Connections(OriginLimits(idle=5, window_bytes=64 * 1024, spare=2))
    yield made
    made.close()
    await asyncio.sleep(0)


async def exchange(connections, place, *, method="GET", fresh=False):
    connection = await connections.take(place, fresh=fresh)
    reply = connection.begin(method)
    connection.write(ASKED)
    body = b""
    while (piece := await reply.chunk()) is not None:
        body += piece
    connections.give_back(place, connection)
    return body


async def test_a_connection_is_used_again(connections, origin):
    place = read_upstream(origin.url)
    for _ in range(3):
        assert await exchange(connections, place) == b"ok"
    assert origin.connections == 1
    assert await exchange(connections, place, fresh=True) == b"ok"
    assert origin.connections == 2


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokmore",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    ],
    ids=["close", "1.0", "more", "another answer", "another protocol"],
)
async def test_a_connection_that_says_too_much_or_goodbye_is_not(connections, origin, reply):
    origin.reply = reply
    place = read_upstream(origin.url)
    for _ in range(2):
        assert await exchange(connections, place) == b"ok"
    assert origin.connections == 2


async def test_few_spare_ones_are_kept(connections, origin):
    place = read_upstream(origin.url)
    taken = [await connections.take(place) for _ in range(4)]
    for connection in taken:
        reply = connection.begin("GET")
        connection.write(ASKED)
        assert await reply.chunk() == b"ok"
        connections.give_back(place, connection)
    assert sum(not connection.closed for connection in taken) == 2


async def test_an_old_spare_one_is_not_used(origin):
    connections = Connections(OriginLimits(spare_seconds=0.0))
    place = read_upstream(origin.url)
    for _ in range(2):
        assert await exchange(connections, place) == b"ok"
    assert origin.connections == 2
    connections.close()


async def test_reading_pauses_while_nobody_reads_on(connections, origin):
    total = 20 << 20

    async def large(request, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        for _ in range(total >> 16):
            writer.write(b"a" * 65536)
            await writer.drain()

    origin.reply = large
    place = read_upstream(origin.url)
    connection = await connections.take(place)
    reply = connection.begin("GET")
    connection.write(ASKED)
    received = largest = 0
    while (piece := await reply.chunk()) is not None:
        received += len(piece)
        largest = max(largest, reply.buffered + len(piece))
        await asyncio.sleep(0)
    assert received == total
    assert largest <= 64 * 1024 + 256 * 1024  # the window, and one read of the event loop
    connections.give_back(place, connection)
    origin.reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    assert await exchange(connections, place) == b"ok"
    assert origin.connections == 1


async def test_what_breaks_off_says_so_after_what_came(connections, origin):
    origin.reply, origin.hang_up = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf!", True
    connection = await connections.take(read_upstream(origin.url))
    reply = connection.begin("GET")
    connection.write(ASKED)
    assert await reply.chunk() == b"half!"
    for _ in range(2):
        with pytest.raises(OriginAborted):
            await reply.chunk()
    assert connection.closed


async def test_the_end_of_the_connection_ends_a_body_without_a_length(connections, origin):
    origin.reply, origin.hang_up = b"HTTP/1.1 200 OK\r\n\r\nall of it", True
    assert await exchange(connections, read_upstream(origin.url)) == b"all of it"


@pytest.mark.parametrize("cut", range(1, 90, 7))
async def test_an_answer_may_come_in_any_pieces(connections, origin, cut):
    whole = (
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        b"HTTP/1.1 200 Odd\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    )

    async def pieces(request, reader, writer):
        for at in range(0, len(whole), cut):
            writer.write(whole[at : at + cut])
            await writer.drain()
            await asyncio.sleep(0)

    origin.reply = pieces
    connection = await connections.take(read_upstream(origin.url))
    reply = connection.begin("GET")
    connection.write(ASKED)
    body = b""
    while (piece := await reply.chunk()) is not None:
        body += piece
    assert (reply.head.status, reply.head.reason, body) == (200, "Odd", b"ok")
    assert reply.head.headers == (("X-A", "1"), ("Transfer-Encoding", "chunked"))
