"""Every published format read back by its own reader, into one word for each path and use.

Loaded by `test_consistency`. A channel is a function of a case that returns a
function of path and use; what it answers is one of:

============== ===========================================================
``Free()``     granted to everybody for nothing
``Sale(…)``    can be bought: for each offer the price told, None if none
``Reserved()`` said to be kept back, unless something else grants it
``None``       nothing is said
============== ===========================================================

A price is a mapping of units to money, without what costs nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.terms import (
    content_signal,
    content_usage,
    preferences,
    rsl_evaluation,
    tdmrep,
    trust_txt,
    x_robots_tag,
)
from gateway.terms.answer_fields import answer_fields
from gateway.terms.comp import comp_packages, read_package
from gateway.terms.croissant import croissant, read_usage
from gateway.terms.license_terms import LicenseTerms, PublishedScope, PublishedTerms
from gateway.terms.odrl import odrl_offer, offered, read_policy
from gateway.terms.payment_required import problem_body
from gateway.terms.robots_txt import merge_robots, parse_robots
from gateway.terms.rsl import parse_rsl, render_rsl
from gateway.terms.rsl_embedding import page_insert
from gateway.terms.rsl_evaluation import evaluate
from gateway.terms.schema_org import UNITS, license_page_jsonld, read_page
from gateway.terms.terms_version import terms_version
from gateway.uses import AI_USES, Use, closure

#: Where somebody may be for whom an offer is read: nowhere that is known, and each place that drawn offers name.
_COUNTRIES = ("", "DE", "US", "NO", "JP")
Price = Mapping[str, Money]


@dataclass(frozen=True)
class Free:
    """Granted to everybody for nothing."""


@dataclass(frozen=True)
class Reserved:
    """Kept back, unless something else grants it."""


@dataclass(frozen=True)
class Sale:
    """Can be bought: the price told of each offer, by its name; None where none is told."""

    offers: Mapping[str, Price | None]


Word = Free | Reserved | Sale | None
Reading = Callable[[str, Use], Word]
Channel = Callable[[PublishedTerms], Reading]


def carried(document: object) -> Any:
    """*document* as it comes out at the other end of a wire."""
    return json.loads(json.dumps(document))


def price_of(terms: LicenseTerms) -> Price:
    """Every part of a price that costs something, by its unit."""
    price = terms.compensation
    parts = [(unit, getattr(price, part)) for part, unit in UNITS.items()]
    return _whole(parts, price.revenue_share_bp, price.currency)


def _whole(parts: Iterable[tuple[str, Money | None]], share: int, currency: str) -> Price:
    found = {unit: money for unit, money in parts if money}
    return {**found, **({"share of revenue": Money(share * 10_000, currency)} if share else {})}


def speaking(terms: PublishedTerms, path: str) -> list[PublishedScope]:
    """The scopes that hold for *path*: those that cover it, without wider ones around them.

    They are several only where patterns with stars cross others; then what each says holds.
    """
    held = [scope for scope in terms.scopes if scope.paths[0].covers(path)]
    return [
        scope
        for scope in held
        if not any(other is not scope and other.paths[0].within(scope.paths[0]) for other in held)
    ]


def policy(terms: PublishedTerms) -> Reading:
    """What the published terms themselves say: the measure of all others."""

    def says(path: str, use: Use) -> Word:
        scopes = speaking(terms, path)
        if any(use in closure(scope.free) for scope in scopes):
            return Free()
        offers = [offer for scope in scopes for offer in scope.offers if use in closure(offer.uses)]
        return Sale({each.id: price_of(each.terms) for each in offers}) if offers else Reserved()

    return says


def _sold(found: Mapping[str, Price | None]) -> Word:
    return Sale(found) if found else None


def odrl(terms: PublishedTerms) -> Reading:
    """The documents of all offers."""
    read = {each.id: read_policy(carried(odrl_offer(terms, each))) for each in offered(terms)}

    def says(path: str, use: Use) -> Word:
        return _sold(
            {
                name: price_of(each.terms)
                for name, each in read.items()
                if each.terms.scope.covers(path) and use in closure(each.terms.purpose.uses)
            }
        )

    return says


def in_croissant(terms: PublishedTerms) -> Reading:
    """The offers in a dataset's ``usageInfo``."""
    read = read_usage(carried(croissant(terms, published="2026-11-26")))

    def says(path: str, use: Use) -> Word:
        return _sold(
            {
                each.uid.rpartition("/")[2].removesuffix(".jsonld"): price_of(each.terms)
                for each in read
                if each.terms.scope.covers(path) and use in closure(each.terms.purpose.uses)
            }
        )

    return says


