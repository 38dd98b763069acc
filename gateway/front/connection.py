"""One client connection: octets in, requests out, each answered before the next is begun.

The parser is llhttp (httptools) in its strict mode, and what it leaves open the
guard decides. A request is begun as soon as its head is whole; its run
(`stepping`) usually ends in the call that began it, or in the one that brings
the origin's answer. Requests sent ahead wait in order; when too many do,
reading pauses, and beyond `Limits.ahead` the connection ends behind them.

Where framing is in doubt nothing behind the doubt is read: the refusal is
written, and the connection closed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol, cast

import httptools

from gateway.front.guard import FIELDS, FIELDS_BYTES, TARGET_BYTES
from gateway.front.header_block import header_block
from gateway.front.limits import Limits
from gateway.front.request import Request
from gateway.front.request_body import RequestBody
from gateway.problems import Problem, Refusal
from gateway.stepping import Run, Signal, Watch
from gateway.visitors.client_address import ClientAddress

_log = logging.getLogger("licet.connection")
_RESET = struct.pack("ii", 1, 0)
_NEVER = float("inf")
#: Requests that wait for their turn before reading pauses.
_WAITING = 16
#: Longer than any request line and all fields that the guard lets pass.
_HEAD_BYTES = TARGET_BYTES + FIELDS_BYTES + 4 * FIELDS + 64
_EMPTY = b"\r\n\r\n"
_BLANK = frozenset({b"\r", b"\n"})
_VERSIONS = {b"HTTP/1.1": (1, 1), b"HTTP/1.0": (1, 0)}


#: Stands for the run of a connection that is gone.
_ENDED: Run[None] = Run(lambda _: None)


class _Stop(Exception):
    """Raised into the parser: nothing more of this connection is read."""


class TunnelEnd(Protocol):
    """Takes the client's octets once the connection speaks another protocol."""

    def feed(self, data: bytes) -> None:
        """Take *data*."""
        ...

    def feed_eof(self) -> None:
        """The client sends no more."""
        ...

    def late(self) -> None:
        """Nobody has spoken for too long."""
        ...


