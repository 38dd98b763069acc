"""Bent answers of an origin: a client gets one that any reader takes, or a connection that breaks off.

And the next request on that connection gets its own answer, never a rest of the
one before. Headers are also bent alone, where they are only values.
"""

from __future__ import annotations

import asyncio
import os
import random
import re

import h11
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ask import Ask
from gateway.origin.header_hygiene import asked_protocol, request_headers, response_headers

SEED = int(os.environ.get("LICET_FUZZ_SEED", "20261123"))
N = int(os.environ.get("LICET_FUZZ_ANSWERS", "4000"))
LANES = 12
SECRET = b"poisoned"
TOKENS = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b";", b"\x0b", b"\xff", b"0", b"5", b"-1", b"0x5", b"\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n",
    b"Content-Length: 99\r\n", b"Connection: close\r\n", b"Connection: content-length\r\n", b"Keep-Alive: a\r\n", b"Trailer: X\r\n",
    b"Upgrade: x\r\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 ", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 101 Go\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\n\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b"\r\n ",
    b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + SECRET,
]  # fmt: skip
SEEDS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nETag: x\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nSet-Cookie: a=b\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\nhello",
]  # fmt: skip


def _bent(dice: random.Random) -> bytes:
    octets = bytearray(dice.choice(SEEDS))
    for _ in range(dice.choice((0, 1, 1, 2, 3, 5))):
        at = dice.randrange(len(octets) + 1)
        match dice.randrange(5):
            case 0 | 1:
                octets[at:at] = dice.choice(TOKENS)
            case 2:
                octets[at % len(octets)] ^= 1 << dice.randrange(8)
            case 3:
                del octets[at : at + dice.choice((1, 1, 2, 8))]
                octets = octets or bytearray(b"\n")
            case 4:
                lines = bytes(octets).split(b"\r\n")
                lines.insert(dice.randrange(len(lines)) + 1, dice.choice(lines))
                octets = bytearray(b"\r\n".join(lines))
    return bytes(octets)


def _answers(raw: bytes, methods: list[str]) -> list[tuple[int, bytes]] | None:
    """Status and body of each whole answer in *raw* as h11 reads it; None where it cannot."""
    client, found = h11.Connection(h11.CLIENT), []
    pending = raw
    for method in methods:
        client.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
        client.send(h11.EndOfMessage())
        client.receive_data(pending)
        pending, body, status = b"", b"", 0
        while True:
            try:
                event = client.next_event()
            except h11.RemoteProtocolError:
                return None
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                found.append((status, body))
                break
            elif event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                return found
        if client.our_state is not h11.DONE or client.their_state is not h11.DONE:
            return found
        client.start_next_cycle()
    return found if not client.trailing_data[0] else None


async def _asked(door, methods: list[str]) -> tuple[bytes, bool]:
    """Everything that the client got for two requests on one connection, and whether it was broken off."""
    reader, writer = await asyncio.open_connection(door.host, door.port)
    received, reset = b"", False
    for number, method in enumerate(methods):
        close = "" if number < len(methods) - 1 else "Connection: close\r\n"
        writer.write(f"{method} /{number} HTTP/1.1\r\nHost: a.example\r\n{close}\r\n".encode())
    try:
        while piece := await reader.read(65536):
            received += piece
    except ConnectionError:
        reset = True
    writer.transport.abort()
    return received, reset


