"""What TollBit's clients send and read, in the words of their Developer API v2 (Python SDK 0.6, 2026). Pure.

Their license types stand for terms of ours; nothing else is sold under them:

================================== ==================================================
``ON_DEMAND_LICENSE``              answers (`ai-input`) by the fetch, without republishing
``ON_DEMAND_FULL_USE_LICENSE``     the same where the offer grants redistribution
``CUSTOM_LICENSE``                 a license that the caller holds, by its id
================================== ==================================================

An offer with a fee, a share of revenue or a report of inferences is none of the
first two: their protocol has no word for it, so it is bought at the token endpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from gateway.licenses.license import License
from gateway.licenses.pricing import by_the_fetch
from gateway.money import LARGEST_MICROS, Money
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import LicenseTerms, Offer

MOST_USAGES: Final = 100
_MOST_TIMES: Final = 1_000_000
_LONGEST: Final = 2048


class Kind(StrEnum):
    """A license type of theirs."""

    ON_DEMAND = "ON_DEMAND_LICENSE"
    FULL_USE = "ON_DEMAND_FULL_USE_LICENSE"
    CUSTOM = "CUSTOM_LICENSE"


@dataclass(frozen=True, slots=True)
class Order:
    """A token that is asked for: for *url*, as crawler *agent*, for at most *most* a fetch, as *kind* or of *license*."""

    url: str
    agent: str
    most: Money
    kind: Kind
    license: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """*times* that a page which was fetched before was used again."""

    url: str
    times: int
    kind: Kind
    license: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Uses that are told afterwards, under the idempotency id *key*."""

    key: str
    usages: tuple[Usage, ...]


def kind_of(offer: Offer) -> Kind | None:
    """The type under which *offer* is sold on demand, or None where it is not."""
    if not by_the_fetch(offer.terms) or offer.terms.exclusivity.exclusive:
        return None
    return Kind.FULL_USE if offer.terms.purpose.redistribution else Kind.ON_DEMAND


def rate_document(price: Money, license: Mapping[str, object]) -> dict[str, object]:
    """A ``DeveloperRateResponse``."""
    return {"price": {"priceMicros": price.micros, "currency": price.currency}, "license": license}


def offer_document(offer: Offer, kind: Kind, page: str) -> dict[str, object]:
    """A ``RateLicenseResponse`` of an *offer*, whose terms are read at *page*."""
    return _license(offer.id, kind, page, offer.terms)


def held_document(license: License, page: str) -> dict[str, object]:
    """A ``RateLicenseResponse`` of a license that is held."""
    return _license(license.id, Kind.CUSTOM, page, license.terms)


def receipt_document(usage: Usage, price: Money, license: Mapping[str, object]) -> dict[str, object]:
    """A ``SelfReportUsageReceipt``."""
    return {
        "url": usage.url,
        "perUnitPriceMicros": price.micros,
        "totalUsePriceMicros": price.micros * usage.times,
        "currency": price.currency,
        "license": license,
    }


def read_order(body: Mapping[str, object]) -> Order | Refusal:
    """Read a ``CreateSubdomainAccessTokenRequest``; the refusal names the member that is wrong."""
    url, agent = _text(body, "url"), _text(body, "userAgent")
    currency, kind, license = _text(body, "currency"), _kind(body), _text(body, "licenseCuid", needed=False)
    most = body.get("maxPriceMicros")
    for read in (url, agent, currency, kind, license):
        if isinstance(read, Refusal):
            return read
    if type(most) is not int or not 0 <= most <= LARGEST_MICROS:
        return _wrong("maxPriceMicros", "a whole number of millionths")
    if not (len(str(currency)) == 3 and str(currency).isascii() and str(currency).isupper()):
        return _wrong("currency", "a code of ISO 4217")
    if kind is Kind.CUSTOM and not license:
        return _wrong("licenseCuid", "the id of a license that is held, for a CUSTOM_LICENSE")
    return Order(str(url), str(agent), Money(most, str(currency)), Kind(str(kind)), str(license))


def read_report(body: Mapping[str, object]) -> Report | Refusal:
    """Read a ``SelfReportContentUsageRequest``; the refusal names the member that is wrong."""
    key, listed = _text(body, "idempotencyId"), body.get("usage")
    if isinstance(key, Refusal):
        return key
    if len(key) > 255 or not (key.isascii() and key.isprintable() and " " not in key):
        return _wrong("idempotencyId", "at most 255 printable characters without spaces")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_USAGES:
        return _wrong("usage", f"a list of 1 to {MOST_USAGES} usages")
    found = list[Usage]()
    for at, each in enumerate(listed):
        usage = _usage(each) if isinstance(each, dict) else _wrong("", "an object")
        if isinstance(usage, Refusal):
            return Refusal(Problem.FORM_INVALID, f"usage[{at}]: {usage.detail}")
        found.append(usage)
    return Report(key, tuple(found))


def _usage(body: Mapping[str, Any]) -> Usage | Refusal:
    url, kind, times = _text(body, "url"), _kind(body), body.get("timesUsed")
    license = _text(body, "licenseId", needed=False)
    for read in (url, kind, license):
        if isinstance(read, Refusal):
            return read
    if type(times) is not int or not 1 <= times <= _MOST_TIMES:
        return _wrong("timesUsed", f"a whole number from 1 to {_MOST_TIMES}")
    if kind is Kind.CUSTOM and not license:
        return _wrong("licenseId", "the id of a license that is held, for a CUSTOM_LICENSE")
    return Usage(str(url), times, Kind(str(kind)), str(license))


def _license(id: str, kind: Kind, page: str, terms: LicenseTerms) -> dict[str, object]:
    purpose, shown = terms.purpose, terms.attribution
    names = ["FULL_USE" if purpose.redistribution else "PARTIAL_USE"]
    if shown.text or shown.link:
        names.append("CITATION_REQUIRED")
    permissions = [{"name": name} for name in names]
    return {"id": id, "licenseType": str(kind), "licensePath": page, "permissions": permissions}


def _kind(body: Mapping[str, object]) -> Kind | Refusal:
    told = body.get("licenseType")
    found = next((kind for kind in Kind if kind.value == told), None)
    return found or _wrong("licenseType", f"one of {', '.join(Kind)}")


def _text(body: Mapping[str, object], name: str, *, needed: bool = True) -> str | Refusal:
    value = body.get(name)
    if value is None and not needed:
        return ""
    if (
        not isinstance(value, str)
        or len(value) > _LONGEST
        or not value.isprintable()
        or (needed and not value)
    ):
        return _wrong(name, f"a text of at most {_LONGEST} characters")
    return value


def _wrong(name: str, expected: str) -> Refusal:
    return Refusal(Problem.FORM_INVALID, f"{name} is not {expected}.".lstrip())
