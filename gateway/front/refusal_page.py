"""A refusal for somebody at a browser: the facts of the problem body as a page of HTML.

It is made from that body and from nothing else, so both say the same. No
script, no picture, one style (`gateway.paper`). Under
10,000 octets whatever the policy says; offers beyond that are in the JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

from gateway.paper import pairs, sheet
from gateway.terms.license_terms import Basis

MOST_OCTETS: Final = 10_000
_LONGEST: Final = 400
_HEAD: Final = '<meta name="robots" content="noindex">\n'
_LINKS: Final = {
    "license_document": "The terms as RSL",
    "quote": "What this page costs, and why",
    "resource_metadata": "Metadata (RFC 9728)",
}


def refusal_page(body: Mapping[str, Any], *, site: str = "", contact: str = "") -> bytes:
    """Return the page for a body made by `terms.payment_required.problem_body`.

    *site* is the publisher's name, *contact* where somebody refused by mistake can write.
    """
    title = _cut("This page needs a license for AI use" if "buy" in body else body["title"])
    shown = list(body.get("offers", ()))
    while True:
        text = "".join(_parts(body, shown, site, contact))
        page = sheet(title, text, head=_HEAD).encode("utf-8", "replace")
        if len(page) < MOST_OCTETS or not shown:
            return page
        shown = shown[: len(shown) // 2]


def _parts(body: Mapping[str, Any], shown: list[Mapping[str, Any]], site: str, contact: str) -> Iterable[str]:
    selling = "buy" in body
    if selling:
        yield _paragraph(f"{body['title']}.")
    if body["detail"]:
        yield _paragraph(body["detail"])
    yield _paragraph(body["next_step"])
    yield _for_people(body, contact)
    if selling:
        yield from _offers(body, shown)
        yield from _buying(body["buy"], contact)
    yield f'<p class="quiet">Status {body["status"]}, code <code>{_said(body["code"])}</code>'
    if str(body["type"]).startswith(("https://", "http://")):
        yield f' (<a href="{escape(body["type"])}">what that means</a>)'
    if body.get("instance"):
        yield f", number <code>{_said(body['instance'])}</code>"
    yield "</p>\n"
    if site:
        yield _paragraph(f"Published by {site}.")


def _for_people(body: Mapping[str, Any], contact: str) -> str:
    if body["status"] >= 500:
        return _paragraph("Nothing is wrong on your side. Please try again in a little while.")
    if body["status"] not in {401, 402, 403, 429}:
        return ""
    write = (
        f"Write to {contact} and give the number below" if contact else "Please tell the owner of this site"
    )
    return _paragraph(
        "If you are reading in a browser and see this, you were taken for a machine by mistake, "
        f"and people read here for free. {write}."
    )


def _offers(body: Mapping[str, Any], shown: list[Mapping[str, Any]]) -> Iterable[str]:
    price = body.get("price")
    if price:
        yield _paragraph(f"Price: {price['currency']} {price['amount']} a fetch (offer {price['offer']}).")
    if shown:
        yield "<h2>What is on offer</h2>\n"
        for offer in shown:
            rows = [(name, _cut(value)) for name, value in _rows(offer)]
            yield f"<h3>{_said(offer['id'])}</h3>\n{pairs(_cut(offer['id']), rows)}"
    more = len(body.get("offers", ())) - len(shown)
    if more:
        yield _paragraph(f"{more} more offers stand in the same answer as JSON.")


def _rows(offer: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield "Uses", ", ".join(offer["uses"])
    yield "Price", "; ".join(_price(offer))
    yield "Window", f"unchanged content is not paid for again for {offer['window_hours']} hours"
    yield "Paths", ", ".join(offer["paths"])
    yield "Territory", "worldwide" if offer["territory"] is None else _places(offer)
    yield "Term", "1 month" if offer["term_months"] == 1 else f"{offer['term_months']} months"
    yield "Duties", ", ".join(_duty(name, value) for name, value in offer["duties"].items()) or "none"
    yield "Terms hash", offer["terms"]


def _price(offer: Mapping[str, Any]) -> Iterable[str]:
    yield f"{offer['price']['currency']} {offer['price']['amount']} a fetch"
    for tier in offer["tiers"]:
        money = tier["per_fetch"]
        yield f"{money['currency']} {money['amount']} from {tier['from_fetches']} fetches on"
    for step in offer["by_age"]:
        money = step["per_fetch"]
        yield f"{money['currency']} {money['amount']} of a page published {step['from_days']} days ago or earlier"
    for name, part in offer["price_parts"].items():
        if name != "per_fetch" and part["micros"]:
            yield f"{part['currency']} {part['amount']} {name.replace('_', ' ')}"
    share = offer["revenue_share_bp"]
    if share:
        yield f"{share // 100}.{share % 100:02d} % of revenue"


def _places(offer: Mapping[str, Any]) -> str:
    basis = Basis(offer["territory_basis"])
    return f"{', '.join(offer['territory'])} (of the {basis}; {basis.sentence})"


def _duty(name: str, value: object) -> str:
    named = name.replace("_", " ")
    return named if value is True else f"{named}: {value}"


def _buying(buy: Mapping[str, Any], contact: str) -> Iterable[str]:
    yield f'<h2>How to get a license</h2>\n<p>Read <a href="{escape(buy["license_page"])}">the license terms</a>'
    yield f' and see <a href="{escape(buy["desk"])}">the license desk</a>.'
    yield f" To agree on something else, write to {_said(contact)}." if contact else ""
    yield " A program registers, buys a token and fetches with it:</p>\n<pre><code>"
    yield "\n".join(escape(line) for line in buy["curl"])
    yield "</code></pre>\n<h2>For programs</h2>\n<ul>\n"
    for key, name in _LINKS.items():
        yield f'<li><a href="{escape(buy[key])}">{name}</a></li>\n'
    yield "<li>This answer as JSON: ask with <code>Accept: application/problem+json</code></li>\n</ul>\n"


def _cut(text: object) -> str:
    said = str(text)
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"


def _said(text: object) -> str:
    return escape(_cut(text))


def _paragraph(text: object) -> str:
    return f"<p>{_said(text)}</p>\n"
