"""One request to the desk, and what an address of the desk is.

A group of addresses (`Group`) is a table from canonical paths to `Route`; a
path that ends in ``/*`` stands for everything below it, one with ``/*/`` inside
for every single segment there, and `Call.rest` is what stood in the place of the
star. `routes.Desk` merges the groups' tables.

Every method of every address has an `About`, at its route or in
`described.DESCRIBED`; the OpenAPI document (`openapi`) is made of them, and a
test fails where one is missing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class About:
    """What one method of an address is for, as the OpenAPI document tells it.

    *takes* are the JSON Schemas of the body by media type, *asks* those of the
    parameters in the query by name (a name with ``!`` after it is needed).
    *gives* are the JSON Schemas of the answer by media type, {} for any; without one the answer
    has no body. *login* says that a client has to prove itself. *rest* names
    what stands in the place of a star, with its schema.
    """

    summary: str
    takes: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    asks: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    gives: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    status: int = 200
    login: bool = False
    rest: tuple[str, Mapping[str, object]] = ("rest", {"type": "string"})


Endpoint = Callable[[Call], Awaitable[web.StreamResponse | Refusal]]


@dataclass(frozen=True, slots=True)
class Route:
    """What answers at one address.

    *oauth* says that refusals have OAuth's shape there where it has a word.
    *about* describes each method, where `described.DESCRIBED` does not.
    """

    methods: tuple[str, ...]
    act: Endpoint
    oauth: bool = False
    about: Mapping[str, About] = field(default_factory=dict)


Group = Mapping[str, Route]


def read_at(act: Endpoint, about: About | None = None) -> Route:
    """An address that is read."""
    return Route(READ, act, about={"GET": about} if about else {})


def protocol_at(act: Endpoint, about: About | None = None) -> Route:
    """An address of OAuth or OLP that is posted to."""
    return Route(WRITE, act, oauth=True, about={"POST": about} if about else {})
