"""IAB Tech Lab's CoMP 1.0 (Content Monetization Protocols, finalized 2026-04-28): packages, written and read.

CoMP is a conversation: an AI system says who it is and what it wants
(``AISystem``), a content owner answers with a ``package``. We publish the answer
for each offer, so that it can be fetched and listed; terms, tokens and payment
are out of CoMP's scope and stay with the desk, to which ``licenseurl`` leads.
Read in the specification's own repository; where its lists have no definition
we chose:

- *what may be done* has no word in a package (only in a request): it stands in
  ``ext.licet.uses``, and ``ause`` is 5, the terms at the address decide;
- *pricetype* is 0 (per use) for a price per fetch, 1 (per query) per inference,
  3 (flat) for one payment or a subscription, 4 where tiers or the age of a page lower it, and 5
  (other) for everything else. ``unitprice`` is told where one part is the whole
  price and the unit is sure, so never for 4 and 5; it is a JSON number there,
  and only there, because the specification asks for one. ``ext.licet.price``
  has every part as text;
- *licensedur* is the fewest days that the months of the term can be;
- *scope* is 0 for a whole site, 1 for sections of it, 5 for anything else;
- *country* lists the places, the Union spelled out; what has to be there stands
  in ``ext``; no countries at all is no place at all.

Not told: ``ctype`` and the objects of single works, which the gate does not
know, and ``reporturl``, because reports are handed in at the desk. Pure; raises
nothing on any input.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.license_terms import Compensation, Offer, PublishedTerms, Scope, Territory
from gateway.terms.odrl import offer_url, offered, offered_scope
from gateway.terms.odrl_duties import listed
from gateway.terms.payment_required import plain
from gateway.terms.schema_org import price_parts, revenue_share
from gateway.uses import Uses, parse_use

#: Days that so many months together have at least.
_FEWEST: Final = (0, 28, 59, 89, 120, 150, 181, 212, 242, 273, 303, 334)
_TYPES: Final = {"fetch": 0, "inference": 1, "license": 3, "period": 3}
_TIERED, _OTHER = 4, 5
_OAUTH, _HTML, _REFER_TO_LICENSE = 2, 0, 5


@dataclass(frozen=True, slots=True)
class CompPackage:
    """A package as read. *price* is None where none is told; *uses* and *scope* are empty where `ext` is not ours."""

    id: str
    license_url: str
    uses: Uses
    scope: Scope
    territory: Territory
    price_type: int
    price: Money | None
    days: int
    citation: bool


def comp_packages(terms: PublishedTerms) -> list[dict[str, object]]:
    """A response for each offer that *terms* publish."""
    return [comp_package(terms, offer) for offer in offered(terms)]


def comp_package(terms: PublishedTerms, offer: Offer) -> dict[str, object]:
    """The response that offers *offer*."""
    agreed, host = offer.terms, terms.origin.partition("://")[2]
    scope = offered_scope(terms, offer)
    credit = agreed.attribution
    return {
        "package": {
            "id": f"{host}/{offer.id}",
            "title": f"{plain(terms.name) or host}: {offer.id}",
            "seller": host.partition(":")[0],
            "licenseurl": offer_url(terms, offer),
            "citation": int(bool(credit.text or credit.link)),
            "scope": {
                "scope": _extent(scope),
                "ause": _REFER_TO_LICENSE,
                **_price(agreed.compensation, offer),
                "cur": agreed.compensation.currency,
                **(
                    {}
                    if agreed.territory.regions is None
                    else {"country": sorted(agreed.territory.countries)}
                ),
                "licensedur": fewest_days(agreed.term.months),
                "max": int(bool(offer.max_fetches)),
                "ext": {"licet": _ours(offer, scope)},
            },
            "retrieval": {
                "auth": _OAUTH,
                "endpoint": terms.origin + _entry(scope),
                "type": [_HTML],
                "ext": {"licet": {"token_endpoint": terms.token_url}},
            },
        }
    }


def fewest_days(months: int) -> int:
    """The fewest days that so many months in a row can have.

    >>> fewest_days(1), fewest_days(12), fewest_days(14)
    (28, 365, 424)
    """
    return months // 12 * 365 + _FEWEST[months % 12]


def _extent(scope: Scope) -> int:
    if any("*" in path.pattern for path in scope.paths) or scope.excluded:
        return 5
    return 0 if PathScope("/") in scope.paths else 1


def _entry(scope: Scope) -> str:
    """Where reading may begin: the part of the widest pattern before any star."""
    widest = min(scope.paths, key=lambda path: path.precision).pattern
    return widest if "*" not in widest else widest.partition("*")[0].rpartition("/")[0] + "/"


def _price(price: Compensation, offer: Offer) -> dict[str, object]:
    parts = [(unit, money) for unit, money in price_parts(offer) if money]
    if price.tiers or price.by_age:
        return {"pricetype": _TIERED}
    if price.is_free:
        return {"pricetype": _TYPES["license"], "unitprice": 0}
    unit, money = parts[0] if parts else ("", offer.price)
    if len(parts) > 1 or unit not in _TYPES or price.revenue_share_bp:
        return {"pricetype": _OTHER}
    return {"pricetype": _TYPES[unit], "unitprice": float(money.amount)}


def _ours(offer: Offer, scope: Scope) -> dict[str, object]:
    agreed = offer.terms
    return {
        "offer": offer.id,
        "uses": sorted(offer.uses),
        "paths": [path.pattern for path in scope.paths],
        "excluded": [path.pattern for path in scope.excluded],
        "renditions": [plain(name) for name in scope.renditions],
        "works": [plain(name) for name in scope.works],
        "price": {unit: money.amount for unit, money in price_parts(offer)},
        "revenue_share": " ".join(revenue_share(offer)),
        "territory": agreed.territory.as_json(),
        "territory_basis": str(agreed.territory.basis),
        "terms": agreed.hash,
    }


def read_package(document: object) -> CompPackage | None:
    """Read one response, or None where it is none; what is left out or odd never adds a right."""
    package = document.get("package") if isinstance(document, dict) else None
    if not isinstance(package, dict) or not isinstance(package.get("id"), str):
        return None
    told = _table(package.get("scope"))
    ours = _table(_table(told.get("ext")).get("licet"))
    words = [parse_use(each) if isinstance(each, str) else None for each in listed(ours.get("uses"))]
    price_type = told.get("pricetype")
    return CompPackage(
        id=package["id"],
        license_url=str(package.get("licenseurl", "")),
        uses=frozenset(use for use in words if use is not None),
        scope=_read_scope(ours),
        territory=_read_places(told),
        price_type=price_type if type(price_type) is int else _OTHER,
        price=_read_price(told),
        days=days if type(days := told.get("licensedur")) is int else 0,
        citation=package.get("citation") != 0,
    )


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _read_places(told: dict[str, object]) -> Territory:
    if "country" not in told:
        return Territory()
    return Territory(frozenset(each for each in listed(told["country"]) if isinstance(each, str)))


def _read_scope(ours: dict[str, object]) -> Scope:
    """The paths of `ext`; none at all where an exclusion cannot be read."""
    granted, excluded = (_read_paths(ours.get(name)) for name in ("paths", "excluded"))
    if granted is None or excluded is None:
        granted, excluded = (), ()
    return Scope((), granted, excluded=excluded)


def _read_paths(value: object) -> tuple[PathScope, ...] | None:
    try:
        return tuple(PathScope(each) for each in listed(value))  # type: ignore[arg-type]
    except (ValueError, TypeError, AttributeError):
        return None


def _read_price(told: dict[str, object]) -> Money | None:
    price, currency = told.get("unitprice"), told.get("cur", "USD")
    if isinstance(price, bool) or not isinstance(price, int | float) or not isinstance(currency, str):
        return None
    try:
        return Money.parse(f"{Decimal(repr(price)):f}", currency)
    except (ValueError, ArithmeticError):
        return None
