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
from gateway.languages import foreign, later, tr, trn
from gateway.money import Money
from gateway.paper import original, pairs, reached, table
from gateway.terms.holding import Holder, Keeps
from gateway.terms.license_terms import PAGE, SUSPEND_AFTER_DAYS, WINDOW_HOURS, Basis
from gateway.terms.terms_version import Change
from gateway.terms.unit import AGES, FREE, TIERS, UNIT
from gateway.uses import Use

_USES: Final = {
    Use.SEARCH: later("finding and linking in a search engine"),
    Use.AI_INPUT: later("answering somebody's question with the page"),
    Use.AI_INDEX: later("keeping it in an index for later answers"),
    Use.AI_TRAIN: later("training a model"),
    Use.FINE_TUNE: later("fine-tuning a model"),
    Use.TDM: later("counting and comparing (text and data mining)"),
}
_PARTS: Final = {
    "upfront": later("{} when the license begins"),
    "per_fetch": later("{} for each page or file delivered"),
    "per_item": later("{} for each item of a work"),
    "per_megabyte": later("{} for each megabyte delivered"),
    "per_thousand_tokens": later("{} for each thousand tokens delivered"),
    "per_inference": later("{} for each answer that used the work"),
    "subscription": later("{} for every {subscription_months}"),
    "minimum_guarantee": later("at least {} in every {minimum_guarantee_months}"),
}
_PURPOSES: Final = {
    "redistribution": later("passing the works on"),
    "sublicensing": later("letting others use them"),
    "resale": later("selling them on"),
    "internal_research": later("research inside the company"),
    "evaluation": later("testing models with them"),
}

_REPORTS: Final = {
    "monthly": later("a monthly report"), "quarterly": later("a quarterly report"), "yearly": later("a yearly report"),
}  # fmt: skip
_INDEMNITIES: Final = {
    "none": later("no indemnity"), "mutual": later("each side indemnifies the other"),
    "creator": later("the creator indemnifies the other side"),
    "licensee": later("the licensee indemnifies the other side"),
}  # fmt: skip
_HOLDERS: Final = {
    Keeps.PROVIDER: later(
        "This money is held by the payment provider {name}. This gateway never holds money"
    ),
    Keeps.AGENT: later("This money is held by the agent {name}. This gateway never holds money"),
}
_WARRANTIES: Final = {
    "ownership": later("ownership"), "authority": later("authority"), "no-infringement": later("no infringement"),
    "privacy-consent": later("consent of the people shown"), "no-malware": later("no malware"),
}  # fmt: skip
_BASES: Final = {Basis.FETCH: later("fetch"), Basis.LICENSEE: later("licensee"), Basis.USE: later("use")}


