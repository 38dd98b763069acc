"""TollBit's Developer API v2, so that a crawler that speaks it buys here by changing its base URL.

==================================== =============================================
``GET  …/rates/HOST/PATH``           what a page costs, license by license
``POST …/rates/batch``               the same of up to a hundred pages
``POST …/tokens/content``            a token for a page, for at most so much
``POST …/tokens/crawl``              a token of a license that is held already
``GET  …/content/HOST/catalog/list`` pages that are works by themselves
``POST …/transactions/selfReport``   uses of what was fetched before, paid by the use
==================================== =============================================

All below ``/.licet/tollbit/dev/v2``; the base URL is ``https://SITE/.licet/tollbit``.
``TollbitKey`` is ``CLIENT_ID:CLIENT_SECRET`` of this desk. The page itself, at
``GET …/content/HOST/PATH``, is the gate's to give (`front.enveloped`), so that
a fetch here is admitted, charged and recorded as every other. To search many
sites, and to list them, is a marketplace's business and not a gate's.

A token is the desk's own: it opens the page by ``Authorization: License`` as
well. A self-report charges the price of a fetch for each use, from credit,
once an ``idempotencyId``; uses that a license has reported are handed in as it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeGuard

from aiohttp import web

from gateway.canonical import canonical_digest
from gateway.clock import Clock
from gateway.desk.call import WRITE, About, Call, Endpoint, Group, Route, read_at
from gateway.desk.clients import Clients, Known, may_buy
from gateway.desk.metadata import PREFIX, issuer_of, on_offer
from gateway.desk.once import Once
from gateway.desk.one_round import Asking
from gateway.desk.quoting import Question, quote
from gateway.desk.reading import JSON, read_body, read_json
from gateway.desk.replies import json_reply
from gateway.desk.selling import Buyer, Sales, Sold
from gateway.desk.tollbit_documents import (
    MOST_USAGES,
    Kind,
    Order,
    Usage,
    held_document,
    kind_of,
    offer_document,
    rate_document,
    read_order,
    read_report,
    receipt_document,
)
from gateway.desk.wishes import read_place
from gateway.licenses.license import License
from gateway.licenses.offers import Wanted
from gateway.licenses.pricing import by_the_fetch
from gateway.licenses.register import LicenseRegister
from gateway.money import Money
from gateway.paths import PathScope
from gateway.policy.rules import Policy
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import Offer
from gateway.uses import Use, Uses
from gateway.visitors.visitor import Crawler

ROOT: Final = f"{PREFIX}/tollbit/dev/v2"
KEY: Final = "TollbitKey"
_ANSWERS: Final[Uses] = frozenset({Use.AI_INPUT})
_OBJECT: Final = {JSON: {"type": "object"}}
_LIST: Final = {JSON: {"type": "array"}}
_HERE: Final = ("hostAndPath", {"type": "string"})


class TollbitDesk:
    """Answers those clients. One object a process, as the desk's *sales* are."""

    def __init__(
        self,
        clients: Clients,
        sales: Sales,
        register: LicenseRegister,
        once: Once | None,
        claimed: Callable[[str], Crawler | None],
        clock: Clock,
    ) -> None:
        """Sell by *sales* to *clients*; *claimed* knows by its User-Agent which crawler somebody says it is."""
        self._clients, self._sales, self._register, self._once = clients, sales, register, once
        self._claimed, self._clock = claimed, clock

    def group(self) -> Group:
        """Its addresses."""
        token = {JSON: {"type": "object", "required": ["token"]}}
        return {
            f"{ROOT}/rates/*": read_at(
                self._rates, About("TollBit: what a page costs.", gives=_LIST, login=True, rest=_HERE)
            ),
            f"{ROOT}/rates/batch": _posted(
                self._batch, About("TollBit: what pages cost.", takes=_OBJECT, gives=_LIST, login=True)
            ),
            f"{ROOT}/tokens/content": _posted(
                self._token, About("TollBit: a token for a page.", takes=_OBJECT, gives=token, login=True)
            ),
            f"{ROOT}/tokens/crawl": _posted(
                self._crawl,
                About("TollBit: a token of a license that is held.", takes=_OBJECT, gives=token, login=True),
            ),
            f"{ROOT}/content/*/catalog/list": read_at(
                self._catalog,
                About(
                    "TollBit: pages of the site.",
                    gives=_OBJECT,
                    login=True,
                    rest=("host", {"type": "string"}),
                ),
            ),
            f"{ROOT}/transactions/selfReport": _posted(
                self._reported,
                About("TollBit: uses of what was fetched before.", takes=_OBJECT, gives=_OBJECT, login=True),
            ),
        }

    async def _rates(self, call: Call) -> web.Response | Refusal:
        known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        path = _path(call, f"//{call.rest}")
        if isinstance(path, Refusal):
            return path
        listed = call.request.query.getall("customLicenseId", [])[:MOST_USAGES]
        return json_reply(await self._rates_of(call, known, path, listed))

    async def _batch(self, call: Call) -> web.Response | Refusal:
        came = await self._came(call)
        if isinstance(came, Refusal):
            return came
        known, body = came
        urls, custom = body.get("urls"), body.get("customLicenseIds") or []
        if not _texts(urls) or not 1 <= len(urls) <= MOST_USAGES or not _texts(custom):
            return Refusal(
                Problem.FORM_INVALID,
                f"urls is a list of 1 to {MOST_USAGES} URLs, customLicenseIds one of ids.",
            )
        found = list[dict[str, object]]()
        for url in urls:
            path = _path(call, url)
            rates = [] if isinstance(path, Refusal) else await self._rates_of(call, known, path, custom)
            found.append({"url": url, "rates": [_in_batch(each) for each in rates]})
        return json_reply(found)

    async def _token(self, call: Call) -> web.Response | Refusal:
        came = await self._came(call)
        if isinstance(came, Refusal):
            return came
        known, body = came
        order = read_order(body)
        if isinstance(order, Refusal):
            return order
        barred = may_buy(known)
        if barred is not None:
            return barred
        path = _path(call, order.url)
        if isinstance(path, Refusal):
            return path
        sold = await self._sold(call, known, order, path)
        return sold if isinstance(sold, Refusal) else json_reply({"token": sold.token})

    async def _sold(self, call: Call, known: Known, order: Order, path: str) -> Sold | Refusal:
        if order.kind is Kind.CUSTOM:
            held = await self._held(known, call.policy, path, order.license)
            if held is None:
                return Refusal(
                    Problem.DETAILS_INVALID, "licenseCuid names no live license of yours for this page."
                )
            dear = _dearer(held.terms.compensation.fetch_price, order.most)
            return dear or await self._sales.sell(_of(held, path), _buyer(call, known))
        offer = self._on_demand(call, path, order.agent, order.kind)
        if isinstance(offer, Refusal):
            return offer
        return _dearer(offer.price, order.most) or await self._bought(call, known, offer, order.agent, path)

    async def _bought(self, call: Call, known: Known, offer: Offer, agent: str, path: str) -> Sold | Refusal:
        crawler = self._claimed(agent)
        wanted = Wanted(
            targets=(PathScope(path),),
            uses=_ANSWERS | (crawler.uses if crawler else frozenset()),
            offer=offer.id,
            terms=offer.terms.hash,
        )
        return await self._sales.sell(wanted, _buyer(call, known))

    async def _crawl(self, call: Call) -> web.Response | Refusal:
        came = await self._came(call)
        if isinstance(came, Refusal):
            return came
        known, body = came
        url = body.get("url")
        path = _path(call, url) if isinstance(url, str) else Refusal(Problem.FORM_INVALID, "url is missing.")
        if isinstance(path, Refusal):
            return path
        held = await self._held(known, call.policy, path)
        if held is None:
            return Refusal(
                Problem.LICENSE_REQUIRED,
                "Crawling asks for a license that is held, and none of yours covers this page.",
            )
        sold = await self._sales.sell(_of(held, path), _buyer(call, known))
        return sold if isinstance(sold, Refusal) else json_reply({"token": sold.token})

    async def _catalog(self, call: Call) -> web.Response | Refusal:
        known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        path = _path(call, f"//{call.rest}/")
        if isinstance(path, Refusal):
            return path
        site = call.policy.site.id
        pages = [{"propertyId": site, "pageUrl": call.origin + page} for page in _pages(call.policy)]
        return json_reply({"pages": pages})

    async def _reported(self, call: Call) -> web.Response | Refusal:
        came = await self._came(call)
        if isinstance(came, Refusal):
            return came
        known, body = came
        report = read_report(body)
        if isinstance(report, Refusal):
            return report
        barred = may_buy(known)
        if barred is not None:
            return barred
        # The body is canonical JSON's to judge, and what stands in it for others' eyes is no part of the uses.
        told = [[each.url, each.times, str(each.kind), each.license] for each in report.usages]
        digest = canonical_digest({"key": report.key, "of": known.licensee.id, "uses": told})
        mark = f"uses-{digest.rpartition(':')[2][:32]}"

        async def act() -> web.Response | Refusal:
            return await self._charged(call, known, report.usages, mark)

        if self._once is None:
            return await act()
        return await self._once.answer(call.request, known.client.id, {"uses": told}, act, report.key)

    async def _charged(
        self, call: Call, known: Known, usages: tuple[Usage, ...], mark: str
    ) -> web.Response | Refusal:
        """Charge every one of *usages*, or none; *mark* names the report."""
        used = list[tuple[Usage, License, Kind]]()
        for usage in usages:
            license = await self._license_for(call, known, usage)
            if isinstance(license, Refusal):
                return replace(license, detail=f"{usage.url}: {license.detail}")
            used.append((usage, license, usage.kind))
        totals = dict[str, tuple[License, Money]]()
        for usage, license, _ in used:
            price = license.terms.compensation.fetch_price
            before = totals.get(license.id, (license, Money(0, price.currency)))[1]
            totals[license.id] = (license, before + Money(price.micros * usage.times, price.currency))
        lacking = await self._sales.charge_uses(list(totals.values()), mark)
        if lacking is not None:
            return lacking
        page = issuer_of(call.origin) + "/"
        receipts = [
            receipt_document(
                usage,
                license.terms.compensation.fetch_price,
                {**held_document(license, page), "licenseType": str(kind)},
            )
            for usage, license, kind in used
        ]
        return json_reply({"receipts": receipts})

    async def _license_for(self, call: Call, known: Known, usage: Usage) -> License | Refusal:
        """The license under which *usage* is charged; one on demand is bought if it is not held."""
        path = _path(call, usage.url)
        if isinstance(path, Refusal):
            return path
        held = await self._held(known, call.policy, path, usage.license) if usage.license else None
        if usage.kind is not Kind.CUSTOM:
            agent = call.request.headers.get("User-Agent", "")
            offer = self._on_demand(call, path, agent, usage.kind)
            if isinstance(offer, Refusal):
                return offer
            sold = await self._bought(call, known, offer, agent, path)
            if isinstance(sold, Refusal):
                return sold
            held = await self._register.license(sold.claims.license)
        if held is None:
            return Refusal(Problem.DETAILS_INVALID, "licenseId names no live license of yours for this page.")
        if not by_the_fetch(held.terms):
            return Refusal(
                Problem.DETAILS_INVALID, "That license is not paid by the use; hand in its report."
            )
        return held

    async def _rates_of(
        self, call: Call, known: Known, path: str, custom: list[str]
    ) -> list[dict[str, object]]:
        page = issuer_of(call.origin) + "/"
        found = [
            rate_document(offer.price, offer_document(offer, kind, page))
            for offer, kind in self._sold_on_demand(call, path, call.request.headers.get("User-Agent", ""))
        ]
        for id in custom:
            held = await self._held(known, call.policy, path, id)
            if held is not None:
                found.append(rate_document(held.terms.compensation.fetch_price, held_document(held, page)))
        return found

    def _on_demand(self, call: Call, path: str, agent: str, kind: Kind) -> Offer | Refusal:
        """The offer on which *agent* is sold the page as *kind*; of several the cheapest by the fetch."""
        found = [offer for offer, sold in self._sold_on_demand(call, path, agent) if sold is kind]
        if not found:
            return Refusal(
                Problem.DETAILS_INVALID, f"This page is not sold to this crawler as {kind}; see its rates."
            )
        return min(found, key=lambda offer: offer.price.micros)

    def _sold_on_demand(self, call: Call, path: str, agent: str) -> Iterator[tuple[Offer, Kind]]:
        question = Question(path, self._claimed(agent), _ANSWERS)
        answer = quote(call.policy, question, self._clock.now_us())
        now_on_offer = {offer.id for offer in on_offer(call.policy)}
        for offer in answer.offers:
            kind = kind_of(offer)
            if kind and offer.id in now_on_offer and answer.uses <= offer.uses:
                yield offer, kind

    async def _held(self, known: Known, policy: Policy, path: str, id: str = "") -> License | None:
        """The live license of the caller for *path*, of that *id* if one is told."""
        revoked = (await self._register.revocations()).licenses
        now = self._clock.now_us() // 1_000_000
        for each in await self._register.licenses_of(known.licensee.id):
            fits = each.site == policy.site.id and each.live_at(now) and each.id not in revoked
            if fits and id in {"", each.id} and each.terms.scope.covers(path):
                return each
        return None

    async def _known(self, call: Call) -> Known | Refusal:
        return await self._clients.by_key(call.request.headers.getall(KEY, []), call.address)

    async def _came(self, call: Call) -> tuple[Known, Mapping[str, object]] | Refusal:
        known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        octets = await read_body(call.request, (JSON,))
        body = octets if isinstance(octets, Refusal) else read_json(octets, Problem.FORM_INVALID)
        return body if isinstance(body, Refusal) else (known, body)


