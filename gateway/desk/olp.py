"""What a caller of RSL's Open License Protocol wants: a license element and where it stood. Pure.

RSL 1.0 (2025-12-10), section 5.4.2: ``license`` is the complete element as
published, ``resource`` the ``url`` of the content around it, or any page of
this site. The specification says nothing on how the two are compared; here the
element is read and must be what one offer for that resource publishes, or
grant less at the very same price. The price that counts is the offer's own.
What our licenses have no place for, user classes and all countries but some,
is not sold rather than left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from gateway.desk.selling import Sold, for_sale
from gateway.desk.wishes import read_place
from gateway.licenses.offers import Wanted, reaches
from gateway.paths import PathScope
from gateway.policy.rules import Policy
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import Offer
from gateway.terms.rsl import MEDIA_TYPE, RslLicense, license_of, parse_license

_IN_OLP: Final = {
    Problem.TARGET_INVALID: Problem.RESOURCE_NOT_OFFERED,
    Problem.DETAILS_INVALID: Problem.LICENSE_NOT_OFFERED,
}


@dataclass(frozen=True, slots=True)
class OlpWish:
    """What is *wanted*, out of *offers*, which are not empty."""

    wanted: Wanted
    offers: tuple[Offer, ...]


def read_wish(
    license: str, license_type: str, resources: tuple[str, ...], policy: Policy, origin: str
) -> OlpWish | Refusal:
    """Find the offers that the license element *license* is of; "" and () are absent.

    Refuses with `FORM_INVALID`, `RESOURCE_NOT_OFFERED` or
    `LICENSE_NOT_OFFERED`; raises nothing on any text.
    """
    if not resources:
        return Refusal(Problem.FORM_INVALID, "The parameter resource is missing.")
    if license_type not in {"", MEDIA_TYPE}:
        return Refusal(Problem.LICENSE_NOT_OFFERED, f"The license_type is not {MEDIA_TYPE}.")
    asked = parse_license(license)
    if isinstance(asked, Refusal):
        return asked
    if asked.excluded or asked.users is not None:
        return Refusal(
            Problem.LICENSE_NOT_OFFERED, "Licenses here except no country and name no class of users."
        )
    places = tuple(place for text in resources if (place := _place(text, origin)) is not None)
    wanted = Wanted(targets=places)
    there = [offer for offer in for_sale(policy, wanted) if reaches(offer, places)]
    if len(places) < len(resources) or not there:
        return Refusal(Problem.RESOURCE_NOT_OFFERED, "Nothing is on offer for that resource.")
    return _matched(asked, there, wanted)


def _place(resource: str, origin: str) -> PathScope | None:
    """The scope behind a ``url`` of license.xml, in any of the spellings `terms.rsl` gives it, or a page."""
    text = resource.partition("?")[0].removesuffix("$").replace("**", "*")
    return read_place(text[:-1] if text.endswith("/*") else text, origin)


def _matched(asked: RslLicense, there: list[Offer], wanted: Wanted) -> OlpWish | Refusal:
    same = tuple(offer for offer in there if asked.same_as(license_of(offer)))
    if same:
        # The element of our own namespace tells offers apart that RSL's words cannot.
        named = tuple(offer for offer in same if offer.id == asked.offer)
        return OlpWish(wanted, named or same)
    wider = tuple(offer for offer in there if asked.within(license_of(offer)))
    if wider:
        return OlpWish(replace(wanted, uses=asked.uses, territory=asked.territory), wider)
    return Refusal(
        Problem.LICENSE_NOT_OFFERED, "No offer for that resource grants this, or not at this price."
    )


def spelled(sold: Sold | Refusal) -> Sold | Refusal:
    """The same refusal in the words that OLP has for it; a sale as it is."""
    if isinstance(sold, Sold):
        return sold
    return replace(sold, problem=_IN_OLP.get(sold.problem, sold.problem))
