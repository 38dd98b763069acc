"""What every published format says of one page to one visitor: what ``licet terms show`` prints and the page of that name shows.

It is what the gateway would send, made from the policy alone: nothing is
fetched, and what the site's own server says of itself is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from gateway.ask import Ask
    from gateway.evidence import Evidence
    from gateway.policy.rules import Policy, Ruling
    from gateway.rails.rail import Rail
    from gateway.terms.license_terms import Offer, PublishedTerms
    from gateway.visitors.visitor import Visitor

_INDENT: Final = " " * 16


@dataclass(frozen=True, slots=True)
class AskedPage:
    """One page as one visitor asks for it, and everything that is said about it."""

    policy: Policy
    terms: PublishedTerms
    visitor: Visitor
    ask: Ask
    ruling: Ruling
    token: str

    @property
    def offers(self) -> list[Offer]:
        """The offers that are published for it."""
        from gateway.terms.odrl import offered, offered_scope

        return [each for each in offered(self.terms) if offered_scope(self.terms, each).covers(self.ask.path)]


def asked_page(
    policy: Policy, visitor: Visitor, name: str, target: str, country: str, *, url: str = "", at_us: int
) -> AskedPage:
    """*target* of the site of *policy* as *visitor*, who calls itself *name*, asks for it at *at_us*.

    *url* names the address at which the terms are told, where the policy has none; *country* is a code or "".
    """
    from dataclasses import replace

    from gateway.policy.imagined import imagined_ask
    from gateway.policy.ruling import rule
    from gateway.visitors.catalog import Catalog
    from gateway.visitors.visitor import Identity

    if visitor.crawler is not None and not visitor.crawler.verifiable:
        visitor = replace(visitor, identity=Identity.CLAIMED)
    terms = published(policy, url)
    path, _, query = target.partition("?")
    asked = imagined_ask(policy, path, query, name, country, at_us=at_us)
    ask = replace(asked, origin=terms.origin)
    catalog = Catalog.shipped()
    entry = catalog.by_name(name) or catalog.match(name)
    tokens = entry.tokens if entry else ()
    ruling = rule(policy, visitor, ask, visitor.uses)
    return AskedPage(policy, terms, visitor, ask, ruling, tokens[0] if tokens else "*")


def exported(format_: str, terms: PublishedTerms, offers: list[Offer]) -> object:
    """*offers* of *terms* as JSON of one of the formats odrl, tdm, comp, croissant and page."""
    import time

    from gateway.terms.comp import comp_package
    from gateway.terms.croissant import croissant
    from gateway.terms.odrl import odrl_offer
    from gateway.terms.schema_org import license_page_jsonld
    from gateway.terms.tdm_policy import tdm_policy

    if format_ == "odrl":
        return [odrl_offer(terms, each) for each in offers]
    if format_ == "tdm":
        return tdm_policy(terms)
    if format_ == "comp":
        return [comp_package(terms, each) for each in offers]
    if format_ == "croissant":
        return croissant(terms, published=time.strftime("%Y-%m-%d", time.gmtime()), offers=offers)
    return license_page_jsonld(terms)


def published(policy: Policy, url: str) -> PublishedTerms:
    """The terms at the address in *url*, else at the site's public one."""
    from urllib.parse import urlsplit

    from gateway.app.publisher import Publisher
    from gateway.visitors.catalog import Catalog

    site = policy.site
    named = [host for host in site.hosts if "*" not in host]
    origin = site.public or (f"https://{named[0]}" if named else "https://localhost")
    if "://" in url and not site.public:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
    return Publisher(Catalog.shipped())(policy, origin)


def told_of(page: AskedPage) -> dict[str, Any]:
    """What each format says of *page*, as JSON holds it."""
    from gateway.policy.explain import explanation
    from gateway.terms.answer_fields import answer_fields

    fields = answer_fields(page.terms, page.ask.path).octets().decode().split("\r\n")
    return {
        "url": page.terms.origin + page.ask.target,
        "ruling": explanation(page.ruling, page.visitor, page.ask, page.visitor.uses, page.policy).as_json(),
        "robots.txt": _robots(page),
        "answer": [line for line in fields if line],
        "tdmrep.json": _tdmrep(page),
        "license.xml": _rsl(page),
        "offers": [_offer(page, each) for each in page.offers],
        "refusal": _refusal(page),
    }


