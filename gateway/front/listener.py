"""Where the public's requests come in: a request becomes an `Ask`, an `Answer` becomes octets.

In this order: the guard, the client's address as trusted proxies tell it, the
host and its policy, the desk's own paths, and then THE PATH (`front.exchange`).
Whatever aiohttp knows ends here and in `front.wire`.

Header values and targets are text that turns back into the octets that came:
UTF-8, and what is not UTF-8 as lone surrogates.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import cast

import aiohttp.http_parser
import uuid_utils
from aiohttp import web

from gateway.ask import Ask
from gateway.clock import Clock
from gateway.front.answer import Answer
from gateway.front.exchange import Gate, exchange
from gateway.front.guard import guard, origin_form, parse_host
from gateway.front.switching import switch
from gateway.front.wire import (
    ClientConnection,
    ClientServer,
    Limits,
    RequestBody,
    Written,
    abort,
    broken_answer,
    refused_early,
    write_answer,
)
from gateway.origin.delivery import OriginAborted
from gateway.paths import Ambiguous, canonical
from gateway.policy.rules import Policy
from gateway.problems import ConfigurationError, Mistake, Problem, Refusal
from gateway.visitors.client_address import ClientAddress, TrustedProxies, resolve

__all__ = ["Limits", "Listener", "boot_checks"]

Headers = tuple[tuple[str, str], ...]
Desk = Callable[[web.BaseRequest, Policy, str, str], Awaitable[web.StreamResponse]]

_log = logging.getLogger("licet.listener")
_PORTS = {"http": 80, "https": 443}
#: Below these, a request can be smuggled past this gateway (aiohttp CVE-2026-69243, CVE-2026-54277).
_MINIMUM = {"aiohttp": (3, 14, 4), "httptools": (0, 7, 0)}


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
    return (*told, "parser llhttp")


class Listener:
    """Accepts connections, and answers each request once.

    *hosts* finds the policy of a host name in lower case without a port. *desk*
    gets a request for a path that *desk_owns*, with the site's policy, its
    public origin, and the client's address as trusted proxies tell it.
    *refusals* counts requests that never became an ask, by code; *faults*
    counts answers that something of ours broke.
    """

    def __init__(
        self,
        gate: Gate,
        *,
        hosts: Callable[[str], Policy | None],
        desk: Desk,
        desk_owns: Callable[[str], bool],
        trusted: TrustedProxies,
        clock: Clock,
        limits: Limits | None = None,
        country_header: str = "",
    ) -> None:
        """Listen nowhere yet."""
        self.refusals: Counter[str] = Counter()
        self.faults = 0
        self._gate = gate
        self._hosts = hosts
        self._desk = desk
        self._desk_owns = desk_owns
        self._trusted = trusted
        self._clock = clock
        self._limits = limits or Limits()
        self._country_header = country_header
        self._draining = False
        self._server: ClientServer | None = None
        self._listening: asyncio.Server | None = None

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._server.connections) if self._server else 0

    async def start(
        self, host: str = "127.0.0.1", port: int = 0, *, sock: socket.socket | None = None
    ) -> tuple[str, int]:
        """Listen on *host* and *port*, or on *sock*, and return the address; raises `OSError`.

        A socket that is shared with other workers is handed in as a duplicate:
        closing it here leaves the others' waiting connections alone.
        """
        loop = asyncio.get_running_loop()
        self._server = ClientServer(self._served, limits=self._limits, unreadable=self._count)
        if sock is not None:
            self._listening = await loop.create_server(self._server, sock=sock, backlog=1024)
        else:
            self._listening = await loop.create_server(self._server, host, port, backlog=1024)
        bound = self._listening.sockets[0].getsockname()
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
        # What the kernel has accepted becomes a transport in the next turns of the loop.
        await asyncio.sleep(min(0.1, seconds))
        while self._server and self._server.connections and loop.time() < end:
            quiet = loop.time() - self._limits.idle_in_drain
            for connection in self._server.connections:
                idle = isinstance(connection, ClientConnection) and not connection.busy
                if idle and cast("ClientConnection", connection).quiet_since < quiet:
                    connection.force_close()
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Close everything now. Answers under way break off, and are remembered so."""
        self._draining = True
        if self._listening is not None:
            self._listening.close()
        if self._server is None:
            return
        for connection in self._server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        try:
            async with asyncio.timeout(5):
                while self._server.connections:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        except TimeoutError:
            _log.error("%d connections did not end", self.connections)

    async def _served(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = cast("ClientConnection", request.protocol)
        connection.busy = True
        connection.served += 1
        try:
            return await self._answered(request)
        except web.HTTPException:
            raise
        except Exception as error:  # noqa: BLE001
            if request.writer.output_size == 0:
                self.faults += 1
                _log.exception("an answer could not be given")
                return await self._write(request, broken_answer())
            if not isinstance(error, OriginAborted | ConnectionError):
                self.faults += 1
                _log.exception("an answer broke off")
        finally:
            connection.busy = False
            connection.quiet_since = asyncio.get_running_loop().time()
        abort(request)
        return Written()

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        target = request.raw_path
        headers = tuple((_text(name).lower(), _text(value)) for name, value in request.raw_headers)
        refusal = guard(request.method, target, request.version, headers)
        if refusal is not None:
            return await self._refused(request, refusal)
        if request.version == (1, 0):
            headers = tuple(field for field in headers if field[0] != "upgrade")
        peer = request.transport.get_extra_info("peername") if request.transport else None
        client = resolve(peer[0] if peer else "", headers, self._trusted, self._country_header)
        # The host that is judged is the host that the origin gets: no forwarded one is believed.
        named = parse_host(next(value for name, value in headers if name == "host"))
        if isinstance(named, Refusal):
            return await self._refused(request, named)
        policy = self._hosts(named[0])
        if policy is None:
            unknown = Refusal(Problem.UNKNOWN_SITE, "No site of this gateway has this host name.")
            return await self._refused(request, unknown)
        ask = self._ask(request, origin_form(target), headers, client, named, policy)
        if ask.path and self._desk_owns(ask.path):
            return await self._at_desk(request, policy, ask)
        body = None
        if not request.content.at_eof():
            body = RequestBody(request, self._limits, waits=_waits(request, ask))
        return await self._write(request, await exchange(ask, body, self._gate))

    def _ask(
        self,
        request: web.BaseRequest,
        target: str,
        headers: Headers,
        client: ClientAddress,
        named: tuple[str, int | None],
        policy: Policy,
    ) -> Ask:
        raw, _, query = target.partition("?")
        path = canonical(raw)
        peer = request.transport.get_extra_info("peername") if request.transport else None
        scheme = client.scheme or ("https" if request.secure else "http")
        return Ask(
            id=str(uuid_utils.uuid7()),
            asked_at_us=self._clock.now_us(),
            site=policy.site.id,
            origin=policy.site.public or _origin(scheme, *named),
            method=request.method,
            target=target,
            path="" if isinstance(path, Ambiguous) else path,
            ambiguity=path.why if isinstance(path, Ambiguous) else "",
            query=query,
            headers=headers,
            peer=peer[0] if peer else "",
            address=client.address,
            country=client.country,
            country_basis=client.country_basis,
        )

    async def _at_desk(self, request: web.BaseRequest, policy: Policy, ask: Ask) -> web.StreamResponse:
        if _waits(request, ask) and not request.content.is_eof():
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            async with asyncio.timeout(self._limits.desk):
                response = await self._desk(request, policy, ask.origin, ask.address)
        except TimeoutError:
            return await self._refused(request, Refusal(Problem.REQUEST_TIMEOUT, "This took too long."))
        if not response.prepared and (self._closing(request) or not request.content.is_eof()):
            response.headers["Connection"] = "close"
            response.force_close()
        return response

    async def _refused(self, request: web.BaseRequest, refusal: Refusal) -> web.StreamResponse:
        self._count(refusal)
        return await self._write(request, refused_early(refusal))

    async def _write(self, request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        if answer.status == 101:
            return await switch(request, answer, self._limits)
        return await write_answer(request, answer, self._limits, close=self._closing(request))

    def _closing(self, request: web.BaseRequest) -> bool:
        connection = cast("ClientConnection", request.protocol)
        return self._draining or connection.served >= self._limits.requests

    def _count(self, refusal: Refusal) -> None:
        self.refusals[refusal.code] += 1


def _waits(request: web.BaseRequest, ask: Ask) -> bool:
    return request.version == (1, 1) and ask.header("expect").strip().lower() == "100-continue"


def _origin(scheme: str, host: str, port: int | None) -> str:
    return f"{scheme}://{host}" if port in {None, _PORTS[scheme]} else f"{scheme}://{host}:{port}"


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")
