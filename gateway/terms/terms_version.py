"""One version of a site's published terms, named by what it says.

The document is canonical JSON (RFC 8785, June 2020) and its SHA-256 is its
name, so whoever holds the name can tell whether the document was changed. It
says what `PublishedTerms` says, offers to the last lever, and no more: no
floor, no position, nothing of a policy that is not published. It names no
address: the same terms at another address are the same version.

=============== ============================================================
``format``      1
``name``, ``contact``, ``currency``  of the site
``reservation``, ``limits``  what is reserved, and what the law leaves free
``scopes``      narrower before wider: ``paths``, ``work``, ``free``,
                ``offers`` (ids), ``reserved``
``offers``      by tier and id: ``id``, ``tier``, ``terms`` (all
                levers), ``terms_hash``, ``territory_basis``,
                ``window_hours``, ``max_fetches``, ``token_seconds``
=============== ============================================================

Not in it: which crawlers are refused at any price, which robots.txt says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from gateway.canonical import canonical_bytes
from gateway.terms.license_terms import Offer, PublishedScope, PublishedTerms
from gateway.terms.reservation import LIMITS, reservation, reserved

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class TermsVersion:
    """A version: its name (lower-case hex SHA-256) and the canonical JSON that has it."""

    name: str
    text: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The document, read anew."""
        found: dict[str, Any] = orjson.loads(self.text)
        return found

    @property
    def is_whole(self) -> bool:
        """Whether the text still has its name."""
        return hashlib.sha256(self.text).hexdigest() == self.name


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: *place* such as ``offers.training.terms.term.months``; None is not there."""

    place: str
    before: object
    after: object


def terms_version(terms: PublishedTerms) -> TermsVersion:
    """The version that *terms* are; equal terms are the same version, whatever their origin."""
    offers = {offer.id: offer for scope in terms.scopes for offer in scope.offers}
    text = canonical_bytes(
        {
            "format": FORMAT,
            "name": terms.name,
            "contact": terms.contact,
            "currency": terms.currency,
            "reservation": reservation(terms),
            "limits": LIMITS,
            "scopes": [_scope(scope) for scope in terms.scopes],
            "offers": [
                _offer(offer) for offer in sorted(offers.values(), key=lambda each: (each.tier, each.id))
            ],
        }
    )
    return TermsVersion(hashlib.sha256(text).hexdigest(), text)


def changes(older: Mapping[str, Any], newer: Mapping[str, Any]) -> tuple[Change, ...]:
    """Every difference between two documents, in the order of the newer one and then what is gone.

    Offers are compared by id and scopes by their paths; their order alone is no
    change but for scopes, where narrower stands before wider.
    """
    before, after = (dict(_leaves(each)) if each else {} for each in (older, newer))
    places = [*after, *(place for place in before if place not in after)]
    return tuple(
        Change(place, before.get(place), after.get(place))
        for place in places
        if before.get(place) != after.get(place)
    )


def _scope(scope: PublishedScope) -> dict[str, object]:
    return {
        "paths": [path.pattern for path in scope.paths],
        "work": scope.work,
        "free": sorted(scope.free),
        "offers": [offer.id for offer in scope.offers],
        "reserved": sorted(reserved(scope.free, scope.for_sale)),
    }


def _offer(offer: Offer) -> dict[str, object]:
    terms = offer.terms
    return {
        "id": offer.id,
        "tier": offer.tier,
        "terms": terms.as_json(),
        "terms_hash": terms.hash,
        "territory_basis": str(terms.territory.basis),
        "window_hours": terms.compensation.window_hours,
        "max_fetches": offer.max_fetches,
        "token_seconds": offer.token_seconds,
        **({"by_person": True} if offer.by_person else {}),
    }


def _leaves(value: object, place: str = "") -> Iterator[tuple[str, object]]:
    """Every value of a document by its place; what has no parts is a value, and so is a list of them."""
    named = _named(value)
    if named is None:
        yield place, value
        return
    for name, part in named:
        yield from _leaves(part, f"{place}.{name}" if place else name)


def _named(value: object) -> Iterable[tuple[str, object]] | None:
    if isinstance(value, Mapping):
        return list(value.items()) or None
    if isinstance(value, list) and value and all(isinstance(part, Mapping) for part in value):
        keys = [part.get("id") or " ".join(part.get("paths", ())) for part in value]
        if all(keys) and len(set(keys)) == len(keys):
            return list(zip(keys, value, strict=True))
    return None