def _robots(page: AskedPage) -> dict[str, object]:
    from gateway.terms.robots_txt import merge_robots, parse_robots

    robots = parse_robots(merge_robots(None, page.terms))
    own = robots.group_of(page.token)
    group = own or robots.group_of("*")
    lines = [f"License: {value}" for name, value in robots.fields if name.lower() == "license"]
    if group is not None:
        lines.append(f"User-agent: {page.token if own else '*'}")
        lines += [f"{name}: {value}" for name, value in group.fields]
        lines += [f"{'Allow' if rule.allow else 'Disallow'}: {rule.pattern}" for rule in group.rules]
    return {"allowed": robots.allows(page.token, page.ask.target), "lines": lines}


def _tdmrep(page: AskedPage) -> dict[str, object] | None:
    from gateway.terms import tdmrep
    from gateway.terms.robots_pattern import encoded

    rule = tdmrep.at(tdmrep.rules_of(page.terms), encoded(page.ask.target))
    if not page.terms.publishing.tdmrep or rule is None:
        return None
    return {
        "location": rule.location,
        "tdm-reservation": int(rule.reserved),
        **({"tdm-policy": rule.policy} if rule.policy else {}),
    }


def _rsl(page: AskedPage) -> list[dict[str, object]]:
    """What license.xml licenses for each use at the page, as careful readers evaluate it."""
    from gateway.terms.rsl import parse_rsl, render_rsl
    from gateway.terms.rsl_evaluation import evaluate
    from gateway.terms.rsl_license import WORDED

    document = parse_rsl(render_rsl(page.terms), origin=page.terms.origin)
    country = page.ask.country
    found = {use: evaluate([document], page.ask.target, use, country=country) for use in sorted(WORDED)}
    return [
        {
            "use": use,
            "why": said.why,
            "servers": list(said.servers),
            "licenses": [
                {
                    "payment": license.payment,
                    "amount": str(license.amount) if license.amount else None,
                    "offer": license.offer or None,
                    "territory": license.territory.as_json(),
                }
                for license in said.licenses
            ],
        }
        for use, said in found.items()
    ]


def _offer(page: AskedPage, offer: Offer) -> dict[str, object]:
    from gateway.terms.odrl import offer_url
    from gateway.terms.schema_org import price_parts, revenue_share
    from gateway.terms.unit import ages_body

    return {
        "offer": offer.id,
        "uses": sorted(offer.uses),
        "price": [f"{money} per {unit}" for unit, money in price_parts(offer) if money]
        + [*revenue_share(offer)],
        "by_age": ages_body(offer.terms.compensation),
        "odrl": offer_url(page.terms, offer),
        "terms": offer.terms.hash,
    }


def _refusal(page: AskedPage) -> dict[str, object] | None:
    """What is answered instead of the page where it is refused or has a price, or None where it is served."""
    import json
    from dataclasses import replace

    from gateway.admission.admit import admit
    from gateway.front.answer import Judged
    from gateway.front.responses import refused
    from gateway.policy.rules import Mode
    from gateway.problems import Refusal

    judged = replace(page.ruling, mode=Mode.ENFORCE)
    verdict = admit(judged, page.visitor, page.ask, None)
    if not isinstance(verdict, Refusal):
        return None
    answer = refused(
        verdict, page.ask, Judged(page.policy, page.visitor, judged, verdict), page.terms, _rails()
    )
    assert answer.whole is not None
    lines = answer.head.decode("latin-1").split("\r\n")[1:]
    return {
        "status": answer.status,
        "headers": lines or [f"{name}: {value}" for name, value in answer.headers],
        "body": json.loads(answer.whole),
    }


def _rails() -> tuple[Rail, ...]:
    """The rails of a gateway, to be asked for their challenges, which rest on the policy alone."""
    from typing import cast

    from gateway.clock import SystemClock
    from gateway.rails.known_accounts import KnownAccounts
    from gateway.rails.price_headers import PriceHeaders
    from gateway.rails.signed_payers import SignedPayers
    from gateway.rails.x402_credit import CreditByX402
    from gateway.rails.x402_rail import X402, Settler

    async def nobody(_agent: str) -> None:
        return None

    def unsigned(_ask: Ask, _evidence: Evidence) -> None:
        return None

    known = KnownAccounts(nobody, SystemClock())
    return (
        PriceHeaders(unsigned, known),
        X402(cast("Settler", None), CreditByX402(SignedPayers(unsigned, known))),
    )


