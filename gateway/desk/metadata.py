"""What the desk publishes about itself and the site: metadata, and what is on offer. Pure.

Authorization server metadata (RFC 8414, June 2018) and protected resource
metadata (RFC 9728, April 2025). The issuer is ``ORIGIN/.licet`` and equals the
tokens' ``iss`` to the letter; the resource is ORIGIN and equals their ``aud``.
In the mode `observe` nothing is on offer: nothing is charged there either.
"""

from __future__ import annotations

from typing import Final

from gateway.desk.details_types import resource_members, server_members
from gateway.licenses.contract import large_as_published
from gateway.licenses.pricing import due_at_signing
from gateway.money import Money
from gateway.policy.rules import Mode, Policy, Verdict
from gateway.terms.license_terms import Offer, PublishedTerms
from gateway.terms.odrl import offered, offered_scope
from gateway.terms.unit import ages_body, tiers_body, unit_body
from gateway.tokens.claims import DETAIL_TYPE
from gateway.uses import Use
from gateway.visitors.signature_agent import WELL_KNOWN

PREFIX: Final = "/.licet"
SERVER_METADATA: Final = "/.well-known/oauth-authorization-server/.licet"
RESOURCE_METADATA: Final = "/.well-known/oauth-protected-resource"


#: Paths of the desk beside everything below `PREFIX`.
OWNED: Final = frozenset({SERVER_METADATA, RESOURCE_METADATA, WELL_KNOWN})


def desk_owns(path: str) -> bool:
    """Whether canonical *path* is the desk's and not the site's."""
    return path == PREFIX or path.startswith(f"{PREFIX}/") or path in OWNED


def issuer_of(origin: str) -> str:
    """The issuer of the desk at *origin*, which has no trailing slash."""
    return origin + PREFIX


def on_offer(policy: Policy) -> tuple[Offer, ...]:
    """The offers that can be had now, by machine or of a person: those a rule sells, in the policy's order."""
    if policy.site.mode is Mode.OBSERVE:
        return ()
    named = {name for rule in policy.rules if rule.verdict is Verdict.LICENSE for name in rule.offers}
    everything = policy.unverifiable is Verdict.LICENSE
    return tuple(
        offer for offer in policy.offers if (everything or offer.id in named) and offer.terms.scope.paths
    )


def server_metadata(policy: Policy, origin: str) -> dict[str, object]:
    """The document of RFC 8414, section 3.2."""
    issuer = issuer_of(origin)
    return {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks.json",
        "registration_endpoint": f"{issuer}/register",
        "introspection_endpoint": f"{issuer}/introspect",
        "revocation_endpoint": f"{issuer}/revoke",
        "negotiation_endpoint": f"{issuer}/negotiations",
        "events_endpoint": f"{issuer}/events",
        "webhooks_endpoint": f"{issuer}/webhooks",
        "scopes_supported": _uses(policy),
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        **server_members(issuer),
        "authorization_details_types_supported": [DETAIL_TYPE],
        "service_documentation": f"{issuer}/",
        "op_policy_uri": f"{origin}/license.xml",
    }


def resource_metadata(policy: Policy, origin: str) -> dict[str, object]:
    """The document of RFC 9728, section 2."""
    issuer = issuer_of(origin)
    return {
        "resource": origin,
        "authorization_servers": [issuer],
        "jwks_uri": f"{issuer}/jwks.json",
        "scopes_supported": _uses(policy),
        "bearer_methods_supported": ["header"],
        **resource_members(),
        "authorization_details_types_supported": [DETAIL_TYPE],
        "resource_name": policy.site.name or policy.site.id,
        "resource_documentation": f"{issuer}/",
        "resource_policy_uri": f"{origin}/license.xml",
    }


