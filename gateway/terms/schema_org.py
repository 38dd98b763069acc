"""schema.org (as of 2026-11): what a license page says about itself and the site, as JSON-LD, written and read.

The properties of ``CreativeWork`` that speak of licensing: ``license``,
``acquireLicensePage``, ``usageInfo``, ``copyrightHolder``, ``creditText``,
``conditionsOfAccess``, ``isAccessibleForFree``. Each published scope is a part of
the site with its offers; a part's address is given where it has one.

What it cannot say: free and reserved uses but in sentences
(``conditionsOfAccess``), most levers, territories by what has to be there, and
a price that changes with the count or the age of a page (the first and highest is told). ``isAccessibleForFree`` is said of the
license page alone: whether people pay for the works is the site's affair, and
a wrong no would take them out of search engines. Amounts stand as text.

The document names its vocabulary by address, as every reader of pages expects;
none has to fetch it. Pure; raises nothing on any input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.money import Money, MoneyError
from gateway.terms.license_terms import Offer, PublishedScope, PublishedTerms
from gateway.terms.odrl import offer_url
from gateway.terms.odrl_duties import listed
from gateway.terms.odrl_words import reach
from gateway.terms.payment_required import absolute, plain
from gateway.terms.tdmrep import POLICY_PATH
from gateway.uses import Use, Uses, closure, parse_use

CONTEXT: Final = "https://schema.org"
#: What each part of a price is owed for, as ``unitText``.
UNITS: Final = {
    "upfront": "license",
    "per_fetch": "fetch",
    "per_item": "item",
    "per_megabyte": "megabyte",
    "per_thousand_tokens": "thousand tokens",
    "per_inference": "inference",
    "subscription": "period",
    "minimum_guarantee": "guaranteed period",
}
_SHARE: Final = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))? % of net revenue", re.ASCII)
_FREE, _SOLD, _RESERVED = "Free for everybody", "For sale", "Reserved"


@dataclass(frozen=True, slots=True)
class PagePart:
    """What a page says of one part of a site: *pattern*, what is free and what is reserved there, and the offers."""

    pattern: str
    offers: tuple[PageOffer, ...]
    free: Uses = frozenset()
    reserved: Uses = frozenset()


@dataclass(frozen=True, slots=True)
class PageOffer:
    """One offer as read; *price* has amounts by unit, and None stands for a price that could not be read whole."""

    id: str
    uses: Uses
    price: tuple[tuple[str, Money], ...] | None
    revenue_share_bp: int = 0


def license_page_jsonld(terms: PublishedTerms) -> dict[str, object]:
    """What the page with the license terms says to programs that read pages."""
    page = f"{terms.desk_url}/terms/"
    holder = _holder(terms)
    site = {
        "@type": "WebSite",
        "@id": f"{terms.origin}/#works",
        "url": f"{terms.origin}/",
        "name": holder["name"],
        "license": page,
        "acquireLicensePage": f"{terms.desk_url}/",
        "usageInfo": [terms.license_url, terms.origin + POLICY_PATH],
        "copyrightHolder": holder,
        "creditText": holder["name"],
        "hasPart": [_part(terms, scope, page) for scope in terms.scopes],
    }
    return {
        "@context": CONTEXT,
        "@type": "WebPage",
        "@id": page,
        "url": page,
        "name": f"License terms of {holder['name']}",
        "isAccessibleForFree": True,
        "publisher": {"@id": holder["@id"]},
        "about": site,
    }


def _holder(terms: PublishedTerms) -> dict[str, object]:
    host = terms.origin.partition("://")[2]
    reached = reach(terms.contact)
    point = {"email": reached.removeprefix("mailto:")} if reached.startswith("mailto:") else {"url": reached}
    contact = {"@type": "ContactPoint", "contactType": "licensing", **point}
    return {
        "@type": "Organization",
        "@id": f"{terms.origin}/#creator",
        "name": plain(terms.name) or host,
        "url": f"{terms.origin}/",
        **({"contactPoint": contact} if reached else {}),
    }


def _part(terms: PublishedTerms, scope: PublishedScope, page: str) -> dict[str, object]:
    pattern = scope.paths[0].pattern
    address = {} if "*" in pattern else {"url": absolute(terms.origin + pattern)}
    return {
        "@type": "CreativeWork",
        "identifier": pattern,
        **address,
        **({"name": plain(scope.work)} if scope.work else {}),
        "license": page,
        "acquireLicensePage": f"{terms.desk_url}/",
        "conditionsOfAccess": _conditions(scope),
        "offers": [_offer(terms, offer) for offer in scope.offers],
    }


def _conditions(scope: PublishedScope) -> str:
    free, sold = closure(scope.free), closure(scope.for_sale)
    told = ((_FREE, free), (_SOLD, sold - free), (_RESERVED, frozenset(Use) - free - sold))
    return " ".join(f"{word}: {', '.join(sorted(uses))}." for word, uses in told if uses)


def _offer(terms: PublishedTerms, offer: Offer) -> dict[str, object]:
    regions = offer.terms.territory.as_json()
    return {
        "@type": "Offer",
        "identifier": offer.id,
        "url": offer_url(terms, offer),
        "category": sorted(offer.uses),
        "priceSpecification": [
            {
                "@type": "UnitPriceSpecification",
                "price": money.amount,
                "priceCurrency": money.currency,
                "unitText": unit,
            }
            for unit, money in price_parts(offer)
        ]
        + [{"@type": "PriceSpecification", "description": each} for each in revenue_share(offer)],
        **({} if regions is None else {"eligibleRegion": regions}),
    }


def price_parts(offer: Offer) -> Iterator[tuple[str, Money]]:
    """Every amount in the price of *offer* by its unit."""
    price = offer.terms.compensation
    for part, unit in UNITS.items():
        money = getattr(price, part)
        if money is not None:
            yield unit, money


def revenue_share(offer: Offer) -> Iterator[str]:
    """The share of revenue that *offer* asks, in words, if it asks one: ``3 % of net revenue``."""
    basis_points = offer.terms.compensation.revenue_share_bp
    if basis_points:
        yield f"{Money(basis_points * 10_000, 'XXX').amount} % of net revenue"


def read_page(document: object) -> tuple[PagePart, ...]:
    """The parts of the site that a page speaks of; whatever cannot be read is left out.

    An offer whose price cannot be read whole is for sale at a price nobody knows.
    """
    about = document.get("about") if isinstance(document, dict) else None
    parts = listed(about.get("hasPart")) if isinstance(about, dict) else []
    return tuple(
        _read_part(each)
        for each in parts
        if isinstance(each, dict) and isinstance(each.get("identifier"), str)
    )


def _read_part(part: dict[str, object]) -> PagePart:
    offers = [_read_offer(each) for each in listed(part.get("offers")) if isinstance(each, dict)]
    said = part.get("conditionsOfAccess")
    told = dict(re.findall(r"([A-Z][a-z ]+): ([a-z, -]+)\.", said)) if isinstance(said, str) else {}
    free, reserved = (
        frozenset(filter(None, map(parse_use, told.get(word, "").split(", ")))) for word in (_FREE, _RESERVED)
    )
    return PagePart(str(part["identifier"]), tuple(offers), free - reserved, reserved)


def _read_offer(offer: dict[str, object]) -> PageOffer:
    words = [parse_use(each) if isinstance(each, str) else None for each in listed(offer.get("category"))]
    told = listed(offer.get("priceSpecification"))
    price: list[tuple[str, Money]] | None = [] if told else None
    share = 0
    for each in told:
        found = _share(each)
        if found:
            share += int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
        elif (part := _read_price(each)) is not None and price is not None:
            price.append(part)
        else:
            price = None
    uses = frozenset(use for use in words if use is not None)
    name = offer.get("identifier")
    return PageOffer(
        name if isinstance(name, str) else "", uses, None if price is None else tuple(price), share
    )


def _share(value: object) -> re.Match[str] | None:
    said = value.get("description") if isinstance(value, dict) else None
    return _SHARE.fullmatch(said) if isinstance(said, str) else None


def _read_price(value: object) -> tuple[str, Money] | None:
    if not isinstance(value, dict):
        return None
    unit, amount, currency = (value.get(name) for name in ("unitText", "price", "priceCurrency"))
    if not isinstance(unit, str) or not isinstance(amount, str) or not isinstance(currency, str):
        return None
    try:
        return unit, Money.parse(amount, currency)
    except MoneyError:
        return None
