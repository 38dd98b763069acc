"""What the desk tells everybody: the index, the offers, keys, metadata, what each refusal means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from gateway.clock import Clock
from gateway.desk import pages
from gateway.desk.call import Call, Endpoint, Group, read_at
from gateway.desk.details_types import details_types
from gateway.desk.metadata import (
    PREFIX,
    RESOURCE_METADATA,
    SERVER_METADATA,
    index_document,
    issuer_of,
    offers_document,
    on_offer,
    resource_metadata,
    server_metadata,
)
from gateway.desk.problem_members import members_of
from gateway.desk.replies import json_reply
from gateway.desk.selling import Ring
from gateway.keys.key_set import KeySet
from gateway.policy.rules import Policy
from gateway.problems import PROBLEMS, Problem, Refusal
from gateway.terms.license_terms import PublishedTerms
from gateway.visitors.own_identity import OwnIdentity
from gateway.visitors.signature_agent import WELL_KNOWN


class Keys(Ring, Protocol):
    """What the desk needs of `keys.key_ring.KeyRing`."""

    @property
    def public(self) -> KeySet:
        """Every key that verifies now."""
        ...


class PublicDocuments:
    """Answers what anybody may read."""

    def __init__(
        self,
        keys: Keys,
        clock: Clock,
        identity: OwnIdentity | None,
        published: Callable[[Policy, str], PublishedTerms],
    ) -> None:
        """Publish *keys* and *identity*; without one there is no directory of our own keys.

        *published* is what all formats say of a policy at an origin.
        """
        self._published = published
        self._keys, self._clock, self._identity = keys, clock, identity

    def group(self) -> Group:
        """Its addresses."""
        return {
            PREFIX: read_at(self._index),
            f"{PREFIX}/": read_at(self._index),
            f"{PREFIX}/offers": read_at(self._offers),
            f"{PREFIX}/jwks.json": read_at(self._jwks),
            f"{PREFIX}/authorization-details-types": read_at(self._details_types),
            **{f"{PREFIX}/problems/{code}": read_at(_told(problem)) for code, problem in PROBLEMS.items()},
            SERVER_METADATA: read_at(self._server_metadata),
            RESOURCE_METADATA: read_at(self._resource_metadata),
            WELL_KNOWN: read_at(self._directory),
        }

    async def _index(self, call: Call) -> web.Response | Refusal:
        if call.wants_page:
            return pages.index_page(call.policy, call.origin)
        return _negotiated(
            index_document(call.policy, call.origin, self._published(call.policy, call.origin)), 300
        )

    async def _offers(self, call: Call) -> web.Response | Refusal:
        return json_reply(
            offers_document(call.policy, call.origin, self._published(call.policy, call.origin)), max_age=300
        )

    async def _details_types(self, call: Call) -> web.Response | Refusal:
        return json_reply(details_types(on_offer(call.policy), issuer_of(call.origin)), max_age=300)

    async def _jwks(self, _call: Call) -> web.Response | Refusal:
        return json_reply(self._keys.public.jwks(), max_age=300)

    async def _directory(self, call: Call) -> web.Response | Refusal:
        if self._identity is None:
            return Refusal(Problem.NOT_FOUND)
        found = self._identity.directory(call.origin, self._clock.now_us() // 1_000_000)
        return web.Response(
            body=found.body, headers={**found.headers, "Cache-Control": "public, max-age=3600"}
        )

    async def _server_metadata(self, call: Call) -> web.Response | Refusal:
        return json_reply(server_metadata(call.policy, call.origin), max_age=300)

    async def _resource_metadata(self, call: Call) -> web.Response | Refusal:
        return json_reply(resource_metadata(call.policy, call.origin), max_age=300)


def _told(problem: Problem) -> Endpoint:
    async def tell(call: Call) -> web.Response | Refusal:
        if call.wants_page:
            return pages.problem_page(problem)
        described = {
            "code": problem.code,
            "status": problem.status,
            "title": problem.title,
            "next_step": problem.next_step,
            "members": dict(members_of(problem)),
        }
        return _negotiated(described, 3600)

    return tell


def _negotiated(body: object, max_age: int) -> web.Response:
    return json_reply(body, max_age=max_age, headers={"Vary": "Accept"})
