"""Where the site's own proxy asks: a listener that answers by `front.auth`, and shares everything else of the path.

Its caller is known by a secret and by nothing else, so what it says of the
client's address is believed as that of a trusted proxy. What is wrong with the
client's own request is told to it by the public listener where the proxy hands
over, and here otherwise. HAProxy asks at the same place in a protocol of its
own (`front.spoe_agent`); what may not pass it always hands over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

from gateway.clock import Clock
from gateway.front.answer import Answer
from gateway.front.auth import (
    HAPROXY,
    Asked,
    asked,
    dialect_of,
    handed_over,
    knows,
    misrouted,
    passing,
    variables_of,
)
from gateway.front.connection import ClientConnection
from gateway.front.exchange import consult
from gateway.front.gate import Gate
from gateway.front.guard import guard_line
from gateway.front.header_block import header_block
from gateway.front.limits import Limits
from gateway.front.listener import Desk, Listener
from gateway.front.request import Request
from gateway.front.responses import refused
from gateway.front.spoe_agent import Agent, Greeted, Variables
from gateway.front.spop import Notify
from gateway.policy.rules import Policy
from gateway.problems import Problem, Refusal
from gateway.visitors.client_address import TrustedProxies, resolve
from gateway.visitors.networks import parse_address
from gateway.visitors.territory import Place


class AuthDoor(Listener):
    """Answers proxies that know *secret*; payments by the fetch need the answer itself and are not taken here."""

    def __init__(
        self,
        gate: Gate,
        *,
        secret: str,
        hosts: Callable[[str], Policy | None],
        desk: Desk | None,
        desk_owns: Callable[[str], bool],
        trusted: TrustedProxies,
        clock: Clock,
        limits: Limits | None = None,
        country_header: str = "",
        place_of: Callable[[str], Place] | None = None,
    ) -> None:
        """Listen nowhere yet; what is not *secret* is `Listener`'s."""
        # Named one by one: compiled, what is handed on with ** to a compiled class arrives wrong (mypy 2.4.1).
        super().__init__(
            replace(gate, rails=()),
            hosts=hosts,
            desk=desk,
            desk_owns=desk_owns,
            trusted=trusted,
            clock=clock,
            limits=limits,
            country_header=country_header,
            place_of=place_of,
        )
        self._secret = secret
        self._believed: dict[str, TrustedProxies] = {}

    def _accepted(self, source: str | None = None, refusal: Refusal | None = None) -> ClientConnection:
        connection = super()._accepted(source, refusal)
        connection.tunnel = Greeted(connection, Agent(connection, self._offloaded))
        return connection

    def _ended(self, connection: ClientConnection) -> None:
        super()._ended(connection)
        if isinstance(connection.tunnel, Agent):
            connection.tunnel.lost()

    async def _offloaded(self, connection: ClientConnection, notify: Notify) -> Variables:
        """What HAProxy may pass its client's request on with; nothing where it may not."""
        told = [notify.told.get(name) for name in ("method", "target", "lines")]
        method, target, lines = (each if isinstance(each, bytes) else b"" for each in told)
        block = header_block(lines.removesuffix(b"\r\n"))
        if not knows(block.fields, self._secret):
            self._refused(Refusal(Problem.CALLER_UNKNOWN, "The caller does not show the secret."))
            return ()
        question = block.refusal or asked(HAPROXY, _text(method), _text(target), block.fields)
        if isinstance(question, Refusal):
            self._told(question)
            return ()
        request = Request(question.method, question.target, (1, 1), block)
        return variables_of(await self._consulted(connection, request, question))

    async def _answered(self, connection: ClientConnection, request: Request) -> Answer:
        if request.unreadable is not None:
            return self._refused(request.unreadable)
        block = request.block
        refusal = guard_line(request.method, request.target, request.version, block.first, block.refusal)
        if refusal is not None:
            return self._refused(refusal)
        if not knows(block.fields, self._secret):
            return self._refused(Refusal(Problem.CALLER_UNKNOWN, "The caller does not show the secret."))
        place = dialect_of(request.target)
        if place is None:
            return self._told(Refusal(Problem.PROXY_INCOMPLETE, "Nothing is asked at this path."))
        question = asked(place[0], request.method, place[1], block.fields)
        if isinstance(question, Refusal):
            return self._told(question)
        return await self._consulted(connection, request, question)

    async def _consulted(self, connection: ClientConnection, request: Request, question: Asked) -> Answer:
        block, handing = question.block, question.dialect.hands_over
        refusal = guard_line(question.method, question.target, (1, 1), block.first, block.refusal)
        policy = None if refusal is not None else self._hosts(block.host[0])
        if refusal is None and policy is None:
            refusal = Refusal(Problem.UNKNOWN_SITE, "No site of this gateway has this host name.")
        if refusal is not None or policy is None:
            return handed_over() if handing else self._told(refusal or misrouted())
        ask = self._original(connection, request, question, policy)
        if self._desk_owns(ask.path):
            return handed_over() if handing else self._told(misrouted())
        judged = await consult(ask, self._gate, hands_over=handing)
        if judged is None:
            return handed_over()
        return judged if isinstance(judged, Answer) else passing(question, ask, judged)

    def _original(
        self, connection: ClientConnection, request: Request, question: Asked, policy: Policy
    ) -> Any:
        """The ask of the client behind the proxy."""
        lines = [line for line in request.block.fields if line[0] != "forwarded"]
        client = resolve(connection.peer, lines, self._believing(connection.peer), self._country_header)
        client = replace(client, scheme=question.scheme)
        original = Request(question.method, question.target, (1, 1), question.block)
        return self._ask(connection, original, client, policy)

    def _believing(self, peer: str) -> TrustedProxies:
        """Whose forwarding headers are believed behind the caller at *peer*."""
        found = self._believed.get(peer)
        if found is None:
            at = parse_address(peer)
            own = () if at is None else (ip_network(at),)
            if len(self._believed) >= 64:
                self._believed.clear()
            found = self._believed[peer] = TrustedProxies((*self._trusted.networks, *own))
        return found

    def _told(self, refusal: Refusal) -> Answer:
        self.refusals[refusal.code] += 1
        return refused(refusal, None, None, None)


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")