class ClientConnection(asyncio.Protocol):
    """Reads requests and hands each to *serve*, one at a time; *watch* holds its clocks.

    *client* is whoever is asked for the client's address to remember, where it cannot change.
    *source* is the client's address where the socket's other end is not the
    client, "" where nobody says it. With *refusal* that is the answer, and
    nothing is read.
    """

    __slots__ = (
        "_advancing", "_ahead", "_began", "_body", "_ended", "_head", "_left", "_lingering", "_loop", "_no_more",
        "_parser", "_queue", "_reading", "_refusal", "_run", "_serve", "_source", "_tail", "_watch", "_writable",
        "client", "deadline", "full", "gone", "limits", "peer", "quiet_since", "secure", "served", "transport", "tunnel",
    )  # fmt: skip

    def __init__(
        self,
        serve: Callable[[ClientConnection, Request], Coroutine[Any, Any, None]],
        *,
        limits: Limits,
        watch: Watch,
        ended: Callable[[ClientConnection], None],
        began: Callable[[ClientConnection], None] = lambda _: None,
        source: str | None = None,
        refusal: Refusal | None = None,
    ) -> None:
        """Wait for the connection. *began* is called once it is made, *ended* once it is gone."""
        self.limits = limits
        self.transport: asyncio.Transport = cast("asyncio.Transport", None)
        self.client: ClientAddress | None = None
        self.peer = ""
        self.secure = False
        self.served = 0
        self.gone = False
        self.deadline = _NEVER
        self.quiet_since = 0.0
        self.tunnel: TunnelEnd | None = None
        self._serve = serve
        self._source, self._refusal = source, refusal
        self._began, self._ended = began, ended
        self._watch = watch
        self._loop = asyncio.get_running_loop()
        self._parser: Any = httptools.HttpRequestParser(self)
        self._queue: deque[Request] = deque()
        self._run: Run[None] = Run(self._done)
        self._body: RequestBody | None = None
        self._head = self._tail = b""
        self._left = 0
        self._ahead: bytearray | None = None
        self._advancing = self.full = self._no_more = self._lingering = False
        self._reading = True
        self._writable = Signal()

    # What is read.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock of the first head."""
        self.transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else ""
        if self._source is not None:
            self.peer = self._source
        self.secure = transport.get_extra_info("sslcontext") is not None
        self.quiet_since = self._loop.time()
        self.deadline = self.quiet_since + self.limits.header
        self._watch.add(self)
        self._began(self)
        if self._refusal is not None:
            self._unreadable(self._refusal)
            self._advance()

    def data_received(self, data: bytes) -> None:
        """Parse, and answer what can be answered."""
        if self.tunnel is not None:
            self.tunnel.feed(data)
            return
        if self._no_more:
            return
        if self._ahead is not None:
            self._ahead += data
            if len(self._ahead) > self.limits.window:
                self.pause_reading()
            return
        self._read(data)
        if not self._run.active:
            self._advance()
        elif len(self._queue) > _WAITING:
            self.pause_reading()

    def _read(self, data: bytes) -> None:
        """Feed the parser in pieces that end where a head or a chunked body may end.

        So it is known, without a callback for each line, which octets a head was
        made of, and what follows a message is never read before its turn.
        """
        at, size = 0, len(data)
        if self._body is None and not self._head and size <= _HEAD_BYTES and data.find(_EMPTY) == size - 4:
            # One head and nothing else: what nearly always comes.
            self._head, self._tail = data, b""
            self._fed(data, b"")
            return
        while at < size and not self._no_more:
            body = self._body
            end = min(size, at + self._left) if self._left else self._empty_line(data, at)
            piece = data if end - at == size else data[at:end]
            if body is None:
                self._head = (self._head + piece).lstrip(b"\r\n") if self._head else piece
                if len(self._head) > _HEAD_BYTES:
                    self._too_large()
                    return
            if not self._fed(piece, data[end:] if end < size else b""):
                return
            if body is not None:
                self._left = max(0, self._left - (end - at))
                body.passed(end - at)
            at = end
        if self._body is None and len(self._head) > TARGET_BYTES + 64 and b"\r\n" not in self._head.lstrip():
            self._too_large()

    def _fed(self, piece: bytes, rest: bytes) -> bool:
        """Feed *piece* to the parser; False where the *rest* must wait for the answer."""
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            # What follows is another protocol or the next request: the origin's answer decides.
            self._ahead = bytearray(rest)
            return False
        except httptools.HttpParserError:
            self._unreadable(Refusal(Problem.BAD_REQUEST, "The request could not be read as HTTP."))
        return True

    def _empty_line(self, data: bytes, at: int) -> int:
        """Where the next empty line of *data* ends, or its end; the line may have begun in the last piece."""
        tail = b""
        if at == 0 and self._tail:
            tail, self._tail = self._tail, b""
            found = (tail + data[:3]).find(_EMPTY)
            if found >= 0:
                return found + 4 - len(tail)
        found = data.find(_EMPTY, at)
        if found >= 0:
            return found + 4
        self._tail = (tail + data)[-3:] if len(data) < 3 else data[-3:]
        return len(data)

    def eof_received(self) -> bool:
        """Pass the end of a tunnel on; elsewhere a client that stops talking is gone."""
        if self.tunnel is None:
            return False
        self.tunnel.feed_eof()
        return not self.secure  # TLS knows no half of a connection

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """End whatever is under way: nobody reads on."""
        self.gone = True
        self._watch.discard(self)
        self._queue.clear()
        if self._body is not None:
            self._body.fail(Refusal(Problem.BAD_REQUEST, "The client left in the middle of its request."))
        run = self._run
        run.cancel()
        # Parser and run hold on to this; what still runs lets go when it has ended.
        self._parser = None
        if not run.active:
            self._run = _ENDED
        self._ended(self)

    def late(self) -> None:
        """A clock ran out: of a head, a body, a write, or a tunnel."""
        self.deadline = _NEVER
        if self.full or self.transport.is_closing():
            self.abort()
        elif self.tunnel is not None:
            self.tunnel.late()
        elif self._body is not None and self._body.awaited and not self._lingering:
            self._body.fail(Refusal(Problem.REQUEST_TIMEOUT, "The body of the request stopped arriving."))
        elif self._lingering or not self._run.active:
            self._hang_up()

    def interrupt(self) -> None:
        """Cancel what is under way."""
        self._run.cancel()

    # What httptools calls.

    def on_headers_complete(self) -> None:
        """Queue the request."""
        raw, self._head = self._head, b""
        raw = raw.lstrip(b"\r\n") if raw[:1] in _BLANK else raw
        line, _, lines = raw.partition(b"\r\n")
        parts = line.split(b" ")
        if len(parts) != 3:
            raise _Stop
        block = header_block(lines[:-2])
        version = _VERSIONS.get(parts[2], (0, 0))
        request = Request(
            parts[0].decode("ascii"), parts[1].decode("utf-8", "surrogateescape"), version, block
        )
        self.served += 1
        parser = self._parser
        request.keep_alive = version == (1, 1) and parser.should_keep_alive()
        request.upgrade = parser.should_upgrade()
        if block.framed:
            request.body = self._body = RequestBody(self)
            self._left = block.length
        self._queue.append(request)
        if len(self._queue) >= self.limits.ahead:
            request.keep_alive = False

    def on_body(self, piece: bytes) -> None:
        """Hold a piece of the body until it is read."""
        if self._body is not None:
            self._body.feed(piece)

    def on_message_complete(self) -> None:
        """The request is whole; behind the last one nothing is read."""
        body, self._body = self._body, None
        if body is not None:
            body.end()
        self._no_more = self._no_more or bool(self._queue and not self._queue[-1].keep_alive)

    # What is answered.

    @property
    def busy(self) -> bool:
        """Whether a request is being answered or waits to be."""
        return self._run.active or bool(self._queue)

    def _advance(self) -> None:
        """Begin what waits, until one has to wait for something itself."""
        if self._advancing:
            return
        self._advancing = True
        try:
            while self._queue and not self._run.active and not self.gone and not self.full:
                request = self._queue.popleft()
                self.deadline = _NEVER
                self._run.start(self._serve(self, request))
        finally:
            self._advancing = False
        if not self._queue and not self._reading and self._body is None:
            self.resume_reading()

    def _done(self, run: Run[None]) -> None:
        if run.error is not None and not isinstance(run.error, asyncio.CancelledError):
            _log.error("a connection broke", exc_info=run.error)
            self.abort()
        if self.gone:
            self._run = _ENDED
            return
        now = self._loop.time()
        self.quiet_since = now
        if self.transport.is_closing():
            # The client ended while it was answered: if it takes nothing, no other clock runs.
            self.deadline = min(self.deadline, now + self.limits.write_idle)
        elif not self._lingering:
            self.deadline = now + (self.limits.write_idle if self.full else self.limits.header)
        if self._ahead is not None and not self._queue and not self._no_more:
            ahead, self._ahead = bytes(self._ahead), None
            self._parser = httptools.HttpRequestParser(self)
            self._read(ahead)
        if self._queue or not self._reading:
            self._advance()

    def close(self, *, unread: bool = False) -> None:
        """End the connection once everything is written.

        With *unread* octets still to come it first throws those away for a
        moment: closing now would reset the connection, and the client would
        lose the answer.
        """
        self._no_more = True
        self._queue.clear()
        if not unread or self.transport.is_closing():
            self._hang_up()
            return
        self._lingering = True
        self.deadline = self._loop.time() + self.limits.linger
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.resume_reading()

    def _hang_up(self) -> None:
        """Close; a client that does not take what is still to be written is given up."""
        self.deadline = self._loop.time() + self.limits.write_idle
        self.transport.close()

    def abort(self) -> None:
        """Reset the connection: what was sent so far must not look complete."""
        self._no_more = True
        self._queue.clear()
        if self.transport.is_closing() and self.gone:
            return
        sock = self.transport.get_extra_info("socket")
        with suppress(OSError):
            if sock is not None and sock.fileno() >= 0:
                with socket.socket(fileno=os.dup(sock.fileno())) as same:
                    same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    def now(self) -> float:
        """The event loop's time."""
        return self._loop.time()

    def write(self, data: bytes) -> None:
        """Hand *data* to the transport; wait for `writable` before the next piece of something long."""
        self.transport.write(data)

    async def writable(self) -> None:
        """Return when the client may be sent more; the connection is reset if that takes too long."""
        while self.full:
            if self.gone:
                raise ConnectionResetError("the client is gone")
            self.set_clock()
            await self._writable
            self.set_clock()

    def set_clock(self) -> None:
        """Start the clock of what the client is waited for: to take octets, or to send a body."""
        if self.full:
            self.deadline = self._loop.time() + self.limits.write_idle
        elif not self._run.active or self._lingering or self.tunnel is not None:
            return  # another clock runs
        else:
            awaited = self._body is not None and self._body.awaited
            self.deadline = self._loop.time() + self.limits.body_idle if awaited else _NEVER

    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        self.full = True

    def resume_writing(self) -> None:
        """Let the writer go on, and what waits begin."""
        self.full = False
        if self._run.active:
            self._writable.fire()
        else:
            self._advance()

    def into_tunnel(self, end: TunnelEnd) -> None:
        """From here on the client's octets are *end*'s, those that were sent ahead first."""
        self.tunnel = end
        ahead, self._ahead = self._ahead, None
        if ahead:
            end.feed(bytes(ahead))
        else:
            self.resume_reading()

    def pause_reading(self) -> None:
        """Let the client wait: enough of what it sent is held."""
        if self._reading and not self.transport.is_closing():
            self._reading = False
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if not self._reading and not self.transport.is_closing():
            self._reading = True
            self.transport.resume_reading()

    def _too_large(self) -> None:
        if b"\r\n" in self._head.lstrip():
            problem, detail = Problem.HEADERS_TOO_LARGE, f"All header lines may have {FIELDS_BYTES} octets."
        else:
            problem, detail = Problem.URI_TOO_LONG, f"A request target may have {TARGET_BYTES} octets."
        self._unreadable(Refusal(problem, detail))

    def _unreadable(self, refusal: Refusal) -> None:
        """Read nothing more; a body under way fails, else *refusal* is answered in its turn."""
        if self._no_more:
            return
        self._no_more = True
        body = self._body
        if body is not None:
            body.fail(Refusal(Problem.BAD_REQUEST, "The body of the request is not framed as announced."))
            return
        request = Request("", "", (1, 1), header_block(b""))
        request.keep_alive, request.unreadable = False, refusal
        self._queue.append(request)
