"""Which connection a request to a creator's server gets: a spare one, one made now, or none for the moment.

At most `OriginLimits.most` are open to one server; who comes later waits as long
as a connection may take. A server that refused `OriginLimits.failures`
connections in a row is left alone for a moment that doubles each time, and
then one request tries it before the others do.

A server that is told the client's address at the start of a connection (PROXY
protocol) gets one for each request: none is ever another client's.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic

import aiohappyeyeballs

from gateway.origin.connections import OriginConnection, OriginLimits
from gateway.origin.delivery import OriginDown
from gateway.origin.routing import Upstream
from gateway.stepping import Watch
from gateway.visitors.proxy_header import written

#: Seconds between two addresses of one host that are tried (RFC 8305, December 2017, section 5).
_NEXT_ADDRESS = 0.25
#: Seconds for which a server that refuses connections is left alone at first, and at most.
_PAUSE, _LONGEST_PAUSE = 0.25, 8.0


@dataclass(slots=True)
class _Server:
    """What is known of one server."""

    spare: deque[OriginConnection] = field(default_factory=deque)
    open: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    failures: int = 0
    retry_at: float = 0.0


class Connections:
    """Connections by server."""

    def __init__(
        self, limits: OriginLimits, tls: ssl.SSLContext | None = None, *, proxied: str = "off"
    ) -> None:
        """Keep none yet. *tls* checks certificates; None is the system's list of authorities.

        *proxied* is the version of the PROXY header that each connection begins with, or ``off``.
        """
        self._proxied = "" if proxied == "off" else proxied
        self._limits = limits
        self._tls = tls
        #: By `Upstream.server`.
        self._servers: dict[str, _Server] = {}
        self._watch = Watch(limits.tick)
        #: Makes a connection to a server for a client's address; a test hands in its own.
        self.make: Callable[[Upstream, str], Awaitable[OriginConnection]] = self._made

    def spare(self, upstream: Upstream) -> OriginConnection | None:
        """A connection to *upstream* that waits for use, or None; without waiting."""
        server = self._servers.get(upstream.server)
        if server is None or not server.spare:
            return None
        now = monotonic()
        while server.spare:
            connection = server.spare.pop()
            if not connection.closed and now - connection.spare_since < self._limits.spare_seconds:
                return connection
            connection.abort()
        return None

    async def take(self, upstream: Upstream, *, fresh: bool = False, client: str = "") -> OriginConnection:
        """A connection to *upstream*, a spare one unless *fresh*; *client* is the address that a PROXY header names.

        Raises:
            OSError: it cannot be reached; `TimeoutError` if not in time.
        """
        found = None if fresh else self.spare(upstream)
        if found is not None:
            return found
        # A task of its own: making a connection waits in ways that a run cannot.
        return await asyncio.ensure_future(self._connected(upstream, client))

    def give_back(self, upstream: Upstream, connection: OriginConnection) -> None:
        """Keep *connection* for the next exchange, where it is of use."""
        if not connection.rest():
            return
        if self._proxied:
            connection.abort()
            return
        now = monotonic()
        connection.spare_since = now
        spare = (self._servers.get(upstream.server) or self._server(upstream)).spare
        spare.append(connection)
        while len(spare) > self._limits.spare or now - spare[0].spare_since > self._limits.spare_seconds:
            spare.popleft().abort()

    def close(self) -> None:
        """Close every spare connection."""
        for server in self._servers.values():
            while server.spare:
                server.spare.pop().abort()
        self._watch.close()

    async def _connected(self, upstream: Upstream, client: str) -> OriginConnection:
        server, loop = self._server(upstream), asyncio.get_running_loop()
        if server.failures >= self._limits.failures:
            if loop.time() < server.retry_at:
                raise OriginDown("it refused connections until a moment ago")
            server.retry_at = loop.time() + self._limits.connect  # the others wait for this one
        try:
            async with asyncio.timeout(self._limits.connect):
                await self._room(server)
                try:
                    made = await self.make(upstream, client)
                except BaseException:
                    self._gone(server)
                    raise
        except asyncio.CancelledError:
            server.retry_at = min(server.retry_at, loop.time())  # nothing was learned: the next one tries
            raise
        except OSError:
            server.failures += 1
            pause = _PAUSE * 2 ** min(max(server.failures - self._limits.failures, 0), 10)
            server.retry_at = loop.time() + min(pause, _LONGEST_PAUSE)
            raise
        server.failures = 0
        if made.closed:
            self._gone(server)
        else:
            made.gone = lambda: self._gone(server)
        return made

    async def _room(self, server: _Server) -> None:
        while server.open >= self._limits.most:
            turn = asyncio.get_running_loop().create_future()
            server.waiting.append(turn)
            try:
                await turn
            except BaseException:
                if turn.done() and not turn.cancelled():
                    self._call(server)  # it cannot take its turn any more
                raise
        server.open += 1

    def _gone(self, server: _Server) -> None:
        server.open -= 1
        self._call(server)

    def _call(self, server: _Server) -> None:
        """Let the next one that waits look whether there is room."""
        while server.waiting:
            turn = server.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    async def _made(self, upstream: Upstream, client: str) -> OriginConnection:
        loop = asyncio.get_running_loop()
        header = written(self._proxied, client) if self._proxied else b""

        def fresh() -> OriginConnection:
            return OriginConnection(self._limits, self._watch)

        if upstream.scheme == "unix":
            made = (await loop.create_unix_connection(fresh, upstream.host))[1]
            if header:
                made.write(header)
            return made
        sock = await _reached(upstream)
        if header:
            try:
                await loop.sock_sendall(sock, header)
            except BaseException:
                sock.close()
                raise
        if upstream.scheme != "https":
            return (await loop.create_connection(fresh, sock=sock))[1]
        tls = self._tls = self._tls or ssl.create_default_context()
        return (await loop.create_connection(fresh, sock=sock, ssl=tls, server_hostname=upstream.host))[1]

    def _server(self, upstream: Upstream) -> _Server:
        server = self._servers.get(upstream.server)
        if server is None:
            server = self._servers[upstream.server] = _Server()
        return server


async def _reached(upstream: Upstream) -> socket.socket:
    """A connected socket: the first of the host's addresses that answers (RFC 8305)."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(upstream.host, upstream.port, type=socket.SOCK_STREAM)
    return await aiohappyeyeballs.start_connection(
        found, happy_eyeballs_delay=_NEXT_ADDRESS if len(found) > 1 else None, interleave=1
    )
