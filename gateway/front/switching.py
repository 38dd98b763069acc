"""A connection that speaks another protocol now: octets pass both ways, unread and uncounted.

It begins with the origin's own 101 and never before (RFC 9110, June 2022,
section 7.8), and ends when the origin has ended, when nobody has spoken for too
long, or when the client is gone.
"""

from __future__ import annotations

import asyncio
from collections import deque

from gateway.front.answer import Answer
from gateway.front.chunks import let_go
from gateway.front.connection import ClientConnection
from gateway.front.request import Request
from gateway.front.wire import head_of
from gateway.origin.delivery import Tunnel
from gateway.stepping import Signal


async def switch(connection: ClientConnection, request: Request, answer: Answer) -> None:
    """Send the 101 of *answer* and let octets pass; returns when it is over, and closes the connection.

    Raises what the answer's chunks raise; the client's connection is reset then.
    """
    try:
        await _switched(connection, request, answer)
    except BaseException:
        connection.abort()
        raise
    finally:
        await let_go(answer)
    connection.close()


class FromClient:
    """Takes a tunnel's octets from the client's connection, and keeps the tunnel's clock."""

    def __init__(self, connection: ClientConnection) -> None:
        """Pause *connection* while too many octets wait."""
        self.expired = False
        self.held = 0
        self._connection = connection
        self._pieces: deque[bytes] = deque()
        self._ended = False
        self._changed = Signal()

    def feed(self, data: bytes) -> None:
        """Hold *data* until the origin takes it."""
        self._pieces.append(data)
        self.held += len(data)
        if self.held > self._connection.limits.window:
            self._connection.pause_reading()
        self._changed.fire()

    def feed_eof(self) -> None:
        """The client sends no more."""
        self._ended = True
        self._changed.fire()

    def late(self) -> None:
        """Nobody has spoken for too long: end it."""
        self.expired = True
        self._connection.interrupt()

    def spoke(self, seconds: float | None = None) -> None:
        """Somebody spoke; the next word has *seconds*, or as long as a tunnel may be silent."""
        limits = self._connection.limits
        self._connection.deadline = self._connection.now() + (
            limits.tunnel_idle if seconds is None else seconds
        )

    async def piece(self) -> bytes:
        """What the client sent next, or nothing at its end."""
        while not self._pieces:
            if self._ended:
                return b""
            await self._changed
        piece = self._pieces.popleft()
        self.held -= len(piece)
        if self.held <= self._connection.limits.window // 2:
            self._connection.resume_reading()
        return piece


async def _switched(connection: ClientConnection, request: Request, answer: Answer) -> None:
    tunnel, chunks = answer.tunnel, answer.chunks
    if tunnel is None or chunks is None:
        raise ValueError("a 101 without a tunnel")
    head, _ = head_of(answer, request.method, close=False, chunkable=False)
    source = FromClient(connection)
    request.begun = True
    connection.write(head)
    connection.into_tunnel(source)
    source.spoke()
    upwards = asyncio.ensure_future(_upwards(source, tunnel))
    try:
        async for chunk in chunks:
            if chunk:
                source.spoke()
                connection.write(chunk)
                if connection.full:
                    await connection.writable()
                    source.spoke()
    except asyncio.CancelledError:
        if not source.expired:
            raise
    finally:
        upwards.cancel()
        await asyncio.gather(upwards, return_exceptions=True)


async def _upwards(source: FromClient, tunnel: Tunnel) -> None:
    try:
        while piece := await source.piece():
            source.spoke()
            await tunnel.send(piece)
        await tunnel.end()
        source.spoke(source._connection.limits.tunnel_rest)  # noqa: SLF001 - one module
    except (TimeoutError, ConnectionError):
        source.spoke(0)
