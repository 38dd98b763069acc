"""Who sells what stands behind a refusal, found by what is published alone.

A 401 or 402 names the protected resource's metadata (``WWW-Authenticate``, RFC
9728, April 2025, section 5.1; where it does not, the well-known address of
section 3 is asked). That names the issuer, whose metadata (RFC 8414, June 2018)
names the endpoints, and its documentation, which holds every offer in full.

Believed is what is of the same origin, and of the offers those whose terms have
the hash that they are published with: a price is then what the terms say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gateway.client.caller import Answer, Caller, origin_of
from gateway.client.refused import Refused, Why
from gateway.money import Money
from gateway.terms.license_terms import LicenseTerms
from gateway.terms.terms_json import UnreadableTerms, terms_of
from gateway.uses import Uses, covers, parse_use

_METADATA = re.compile(r'resource_metadata="([^"\\]+)"')
_WELL_KNOWN = "/.well-known/oauth-protected-resource"
_MOST_OFFERS = 500


@dataclass(frozen=True, slots=True)
class Published:
    """One offer as it is published, its terms read and hashed by us."""

    id: str
    terms: LicenseTerms
    tier: int = 3

    @property
    def due(self) -> Money:
        """What is owed the moment it is signed: the fee, and the first period of a subscription."""
        return due_at_signing(self.terms)

    def fits(self, path: str, uses: Uses) -> bool:
        """Whether it covers canonical *path* for *uses*; no uses are covered by any."""
        return self.terms.scope.covers(path) and (not uses or covers(self.terms.purpose.uses, uses))


@dataclass(frozen=True, slots=True)
class Seller:
    """Where the licenses of *origin* are sold; endpoints are "" where there is none. *uses* are what we are taken to do."""

    origin: str
    issuer: str
    token_endpoint: str
    registration_endpoint: str = ""
    negotiation_endpoint: str = ""
    methods: frozenset[str] = frozenset()
    offers: tuple[Published, ...] = ()
    uses: Uses = frozenset()


def due_at_signing(terms: LicenseTerms) -> Money:
    """What is owed at once on *terms*, as this side reads them."""
    price = terms.compensation
    return Money(
        sum(part.micros for part in (price.at_signing, price.subscription) if part is not None),
        price.currency,
    )


async def discover(caller: Caller, origin: str, refused: Answer) -> Seller | Refused:
    """Find the seller of *origin*, from the answer that *refused* a page there."""
    named = [
        found.group(1) for value in refused.every("www-authenticate") if (found := _METADATA.search(value))
    ]
    place = named[0] if named else origin + _WELL_KNOWN
    if origin_of(place) != origin:
        return Refused.own(Why.FOREIGN_SELLER, f"{place} is not of {origin}", url=place)
    resource = await _read(caller, place)
    if isinstance(resource, Refused):
        return resource
    if _at(resource.get("resource")) != origin:
        return Refused.own(Why.UNREADABLE, "The metadata is of another resource", url=place)
    issuers = resource.get("authorization_servers")
    if not isinstance(issuers, list) or not issuers or not isinstance(issuers[0], str):
        return Refused.own(Why.NO_SELLER, "The metadata names no authorization server", url=place)
    issuer = issuers[0]
    if origin_of(issuer) != origin:
        return Refused.own(Why.FOREIGN_SELLER, f"{issuer} is not of {origin}", url=place)
    metadata = await _read(caller, f"{origin}/.well-known/oauth-authorization-server{urlsplit(issuer).path}")
    if isinstance(metadata, Refused):
        return metadata
    if metadata.get("issuer") != issuer:
        return Refused.own(Why.UNREADABLE, "The metadata is of another issuer", url=issuer)
    return await _with_offers(caller, origin, issuer, metadata, refused)


async def _with_offers(
    caller: Caller, origin: str, issuer: str, metadata: Mapping[str, Any], refused: Answer
) -> Seller | Refused:
    ends: dict[str, str] = {}
    for name in ("token_endpoint", "registration_endpoint", "negotiation_endpoint", "service_documentation"):
        value = metadata.get(name, "")
        if not isinstance(value, str) or (value and origin_of(value) != origin):
            return Refused.own(Why.FOREIGN_SELLER, f"{name} is not of {origin}", url=issuer)
        ends[name] = value
    if not ends["token_endpoint"] or not ends["service_documentation"]:
        return Refused.own(Why.NO_SELLER, "The metadata names no token endpoint, or no offers", url=issuer)
    index = await _read(caller, ends.pop("service_documentation"))
    if isinstance(index, Refused):
        return index
    listed = index.get("offers")
    offers = [_offer(each) for each in listed[:_MOST_OFFERS]] if isinstance(listed, list) else []
    methods = metadata.get("token_endpoint_auth_methods_supported")
    return Seller(
        origin,
        issuer,
        **ends,
        methods=frozenset(filter(_is_text, methods)) if isinstance(methods, list) else frozenset(),
        offers=tuple(each for each in offers if each is not None),
        uses=_uses(refused.json.get("uses")),
    )


def _offer(found: object) -> Published | None:
    if not isinstance(found, dict) or not _is_text(found.get("id")):
        return None
    tier = found.get("tier")
    try:
        terms = terms_of(found.get("terms"), str(found.get("terms_hash")))
    except UnreadableTerms:
        return None
    return Published(found["id"], terms, tier if type(tier) is int else 3)


def _uses(found: object) -> Uses:
    named = [parse_use(each) for each in found if isinstance(each, str)] if isinstance(found, list) else []
    return frozenset(use for use in named if use is not None)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _at(value: object) -> str:
    return origin_of(value) if isinstance(value, str) else ""


async def _read(caller: Caller, url: str) -> dict[str, Any] | Refused:
    answer = await caller.send("GET", url, {"Accept": "application/json"})
    if isinstance(answer, Refused):
        return answer
    if answer.status != 200:
        return answer.refusal
    return answer.json or Refused.own(Why.UNREADABLE, "It is no JSON object", url=url)
