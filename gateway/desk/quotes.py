"""Quotes over HTTP: one page by GET, up to a thousand by POST, a line of JSON for each.

=================================== ========================================
``GET /.licet/quote?url=``          one quote, in full
``GET /.licet/quote?bundle=``       that of a bundle, by its name
``POST /.licet/quote``              a JSON list of URLs; JSON Lines back
``/.licet/licenses/quote``          the same
=================================== ========================================

Query, for both: ``crawler`` (a name of the catalog or a product token), ``use``
(may repeat), ``rendition``, ``country``. A URL that cannot be quoted is an error
in its own line and spoils no other. Nothing is reserved by a quote; whoever
buys by its ``terms`` hash never pays another price, because other terms are
refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Final

import orjson
from aiohttp import web

from gateway.clock import Clock
from gateway.desk.bundle_quotes import bundle_quote
from gateway.desk.call import About, Call, Group, Route
from gateway.desk.license_page import moment
from gateway.desk.metadata import PREFIX, issuer_of, money_document
from gateway.desk.pacing import Limits, network, own_limit
from gateway.desk.quoting import Question, Quote, quote
from gateway.desk.reading import JSON, read_body
from gateway.desk.replies import json_reply, streamed_reply
from gateway.desk.versions import TermsInForce
from gateway.desk.wishes import read_place
from gateway.licenses.pricing import due_at_signing
from gateway.policy.rules import Mode
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import Offer
from gateway.terms.payment_required import offer_body
from gateway.terms.unit import age_body, ages_body, tiers_body, unit_body
from gateway.tokens.claims import DETAIL_TYPE
from gateway.uses import Use, covers, parse_use
from gateway.visitors.visitor import Crawler

MOST_URLS: Final = 1000
LARGEST_LIST: Final = 1024 * 1024
JSON_LINES: Final = "application/jsonl"
_LONGEST: Final = 128
_PARAMETERS: Final = frozenset({"url", "bundle", "crawler", "use", "rendition", "country"})
#: Lines that are made in one turn. One list has its turn at a time, and everything else the process does comes
#: between, however many lists are asked for.
_TURN: Final = 50
_HOLDS: Final = (
    "Nothing is reserved. The price holds while this version of the terms is in force; a purchase that names "
    "the terms hash is refused where the terms have changed, and never costs another price."
)
_ASKS: Final[dict[str, dict[str, object]]] = {
    "crawler": {"type": "string", "maxLength": _LONGEST},
    "use": {"type": "array", "items": {"enum": sorted(Use)}},
    "rendition": {"type": "string", "maxLength": _LONGEST},
    "country": {"type": "string", "pattern": "^[A-Za-z]{2}$"},
}
_ABOUT: Final = {
    "GET": About(
        "What one page costs a crawler, and why; or what a bundle costs.",
        asks={"url": {"type": "string"}, "bundle": {"type": "string"}, **_ASKS},
        gives={JSON: {"type": "object", "required": ["outcome", "version", "quoted_at"]}},
    ),
    "POST": About(
        f"What up to {MOST_URLS} pages cost, a line of JSON for each in their order.",
        takes={JSON: {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_URLS}},
        asks=_ASKS,
        gives={JSON_LINES: {}},
    ),
}


class QuoteDesk:
    """Answers what pages cost."""

    def __init__(
        self,
        in_force: TermsInForce,
        crawler: Callable[[str], Crawler | None],
        clock: Clock,
        limits: Limits = own_limit,
    ) -> None:
        """Quote the terms of *in_force* to crawlers that *crawler* knows by name, at the pace of *limits*."""
        self._in_force = in_force
        self._crawler = crawler
        self._clock = clock
        self._singles, self._lists = limits("quotes", 20, 100), limits("lists of quotes", 1, 10)
        self._turn = asyncio.Lock()

    def group(self) -> Group:
        """Its addresses."""
        route = Route(("GET", "HEAD", "POST", "OPTIONS"), self._quote, about=_ABOUT)
        return {f"{PREFIX}/quote": route, f"{PREFIX}/licenses/quote": route}

    async def _quote(self, call: Call) -> web.StreamResponse | Refusal:
        several = call.request.method == "POST"
        pace = self._lists if several else self._singles
        wait = pace.wait(_asker(call.address), self._clock.now_us())
        if wait:
            return Refusal(
                Problem.TOO_FAST, "Quotes are asked for too fast from this address.", retry_after=wait
            )
        found = await self._in_force.of(call.policy)
        if found is None:
            return Refusal(Problem.NOT_FOUND, "This site publishes no terms at the moment.")
        asked = self._asked(call, several)
        if isinstance(asked, Refusal):
            return asked
        url, question = asked
        version = found[0].name
        if "bundle" in call.request.query:
            told = bundle_quote(call.policy, url, call.origin, version)
            return told if isinstance(told, Refusal) else json_reply({**told, **self._moment()})
        if several:
            return await self._several(call, question, version)
        one = self._one(call, url, question)
        if isinstance(one, Refusal):
            return one
        return json_reply(self._whole(call, url, one, version))

    def _asked(self, call: Call, several: bool) -> tuple[str, Question] | Refusal:
        """The URL and what the query says besides, the path still open; refused where it is not understood."""
        query = call.request.query
        unknown = [name for name in query if name not in _PARAMETERS]
        if unknown:
            return _unread(f"there is no parameter {unknown[0][:40]!r}")
        doubled = [
            name
            for name in ("url", "bundle", "crawler", "rendition", "country")
            if len(query.getall(name, [])) > 1
        ]
        if doubled:
            return _unread(f"{doubled[0]} stands there twice")
        if "bundle" in query:
            alone = not several and set(query) == {"bundle"}
            return (
                (query["bundle"][:_LONGEST], Question("", None, None, "", ""))
                if alone
                else _unread("bundle stands alone")
            )
        if several is ("url" in query):
            return _unread("the URLs stand in the body" if several else "url is missing")
        name, rendition, country = (query.get(each, "") for each in ("crawler", "rendition", "country"))
        if max(map(len, (name, rendition, country))) > _LONGEST:
            return _unread(f"a value is longer than {_LONGEST} characters")
        if country and not (len(country) == 2 and country.isascii() and country.isalpha()):
            return _unread("country is not two letters")
        uses = [parse_use(each) for each in query.getall("use", [])]
        if None in uses:
            return _unread(f"a use is one of {', '.join(Use)}")
        named = frozenset(use for use in uses if use is not None) or None
        question = Question("", self._crawler(name) if name else None, named, rendition, country.upper())
        return query.get("url", ""), question

    def _one(self, call: Call, url: str, question: Question) -> Quote | Refusal:
        place = read_place(url, call.origin)
        if place is None or "*" in place.pattern:
            return Refusal(
                Problem.TARGET_INVALID, f"That is no URL or path of {call.origin}, in its plain form."
            )
        work = call.policy.work_of(place.pattern)
        forms = ["page", *(each.name for each in work.renditions)] if work else []
        if question.rendition and question.rendition not in forms:
            return Refusal(
                Problem.TARGET_INVALID,
                f"There is no form of that name here; there {'are ' + ', '.join(forms) if forms else 'is no work'}.",
            )
        return quote(call.policy, replace(question, path=place.pattern), self._clock.now_us())

    def _moment(self) -> dict[str, object]:
        return {"quoted_at": moment(self._clock.now_us() // 1_000_000), "holds": _HOLDS}

    async def _several(self, call: Call, question: Question, version: str) -> web.StreamResponse | Refusal:
        body = await read_body(call.request, (JSON,), largest=LARGEST_LIST)
        urls = body if isinstance(body, Refusal) else _urls(body)
        if isinstance(urls, Refusal):
            return urls
        return await streamed_reply(call.request, JSON_LINES, self._lines(call, urls, question, version))

    async def _lines(
        self, call: Call, urls: list[str], question: Question, version: str
    ) -> AsyncIterator[bytes]:
        for start in range(0, len(urls), _TURN):
            async with self._turn:
                lines = [self._line(call, url, question, version) for url in urls[start : start + _TURN]]
                await asyncio.sleep(0)
            yield b"".join(lines)

    def _line(self, call: Call, url: str, question: Question, version: str) -> bytes:
        one = self._one(call, url, question)
        return (
            orjson.dumps(_error(url, one) if isinstance(one, Refusal) else _short(url, one, version)) + b"\n"
        )

    def _whole(self, call: Call, url: str, one: Quote, version: str) -> dict[str, object]:
        mode, chosen, crawler, ruling = call.policy.site.mode, one.chosen, one.question.crawler, one.ruling
        issuer = issuer_of(call.origin)
        return {
            **_short(url, one, version),
            "site": call.origin,
            "path": one.question.path,
            "crawler": crawler.name if crawler else None,
            "assumes": _assumed(one, named_by_origin=call.policy.payments.origin_prices),
            "resolution": list(one.steps),
            "mode": str(mode),
            "binds": mode is Mode.ENFORCE,
            "offers": [{**offer_body(each), "covers": covers(each.uses, one.uses)} for each in one.offers],
            "unit": unit_body(chosen.terms.compensation, ruling.stream) if chosen else None,
            "tiers": tiers_body(chosen.terms.compensation) if chosen else [],
            "by_age": ages_body(chosen.terms.compensation) if chosen else [],
            "published_at": moment(ruling.published_at) if ruling.published_at is not None else None,
            "version_url": f"{issuer}/terms/{version}",
            "policy": one.ruling.policy,
            **({"consent": call.policy.consent} if call.policy.consent else {}),
            **self._moment(),
            "buy": _bought(one, chosen, issuer) if chosen and one.outcome == "license" else None,
        }


def _short(url: str, one: Quote, version: str) -> dict[str, object]:
    chosen = one.chosen
    told: dict[str, object] = {
        "url": url,
        "outcome": one.outcome,
        "rule": one.ruling.rule,
        "why": one.ruling.why,
        "work": one.ruling.work,
        "rendition": one.rendition,
        "uses": sorted(one.uses),
        "version": version,
    }
    if chosen is not None:
        told["price"] = {
            **money_document(chosen.price),
            "per": "fetch",
            "offer": chosen.id,
            **age_body(chosen),
        }
        told["due_at_signing"] = money_document(due_at_signing(chosen.terms))
        told["terms"] = chosen.terms.hash
        told["window_hours"] = chosen.terms.compensation.window_hours
    return told


def _bought(one: Quote, chosen: Offer, issuer: str) -> dict[str, object]:
    """What to send to the token endpoint to get the quoted offer on the quoted terms, or nothing."""
    crawler = one.question.crawler
    wish = {
        "type": DETAIL_TYPE,
        "offer": chosen.id,
        "terms": chosen.terms.hash,
        **({"crawlers": [crawler.name]} if crawler else {}),
    }
    return {"token_endpoint": f"{issuer}/token", "authorization_details": [wish]}


def _assumed(one: Quote, *, named_by_origin: bool) -> list[str]:
    crawler, country = one.question.crawler, one.question.country
    found = [f"it asks from {country}" if country else "the country it asks from is not looked at or unknown"]
    if crawler is None:
        found.append("it has no name that is known here")
    elif crawler.verifiable:
        found.append(f"it proves to be {crawler.name}")
    if one.chosen is not None and one.chosen.terms.compensation.by_age and one.ruling.dated_by:
        found.append(
            f"the site's own server does not tell an older date in {one.ruling.dated_by}; then a fetch costs less"
        )
    if named_by_origin and one.chosen is not None:
        found.append(
            "it has a license: a fetch that pays for itself costs what the site's own server names for the page, "
            "and never more than the crawler allows"
        )
    return found


def _asker(address: str) -> str:
    """Who is paced: one address, so that nobody waits for a neighbour; of IPv6 what one host is given whole."""
    return network(address) if ":" in address else address


def _urls(body: bytes) -> list[str] | Refusal:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _unread("the body is not JSON in UTF-8")
    if not isinstance(found, list) or not all(isinstance(url, str) for url in found):
        return _unread("the body is not a list of URLs")
    if not 1 <= len(found) <= MOST_URLS:
        return _unread(f"the list does not hold 1 to {MOST_URLS} URLs")
    return found


def _error(url: str, refusal: Refusal) -> dict[str, object]:
    return {"url": url[:_LONGEST], "error": {"code": refusal.code, "detail": refusal.detail}}


def _unread(clause: str) -> Refusal:
    return Refusal(Problem.FORM_INVALID, f"Of what was asked, {clause}.")
