"""The desk's two pages for people: how to buy here, and what a refusal means."""

from __future__ import annotations

from html import escape

from aiohttp import web

from gateway.desk.metadata import how_to_buy, issuer_of, on_offer
from gateway.desk.problem_members import members_of
from gateway.desk.replies import page
from gateway.licenses.pricing import due_at_signing
from gateway.paper import table
from gateway.policy.rules import Policy
from gateway.problems import Problem
from gateway.terms.license_terms import Offer, Territory


def index_page(policy: Policy, origin: str) -> web.Response:
    """Tell a crawler's team what is on offer and how to buy it in three lines of a shell."""
    site = policy.site
    offers = on_offer(policy)
    lines = "\n".join(how_to_buy(policy, origin))
    contact = f"<p>Questions: {escape(site.contact)}</p>\n" if site.contact else ""
    body = (
        f"<p>{escape(origin)} sells licenses to AI crawlers, by machine. Reading as a person needs none.</p>\n"
        f"<h2>What is on offer</h2>\n{_offers(offers)}"
        "<p><a href='/.licet/terms/'>The license terms in full</a>, with every earlier version.</p>\n"
        "<p>People negotiate <a href='/.licet/negotiate'>in a browser</a>, without an account.</p>\n"
        f"<h2>How to buy</h2>\n<pre><code>{escape(lines)}</code></pre>\n"
        "<p>A new client waits until the owner approves or funds it. A token covers what it names: "
        "<code>authorization_details</code> asks for less than an offer, never for more.</p>\n"
        f"{contact}<h2>For programs</h2>\n{_links(origin)}"
    )
    return page(f"Licenses of {site.name or site.id}", body, max_age=300)


def problem_page(problem: Problem) -> web.Response:
    """Tell what one refusal means, what can be done about it, and what its body holds."""
    members = table("Members of the JSON body", ("Member", "Meaning"), members_of(problem).items())
    body = (
        f"<p>Status {problem.status}, code <code>{problem.code}</code>.</p>\n"
        f"<h2>What to do</h2>\n<p>{escape(problem.next_step)}</p>\n"
        f"<h2>What the answer holds</h2>\n"
        "<p>Programs get the facts as <code>application/problem+json</code> (RFC 9457). "
        f"A client ignores members that it does not know.</p>\n{members}"
        "<p><a href='/.licet/'>The license desk of this site</a></p>\n"
    )
    return page(problem.title, body, max_age=3600)


def _offers(offers: tuple[Offer, ...]) -> str:
    if not offers:
        return "<p>Nothing at the moment.</p>\n"
    columns = ("Offer", "Uses", "Where", "Territory", "Price", "Term")
    return table("Offers of this site", columns, map(_row, offers))


def _row(offer: Offer) -> tuple[str, ...]:
    terms = offer.terms
    due = due_at_signing(terms)
    price = f"{offer.price} a fetch" if offer.price else "nothing a fetch"
    price += f", {due} at signing" if due else ""
    share = terms.compensation.revenue_share_bp
    price += f", {share / 100:g} % of revenue" if share else ""
    return (
        offer.id,
        ", ".join(sorted(offer.uses)),
        ", ".join(scope.pattern for scope in terms.scope.paths),
        _places(terms.territory),
        price,
        "1 month" if terms.term.months == 1 else f"{terms.term.months} months",
    )


def _links(origin: str) -> str:
    issuer = issuer_of(origin)
    links = {
        "Offers": f"{issuer}/offers",
        "Catalogue": f"{issuer}/catalogue",
        "License terms as RSL": f"{origin}/license.xml",
        "Key set": f"{issuer}/jwks.json",
        "Your account": f"{issuer}/account",
    }
    items = "".join(f'<li><a href="{escape(url)}">{escape(name)}</a></li>\n' for name, url in links.items())
    return f"<ul>\n{items}<li><code>{escape(issuer)}/quote?url=URL</code>: what one address costs, and why</li>\n</ul>\n"


def _places(territory: Territory) -> str:
    """The places of an offer and what is checked of them."""
    if territory.regions is None:
        return "worldwide"
    return f"{', '.join(sorted(territory.regions))} (of the {territory.basis}; {territory.basis.sentence})"
