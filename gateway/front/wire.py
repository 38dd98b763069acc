"""One client connection: what aiohttp reads from it, and every octet that is written to it.

`ClientConnection` is aiohttp's protocol with our answers to what its parser
refuses. `RequestBody` is the client's body under our clocks. `write_answer`
frames and writes an `Answer`; nothing is added to its headers but framing, not
even a Date. A body that breaks off ends in a reset, so that no client can take
the part for the whole.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from gateway.front.answer import Answer
from gateway.front.guard import FIELD_BYTES, FIELDS, TARGET_BYTES
from gateway.front.responses import refused
from gateway.origin.forwarding import BodyBroken
from gateway.problems import Problem, Refusal

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "trailer"})
_LINGER = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a client may take, in seconds, and how much one connection may do.

    Attributes:
        header: from a connection's start, or from the end of an answer, to a whole head.
        body_idle: between two pieces of a request's body.
        body_rate: octets a second that a body must reach on average after *body_grace* seconds.
        write_idle: for a full write buffer to empty.
        tunnel_idle: without an octet in either direction.
        tunnel_rest: for the origin to end a tunnel once the client has.
        linger: how long an unread body is thrown away before the connection is closed.
        desk: for one request at the license desk.
        requests: on one connection, after which it is closed.
        overhead: octets of chunk framing beyond sixteen for each octet of a body.
        idle_in_drain: how long a connection must have been quiet before a drain closes it.
    """

    header: float = 15.0
    body_idle: float = 10.0
    body_rate: int = 1024
    body_grace: float = 10.0
    write_idle: float = 30.0
    tunnel_idle: float = 600.0
    tunnel_rest: float = 30.0
    linger: float = 2.0
    desk: float = 60.0
    requests: int = 10_000
    overhead: int = 1 << 20
    idle_in_drain: float = 2.0


class Written(web.StreamResponse):
    """Tells aiohttp that the response has been written."""

    def __init__(self, unwritten: Answer | None = None, *, keep_alive: bool = False) -> None:
        """Close the connection afterwards unless *keep_alive*; *unwritten* is still to be written."""
        super().__init__()
        self._unwritten = unwritten
        self._keep_alive = keep_alive

    async def prepare(self, request: web.BaseRequest) -> Any:
        """Write what there is to write."""
        if self._unwritten is not None:
            await write_answer(request, self._unwritten, Limits(), close=True, unread=True)

    async def write_eof(self, data: bytes = b"") -> None:
        """Add nothing."""
        assert not data


