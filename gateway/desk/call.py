"""One request to the desk, and what an address of the desk is.

A group of addresses (`Group`) is a table from canonical paths to `Route`; a
path that ends in ``/*`` stands for everything below it, and `Call.rest` is what
stood in the place of the star. `routes.Desk` merges the groups' tables.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.policy.rules import Policy
from gateway.problems import Refusal

READ: Final = ("GET", "HEAD", "OPTIONS")
WRITE: Final = ("POST", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Call:
    """One request: *policy* of the site, its public *origin*, the client's *address*, what a star stood for."""

    request: web.BaseRequest
    policy: Policy
    origin: str
    address: str
    rest: str = ""

    @property
    def wants_page(self) -> bool:
        """Whether a page for people is asked for, and not a document."""
        accepted = self.request.headers.get("Accept", "").lower()
        return "text/html" in accepted and "json" not in accepted


Endpoint = Callable[[Call], Awaitable[web.StreamResponse | Refusal]]


@dataclass(frozen=True, slots=True)
class Route:
    """What answers at one address. *oauth* says that refusals have OAuth's shape there where it has a word."""

    methods: tuple[str, ...]
    act: Endpoint
    oauth: bool = False


Group = Mapping[str, Route]


def read_at(act: Endpoint) -> Route:
    """An address that is read."""
    return Route(READ, act)


def protocol_at(act: Endpoint) -> Route:
    """An address of OAuth or OLP that is posted to."""
    return Route(WRITE, act, oauth=True)
