"""RSL's Open License Protocol: what a license element asks for, and what a token says in its words. Pure.

RSL 1.0 (2025-12-10), section 5.4.2: ``license`` is the complete element as
published, ``resource`` the ``url`` of the content around it, or any page of
this site. The specification says nothing on how the two are compared; here the
element is read and must be what one offer for that resource publishes, or
grant less at the very same price. The price that counts is the offer's own. What an
earlier license.xml offered is sold too while that document may be kept, unless
its works are no longer for sale.
What our licenses have no place for, user classes and all countries but some,
is not sold rather than left out.

OLP has no parameter for who signs, which a large deal needs: ``authorization_details``
(RFC 9396) with a ``party`` may stand beside the element (`wishes.read_signer`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from lxml import etree

from gateway.desk.metadata import issuer_of
from gateway.desk.on_sale import for_sale
from gateway.desk.selling import Sold
from gateway.desk.wishes import read_place
from gateway.licenses.license import License
from gateway.licenses.offers import Wanted, reaches
from gateway.paths import PathScope
from gateway.policy.rules import Mode, Policy
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import WORLDWIDE, Offer
from gateway.terms.rsl import MEDIA_TYPE, NAMESPACE, RslLicense, license_of, parse_license
from gateway.terms.rsl_xml import add, tag
from gateway.tokens.claims import Claims

#: How a token is asked for (section 5.4.2), and how the draft of August 2025 had it.
GRANTS: Final = frozenset({"client_credentials", "rsl"})
_NOTHING: Final = "Nothing is on offer for that resource."
_PARTY: Final = (
    "Beside license, name it at {0}/token in authorization_details, "
    'as [{{"type": "content_license", "party": {{…}}}}].'
)
_IN_OLP: Final = {
    Problem.TARGET_INVALID: Problem.RESOURCE_NOT_OFFERED,
    Problem.DETAILS_INVALID: Problem.LICENSE_NOT_OFFERED,
    Problem.CREDIT_SPENT: Problem.PAYMENT_MISSING,
}


@dataclass(frozen=True, slots=True)
class OlpWish:
    """What is *wanted*, out of *offers*, which are not empty and of *policy*."""

    wanted: Wanted
    offers: tuple[Offer, ...]
    policy: Policy


def read_wish(
    license: str,
    license_type: str,
    resources: tuple[str, ...],
    policy: Policy,
    origin: str,
    earlier: Iterable[Policy] = (),
) -> OlpWish | Refusal:
    """Find the offers that the license element *license* is of; "" and () are absent.

    They are those of *policy*, or of the first of the *earlier* ones that has any. Refuses with `FORM_INVALID`, `RESOURCE_NOT_OFFERED` or
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
    if len(places) < len(resources):
        return Refusal(Problem.RESOURCE_NOT_OFFERED, _NOTHING)
    found = _of_policy(asked, policy, places, policy)
    for each in earlier if isinstance(found, Refusal) and policy.site.mode is not Mode.OBSERVE else ():
        older = _of_policy(asked, each, places, policy)
        if isinstance(older, OlpWish):
            return older
    return found


def _of_policy(
    asked: RslLicense, policy: Policy, places: tuple[PathScope, ...], in_force: Policy
) -> OlpWish | Refusal:
    wanted = Wanted(targets=places)
    sold = {work.id for work in in_force.works if work.for_sale}
    # A page may have gone to another work since, and the fee would buy what is refused.
    if policy is not in_force and any(
        (work := in_force.work_of(place.pattern)) is None or work.id not in sold
        for place in places
        if "*" not in place.pattern and not place.pattern.endswith("/")
    ):
        return Refusal(Problem.RESOURCE_NOT_OFFERED, _NOTHING)
    there = [
        offer
        for offer in for_sale(policy, wanted)
        if reaches(offer, places) and (policy is in_force or sold.issuperset(offer.terms.scope.works))
    ]
    if not there:
        return Refusal(Problem.RESOURCE_NOT_OFFERED, _NOTHING)
    return _matched(asked, there, wanted, policy)


def _place(resource: str, origin: str) -> PathScope | None:
    """The scope behind a ``url`` of license.xml, in any of the spellings `terms.rsl` gives it, or a page."""
    text = resource.partition("?")[0].removesuffix("$").replace("**", "*")
    return read_place(text[:-1] if text.endswith("/*") else text, origin)


def _matched(asked: RslLicense, there: list[Offer], wanted: Wanted, policy: Policy) -> OlpWish | Refusal:
    same = tuple(offer for offer in there if asked.same_as(license_of(offer)))
    if same:
        # The element of our own namespace tells offers apart that RSL's words cannot.
        named = tuple(offer for offer in same if offer.id == asked.offer)
        return OlpWish(wanted, named or same, policy)
    wider = tuple(offer for offer in there if asked.within(license_of(offer)))
    if wider:
        return OlpWish(replace(wanted, uses=asked.uses, territory=asked.territory), wider, policy)
    return Refusal(
        Problem.LICENSE_NOT_OFFERED, "No offer for that resource grants this, or not at this price."
    )


def spelled(sold: Sold | Refusal, origin: str) -> Sold | Refusal:
    """The same refusal in the words that OLP has for it; a sale as it is.

    It has none for a price that is not paid, so the client is told where to pay.
    """
    if isinstance(sold, Sold):
        return sold
    if sold.problem is Problem.CONTRACT_INCOMPLETE:
        # A deal that needs a document names both parties, and OLP has no parameter of its own for one.
        return replace(sold, detail=f"{sold.detail} {_PARTY.format(issuer_of(origin))}")
    problem = _IN_OLP.get(sold.problem, sold.problem)
    where = (("error_uri", f"{issuer_of(origin)}/"),) if problem is Problem.PAYMENT_MISSING else ()
    return replace(sold, problem=problem, facts=(*sold.facts, *where))


def introspected(claims: Claims, license: License | None) -> dict[str, object]:
    """``resource`` and ``license`` of an introspection (section 5.5); the latter where RSL has words for it."""
    covered = [scope.pattern for scope in claims.scopes]
    if claims.bundle and license is not None:
        covered = [scope.pattern for scope in license.terms.scope.paths]
    found: dict[str, object] = {"resource": covered[0] if len(covered) == 1 else covered}
    if license is not None and (element := _element(claims, license)):
        found["license"] = element
    return found


def _element(claims: Claims, license: License) -> str:
    """What the token grants, as one ``<license>``; "" where RSL has no word for its uses."""
    territory = license.terms.territory if claims.territory == WORLDWIDE else claims.territory
    purpose = replace(license.terms.purpose, uses=claims.uses)
    terms = replace(license.terms, purpose=purpose, territory=territory)
    granted = license_of(Offer(license.offer, license.site, terms, license.policy))
    if not granted.uses:
        return ""
    root = etree.Element(tag(NAMESPACE, "license"), nsmap={None: NAMESPACE})  # type: ignore[dict-item]
    add(root, "permits", " ".join(sorted(granted.uses)), type="usage")
    if granted.territory.regions is not None:
        add(root, "permits", " ".join(sorted(granted.territory.regions)), type="geo")
    payment = add(root, "payment", type=granted.payment)
    if granted.amount is not None:
        add(payment, "amount", granted.amount.amount, currency=granted.amount.currency)
    return etree.tostring(root, encoding="unicode")
