"""From octets to an ask and back, over real sockets: what passes, what is told to whom, and how it ends."""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import subprocess
import sys
from dataclasses import replace

import pytest

from gateway.front.answer import Answer
from gateway.policy.rules import Match, Rule, Verdict
from gateway.problems import ConfigurationError
from gateway.provenance.record import Ended
from gateway.visitors.territory import Place


def test_the_parser_is_the_one_in_c(kit):
    told = kit.boot_checks()
    assert "parser llhttp" in told
    assert any(line.startswith("aiohttp 3.") for line in told)
    build = "compiled" if os.environ.get("LICET_TEST_COMPILED") == "1" else "plain"
    assert f"octets moved by {build} modules" in told


def test_it_refuses_to_start_with_the_parser_in_python(kit, root):
    code = "from gateway.front.listener import boot_checks; boot_checks()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "AIOHTTP_NO_EXTENSIONS": "1"},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "must run with its C parser" in done.stderr


def test_it_refuses_an_old_library(kit, monkeypatch):
    monkeypatch.setattr(
        "gateway.front.listener.version", lambda name: "3.14.3" if name == "aiohttp" else "0.7.1"
    )
    with pytest.raises(ConfigurationError, match=r"aiohttp: must be 3\.14\.4 or later, not 3\.14\.3"):
        kit.boot_checks()


async def test_a_page_passes_octet_for_octet(door, origin, kit):
    page = os.urandom(300_000)
    fields = b"Server: old\r\nContent-Length: %d\r\nX: \xc3\xa9\r\n" % len(page)
    origin.reply = b"HTTP/1.1 203 Odd Reason\r\n" + fields + b"\r\n" + page
    received = await door.send(kit.get("/a"))
    assert received == b"HTTP/1.1 203 Odd Reason\r\n" + fields + b"Connection: close\r\n\r\n" + page
    assert door.people.counted == [("/a", 203)]
    assert door.journal.noted == []


async def test_a_crawler_is_served_and_remembered(door, origin, kit):
    received = await door.send(kit.get("/a?b=c", "User-Agent: GPTBot/1.2"))
    assert received.endswith(b"\r\n\r\nok")
    record = await door.journal.one()
    assert (record.path, record.status, record.bytes_sent, record.ended) == ("/a", 200, 2, Ended.COMPLETE)
    assert door.people.counted == []


async def test_a_refusal_of_the_path_reaches_nobody_else(door, origin, kit):
    received = await door.send(kit.get("/closed/a", "User-Agent: GPTBot/1.2"))
    assert kit.statuses(received) == [403]
    assert origin.connections == 0
    assert (await door.journal.one()).ended == Ended.REFUSED


async def test_refusals_alike_are_counted_and_nothing_else_is(door, origin, kit):
    door.journal.floods = kit.Floods(1)
    for _ in range(5):
        assert kit.statuses(await door.send(kit.get("/closed/a", "User-Agent: GPTBot/1.2"))) == [403]
        assert kit.statuses(await door.send(kit.get("/a", "User-Agent: GPTBot/1.2"))) == [200]
        assert kit.statuses(await door.send(kit.get("/a", "User-Agent: GPTBot/1.2", "X-Pay: 1"))) == [200]
    assert [record.status for record in door.journal.noted] == [403] + [200] * 5
    assert len(door.journal.kept) == 5
    [flood] = door.journal.floods.told(0, all=True)
    assert (flood.note.count, flood.note.crawler, flood.note.status) == (4, "GPTBot", 403)


async def test_the_ask_holds_what_was_said(door, origin, kit):
    await door.send(kit.get("//a%2Fb?c=?d", "X-Two: 1", "X-Two: 2", host="A.Example:80"))
    ask = door.asks[0]
    assert (ask.target, ask.path, ask.query) == ("//a%2Fb?c=?d", "", "c=?d")
    assert ask.ambiguity
    assert ask.all("x-two") == ("1", "2")
    assert (ask.origin, ask.site, ask.peer, ask.address) == (
        "http://a.example",
        "a",
        "127.0.0.1",
        "127.0.0.1",
    )
    assert len(ask.id) == 36
    assert ask.id[14] == "7"


