"""How octets are cut into segments changes nothing: neither the answers nor what the origin gets."""

from __future__ import annotations

import asyncio
import itertools
import re

import h11
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

#: Longer ones are cut around their line breaks and at both ends.
WHOLE = 2048
HELLO = b"5\r\nhello\r\n"
HEAD = b"POST /x HTTP/1.1\r\nHost: a.example\r\n"
LAST = b"GET /y HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
MORE = [
    ("two lengths in a row", (HEAD + b"Content-Length: 5\r\n\r\nhello") * 2 + LAST),
    ("many chunks", CHUNKED + HELLO * 9 + b"1\r\na\r\n0\r\n\r\n" + LAST),
    ("extensions and a trailer", CHUNKED + b"5;a=b\r\nhello\r\n0;c\r\nX-A: b\r\n\r\n" + LAST),
    (
        "chunks, a length, nothing",
        CHUNKED + HELLO + b"0\r\n\r\n" + HEAD + b"Content-Length: 0\r\n\r\n" + LAST,
    ),
]


def _same(outcome, row) -> tuple:
    """What must not depend on the cuts. An id differs each time, and a body may be framed in other chunks.

    Where a body breaks, its head may have been judged already or not: the
    sentence that says so differs, its status does not.
    """
    assert outcome.broke == ()
    if row is not None and row.outcome in {"broken", "either"}:
        return outcome.statuses[: len(row.saw) or 1], outcome.messages()
    return re.sub(rb"[0-9a-f]{8}-[0-9a-f-]{27}", b"", outcome.client), outcome.messages()


def _cuts(octets: bytes) -> list[int]:
    if len(octets) <= WHOLE:
        return list(range(1, len(octets)))
    lines = [found.start() for found in re.finditer(rb"\r\n", octets[:4096])][:8]
    last = len(octets)
    near = {at + step for at in (*lines, 8192, 16384, last - 4) for step in range(-1, 4)}
    return sorted(at for at in near if 0 < at < last)


async def _cut_everywhere(driver, octets: bytes, row=None) -> None:
    whole = _same(await driver(octets), row)
    for at in _cuts(octets):
        assert _same(await driver(octets[:at], octets[at:]), row) == whole, f"cut at {at}"
    if len(octets) <= 8 * WHOLE:
        pieces = [octets[at : at + 1] for at in range(len(octets))]
        assert _same(await driver(*pieces), row) == whole, "octet by octet"


async def test_row(memory, row):
    await _cut_everywhere(memory, row.octets, row)


async def test_paying_row(memory, paying_row):
    await _cut_everywhere(memory, paying_row.octets, paying_row)


@pytest.mark.parametrize("octets", [each[1] for each in MORE], ids=[each[0] for each in MORE])
async def test_valid_requests_in_a_row(memory, octets):
    await _cut_everywhere(memory, octets)
    assert (await memory(octets)).statuses[-1] == 200


@pytest.mark.parametrize("octets", [each[1] for each in MORE], ids=[each[0] for each in MORE])
async def test_valid_requests_over_sockets_in_three_pieces(driver, octets):
    whole = _same(await driver(octets), None)
    for at in range(1, len(octets), 17):
        assert _same(await driver(octets[:at], octets[at : at + 9], octets[at + 9 :]), None) == whole


def _chunked(pieces: list[bytes], extension: bytes, trailer: bytes) -> bytes:
    chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
    return chunks + b"0" + extension + b"\r\n" + trailer + b"\r\n"


_PIECE = st.binary(min_size=1, max_size=40) | st.sampled_from([b"\r\n\r\n", b"\r\n", b"0\r\n\r\n", LAST])
_BODY = st.one_of(
    st.just(b"\r\n"),
    st.builds(lambda piece: b"Content-Length: %d\r\n\r\n%b" % (len(piece), piece), _PIECE | st.just(b"")),
    st.builds(
        lambda pieces, extension, trailer: (
            b"Transfer-Encoding: chunked\r\n\r\n" + _chunked(pieces, extension, trailer)
        ),
        st.lists(_PIECE, max_size=4),
        st.sampled_from([b"", b";a=b", b";a"]),
        st.sampled_from([b"", b"X-A: b\r\n"]),
    ),
)
_FIELDS = st.lists(
    st.sampled_from([
        b"User-Agent: GPTBot/1.2\r\n", b"X-Pay: 1\r\n", b"Accept: */*\r\n", b"X-Name: caf\xe9\r\n",
        b"Expect: 100-continue\r\n", b"Via: 1.0 fred\r\n", b"X-Long: " + b"a" * 300 + b"\r\n",
    ]), unique=True, max_size=3,
).map(b"".join)  # fmt: skip