def _posted(act: Endpoint, about: About) -> Route:
    return Route(WRITE, act, about={"POST": about})


def _buyer(call: Call, known: Known) -> Buyer:
    asking = Asking(known, call.address)
    return Buyer(known.client.id, known.licensee.id, call.policy, call.origin, asking=asking)


def _of(held: License, path: str) -> Wanted:
    return Wanted(targets=(PathScope(path),), license=held.id)


def _dearer(price: Money, most: Money) -> Refusal | None:
    if price.currency == most.currency and price.micros <= most.micros:
        return None
    return Refusal(
        Problem.MAX_PRICE_TOO_LOW,
        f"A fetch costs {price}, and at most {most} was to be paid.",
        facts=(("price", str(price)), ("most", str(most))),
    )


def _path(call: Call, url: str) -> str | Refusal:
    """The canonical path of *url*, whose scheme may be left out, on this site."""
    if "://" not in url:
        url = f"{call.origin.partition('://')[0]}://{url.removeprefix('//')}"
    place = read_place(url, call.origin)
    if place is None or "*" in place.pattern:
        return Refusal(Problem.TARGET_INVALID, f"That is no URL of {call.origin}, in its plain form.")
    return place.pattern


def _pages(policy: Policy) -> list[str]:
    """The paths that are single pages of works; a pattern is no page."""
    patterns = {scope.pattern for work in policy.works for scope in work.paths}
    return sorted(each for each in patterns if "*" not in each and not each.endswith("/"))


def _texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _in_batch(rate: Mapping[str, object]) -> dict[str, object]:
    license = rate["license"]
    assert isinstance(license, dict)
    told = {("cuid" if name == "id" else name): value for name, value in license.items()}
    return {"price": rate["price"], "license": {**told, "validUntil": ""}, "error": ""}
