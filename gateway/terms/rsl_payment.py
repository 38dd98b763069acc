"""The ``<payment>`` of a license in RSL 1.0 (2025-12-10, sections 3.7 to 3.11), rendered and read.

Lost: every part of a price but one, its unit, the period of a subscription, and what
older pages cost less (the amount is that of a new one); what
cannot be said in one amount is told at the ``<custom>`` address. Where x402 is
taken the price is that of the 402 answer, whatever the amount says (section 3.11).
Pure; raises nothing on any input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
from lxml import etree

from gateway.money import Money, MoneyError
from gateway.terms.license_terms import Offer, PublishedTerms
from gateway.terms.rsl_words import NO_CURRENCIES, PAYMENTS, X402
from gateway.terms.rsl_xml import Notes, add, children, clean, is_extension, is_uri, text_of
from gateway.uses import Use

_DRAFT_PAYMENTS = {"inference": "use"}  # the draft's name


def payment_of(offer: Offer) -> tuple[str, Money | None]:
    """RSL's word for how *offer* is paid for, and the amount where that is the whole price and has a unit."""
    price = offer.terms.compensation
    if price.is_free:
        credit = offer.terms.attribution
        return ("attribution" if credit.text or credit.link else "free"), None
    worded = {
        "subscription": price.subscription,
        "purchase": price.upfront,
        "crawl": price.per_fetch,
        "use": price.per_inference,
    }
    stated = [(word, money) for word, money in worded.items() if money]
    if len(stated) == 1 and not price.revenue_share_bp and len([part for part in price.parts() if part]) == 1:
        word, money = stated[0]
        told = word != "subscription" and money.currency not in NO_CURRENCIES
        return word, money if told else None
    if stated:
        return stated[0][0], None
    if price.per_item:
        return "purchase", None
    if price.per_megabyte or price.per_thousand_tokens:
        return "crawl", None
    return ("training" if Use.AI_TRAIN in offer.uses else "use"), None


def add_payment(license: etree._Element, offer: Offer, terms: PublishedTerms) -> None:
    """Append how *offer* is paid for."""
    word, amount = payment_of(offer)
    payment = add(license, "payment", type=word)
    if amount is not None:
        add(payment, "amount", amount.amount, currency=amount.currency)
    elif word != "free":
        add(payment, "custom", f"{terms.desk_url}/")
    if terms.x402 and offer.price:
        add(payment, "accepts", type=X402).text = etree.CDATA(_x402(terms))


def _x402(terms: PublishedTerms) -> str:
    """What x402 asks for is told by the 402 alone; this says where. No octet of it ends CDATA or a script."""
    said = {
        "x402Version": 2,
        "price": "as told by the 402 answer of each URL",
        "terms": f"{terms.desk_url}/terms/",
    }
    text = clean(orjson.dumps(said).decode("utf-8", "replace"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("]", "\\u005d")


def price_parts(offer: Offer) -> Iterator[tuple[str, Money]]:
    """Every amount of the price with its name."""
    price = offer.terms.compensation
    for name in type(price).__dataclass_fields__:
        value = getattr(price, name)
        if isinstance(value, Money):
            yield name.replace("_", "-"), value


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as read. *word* is "" where there is none, ``unstated`` where nobody can tell."""

    word: str = ""
    amount: Money | None = None
    standard: str = ""
    custom: str = ""
    accepts: tuple[str, ...] = ()


def read_payment(element: etree._Element, notes: Notes) -> Payment:
    """The one payment; several are none that anybody could rely on."""
    found = children(element, "payment")
    if not found:
        if any(each.get("type") == "usage" for each in children(element, "permits")):
            notes.warn(element, "3.7", "there is no payment: free to some readers, no price to others")
        return Payment()
    if len(found) > 1:
        notes.error(found[1], "3.7", "a license has one payment at most")
        return Payment("unstated")
    payment = found[0]
    word = payment.get("type") or "unstated"
    if word == "unstated":
        notes.warn(payment, "3.7", "a payment without a type is read in different ways")
    elif word not in PAYMENTS and not is_extension(word, payment):
        notes.error(payment, "3.7", f"there is no payment {word[:64]}")
    for name, section in (("standard", "3.8"), ("custom", "3.9"), ("amount", "3.10"), ("accepts", "3.11")):
        if len(children(payment, name)) > 1:
            notes.error(payment, section, f"a payment has one {name} at most")
    standard, custom = text_of(payment, "standard"), text_of(payment, "custom")
    if children(payment, "standard") and not is_uri(standard):
        notes.error(payment, "3.8", "standard is an absolute URI")
    if children(payment, "custom") and not (is_uri(custom) or re.fullmatch(r"/\S*", custom)):
        notes.error(payment, "3.9", "custom is a URL or a path, not prose")
    for each in children(payment, "accepts"):
        if "/" not in each.get("type", ""):
            notes.error(each, "3.11", "accepts has a media type")
    accepts = tuple(each.get("type", "") for each in children(payment, "accepts"))
    return Payment(
        _DRAFT_PAYMENTS.get(word, word), _read_amount(payment, word, notes), standard, custom, accepts
    )


def _read_amount(payment: etree._Element, word: str, notes: Notes) -> Money | None:
    found = children(payment, "amount")
    if len(found) != 1:
        return None
    amount, currency = found[0], found[0].get("currency", "")
    if word == "subscription":
        notes.warn(amount, "3.10", "nothing says which period of a subscription the amount is for")
    if currency in NO_CURRENCIES:
        notes.error(amount, "3.10", f"{currency} is no currency of ISO 4217")
        return None
    text = (amount.text or "").strip()
    text = text.rstrip("0").rstrip(".") if "." in text else text
    try:
        return Money.parse(text, currency)
    except MoneyError:
        notes.error(amount, "3.10", "an amount is a decimal with a currency of three letters")
        return None
