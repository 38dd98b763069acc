"""Connections to creators' servers: one exchange at a time, kept for the next, read no faster than needed.

Written here rather than taken from a client library because the octets have to
arrive as they were sent: a URL type loses a lone ``?``, a header type loses
octets above 127, and a lenient response parser lets two readers differ. The
parser is llhttp (httptools) in its strict mode, one for each message.

Whoever waits for an answer is woken when what was read has been parsed
(`stepping.Signal`), and in the same call: no task, no timer for each request.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import httptools

from gateway.origin.delivery import ClientAborted, OriginAborted
from gateway.origin.head import Head, head_of
from gateway.stepping import Signal, Watch

_NEVER = float("inf")
_BLANK = frozenset({b"\r", b"\n"})
_CODINGS = frozenset({(), (b"chunked",)})
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
        most: connections to one server at one time, in one worker.
        failures: refused connections in a row after which a server is left alone for a moment.
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
    most: int = 1024
    failures: int = 5
    spare: int = 128
    spare_seconds: float = 30.0
    continue_seconds: float = 1.0

    @property
    def tick(self) -> float:
        """How often deadlines are looked at: a quarter of the shortest, at most half a second."""
        return min(0.5, max(0.005, min(self.first_byte, self.idle, self.continue_seconds) / 4))


class OriginLost(Exception):
    """No usable answer came. *untouched*: the connection ended before a single octet of one arrived.

    *by_client*: it was the client that broke its own request off. *late*: it did not come in time.
    """

    def __init__(
        self, why: str, *, untouched: bool = False, by_client: bool = False, late: bool = False
    ) -> None:
        """Say *why*, for the operator."""
        super().__init__(why)
        self.untouched = untouched
        self.by_client = by_client
        self.late = late


class Reply:
    """What the server says to one request, as it arrives. Fed by its connection, read by one reader.

    *news* is fired whenever something of what it knows may have changed.
    """

    __slots__ = (
        "_chunks", "_connection", "_fault", "_head_only", "_heads", "_interim", "_limits", "_parser",
        "_seen", "_until_close", "agreeing", "buffered", "continued", "ended", "failure", "head", "keep_alive",
        "news", "switched",
    )  # fmt: skip

    def __init__(self, connection: OriginConnection, method: str, limits: OriginLimits) -> None:
        """Wait for the answer to a request of *method*."""
        self.head: Head | None = None
        self.agreeing = False
        self.continued = False
        self.ended = False
        self.switched = False
        self.keep_alive = False
        self.failure: OriginLost | None = None
        self.buffered = 0
        self._connection = connection
        self._head_only = method == "HEAD"
        self._limits = limits
        self._parser: Any = httptools.HttpResponseParser(self)
        self._chunks: deque[bytes] = deque()
        self.news = Signal()
        self._heads = b""
        self._seen = 0
        self._interim = 0
        self._until_close = False
        self._fault = ""

    def wake(self) -> None:
        """Let whoever waits look again."""
        self.news.fire()

    def done(self) -> None:
        """Let go of the parser, which holds on to this: nothing more is fed."""
        self._parser = None

    def late(self) -> None:
        """What was waited for did not come in time; silence about a body is consent."""
        if self.agreeing:
            self.continued = True
        elif self.head is None:
            self.fail("the origin did not answer in time", late=True)
        else:
            self.fail("the origin stopped in the middle of its body", late=True)

    def whole(self) -> bytes | None:
        """The body, taken, where all of it is here; None where some is still to come."""
        if not self.ended or self.failure is not None:
            return None
        body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self.buffered = 0
        return body

    async def chunk(self) -> bytes | None:
        """The next piece of the body, or None at its end; raises `OriginAborted` where it breaks off."""
        while not self._chunks:
            if self.failure is not None:
                aborted = ClientAborted if self.failure.by_client else OriginAborted
                raise aborted(str(self.failure)) from self.failure
            if self.ended:
                return None
            if not self.switched:  # a tunnel may be silent for as long as its two ends like
                self._connection.allow(self._limits.idle)
            await self.news
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
            self._heads = self._heads + data if self._heads else data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as switch:
            # A switch that follows a whole answer is not ours; it has spoiled the connection already.
            if self.head is not None and self.head.status == 101:
                self.switched = True
                if rest := data[switch.args[0] :]:
                    self.on_body(rest)
        except httptools.HttpParserError as error:
            self.fail(self._fault or f"what the origin sent is not HTTP: {error}")
        if self.head is not None:
            self._heads = b""
        elif self._seen > self._limits.head_bytes:
            self.fail("the head of the origin's answer is too large")

    def lost(self, error: Exception | None) -> None:
        """The connection is gone: the end of a body without a length, or a failure."""
        if self.head is not None and (self._until_close or self.switched) and error is None:
            self.ended = True
        elif not self.ended:
            untouched = self.head is None and self._seen == 0
            self.fail(f"the origin closed the connection{f': {error}' if error else ''}", untouched=untouched)

    def fail(self, why: str, *, untouched: bool = False, by_client: bool = False, late: bool = False) -> None:
        """Give this answer up, and its connection; *by_client* says whose doing it was.

        Whoever waits is not woken yet: a parser may be at work.
        """
        if self.ended:
            # The message was whole; what follows it is not ours, nor is a connection that sends it.
            self.keep_alive = False
            return
        if self.failure is None:
            self.failure = OriginLost(why, untouched=untouched, by_client=by_client, late=late)
        self._connection.abort()

    # What httptools calls.

    def on_message_begin(self) -> None:
        """A message begins; a second one that nobody asked for spoils the connection."""
        if self.ended:
            self.keep_alive = False

    def on_headers_complete(self) -> None:
        """Take the head as final, or drop it where it is an interim answer."""
        if self.head is not None:
            return
        # The parser has seen the empty line, so it is there; blank lines before an answer are skipped.
        heads = self._heads if self._heads[:1] not in _BLANK else self._heads.lstrip(b"\r\n")
        end = heads.find(b"\r\n\r\n")
        raw, self._heads = heads[:end], heads[end + 4 :]
        if len(raw) > self._limits.head_bytes:
            self._refuse("the head of the origin's answer is too large")
        if raw.count(b"\r\n") > self._limits.head_fields:
            self._refuse("the origin's answer has too many header lines")
        status = self._parser.get_status_code()
        if status < 200 and status != 101:
            self._interim += 1
            if self._interim > _MOST_INTERIM or status < 100:
                self._refuse("the origin sends interim answers without end")
            self.continued = self.continued or status == 100
            return
        head = head_of(raw, status)
        if head.fault:
            self._refuse(head.fault)
        if head.codings not in _CODINGS:
            self._refuse("the origin uses a transfer coding that was not offered")
        self.keep_alive = self._parser.should_keep_alive() and status != 101
        if status == 101 and not self._parser.should_upgrade():
            self._refuse("the origin switches protocols without saying to which")
        self.head = head
        if status in {204, 304} or (self._head_only and status != 101):
            self.ended = True
        else:
            self._until_close = not head.codings and head.length < 0

    def on_body(self, data: bytes) -> None:
        """Hold a piece of the body until it is read; a body where none may be spoils the connection."""
        if self.ended:
            self.keep_alive = False
            return
        self._chunks.append(data)
        self.buffered += len(data)
        self._connection.filled(self.buffered)

    def on_message_complete(self) -> None:
        """The body is whole."""
        if self.head is not None and self.head.status != 101:
            self.ended = True

    def _refuse(self, why: str) -> None:
        self._fault = why
        raise ValueError(why)


class OriginConnection(asyncio.Protocol):
    """One connection to a server. `begin` an exchange, write it, read its `Reply`."""

    __slots__ = (
        "_full", "_limits", "_loop", "_reading", "_reply", "_transport", "_watch", "_writable", "closed", "deadline",
        "gone", "spare_since", "used",
    )  # fmt: skip

    def __init__(self, limits: OriginLimits, watch: Watch) -> None:
        """Be ready to be connected."""
        self.closed = False
        self.used = False
        self.spare_since = 0.0
        self.deadline = _NEVER
        self.gone: Callable[[], None] | None = None
        self._limits = limits
        self._watch = watch
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reply: Reply | None = None
        self._reading = True
        self._full = False
        self._writable = Signal()

    def begin(self, method: str) -> Reply:
        """Expect the answer to a request of *method*."""
        self._reply = reply = Reply(self, method, self._limits)
        if self.closed:
            # It is nobody's to watch any more: no event and no clock would tell.
            reply.fail("the origin closed the connection", untouched=True)
        return reply

    def allow(self, seconds: float) -> float:
        """Call the server late after *seconds*, unless it speaks before; returns that moment."""
        self.deadline = self._loop.time() + seconds
        return self.deadline

    def late(self) -> None:
        """It is: the answer fails, and with it whoever waits for it or writes to it."""
        self.deadline = _NEVER
        reply = self._reply
        if reply is None:
            self.abort()
            return
        reply.late()
        reply.wake()

    def rest(self) -> bool:
        """End the exchange; False where the connection is of no further use, and closed."""
        reply, self._reply = self._reply, None
        self.deadline = _NEVER
        if reply is not None:
            reply.done()
        if self.closed or reply is None or not reply.ended or not reply.keep_alive:
            self.abort()
            return False
        self.used = True
        if not self._reading:
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
        while self._full and not self.closed:
            self.allow(self._limits.idle)
            await self._writable
            self.deadline = _NEVER
        failure = self._reply.failure if self._reply is not None else None
        if failure is not None and failure.late:
            raise TimeoutError(str(failure))

    def abort(self) -> None:
        """Close now, without a word."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()
        if self._full:
            self._writable.fire()

    def filled(self, buffered: int) -> None:
        """Pause reading once *buffered* octets wait to be read."""
        if self._reading and buffered > self._limits.window_bytes and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()

    def drained(self, buffered: int) -> None:
        """Read on once few octets wait."""
        if self._reading or buffered > self._limits.window_bytes // 2:
            return
        if not self.closed and self._transport is not None:
            self._reading = True
            self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._watch.add(self)

    def data_received(self, data: bytes) -> None:
        """Hand octets to the reply; an unused connection that speaks is closed."""
        reply = self._reply
        if reply is None:
            self.abort()
            return
        self.deadline = _NEVER
        reply.feed(data)
        reply.wake()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the reply, and whoever counts connections."""
        self.closed = True
        if self.gone is not None:
            self.gone()
        self._watch.discard(self)
        reply = self._reply
        if reply is not None:
            reply.lost(error)
            reply.wake()
        if self._full:
            self._writable.fire()

    def pause_writing(self) -> None:
        """Remember that the server takes nothing at the moment."""
        self._full = True

    def resume_writing(self) -> None:
        """Let the writer go on."""
        self._full = False
        self._writable.fire()