def comp(terms: PublishedTerms) -> Reading:
    """CoMP packages, as a reader that knows our extension."""
    read = [read_package(each) for each in carried(comp_packages(terms))]

    def says(path: str, use: Use) -> Word:
        units = {0: "fetch", 1: "inference", 3: ""}
        return _sold(
            {
                each.id.rpartition("/")[2]: None
                if each.price is None
                else {units[each.price_type]: each.price}
                for each in read
                if each.scope.covers(path) and use in closure(each.uses)
            }
        )

    return says


def page(terms: PublishedTerms) -> Reading:
    """The JSON-LD of the license page."""
    read = {part.pattern: part for part in read_page(carried(license_page_jsonld(terms)))}

    def says(path: str, use: Use) -> Word:
        parts = [read[scope.paths[0].pattern] for scope in speaking(terms, path)]
        if any(use in part.free for part in parts):
            return Free()
        sold = {
            each.id: None if each.price is None else _whole(each.price, each.revenue_share_bp, terms.currency)
            for part in parts
            for each in part.offers
            if use in closure(each.uses)
        }
        return Sale(sold) if sold else Reserved() if all(use in part.reserved for part in parts) else None

    return says


def _rsl(reading: rsl_evaluation.Reading) -> Channel:
    """license.xml, as one of the two ways of reading it takes it."""

    def channel(terms: PublishedTerms) -> Reading:
        document = parse_rsl(render_rsl(terms))
        return _evaluated(lambda _path: document, reading)

    return channel


def in_the_page(terms: PublishedTerms) -> Reading:
    """The license that is put into a page, where the site turned that on."""
    chosen = replace(terms, publishing=replace(terms.publishing, html_script=True))

    @cache
    def document(path: str) -> Any:
        script = re.search(rb"<script[^>]*>(.*?)</script>", page_insert(chosen, path), re.DOTALL)
        return parse_rsl(script[1], placed=path) if script else parse_rsl(b"")

    return _evaluated(document, rsl_evaluation.Reading.RESTRICTIVE)


def _evaluated(document: Callable[[str], Any], reading: rsl_evaluation.Reading) -> Reading:
    units = {"crawl": "fetch", "use": "inference", "purchase": "license", "subscription": "period"}

    @cache
    def says(path: str, use: Use) -> Word:
        if use is Use.TDM:  # no word of RSL is as narrow
            return None
        if use is Use.FINE_TUNE:  # RSL has it inside ai-train, and no word that keeps it alone back
            wider = says(path, Use.AI_TRAIN)
            return None if isinstance(wider, Reserved) else wider
        read = document(path)
        limited = any(each.territory.regions for content in read.contents for each in content.licenses)
        everywhere = [
            evaluate([read], path, use, country=country, reading=reading)
            for country in (_COUNTRIES if limited else ("",))
        ]
        if any(said.why == "it is prohibited" for said in everywhere):
            return Reserved()
        licenses = [each for said in everywhere for each in said.licenses]
        if any(not each.offer for each in licenses):
            return Free()
        return _sold(
            {
                each.offer: {units[each.payment]: each.amount}
                if each.amount and each.payment in units
                else None
                for each in licenses
            }
        )

    return says


def version(terms: PublishedTerms) -> Reading:
    """The document of the version of the terms that is in force."""
    document = terms_version(terms).document
    offers = {each["id"]: each["terms"] for each in document["offers"]}
    parts = {tuple(each["paths"]): each for each in document["scopes"]}

    def price(agreed: dict[str, Any]) -> Price:
        told = agreed["compensation"]
        amounts = [
            (unit, Money(told[part]["micros"], told[part]["currency"]))
            for part, unit in UNITS.items()
            if told[part] is not None
        ]
        return _whole(amounts, told["revenue_share_bp"], told["currency"])

    def says(path: str, use: Use) -> Word:
        found = [parts[tuple(each.pattern for each in scope.paths)] for scope in speaking(terms, path)]
        if any(use in closure(frozenset(map(Use, each["free"]))) for each in found):
            return Free()
        sold = {
            name: price(offers[name])
            for each in found
            for name in each["offers"]
            if use in closure(frozenset(map(Use, offers[name]["purpose"]["uses"])))
        }
        return Sale(sold) if sold else Reserved() if all(use in each["reserved"] for each in found) else None

    return says


