"""What a creator's server may do wrong (reliability checklist, rows U): nothing of it looks whole to a client."""

from __future__ import annotations

import pytest

from gateway.provenance.record import Ended

HEAD = b"HTTP/1.1 200 OK\r\n"
REFUSED = {502, 504}

ROWS = [
    ("U02 closes without an answer", b"", REFUSED),
    ("U06 two lengths", HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", REFUSED),
    (
        "U07 length and chunks",
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        REFUSED,
    ),
    ("U08 garbage", b"garbage garbage\r\n\r\n", REFUSED),
    ("U09 bare LF", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", REFUSED),
    ("U10 a large head", HEAD + b"X: " + b"a" * 70_000 + b"\r\nContent-Length: 0\r\n\r\n", REFUSED),
    ("U11 many lines", HEAD + b"X: a\r\n" * 5000 + b"Content-Length: 0\r\n\r\n", REFUSED),
    ("U12 NUL in a header", HEAD + b"X: a\0b\r\nContent-Length: 0\r\n\r\n", REFUSED),
    ("folded header", HEAD + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n", REFUSED),
    ("another version", b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", REFUSED),
    ("another coding", HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", REFUSED),
    ("interim without end", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100, REFUSED),
    ("a switch nobody asked for", b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", REFUSED),
    ("half a head", HEAD + b"Content-Le", REFUSED),
    ("U15 204 with a body", b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", {204, 502}),
    ("U16 304 with a length", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\n\r\n", {304}),
    ("U22 status 999", b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", {999}),
]


@pytest.mark.parametrize(("reply", "codes"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
@pytest.mark.parametrize("who", [(), ("User-Agent: GPTBot/1.2", "X-Pay: 1")], ids=["person", "crawler"])
async def test_row(door, origin, kit, reply, codes, who):
    origin.reply, origin.hang_up = reply, True
    received = await door.send(kit.get("/x", *who))
    (code,) = kit.statuses(received)
    assert code in codes
    assert b"hello" not in received
    assert door.listener.faults == 0
    records = door.journal.noted + door.journal.kept
    assert len(records) == bool(who)
    if code in REFUSED:
        assert door.journal.kept == []
        assert all(record.charged_micros == 0 for record in records)
        assert str(origin.port).encode() not in received
        assert b"127.0.0.1" not in received


async def test_a_reset_before_an_answer_is_a_refusal(door, origin, kit):
    """U01."""

    async def reset(request, reader, writer):
        writer.transport.abort()

    origin.reply = reset
    assert kit.statuses(await door.send(kit.get("/x"))) == [502]
    assert len(origin.requests) == 1


async def test_an_unreachable_origin_is_a_refusal(kit, started, origin):
    """R10."""
    await origin.stop()
    door = await started(kit.Door(origin.url))
    received = await door.send(kit.get("/x"))
    assert kit.statuses(received) == [502]
    assert door.people.counted == [("/x", 502)]


async def test_an_origin_that_never_answers_is_a_refusal(kit, started, origin):
    """U03, R11."""

    async def stall(request, reader, writer):
        await reader.read()

    origin.reply = stall
    door = await started(kit.Door(origin.url, origin_limits=kit.OriginLimits(first_byte=0.05)))
    assert kit.statuses(await door.send(kit.get("/x"))) == [504]
    await origin.all_gone()


CUT = [
    ("U04 half a body", HEAD + b"Content-Length: 10\r\n\r\nhalf!", False),
    ("U05 half a chunk", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\na\r\nhalf", False),
    ("no last chunk", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", False),
    ("a broken chunk", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n", False),
    ("stops in the middle", HEAD + b"Content-Length: 10\r\n\r\nhalf!", True),
]


@pytest.mark.parametrize(("reply", "stalls"), [row[1:] for row in CUT], ids=[row[0] for row in CUT])
@pytest.mark.parametrize("agent", ["Mozilla/5.0", "GPTBot/1.2"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_what_the_origin_breaks_off_never_looks_whole(
    kit, started, origin, reply, stalls, agent, version
):
    origin.reply, origin.hang_up = reply, not stalls
    door = await started(kit.Door(origin.url, origin_limits=kit.OriginLimits(idle=0.1)))
    reader, writer = await door.connect()
    writer.write(kit.get("/x", f"User-Agent: {agent}").replace(b"HTTP/1.1", f"HTTP/{version}".encode()))
    received = b""
    with pytest.raises(ConnectionResetError):
        while piece := await reader.read(65536):
            received += piece
    writer.close()
    assert not received.endswith(b"0\r\n\r\n")
    assert door.listener.faults == 0
    if "GPTBot" in agent:
        record = await door.journal.one()
        assert (record.ended, record.charged_micros) == (Ended.ORIGIN, 0)
        assert len(door.journal.noted) == 1


async def test_a_second_answer_reaches_nobody(door, origin, kit):
    """U23: the connection that carried it is not used again."""
    poison = HEAD + b"Content-Length: 8\r\n\r\npoisoned"
    origin.reply = kit.OK + poison
    for _ in range(3):
        received = await door.send(kit.get("/x"))
        assert received.endswith(b"ok")
        assert b"poisoned" not in received
    assert origin.connections == 3


async def test_a_spare_connection_that_speaks_unasked_is_not_used(door, origin, kit):
    async def twice(request, reader, writer):
        writer.write(kit.OK)
        await writer.drain()
        await reader.read(1)  # never comes: the poison is sent while the connection is spare

    origin.reply = twice
    assert (await door.send(kit.get("/x"))).endswith(b"ok")
    origin.reply = kit.OK
    assert (await door.send(kit.get("/x", "X-A: b"))).endswith(b"ok")


async def test_hop_by_hop_fields_of_an_answer_end_here(door, origin, kit):
    """U13, U19, U20, U21, S15: the rest keeps its order, spelling and number."""
    origin.reply = (
        HEAD
        + b"Connection: x-hop\r\nX-Hop: internal\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: internal\r\n"
        b"sEt-CooKie: a=1\r\nX-Odd:caf\xe9\r\nSet-Cookie: b=2\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n"
        b"Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\nok\r\n0\r\nX-T: internal\r\n\r\n"
    )
    received = await door.send(kit.get("/x"))
    assert received == (
        HEAD
        + b"sEt-CooKie: a=1\r\nX-Odd:caf\xe9\r\nSet-Cookie: b=2\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n"
        b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    )


async def test_early_hints_are_dropped(door, origin, kit):
    """U14."""
    origin.reply = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + kit.OK
    assert kit.statuses(await door.send(kit.get("/x"))) == [200]


async def test_a_site_that_leads_back_to_the_gateway_ends(kit, started, origin):
    door = await started(kit.Door(origin.url))
    door.site = kit.policy(door.url)
    received = await door.send(kit.get("/x"))
    assert kit.statuses(received) == [502]
    assert len(door.asks) == 5


@pytest.mark.parametrize("octet", [b"\0", b"\x01", b"\x0b", b"\x7f"], ids=ascii)
async def test_a_control_octet_behind_a_status_is_the_origins_fault(door, origin, kit, octet):
    """U12: as one in a header is (RFC 9112, section 4: a reason phrase has no controls)."""
    origin.reply = b"HTTP/1.1 200 O" + octet + b"K\r\nContent-Length: 2\r\n\r\nok"
    received = await door.send(kit.get("/x", "User-Agent: GPTBot/1.2", "X-Pay: 1"))
    assert kit.statuses(received) == [502]
    assert door.listener.faults == 0
    assert [record.charged_micros for record in door.journal.noted] == [0]