async def test_a_trusted_proxy_tells_address_scheme_and_country(kit, started, origin):
    door = await started(kit.Door(origin.url, trusted=("loopback",), country_header="cf-ipcountry"))
    await door.send(
        kit.get("/", "X-Forwarded-For: 8.8.8.8, 192.0.2.7", "X-Forwarded-Proto: https", "CF-IPCountry: DE")
    )
    ask = door.asks[0]
    assert (ask.address, ask.origin, ask.country) == ("192.0.2.7", "https://a.example", "DE")
    assert origin.requests[0].values("x-forwarded-for") == ["192.0.2.7"]
    assert origin.requests[0].values("x-forwarded-proto") == ["https"]


async def test_a_place_is_looked_up_only_where_something_depends_on_it(kit, started, origin):
    asked = []

    def place_of(address):
        asked.append(address)
        return Place("FR", "mmdb:test@2026-11-01")

    door = await started(
        kit.Door(origin.url, trusted=("loopback",), country_header="cf-ipcountry", place_of=place_of)
    )
    await door.send(kit.get("/"))
    assert (door.asks[-1].country, asked) == ("", [])
    await door.send(kit.get("/", "Authorization: License x"))
    assert (door.asks[-1].country, door.asks[-1].country_basis) == ("FR", "mmdb:test@2026-11-01")
    door.site = replace(
        door.site, rules=(Rule("rules[0]", Match(countries=frozenset({"DE"})), Verdict.SERVE),)
    )
    await door.send(kit.get("/", "X-Forwarded-For: 192.0.2.7"))
    assert door.asks[-1].country == "FR"
    assert asked[-1] == "192.0.2.7"
    await door.send(kit.get("/", "X-Forwarded-For: 192.0.2.8", "CF-IPCountry: DE"))
    assert (door.asks[-1].country, door.asks[-1].country_basis) == ("DE", "header")
    assert len(asked) == 2


async def test_the_host_that_is_judged_is_the_host_the_origin_gets(kit, started, origin):
    door = await started(kit.Door(origin.url, trusted=("loopback",)))
    fields = ("X-Forwarded-For: 192.0.2.7", "X-Forwarded-Host: other.example")
    assert kit.statuses(await door.send(kit.get("/", *fields))) == [200]
    assert origin.requests[0].values("host") == ["a.example"]
    assert door.asks[0].origin == "http://a.example"
    fields = ("X-Forwarded-For: 192.0.2.7", "X-Forwarded-Host: a.example")
    assert kit.statuses(await door.send(kit.get("/", *fields, host="internal"))) == [421]


async def test_a_public_origin_of_the_policy_wins(door, origin, kit):
    import dataclasses

    site = dataclasses.replace(door.site.site, public="https://www.a.example")
    door.site = dataclasses.replace(door.site, site=site)
    await door.send(kit.get("/"))
    assert door.asks[0].origin == "https://www.a.example"


async def test_head_has_the_headers_and_no_body(door, origin, kit):
    """S01, U24."""
    origin.reply = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    received = await door.send(kit.get("/", method="HEAD"))
    assert received == b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
    received = await door.send(kit.get("/closed/a", "User-Agent: GPTBot", method="HEAD"))
    assert received.startswith(b"HTTP/1.1 403 ")
    assert received.endswith(b"\r\n\r\n")


async def test_a_head_is_remembered_as_complete(door, origin, kit):
    origin.reply = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    await door.send(kit.get("/", "User-Agent: GPTBot", method="HEAD"))
    assert (await door.journal.one()).ended == Ended.COMPLETE


