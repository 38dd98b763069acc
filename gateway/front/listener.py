"""Where the public's requests come in: a request becomes an `Ask`, an `Answer` becomes octets.

In this order: the guard, the client's address as trusted proxies tell it, the
host and its policy, the desk's own paths, and then THE PATH (`front.exchange`).
A request that needs nothing is answered in the call that read it; one that
waits, for the origin or for evidence, goes on in the call that ends the wait
(`stepping`). The dashboard is not reachable from here.

Header values and targets are text that turns back into the octets that came:
UTF-8, and what is not UTF-8 as lone surrogates.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import aiohttp.http_parser
import uuid_utils

from gateway import stepping
from gateway.ask import Ask, make_ask
from gateway.clock import Clock
from gateway.front.answer import Answer
from gateway.front.chunks import write_answer
from gateway.front.connection import ClientConnection
from gateway.front.enveloped import in_envelope, page_inside
from gateway.front.exchange import exchange
from gateway.front.gate import Gate
from gateway.front.guard import guard_line, origin_form
from gateway.front.limits import Limits
from gateway.front.proxied import ProxiedDoor
from gateway.front.request import Request
from gateway.front.responses import refused
from gateway.front.switching import switch
from gateway.front.wire import broken_answer, refused_early, write_whole
from gateway.languages import Phrase
from gateway.origin.delivery import OriginAborted
from gateway.paths import Ambiguous, canonical
from gateway.policy.rules import Policy
from gateway.problems import ConfigurationError, Mistake, Problem, Refusal
from gateway.stepping import Watch
from gateway.visitors.client_address import ClientAddress, TrustedProxies, resolve
from gateway.visitors.territory import Place

__all__ = ["Limits", "Listener", "boot_checks"]

Desk = Callable[[Ask, AsyncIterator[bytes] | None], Awaitable[Answer]]

_log = logging.getLogger("licet.listener")
_PORTS = {"http": 80, "https": 443}
#: Below these, a request can be smuggled past this gateway (aiohttp CVE-2026-69243, CVE-2026-54277).
_MINIMUM = {"aiohttp": (3, 14, 4), "httptools": (0, 7, 0)}
_BACKLOG = 1024
#: Whether this installation was built with what moves octets compiled to C (`pyproject.toml`).
_COMPILED = not (stepping.__file__ or "").endswith(".py")
_SAY_AGAIN = 10.0
#: Seconds that a drain leaves to handshakes under way: they are connections of nobody yet.
_SHAKEN = 1.0


def boot_checks() -> tuple[str, ...]:
    """Say what reads HTTP here, or refuse to start.

    Raises:
        ConfigurationError: aiohttp runs without its C parser (the one in Python
            reads some requests differently), or a library is too old.
    """
    told, mistakes = [], []
    for name, minimum in _MINIMUM.items():
        installed = version(name)
        wanted = ".".join(map(str, minimum))
        if tuple(int(part) for part in re.findall(r"[0-9]+", installed)[:3]) < minimum:
            mistakes.append(Mistake("the installation", name, f"must be {wanted} or later", installed))
        told.append(f"{name} {installed}")
    if aiohttp.http_parser.HttpRequestParser is aiohttp.http_parser.HttpRequestParserPy:
        expected = (
            "must run with its C parser: unset AIOHTTP_NO_EXTENSIONS, install a wheel for this platform"
        )
        mistakes.append(Mistake("the installation", "aiohttp", expected))
    if mistakes:
        raise ConfigurationError(mistakes)
    return (
        *told,
        "parser llhttp",
        "octets moved by " + ("compiled modules" if _COMPILED else "plain modules"),
    )


class Listener:
    """Accepts connections, and answers each request once.

    *hosts* finds the policy of a host name in lower case without a port. *desk*
    answers an ask for a path that *desk_owns*. *tls* makes the listener speak
    TLS. *place_of* says where an address is, if no trusted proxy does; it is asked
    only where the site's rules or offers depend on the country, a credential is
    shown, or the desk is asked. *proxied*: connections of *trusted* proxies begin with a PROXY header.
    *refusals* counts requests that never became an ask, by code; *faults*
    counts answers that something of ours broke.
    """

    def __init__(
        self,
        gate: Gate,
        *,
        hosts: Callable[[str], Policy | None],
        desk: Desk | None,
        desk_owns: Callable[[str], bool],
        trusted: TrustedProxies,
        clock: Clock,
        limits: Limits | None = None,
        country_header: str = "",
        place_of: Callable[[str], Place] | None = None,
        tls: ssl.SSLContext | None = None,
        proxied: bool = False,
    ) -> None:
        """Listen nowhere yet."""
        self.refusals: Counter[str] = Counter()
        self.faults = 0
        self.connected: set[ClientConnection] = set()
        self._gate = gate
        self._hosts = hosts
        self._desk = desk
        self._desk_owns = desk_owns
        self._trusted = trusted
        self._clock = clock
        self._limits = limits or Limits()
        self._country_header = country_header
        self._place_of = place_of
        self._tls = tls
        self._tls_options = {
            "ssl_handshake_timeout": self._limits.handshake,
            # What is written takes its time to go out before the connection's end is told.
            "ssl_shutdown_timeout": self._limits.write_idle,
        }
        self._proxied = proxied
        self._draining = False
        self._watch = Watch(self._limits.tick)
        self._listening: asyncio.Server | ProxiedDoor | None = None

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self.connected)

    async def start(
        self, host: str = "127.0.0.1", port: int = 0, *, sock: socket.socket | None = None
    ) -> tuple[str, int]:
        """Listen on *host* and *port*, or on *sock*, and return the address; raises `OSError`.

        A socket that is shared with other workers is handed in as a duplicate:
        closing it here leaves the others' waiting connections alone.
        """
        loop = asyncio.get_running_loop()
        _hush_accepting(loop)
        if sock is None and self._proxied:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            sock = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        if self._proxied and sock is not None:
            bound = sock.getsockname()
            self._listening = self._proxied_door(sock)
            self._listening.open(_BACKLOG)
            return bound[0], bound[1]
        tls: dict[str, Any] = {"ssl": self._tls, **self._tls_options} if self._tls is not None else {}
        server: Any  # uvloop's is not asyncio's
        if sock is not None:
            server = await loop.create_server(self._accepted, sock=sock, backlog=_BACKLOG, **tls)
        else:
            server = await loop.create_server(self._accepted, host, port, backlog=_BACKLOG, **tls)
        self._listening = server
        bound = server.sockets[0].getsockname()
        return bound[0], bound[1]

    async def drain(self, seconds: float) -> None:
        """Take no new connection and let the others end, for at most *seconds*.

        Every answer now says ``Connection: close``. Connections without a
        request are closed once they have been quiet for a moment.
        """
        self._draining = True
        if self._listening is not None:
            self._listening.close()
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        # What the kernel has accepted becomes a transport in the next turns of the loop; a handshake takes round trips.
        await asyncio.sleep(min(0.1 if self._tls is None else _SHAKEN, seconds))
        while self.connected and loop.time() < end:
            quiet = loop.time() - self._limits.idle_in_drain
            for connection in [one for one in self.connected if not one.busy and one.quiet_since < quiet]:
                connection.close()
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Close everything now. Answers under way break off, and are remembered so."""
        self._draining = True
        if self._listening is not None:
            self._listening.close()
        if isinstance(self._listening, ProxiedDoor):
            self._listening.abandon()
        for connection in list(self.connected):
            connection.transport.abort()
        try:
            async with asyncio.timeout(5):
                while self.connected:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        except TimeoutError:
            _log.error("%d connections did not end", self.connections)
        self._watch.close()

    def _accepted(self, source: str | None = None, refusal: Refusal | None = None) -> ClientConnection:
        return ClientConnection(
            self._served,
            limits=self._limits,
            watch=self._watch,
            began=self.connected.add,
            ended=self._ended,
            source=source,
            refusal=refusal,
        )

    def _ended(self, connection: ClientConnection) -> None:
        self.connected.discard(connection)

    def _proxied_door(self, sock: socket.socket) -> ProxiedDoor:
        return ProxiedDoor(
            sock,
            self._accepted,
            trusted=self._trusted,
            limits=self._limits,
            tls=self._tls,
            tls_options=self._tls_options,
            refused=self._refused,
        )

    async def _served(self, connection: ClientConnection, request: Request) -> None:
        try:
            answer = await self._answered(connection, request)
            closing = self._draining or connection.served >= self._limits.requests
            if answer.chunks is None:
                write_whole(connection, request, answer, close=closing)
            elif answer.status == 101:
                await switch(connection, request, answer)
            else:
                await write_answer(connection, request, answer, close=closing)
        except Exception as error:  # noqa: BLE001
            if connection.gone:
                return
            if not request.begun:
                self.faults += 1
                _log.exception("an answer could not be given")
                write_whole(connection, request, broken_answer(), close=True)
                return
            if not isinstance(error, OriginAborted | ConnectionError):
                self.faults += 1
                _log.exception("an answer broke off")
            connection.abort()

    async def _answered(self, connection: ClientConnection, request: Request) -> Answer:
        if request.unreadable is not None:
            return self._refused(request.unreadable)
        block = request.block
        refusal = guard_line(request.method, request.target, request.version, block.first, block.refusal)
        if refusal is not None:
            return self._refused(refusal)
        client = connection.client
        if client is None:
            client = resolve(connection.peer, block.fields, self._trusted, self._country_header)
            if not self._trusted.networks:
                connection.client = client  # no header can change it
        # The host that is judged is the host that the origin gets: no forwarded one is believed.
        policy = self._hosts(block.host[0])
        if policy is None:
            unknown = Refusal(Problem.UNKNOWN_SITE, Phrase("No site of this gateway has this host name."))
            return self._refused(unknown)
        ask = self._ask(connection, request, client, policy)
        body = request.body
        if body is not None and request.version == (1, 1):
            body.expected = ask.header("expect").strip().lower() == "100-continue"
        if self._desk is not None and ask.path and self._desk_owns(ask.path):
            page = page_inside(ask)
            if page is None:
                return await self._desk(ask, body)
            if isinstance(page, Refusal):
                return refused(page, ask, None, None)
            return in_envelope(await exchange(page, body, self._gate))
        return await exchange(ask, body, self._gate)

    def _ask(
        self,
        connection: ClientConnection,
        request: Request,
        client: ClientAddress,
        policy: Policy,
    ) -> Ask:
        block = request.block
        if request.version == (1, 0) and "upgrade" in block.first:
            block = block.without("upgrade")
        target = request.target
        if not target.startswith("/"):
            target = origin_form(target)
        raw, _, query = target.partition("?")
        path = canonical(raw)
        scheme = client.scheme or ("https" if connection.secure else "http")
        plain = "" if isinstance(path, Ambiguous) else path
        country, basis = client.country, client.country_basis
        if not country and self._place_of is not None:
            # At the desk a license may be shown in a form.
            licensed = "authorization" in block.first or self._desk_owns(plain)
            if policy.by_place or licensed:
                country, basis = self._place_of(client.address)
        return make_ask(
            id=str(uuid_utils.uuid7()),
            asked_at_us=self._clock.now_us(),
            site=policy.site.id,
            origin=policy.site.public or _origin(scheme, *block.host),
            method=request.method,
            target=target,
            path=plain,
            ambiguity=path.why if isinstance(path, Ambiguous) else "",
            query=query,
            headers=block.fields,
            peer=connection.peer,
            address=client.address,
            country=country,
            country_basis=basis,
        )

    def _refused(self, refusal: Refusal) -> Answer:
        self.refusals[refusal.code] += 1
        return refused_early(refusal)


def _hush_accepting(loop: asyncio.AbstractEventLoop) -> None:
    """Say once in a while that no file is left for a connection; asyncio says it a thousand times a second."""
    outer, told_at = loop.get_exception_handler(), float("-inf")

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal told_at
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}:
            if loop.time() - told_at >= _SAY_AGAIN:
                told_at = loop.time()
                _log.error("no open file is left for another connection; it waits (ulimit -n)")
        elif isinstance(error, ValueError) and "_start_serving" in str(context.get("message")):
            # asyncio tries again, for each of the thousand, a door that was closed meanwhile.
            pass
        elif outer is not None:
            outer(loop, context)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)


@lru_cache(maxsize=1024)
def _origin(scheme: str, host: str, port: int | None) -> str:
    return f"{scheme}://{host}" if port in {None, _PORTS[scheme]} else f"{scheme}://{host}:{port}"
