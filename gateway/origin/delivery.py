"""The seam between deciding and forwarding: what the origin said, what was sent.

The forwarder behind `Origin` can be replaced without the path noticing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

from gateway.ask import Ask
from gateway.problems import Refusal
from gateway.provenance.record import Ended

Headers = tuple[tuple[str, str], ...]


class OriginDown(OSError):
    """The server refused connections until a moment ago, and is not asked again yet."""


class OriginAborted(Exception):
    """The origin stopped in the middle of its body. What was sent so far is not the whole."""


class ClientAborted(OriginAborted):
    """The client broke its own request's body off, and the answer with it. What it got so far it took."""


class Delivery(NamedTuple):
    """What was actually sent back for one request.

    *bytes_sent* counts body octets handed to the connection; *digest* is their
    SHA-256 in hex; *length* is the body's announced length, or -1. Headers of
    interest are copied from the origin's answer.
    """

    status: int
    bytes_sent: int
    digest: str
    ended: Ended
    length: int = -1
    content_type: str = ""
    etag: str = ""


class Tunnel(Protocol):
    """The client's side of a connection that was switched to another protocol."""

    async def send(self, data: bytes) -> None:
        """Pass octets on to the origin, waiting while it cannot take more."""
        ...

    async def end(self) -> None:
        """Tell the origin that the client sends no more."""
        ...


class OriginAnswer(Protocol):
    """An answer of the creator's server whose head has arrived.

    *length* is the announced length of the body, or -1. *tunnel* is set on a
    101 alone. Whoever gets one either reads `body` to its end or calls `close`;
    `close` may be called at any time and more than once.
    """

    status: int
    length: int
    tunnel: Tunnel | None

    @property
    def reason(self) -> str:
        """The reason phrase."""
        ...

    @property
    def headers(self) -> Headers:
        """The fields in the origin's order, spelling and multiplicity, without hop-by-hop ones."""
        ...

    @property
    def head(self) -> bytes:
        """Status line and the same fields as octets for a client, as the origin wrote them."""
        ...

    def head_without(self, names: frozenset[str]) -> bytes:
        """`head` without the fields of these *names* (lower case)."""
        ...

    def field(self, name: str) -> str:
        """The first value of field *name* (lower case), or ""."""
        ...

    def whole(self) -> bytes | None:
        """The body where all of it has arrived, so that nothing is left to read; else None."""
        ...

    def body(self) -> AsyncIterator[bytes]:
        """The body's octets as they arrive, still content-coded; raises `OriginAborted`."""
        ...

    def close(self) -> None:
        """Let go of the origin: an unfinished answer closes its connection."""
        ...


class Origin(Protocol):
    """The creator's server, as the path of a request sees it."""

    async def open(
        self, ask: Ask, upstream: str, body: AsyncIterator[bytes] | None, *, ours: int, upgrade: bool
    ) -> OriginAnswer | Refusal:
        """Send the request on and return when the answer's head has arrived.

        *upstream* is the URL of the creator's server (`policy.rules.Site.origin`).
        *body* is None for a request without one; it is read as the origin takes
        it. *ours* is the position in `ask.headers` of a credential of ours that
        must not leave, or -1. *upgrade* allows the client to switch protocols;
        only the origin's own 101 makes a tunnel. A refusal is one of `ORIGIN_UNREACHABLE`,
        `ORIGIN_FAILED`, `ORIGIN_TIMEOUT`; nothing was delivered then.
        """
        ...
