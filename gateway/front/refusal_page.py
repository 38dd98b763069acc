"""A refusal for somebody at a browser: the facts of the problem body as a page of HTML.

It is made from that body and from nothing else, so both say the same. No
script, no picture, one style (`gateway.paper`). Under
10,000 octets whatever the policy says; offers beyond that are in the JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final
from urllib.parse import urlencode

from gateway.languages import foreign, later, retold, tr, trn
from gateway.paper import pairs, sheet
from gateway.terms.license_terms import Basis

MOST_OCTETS: Final = 10_000
_LONGEST: Final = 400
#: Answers that somebody before a browser may meet who was taken for a machine.
_PEOPLE_MEET: Final = frozenset({401, 402, 403, 429})
#: Where people tell that they are people (`desk.person_desk`).
REPORT: Final = "/.licet/person"
_LONGEST_URL: Final = 300
_HEAD: Final = '<meta name="robots" content="noindex">\n'
_LINKS: Final = {
    "license_document": later("The terms as RSL"),
    "quote": later("What this page costs, and why"),
    "resource_metadata": later("Metadata (RFC 9728)"),
}
#: Parts of a price that are not by the fetch, and duties, as people read them.
_PARTS: Final = {
    "upfront": later("at signing"), "per_item": later("per item"), "per_megabyte": later("per megabyte"),
    "per_thousand_tokens": later("per thousand tokens"), "per_inference": later("per inference"),
    "subscription": later("subscription"), "minimum_guarantee": later("minimum guarantee"),
}  # fmt: skip
_BASES: Final = {Basis.FETCH: later("fetch"), Basis.LICENSEE: later("licensee"), Basis.USE: later("use")}
_DUTIES: Final = {
    "attribution": later("attribution"), "link": later("link"), "model_card_days": later("days until the model card"),
    "report": later("report"), "audits_per_year": later("audits a year"), "retention_days": later("days of retention"),
    "withdrawal_notice_days": later("days of notice of a withdrawal"),
    "remediation_plan_days": later("days until the plan after a withdrawal"), "exclusive": later("exclusive"),
}  # fmt: skip


def refusal_page(body: Mapping[str, Any], *, site: str = "", contact: str = "", target: str = "/") -> bytes:
    """Return the page for a body made by `terms.payment_required.problem_body`.

    *site* is the publisher's name, *contact* where somebody refused by mistake can
    write, *target* what was asked for. In the language that is spoken (`languages`).
    """
    by_mistake = body["status"] in _PEOPLE_MEET
    title = tr("Are you a person? This is our mistake") if by_mistake else _cut(tr(body["title"]))
    shown = list(body.get("offers", ()))
    while True:
        text = "".join(_parts(body, shown, site, contact, target))
        page = sheet(title, text, head=_HEAD, choice=True).encode("utf-8", "replace")
        if len(page) < MOST_OCTETS or not shown:
            return page
        shown = shown[: len(shown) // 2]


def _parts(
    body: Mapping[str, Any], shown: list[Mapping[str, Any]], site: str, contact: str, target: str
) -> Iterable[str]:
    selling = "buy" in body
    yield _for_people(body, contact, target)
    if body["status"] in _PEOPLE_MEET:
        heading = tr("This page needs a license for AI use") if selling else tr(body["title"])
        yield f"<h2>{_said(heading)}</h2>\n"
    if selling:
        yield _paragraph(f"{tr(body['title'])}.")
    if body["detail"]:
        yield _detail(body["detail"])
    yield _paragraph(tr(body["next_step"]))
    if selling:
        yield from _offers(body, shown)
        yield from _buying(body["buy"], contact)
    yield f'<p class="quiet">{tr("Status")} {body["status"]}, {tr("code")} <code>{_said(body["code"])}</code>'
    if str(body["type"]).startswith(("https://", "http://")):
        yield f' (<a href="{escape(body["type"])}">{tr("what that means")}</a>)'
    if body.get("instance"):
        yield f", {tr('number')} <code>{_said(body['instance'])}</code>"
    yield "</p>\n"
    if site:
        yield _paragraph(tr("Published by {site}.").format(site=site))


def _detail(detail: str) -> str:
    """The fact behind the refusal, in the language that is spoken where it can be said in it."""
    said = retold(detail)
    return f"<p{foreign()}>{_said(detail)}</p>\n" if said is None else _paragraph(said)


def _for_people(body: Mapping[str, Any], contact: str, target: str) -> str:
    """What somebody does who sits before a browser: tell it, or try again, without an account or a script."""
    if body["status"] >= 500:
        return _paragraph(tr("Nothing is wrong on your side. Please try again in a little while."))
    if body["status"] not in _PEOPLE_MEET:
        return ""
    number = str(body.get("instance", ""))
    again = (
        target
        if target.startswith("/") and not target.startswith("//") and len(target) < _LONGEST_URL
        else "/"
    )
    told = urlencode(
        {"request": number.removeprefix("urn:uuid:"), "path": again.partition("?")[0]}, errors="replace"
    )
    write = tr("Or write to {contact} and give the number.").format(contact=contact) if contact else ""
    shown = f"{tr('Your request has the number')} <code>{_said(number)}</code>. " if number else ""
    return (
        f'<div class="told">\n<p>{tr("People read here for free. If you see this in a browser, you were taken for a machine.")}</p>\n'
        f'<p><a href="{escape(REPORT)}?{escape(told)}">{tr("Tell the owner")}</a>, {tr("or")} '
        f'<a href="{escape(again)}">{tr("try the page again")}</a>. {shown}{_said(write)}</p>\n</div>\n'
    )


def _offers(body: Mapping[str, Any], shown: list[Mapping[str, Any]]) -> Iterable[str]:
    price = body.get("price")
    if price:
        yield _paragraph(
            tr("Price: {money} a fetch (offer {offer}).").format(
                money=f"{price['currency']} {price['amount']}", offer=price["offer"]
            )
        )
    if shown:
        yield f"<h2>{tr('What is on offer')}</h2>\n"
        for offer in shown:
            rows = [(name, _cut(value)) for name, value in _rows(offer)]
            yield f"<h3>{_said(offer['id'])}</h3>\n{pairs(_cut(offer['id']), rows)}"
    more = len(body.get("offers", ())) - len(shown)
    if more:
        yield _paragraph(
            trn(
                "{more} more offer stands in the same answer as JSON.",
                "{more} more offers stand in the same answer as JSON.",
                more,
            ).format(more=more)
        )


def _rows(offer: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield tr("Uses"), ", ".join(offer["uses"])
    yield tr("Price"), "; ".join(_price(offer))
    yield (
        tr("Window"),
        tr("unchanged content is not paid for again for {hours} hours").format(hours=offer["window_hours"]),
    )
    yield tr("Paths"), ", ".join(offer["paths"])
    yield tr("Territory"), tr("worldwide") if offer["territory"] is None else _places(offer)
    months = offer["term_months"]
    yield tr("Term"), trn("{months} month", "{months} months", months).format(months=months)
    yield tr("Duties"), ", ".join(_duty(name, value) for name, value in offer["duties"].items()) or tr("none")
    yield tr("Terms hash"), offer["terms"]


def _price(offer: Mapping[str, Any]) -> Iterable[str]:
    yield tr("{money} a fetch").format(money=_money(offer["price"]))
    for tier in offer["tiers"]:
        yield tr("{money} from {count} fetches on").format(
            money=_money(tier["per_fetch"]), count=tier["from_fetches"]
        )
    for step in offer["by_age"]:
        yield tr("{money} of a page published {days} days ago or earlier").format(
            money=_money(step["per_fetch"]), days=step["from_days"]
        )
    for name, part in offer["price_parts"].items():
        if name != "per_fetch" and part["micros"]:
            yield f"{_money(part)} {tr(_PARTS.get(name, name.replace('_', ' ')))}"
    share = offer["revenue_share_bp"]
    if share:
        yield tr("{share} % of revenue").format(share=f"{share // 100}.{share % 100:02d}")


def _money(part: Mapping[str, Any]) -> str:
    return f"{part['currency']} {part['amount']}"


def _places(offer: Mapping[str, Any]) -> str:
    basis = Basis(offer["territory_basis"])
    return tr("{places} (of the {basis}; {sentence})").format(
        places=", ".join(offer["territory"]), basis=tr(_BASES[basis]), sentence=tr(basis.sentence)
    )


def _duty(name: str, value: object) -> str:
    named = tr(_DUTIES.get(name, name.replace("_", " ")))
    return named if value is True else f"{named}: {tr(str(value))}"


def _buying(buy: Mapping[str, Any], contact: str) -> Iterable[str]:
    terms = f'<a href="{escape(buy["license_page"])}">{tr("the license terms")}</a>'
    desk = f'<a href="{escape(buy["desk"])}">{tr("the license desk")}</a>'
    yield f"<h2>{tr('How to get a license')}</h2>\n<p>"
    yield tr("Read {terms} and see {desk}.").format(terms=terms, desk=desk)
    yield (
        " " + tr("To agree on something else, write to {contact}.").format(contact=_said(contact))
        if contact
        else ""
    )
    yield f" {tr('A program registers, buys a token and fetches with it:')}</p>\n<pre><code>"
    yield "\n".join(escape(line) for line in buy["curl"])
    yield f"</code></pre>\n<h2>{tr('For programs')}</h2>\n<ul>\n"
    for key, name in _LINKS.items():
        yield f'<li><a href="{escape(buy[key])}">{tr(name)}</a></li>\n'
    yield f"<li>{tr('This answer as JSON: ask with')} <code>Accept: application/problem+json</code></li>\n</ul>\n"


def _cut(text: object) -> str:
    said = str(text)
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"


def _said(text: object) -> str:
    return escape(_cut(text))


def _paragraph(text: object) -> str:
    return f"<p>{_said(text)}</p>\n"