class ClientConnection(web.RequestHandler):
    """aiohttp's connection, which answers unreadable requests in our words and hands tunnels on."""

    __slots__ = ("_body", "_discarding", "_wire", "busy", "overhead", "quiet_since", "served")

    def __init__(self, manager: web.Server, *, overhead: int, **options: Any) -> None:
        """Serve for *manager*, whose other options are aiohttp's."""
        super().__init__(manager, **options)
        self.overhead = overhead
        self.busy = False
        self.quiet_since = self._loop.time()
        self.served = 0
        self._body: Any = None
        self._wire = 0
        self._discarding = False

    def data_received(self, data: bytes) -> None:
        """Parse; a body whose framing breaks, or is mostly framing, fails now and not at its deadline."""
        self.quiet_since = self._loop.time()
        if self._discarding:
            return
        super().data_received(data)
        broken = False
        for message, payload in reversed(self._messages):
            if isinstance(message, RawRequestMessage):
                if payload is not self._body:
                    self._body, self._wire = payload, 0
                break
            broken = True
        body = self._body
        if body is None or body.is_eof():
            return
        self._wire += len(data)
        if broken or self._wire > 16 * body.total_bytes + self.overhead:
            body.set_exception(web.RequestPayloadError("the framing of the body is broken"))

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Pass the end of a tunnel on; elsewhere a client that stops talking is gone."""
        if self._payload_parser is None:
            return None
        self._payload_parser.feed_eof()
        return True

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002
        status: int = 500,  # noqa: ARG002
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002
    ) -> web.StreamResponse:
        """Answer what the parser could not read, in the words of `problems`."""
        if isinstance(exc, LineTooLong) and exc.args[1] == TARGET_BYTES:
            refusal = Refusal(Problem.URI_TOO_LONG, f"A request target may have {TARGET_BYTES} octets.")
        elif isinstance(exc, LineTooLong):
            detail = f"A header line may have {FIELD_BYTES} octets."
            refusal = Refusal(Problem.HEADERS_TOO_LARGE, detail)
        elif isinstance(exc, BadHttpMessage) and exc.message == "Too many headers received":
            refusal = Refusal(Problem.HEADERS_TOO_LARGE, f"A request may have {FIELDS} header lines.")
        else:
            refusal = Refusal(Problem.BAD_REQUEST, "The request could not be read as HTTP.")
        manager = self._manager
        if isinstance(manager, ClientServer):
            manager.unreadable(refusal)
        return Written(refused_early(refusal))

    async def linger(self, seconds: float) -> None:
        """Say that we are done, and throw away what the client still sends, so that it reads our answer.

        Closing with octets unread would reset the connection, and the answer
        would be lost with it. Ends with the client's connection, or after *seconds*.
        """
        self._discarding = True
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if transport.can_write_eof():
            transport.write_eof()
        if not transport.is_reading():
            transport.resume_reading()
        await asyncio.sleep(seconds)


class ClientServer(web.Server):
    """aiohttp's low-level server, making our connections. *unreadable* hears of every request that is none."""

    def __init__(self, handler: Any, *, limits: Limits, unreadable: Callable[[Refusal], None]) -> None:
        """Serve requests with *handler*."""
        super().__init__(handler, handler_cancellation=True)
        self.unreadable = unreadable
        self._limits = limits

    def __call__(self) -> ClientConnection:
        """Make the protocol of one connection."""
        limits = self._limits
        return ClientConnection(
            self,
            overhead=limits.overhead,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=limits.header,
            lingering_time=0,
            max_line_size=TARGET_BYTES,
            max_field_size=FIELD_BYTES,
            max_headers=FIELDS,
            auto_decompress=False,
            access_log=None,
        )


