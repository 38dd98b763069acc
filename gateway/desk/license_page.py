"""The license terms for people: one version, the differences of two, and the list of all. Pure.

Made from the document of a `TermsVersion` and from nothing else, so a page says
what the version's name stands for. A member that an older document lacks is
left out of its page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

import orjson

from gateway.desk.versions import TakenUp
from gateway.money import Money
from gateway.paper import pairs, table
from gateway.terms.holding import Holder
from gateway.terms.license_terms import PAGE, SUSPEND_AFTER_DAYS, WINDOW_HOURS, Basis
from gateway.terms.terms_version import Change
from gateway.terms.unit import AGES, FREE, TIERS, UNIT
from gateway.uses import Use

_USES: Final = {
    Use.SEARCH: "finding and linking in a search engine",
    Use.AI_INPUT: "answering somebody's question with the page",
    Use.AI_INDEX: "keeping it in an index for later answers",
    Use.AI_TRAIN: "training a model",
    Use.FINE_TUNE: "fine-tuning a model",
    Use.TDM: "counting and comparing (text and data mining)",
}
_PARTS: Final = {
    "upfront": "{} when the license begins",
    "per_fetch": "{} for each page or file delivered",
    "per_item": "{} for each item of a work",
    "per_megabyte": "{} for each megabyte delivered",
    "per_thousand_tokens": "{} for each thousand tokens delivered",
    "per_inference": "{} for each answer that used the work",
    "subscription": "{} for every {subscription_months}",
    "minimum_guarantee": "at least {} in every {minimum_guarantee_months}",
}
_PURPOSES: Final = {
    "redistribution": "passing the works on",
    "sublicensing": "letting others use them",
    "resale": "selling them on",
    "internal_research": "research inside the company",
    "evaluation": "testing models with them",
}


def moment(at: int) -> str:
    """Whole seconds as RFC 3339 has them, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def title_of(document: Mapping[str, Any]) -> str:
    """The heading of the pages about *document*."""
    return f"License terms of {document.get('name') or 'this site'}"


def license_page(document: Mapping[str, Any], *, name: str, first_at: int, desk: str) -> str:
    """The body of the page for the version called *name*, first in force at *first_at*; *desk* is its prefix."""
    contact = (
        f" To agree on something else, write to {escape(document['contact'])}." if document["contact"] else ""
    )
    return "".join(
        (
            f'<p class="quiet">Version <code>{name}</code>, first in force {_time(first_at)}. ',
            f'<a href="{desk}/terms/versions">All versions</a> · ',
            f'<a href="{desk}/terms/{name}/changes">Changes since the one before</a></p>\n',
            "<p>People read this site for free. These terms are for programs that use its works.</p>\n",
            f"<h2>What is reserved</h2>\n<p>{escape(document['reservation'])}</p>\n",
            f"<p>{escape(document['limits'])}</p>\n",
            f"<h2>What is free, for sale, and reserved</h2>\n{_overview(document)}{_meanings()}",
            "<h2>The offers</h2>\n",
            *(_offer(offer) for offer in document["offers"]),
            "" if document["offers"] else "<p>Nothing is on offer.</p>\n",
            f"<h2>What one price buys</h2>\n<p>{escape(UNIT)}</p>\n<p>Free, but recorded:</p>\n<ul>\n",
            *(f"<li>{escape(each)}</li>\n" for each in FREE),
            f'</ul>\n<h2>How to get a license</h2>\n<p>The <a href="{desk}/">license desk</a> sells these offers ',
            "to programs and says how. People agree on these, or on something else, ",
            f'<a href="{desk}/negotiate">in a browser</a>.{contact}</p>\n<h2>For programs</h2>\n<ul>\n',
            f'<li><a href="{desk}/terms/{name}">This version</a> as JSON: ask with ',
            "<code>Accept: application/json</code>; its SHA-256 is its name</li>\n",
            f'<li><a href="{desk}/negotiations">Another deal on an offer</a> can be proposed by machine: ',
            f'<a href="{desk}/openapi.json">how</a>, in OpenAPI</li>\n',
            '<li><a href="/license.xml">The terms in force as RSL</a></li>\n',
            '<li><a href="/robots.txt">robots.txt</a>, which also names crawlers that are refused at any price</li>\n',
            "</ul>\n",
        )
    )


