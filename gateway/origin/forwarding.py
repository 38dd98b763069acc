"""Ask the creator's server and hand back what it says, without holding it.

The request line and every octet of the headers that may pass leave as they
came. A body is sent as the origin takes it, and not before the origin agreed
where the client waits for ``100 Continue``. A request is sent twice in one case
only: a GET or HEAD without a body on a spare connection that the origin had
closed meanwhile. Everything else gets a connection of its own, so that a form
is never lost to a connection that was dead already.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator

from gateway.ask import Ask
from gateway.languages import Phrase
from gateway.origin.answered import HttpAnswer
from gateway.origin.connections import OriginConnection, OriginLimits, OriginLost, Reply
from gateway.origin.delivery import Headers
from gateway.origin.header_hygiene import MOST_HOPS, asked_protocol, hops
from gateway.origin.pieces import sent
from gateway.origin.pool import Connections
from gateway.origin.request_octets import request_octets, sized, waits
from gateway.origin.routing import Upstream, UpstreamError, read_upstream
from gateway.problems import Problem, Refusal

__all__ = ["BodyBroken", "HttpAnswer", "HttpOrigin", "OriginLimits"]

_LATER = 5


class BodyBroken(Exception):
    """The client's body cannot be read to its end; *refusal* says why.

    Raised by the iterator that is handed to `HttpOrigin.open`, which then
    answers with that refusal. Nothing was delivered.
    """

    def __init__(self, refusal: Refusal) -> None:
        """Carry *refusal* to whoever answers."""
        super().__init__(refusal.detail)
        self.refusal = refusal


class HttpOrigin:
    """`origin.delivery.Origin` over HTTP/1.1."""

    def __init__(
        self,
        limits: OriginLimits | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        proxied: str = "off",
    ) -> None:
        """Connect to nothing yet. *tls* is for origins with ``https``; None trusts the system's authorities.

        *proxied* is the version of the PROXY header that tells the origin the client's address, or ``off``.
        """
        self._limits = limits or OriginLimits()
        self._connections = Connections(self._limits, tls, proxied=proxied)

    async def open(
        self,
        ask: Ask,
        upstream: str,
        body: AsyncIterator[bytes] | None,
        *,
        ours: int,
        upgrade: bool,
        told: Headers = (),
    ) -> HttpAnswer | Refusal:
        """Send the request on and return when the answer's head has arrived (`origin.delivery.Origin`).

        *told* are fields of our own for a server of our own. Besides the three
        refusals of the port this returns the one that *body* raises in
        `BodyBroken`. Cancelling it closes the connection to the origin.
        """
        try:
            place = read_upstream(upstream)
        except UpstreamError as unknown:
            return _unreachable(str(unknown))
        if ask.has("cdn-loop") and hops(ask) >= MOST_HOPS:
            detail = Phrase("This request came back to where it started.")
            return Refusal(Problem.ORIGIN_FAILED, detail, private=f"{upstream} leads back to this gateway")
        protocol = asked_protocol(ask) if upgrade and body is None and ask.has("upgrade") else ""
        repeatable = body is None and ask.method in {"GET", "HEAD"} and not protocol
        message = request_octets(ask, place, ours, protocol, told, body=body is not None)
        for fresh in (not repeatable, True):
            connection = None if fresh else self._connections.spare(place)
            try:
                connection = connection or await self._connections.take(place, fresh=True, client=ask.address)
            except TimeoutError:
                return _late(f"no connection to {upstream} in time")
            except OSError as error:
                why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
                return _unreachable(f"{upstream}: {why}")
            try:
                return await self._asked(connection, place, ask, message, body, protocol)
            except OriginLost as lost:
                if repeatable and connection.used and lost.untouched:
                    continue
                return _late(f"{upstream}: {lost}") if lost.late else _failed(f"{upstream}: {lost}")
            except TimeoutError:
                return _late(f"{upstream} did not answer in time")
            except BodyBroken as broken:
                return broken.refusal
        return _failed(f"{upstream}: every connection was closed")

    async def close(self) -> None:
        """Close spare connections; answers under way are their readers' to close."""
        self._connections.close()

    async def _asked(
        self,
        connection: OriginConnection,
        place: Upstream,
        ask: Ask,
        message: bytes,
        body: AsyncIterator[bytes] | None,
        protocol: str,
    ) -> HttpAnswer:
        reply = connection.begin(ask.method)
        sender: asyncio.Future[None] | None = None
        try:
            connection.write(message)
            if body is not None:
                if waits(ask):
                    await self._agreed(connection, reply)
                if reply.head is None:
                    sender = asyncio.ensure_future(sent(connection, body, chunked=not sized(ask)))
                    sender.add_done_callback(lambda done: _finished(done, reply))
            # The clock of the answer starts when the whole request was sent.
            until: float | None = None
            while (head := reply.head) is None or (head.status == 101 and not reply.switched):
                if sender is not None and sender.done() and (error := sender.exception()) is not None:
                    raise error
                if reply.failure is not None:
                    raise reply.failure
                if until is not None:
                    connection.deadline = until
                elif sender is None or sender.done():
                    until = connection.allow(self._limits.first_byte)
                await reply.news
            if head.status == 101 and not protocol:
                raise OriginLost("the origin switched protocols unasked")
        except BaseException:
            connection.abort()
            if sender is not None:
                sender.cancel()
            raise
        unsent = body is not None and sender is None
        return HttpAnswer(head, reply, connection, place, self._connections, sender, unsent=unsent)

    async def _agreed(self, connection: OriginConnection, reply: Reply) -> None:
        """Wait for the origin's word on whether it wants the body; silence is consent."""
        reply.agreeing = True
        until = connection.allow(self._limits.continue_seconds)
        while not reply.continued and reply.head is None and reply.failure is None:
            connection.deadline = until
            await reply.news
        reply.agreeing = False


def _finished(sender: asyncio.Future[None], reply: Reply) -> None:
    """Wake whoever waits for the head; a body that broke off takes the answer with it."""
    if sender.cancelled():
        return
    error = sender.exception()
    if error is not None and reply.head is not None:
        reply.fail(f"the request's body broke off: {error}", by_client=isinstance(error, BodyBroken))
    reply.wake()


def _unreachable(why: str) -> Refusal:
    detail = Phrase("The site's own server cannot be reached at the moment.")
    return Refusal(Problem.ORIGIN_UNREACHABLE, detail, retry_after=_LATER, private=why)


def _failed(why: str) -> Refusal:
    detail = Phrase("The site's own server broke off or answered in a way that cannot be passed on.")
    return Refusal(Problem.ORIGIN_FAILED, detail, retry_after=_LATER, private=why)


def _late(why: str) -> Refusal:
    detail = Phrase("The site's own server took too long to answer.")
    return Refusal(Problem.ORIGIN_TIMEOUT, detail, retry_after=_LATER, private=why)
