"""The desk's two pages for people: how to buy here, and what a refusal means."""

from __future__ import annotations

from html import escape

from aiohttp import web

from gateway.desk.metadata import how_to_buy, issuer_of, on_offer
from gateway.desk.replies import page
from gateway.licenses.pricing import due_at_signing
from gateway.policy.rules import Policy
from gateway.problems import Problem
from gateway.terms.license_terms import Offer, Territory


def index_page(policy: Policy, origin: str) -> web.Response:
    """Tell a crawler's team what is on offer and how to buy it in three lines of a shell."""
    site = policy.site
    offers = on_offer(policy)
    lines = "\n".join(how_to_buy(policy, origin))
    contact = f"<p>Questions: {escape(site.contact)}</p>" if site.contact else ""
    body = (
        f"<p>{escape(origin)} sells licenses to AI crawlers, by machine. Reading as a person needs none.</p>"
        f"<h2>What is on offer</h2>{_offers(offers)}"
        f"<h2>How to buy</h2><pre><code>{escape(lines)}</code></pre>"
        "<p>A new client waits until the owner approves or funds it. A token covers what it names: "
        "<code>authorization_details</code> asks for less than an offer, never for more.</p>"
        f"{contact}<h2>For programs</h2><p>{_links(origin)}</p>"
    )
    return page(f"Licenses of {site.name or site.id}", body, max_age=300)


def problem_page(problem: Problem) -> web.Response:
    """Tell what one refusal means and what can be done about it."""
    body = (
        f"<p>Status {problem.status}, code <code>{problem.code}</code>.</p>"
        f"<h2>What to do</h2><p>{escape(problem.next_step)}</p>"
        "<p><a href='/.licet/'>The license desk of this site</a></p>"
    )
    return page(problem.title, body, max_age=3600)


def _offers(offers: tuple[Offer, ...]) -> str:
    if not offers:
        return "<p>Nothing at the moment.</p>"
    rows = "".join(_row(offer) for offer in offers)
    return (
        "<div class=wide><table><tr><th>Offer<th>Uses<th>Where<th>Territory<th>Price"
        f"<th>Term</tr>{rows}</table></div>"
    )


def _row(offer: Offer) -> str:
    terms = offer.terms
    due = due_at_signing(terms)
    price = f"{offer.price} a fetch" if offer.price else "nothing a fetch"
    price += f", {due} at signing" if due else ""
    share = terms.compensation.revenue_share_bp
    price += f", {share / 100:g} % of revenue" if share else ""
    cells = (
        offer.id,
        ", ".join(sorted(offer.uses)),
        ", ".join(scope.pattern for scope in terms.scope.paths),
        _places(terms.territory),
        price,
        f"{terms.term.months} months",
    )
    return "<tr>" + "".join(f"<td>{escape(cell)}" for cell in cells) + "</tr>"


def _links(origin: str) -> str:
    issuer = issuer_of(origin)
    links = {
        "offers": f"{issuer}/offers",
        "license.xml": f"{origin}/license.xml",
        "key set": f"{issuer}/jwks.json",
        "your account": f"{issuer}/account",
    }
    return " · ".join(f"<a href='{escape(url)}'>{escape(name)}</a>" for name, url in links.items())


def _places(territory: Territory) -> str:
    """The places of an offer and what is checked of them."""
    if territory.regions is None:
        return "worldwide"
    return f"{', '.join(sorted(territory.regions))} (of the {territory.basis}; {territory.basis.sentence})"