def changes_page(changes: Sequence[Change], *, older: str, newer: str, desk: str) -> str:
    """The body of the page that tells *changes* from the version *older* to *newer*; "" is no version."""
    names = {"From": older, "to": newer}
    told = " ".join(
        f'{word} <a href="{desk}/terms/{name}"><code>{name}</code></a>' if name else f"{word} nothing"
        for word, name in names.items()
    )
    if not older:
        return f"<p>{told}. It is the first version of all.</p>\n<p><a href='{desk}/terms/versions'>All versions</a></p>\n"
    rows = [(each.place, _value(each.before), _value(each.after)) for each in changes]
    listed = (
        table("Differences", ("Place", "Before", "After"), rows) if rows else "<p>They say the same.</p>\n"
    )
    return f"<p>{told}.</p>\n{listed}<p><a href='{desk}/terms/versions'>All versions</a></p>\n"


def versions_page(history: Iterable[TakenUp], *, desk: str) -> str:
    """The body of the page that lists what came into force, newest first."""
    items = "".join(
        f'<li>{_time(each.at)}: <a href="{desk}/terms/{each.name}"><code>{each.name}</code></a></li>\n'
        for each in history
    )
    return (
        "<p>Each version is kept for good under the SHA-256 of what it says. The first of this list is in force.</p>\n"
        f"<ol>\n{items}</ol>\n<p><a href='{desk}/terms/'>The terms in force</a></p>\n"
    )


def _overview(document: Mapping[str, Any]) -> str:
    rows = [
        (", ".join(scope["paths"]), *(_answer(scope, use) for use in Use)) for scope in document["scopes"]
    ]
    return table("Uses by part of the site; a narrower part goes before a wider one", ("Part", *Use), rows)


def _answer(scope: Mapping[str, Any], use: Use) -> str:
    if use in scope["reserved"]:
        return "reserved"
    return "free" if use in scope["free"] or not scope["offers"] else "for sale"


def _meanings() -> str:
    items = "".join(f"<li><code>{use}</code>: {_USES[use]}</li>\n" for use in Use)
    return f"<p>The uses:</p>\n<ul>\n{items}</ul>\n"


def _offer(offer: Mapping[str, Any]) -> str:
    levers = pairs(f"The offer {offer['id']}", _levers(offer))
    return f"<h3>{escape(offer['id'])}</h3>\n{levers}"