def refusal(terms: PublishedTerms) -> Reading:
    """The body of a 402 for what is on offer at a path."""

    def says(path: str, use: Use) -> Word:
        scope = next(each for each in terms.scopes if each.paths[0].covers(path))
        body = carried(
            problem_body(
                Refusal(Problem.LICENSE_REQUIRED),
                type_base=f"{terms.origin}/.licet/problems",
                offers=scope.offers,
                uses=frozenset({use}),
                terms=terms,
                request_url=terms.origin + path,
                quoted=None,
            )
        )
        return _sold(
            {
                each["id"]: _told(each)
                for each in body["offers"]
                if use in closure(frozenset(map(Use, each["uses"])))
            }
        )

    def _told(offer: dict[str, Any]) -> Price:
        parts = [
            (UNITS[part], Money.parse(each["amount"], each["currency"]))
            for part, each in offer["price_parts"].items()
        ]
        return _whole(parts, offer["revenue_share_bp"], terms.currency)

    return says


def _preferring(said: Mapping[str, bool], labels: Mapping[str, Use], use: Use) -> Word:
    """What yes and no under *labels* say of *use*; no is about the label's own use, whatever else it holds."""
    if any(use in closure(frozenset({meant})) and said.get(label) for label, meant in labels.items()):
        return Free()
    return (
        Reserved()
        if any(meant is use and said.get(label) is False for label, meant in labels.items())
        else None
    )


def _header(terms: PublishedTerms, path: str, wanted: str) -> str:
    lines = answer_fields(terms, path).octets().decode().split("\r\n")
    return next((line.partition(": ")[2] for line in lines if line.lower().startswith(wanted + ":")), "")


def _in_header(module: Any) -> Channel:
    def channel(terms: PublishedTerms) -> Reading:
        @cache
        def told(path: str) -> dict[str, bool]:
            return dict(module.read(_header(terms, path, module.FIELD)))

        def says(path: str, use: Use) -> Word:
            return _preferring(told(path), module.LABELS, use)

        return says

    return channel


def _in_robots(module: Any) -> Channel:
    def channel(terms: PublishedTerms) -> Reading:
        group = parse_robots(merge_robots(None, terms)).group_of("*")
        lines = [value for name, value in group.fields if name.lower() == module.FIELD] if group else []
        rules = [rule for rule in map(module.read_rule, lines) if rule is not None]

        @cache
        def told(path: str) -> dict[str, bool]:
            return dict(preferences.at(rules, path))

        def says(path: str, use: Use) -> Word:
            return _preferring(told(path), module.LABELS, use)

        return says

    return channel


def tdmrep_file(terms: PublishedTerms) -> Reading:
    """tdmrep.json: 0 frees all mining; 1 says of no single use that it is reserved."""
    rules = tdmrep.read(tdmrep.render(tdmrep.rules_of(terms)))

    def says(path: str, use: Use) -> Word:
        rule = tdmrep.at(rules, path)
        return Free() if rule and not rule.reserved and use in closure(tdmrep.MINING) else None

    return says


def tdmrep_header(terms: PublishedTerms) -> Reading:
    """The headers of TDMRep, likewise."""

    @cache
    def reserved(path: str) -> bool | None:
        return tdmrep.header_value(_header(terms, path, tdmrep.RESERVATION))

    def says(path: str, use: Use) -> Word:
        return Free() if reserved(path) is False and use in closure(tdmrep.MINING) else None

    return says


def x_robots(terms: PublishedTerms) -> Reading:
    """``X-Robots-Tag`` of a site that turned it on."""
    chosen = replace(terms, publishing=replace(terms.publishing, x_robots_tag=True))

    @cache
    def closed(path: str) -> bool:
        return x_robots_tag.read([_header(chosen, path, x_robots_tag.FIELD)])

    def says(path: str, use: Use) -> Word:
        return Reserved() if use in AI_USES and closed(path) else None

    return says


def trust(terms: PublishedTerms) -> Reading:
    """trust.txt: yes is for the whole site; no says of no single page that training is reserved."""
    allowed = trust_txt.read(trust_txt.merged(None, terms))
    return lambda _path, use: Free() if allowed and use in closure(frozenset({Use.AI_TRAIN})) else None


#: Every channel by its name.
CHANNELS: dict[str, Channel] = {
    "license.xml": _rsl(rsl_evaluation.Reading.RESTRICTIVE),
    "same, liberal": _rsl(rsl_evaluation.Reading.LIBERAL),
    "in the page": in_the_page,
    "ODRL": odrl,
    "CoMP": comp,
    "Croissant": in_croissant,
    "license page": page,
    "terms version": version,
    "402": refusal,
    "Content-Usage": _in_header(content_usage),
    "Content-Signal": _in_header(content_signal),
    "robots usage": _in_robots(content_usage),
    "robots signal": _in_robots(content_signal),
    "tdmrep.json": tdmrep_file,
    "tdm headers": tdmrep_header,
    "X-Robots-Tag": x_robots,
    "trust.txt": trust,
}

#: Those that know offers.
SELLING = frozenset(
    {"license.xml", "same, liberal", "in the page", "ODRL", "CoMP", "Croissant", "license page", "402"}
)
