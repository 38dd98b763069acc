"""What an attacker may send on one connection (reliability checklist, rows F, L, P and H), over real sockets.

A row names what must happen: ``reject`` is an answer of ours with a 4xx or 5xx
and nothing at the origin; ``pass`` is one request at the origin and its answer;
``either`` is any of the two. Whatever happens, nothing behind a rejected
request is read as another one, and nothing of ours breaks.
"""

from __future__ import annotations

import asyncio

import pytest

HOST = b"Host: a.example\r\n"
CLOSE = b"Connection: close\r\n"


def post(*fields: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    lines = b"".join(line + b"\r\n" for line in fields)
    return b"POST /x HTTP/" + version + b"\r\n" + HOST + CLOSE + lines + b"\r\n" + body


def line(text: bytes, *fields: bytes) -> bytes:
    return text + b"\r\n" + HOST + CLOSE + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


def host(value: bytes) -> bytes:
    return b"GET /x HTTP/1.1\r\nHost: " + value + b"\r\n" + CLOSE + b"\r\n"


CHUNKED = b"Transfer-Encoding: chunked"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n"

FRAMING = [
    ("F01", "reject", post(b"Content-Length: 5", CHUNKED, body=HELLO)),
    ("F02", "reject", post(CHUNKED, b"Content-Length: 5", body=HELLO)),
    ("F03", "reject", post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!")),
    ("F04", "reject", post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello")),
    ("F05", "reject", post(b"Content-Length: 5, 5", body=b"hello")),
    ("F06", "reject", post(b"Content-Length: +5", body=b"hello")),
    ("F07", "reject", post(b"Content-Length: -1", body=b"hello")),
    ("F08", "reject", post(b"Content-Length: 0x5", body=b"hello")),
    ("F09", "reject", post(b"Content-Length: 5_0", body=b"hello")),
    ("F10", "reject", post(b"Content-Length: 5 \tjunk", body=b"hello")),
    ("F11", "reject", post(b"Content-Length: ", body=b"hello")),
    ("F12", "reject", post(b"Content-Length: 18446744073709551621", body=b"hello")),
    ("F13", "reject", post("Content-Length: \u0665".encode(), body=b"hello")),
    ("F14", "reject", post(b"Transfer-Encoding: xchunked", body=HELLO)),
    ("F15", "reject", post(b"Transfer-Encoding: chunked, identity", body=HELLO)),
    ("F16", "reject", post(b"Transfer-Encoding: identity", body=HELLO)),
    ("F17", "reject", post(b"Transfer-Encoding: gzip, chunked", body=HELLO)),
    ("F18", "reject", post(b"Transfer-Encoding: chunked, chunked", body=HELLO)),
    ("F19", "reject", post(CHUNKED, b"Transfer-Encoding: x", body=HELLO)),
    ("F20", "pass", post(b"Transfer-Encoding: Chunked", body=HELLO)),
    ("F21", "reject", post(b"Transfer-Encoding\t: chunked", body=HELLO)),
    ("F22", "reject", post(b"Content-Length : 5", body=b"hello")),
    ("F23", "reject", post(b"Transfer-Encoding: \x0bchunked", body=HELLO)),
    ("F24", "reject", post(b'Transfer-Encoding: "chunked"', body=HELLO)),
    ("F25", "reject", post(CHUNKED, body=HELLO, version=b"1.0")),
    ("F26", "reject", post(b"Transfer-Encoding:\r\n chunked", body=HELLO)),
    ("F27", "reject", post(b"X: a\r\n b")),
    ("F28", "reject", post(b"X: a\rTransfer-Encoding: chunked", body=HELLO)),
    ("F29", "reject", post(b"X: a\nTransfer-Encoding: chunked", body=HELLO)),
    ("F30", "reject", b"GET /x HTTP/1.1\nHost: a.example\n\n"),
    ("F31", "reject", post(b"X: a\0b")),
    ("F32", "reject", post(b"X: a\x01b")),
    ("F33", "reject", post(b"X\0Y: a")),
    ("F34", "reject", post(b"X(Y): a")),
    ("F35", "reject", post(b": a")),
    ("F36", "reject", post(b"nothing at all")),
    ("F37", "reject", b"GET /x HTTP/1.1\r\n Host: a.example\r\n\r\n"),
    ("F57", "reject", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
]
#: Their heads may be at the origin before the fault shows; what must not be there is a finished request.
CHUNKS = [
    ("F38", b"0x5\r\nhello\r\n0\r\n\r\n"),
    ("F39", b"+5\r\nhello\r\n0\r\n\r\n"),
    ("F40", b"-1\r\nhello\r\n0\r\n\r\n"),
    ("F41", b" 5\r\nhello\r\n0\r\n\r\n"),
    ("F42", b"5 \r\nhello\r\n0\r\n\r\n"),
    ("F43", b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    ("F46", b"5;a=b\nhello\r\n0\r\n\r\n"),
    ("F47", b"5\nhello\r\n0\r\n\r\n"),
    ("F48", b"5\r\nhello!\r\n0\r\n\r\n"),
    ("F49", b"5\r\nhello0\r\n\r\n"),
]
LINES = [
    ("L01", "reject", b"GET /x HTTP/1.1\r\n\r\n"),
    ("L02", "reject", b"GET /x HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n"),
    ("L03", "reject", b"GET /x HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n"),
    ("L04", "reject", host(b"")),
    ("L05", "reject", host(b"a.example,b.example")),
    ("L06", "reject", host(b"user@a.example")),
    ("L07", "reject", host(b"a.example/x")),
    ("L08", "reject", host(b"a.example:99999999")),
    ("L08b", "reject", host(b"a.example:")),
    ("L09", "reject", host(b"a example")),
    ("L10", "pass", host(b"A.Example.")),
    ("L11", "reject", host(b"127.0.0.1:8403")),
    ("L12", "pass", line(b"GET http://a.example/x HTTP/1.1")),
    ("L13", "reject", line(b"GET http://evil.example/x HTTP/1.1")),
    ("L13b", "reject", line(b"GET http://a.example@evil.example/x HTTP/1.1")),
    ("L14", "reject", line(b"GET http://169.254.169.254/latest HTTP/1.1")),
    ("L15", "reject", line(b"GET file:///etc/passwd HTTP/1.1")),
    ("L16", "reject", line(b"CONNECT evil.example:443 HTTP/1.1")),
    ("L17", "reject", line(b"TRACE /x HTTP/1.1")),
    ("L18", "either", line(b"OPTIONS * HTTP/1.1")),
    ("L19", "reject", line(b"GET * HTTP/1.1")),
    ("L20", "reject", line(b"GET x HTTP/1.1")),
    ("L21", "reject", line(b"GET @evil.example HTTP/1.1")),
    ("L22", "pass", line(b"GET //evil.example/x HTTP/1.1")),
    ("L23", "reject", line(b"GET /a b HTTP/1.1")),
    ("L24", "reject", line(b"GET\t/x\tHTTP/1.1")),
    ("L25", "reject", line(b"GET /x HTTP/0.9")),
    ("L26", "reject", line(b"GET /x HTTP/1.2")),
    ("L27", "reject", line(b"GET /x HTTP/2.0")),
    ("L28", "reject", line(b"get /x HTTP/1.1")),
    ("L29", "reject", line(b"FOO /x HTTP/1.1")),
    ("L30", "reject", line(b"GET /x\0y HTTP/1.1")),
    ("L31", "reject", line(b"GET /\xff HTTP/1.1")),
    ("L32", "reject", line(b"GET /x#frag HTTP/1.1")),
    ("L33", "pass", line(b"GET /%zz HTTP/1.1")),
    ("L34", "reject", line(b"GET /" + b"a" * 65536 + b" HTTP/1.1")),
    ("L35", "reject", line(b"GET /x HTTP/1.1", b"X: " + b"a" * (1 << 20))),
    ("L36", "reject", line(b"GET /x HTTP/1.1", *(b"X-%d: a" % n for n in range(10_000)))),
    ("L37", "reject", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64),
]
HEADERS = [
    ("H12", "reject", line(b"GET /x HTTP/1.1", b"Authorization: Basic YTpi", b"Authorization: License x")),
    ("H13", "reject", line(b"GET /x HTTP/1.1", b"User-Agent: a", b"User-Agent: b")),
    ("H15", "reject", line(b"GET /x HTTP/1.1", b"Range: bytes=" + b",".join([b"0-"] * 1000))),
    ("H16", "reject", line(b"TRACE /x HTTP/1.1", b"Max-Forwards: 0")),
    ("H17", "reject", line(b"GET /x HTTP/1.1", b"Via: " + b", ".join([b"1.1 licet"] * 10))),
    ("F61", "reject", line(b"POST /x HTTP/1.1", b"Expect: 100-continue, x", b"Content-Length: 5")),
    ("F61b", "reject", line(b"POST /x HTTP/1.1", b"Expect: \xc3\xa9", b"Content-Length: 5")),
    ("F55", "reject", line(b"POST /x HTTP/1.1", b"Upgrade: websocket", b"Content-Length: 5") + b"hello"),
]
ROWS = FRAMING + LINES + HEADERS


@pytest.mark.parametrize(("expected", "raw"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
async def test_row(door, origin, kit, expected, raw):
    # What a second reader could take for a request stands behind every one that is refused.
    received = await door.send(raw + (SMUGGLED if expected == "reject" else b""))
    codes = kit.statuses(received)
    assert len(codes) == 1, received
    rejected = 400 <= codes[0] < 600
    if expected != "either":
        assert rejected is (expected == "reject"), received[:200]
    assert len(origin.requests) == (0 if rejected else 1)
    assert b"/smuggled" not in origin.raw
    assert door.listener.faults == 0
    assert len(door.people.counted) == len(door.asks)
    if rejected:
        assert b"\r\nConnection: close\r\n" in received
        assert b"application/problem+json" in received
        assert sum(door.listener.refusals.values()) + len(door.asks) == 1


@pytest.mark.parametrize(("chunks"), [row[1] for row in CHUNKS], ids=[row[0] for row in CHUNKS])
@pytest.mark.parametrize("together", [True, False])
async def test_broken_chunks_never_make_a_request(door, origin, kit, chunks, together):
    head = post(CHUNKED)
    if together:
        received = await door.send(head + chunks + SMUGGLED)
    else:
        reader, writer = await door.connect()
        writer.write(head)
        while not origin.raw:  # the head is at the origin before the fault can be seen
            await asyncio.sleep(0.001)
        writer.write(chunks + SMUGGLED)
        received = b""
        async with asyncio.timeout(kit.PATIENCE):
            while piece := await reader.read(65536):
                received += piece
        writer.close()
    assert kit.statuses(received) == [400], received
    assert b"0\r\n\r\n" not in origin.raw
    assert b"smuggled" not in origin.raw
    assert door.listener.faults == 0


@pytest.mark.parametrize(
    ("version", "code"), [(b"0.9", {505, 400}), (b"2.0", {505, 400}), (b"1.2", {505, 400})], ids=str
)
async def test_other_versions_are_refused_in_ours(door, kit, version, code):
    received = await door.send(line(b"GET /x HTTP/" + version))
    assert received.startswith(b"HTTP/1.1 ")
    assert kit.statuses(received)[0] in code


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (line(b"GET /" + b"a" * 9000 + b" HTTP/1.1"), 414),
        (line(b"GET /x HTTP/1.1", b"X: " + b"a" * 20_000), 431),
        (line(b"GET /x HTTP/1.1", *(b"X-%d: a" % n for n in range(101))), 431),
        (line(b"GET /x HTTP/1.1", *(b"X-%d: " % n + b"a" * 15_000 for n in range(5))), 431),
        (host(b"b.example"), 421),
        (line(b"TRACE /x HTTP/1.1"), 405),
        (line(b"GET /x HTTP/1.1", b"Range: bytes=" + b",".join([b"0-"] * 17)), 416),
        (line(b"GET /x HTTP/1.1", b"Expect: tea"), 417),
        (post(b"Transfer-Encoding: gzip, chunked", body=HELLO), 501),
    ],
    ids=["414", "431 line", "431 lines", "431 all", "421", "405", "416", "417", "501"],
)
async def test_a_refusal_has_its_own_code(door, kit, raw, code):
    assert kit.statuses(await door.send(raw)) == [code]


PATHS = [
    "/priv/../x", "/priv/%2e%2e/x", "/priv/%252e%252e/x", "/a%2Fb", "/a%2fb", "/a\\b", "/a;b=c", "//a", "/a//b",
    "/./a", "/%c0%af", "/%00", "/PRIV", "/%EF%BC%8E%EF%BC%8E/x", "/priv.", "/%70riv/", "/?", "/a?", "/a??b=%zz",
    "/%zz", "/a'b", "/a[b]", "/a|b", "/a{b}", '/a"b', "/a<b>", "/a^b`c", "http://a.example/a//b?", "/a?http://b#",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
async def test_a_persons_path_arrives_octet_for_octet(door, origin, kit, path):
    received = await door.send(kit.get(path))
    if "#" in path:
        assert kit.statuses(received) == [400]
        return
    assert kit.statuses(received) == [200], received
    assert origin.requests[0].target == path.removeprefix("http://a.example")


@pytest.mark.parametrize(
    "path",
    ["/open/../closed/a", "/open/%2e%2e/closed/a", "//closed/a", "/closed%2Fa", "/closed;x/a", "/x/..;/closed/a",
     "/clo%73ed/a", "/closed//a", "/closed/%252e", "\\closed\\a", "/closed\\a"],
)  # fmt: skip
async def test_a_crawler_does_not_reach_a_closed_path_by_spelling_it_oddly(door, origin, kit, path):
    received = await door.send(kit.get(path, "User-Agent: GPTBot/1.2"))
    assert kit.statuses(received)[0] in {400, 403}
    assert origin.requests == []


SPOOFS = [
    ("H01", "X-Forwarded-For: 8.8.8.8", "8.8.8.8"),
    ("H02", "X-Real-IP: 8.8.8.8", "8.8.8.8"),
    ("H03", "Forwarded: for=8.8.8.8", "8.8.8.8"),
    ("H04", "X-Forwarded-Host: evil.example", "evil.example"),
    ("H05", "X-Original-URL: /priv", "/priv"),
    ("H05b", "X-Rewrite-URL: /priv", "/priv"),
    ("H06", "X_Forwarded_For: 8.8.8.8", "8.8.8.8"),
    ("H07", "X-Licet-Crawler: googlebot", "googlebot"),
    ("H07b", "Licet-Verified: googlebot", "googlebot"),
    ("H08", "Connection: x-secret\r\nX-Secret: s3cret", "s3cret"),
    ("H10", "Keep-Alive: xyz", "xyz"),
    ("H10b", "TE: xyz", "xyz"),
    ("H10c", "Proxy-Authorization: xyz", "xyz"),
    ("H10d", "Proxy-Connection: xyz", "xyz"),
    ("H11", "Proxy: http://evil", "evil"),
    ("CF", "CF-Connecting-IP: 8.8.8.8", "8.8.8.8"),
    ("TCI", "True-Client-IP: 8.8.8.8", "8.8.8.8"),
    ("F56", "Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk", "h2c"),
    ("F56b", "Connection: upgrade\r\nUpgrade: h2c, websocket", "h2c"),
]


@pytest.mark.parametrize(("header", "secret"), [row[1:] for row in SPOOFS], ids=[row[0] for row in SPOOFS])
async def test_the_origin_is_told_by_us_alone(door, origin, kit, header, secret):
    raw = f"GET /x HTTP/1.1\r\nHost: a.example\r\n{header}\r\n\r\n".encode()
    reader, writer = await door.connect()
    writer.write(raw)
    head = await kit.read_head(reader)
    writer.close()
    assert kit.statuses(head) == [200]
    assert secret.encode() not in bytes(origin.raw)
    assert origin.requests[0].values("x-forwarded-for") == ["127.0.0.1"]
    assert origin.requests[0].values("host") == ["a.example"]
    assert origin.requests[0].values("via") == ["1.1 licet"]


async def test_connection_cannot_name_the_host_away(door, origin, kit):
    """H09."""
    raw = b"GET /x HTTP/1.1\r\nHost: a.example\r\nConnection: close, host\r\n\r\n"
    assert kit.statuses(await door.send(raw)) == [200]
    assert origin.requests[0].values("host") == ["a.example"]


async def test_octets_above_127_pass_unchanged(door, origin, kit):
    """H14."""
    raw = b"GET /x HTTP/1.1\r\nHost: a.example\r\nUser-Agent: caf\xe9 \xc3\xa9\r\nConnection: close\r\n\r\n"
    assert kit.statuses(await door.send(raw)) == [200]
    assert b"user-agent: caf\xe9 \xc3\xa9\r\n" in origin.raw


async def test_a_body_that_looks_like_a_request_stays_a_body(door, origin, kit):
    """F53, F54."""
    raw = post(b"Content-Length: %d" % len(SMUGGLED), body=SMUGGLED)
    assert kit.statuses(await door.send(raw)) == [200]
    assert [request.body for request in origin.requests] == [SMUGGLED]
    raw = raw.replace(b"POST", b"GET")
    assert kit.statuses(await door.send(raw)) == [200]
    assert len(origin.requests) == 2


async def test_what_follows_a_short_body_is_no_request(door, origin, kit):
    """F64."""
    raw = post(b"Content-Length: 2", body=b"hello garbage").replace(CLOSE, b"")
    codes = kit.statuses(await door.send(raw))
    assert codes in ([200, 400], [400])
    assert len(origin.requests) <= 1


@pytest.mark.parametrize("count", [2, 200])
async def test_pipelined_requests_are_answered_in_order(door, origin, kit, count):
    """F58, F59."""

    async def echo(request, reader, writer):
        body = request.target.encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    origin.reply = echo
    raw = b"".join(kit.get(f"/<{n}>", close=n == count - 1) for n in range(count))
    received = await door.send(raw)
    assert kit.statuses(received) == [200] * count
    places = [received.index(f"/<{n}>".encode()) for n in range(count)]
    assert places == sorted(places)


async def test_empty_lines_before_a_request_are_skipped(door, kit):
    """F63."""
    assert kit.statuses(await door.send(b"\r\n\r\n" + kit.get("/x"))) == [200]


async def test_chunk_extensions_and_trailers_end_here(door, origin, kit):
    """F44, F45, F51."""
    body = b"0005;a=b\r\nhello\r\n0\r\nX-Auth-Bypass: 1\r\n\r\n"
    codes = kit.statuses(await door.send(post(CHUNKED, body=body)))
    assert codes in ([200], [400])
    assert b"a=b" not in origin.raw
    assert b"Bypass" not in origin.raw


async def test_a_body_that_is_mostly_framing_is_refused(kit, started, origin):
    """T08: ten mebibytes of chunk extensions."""
    door = await started(kit.Door(origin.url, limits=kit.Limits(overhead=64 * 1024)))
    chunk = b"1;" + b"a" * 8000 + b"\r\nx\r\n"
    received = await door.send(post(CHUNKED), *[chunk * 16] * 80)
    assert kit.statuses(received) == [400]
    assert b"0\r\n\r\n" not in origin.raw
