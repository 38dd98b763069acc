"""Connections to creators' servers: one exchange at a time, kept for the next, read no faster than needed.

Written here rather than taken from a client library because the octets have to
arrive as they were sent: a URL type loses a lone ``?``, a header type loses
octets above 127, and a lenient response parser lets two readers differ. The
parser is llhttp (httptools) in its strict mode, one for each message.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass
from typing import cast

import httptools

from gateway.origin.delivery import ClientAborted, Headers, OriginAborted
from gateway.origin.routing import Upstream

#: More interim answers (103 Early Hints, 102) than this before the real one are a fault.
_MOST_INTERIM = 16


@dataclass(frozen=True, slots=True)
class OriginLimits:
    """How long the creator's server may take, in seconds, and how much it may say.

    Attributes:
        connect: for a connection, name resolution and TLS included.
        first_byte: from the end of the request to the end of the answer's head.
        idle: between two pieces of a body, in either direction.
        head_bytes: octets of an answer's head, interim answers included.
        head_fields: header lines of it.
        window_bytes: octets of a body held here before reading pauses.
        spare: unused connections kept to one server.
        spare_seconds: how long one is kept; below the 60 to 75 s that servers keep theirs.
        continue_seconds: how long ``100 Continue`` is waited for before the body is sent anyway.
    """

    connect: float = 3.0
    first_byte: float = 30.0
    idle: float = 30.0
    head_bytes: int = 64 * 1024
    head_fields: int = 200
    window_bytes: int = 128 * 1024
    spare: int = 64
    spare_seconds: float = 30.0
    continue_seconds: float = 1.0


class OriginLost(Exception):
    """No usable answer came. *untouched*: the connection ended before a single octet of one arrived.

    *by_client*: it was the client that broke its own request off.
    """

    def __init__(self, why: str, *, untouched: bool = False, by_client: bool = False) -> None:
        """Say *why*, for the operator."""
        super().__init__(why)
        self.untouched = untouched
        self.by_client = by_client


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and header fields of a final answer, as they stood."""

    status: int
    reason: str
    headers: Headers


