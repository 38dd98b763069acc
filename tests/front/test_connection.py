"""A client connection without a socket: what is read, in which order it is answered, and when reading ends."""

from __future__ import annotations

import asyncio

import pytest

from gateway.front.connection import ClientConnection
from gateway.front.limits import Limits
from gateway.stepping import Signal, Watch


class Transport:
    def __init__(self):
        self.written, self.reading, self.closed = b"", True, False

    def get_extra_info(self, name, default=None):
        return ("192.0.2.1", 5) if name == "peername" else None

    def is_closing(self):
        return self.closed

    def can_write_eof(self):
        return False

    def write(self, data):
        self.written += data

    def close(self):
        self.closed = True

    abort = close

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True


class Client:
    """A connection whose requests are answered with their target, held back while `hold` is set."""

    def __init__(self, *, hold=False, **limits):
        self.seen, self.go, self.hold = [], Signal(), hold
        self.gone = False
        watch = Watch(10)
        self.connection = ClientConnection(
            self.serve, limits=Limits(**limits), watch=watch, ended=lambda _: setattr(self, "gone", True)
        )
        self.transport = Transport()
        self.connection.connection_made(self.transport)
        watch.close()

    async def serve(self, connection, request):
        self.seen.append(request)
        if self.hold:
            await self.go
        connection.write(f"<{request.target}>".encode())
        if not request.keep_alive:
            connection.close()


def get(path="/", *fields, version="1.1"):
    return "\r\n".join([f"GET {path} HTTP/{version}", "Host: a", *fields, "", ""]).encode()


async def test_a_request_is_answered_in_the_call_that_brought_it():
    client = Client()
    client.connection.data_received(get("/a?b", "X-Odd: caf\u00e9", "X-Two: 1", "x-two:2  "))
    assert client.transport.written == b"</a?b>"
    (request,) = client.seen
    assert request.block.fields == (("host", "a"), ("x-odd", "caf\u00e9"), ("x-two", "1"), ("x-two", "2"))
    assert (request.method, request.version, request.keep_alive, request.body) == ("GET", (1, 1), True, None)
    assert (client.connection.peer, client.connection.busy) == ("192.0.2.1", False)


async def test_requests_sent_ahead_are_answered_in_order_and_one_at_a_time():
    client = Client(hold=True)
    client.connection.data_received(b"".join(get(f"/{n}") for n in range(20)))
    assert [request.target for request in client.seen] == ["/0"]
    for n in range(20):
        assert len(client.seen) == n + 1
        client.go.fire()
    assert client.transport.written == b"".join(b"</%d>" % n for n in range(20))


async def test_reading_pauses_while_many_wait_and_the_connection_ends_behind_the_most():
    """T13."""
    client = Client(hold=True, ahead=30)
    for _ in range(4):
        client.connection.data_received(get("/x") * 5)
    assert not client.transport.reading
    client.connection.data_received(get("/x") * 100)
    client.hold = False
    client.go.fire()
    assert client.transport.closed
    assert 30 <= len(client.seen) <= 31


async def test_nothing_behind_the_last_request_is_read():
    client = Client()
    client.connection.data_received(get("/a", "Connection: close") + get("/smuggled"))
    client.connection.data_received(get("/smuggled"))
    assert [request.target for request in client.seen] == ["/a"]
    assert client.transport.closed


@pytest.mark.parametrize("size", [1, 7, 64])
async def test_octets_may_come_in_any_pieces(size):
    raw = (
        get("/a", "X: y")
        + b"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n"
        + get("/c")
    )
    client = Client()
    for at in range(0, len(raw), size):
        client.connection.data_received(raw[at : at + size])
    assert [request.target for request in client.seen] == ["/a", "/b", "/c"]
    assert [piece async for piece in client.seen[1].body] != []
    assert client.seen[2].block.fields == (("host", "a"),)


async def test_what_is_unreadable_is_answered_in_its_turn():
    client = Client(hold=True)
    client.connection.data_received(get("/a") + b"NONSENSE\r\n\r\n")
    assert [request.unreadable for request in client.seen] == [None]
    client.go.fire()
    client.go.fire()
    assert client.seen[1].unreadable.code == "bad-request"
    assert client.transport.closed


@pytest.mark.parametrize(
    ("pieces", "code"),
    [
        ([b"GET /" + b"a" * 9000], "uri-too-long"),
        ([b"GET / HTTP/1.1\r\nX: " + b"a" * 60_000, b"a" * 60_000], "headers-too-large"),
        ([b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 20_000], "headers-too-large"),
    ],
    ids=["target", "line", "lines"],
)  # fmt: skip
async def test_a_head_that_is_too_large_is_refused_before_it_ends(pieces, code):
    """T12."""
    client = Client()
    for piece in pieces:
        client.connection.data_received(piece)
    assert [request.unreadable.code for request in client.seen] == [code]


async def test_a_client_that_leaves_ends_what_is_under_way():
    client = Client(hold=True)
    client.connection.data_received(get("/a") + get("/b"))
    client.connection.connection_lost(None)
    assert client.gone
    assert [request.target for request in client.seen] == ["/a"]
    assert client.transport.written == b""
    assert not client.connection.busy


async def test_a_full_client_is_not_served_further_until_it_reads():
    client = Client()
    client.connection.pause_writing()
    client.connection.data_received(get("/a"))
    assert client.seen == []
    client.connection.resume_writing()
    assert [request.target for request in client.seen] == ["/a"]


async def test_octets_behind_a_wish_to_switch_wait_for_the_answer():
    client = Client(hold=True)
    client.connection.data_received(get("/a", "Connection: upgrade", "Upgrade: x") + get("/b")[:10])
    client.connection.data_received(get("/b")[10:])
    assert [(request.target, request.upgrade) for request in client.seen] == [("/a", True)]
    client.hold = False
    client.go.fire()
    assert [request.target for request in client.seen] == ["/a", "/b"]


async def test_a_quiet_connection_is_closed_and_a_busy_one_is_not():
    client = Client(hold=True)
    client.connection.data_received(get("/a"))
    client.connection.late()
    assert not client.transport.closed
    client.go.fire()
    assert client.connection.deadline > asyncio.get_running_loop().time()
    client.connection.late()
    assert client.transport.closed


async def test_what_was_sent_behind_a_wish_to_switch_is_not_read_once_the_connection_is_closed():
    client = Client(hold=True)
    client.connection.data_received(get("/a", "Connection: upgrade", "Upgrade: x") + get("/b"))
    client.connection.close()
    client.go.fire()
    assert [request.target for request in client.seen] == ["/a"]


async def test_an_empty_line_in_three_pieces_ends_a_head():
    """The lines of the next request are never taken for its own."""
    head = get("/a")
    client = Client()
    for piece in (head[:-3], head[-3:-2], head[-2:] + b"GET /b HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"):
        client.connection.data_received(piece)
    assert [(request.target, request.block.fields) for request in client.seen] == [
        ("/a", (("host", "a"),)),
        ("/b", (("host", "a"), ("x", "y"))),
    ]
