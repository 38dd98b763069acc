"""The offers in the formats of others: each as an ODRL offer and as a CoMP package.

=================================== =====================================
``/.licet/offers/NAME.jsonld``      the offer in ODRL (`terms.odrl`)
``/.licet/odrl-profile.jsonld``     what the words of our ODRL profile mean
``/.licet/comp``                    every offer as a CoMP package
``/.licet/comp/NAME``               one of them, as CoMP answers
=================================== =====================================

Only what the published terms list; in the mode `observe` nothing is here.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson
from aiohttp import web

from gateway.desk.call import About, Call, Group, read_at
from gateway.desk.metadata import PREFIX
from gateway.desk.reading import JSON
from gateway.desk.replies import json_reply, octets_reply
from gateway.policy.rules import Mode, Policy
from gateway.problems import Problem, Refusal
from gateway.terms.comp import comp_package, comp_packages
from gateway.terms.license_terms import Offer, PublishedTerms
from gateway.terms.odrl import MEDIA_TYPE, odrl_offer, offered
from gateway.terms.odrl_words import profile_document

_SECONDS = 300


def _about(summary: str, media_type: str, rest: str = "rest") -> About:
    return About(summary, gives={media_type: {}}, rest=(rest, {"type": "string"}))


class OfferDocuments:
    """Answers what offers are in other vocabularies."""

    def __init__(self, published: Callable[[Policy, str], PublishedTerms]) -> None:
        """Tell of what *published* says of a policy at an origin."""
        self._published = published

    def group(self) -> Group:
        """Its addresses."""
        return {
            f"{PREFIX}/offers/*": read_at(
                self._odrl, _about("One offer, as ODRL has it.", MEDIA_TYPE, "document")
            ),
            f"{PREFIX}/odrl-profile.jsonld": read_at(
                self._profile, _about("What the words of our ODRL profile mean.", MEDIA_TYPE)
            ),
            f"{PREFIX}/comp": read_at(self._packages, _about("Every offer as a package of IAB CoMP.", JSON)),
            f"{PREFIX}/comp/*": read_at(
                self._package, _about("One offer as a package of IAB CoMP.", JSON, "offer")
            ),
        }

    async def _odrl(self, call: Call) -> web.StreamResponse | Refusal:
        found = (
            self._found(call, call.rest.removesuffix(".jsonld")) if call.rest.endswith(".jsonld") else None
        )
        if found is None:
            return _not_here()
        return _linked(odrl_offer(*found))

    async def _profile(self, _call: Call) -> web.StreamResponse | Refusal:
        return _linked(profile_document())

    async def _packages(self, call: Call) -> web.StreamResponse | Refusal:
        observed = call.policy.site.mode is Mode.OBSERVE
        told = [] if observed else comp_packages(self._published(call.policy, call.origin))
        return json_reply(told, max_age=_SECONDS)

    async def _package(self, call: Call) -> web.StreamResponse | Refusal:
        found = self._found(call, call.rest)
        return _not_here() if found is None else json_reply(comp_package(*found), max_age=_SECONDS)

    def _found(self, call: Call, name: str) -> tuple[PublishedTerms, Offer] | None:
        if call.policy.site.mode is Mode.OBSERVE:
            return None
        terms = self._published(call.policy, call.origin)
        return next(((terms, offer) for offer in offered(terms) if offer.id == name), None)


def _linked(document: dict[str, object]) -> web.Response:
    return octets_reply(orjson.dumps(document), MEDIA_TYPE, {"Cache-Control": f"public, max-age={_SECONDS}"})


def _not_here() -> Refusal:
    return Refusal(Problem.NOT_FOUND, "This site publishes no offer of that name.")