class Reply:
    """What the server says to one request, as it arrives. Fed by its connection, read by one reader."""

    def __init__(self, connection: OriginConnection, method: str, limits: OriginLimits) -> None:
        """Wait for the answer to a request of *method*."""
        self.head: Head | None = None
        self.continued = False
        self.ended = False
        self.switched = False
        self.keep_alive = False
        self.failure: OriginLost | None = None
        self.buffered = 0
        self._connection = connection
        self._head_only = method == "HEAD"
        self._limits = limits
        self._parser = httptools.HttpResponseParser(self)
        self._chunks: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._fields: list[tuple[str, str]] = []
        self._reason = b""
        self._seen = 0
        self._spelled = 0
        self._interim = 0
        self._until_close = False
        self._fault = ""

    async def changed(self) -> None:
        """Wait until something of the above may have changed."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def wake(self) -> None:
        """Let whoever waits look again."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def chunk(self) -> bytes | None:
        """The next piece of the body, or None at its end; raises `OriginAborted` where it breaks off."""
        while not self._chunks:
            if self.failure is not None:
                aborted = ClientAborted if self.failure.by_client else OriginAborted
                raise aborted(str(self.failure)) from self.failure
            if self.ended:
                return None
            try:
                # A tunnel may be silent for as long as its two ends like.
                async with asyncio.timeout(None if self.switched else self._limits.idle):
                    await self.changed()
            except TimeoutError:
                self.fail("the origin stopped in the middle of its body")
        piece = self._chunks.popleft()
        self.buffered -= len(piece)
        self._connection.drained(self.buffered)
        return piece

    def feed(self, data: bytes) -> None:
        """Take octets from the connection."""
        if self.switched:
            self.on_body(data)
            return
        if self.head is None:
            self._seen += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as switch:
            self._switch(data[switch.args[0] :])
        except httptools.HttpParserError as error:
            self.fail(self._fault or f"what the origin sent is not HTTP: {error}")
        if self.head is None and self._seen > self._limits.head_bytes:
            self.fail("the head of the origin's answer is too large")

    def lost(self, error: Exception | None) -> None:
        """The connection is gone: the end of a body without a length, or a failure."""
        if self.head is not None and (self._until_close or self.switched) and error is None:
            self.ended = True
            self.wake()
        elif not self.ended:
            untouched = self.head is None and self._seen == 0
            self.fail(f"the origin closed the connection{f': {error}' if error else ''}", untouched=untouched)

    def fail(self, why: str, *, untouched: bool = False, by_client: bool = False) -> None:
        """Give this answer up, and its connection; *by_client* says whose doing it was."""
        if self.ended:
            # The message was whole; what follows it is not ours, nor is a connection that sends it.
            self.keep_alive = False
            return
        if self.failure is None:
            self.failure = OriginLost(why, untouched=untouched, by_client=by_client)
        self._connection.abort()
        self.wake()

    # What httptools calls.

    def on_message_begin(self) -> None:
        """A message begins; a second one that nobody asked for spoils the connection."""
        if self.ended:
            self.keep_alive = False

    def on_status(self, reason: bytes) -> None:
        """Keep the reason phrase."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header line; those behind the body (trailers) are dropped."""
        if self.head is None:
            self._fields.append((_text(name), _text(value.rstrip(b" \t"))))
            self._spelled += len(name) + len(value)
            if len(self._fields) > self._limits.head_fields:
                self._refuse("the origin's answer has too many header lines")
            if self._spelled > self._limits.head_bytes:
                self._refuse("the head of the origin's answer is too large")

    def on_headers_complete(self) -> None:
        """Take the head as final, or drop it where it is an interim answer."""
        if self.head is not None:
            return
        status = self._parser.get_status_code()
        fields, self._fields = tuple(self._fields), []
        if status < 200 and status != 101:
            self._interim += 1
            if self._interim > _MOST_INTERIM or status < 100:
                self._refuse("the origin sends interim answers without end")
            self.continued = self.continued or status == 100
            self._reason = b""
            self.wake()
            return
        if self._parser.get_http_version() not in {"1.0", "1.1"}:
            self._refuse("the origin answers in another version of HTTP")
        codings = [value.lower() for name, value in fields if name.lower() == "transfer-encoding"]
        if codings not in ([], ["chunked"]):
            self._refuse("the origin uses a transfer coding that was not offered")
        self.keep_alive = self._parser.should_keep_alive() and status != 101
        sized = any(name.lower() == "content-length" for name, _ in fields)
        self.head = Head(status, _text(self._reason), fields)
        if self._head_only or status in {204, 304}:
            self.ended = True
        else:
            self._until_close = not codings and not sized
        self.wake()

    def on_body(self, data: bytes) -> None:
        """Hold a piece of the body until it is read; a body where none may be spoils the connection."""
        if self.ended:
            self.keep_alive = False
            return
        self._chunks.append(data)
        self.buffered += len(data)
        self._connection.filled(self.buffered)
        self.wake()

    def on_message_complete(self) -> None:
        """The body is whole."""
        if self.head is not None and self.head.status != 101:
            self.ended = True
            self.wake()

    def _switch(self, rest: bytes) -> None:
        self.switched = True
        if rest:
            self.on_body(rest)
        self.wake()

    def _refuse(self, why: str) -> None:
        self._fault = why
        raise ValueError(why)