def _levers(offer: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    terms = offer["terms"]
    scope, purpose = terms["scope"], terms["purpose"]
    yield "Works", ", ".join(scope["works"])
    yield (
        "Where",
        ", ".join(scope["paths"]) + (f"; not {', '.join(scope['excluded'])}" if scope["excluded"] else ""),
    )
    yield (
        "Forms",
        ", ".join("the page or file itself" if form == PAGE else form for form in scope["renditions"]),
    )
    yield "Uses", ", ".join(purpose["uses"])
    yield "Besides", _besides(purpose)
    yield "Price", "; ".join(_price(terms["compensation"]))
    yield (
        "Window",
        f"unchanged content is not paid for again for {offer.get('window_hours', WINDOW_HOURS)} hours",
    )
    yield "Exclusivity", "nobody else gets the same" if terms["exclusivity"]["exclusive"] else "none"
    yield "Attribution", _attribution(terms["attribution"])
    yield "Reports and audits", _audit(terms["audit"])
    yield "Keeping and withdrawal", _retention(terms["retention"])
    yield "Liability", _liability(terms["liability"])
    yield (
        "Term",
        _months(terms["term"]["months"]) + (", renewed unless ended" if terms["term"]["renewal"] else ""),
    )
    yield "Territory", _territory(terms["territory"], offer["territory_basis"])
    limit = f", {offer['max_fetches']} fetches at most" if offer["max_fetches"] else ""
    yield "Token", f"lasts {offer['token_seconds']} seconds{limit}"
    yield "Terms hash", offer["terms_hash"]


def _besides(purpose: Mapping[str, Any]) -> str:
    granted = [words for name, words in _PURPOSES.items() if purpose[name]]
    if purpose["model_release"] != "none":
        granted.append(f"releasing a model with {purpose['model_release']} weights")
    return ", ".join(granted) or "nothing"


def _price(price: Mapping[str, Any]) -> Iterable[str]:
    spans = {name: _months(price[name]) for name in ("subscription_months", "minimum_guarantee_months")}
    asked = {name: words for name, words in _PARTS.items() if price[name] and price[name]["micros"]}
    found = [words.format(_money(price[name]), **spans) for name, words in asked.items()]
    found += [
        f"{_money(tier['per_fetch'])} from {tier['from_fetches']} fetches on"
        for tier in price.get("tiers", ())
    ]
    found += [
        f"{_money(step['per_fetch'])} for a page published {step['from_days']} days ago or earlier"
        for step in price.get("by_age", ())
    ]
    if price.get("by_age"):
        found.append(AGES[0].lower() + AGES[1:].rstrip("."))
    if price.get("tiers"):
        found.append(TIERS[0].lower() + TIERS[1:].rstrip("."))
    if price.get("milestones"):
        waits = ", ".join(
            f"{each['share_bp'] / 100:g} % once {each['name']} is met" for each in price["milestones"]
        )
        found.append(f"of the first of these, {waits} ({Holder.read(price['holder']).sentence[:-1]})")
    if price["revenue_share_bp"]:
        found.append(
            f"{_money({'micros': price['revenue_share_bp'] * 10_000, 'currency': '%'})} of net revenue"
        )
    return found or ["nothing"]


def _attribution(given: Mapping[str, Any]) -> str:
    shown = " ".join(filter(None, (given["text"], given["link"])))
    parts = [f"show “{shown}”"] if shown else []
    if given["model_card_days"]:
        parts.append(f"a model card within {given['model_card_days']} days of a release")
    return "; ".join(parts) or "none"


def _audit(audit: Mapping[str, Any]) -> str:
    reports = "no reports" if audit["report"] == "none" else f"a {audit['report']} report"
    samples = f" with {audit['output_samples']} samples of output" if audit["output_samples"] else ""
    days = audit.get("suspend_after_days", SUSPEND_AFTER_DAYS)
    if audit["report"] != "none" and days:
        samples += f", which suspends the license while it is {days} days late"
    count = audit["audits_per_year"]
    audits = f"{count} audit{'' if count == 1 else 's'} a year, {_months(audit['audit_window_months'])} back"
    return f"{reports}{samples}; {audits if audit['audits_per_year'] else 'no audits'}"


def _retention(retention: Mapping[str, Any]) -> str:
    days = retention["retention_days"]
    return "; ".join(
        (
            f"kept for {days} days at most" if days else "kept as long as the license lasts",
            f"withdrawn with {retention['withdrawal_notice_days']} days' notice",
            f"a plan to undo the use within {retention['remediation_plan_days']} days"
            if retention["remediation_plan_days"]
            else "no plan to undo the use",
            *(["trained again without what was withdrawn, where feasible"] if retention["retrain"] else []),
        )
    )


def _liability(liability: Mapping[str, Any]) -> str:
    return "; ".join(
        (
            {"none": "no indemnity", "mutual": "each side indemnifies the other"}.get(
                liability["indemnity"], f"the {liability['indemnity']} indemnifies the other side"
            ),
            f"capped at {_money(liability['cap'])}" if liability["cap"] else "no cap was set",
            f"warranties: {', '.join(liability['warranties']) or 'none'}",
            *(["insurance is required"] if liability["insurance"] else []),
            *(
                [f"security standard: {liability['security_standard']}"]
                if liability["security_standard"]
                else []
            ),
        )
    )


def _territory(regions: Sequence[str] | None, basis: str) -> str:
    if regions is None:
        return "worldwide"
    return f"{', '.join(regions)} (of the {basis}; {Basis(basis).sentence})"


def _months(count: int) -> str:
    return "1 month" if count == 1 else f"{count} months"


def _money(money: Mapping[str, Any]) -> str:
    if money["currency"] == "%":
        return f"{Money(money['micros'], 'XXX').amount} %"
    return f"{money['currency']} {Money(money['micros'], money['currency']).amount}"


def _value(value: object) -> str:
    if value is None:
        return "not there"
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _time(at: int) -> str:
    return f'<time datetime="{moment(at)}">{moment(at).replace("T", " ").replace("Z", " UTC")}</time>'