async def test_ranges_and_conditions_are_the_origins_business(door, origin, kit):
    """S02, S03, U16, U17."""
    origin.reply = (
        b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/10\r\nContent-Length: 2\r\n\r\nok"
    )
    received = await door.send(kit.get("/", "Range: bytes=0-1", 'If-Range: "x"'))
    assert b"Content-Range: bytes 0-1/10\r\n" in received
    assert origin.requests[0].values("range") == ["bytes=0-1"]
    origin.reply = b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 99\r\n\r\n'
    received = await door.send(kit.get("/", 'If-None-Match: "x"', "If-Modified-Since: x"))
    assert received.startswith(b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n')
    assert received.endswith(b"\r\n\r\n")
    assert origin.requests[1].values("if-none-match") == ['"x"']


async def test_a_coded_body_is_passed_on_unopened(door, origin, kit):
    """H18, U18, T10."""
    packed = gzip.compress(b"a" * 100_000)
    origin.reply = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (
        len(packed),
        packed,
    )
    head = b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Encoding: gzip\r\nConnection: close\r\n"
    received = await door.send(head + b"Content-Length: %d\r\n\r\n%b" % (len(packed), packed))
    assert received.endswith(packed)
    assert origin.requests[0].body == packed


@pytest.mark.parametrize("agent", ["Mozilla/5.0", "GPTBot/1.2"])
async def test_an_upload_in_chunks_arrives_whole(door, origin, kit, agent):
    pieces = [os.urandom(n) for n in (1, 70_000, 3, 200_000)]
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
    fields = f"User-Agent: {agent}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode()
    received = await door.send(b"POST /u HTTP/1.1\r\nHost: a.example\r\n" + fields, *chunks, b"0\r\n\r\n")
    assert received.endswith(b"ok")
    assert origin.requests[0].body == b"".join(pieces)
    assert origin.requests[0].values("transfer-encoding") == ["chunked"]


async def test_an_upload_with_a_length_keeps_it(door, origin, kit):
    body = os.urandom(500_000)
    head = b"PUT /u HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nContent-Length: 500000\r\n\r\n"
    assert (await door.send(head, body)).endswith(b"ok")
    assert origin.requests[0].body == body
    assert origin.requests[0].values("content-length") == ["500000"]


EXPECTS = b"POST /u HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 5\r\n"


async def test_the_body_is_asked_for_once_the_origin_agreed(door, origin, kit):
    """F60, S06."""

    async def agree(request, reader, writer):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await reader.readexactly(5) == b"hello"
        writer.write(kit.OK)

    origin.read_bodies, origin.reply = False, agree
    reader, writer = await door.connect()
    writer.write(EXPECTS + b"\r\n")
    assert await kit.read_head(reader) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert len(origin.requests) == 1
    writer.write(b"hello")
    assert kit.statuses(await kit.read_head(reader)) == [200]
    writer.close()


async def test_the_body_is_not_asked_for_when_the_origin_declines(door, origin, kit):
    origin.read_bodies = False
    origin.reply = b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"
    received = await door.send(EXPECTS + b"\r\n")
    assert received == b"HTTP/1.1 417 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def test_an_origin_that_says_nothing_gets_the_body_anyway(kit, started, origin):
    door = await started(kit.Door(origin.url, origin_limits=kit.OriginLimits(continue_seconds=0.01)))
    reader, writer = await door.connect()
    writer.write(EXPECTS + b"Connection: close\r\n\r\n")
    assert await kit.read_head(reader) == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"hello")
    assert kit.statuses(await reader.read()) == [200]
    assert origin.requests[0].body == b"hello"
    writer.close()


async def test_nothing_is_asked_for_before_the_decision(door, origin, kit):
    raw = EXPECTS.replace(b"/u", b"/closed/u") + b"User-Agent: GPTBot\r\n\r\n"
    received = await door.send(raw)
    assert received.startswith(b"HTTP/1.1 403 ")
    assert b"\r\nConnection: close\r\n" in received
    assert origin.connections == 0


@pytest.mark.parametrize("sent", [b"", b"he"])
async def test_a_body_that_stops_is_given_up(kit, started, origin, sent):
    """T05: nothing whole reaches the origin."""
    door = await started(kit.Door(origin.url, limits=kit.Limits(body_idle=0.05)))
    received = await door.send(b"POST /u HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\n" + sent)
    assert kit.statuses(received) == [408]
    assert b"\r\nConnection: close\r\n" in received
    await origin.all_gone()
    assert len(door.people.counted) == 1


