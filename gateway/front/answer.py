"""What the path hands to the listener, and what it learned on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import NamedTuple

from gateway.admission.admit import Grant
from gateway.origin.delivery import Headers, Tunnel
from gateway.policy.rules import Policy, Ruling
from gateway.problems import Refusal
from gateway.rails.rail import Tender
from gateway.tokens.claims import Claims
from gateway.visitors.visitor import Visitor


@dataclass(frozen=True, slots=True)
class Notice:
    """A control file, served to everyone, always: robots.txt, license.xml, …

    *body* is complete; a HEAD or a match of *etag* is the path's business.
    """

    name: str
    media_type: str
    body: bytes
    etag: str
    max_age: int = 3600


class Judged(NamedTuple):
    """Everything that was decided about one request.

    *credential_at* is the position in `ask.headers` of a credential of ours
    that must not reach the origin, or -1. *ruling* is None for a control file.
    *claims* are those of a good token, whatever the verdict made of it, or of
    the *tender* that the request pays with.
    """

    policy: Policy
    visitor: Visitor
    ruling: Ruling | None
    verdict: Grant | Refusal | Notice
    credential_at: int = -1
    claims: Claims | None = None
    tender: Tender | None = None


@dataclass(slots=True)
class Answer:
    """One response, as the listener should write it.

    *headers* are complete but for framing (`Content-Length` is passed where it
    is known; hop-by-hop fields are the listener's). *head* stands for reason and
    headers where those pass as the origin wrote them, with *length* as it
    announced it, or -1. *whole* is the body where
    all of it is at hand; its length is told unless it is *unmeasured*, as the
    origin left it. Otherwise *chunks* is the body: the listener iterates it to
    its end or calls `aclose`, awaits each write before it asks for the next,
    and breaks the connection off, without ending the body, when it raises.
    *tunnel* takes the client's bytes after a 101, *chunks* yields the origin's.
    *close* ends the connection.
    """

    status: int
    reason: str
    headers: Headers
    chunks: AsyncIterator[bytes] | None = None
    tunnel: Tunnel | None = None
    close: bool = False
    whole: bytes = b""
    head: bytes = b""
    length: int = -1
    unmeasured: bool = False
