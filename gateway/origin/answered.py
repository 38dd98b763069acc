"""An answer of the creator's server whose head has arrived. Compiled where the build is (`pyproject.toml`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from gateway.origin.connections import OriginConnection, Reply
from gateway.origin.delivery import Headers, Tunnel
from gateway.origin.head import Head
from gateway.origin.header_hygiene import response_headers
from gateway.origin.pieces import received
from gateway.origin.pool import Connections
from gateway.origin.routing import Upstream


class HttpAnswer:
    """An answer whose head has arrived (`origin.delivery.OriginAnswer`)."""

    def __init__(
        self,
        head: Head,
        reply: Reply,
        connection: OriginConnection,
        place: Upstream,
        connections: Connections,
        sender: asyncio.Future[None] | None,
        *,
        unsent: bool,
    ) -> None:
        """Hand on *head*; the body is in *reply*, and *sender* may still send the request's."""
        self.status: int = head.status
        self.length: int = head.length
        self.tunnel: Tunnel | None = _OriginTunnel(connection) if reply.switched else None
        self._head = head
        self._reply = reply
        self._connection = connection
        self._place = place
        self._connections = connections
        self._sender = sender
        self._unsent = unsent
        self._closed = False

    @property
    def reason(self) -> str:
        """The reason phrase."""
        return self._head.reason

    @property
    def headers(self) -> Headers:
        """The fields that may be passed on (`header_hygiene.response_headers`)."""
        return response_headers(self._head.headers, switching=self._reply.switched)

    @property
    def head(self) -> bytes:
        """Status line and the same fields as octets, as the origin wrote them."""
        return self._head.passed_on()

    def head_without(self, names: frozenset[str]) -> bytes:
        """`head` without the fields of these *names* (lower case)."""
        return self._head.passed_on(names)

    def field(self, name: str) -> str:
        """The first value of field *name* (lower case), or ""."""
        return self._head.field(name)

    @property
    def buffered(self) -> int:
        """Octets of the body that have arrived and were not read yet."""
        return self._reply.buffered

    def whole(self) -> bytes | None:
        """The body where all of it has arrived (`origin.delivery.OriginAnswer`); the origin is let go then."""
        body = None if self._sender is not None and self._sending else self._reply.whole()
        if body is not None:
            self.close()
        return body

    def body(self) -> AsyncGenerator[bytes, None]:
        """The body's octets as they arrive, still content-coded; raises `OriginAborted`."""
        return received(self._reply, self.close)

    def close(self) -> None:
        """Let go of the origin: an unfinished answer closes its connection."""
        if self._closed:
            return
        self._closed = True
        if (self._sender is not None and self._sending) or self._unsent or not self._reply.ended:
            if self._sender is not None:
                self._sender.cancel()
            self._connection.abort()
        else:
            self._connections.give_back(self._place, self._connection)

    @property
    def _sending(self) -> bool:
        return self._sender is not None and (not self._sender.done() or self._sender.cancelled())


class _OriginTunnel:
    def __init__(self, connection: OriginConnection) -> None:
        self._connection = connection

    async def send(self, data: bytes) -> None:
        """Pass octets on to the origin, waiting while it cannot take more."""
        self._connection.write(data)
        await self._connection.drain()

    async def end(self) -> None:
        """Tell the origin that the client sends no more."""
        self._connection.write_eof()
