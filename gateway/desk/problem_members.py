"""What every member of a problem's JSON body means, told at the problem's own address (RFC 9457, 3.1.1).

A test compares this list with the bodies that `terms.payment_required` makes,
so that no member is sent that nobody explained.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.problems import Problem
from gateway.terms.payment_required import MEMBERS, sells

_ALWAYS: Final = ("type", "title", "status", "detail", "instance", "code", "next_step", "retry_after")
#: The members of members.
_INNER: Final = {
    "price.amount": "A decimal number as text, exact.",
    "price.micros": "The same in millionths of the currency, a whole number.",
    "price.currency": "ISO 4217.",
    "price.per": "Always fetch: one unit of content, as the license page explains.",
    "price.offer": "The id of the offer that asks this price.",
    "offers[].id": "The name to buy it by.",
    "offers[].tier": "1: becomes part of a model. 2: indexes and features. 3: answers.",
    "offers[].uses": "What it permits.",
    "offers[].price": "What one fetch costs, in the shape of price.",
    "offers[].price_parts": "Every part of the price that is an amount, by name; all parts are owed.",
    "offers[].tiers": "From how many fetches under one license on, a fetch costs less, and what.",
    "offers[].by_age": "From how many days after it was published on, a page costs less, and what.",
    "offers[].window_hours": "For how many hours unchanged content is not paid for again.",
    "offers[].revenue_share_bp": "A share of revenue in hundredths of a percent.",
    "offers[].works": "The works by name.",
    "offers[].paths": "The paths where they are; each covers everything below it.",
    "offers[].renditions": "The forms of the works that are included.",
    "offers[].term_months": "How long a license lasts.",
    "offers[].territory": "Countries (ISO 3166-1) and EU, or null for the whole world.",
    "offers[].territory_basis": "What has to be there: fetch, licensee or use.",
    "offers[].duties": "What is owed besides money, by name.",
    "offers[].max_fetches": "The most fetches of one license, or null.",
    "offers[].terms": "The SHA-256 of the offer's whole terms; buying by it refuses any others.",
    "buy.token_endpoint": "OAuth 2.0 and RSL's OLP.",
    "buy.license_document": "The terms as RSL.",
    "buy.license_page": "The terms for people, with every earlier version.",
    "buy.resource_metadata": "RFC 9728.",
    "buy.desk": "The license desk: everything it answers starts there.",
    "buy.negotiate": "Where another deal on an offer is proposed, by POST; see the desk's OpenAPI document.",
    "buy.quote": "What this very address costs, and why.",
    "buy.curl": "Three lines for a shell: register, buy, fetch.",
}
_CREDIT: Final = {
    "offer": "The offer that was to be bought.",
    "due": "What it takes.",
    "balance": "The prepaid credit that is free to spend.",
    "missing": "What has to be paid in first.",
}
_WITHDRAWN: Final = {
    "withdrawal": "The opaque id of the withdrawal; quote it when you write to the owner.",
    "since": "The second since the epoch from which it holds.",
    "withdrawn_uses": "The uses it is for, in RSL's words; other uses are judged as before.",
    "acknowledge": "Where the licensee reads the notice, acknowledges it, plans the removal and attests it.",
}


def members_of(problem: Problem) -> Mapping[str, str]:
    """What each member of a body of *problem* means, by its place in the body."""
    told = {name: MEMBERS[name] for name in (MEMBERS if sells(problem) else _ALWAYS)}
    if sells(problem):
        told.update(_INNER)
    if problem is Problem.CREDIT_SPENT:
        told.update(_CREDIT)
    if problem is Problem.WITHDRAWN:
        told.update(_WITHDRAWN)
    return told
