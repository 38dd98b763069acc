"""Who speaks, as a proxy that reads no HTTP tells it: over real sockets, in plain and in TLS."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

import licet_tests_front_kit as kit
import pytest
from licet_tests_front_kit import on_both_loops

from gateway.front.certificates import CertificateFiles, Certificates
from gateway.front.limits import Limits

V1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"
V2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\x01\xbb\x01\xbb"
LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00"
FORGED = ("X-Forwarded-For: 203.0.113.9",)


async def proxied(start, origin, **kept):
    return await start(kit.Door(origin.url, proxied=True, **{"trusted": ("loopback",), **kept}))


@on_both_loops
async def test_the_address_is_the_one_that_was_told(start, origin):
    door = await proxied(start, origin)
    for header in (V1, V2):
        assert kit.statuses(await door.send(header + kit.get("/", *FORGED))) == [200]
    # The client is no trusted proxy: what it says of others is not believed.
    assert [(ask.peer, ask.address) for ask in door.asks] == [("192.0.2.7", "192.0.2.7")] * 2
    assert origin.requests[0].values("x-forwarded-for") == ["192.0.2.7"]


@on_both_loops
async def test_a_told_address_that_is_trusted_is_believed_in_its_turn(start, origin):
    door = await proxied(start, origin, trusted=("loopback", "192.0.2.0/24"))
    assert kit.statuses(await door.send(V1 + kit.get("/", *FORGED))) == [200]
    assert (door.asks[0].peer, door.asks[0].address) == ("192.0.2.7", "203.0.113.9")


@on_both_loops
async def test_a_header_may_arrive_in_any_pieces(start, origin):
    door = await proxied(start, origin)
    whole = V2 + kit.get("/")
    for size in (1, 7, 20, len(V2) - 1, len(V2) + 1):
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
        assert kit.statuses(await door.send(*pieces)) == [200]
    reader, writer = await door.connect()
    for octet in V1[:-1]:
        writer.write(bytes([octet]))
        await writer.drain()
        await asyncio.sleep(0.001)
    writer.write(V1[-1:] + kit.get("/"))
    assert kit.statuses(await reader.read()) == [200]
    assert {ask.peer for ask in door.asks} == {"192.0.2.7"}


@on_both_loops
async def test_the_proxy_may_speak_for_itself_but_nobody_without_a_name_is_believed(start, origin):
    door = await proxied(start, origin)
    assert kit.statuses(await door.send(LOCAL + kit.get("/"))) == [200]
    assert kit.statuses(await door.send(b"PROXY UNKNOWN\r\n" + kit.get("/", *FORGED))) == [200]
    assert [(ask.peer, ask.address) for ask in door.asks] == [("127.0.0.1", "127.0.0.1"), ("", "")]


@on_both_loops
async def test_a_trusted_proxy_without_a_header_is_refused_and_counted(start, origin):
    door = await proxied(start, origin)
    for wrong in (kit.get("/"), b"PROXY TCP4 nobody\r\n" + kit.get("/"), V2[:12] + b"\x31" + V2[13:]):
        received = await door.send(wrong)
        assert kit.statuses(received) == [400]
        assert b"PROXY header" in received
    assert door.listener.refusals["bad-request"] == 3
    assert origin.connections == 0
    assert kit.statuses(await door.send(V1 + V1 + kit.get("/"))) == [400]


@on_both_loops
async def test_a_header_from_anybody_else_is_refused_and_none_is_needed(start, origin):
    door = await proxied(start, origin, trusted=("192.0.2.0/24",))
    assert kit.statuses(await door.send(kit.get("/", *FORGED))) == [200]
    assert door.asks[0].address == "127.0.0.1"
    for header in (V1, V2, LOCAL):
        assert kit.statuses(await door.send(header + kit.get("/"))) == [400]
    assert door.listener.refusals["bad-request"] == 3
    assert len(door.asks) == 1


@on_both_loops
async def test_without_the_setting_a_header_is_no_request(start, origin):
    door = await start(kit.Door(origin.url, trusted=("loopback",)))
    assert kit.statuses(await door.send(V1 + kit.get("/"))) == [400]


@on_both_loops
async def test_a_header_that_does_not_come_is_not_waited_for(start, origin):
    door = await proxied(start, origin, limits=Limits(header=0.05))
    for begun in (b"", V1[:9], V2[:14]):
        reader, writer = await door.connect()
        writer.write(begun)
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()


@on_both_loops
async def test_it_comes_before_the_handshake(start, origin, certify):
    certificates = Certificates.read("t", [CertificateFiles("tls", *certify("a.example"))])
    door = await proxied(start, origin, tls=certificates.context)
    context = ssl.create_default_context(cafile=certify("a.example")[0])
    certificates.reload()
    for header in (V1, V2):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname="a.example")
        reader, writer = await door.connect()
        received = b""
        step, todo = tls.do_handshake, True
        # The header and the first octets of the handshake travel together.
        writer.write(header)
        async with asyncio.timeout(20):
            while todo:
                try:
                    step()
                    todo = False
                except ssl.SSLWantReadError:
                    writer.write(outgoing.read())
                    incoming.write(await reader.read(65536))
            tls.write(kit.get("/", *FORGED))
            writer.write(outgoing.read())
            while not received.endswith(b"\r\n\r\nok"):
                incoming.write(await reader.read(65536))
                try:
                    while piece := tls.read(65536):
                        received += piece
                except ssl.SSLWantReadError:
                    pass
        writer.transport.abort()
        assert kit.statuses(received) == [200]
    assert [(ask.peer, ask.origin) for ask in door.asks] == [("192.0.2.7", "https://a.example")] * 2
    # A handshake without a header, and a header without a handshake.
    assert kit.statuses(await door.send(b"\x16\x03\x01\x00\x05hello")) == []
    assert kit.statuses(await door.send(V1 + kit.get("/"))) == []
    assert door.listener.refusals["bad-request"] == 1
    assert door.listener.connections == 0


@on_both_loops
async def test_a_drain_ends_and_who_has_begun_is_answered(start, origin):
    door = await proxied(start, origin, limits=Limits(idle_in_drain=0.0))
    quiet, writer = await door.connect()
    writer.write(V1 + kit.get("/", close=False))
    await kit.read_head(quiet)
    begun, other = await door.connect()
    other.write(V1[:9])
    while not door.listener._listening._meeting:
        await asyncio.sleep(0.001)
    draining = asyncio.ensure_future(door.listener.drain(10))
    async with asyncio.timeout(10):
        assert (await quiet.read())[-2:] == b"ok"
        writer.close()
        other.write(V1[9:] + kit.get("/"))
        assert kit.statuses(await begun.read()) == [200]
        other.close()
        await draining
    with pytest.raises(ConnectionError):
        await door.connect()
    assert door.listener.connections == 0


@on_both_loops
async def test_a_stop_lets_go_of_who_has_begun(start, origin):
    door = await proxied(start, origin)
    begun, other = await door.connect()
    other.write(V1[:9])
    while not door.listener._listening._meeting:
        await asyncio.sleep(0.001)
    await door.listener.stop()
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(10):
            assert await begun.read() == b""
    other.close()