class RequestBody:
    """The client's body, read as it is asked for; ``100 Continue`` is sent with the first piece wanted.

    Raises `BodyBroken` for a body that stalls, crawls, or is not framed as announced.
    """

    def __init__(self, request: web.BaseRequest, limits: Limits, *, waits: bool) -> None:
        """Read nothing yet. *waits*: the client expects ``100 Continue``."""
        self._request = request
        self._limits = limits
        self._waits = waits
        self._began = 0.0
        self._read = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate once."""
        return self

    async def __anext__(self) -> bytes:
        """The next piece, as it arrived and still content-coded."""
        now = asyncio.get_running_loop().time
        self._began = self._began or now()
        if self._waits:
            self._waits = False
            await self._request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            async with asyncio.timeout(self._limits.body_idle):
                piece = await self._request.content.readany()
        except TimeoutError:
            raise BodyBroken(
                Refusal(Problem.REQUEST_TIMEOUT, "The body of the request stopped arriving.")
            ) from None
        except (web.RequestPayloadError, ConnectionError) as error:
            detail = "The body of the request is not framed as announced."
            raise BodyBroken(Refusal(Problem.BAD_REQUEST, detail)) from error
        if not piece:
            raise StopAsyncIteration
        self._read += len(piece)
        elapsed = now() - self._began
        if elapsed > self._limits.body_grace and self._read < self._limits.body_rate * elapsed:
            raise BodyBroken(Refusal(Problem.REQUEST_TIMEOUT, "The body of the request arrives too slowly."))
        return piece


def refused_early(refusal: Refusal) -> Answer:
    """The answer to a request that never became an ask; it ends the connection."""
    answer = refused(refusal, None, None, None)
    answer.close = True
    return answer


def broken_answer() -> Answer:
    """What is said when something of ours broke; the log says what."""
    body = b'{"type":"about:blank","title":"Internal Server Error","status":500}'
    headers = (
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    )
    return Answer(500, "Internal Server Error", headers, _once(body), close=True)


async def write_answer(
    request: web.BaseRequest, answer: Answer, limits: Limits, *, close: bool, unread: bool = False
) -> Written:
    """Write *answer*, whatever becomes of the client, and let go of it.

    The chunks are read to their end or closed. *close* ends the connection
    after this answer, as `Answer.close` does and an unread request body, or
    whatever else is still to come (*unread*).

    Raises:
        ConnectionError: the client is gone, or has taken nothing for too long.
        ValueError: the answer cannot be written, or was not as long as announced.
    """
    close = close or answer.close or not request.keep_alive or unread or not request.content.is_eof()
    try:
        head, framing = head_of(answer, request.method, close=close, chunkable=request.version == (1, 1))
        try:
            await _written(request, answer, head, framing, limits)
        except BaseException:
            # A head alone would look like an empty body to a client that reads to the end.
            abort(request)
            raise
    finally:
        await let_go(answer)
    if (unread or not request.content.is_eof()) and isinstance(request.protocol, ClientConnection):
        await request.protocol.linger(limits.linger)
    return Written(keep_alive=not framing.close)


async def let_go(answer: Answer) -> None:
    """Close the chunks of *answer*, so that whoever makes them learns that nobody reads on."""
    aclose = getattr(answer.chunks, "aclose", None)
    if aclose is not None:
        await aclose()


def abort(request: web.BaseRequest) -> None:
    """Reset the connection: what was sent so far must not look complete."""
    transport = request.transport
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        with socket.socket(fileno=os.dup(sock.fileno())) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    transport.abort()


@dataclass(frozen=True, slots=True)
class Framing:
    """How the end of the body is told: *length* octets, chunks, the end of the connection, or no body."""

    close: bool
    length: int = -1
    chunked: bool = False
    bodiless: bool = False


async def _written(
    request: web.BaseRequest, answer: Answer, head: bytes, framing: Framing, limits: Limits
) -> None:
    writer, sent = request.writer, 0
    await writer.write(head)
    if answer.chunks is not None:
        async for chunk in answer.chunks:
            if not chunk or framing.bodiless:
                continue
            sent += len(chunk)
            if 0 <= framing.length < sent:
                break
            framed = b"%x\r\n%b\r\n" % (len(chunk), chunk) if framing.chunked else chunk
            await passed_on(request, framed, limits.write_idle)
    if framing.length not in {-1, sent} and not framing.bodiless:
        raise ValueError(f"a body of {framing.length} octets was announced, not of {sent}")
    await passed_on(request, b"0\r\n\r\n" if framing.chunked else b"", limits.write_idle)


async def passed_on(request: web.BaseRequest, data: bytes, seconds: float) -> None:
    """Write *data* and wait until the client may be sent more; raises `ConnectionError` after *seconds*."""
    try:
        async with asyncio.timeout(seconds):
            if data:
                await request.writer.write(data)
            await request.writer.drain()
    except TimeoutError:
        raise ConnectionAbortedError("the client takes nothing") from None


def head_of(answer: Answer, method: str, *, close: bool, chunkable: bool) -> tuple[bytes, Framing]:
    """The head of *answer* to a request of *method*, and how its body is framed.

    A length that is announced is kept; otherwise the body is sent in chunks
    where the client understands them (*chunkable*), and up to the connection's
    end where it does not. Raises `ValueError` on a line break in a header.
    """
    fields = [
        (name, value)
        for name, value in answer.headers
        if name.lower() not in _HOP_BY_HOP and (name.lower() != "upgrade" or answer.status == 101)
    ]
    length, chunked = -1, False
    bodiless = method == "HEAD" or answer.status < 200 or answer.status in {204, 304}
    if answer.status < 200 or answer.status == 204:
        fields = [field for field in fields if field[0].lower() != "content-length"]
    elif lengths := [value for name, value in fields if name.lower() == "content-length"]:
        length = int(lengths[0])
    elif bodiless:
        pass
    elif answer.chunks is None:
        fields.append(("Content-Length", "0"))
        length = 0
    elif chunkable:
        fields.append(("Transfer-Encoding", "chunked"))
        chunked = True
    else:
        close = True
    if answer.status == 101:
        fields.append(("Connection", "Upgrade"))
    elif close:
        fields.append(("Connection", "close"))
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}", *(f"{name}: {value}" for name, value in fields)]
    text = "\r\n".join([*lines, "", ""])
    if text.count("\n") != len(lines) + 1 or text.count("\r") != len(lines) + 1 or "\0" in text:
        raise ValueError("a header of an answer holds a line break")
    return text.encode("utf-8", "surrogateescape"), Framing(close, length, chunked, bodiless)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