async def test_a_body_that_crawls_is_given_up(kit, started, origin):
    """T04: it never stops for long, and never gets anywhere."""
    limits = kit.Limits(body_rate=1 << 30, body_grace=0.01)
    door = await started(kit.Door(origin.url, limits=limits))
    reader, writer = await door.connect()
    writer.write(b"POST /u HTTP/1.1\r\nHost: a.example\r\nContent-Length: 50000\r\n\r\n")
    received = asyncio.create_task(reader.read())
    while not received.done():
        writer.write(b"x")
        await asyncio.sleep(0.002)
    assert kit.statuses(await received) == [408]
    await origin.all_gone()


@pytest.mark.parametrize("start", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a.example\r\nX: "])
async def test_a_head_that_never_ends_is_given_up(kit, started, origin, start):
    """T01, T02."""
    door = await started(kit.Door(origin.url, limits=kit.Limits(header=0.05)))
    assert await door.send(start) == b""
    assert origin.connections == 0


async def test_the_next_head_has_the_same_deadline(kit, started, origin):
    """T03."""
    door = await started(kit.Door(origin.url, limits=kit.Limits(header=0.05)))
    received = await door.send(kit.get("/", close=False), b"GET / HT")
    assert kit.statuses(received) == [200]


async def test_a_client_that_takes_nothing_is_given_up(kit, started, origin):
    """T06."""

    async def endless(request, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        while True:
            writer.write(b"a" * 65536)
            await writer.drain()

    origin.reply = endless
    door = await started(kit.Door(origin.url, limits=kit.Limits(write_idle=0.1)))
    reader, writer = await door.connect()
    writer.write(kit.get("/", "User-Agent: GPTBot"))
    await kit.read_head(reader)
    reader._transport.pause_reading()
    assert (await door.journal.one()).ended == Ended.CLIENT
    await origin.all_gone()
    writer.transport.abort()
    assert door.listener.faults == 0


async def test_a_client_that_ended_while_it_was_answered_and_takes_nothing_is_given_up(kit, started, origin):
    asked, go = asyncio.Event(), asyncio.Event()

    async def reply(request, reader, writer):
        if request.target == "/second":
            asked.set()
            await go.wait()
        # More than the two ends of a small socket hold, and less than makes the writer wait.
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n" + b"x" * 40_000)

    origin.reply = reply
    door = await started(kit.Door(origin.url, limits=kit.Limits(write_idle=0.1)))
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    listening.bind(("127.0.0.1", 0))
    await door.listener.stop()
    door.host, door.port = await door.listener.start(sock=listening)
    door.listener._draining = False
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((door.host, door.port))
    try:
        client.sendall(
            b"".join(b"GET /%b HTTP/1.1\r\nHost: a.example\r\n\r\n" % path for path in (b"first", b"second"))
        )
        async with asyncio.timeout(kit.PATIENCE):
            await asked.wait()
            (connection,) = door.listener.connected
            assert connection.transport.get_write_buffer_size() > 0
            assert not connection.full
            client.shutdown(socket.SHUT_WR)
            while not connection.transport.is_closing():
                await asyncio.sleep(0.01)
            go.set()
            while door.listener.connected:
                await asyncio.sleep(0.01)
    finally:
        client.close()


async def test_a_hundred_megabytes_pass_through_a_small_window(door, origin, kit):
    """T16: measured by what is held on the way, not by the clock."""
    total, piece = 100 << 20, b"a" * (1 << 18)

    async def large(request, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        for _ in range(total // len(piece)):
            writer.write(piece)
            await writer.drain()

    origin.reply = large
    reader, writer = await door.connect()
    writer.write(kit.get("/big"))
    await kit.read_head(reader)
    async with asyncio.timeout(kit.PATIENCE):
        while not _held(door):  # nobody reads yet: all buffers on the way fill up
            await asyncio.sleep(0.001)
    received = largest = 0
    while data := await reader.read(1 << 16):
        received += len(data)
        largest = max(largest, _held(door))
    writer.close()
    assert received == total
    assert 0 < largest <= 1 << 20


async def test_an_upload_passes_through_a_small_window(door, origin, kit):
    total = 20 << 20
    largest = 0

    async def slow(request, reader, writer):
        nonlocal largest
        left = total
        while left:
            left -= len(await reader.read(min(left, 1 << 16)))
            (connection,) = door.listener.connected
            largest = max(largest, connection._body._held if connection._body else 0)
        writer.write(kit.OK)

    origin.read_bodies, origin.reply = False, slow
    head = b"POST /u HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % total
    assert (await door.send(head, b"a" * total)).endswith(b"ok")
    assert 0 < largest <= 1 << 20


def _held(door) -> int:
    """Octets that wait anywhere in the gateway, the kernel's buffers apart."""
    clients = [connection.transport for connection in door.listener.connected]
    return sum(client.get_write_buffer_size() for client in clients) + door.opened.buffered


async def test_events_arrive_one_by_one(door, origin, kit):
    """U25, S09: each is at the client before the origin makes the next."""
    told = asyncio.Queue()

    async def events(request, reader, writer):
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        while (event := await told.get()) is not None:
            writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        writer.write(b"0\r\n\r\n")

    origin.reply = events
    reader, writer = await door.connect()
    writer.write(kit.get("/"))
    await kit.read_head(reader)
    for n in range(3):
        told.put_nowait(b"data: %d\n\n" % n)
        assert await reader.readuntil(b"\n\n\r\n") == b"9\r\ndata: %d\n\n\r\n" % n
    told.put_nowait(None)
    assert await reader.read() == b"0\r\n\r\n"
    writer.close()


async def test_a_client_that_goes_stops_the_origin(door, origin, kit):
    """T07."""

    async def endless(request, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        while True:
            writer.write(b"a" * 65536)
            await writer.drain()

    origin.reply = endless
    reader, writer = await door.connect()
    writer.write(kit.get("/", "User-Agent: GPTBot"))
    await reader.readexactly(200_000)
    writer.transport.abort()
    record = await door.journal.one()
    assert record.ended == Ended.CLIENT
    assert record.bytes_sent >= 100_000
    await origin.all_gone()
    assert len(door.journal.noted) == 1
    assert door.listener.faults == 0


async def test_a_client_that_goes_before_an_answer_stops_the_origin(door, origin, kit):
    asked = asyncio.Event()

    async def think(request, reader, writer):
        asked.set()
        await reader.read()

    origin.reply = think
    _, writer = await door.connect()
    writer.write(kit.get("/", "User-Agent: GPTBot"))
    await asked.wait()
    writer.transport.abort()
    assert (await door.journal.one()).ended == Ended.CLIENT
    await origin.all_gone()


async def test_a_client_that_goes_in_its_body_leaves_no_request(door, origin, kit):
    _, writer = await door.connect()
    writer.write(b"POST /u HTTP/1.1\r\nHost: a.example\r\nContent-Length: 10\r\n\r\nhello")
    while not origin.requests:
        await asyncio.sleep(0.001)
    writer.transport.abort()
    await origin.all_gone()
    assert origin.requests[0].body == b""


async def test_old_clients_get_the_end_of_the_connection(door, origin, kit):
    """S19."""
    origin.reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    received = await door.send(b"GET / HTTP/1.0\r\nHost: a.example\r\n\r\n")
    assert received == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok"


async def test_an_answer_without_a_length_is_framed_in_chunks(door, origin, kit):
    """U20."""
    origin.reply, origin.hang_up = b"HTTP/1.1 200 OK\r\n\r\nunbounded", True
    received = await door.send(kit.get("/"))
    assert received.endswith(
        b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n9\r\nunbounded\r\n0\r\n\r\n"
    )


async def test_a_connection_serves_many_requests_and_then_no_more(kit, started, origin):
    door = await started(kit.Door(origin.url, limits=kit.Limits(requests=3)))
    reader, writer = await door.connect()
    for n in range(3):
        writer.write(kit.get("/", close=False))
        head = await kit.read_head(reader)
        assert (b"Connection: close" in head) is (n == 2)
        assert await reader.readexactly(2) == b"ok"
    assert await reader.read() == b""
    writer.close()
    assert origin.connections == 1


async def test_something_that_breaks_is_said_counted_and_not_explained(door, origin, kit, caplog):
    def broken(ask, evidence):
        raise KeyError("secret")

    object.__setattr__(door.gate, "identify", broken)
    received = await door.send(kit.get("/"))
    assert kit.statuses(received) == [500]
    assert b"secret" not in received
    assert door.listener.faults == 1
    assert "an answer could not be given" in caplog.text


async def test_the_desk_gets_its_paths_and_the_clients_address(kit, started, origin):
    seen = []

    async def desk(ask, body):
        octets = b"".join([piece async for piece in body])
        seen.append((ask.target, ask.address, ask.site, ask.origin, octets))
        return Answer(200, "OK", (), whole=b"done")

    door = await started(kit.Door(origin.url, desk=desk, trusted=("loopback",)))
    raw = kit.get(
        "/.licet/token?a=b", "X-Forwarded-For: 192.0.2.7", "Content-Length: 5", method="POST", close=False
    )
    reader, writer = await door.connect()
    for _ in range(2):
        writer.write(raw + b"hello")
        head = await kit.read_head(reader)
        assert kit.statuses(head) == [200]
        assert await reader.readexactly(4) == b"done"
    writer.close()
    assert seen == [("/.licet/token?a=b", "192.0.2.7", "a", "http://a.example", b"hello")] * 2
    assert origin.connections == 0
    assert kit.statuses(await door.send(kit.get("/.licet/../x"))) == [200]
    assert len(seen) == 2
    assert len(origin.requests) == 1


async def test_a_drain_lets_answers_end_and_takes_no_more(door, origin, kit):
    """R02, R03."""
    go = asyncio.Event()

    async def wait(request, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok")
        await go.wait()
        writer.write(b"ok")

    reader, writer = await door.connect()
    writer.write(kit.get("/", close=False))
    await kit.read_head(reader)
    await reader.readexactly(2)
    origin.reply = wait
    writer.write(kit.get("/", close=False))
    while not door.opened or len(door.asks) < 2:
        await asyncio.sleep(0.001)
    other_reader, other = await door.connect()
    draining = asyncio.create_task(door.listener.drain(20))
    await asyncio.sleep(0)
    with pytest.raises(ConnectionRefusedError):
        await door.connect()
    # A connection that was open already is still served, and told that it is the last time.
    origin.reply = kit.OK
    other.write(kit.get("/", close=False))
    assert b"Connection: close" in await other_reader.read()
    assert not draining.done()
    go.set()
    assert (await reader.read()).endswith(b"okok")
    await draining
    assert door.listener.connections == 0
    for end in (writer, other):
        end.close()


async def test_a_drain_ends_when_its_time_is_over_and_stop_breaks_off(door, origin, kit):
    async def stall(request, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf!")
        await reader.read()

    origin.reply = stall
    reader, writer = await door.connect()
    writer.write(kit.get("/", "User-Agent: GPTBot"))
    await kit.read_head(reader)
    await door.listener.drain(0.05)
    assert door.listener.connections == 1
    await door.listener.stop()
    assert door.listener.connections == 0
    assert (await door.journal.one()).ended == Ended.CLIENT
    writer.close()


async def test_a_quiet_connection_does_not_hold_a_drain_up(kit, started, origin):
    door = await started(kit.Door(origin.url, limits=kit.Limits(idle_in_drain=0.05)))
    reader, writer = await door.connect()
    await door.listener.drain(kit.PATIENCE)
    assert await reader.read() == b""
    assert door.listener.connections == 0
    writer.close()


async def test_it_listens_on_a_socket_that_others_share(kit, started, origin):
    door = await started(kit.Door(origin.url))
    shared = socket.create_server(("127.0.0.1", 0))
    first = door.listener
    await first.stop()
    assert await first.start(sock=shared.dup()) == shared.getsockname()
    await first.stop()
    assert shared.fileno() >= 0
    with socket.create_connection(shared.getsockname()), shared.accept()[0]:
        pass
    shared.close()
