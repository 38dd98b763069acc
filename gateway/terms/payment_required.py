"""What a refused crawler's program reads: problem details, challenges, the price header.

- the body is RFC 9457 (July 2023), with the price, every offer and how to buy as
  members of ours; all addresses are absolute;
- the challenges are ``License`` (RSL 1.0, section 6.3.4) and those of OAuth
  (`terms.token_challenges`), each its own header line, because weak parsers break
  a list of them in the wrong place;
- ``crawler-price`` is Cloudflare's pay per crawl (2026-06): ``USD 0.01``; each way
  to pay for one fetch (`gateway.rails`) says its own part beside the others.

Where money changes nothing (an owner's block, a forged identity) no price, no
offer and no seller is named. Pure; no text that a policy or a request holds
can break a header or the JSON.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

import orjson

from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import LicenseTerms, Offer, PublishedTerms
from gateway.terms.token_challenges import token_challenges
from gateway.terms.unit import age_body, ages_body, tiers_body
from gateway.uses import Uses

#: Where the refusals are described, below the origin.
PROBLEM_PATH: Final = "/.licet/problems"
RESOURCE_METADATA: Final = "/.well-known/oauth-protected-resource"
_LONGEST_URL: Final = 500
_NONE: Final[Mapping[str, object]] = MappingProxyType({})
#: What RFC 3986 lets stand in a path and query; all else is percent-encoded.
_URL_SAFE: Final = "/%?:@!$&'()*+,;=-._~[]"
#: What the members of a problem's body mean, as its type's page tells it: RFC 9457's, then ours, then the rails'.
MEMBERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "type": "The address of the page that describes this problem.",
        "title": "The rule that was applied; the same for every problem of this type.",
        "status": "The status code of the answer.",
        "detail": "The fact behind this very answer.",
        "instance": "The id of this very answer, which the record of it has too.",
        "code": "The last part of type, for programs.",
        "next_step": "What can be done about it.",
        "retry_after": "Whole seconds to wait before asking again; left out where waiting does not help.",
        "uses": "What the visitor is taken to do with content, in RSL's words.",
        "price": "What one fetch costs: amount as a decimal text, micros in millionths, currency, per "
        "(always fetch), the id of the offer, and from_days where it depends on how old the page is.",
        "offers": "Everything that can be bought for this page, each with its price, its limits and its terms hash.",
        "buy": "Where a license is bought: token_endpoint, license_document, license_page, resource_metadata, desk, "
        "negotiate (where another deal on an offer can be proposed by machine), "
        "quote (what this page costs and why), and curl, three commands that a shell runs as they stand.",
        "pay_per_crawl": "How to pay for this one fetch out of an account here: crawler_price, the header to send, "
        "and what the signature of the request (Web Bot Auth) covers.",
    }
)
#: No rail and no refusal puts anything in their place.
_MADE_HERE: Final = frozenset(MEMBERS) - {"pay_per_crawl"}


def money_body(money: Money) -> dict[str, object]:
    """An amount for programs: ``{"amount": "0.005", "micros": 5000, "currency": "USD"}``."""
    return {"amount": money.amount, "micros": money.micros, "currency": money.currency}


def crawler_price(money: Money) -> str:
    """The value of ``crawler-price``.

    >>> crawler_price(Money(10_000, "USD"))
    'USD 0.01'
    """
    return f"{money.currency} {money.amount}"


def sells(problem: Problem) -> bool:
    """Whether a token, bought or fetched anew, is a way past *problem*."""
    return (
        bool(problem.license_error)
        and problem.status in {401, 402, 403}
        and problem.crawler_error != "CrawlerForbidden"
    )


def problem_body(
    refusal: Refusal,
    *,
    type_base: str,
    offers: tuple[Offer, ...],
    uses: Uses,
    terms: PublishedTerms | None,
    request_url: str,
    quoted: Offer | None,
    instance: str = "",
    members: Mapping[str, object] = _NONE,
) -> dict[str, object]:
    """Return the problem as JSON holds it.

    Args:
        refusal: what is told; its `private` is not.
        type_base: where problem codes are described, without a trailing slash.
        offers: everything that could be bought for this request.
        uses: what the crawler is taken to do with content.
        terms: the site's published terms, or None where there is no site.
        request_url: the absolute URL that was asked for.
        quoted: the one of *offers* that the price names.
        instance: a URI of this very answer, or "".
        members: what each way to pay for one fetch adds, by a name of its own.
    """
    body: dict[str, object] = {
        "type": plain(f"{type_base}/{refusal.code}"),
        "title": refusal.problem.title,
        "status": refusal.status,
        "detail": plain(refusal.detail),
        "next_step": refusal.problem.next_step,
        "code": refusal.code,
    }
    if instance:
        body["instance"] = plain(instance)
    if refusal.retry_after > 0:
        body["retry_after"] = refusal.retry_after
    body.update({plain(name): plain(value) for name, value in refusal.facts if name not in _MADE_HERE})
    body.update({name: member for name, member in members.items() if name not in _MADE_HERE})
    if terms is None or not sells(refusal.problem):
        return body
    body["uses"] = sorted(uses)
    if quoted is not None:
        price = refusal.price or quoted.price
        body["price"] = {**money_body(price), "per": "fetch", "offer": plain(quoted.id), **age_body(quoted)}
    body["offers"] = [offer_body(offer) for offer in offers]
    body["buy"] = {
        "token_endpoint": plain(terms.token_url),
        "license_document": plain(terms.license_url),
        "license_page": plain(f"{terms.desk_url}/terms/"),
        "resource_metadata": plain(terms.origin + RESOURCE_METADATA),
        "desk": plain(f"{terms.desk_url}/"),
        "negotiate": plain(f"{terms.desk_url}/negotiations"),
        "quote": plain(_quote(terms, request_url)),
        "curl": list(_recipe(terms, request_url, quoted)),
    }
    return body


def offer_body(offer: Offer) -> dict[str, object]:
    """One offer as it is told to a refused crawler; the desk tells the terms to the last lever."""
    terms = offer.terms
    price = terms.compensation
    parts = {name: getattr(price, name) for name in type(price).__dataclass_fields__}
    return {
        "id": plain(offer.id),
        "tier": offer.tier,
        "uses": sorted(offer.uses),
        "price": {**money_body(offer.price), "per": "fetch", **age_body(offer)},
        "price_parts": {name: money_body(part) for name, part in parts.items() if isinstance(part, Money)},
        "tiers": tiers_body(price),
        "by_age": ages_body(price),
        "window_hours": price.window_hours,
        "revenue_share_bp": price.revenue_share_bp,
        "works": [plain(work) for work in terms.scope.works],
        "paths": [scope.pattern for scope in terms.scope.paths],
        "renditions": [plain(name) for name in terms.scope.renditions],
        "term_months": terms.term.months,
        "territory": terms.territory.as_json(),
        "territory_basis": str(terms.territory.basis),
        "duties": _duties(terms),
        "max_fetches": offer.max_fetches or None,
        **({"by_person": True} if offer.by_person else {}),
        "terms": terms.hash,
    }


def _duties(terms: LicenseTerms) -> dict[str, object]:
    """What a licensee owes besides money, without what nobody asks."""
    duties = {
        "attribution": plain(terms.attribution.text),
        "link": plain(terms.attribution.link),
        "model_card_days": terms.attribution.model_card_days,
        "report": "" if terms.audit.report == "none" else plain(terms.audit.report),
        "audits_per_year": terms.audit.audits_per_year,
        "retention_days": terms.retention.retention_days,
        "withdrawal_notice_days": terms.retention.withdrawal_notice_days,
        "remediation_plan_days": terms.retention.remediation_plan_days,
        "exclusive": terms.exclusivity.exclusive,
    }
    return {name: duty for name, duty in duties.items() if duty}


def _quote(terms: PublishedTerms, request_url: str) -> str:
    """Where the desk tells what that page costs and why; a price does not depend on the query."""
    asked = request_url if len(request_url) <= _LONGEST_URL else f"{terms.origin}/"
    return f"{terms.desk_url}/quote?url={quote(absolute(asked).partition('?')[0], safe='/:')}"


def _recipe(terms: PublishedTerms, request_url: str, quoted: Offer | None) -> tuple[str, str, str]:
    """Register, buy, fetch: three lines that a shell runs as they stand, once the names in capitals are known."""
    url = bounded(request_url, terms)
    wish = [{"type": "content_license", **({"offer": plain(quoted.id)} if quoted else {})}]
    resource = url.partition("?")[0]
    buy = [
        "curl", "-u", "CLIENT_ID:CLIENT_SECRET", absolute(terms.token_url), "-d", "grant_type=client_credentials",
        "--data-urlencode", f"resource={resource}",
        "--data-urlencode", f"authorization_details={orjson.dumps(wish).decode()}",
    ]  # fmt: skip
    return (
        shlex.join(
            ["curl", absolute(f"{terms.desk_url}/register"), "--json", '{"client_name": "YOUR CRAWLER"}']
        ),
        shlex.join(buy),
        shlex.join(["curl", "-H", "Authorization: License ACCESS_TOKEN", url]),
    )


def bounded(request_url: str, terms: PublishedTerms) -> str:
    """*request_url* as printable ASCII, or the site's first page where it is too long to be told again."""
    return absolute(request_url if len(request_url) <= _LONGEST_URL else f"{terms.origin}/")


