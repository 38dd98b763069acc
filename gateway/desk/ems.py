"""The key of an encrypted file, for whoever holds a license of it: ``/key`` of RSL's OLP.

RSL 1.0 (2025-12-10), section 7.2.3, in the words of the draft of August 2025: the
client proves itself, shows its token and names the file by URL or path
(``resource``); it gets the JWK, and in ``format`` the layout of the file
(`keys.ems`). ``kid`` asks for the key of an older copy. The key costs nothing
of its own: what is fetched through the gateway is priced there.

A token that is bound to a key (RFC 9449) is shown with a ``DPoP`` proof of that
key for this address; without it whoever else logs in as the client has nothing.

Whoever could not fetch the file with this token gets no key to it either: the
rules of this moment are asked, for a crawler that the token names or for one
that nobody knows, from the country that the request comes from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog
from aiohttp import web

from gateway.admission.entitlement import entitle, uses_under
from gateway.ask import Ask
from gateway.clock import Clock
from gateway.desk.binding import Bindings
from gateway.desk.call import About, Call, Group, protocol_at
from gateway.desk.clients import Clients, may_buy
from gateway.desk.door import COUNTRY
from gateway.desk.entering import entered, first
from gateway.desk.held import Holdings
from gateway.desk.metadata import PREFIX
from gateway.desk.reading import FORM, JSON
from gateway.desk.replies import json_reply
from gateway.desk.wishes import read_place
from gateway.keys.content_keys import ContentKeys
from gateway.keys.ems import FORMAT, EmsError
from gateway.licenses.bundle_paths import opened_by
from gateway.licenses.withdrawal import refusal_of
from gateway.policy.rules import Policy, Verdict
from gateway.policy.ruling import rule
from gateway.problems import Problem, Refusal, StoreUnavailable
from gateway.tokens.claims import Claims
from gateway.visitors.visitor import Crawler, Identity, Visitor, VisitorClass

_log = structlog.get_logger("licet.desk")
_NOBODY_KNOWN: Final = Visitor(VisitorClass.AI)
_ASKS = {
    "type": "object",
    "required": ["token", "resource"],
    "properties": {name: {"type": "string"} for name in ("token", "resource", "kid")},
}
_GIVES = {
    "type": "object",
    "required": ["key", "resource", "format"],
    "properties": {"key": {"type": "object", "required": ["kty", "kid", "k", "alg"]}},
}
_ABOUT = About(
    "The key of an encrypted file that the token covers (RSL's EMS).",
    takes={FORM: _ASKS, JSON: _ASKS},
    gives={JSON: _GIVES},
    login=True,
)


class EmsKeys:
    """Answers clients that have authenticated."""

    def __init__(
        self,
        clients: Clients,
        holdings: Holdings,
        keys: ContentKeys,
        clock: Clock,
        crawler: Callable[[str], Crawler | None],
        bindings: Bindings,
    ) -> None:
        """Give out *keys*; *crawler* knows the crawlers that a token may name, *bindings* judges proofs of keys."""
        self._bindings = bindings
        self._clients, self._holdings, self._keys = clients, holdings, keys
        self._clock, self._crawler = clock, crawler

    def group(self) -> Group:
        """Its address."""
        return {f"{PREFIX}/key": protocol_at(self._key, _ABOUT)}

    async def _key(self, call: Call) -> web.Response | Refusal:
        came = await entered(call, self._clients, json_too=True)
        if isinstance(came, Refusal):
            return came
        known, form = came
        for name in ("token", "resource"):
            if name not in form:
                return Refusal(Problem.FORM_INVALID, f"The parameter {name} is missing.")
        barred = may_buy(known)
        if barred is not None:
            return barred
        claims = await self._holdings.standing(first(form, "token"), known, call.origin)
        if isinstance(claims, Refusal):
            return claims
        unproven = await self._bindings.unproven(call, known, claims, first(form, "token"))
        if unproven is not None:
            return unproven
        resource = first(form, "resource")
        place = read_place(resource, call.origin)
        path = place.pattern if place is not None else ""
        refused = self._outside(path, claims, call)
        if refused is not None:
            return refused
        try:
            found = await asyncio.to_thread(self._keys.key, call.policy.site.id, path, first(form, "kid"))
        except (OSError, EmsError) as error:
            raise StoreUnavailable(f"The content keys cannot be read: {error}") from error
        if found is None:
            return Refusal(Problem.RESOURCE_NOT_OFFERED, "There is no key for that resource.")
        _log.info("a content key was given", license=claims.license, client=known.client.id, kid=found.kid)
        return json_reply({"key": found.as_jwk(), "resource": resource, "format": FORMAT})

    def _outside(self, path: str, claims: Claims, call: Call) -> Refusal | None:
        """Why the token does not open the file at canonical *path*, or None."""
        if not path or "*" in path:
            return Refusal(Problem.RESOURCE_NOT_OFFERED, "The resource is no URL or path of this site.")
        if opened_by(claims, path, call.policy.bundles) is None:
            return Refusal(Problem.PATH_NOT_COVERED, "The license does not cover this path.")
        work = call.policy.work_of(path)
        gone = call.policy.withdrawn.stopping(path, work.id if work else "", claims.uses, claims.licensee)
        if gone is not None:
            return refusal_of(gone)
        country = call.request.headers.get(COUNTRY, "")
        ask = Ask(
            "", self._clock.now_us(), call.policy.site.id, call.origin, "GET", path, path, country=country
        )
        named = filter(None, map(self._crawler, sorted(claims.crawlers)))
        found = [_barred(each, claims, ask, call.policy) for each in (_NOBODY_KNOWN, *map(_honest, named))]
        return None if None in found else found[0]


def _honest(crawler: Crawler) -> Visitor:
    identity = Identity.VERIFIED if crawler.verifiable else Identity.CLAIMED
    return Visitor(crawler.visitor_class, crawler, identity)


def _barred(visitor: Visitor, claims: Claims, ask: Ask, policy: Policy) -> Refusal | None:
    """Why *visitor* may not fetch what *ask* names with a token of *claims*, which covers the path; or None."""
    ruling = rule(policy, visitor, ask, uses_under(claims, visitor))
    if ruling.verdict is Verdict.REFUSE:
        return Refusal(Problem.RESOURCE_NOT_OFFERED, f"The owner does not give out this file: {ruling.why}.")
    # What is free is on no offer.
    covering = replace(claims, offer="") if ruling.verdict is Verdict.SERVE else claims
    covered = entitle(covering, visitor, ruling, ask)
    return covered if isinstance(covered, Refusal) else None