async def test_a_bent_answer_is_readable_or_broken_off_and_poisons_nothing(kit, started):
    dice = random.Random(SEED)
    wrong, whole = [], 0

    async def lane() -> None:
        nonlocal whole
        origin = await started(kit.RawOrigin())
        limits = kit.OriginLimits(first_byte=0.2, idle=0.2)
        door = await started(kit.Door(origin.url, origin_limits=limits))
        while len(tried) < N and len(wrong) < 3:
            bent, method = _bent(dice), dice.choice(["GET", "GET", "GET", "HEAD"])
            tried.append(bent)

            async def answer(request, reader, writer, bent=bent):
                first = request.target == "/0"
                writer.write(bent if first else b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond")
                if first and dice.random() < 0.5:
                    await writer.drain()
                    writer.close()

            origin.reply = answer
            received, reset = await _asked(door, [method, "GET"])
            read = _answers(received, [method, "GET"])
            whole += read is not None and len(read) == 2
            told = _wrong(bent, received, reset, read, method)
            if told or door.listener.faults:
                wrong.append((bent, method, received, told))
                door.listener.faults = 0

    tried: list[bytes] = []
    await asyncio.gather(*(lane() for _ in range(LANES)))
    assert wrong == [], chr(10).join(map(repr, wrong))
    # Bent too hard, nothing would be passed on.
    assert whole > N // 4


def _wrong(bent: bytes, received: bytes, reset: bool, read: list | None, method: str) -> str:
    if read is None and not reset:
        return "h11 cannot read it, and it was not broken off"
    # A busy machine may be too late for the short limits: then it is a refusal of ours.
    late = len(read or ()) == 2 and read[1][0] in {502, 504} and read[1][1].startswith(b'{"type":')
    if len(read or ()) == 2 and read[1] != (200, b"second") and not late:
        return "the second answer is not the second's"
    if method == "HEAD" and read and read[0][1]:
        return "a HEAD with a body"
    if not reset and len(read or ()) < 2 and not re.search(rb"\r\nConnection: close\r\n", received):
        return "an answer is missing"
    return ""


_NAME = st.sampled_from([
    "host", "connection", "content-length", "transfer-encoding", "upgrade", "cdn-loop", "forwarded", "x-forwarded-for", "x_real_ip",
    "cf-connecting-ip", "licet-record", "te", "trailer", "expect", "authorization", "cookie", "x-a", "proxy",
]) | st.from_regex(r"[a-z!#$%&'*+.^_`|~0-9-]{1,12}", fullmatch=True)  # fmt: skip
_VALUE = st.sampled_from(["", "close", "upgrade", "host, x-a", "content-length", "websocket", "h2c", "licet", "x-a", "5"]) | st.text(
    st.characters(min_codepoint=32, exclude_categories=("Cs",)), max_size=20
)  # fmt: skip
_GONE = {
    "keep-alive", "te", "trailer", "transfer-encoding", "proxy", "proxy-connection", "proxy-authorization", "expect",
    "http2-settings", "x-real-ip", "true-client-ip", "x-original-url", "x-rewrite-url", "cf-connecting-ip",
}  # fmt: skip
_OURS = {"cdn-loop", "forwarded", "x-forwarded-for", "x-real-ip", "x-forwarded-host", "x-forwarded-proto"}


def _ask(headers: tuple[tuple[str, str], ...]) -> Ask:
    return Ask(
        id="1", asked_at_us=1, site="a", origin="https://a.example", method="GET", target="/", path="/", ambiguity="",
        query="", headers=headers, peer="192.0.2.1", address="192.0.2.1", country="", country_basis="",
    )  # fmt: skip


@given(st.lists(st.tuples(_NAME, _VALUE), max_size=12), st.booleans())
@settings(max_examples=500, deadline=None)
def test_what_an_origin_is_told_is_the_clients_less_what_it_may_not_say(headers, ours):
    ask = _ask(tuple(headers))
    credentials = [at for at, (name, _) in enumerate(headers) if name == "authorization"]
    ours = credentials[0] if ours and credentials else -1
    protocol = asked_protocol(ask)
    told = request_headers(ask, ours=ours, upgrade=protocol, host="b.example")
    names = [name for name, _ in told]
    assert names.count("cdn-loop") == 1
    assert all(names.count(name) == 1 for name in _OURS)
    assert not _GONE & (set(names) - _OURS)
    assert not any("_" in name or name.startswith(("licet-", "x-licet-")) for name in names)
    assert dict(told)["x-forwarded-for"] == "192.0.2.1"
    assert (("connection", "upgrade") in told) is bool(protocol)
    assert ("host" in names) or not any(name == "host" for name, _ in headers)
    listed = {
        part.strip().lower() for name, value in headers if name == "connection" for part in value.split(",")
    }
    assert not listed & set(names) - _OURS - {"host", "content-length", "connection", "upgrade"}
    left = iter(headers)
    # What is left of the client's own stands in its order.
    assert all(field in left for field in told if field[0] not in _OURS | {"connection", "upgrade", "host"})


@given(st.lists(st.tuples(_NAME.map(str.title) | _NAME, _VALUE), max_size=12), st.booleans())
@settings(max_examples=500, deadline=None)
def test_what_a_client_is_told_is_the_origins_less_the_hop(headers, switching):
    told = response_headers(headers, switching=switching)
    names = {name.lower() for name, _ in told}
    gone = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "proxy-connection"}
    assert not names & (gone | (set() if switching else {"upgrade"}))
    left = iter(headers)
    assert all(field in left for field in told)
    assert response_headers(told, switching=switching) == told
