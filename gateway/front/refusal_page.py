"""A refusal for somebody at a browser: the facts of the problem body as a page of HTML.

It is made from that body and from nothing else, so both say the same. No
script, no picture, one style (`gateway.paper`). Under
10,000 octets whatever the policy says; offers beyond that are in the JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

from gateway.paper import STYLE
from gateway.terms.license_terms import Basis

MOST_OCTETS: Final = 10_000
_LONGEST: Final = 400
_HEAD = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    '<meta name="robots" content="noindex">\n<meta name="color-scheme" content="light dark">\n'
    "<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
)
_FOOT = "</main>\n</body>\n</html>\n"


def refusal_page(body: Mapping[str, Any], *, site: str = "", contact: str = "") -> bytes:
    """Return the page for a body made by `terms.payment_required.problem_body`.

    *site* is the publisher's name, *contact* where somebody refused by mistake can write.
    """
    shown = list(body.get("offers", ()))
    while True:
        page = "".join(_parts(body, shown, site, contact)).encode("utf-8", "replace")
        if len(page) < MOST_OCTETS or not shown:
            return page
        shown = shown[: len(shown) // 2]


def _parts(body: Mapping[str, Any], shown: list[Mapping[str, Any]], site: str, contact: str) -> Iterable[str]:
    selling = "buy" in body
    title = "This page needs a license for AI use" if selling else _said(body["title"])
    yield _HEAD.format(title=title, style=STYLE)
    if selling:
        yield _paragraph(f"{body['title']}.")
    if body["detail"]:
        yield _paragraph(body["detail"])
    yield _paragraph(body["next_step"])
    yield _for_people(body, contact)
    if selling:
        yield from _offers(body, shown)
        yield from _buying(body["buy"])
    yield f"<p>Status {body['status']}, code <code>{_said(body['code'])}</code>"
    if body.get("instance"):
        yield f", number <code>{_said(body['instance'])}</code>"
    yield "</p>\n"
    if site:
        yield _paragraph(f"Published by {site}.")
    yield _FOOT


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
        yield '<h2>What is on offer</h2>\n<div class="wide"><table>\n<thead><tr>'
        columns = ("Offer", "Uses", "Price", "Paths", "Territory", "Term", "Duties", "Terms")
        yield "".join(f'<th scope="col">{column}</th>' for column in columns)
        yield "</tr></thead>\n<tbody>\n"
        for offer in shown:
            yield f"<tr>{''.join(f'<td>{_said(cell)}</td>' for cell in _row(offer))}</tr>\n"
        yield "</tbody>\n</table></div>\n"
    more = len(body.get("offers", ())) - len(shown)
    if more:
        yield _paragraph(f"{more} more offers stand in the same answer as JSON.")


def _row(offer: Mapping[str, Any]) -> tuple[str, ...]:
    price = f"{offer['price']['currency']} {offer['price']['amount']} a fetch"
    others = [
        f"{part['currency']} {part['amount']} {name.replace('_', ' ')}"
        for name, part in offer["price_parts"].items()
        if name != "per_fetch"
    ]
    if offer["revenue_share_bp"]:
        others.append(
            f"{offer['revenue_share_bp'] // 100}.{offer['revenue_share_bp'] % 100:02d} % of revenue"
        )
    return (
        offer["id"],
        ", ".join(offer["uses"]),
        ", ".join((price, *others)),
        ", ".join(offer["paths"]),
        "worldwide" if offer["territory"] is None else _places(offer),
        "1 month" if offer["term_months"] == 1 else f"{offer['term_months']} months",
        ", ".join(_duty(name, value) for name, value in offer["duties"].items()),
        offer["terms"][:20],
    )


def _places(offer: Mapping[str, Any]) -> str:
    basis = Basis(offer["territory_basis"])
    return f"{', '.join(offer['territory'])} (of the {basis}; {basis.sentence})"


def _duty(name: str, value: object) -> str:
    named = name.replace("_", " ")
    return named if value is True else f"{named}: {value}"


def _buying(buy: Mapping[str, Any]) -> Iterable[str]:
    yield "<h2>Get a token</h2>\n<pre><code>"
    yield "\n".join(escape(line) for line in buy["curl"])
    yield "</code></pre>\n<h2>For programs</h2>\n<ul>\n"
    names = {"desk": "License desk", "license_document": "RSL license", "resource_metadata": "Metadata"}
    for key, name in names.items():
        yield f'<li><a href="{escape(buy[key])}">{name}</a></li>\n'
    yield "<li>This answer as JSON: ask with Accept: application/problem+json</li>\n</ul>\n"


def _said(text: object) -> str:
    said = str(text)
    return escape(said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…")


def _paragraph(text: object) -> str:
    return f"<p>{_said(text)}</p>\n"
