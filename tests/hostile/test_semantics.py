"""What a gateway must not change about HTTP (reliability checklist, rows S that no other test holds)."""

from __future__ import annotations

import asyncio

import pytest

HEAD = b"HTTP/1.1 200 OK\r\n"
PAYS = ("User-Agent: GPTBot/1.2", "X-Pay: 1")


@pytest.mark.parametrize("status", [200, 203, 206, 301, 304, 401, 404, 410, 429, 500, 503, 999])
async def test_a_head_has_the_headers_of_its_get_and_no_body(door, origin, kit, status):
    """S01, U24."""
    head = b"HTTP/1.1 %d Odd\r\nETag: x\r\nContent-Length: 5\r\n" % status
    origin.reply = head + b"\r\n"
    received = await door.send(kit.get("/x", method="HEAD"))
    assert received == head + b"Connection: close\r\n\r\n"
    if status != 304:
        origin.reply = head + b"\r\nhello"
        assert await door.send(kit.get("/x")) == received + b"hello"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_what_changes_something_is_passed_once_with_its_condition(door, origin, kit, method):
    """S05: an answer that never came is no reason to ask again."""

    async def lost(request, reader, writer):
        writer.transport.abort()

    assert kit.statuses(await door.send(kit.get("/x", 'If-Match: "a"', method=method))) == [200]
    origin.reply = lost
    assert kit.statuses(await door.send(kit.get("/x", 'If-Match: "a"', method=method))) == [502]
    assert [request.values("if-match") for request in origin.requests] == [['"a"'], ['"a"']]


async def test_negotiation_is_between_the_two_ends(door, origin, kit):
    """S12, U18."""
    origin.reply = (
        HEAD + b"Content-Encoding: br\r\nVary: Accept-Encoding\r\nContent-Length: 3\r\n\r\n\x0b\x01\x80"
    )
    received = await door.send(
        kit.get("/x", "Accept-Encoding: br;q=1.0, gzip;q=0.1", "Accept-Language: el, *")
    )
    assert origin.requests[0].values("accept-encoding") == ["br;q=1.0, gzip;q=0.1"]
    assert origin.requests[0].values("accept-language") == ["el, *"]
    assert b"\r\nVary: Accept-Encoding\r\n" in received
    assert received.endswith(b"\x0b\x01\x80")


CACHING = [
    (200, b"Cache-Control: max-age=60, public\r\nAge: 7\r\nExpires: 0\r\n"),
    (200, b"Cache-Control: no-store\r\nPragma: no-cache\r\n"),
    (200, b"CDN-Cache-Control: max-age=1\r\nSurrogate-Control: max-age=2\r\nWarning: 110 - stale\r\n"),
    (200, b'ETag: W/"a"\r\nLast-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\nVary: *\r\n'),
    (301, b"Location: //b.example/\r\nCache-Control: immutable\r\n"),
    (404, b"Cache-Control: max-age=1\r\nVary: Cookie\r\n"),
]


@pytest.mark.parametrize(("status", "headers"), CACHING)
async def test_a_cache_sees_the_same_with_and_without_a_gateway(door, origin, kit, status, headers):
    """S14, S16: no cache of ours stands between; every request reaches the origin, every header the client."""
    fields = (
        headers
        + b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nServer: odd\r\nVia: 1.0 fred\r\nContent-Length: 2\r\n"
    )
    origin.reply = b"HTTP/1.1 %d Odd\r\n" % status + fields + b"\r\nok"
    asked = ("Cache-Control: no-cache", 'If-None-Match: "a"', "Pragma: no-cache")
    for _ in range(2):
        received = await door.send(kit.get("/x", *asked))
        assert received == b"HTTP/1.1 %d Odd\r\n" % status + fields + b"Connection: close\r\n\r\nok"
    assert len(origin.requests) == 2
    for line in asked:
        name, _, value = line.partition(": ")
        assert origin.requests[1].values(name.lower()) == [value]
    assert origin.requests[0].values("via") == []


@pytest.mark.parametrize(("seconds", "status"), [(0.1, 504), (60.0, 200)])
async def test_how_long_an_answer_may_take_is_a_setting(kit, started, origin, seconds, status):
    """S18: a long poll."""
    waiting = asyncio.Event()

    async def poll(request, reader, writer):
        if status == 504:
            await waiting.wait()
        for _ in range(100):
            await asyncio.sleep(0)
        writer.write(kit.OK)

    origin.reply = poll
    door = await started(kit.Door(origin.url, origin_limits=kit.OriginLimits(first_byte=seconds)))
    assert kit.statuses(await door.send(kit.get("/poll"))) == [status]
    waiting.set()


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
async def test_the_method_is_the_one_of_the_request_line(door, origin, kit, name):
    """S20: what a HEAD calls itself brings no body, and what a GET calls itself makes it no cheaper."""

    async def believes(request, reader, writer):
        body = b"" if request.line.startswith("GET") else b"hello"
        writer.write(HEAD + b"Content-Length: 5\r\n\r\n" + (body or b"whole"))

    origin.reply = believes
    received = await door.send(kit.get("/x", f"{name}: GET", *PAYS, method="HEAD"))
    assert kit.statuses(received) == [200]
    assert received.endswith(b"\r\n\r\n")
    received = await door.send(kit.get("/x", f"{name}: HEAD", *PAYS))
    assert received.endswith(b"whole")
    assert [record.method for record in door.journal.kept] == ["HEAD", "GET"]
    received = await door.send(kit.get("/closed/x", f"{name}: OPTIONS", *PAYS))
    assert kit.statuses(received) == [403]


async def test_a_stranger_in_front_never_mixes_answers(door, origin, kit):
    """S13: what is refused says on what it depends and that nobody may keep it."""
    refused = await door.send(kit.get("/closed/x", "User-Agent: GPTBot/1.2"))
    assert kit.statuses(refused) == [403]
    assert b"\r\nCache-Control: no-store\r\n" in refused
    (vary,) = (line for line in refused.split(b"\r\n") if line.startswith(b"Vary: "))
    assert {b"User-Agent", b"Authorization", b"Signature-Agent"} <= set(vary[6:].split(b", "))
    paid = await door.send(kit.get("/x", *PAYS))
    assert b"\r\nCache-Control: private, no-store\r\n" in paid