def offer_document(offer: Offer, published: PublishedTerms) -> dict[str, object]:
    """One offer with its price, its limits, and its terms to the last lever.

    ``locations`` and ``excluded`` are where it is sold, as every published format
    says; of one that is for named crawlers alone, and so *published* nowhere, they are those of its terms.
    """
    terms = offer.terms
    told = offer in offered(published)
    scope = offered_scope(published, offer) if told else terms.scope
    return {
        "id": offer.id,
        "tier": offer.tier,
        "uses": sorted(offer.uses),
        "published": told,
        "locations": [path.pattern for path in scope.paths],
        "excluded": [path.pattern for path in scope.excluded],
        "renditions": list(terms.scope.renditions),
        "territory": terms.territory.as_json(),
        "territory_basis": str(terms.territory.basis),
        "territory_checked": terms.territory.basis.sentence,
        "price": {**money_document(offer.price), "per": "fetch"},
        "tiers": tiers_body(terms.compensation),
        "by_age": ages_body(terms.compensation),
        "unit": unit_body(terms.compensation),
        "due_at_signing": money_document(due_at_signing(terms)),
        "term_months": terms.term.months,
        "max_fetches": offer.max_fetches or None,
        "token_seconds": offer.token_seconds,
        "exclusive": terms.exclusivity.exclusive,
        **({"by_person": True} if offer.by_person else {}),
        "terms_hash": terms.hash,
        "terms": terms.as_json(),
        "policy": offer.policy,
    }


def needs_party(policy: Policy, offer: Offer) -> bool:
    """Whether *offer* is sold at the token endpoint to a named ``party`` alone, and after a person's word where one is for it."""
    return not policy.signing.by_machine and large_as_published(offer.terms)


def offers_document(policy: Policy, origin: str, published: PublishedTerms) -> dict[str, object]:
    """Everything on offer, and where it is bought."""
    return {
        "site": origin,
        "currency": policy.site.currency,
        "policy": policy.digest,
        **({"consent": policy.consent} if policy.consent else {}),
        "token_endpoint": f"{issuer_of(origin)}/token",
        "offers": [
            {**offer_document(offer, published), "needs_party": needs_party(policy, offer)}
            for offer in on_offer(policy)
        ],
    }


def index_document(policy: Policy, origin: str, published: PublishedTerms) -> dict[str, object]:
    """What a program finds at ``/.licet/``: where everything is, how to buy, and what is on offer."""
    issuer = issuer_of(origin)
    return {
        **offers_document(policy, origin, published),
        "name": policy.site.name or policy.site.id,
        "contact": policy.site.contact,
        "registration_endpoint": f"{issuer}/register",
        "metadata": f"{origin}{SERVER_METADATA}",
        "offers_url": f"{issuer}/offers",
        "account": f"{issuer}/account",
        "negotiation_endpoint": f"{issuer}/negotiations",
        "events_endpoint": f"{issuer}/events",
        "webhooks_endpoint": f"{issuer}/webhooks",
        "license_document": f"{origin}/license.xml",
        "license_page": f"{issuer}/terms/",
        "quote": f"{issuer}/quote",
        "catalogue": f"{issuer}/catalogue",
        "packages": f"{issuer}/comp",
        "how_to_buy": how_to_buy(policy, origin),
    }


def how_to_buy(policy: Policy, origin: str) -> list[str]:
    """Three lines for a shell: register, buy a token, fetch with it."""
    issuer = issuer_of(origin)
    offers = [each for each in on_offer(policy) if not each.by_person]
    place = offers[0].terms.scope.paths[0].pattern if offers else "/"
    page = place.replace("*", "PAGE") if "*" in place else place.rstrip("/") + "/PAGE"
    register = '{"client_name": "My crawler", "contacts": ["ops@crawler.example"]}'
    return [
        f"curl {issuer}/register --json '{register}'",
        f"curl {issuer}/token -u CLIENT_ID:CLIENT_SECRET -d grant_type=client_credentials -d resource={origin}{place}",
        f"curl {origin}{page} -H 'Authorization: License ACCESS_TOKEN'",
    ]


def money_document(money: Money) -> dict[str, object]:
    """An amount for programs and people: ``{"amount": "0.005", "currency": "USD", "micros": 5000}``."""
    return {"amount": money.amount, "currency": money.currency, "micros": money.micros}


def _uses(policy: Policy) -> list[str]:
    return sorted(frozenset[Use]().union(*(offer.uses for offer in on_offer(policy))))
