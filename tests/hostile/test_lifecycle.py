"""Reload and failing servers (reliability checklist, rows R that no other test holds)."""

from __future__ import annotations

import asyncio
import dataclasses
import socket

import pytest

from gateway.provenance.record import Ended

CRAWLER = "User-Agent: GPTBot/1.2"
PAYS = (CRAWLER, "X-Pay: 1")


async def test_a_request_sees_one_version_of_the_rules(door, origin, kit):
    """R08, R09: rules that change under an answer bind the next request, and each record names its own."""
    go = asyncio.Event()

    async def slow(request, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok")
        await go.wait()
        writer.write(b"ok")

    origin.reply = slow
    reader, writer = await door.connect()
    writer.write(kit.get("/x", *PAYS))
    await kit.read_head(reader)
    refusing = (kit.Rule("rules[0]", kit.Match(), kit.Verdict.REFUSE),)
    door.site = dataclasses.replace(door.site, rules=refusing, digest="1" * 64)
    assert kit.statuses(await door.send(kit.get("/x", *PAYS))) == [403]
    go.set()
    async with asyncio.timeout(kit.PATIENCE):
        assert (await reader.read()).endswith(b"ok")
    writer.close()
    (paid,), (refused,) = door.journal.kept, door.journal.noted
    assert (paid.policy, paid.charged_micros, paid.ended) == ("0" * 64, 10, Ended.COMPLETE)
    assert (refused.policy, refused.charged_micros) == ("1" * 64, 0)


async def test_an_origin_that_comes_and_goes_is_asked_once_for_each_request(door, origin, kit):
    """R13: there is no breaker; what fails costs nothing and multiplies nothing."""

    async def flaps(request, reader, writer):
        if len(origin.requests) % 2:
            writer.transport.abort()
        else:
            writer.write(kit.OK)

    origin.reply = flaps
    codes = []
    for _ in range(20):
        codes += kit.statuses(await door.send(kit.get("/x", *PAYS)))
    assert set(codes) == {200, 502}
    assert 20 <= len(origin.requests) <= 2 * 20
    assert len(door.journal.kept) == codes.count(200)
    assert {record.charged_micros for record in door.journal.noted} == {0}
    origin.reply = kit.OK
    assert kit.statuses(await door.send(kit.get("/x", *PAYS))) == [200]


async def test_a_retry_of_the_client_is_a_request_of_its_own(door, origin, kit):
    """R15: the first try reached the origin and was lost on the way back; it is remembered and not paid."""
    tries = iter([b"", kit.OK])

    async def lost_once(request, reader, writer):
        answer = next(tries)
        if answer:
            writer.write(answer)
        else:
            writer.transport.abort()

    origin.reply = lost_once
    codes = [kit.statuses(await door.send(kit.get("/x", *PAYS, method="POST"))) for _ in range(2)]
    assert codes == [[502], [200]]
    assert len(origin.requests) == 2
    assert [record.charged_micros for record in door.journal.kept] == [10]


@pytest.fixture
async def addresses(monkeypatch):
    """The addresses that the resolver gives for origin.example, in order."""
    found: list[str] = []

    async def resolve(host, port, **_):
        assert host == "origin.example"
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0))
            if ":" in address
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in found
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    return found


async def test_new_connections_go_where_the_name_points(kit, started, origin, addresses):
    """R16: an answer under way ends where it began."""
    addresses[:] = ["127.0.0.1"]
    go = asyncio.Event()

    async def slow(request, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
        await go.wait()
        writer.write(b"old")

    origin.reply = slow
    door = await started(kit.Door(f"http://origin.example:{origin.port}"))
    reader, writer = await door.connect()
    writer.write(kit.get("/x"))
    await kit.read_head(reader)

    async def moved(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nnew")
        writer.close()

    server = await asyncio.start_server(moved, "127.0.0.2", origin.port)
    addresses[:] = ["127.0.0.2"]
    assert (await door.send(kit.get("/x"))).endswith(b"new")
    go.set()
    assert (await reader.read()).endswith(b"old")
    writer.close()
    server.close()


async def test_an_address_that_refuses_is_passed_over(kit, started, origin, addresses):
    """R17, as far as a refusal goes: the next address is tried."""
    addresses[:] = ["::1", "127.0.0.3", "127.0.0.1"]
    door = await started(kit.Door(f"http://origin.example:{origin.port}"))
    assert kit.statuses(await door.send(kit.get("/x"))) == [200]


async def test_an_address_that_is_silent_is_passed_over(kit, started, origin, monkeypatch):
    """R17: RFC 8305 tries the next address after a quarter of a second, not after the limit for all of them."""
    with socket.socket() as silent, socket.socket() as first, socket.socket() as second:
        # A full queue takes no more connections and says nothing.
        silent.bind(("127.0.0.3", origin.port))
        silent.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.3", origin.port))

        async def resolve(host, port, **_):
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
                for address in ("127.0.0.3", "127.0.0.1")
            ]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
        door = await started(kit.Door(f"http://origin.example:{origin.port}"))
        assert kit.statuses(await door.send(kit.get("/x"))) == [200]
