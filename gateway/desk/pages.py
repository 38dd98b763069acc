"""The desk's two pages for people: how to buy here, and what a refusal means."""

from __future__ import annotations

from html import escape

from aiohttp import web

from gateway.desk.metadata import how_to_buy, issuer_of, on_offer
from gateway.desk.problem_members import members_of
from gateway.desk.replies import page
from gateway.languages import tr, trn
from gateway.licenses.pricing import due_at_signing
from gateway.paper import Html, link, original, reached, table
from gateway.policy.rules import Policy
from gateway.problems import Problem
from gateway.terms.license_terms import Offer, Territory


def index_page(policy: Policy, origin: str) -> web.Response:
    """Tell a crawler's team what is on offer and how to buy it in three lines of a shell."""
    site = policy.site
    offers = on_offer(policy)
    lines = "\n".join(how_to_buy(policy, origin))
    contact = (
        f"<p>{tr('Questions: {contact}').format(contact=reached(site.contact))}</p>\n" if site.contact else ""
    )
    lead = tr("{origin} sells licenses to AI crawlers, by machine. Reading as a person needs none.")
    browser = f'<a href="/.licet/negotiate">{tr("in a browser")}</a>'
    detail = "<code>authorization_details</code>"
    body = (
        f"<p>{lead.format(origin=escape(origin))}</p>\n"
        f"<h2>{tr('What is on offer')}</h2>\n{_offers(offers)}"
        f"<p>{link('/.licet/terms/', tr('The license terms in full'))}{tr(', with every earlier version.')}</p>\n"
        f"<p>{tr('People negotiate {browser}, without an account.').format(browser=browser)}</p>\n"
        f"<h2>{tr('How to buy')}</h2>\n<pre><code>{escape(lines)}</code></pre>\n"
        f"<p>{tr('A new client waits until the owner approves or funds it. A token covers what it names: {detail} asks for less than an offer, never for more.').format(detail=detail)}</p>\n"
        f"{contact}<h2>{tr('For programs')}</h2>\n{_links(origin)}"
        f"<h2>{tr('For people')}</h2>\n{_for_people()}"
    )
    return page(tr("Licenses of {site}").format(site=site.name or site.id), body, max_age=300)


def _for_people() -> str:
    links = {
        "/.licet/person": tr("Were you taken for a machine?"),
        "/.licet/privacy": tr("What is recorded here"),
        "/.licet/objections": tr("Object to a page being licensed"),
        "/.licet/receipt": tr("Check a receipt"),
    }
    items = "".join(f"<li>{link(address, text)}</li>\n" for address, text in links.items())
    return f"<ul>\n{items}</ul>\n"


def problem_page(problem: Problem) -> web.Response:
    """Tell what one refusal means, what can be done about it, and what its body holds."""
    members = [
        (Html(f"<code>{escape(name)}</code>"), original(meaning))
        for name, meaning in members_of(problem).items()
    ]
    body = (
        f"<p>{tr('Status {status}, code {code}.').format(status=problem.status, code=f'<code>{problem.code}</code>')}</p>\n"
        f"<h2>{tr('What to do')}</h2>\n<p>{escape(tr(problem.next_step))}</p>\n"
        f"<h2>{tr('What the answer holds')}</h2>\n<p>{tr('Programs get the facts as {type} (RFC 9457). A client ignores members that it does not know.').format(type='<code>application/problem+json</code>')}</p>\n"
        f"{table(tr('Members of the JSON body'), (tr('Member'), tr('Meaning')), members)}"
        f"<p>{link('/.licet/problems', tr('Every refusal'))}, {link('/.licet/', tr('The license desk of this site'))}</p>\n"
    )
    return page(tr(problem.title), body, max_age=3600)


def _offers(offers: tuple[Offer, ...]) -> str:
    if not offers:
        return f"<p>{tr('Nothing at the moment.')}</p>\n"
    columns = (tr("Offer"), tr("Price"), tr("Uses"), tr("Where"), tr("Territory"), tr("Term"))
    return table(tr("Offers of this site"), columns, map(_row, offers), cards=True)


def _row(offer: Offer) -> tuple[str, ...]:
    terms = offer.terms
    due = due_at_signing(terms)
    price = tr("{money} a fetch").format(money=offer.price) if offer.price else tr("nothing a fetch")
    price += ", " + tr("{money} at signing").format(money=due) if due else ""
    upfront = terms.compensation.upfront
    waits = upfront - terms.compensation.at_signing if upfront else None
    price += ", " + tr("{money} by milestones").format(money=waits) if waits else ""
    share = terms.compensation.revenue_share_bp
    price += ", " + tr("{share} % of revenue").format(share=f"{share / 100:g}") if share else ""
    months = terms.term.months
    return (
        offer.id,
        price,
        ", ".join(sorted(offer.uses)),
        ", ".join(scope.pattern for scope in terms.scope.paths),
        _places(terms.territory),
        trn("{months} month", "{months} months", months).format(months=months),
    )


def _links(origin: str) -> str:
    issuer = issuer_of(origin)
    links = {
        tr("For developers: a token in 60 seconds"): f"{issuer}/developers",
        tr("Offers"): f"{issuer}/offers",
        tr("Catalogue"): f"{issuer}/catalogue",
        tr("The terms as RSL"): f"{origin}/license.xml",
        tr("Key set"): f"{issuer}/jwks.json",
        tr("Your account"): f"{issuer}/account",
    }
    items = "".join(f"<li>{link(url, name)}</li>\n" for name, url in links.items())
    quote = tr("what one address costs, and why")
    return f"<ul>\n{items}<li><code>{escape(issuer)}/quote?url=URL</code>: {quote}</li>\n</ul>\n"


def _places(territory: Territory) -> str:
    """The places of an offer and what is checked of them."""
    if territory.regions is None:
        return tr("worldwide")
    return tr("{places} (of the {basis}; {sentence})").format(
        places=", ".join(sorted(territory.regions)),
        basis=tr(territory.basis),
        sentence=tr(territory.basis.sentence),
    )
