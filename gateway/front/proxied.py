"""Accepts connections whose first octets are a trusted proxy's word on who speaks (the PROXY protocol).

The header is read from the socket itself and not an octet more, so that what
follows, a TLS handshake or a request, is met as on any other connection. A
trusted proxy must send one. Anybody else's connection is taken as it is: a
header there is a request that cannot be read.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gateway.front.connection import ClientConnection
from gateway.front.limits import Limits
from gateway.problems import Problem, Refusal
from gateway.visitors.client_address import TrustedProxies
from gateway.visitors.networks import parse_address
from gateway.visitors.proxy_header import LONGEST, ProxyHeader, Unfinished, proxy_header

_log = logging.getLogger("licet.listener")
_NO_HEADER = Refusal(Problem.BAD_REQUEST, "The connection does not begin with a PROXY header.")
#: Seconds after which another connection is accepted where the machine had nothing left for one.
_SCARCE = 1.0


class ProxiedDoor:
    """Accepts from *sock*, and makes a connection of each with `make(source, refusal)`.

    *refused* is called with what ends a connection that gets no answer.
    """

    def __init__(
        self,
        sock: socket.socket,
        make: Callable[[str, Refusal | None], ClientConnection],
        *,
        trusted: TrustedProxies,
        limits: Limits,
        tls: ssl.SSLContext | None,
        tls_options: dict[str, Any],
        refused: Callable[[Refusal], object],
    ) -> None:
        """Accept nothing yet. *tls_options* go with *tls* into the event loop's call."""
        self._sock, self._make, self._trusted, self._limits = sock, make, trusted, limits
        self._tls: dict[str, Any] = {"ssl": tls, **tls_options} if tls is not None else {}
        self._refused = refused
        self._meeting: set[asyncio.Task[None]] = set()
        self._again: asyncio.TimerHandle | None = None

    def open(self, backlog: int) -> None:
        """Accept from now on."""
        self._sock.setblocking(False)
        self._sock.listen(backlog)
        self._watch()

    def close(self) -> None:
        """Accept no more; who has begun may go on."""
        if self._again is not None:
            self._again.cancel()
        if self._sock.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._sock)
            self._sock.close()

    def abandon(self) -> None:
        """Let go of whoever is still saying a header or shaking hands."""
        for task in self._meeting:
            task.cancel()

    def _watch(self) -> None:
        asyncio.get_running_loop().add_reader(self._sock, self._accept)

    def _accept(self) -> None:
        """Take one connection: other workers may have room for the next."""
        loop = asyncio.get_running_loop()
        try:
            sock, address = self._sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionError):
            return  # another worker has it, or it is gone
        except OSError as error:
            _log.error("no connection can be accepted for a moment: %s", error.strerror)
            loop.remove_reader(self._sock)
            self._again = loop.call_later(_SCARCE, self._watch)
            return
        sock.setblocking(False)
        task = loop.create_task(self._meet(sock, str(address[0])))
        self._meeting.add(task)
        task.add_done_callback(self._meeting.discard)

    async def _meet(self, sock: socket.socket, peer: str) -> None:
        handed_over = False
        try:
            source, refusal = peer, None
            if self._trusted.trusts(parse_address(peer)):
                async with asyncio.timeout(self._limits.header):
                    header = await _header(sock)
                if header is None:
                    refusal = _NO_HEADER
                elif not header.local:
                    source = header.source
            if refusal is not None and self._tls:
                self._refused(refusal)
                return
            handed_over = True
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self._make(source, refusal), sock, **self._tls
            )
        except OSError:
            pass  # late, gone, or no handshake
        finally:
            if not handed_over:
                sock.close()


async def _header(sock: socket.socket) -> ProxyHeader | None:
    """Take the header off *sock* and leave what follows; None where there is none."""
    octets = b""
    while True:
        await _readable(sock)
        with suppress(BlockingIOError, InterruptedError):
            seen = sock.recv(LONGEST - len(octets), socket.MSG_PEEK)
            found = proxy_header(octets + seen)
            if not seen or found is Unfinished.WRONG:
                return None
            # Octets of an unfinished header all belong to it.
            taken = found.length - len(octets) if isinstance(found, ProxyHeader) else len(seen)
            octets += sock.recv(taken)
            if isinstance(found, ProxyHeader):
                return found


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    descriptor = sock.fileno()

    def arrived() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(descriptor, arrived)
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)