class OriginConnection(asyncio.Protocol):
    """One connection to a server. `begin` an exchange, write it, read its `Reply`."""

    def __init__(self, limits: OriginLimits) -> None:
        """Be ready to be connected."""
        self.closed = False
        self.used = False
        self.spare_since = 0.0
        self._limits = limits
        self._transport: asyncio.Transport | None = None
        self._reply: Reply | None = None
        self._reading = True
        self._full = False
        self._waiter: asyncio.Future[None] | None = None

    def begin(self, method: str) -> Reply:
        """Expect the answer to a request of *method*."""
        self._reply = Reply(self, method, self._limits)
        return self._reply

    def rest(self) -> bool:
        """End the exchange; False where the connection is of no further use, and closed."""
        reply, self._reply = self._reply, None
        if self.closed or reply is None or not reply.ended or not reply.keep_alive:
            self.abort()
            return False
        self.used = True
        self.drained(0)
        return True

    def write(self, data: bytes) -> None:
        """Hand octets on; nothing happens on a closed connection, whose `Reply` says why."""
        if self._transport is not None and not self.closed:
            self._transport.write(data)

    def write_eof(self) -> None:
        """Say that no more octets come, where the transport can."""
        if self._transport is not None and not self.closed and self._transport.can_write_eof():
            self._transport.write_eof()

    async def drain(self) -> None:
        """Wait while the server takes nothing; raises `TimeoutError` when it has not for too long."""
        if not self._full or self.closed:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._limits.idle):
                await self._waiter
        finally:
            self._waiter = None

    def abort(self) -> None:
        """Close now, without a word."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()
        self._release()

    def filled(self, buffered: int) -> None:
        """Pause reading once *buffered* octets wait to be read."""
        if self._reading and buffered > self._limits.window_bytes and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()

    def drained(self, buffered: int) -> None:
        """Read on once few octets wait."""
        idle = not self._reading and buffered <= self._limits.window_bytes // 2
        if idle and not self.closed and self._transport is not None:
            self._reading = True
            self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand octets to the reply; an unused connection that speaks is closed."""
        if self._reply is None:
            self.abort()
        else:
            self._reply.feed(data)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the reply."""
        self.closed = True
        if self._reply is not None:
            self._reply.lost(error)
        self._release()

    def pause_writing(self) -> None:
        """Remember that the server takes nothing at the moment."""
        self._full = True

    def resume_writing(self) -> None:
        """Let the writer go on."""
        self._full = False
        self._release()

    def _release(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _text(octets: bytes) -> str:
    """Text that turns back into the same octets, whatever they are."""
    return octets.decode("utf-8", "surrogateescape")


class Connections:
    """Spare connections by server."""

    def __init__(self, limits: OriginLimits, tls: ssl.SSLContext | None = None) -> None:
        """Keep none yet. *tls* checks certificates; None is the system's list of authorities."""
        self._limits = limits
        self._tls = tls
        self._spare: dict[Upstream, deque[OriginConnection]] = {}

    async def take(self, upstream: Upstream, *, fresh: bool = False) -> OriginConnection:
        """A connection to *upstream*, a spare one unless *fresh*.

        Raises:
            OSError: it cannot be reached; `TimeoutError` if not in time.
        """
        loop = asyncio.get_running_loop()
        spare = self._spare.get(upstream)
        while spare and not fresh:
            connection = spare.pop()
            if not connection.closed and loop.time() - connection.spare_since < self._limits.spare_seconds:
                return connection
            connection.abort()
        tls = None
        if upstream.scheme == "https":
            tls = self._tls = self._tls or ssl.create_default_context()
        async with asyncio.timeout(self._limits.connect):
            _, made = await loop.create_connection(
                lambda: OriginConnection(self._limits), upstream.host, upstream.port, ssl=tls
            )
        return made

    def give_back(self, upstream: Upstream, connection: OriginConnection) -> None:
        """Keep *connection* for the next exchange, where it is of use."""
        if not connection.rest():
            return
        now = asyncio.get_running_loop().time()
        connection.spare_since = now
        spare = self._spare.setdefault(upstream, deque())
        spare.append(connection)
        while spare and (
            len(spare) > self._limits.spare or now - spare[0].spare_since > self._limits.spare_seconds
        ):
            spare.popleft().abort()

    def close(self) -> None:
        """Close every spare connection."""
        for spare in self._spare.values():
            for connection in spare:
                connection.abort()
        self._spare.clear()