def challenges(refusal: Refusal, terms: PublishedTerms | None, remedy: str = "") -> tuple[str, ...]:
    """The values of ``WWW-Authenticate``, one header line each; empty where no credential helps or is wanted.

    *remedy* is what `terms.remediation` made for this refusal.
    """
    problem = refusal.problem
    found = []
    if problem.license_error:
        said = f'License error="{problem.license_error}"'
        description = quotable(refusal.detail or problem.title)
        found.append(f'{said}, error_description="{description}"')
    if terms is not None and sells(problem):
        found += token_challenges(refusal, quotable(absolute(terms.origin + RESOURCE_METADATA)), remedy)
    if problem.status == 401 and not found:
        found.append('Basic realm="license desk"')
    return tuple(found)


def quotable(text: str) -> str:
    """*text* as it may stand in a quoted string: printable ASCII without quote and backslash (RFC 6750, 3)."""
    swapped = text.replace('"', "'").replace("\\", "/")
    return "".join(char if " " <= char <= "~" else "?" for char in swapped)[:300]


def absolute(url: str) -> str:
    """*url* as printable ASCII that no header, shell word or tag can be left with."""
    return quote(url.encode("utf-8", "surrogateescape" if _from_octets(url) else "replace"), safe=_URL_SAFE)


def _from_octets(text: str) -> bool:
    """Whether every lone surrogate in *text* stands for an octet that was not UTF-8."""
    return all("\udc80" <= char <= "\udcff" for char in text if "\ud800" <= char <= "\udfff")


def plain(text: str) -> str:
    """*text* as JSON can hold it: a lone surrogate from an odd octet is spelled out."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text  # as it is: a phrase stays one
