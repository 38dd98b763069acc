"""What a bundle costs, and what it is: one price for all of it, from the offers that sell it. Pure."""

from __future__ import annotations

from typing import Any

from gateway.desk.metadata import PREFIX, issuer_of, money_document, on_offer
from gateway.licenses.pricing import burden, due_at_signing
from gateway.policy.rules import Mode, Policy
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import Offer
from gateway.terms.payment_required import offer_body
from gateway.tokens.claims import DETAIL_TYPE


def bundle_quote(policy: Policy, name: str, origin: str, version: str) -> dict[str, Any] | Refusal:
    """The quote for the bundle *name*, by the cheapest offer over it; *version* is that of the terms in force.

    Refused with `NOT_FOUND` where nothing that is on offer now has that name.
    """
    offers = tuple(
        each for each in on_offer(policy) if (sold := each.terms.scope.bundle) and sold.name == name
    )
    if not offers:
        return Refusal(Problem.NOT_FOUND, "No bundle of that name is on offer here.")
    chosen = min(offers, key=lambda offer: burden(offer.terms.compensation))
    bundle, issuer = chosen.terms.scope.bundle, issuer_of(origin)
    assert bundle is not None
    due = due_at_signing(chosen.terms)
    return {
        "bundle": bundle.name,
        "outcome": "license",
        "site": origin,
        "items": bundle.items,
        "manifest": bundle.manifest,
        "manifest_url": f"{origin}{PREFIX}/bundles/{bundle.name}",
        "ingestion": bundle.ingestion / 1_000_000,
        "uses": sorted(chosen.uses),
        "version": version,
        "version_url": f"{issuer}/terms/{version}",
        "price": {**money_document(chosen.price), "per": "fetch", "offer": chosen.id},
        "due_at_signing": money_document(due),
        "credit_per_withdrawn_item": money_document(due.times(1, bundle.items)),
        "terms": chosen.terms.hash,
        "window_hours": chosen.terms.compensation.window_hours,
        "mode": str(policy.site.mode),
        "binds": policy.site.mode is Mode.ENFORCE,
        "offers": [offer_body(each) for each in offers],
        "policy": policy.digest,
        **({"consent": policy.consent} if policy.consent else {}),
        "buy": _bought(chosen, issuer),
    }


def _bought(chosen: Offer, issuer: str) -> dict[str, object]:
    wish = {"type": DETAIL_TYPE, "offer": chosen.id, "terms": chosen.terms.hash}
    return {"token_endpoint": f"{issuer}/token", "authorization_details": [wish]}
