"""How many connections a server gets, which of its addresses, and when it is left alone."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.origin.connections import OriginLimits
from gateway.origin.delivery import OriginDown
from gateway.origin.pool import Connections
from gateway.origin.routing import Upstream, read_upstream


@pytest.fixture
async def pool():
    made = []

    def make(**limits):
        made.append(Connections(OriginLimits(**limits)))
        return made[-1]

    yield make
    for each in made:
        each.close()
    await asyncio.sleep(0)


async def test_beyond_the_most_one_waits_for_another_to_end(pool, origin):
    connections, place = pool(most=2), read_upstream(origin.url)
    first, _ = [await connections.take(place, fresh=True) for _ in range(2)]
    third = asyncio.create_task(connections.take(place, fresh=True))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not third.done()
    first.abort()
    assert not (await third).closed


async def test_waiting_for_a_connection_ends_in_time(pool, origin):
    connections, place = pool(most=1, connect=0.05), read_upstream(origin.url)
    await connections.take(place, fresh=True)
    with pytest.raises(TimeoutError):
        await connections.take(place, fresh=True)


async def test_a_server_that_refuses_is_left_alone_and_then_tried_by_one(pool, origin):
    connections, place = pool(failures=2), read_upstream(origin.url)
    await origin.stop()
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            await connections.take(place)
    with pytest.raises(OriginDown):
        await connections.take(place)
    server = connections._servers[place.server]
    server.retry_at = 0.0
    results = await asyncio.gather(*(connections.take(place) for _ in range(5)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in results) == ["ConnectionRefusedError"] + ["OriginDown"] * 4


async def test_it_is_itself_again_after_one_connection(pool, kit, started):
    origin = await kit.RawOrigin().start()
    connections, place = pool(failures=1), read_upstream(origin.url)
    server = connections._server(place)
    server.failures, server.retry_at = 3, 0.0
    await connections.take(place)
    assert server.failures == 0
    await connections.take(place, fresh=True)
    await origin.stop()


async def test_an_address_that_does_not_answer_costs_a_moment(pool, origin, monkeypatch):
    """R17: the first address of the host is dead, the second is the server."""
    loop = asyncio.get_running_loop()

    async def both(host, port, **kept):
        dead = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 1, 0, 0))
        return [dead, (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(loop, "getaddrinfo", both)
    connection = await pool().take(Upstream("http", "two.example", origin.port))
    assert not connection.closed


async def test_a_local_socket(pool, tmp_path):
    path = tmp_path / "s"

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(serve, path)
    connections, place = pool(), read_upstream(f"unix:{path}")
    connection = await connections.take(place)
    reply = connection.begin("GET")
    connection.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    assert await reply.chunk() == b"ok"
    connections.give_back(place, connection)
    assert connections.spare(place) is connection
    connection.abort()
    server.close()


async def test_a_turn_that_is_not_taken_goes_to_the_next(pool, origin):
    """Who was called left in the same moment; who waits behind is not forgotten."""
    connections, place = pool(most=1, connect=5), read_upstream(origin.url)
    first = await connections.take(place, fresh=True)
    second, third = (asyncio.create_task(connections._connected(place, "")) for _ in range(2))
    for _ in range(3):
        await asyncio.sleep(0)
    first.connection_lost(None)
    second.cancel()
    async with asyncio.timeout(2):
        assert not (await third).closed
    first.abort()


async def test_one_that_tries_and_leaves_keeps_nobody_waiting(pool, origin):
    """Else whoever leaves at once could keep a server from being found well again."""
    connections, place = pool(failures=1), read_upstream(origin.url)
    await origin.stop()
    with pytest.raises(ConnectionRefusedError):
        await connections.take(place)
    connections._servers[place.server].retry_at = 0.0
    trying = asyncio.create_task(connections._connected(place, ""))
    await asyncio.sleep(0)
    trying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trying
    with pytest.raises(ConnectionRefusedError):
        await connections.take(place)
