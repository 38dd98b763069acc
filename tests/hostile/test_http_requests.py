"""What an attacker may send on one connection (reliability checklist, rows F, L, P and H), over real sockets.

`rows.py` holds the table. Whatever happens, nothing behind a rejected request is
read as another one, nothing of ours breaks, and nobody pays for a refusal.
"""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

HOST = b"Host: a.example\r\n"
CLOSE = b"Connection: close\r\n"
CHUNKED = b"Transfer-Encoding: chunked"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"


def post(*fields: bytes, body: bytes = b"") -> bytes:
    lines = b"".join(line + b"\r\n" for line in fields)
    return b"POST /x HTTP/1.1\r\n" + HOST + CLOSE + lines + b"\r\n" + body


def line(text: bytes, *fields: bytes) -> bytes:
    return text + b"\r\n" + HOST + CLOSE + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


def host(value: bytes) -> bytes:
    return b"GET /x HTTP/1.1\r\nHost: " + value + b"\r\n" + CLOSE + b"\r\n"


async def test_row(driver, rows, row):
    """Sent by a person, who is counted once and never charged."""
    outcome = await _asked(driver, rows, row)
    door = driver.door
    assert door.journal.noted == door.journal.kept == []
    if _rejected(outcome):
        assert sum(door.listener.refusals.values()) + len(door.people.counted) == 1


async def test_row_of_a_crawler_that_pays(driver, rows, paying_row):
    """Sent by a crawler: what is refused is remembered at most once and costs nothing, what passes costs its price."""
    outcome = await _asked(driver, rows, paying_row)
    door = driver.door
    assert door.people.counted == []
    if _rejected(outcome):
        assert door.journal.kept == []
        assert [record.charged_micros for record in door.journal.noted] in ([], [0])
        assert sum(door.listener.refusals.values()) + len(door.journal.noted) == 1
    else:
        assert [record.charged_micros for record in door.journal.kept] == [10] * len(paying_row.saw)
        assert door.journal.noted == []


async def _asked(driver, rows, row):
    """Send *row*, with a second request behind each that must be refused, and hold the answer to it."""
    bait = rows.SMUGGLED if row.outcome in {"reject", "broken"} else b""
    outcome = await driver(row.octets + bait)
    assert outcome.ended
    raw = b"".join(outcome.origin)
    assert b"/smuggled" not in raw or rows.SMUGGLED in row.octets
    assert not any(secret in raw for secret in row.never)
    assert outcome.broke == ()
    if row.outcome == "either":
        # A head that was whole may be at the origin; a request that was not, never.
        refused = "broken" if outcome.origin else "reject"
        row = dataclasses.replace(row, outcome=refused if _rejected(outcome) else "pass")
    if row.outcome == "pass":
        assert outcome.statuses[: len(row.saw)] == [200] * len(row.saw), outcome.client[:300]
        assert [(message.line, message.body) for message in outcome.messages()] == list(row.saw)
        assert {message.host.lower().rstrip(b".") for message in outcome.messages()} == {b"a.example"}
        return outcome
    assert len(outcome.statuses) == 1, outcome.client[:300]
    assert outcome.statuses[0] in row.codes
    assert b"\r\nConnection: close\r\n" in outcome.client
    assert b"application/problem+json" in outcome.client
    assert outcome.messages() == () if row.outcome == "broken" else outcome.origin == ()
    return outcome


def _rejected(outcome) -> bool:
    return outcome.statuses[0] != 200


CHUNKS = [
    b"0x5\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n", b"-1\r\nhello\r\n0\r\n\r\n",
    b" 5\r\nhello\r\n0\r\n\r\n", b"5 \r\nhello\r\n0\r\n\r\n", b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    b"5;a=b\nhello\r\n0\r\n\r\n", b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello!\r\n0\r\n\r\n", b"5\r\nhello0\r\n\r\n",
]  # fmt: skip


@pytest.mark.parametrize("chunks", CHUNKS, ids=[f"F{n}" for n in (38, 39, 40, 41, 42, 43, 46, 47, 48, 49)])
async def test_chunks_that_break_behind_a_forwarded_head_never_make_a_request(
    door, origin, rows, kit, chunks
):
    reader, writer = await door.connect()
    writer.write(post(CHUNKED))
    while not origin.raw:  # the head is at the origin before the fault can be seen
        await asyncio.sleep(0.001)
    writer.write(chunks + rows.SMUGGLED)
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


async def test_the_origin_is_told_by_us_alone(door, origin, kit):
    """H01 to H11: it learns the address, the host and the way from the gateway."""
    received = await door.send(kit.get("/x", "X-Forwarded-For: 8.8.8.8", "Via: 1.0 fred", "CDN-Loop: fred"))
    assert kit.statuses(received) == [200]
    (request,) = origin.requests
    assert request.values("x-forwarded-for") == request.values("x-real-ip") == ["127.0.0.1"]
    assert request.values("host") == ["a.example"]
    assert request.values("via") == ["1.0 fred"]
    assert request.values("cdn-loop") == ["fred, licet"]


async def test_octets_above_127_pass_unchanged(door, origin, kit):
    """H14."""
    raw = b"GET /x HTTP/1.1\r\nHost: a.example\r\nUser-Agent: caf\xe9 \xc3\xa9\r\nConnection: close\r\n\r\n"
    assert kit.statuses(await door.send(raw)) == [200]
    assert b"user-agent: caf\xe9 \xc3\xa9\r\n" in origin.raw


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


async def test_a_body_that_is_mostly_framing_is_refused(kit, started, origin):
    """T08: ten mebibytes of chunk extensions."""
    door = await started(kit.Door(origin.url, limits=kit.Limits(overhead=64 * 1024)))
    chunk = b"1;" + b"a" * 8000 + b"\r\nx\r\n"
    received = await door.send(post(CHUNKED), *[chunk * 16] * 80)
    assert kit.statuses(received) == [400]
    assert b"0\r\n\r\n" not in origin.raw


@pytest.mark.parametrize("apart", [True, False])
async def test_what_follows_a_whole_request_does_not_unmake_it(driver, apart):
    """F64: the request is answered, what stands behind it is a 400; one segment or two."""
    octets = b"POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello"
    garbage = b"garbage garbage\r\n\r\n"
    outcome = await (driver(octets, garbage) if apart else driver(octets + garbage))
    assert outcome.statuses == [200, 400]
    assert [message.body for message in outcome.messages()] == [b"hello"]