def documents(page: AskedPage) -> dict[str, object]:
    """Every document whole, by its path or name."""
    import json

    from gateway.front.notices import lastmod_of
    from gateway.terms import llms_txt, tdmrep, trust_txt
    from gateway.terms.robots_txt import merge_robots
    from gateway.terms.rsl import render_rsl

    terms, offers = page.terms, page.offers
    return {
        "/robots.txt": merge_robots(None, terms).decode(),
        "/license.xml": render_rsl(terms, lastmod=lastmod_of(page.policy)).decode(),
        tdmrep.PATH: json.loads(tdmrep.render(tdmrep.rules_of(terms))),
        tdmrep.POLICY_PATH: exported("tdm", terms, offers),
        "ODRL": exported("odrl", terms, offers),
        "CoMP": exported("comp", terms, offers),
        "Croissant": exported("croissant", terms, offers) if offers else None,
        "license page": exported("page", terms, offers),
        trust_txt.PATH: trust_txt.merged(None, terms).decode() if terms.publishing.trust_txt else None,
        llms_txt.PATH: llms_txt.section(terms) if terms.publishing.llms_txt else None,
    }


def lines(told: dict[str, Any]) -> Iterator[str]:
    """The same for a reader."""
    import json

    ruling = told["ruling"]
    yield f"{told['url']}, asked for by {ruling['crawler'] or 'somebody without a known name'}"
    yield f"\nthe rules       {ruling['verdict']}: {ruling['why']}"
    robots = told["robots.txt"]
    yield f"\nrobots.txt      {'may be crawled' if robots['allowed'] else 'is closed'}"
    yield from (f"{_INDENT}{line}" for line in robots["lines"])
    yield "\nwith the page"
    yield from (f"{_INDENT}{line}" for line in told["answer"] or ["nothing"])
    yield f"\ntdmrep.json     {json.dumps(told['tdmrep.json']) if told['tdmrep.json'] else 'says nothing'}"
    yield "\nlicense.xml"
    yield from (f"{_INDENT}{_license(each)}" for each in told["license.xml"] or [])
    yield "\nfor sale" if told["offers"] else "\nfor sale        nothing"
    for each in told["offers"]:
        price = " + ".join(each["price"]) or "for nothing"
        yield f"{_INDENT}{each['offer']}: {', '.join(each['uses'])}, {price}"
        for step in each["by_age"]:
            money = f"{step['per_fetch']['amount']} {step['per_fetch']['currency']}"
            yield f"{_INDENT}{' ' * len(each['offer'])}  {money} per fetch of a page published {step['from_days']} days ago or earlier"
        yield f"{_INDENT}{' ' * len(each['offer'])}  {each['odrl']}"
    refusal = told["refusal"]
    yield f"\nwithout token   {'is answered ' + str(refusal['status']) if refusal else 'is served'}"
    if refusal:
        yield from (f"{_INDENT}{line}" for line in refusal["headers"])
        yield f"{_INDENT}{refusal['body']['detail']}"
    for name, document in told.get("documents", {}).items():
        if document is not None:
            text = (
                document if isinstance(document, str) else json.dumps(document, ensure_ascii=False, indent=2)
            )
            yield f"\n---- {name}\n{text.rstrip()}"


def _license(each: dict[str, Any]) -> str:
    """One use of license.xml in words."""
    told = [
        f"{license['payment'] or 'no payment'}"
        + (f" {license['amount']}" if license["amount"] else "")
        + (f" (offer {license['offer']})" if license["offer"] else "")
        for license in each["licenses"]
    ]
    return f"{each['use']}: {', or '.join(told) or each['why'] or 'not licensed'}"


def previewed(policy: Policy, name: str, target: str, country: str, at_us: int) -> dict[str, Any] | str:
    """What is told of *target* to whoever calls itself *name*, with every document and ``lines`` for people; or what is wrong.

    See `dashboard.preview_pages.Previewer`.
    """
    from gateway.policy.imagined import imagined_visitor
    from gateway.terms.countries import meant, region
    from gateway.visitors.catalog import Catalog
    from gateway.visitors.visitor import Identity

    place = region(country) if country else ""
    if place is None or place == "EU":
        return f"A country is a code of two letters, such as {meant(country) or 'DE'}."
    if not target.isprintable() or " " in target:
        return "That is no path."
    visitor = imagined_visitor(Catalog.shipped(), name, Identity.VERIFIED)
    if visitor is None:
        return "No crawler of the catalog has that name; a whole User-Agent is taken too."
    page = asked_page(policy, visitor, name, target, place, at_us=at_us)
    told = told_of(page)
    return {
        **told,
        "lines": list(lines(told)),
        "page": f"{page.terms.desk_url}/terms/",
        "documents": documents(page),
    }