def moment(at: int) -> str:
    """Whole seconds as RFC 3339 has them, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def title_of(document: Mapping[str, Any]) -> str:
    """The heading of the pages about *document*."""
    return tr("License terms of {site}").format(site=document.get("name") or tr("this site"))


def license_page(document: Mapping[str, Any], *, name: str, first_at: int, desk: str) -> str:
    """The body of the page for the version called *name*, first in force at *first_at*; *desk* is its prefix."""
    contact = (
        " "
        + tr("To agree on something else, write to {contact}.").format(contact=reached(document["contact"]))
        if document["contact"]
        else ""
    )
    browser = f'<a href="{desk}/negotiate">{tr("in a browser")}</a>'
    sells = f'<a href="{desk}/">{tr("license desk")}</a>'
    machine = f'<a href="{desk}/negotiations">{tr("Another deal on an offer")}</a>'
    how = f'<a href="{desk}/openapi.json">{tr("how")}</a>'
    return "".join(
        (
            f'<p class="quiet">{tr("Version")} <code>{name}</code>, {tr("first in force {time}.").format(time=_time(first_at))} ',
            f'<a href="{desk}/terms/versions">{tr("All versions")}</a> · ',
            f'<a href="{desk}/terms/{name}/changes">{tr("Changes since the one before")}</a></p>\n',
            f"<p>{tr('People read this site for free. These terms are for programs that use its works.')}</p>\n",
            _binding(),
            f"<h2>{tr('What is reserved')}</h2>\n<p{foreign()}>{escape(document['reservation'])}</p>\n",
            f"<p{foreign()}>{escape(document['limits'])}</p>\n",
            f"<h2>{tr('What is free, for sale, and reserved')}</h2>\n{_overview(document)}{_meanings()}",
            f"<h2>{tr('The offers')}</h2>\n",
            *(_offer(offer) for offer in document["offers"]),
            "" if document["offers"] else f"<p>{tr('Nothing is on offer.')}</p>\n",
            f"<h2>{tr('What one price buys')}</h2>\n<p>{escape(tr(UNIT))}</p>\n<p>{tr('Free, but recorded:')}</p>\n<ul>\n",
            *(f"<li>{escape(tr(each))}</li>\n" for each in FREE),
            f"</ul>\n<h2>{tr('How to get a license')}</h2>\n<p>",
            tr("The {desk} sells these offers to programs and says how.").format(desk=sells),
            f" {tr('People agree on these, or on something else, {browser}.').format(browser=browser)}{contact}</p>\n",
            f"<h2>{tr('For programs')}</h2>\n<ul>\n",
            f'<li><a href="{desk}/terms/{name}">{tr("This version")}</a> {tr("as JSON: ask with")} ',
            f"<code>Accept: application/json</code>; {tr('its SHA-256 is its name')}</li>\n",
            f"<li>{tr('{deal} can be proposed by machine: {how}, in OpenAPI').format(deal=machine, how=how)}</li>\n",
            f'<li><a href="/license.xml">{tr("The terms in force as RSL")}</a></li>\n',
            f'<li><a href="/robots.txt">robots.txt</a>, {tr("which also names crawlers that are refused at any price")}</li>\n',
            "</ul>\n",
        )
    )


def _binding() -> str:
    """On a page in another language: what of it binds."""
    return (
        f"<p>{tr('This translation is for convenience. What binds is the English text, and the terms that the hash names.')}</p>\n"
        if foreign()
        else ""
    )


def changes_page(changes: Sequence[Change], *, older: str, newer: str, desk: str) -> str:
    """The body of the page that tells *changes* from the version *older* to *newer*; "" is no version."""
    told = " ".join(
        f'{word} <a href="{desk}/terms/{name}"><code>{name}</code></a>' if name else f"{word} {tr('nothing')}"
        for word, name in ((tr("From"), older), (tr("to"), newer))
    )
    every = f"<p><a href='{desk}/terms/versions'>{tr('All versions')}</a></p>\n"
    if not older:
        return f"<p>{told}. {tr('It is the first version of all.')}</p>\n{every}"
    rows = [(each.place, original(_value(each.before)), original(_value(each.after))) for each in changes]
    listed = (
        table(tr("Differences"), (tr("Place"), tr("Before"), tr("After")), rows)
        if rows
        else f"<p>{tr('They say the same.')}</p>\n"
    )
    return f"<p>{told}.</p>\n{listed}{every}"


def versions_page(history: Iterable[TakenUp], *, desk: str) -> str:
    """The body of the page that lists what came into force, newest first."""
    items = "".join(
        f'<li>{_time(each.at)}: <a href="{desk}/terms/{each.name}"><code>{each.name}</code></a></li>\n'
        for each in history
    )
    return (
        f"<p>{tr('Each version is kept for good under the SHA-256 of what it says. The first of this list is in force.')}</p>\n"
        f"<ol>\n{items}</ol>\n<p><a href='{desk}/terms/'>{tr('The terms in force')}</a></p>\n"
    )


def _overview(document: Mapping[str, Any]) -> str:
    rows = [
        (", ".join(scope["paths"]), *(_answer(scope, use) for use in Use)) for scope in document["scopes"]
    ]
    return table(
        tr("Uses by part of the site; a narrower part goes before a wider one"),
        (tr("Part"), *Use),
        rows,
        cards=True,
    )


def _answer(scope: Mapping[str, Any], use: Use) -> str:
    if use in scope["reserved"]:
        return tr("reserved")
    return tr("free") if use in scope["free"] or not scope["offers"] else tr("for sale")


def _meanings() -> str:
    items = "".join(f"<li><code>{use}</code>: {tr(_USES[use])}</li>\n" for use in Use)
    return f"<p>{tr('The uses:')}</p>\n<ul>\n{items}</ul>\n"


def _offer(offer: Mapping[str, Any]) -> str:
    levers = pairs(tr("The offer {offer}").format(offer=offer["id"]), _levers(offer))
    return f"<h3>{escape(offer['id'])}</h3>\n{levers}"


def _levers(offer: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    terms = offer["terms"]
    scope, purpose = terms["scope"], terms["purpose"]
    yield tr("Works"), ", ".join(scope["works"])
    less = tr("; not {paths}").format(paths=", ".join(scope["excluded"])) if scope["excluded"] else ""
    yield tr("Where"), ", ".join(scope["paths"]) + less
    forms = (tr("the page or file itself") if form == PAGE else form for form in scope["renditions"])
    yield tr("Forms"), ", ".join(forms)
    yield tr("Uses"), ", ".join(purpose["uses"])
    yield tr("Besides"), _besides(purpose)
    yield tr("Price"), "; ".join(_price(terms["compensation"]))
    hours = offer.get("window_hours", WINDOW_HOURS)
    yield tr("Window"), tr("unchanged content is not paid for again for {hours} hours").format(hours=hours)
    exclusive = terms["exclusivity"]["exclusive"]
    yield tr("Exclusivity"), tr("nobody else gets the same") if exclusive else tr("none")
    yield tr("Attribution"), _attribution(terms["attribution"])
    yield tr("Reports and audits"), _audit(terms["audit"])
    yield tr("Keeping and withdrawal"), _retention(terms["retention"])
    yield tr("Liability"), _liability(terms["liability"])
    renewed = tr(", renewed unless ended") if terms["term"]["renewal"] else ""
    yield tr("Term"), _months(terms["term"]["months"]) + renewed
    yield tr("Territory"), _territory(terms["territory"], offer["territory_basis"])
    most = offer["max_fetches"]
    limit = tr(", {count} fetches at most").format(count=most) if most else ""
    yield tr("Token"), tr("lasts {seconds} seconds").format(seconds=offer["token_seconds"]) + limit
    yield tr("Terms hash"), offer["terms_hash"]


def _besides(purpose: Mapping[str, Any]) -> str:
    granted = [tr(words) for name, words in _PURPOSES.items() if purpose[name]]
    if purpose["model_release"] != "none":
        granted.append(
            tr("releasing a model with {weights} weights").format(weights=purpose["model_release"])
        )
    return ", ".join(granted) or tr("nothing")


def _price(price: Mapping[str, Any]) -> Iterable[str]:
    spans = {name: _months(price[name]) for name in ("subscription_months", "minimum_guarantee_months")}
    asked = {name: words for name, words in _PARTS.items() if price[name] and price[name]["micros"]}
    found = [tr(words).format(_money(price[name]), **spans) for name, words in asked.items()]
    found += [
        tr("{money} from {count} fetches on").format(
            money=_money(tier["per_fetch"]), count=tier["from_fetches"]
        )
        for tier in price.get("tiers", ())
    ]
    found += [
        tr("{money} of a page published {days} days ago or earlier").format(
            money=_money(step["per_fetch"]), days=step["from_days"]
        )
        for step in price.get("by_age", ())
    ]
    if price.get("by_age"):
        found.append(_clause(tr(AGES)))
    if price.get("tiers"):
        found.append(_clause(tr(TIERS)))
    if price.get("milestones"):
        waits = ", ".join(
            tr("{share} % once {name} is met").format(share=f"{each['share_bp'] / 100:g}", name=each["name"])
            for each in price["milestones"]
        )
        holder = _holder(Holder.read(price["holder"]))
        found.append(tr("of the first of these, {waits} ({holder})").format(waits=waits, holder=holder))
    if price["revenue_share_bp"]:
        share = _money({"micros": price["revenue_share_bp"] * 10_000, "currency": "%"})
        found.append(tr("{share} of net revenue").format(share=share))
    return found or [tr("nothing")]


def _holder(holder: Holder) -> str:
    if not holder.name:
        return tr(holder.sentence)[:-1]
    return tr(_HOLDERS[holder.keeps]).format(name=holder.name)


def _clause(sentence: str) -> str:
    """*sentence* as part of another one; German nouns keep their capital, so only English loses it."""
    return sentence.rstrip(".") if foreign() else sentence[0].lower() + sentence[1:].rstrip(".")


def _attribution(given: Mapping[str, Any]) -> str:
    shown = " ".join(filter(None, (given["text"], given["link"])))
    parts = [tr("show \u201c{text}\u201d").format(text=shown)] if shown else []
    if given["model_card_days"]:
        parts.append(tr("a model card within {days} days of a release").format(days=given["model_card_days"]))
    return "; ".join(parts) or tr("none")


def _audit(audit: Mapping[str, Any]) -> str:
    reporting = audit["report"] != "none"
    reports = tr(_REPORTS.get(audit["report"], audit["report"])) if reporting else tr("no reports")
    if audit["output_samples"]:
        reports += " " + tr("with {count} samples of output").format(count=audit["output_samples"])
    days = audit.get("suspend_after_days", SUSPEND_AFTER_DAYS)
    if reporting and days:
        reports += tr(", which suspends the license while it is {days} days late").format(days=days)
    count = audit["audits_per_year"]
    audits = trn("{count} audit a year, {months} back", "{count} audits a year, {months} back", count)
    told = audits.format(count=count, months=_months(audit["audit_window_months"]))
    return f"{reports}; {told if count else tr('no audits')}"


def _retention(retention: Mapping[str, Any]) -> str:
    days = retention["retention_days"]
    kept = tr("kept for {days} days at most") if days else tr("kept as long as the license lasts")
    plan = retention["remediation_plan_days"]
    parts = [
        kept.format(days=days),
        tr("withdrawn with {days} days' notice").format(days=retention["withdrawal_notice_days"]),
        tr("a plan to undo the use within {days} days").format(days=plan)
        if plan
        else tr("no plan to undo the use"),
    ]
    if retention["retrain"]:
        parts.append(tr("trained again without what was withdrawn, where feasible"))
    return "; ".join(parts)


def _liability(liability: Mapping[str, Any]) -> str:
    cap, standard = liability["cap"], liability["security_standard"]
    parts = [
        tr(_INDEMNITIES.get(liability["indemnity"], liability["indemnity"])),
        tr("capped at {money}").format(money=_money(cap)) if cap else tr("no cap was set"),
        tr("warranties: {list}").format(
            list=", ".join(tr(_WARRANTIES.get(each, each)) for each in liability["warranties"]) or tr("none")
        ),
    ]
    if liability["insurance"]:
        parts.append(tr("insurance is required"))
    if standard:
        parts.append(tr("security standard: {standard}").format(standard=standard))
    return "; ".join(parts)


def _territory(regions: Sequence[str] | None, basis: str) -> str:
    if regions is None:
        return tr("worldwide")
    return tr("{places} (of the {basis}; {sentence})").format(
        places=", ".join(regions), basis=tr(_BASES[Basis(basis)]), sentence=tr(Basis(basis).sentence)
    )


def _months(count: int) -> str:
    return trn("{months} month", "{months} months", count).format(months=count)


def _money(money: Mapping[str, Any]) -> str:
    if money["currency"] == "%":
        return f"{Money(money['micros'], 'XXX').amount} %"
    return f"{money['currency']} {Money(money['micros'], money['currency']).amount}"


def _value(value: object) -> str:
    if value is None:
        return tr("not there")
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _time(at: int) -> str:
    return f'<time datetime="{moment(at)}">{moment(at).replace("T", " ").replace("Z", " UTC")}</time>'