def _request(method: bytes, target: bytes, fields: bytes, body: bytes) -> bytes:
    if b"GPTBot" in fields and target in _REFUSED:
        # A refusal ends the connection where some of the body is still to come: that does depend on the cuts.
        body = b"\r\n"
    return method + b" " + target + b" HTTP/1.1\r\nHost: a.example\r\n" + fields + body


_REFUSED = (b"/closed/a", b"/%zz")
_REQUEST = st.builds(
    _request,
    st.sampled_from([b"GET", b"POST", b"HEAD", b"PUT"]),
    st.sampled_from([b"/x", b"/a?b=c", *_REFUSED, b"http://a.example/y"]),
    _FIELDS,
    _BODY,
)
_SWITCH = st.sampled_from([
    b"GET /s HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"GET /s HTTP/1.1\r\nHost: a.example\r\nUpgrade: h2c\r\n\r\n",
    b"GET /s HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 0\r\n\r\n",
])  # fmt: skip
_END = st.sampled_from(
    [LAST, b"", b"garbage garbage\r\n\r\n", b"\r\n\r\n", b"\0", b"GET /part HTTP/1.1\r\nHost:"]
)
_PIPELINE = st.builds(
    lambda requests, end: b"".join(requests) + end,
    st.lists(st.one_of(_REQUEST, _REQUEST, _REQUEST, _SWITCH), min_size=1, max_size=6),
    _END,
)


@given(_PIPELINE, st.lists(st.integers(0, 4000), min_size=1, max_size=8))
@settings(
    max_examples=1500,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_any_pipeline_in_any_pieces(memory, octets, cuts):
    whole = _same(await memory(octets), None)
    at = [0, *sorted({cut % (len(octets) + 1) for cut in cuts}), len(octets)]
    pieces = [octets[start:end] for start, end in itertools.pairwise(at) if end > start]
    assert _same(await memory(*pieces), None) == whole, pieces


class _Origin(asyncio.Protocol):
    """Says its pieces, each in a turn of its own, to every request."""

    pieces: tuple[bytes, ...] = ()

    def __init__(self, recorder) -> None:
        pass

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._say(self.pieces)

    def _say(self, pieces: tuple[bytes, ...]) -> None:
        if pieces:
            self.transport.write(pieces[0])
            loop = asyncio.get_running_loop()
            loop.call_soon(loop.call_soon, self._say, pieces[1:])
        elif b"".join(self.pieces).startswith(b"HTTP/1.0"):
            self.transport.close()


ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n\r\n\r\n\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-A: b\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno",
    b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nX-A: b\r\n\r\nuntil it closes",
    b"HTTP/1.1 200 OK\r\nConnection: close, x-b\r\nX-B: c\r\nContent-Length: 5\r\n\r\nhello",
]


@pytest.mark.parametrize("who", [b"", b"User-Agent: GPTBot/1.2\r\nX-Pay: 1\r\n"], ids=["person", "paying"])
@pytest.mark.parametrize("method", [b"GET", b"POST"])
@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
async def test_an_answer_in_pieces(kit, recording, in_memory, started, answer, method, who):
    kind = type("Said", (_Origin,), {"pieces": (answer,)})
    driver = await started(in_memory.MemoryDriver(kit, recording, kind))
    first = method + b" /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n" + who + b"\r\n"

    def read(outcome) -> list:
        assert outcome.broke == ()
        client, found = h11.Connection(h11.CLIENT), []
        client.receive_data(re.sub(rb"[0-9a-f]{8}-[0-9a-f-]{27}", b"", outcome.client))
        for number, asked in enumerate((method, b"GET")):
            client.send(h11.Request(method=asked, target="/", headers=[("Host", "a")]))
            client.send(h11.EndOfMessage())
            body = b""
            while not isinstance(event := client.next_event(), h11.EndOfMessage):
                assert event is not h11.NEED_DATA
                if isinstance(event, h11.Response):
                    named = {bytes(name).lower() for name, _ in event.headers}
                    framing = {b"content-length", b"transfer-encoding"}
                    found.append((event.status_code, named - framing))
                else:
                    body += bytes(event.data)
            found.append(body)
            if number == 0:
                client.start_next_cycle()
        return found

    whole = read(await driver(first + LAST))
    assert len(whole) == 4
    for at in range(1, len(answer)):
        kind.pieces = (answer[:at], answer[at:])
        assert read(await driver(first + LAST)) == whole, f"cut at {at}"
    kind.pieces = tuple(answer[at : at + 1] for at in range(len(answer)))
    assert read(await driver(first + LAST)) == whole, "octet by octet"
