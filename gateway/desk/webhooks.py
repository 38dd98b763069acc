"""Where licensees say whither events are sent, under ``/.licet/webhooks``.

A URL is told nothing but a signed ping before somebody who reads there sends its
challenge back, so nobody has us write to strangers. An endpoint hears of its own
licensee on its own site. Its secret is shown when it is made; what a receiver
answered is told as a status alone, so that no one learns from us what is where.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web

from gateway.clock import Clock
from gateway.desk.bargains import Place
from gateway.desk.call import READ, WRITE, About, Call, Group, Route
from gateway.desk.clients import Clients
from gateway.desk.metadata import PREFIX, issuer_of
from gateway.desk.negotiations import Body, came_in
from gateway.desk.once import Once
from gateway.desk.pacing import Limits, own_limit
from gateway.desk.replies import json_reply, nothing
from gateway.desk.webhook_schemas import ABOUT
from gateway.egress import read_url
from gateway.outbox.courier import Outcome, Said
from gateway.outbox.endpoints import MOST_FILTERS, Delivery, Endpoint, Endpoints, Reach, is_filter
from gateway.outbox.events import Events
from gateway.outbox.webhook import Secrets
from gateway.problems import Problem, Refusal

WEBHOOKS: Final = f"{PREFIX}/webhooks"
#: Endpoints of one licensee on one site.
MOST: Final = 10
#: Deliveries that are shown with an endpoint.
_SHOWN: Final = 20

Ping = Callable[[Endpoint], Awaitable[Outcome]]
_Act = Callable[[Place, Endpoint, Body], Awaitable[web.Response | Refusal]]


class WebhookDesk:
    """Answers what is under ``/.licet/webhooks``."""

    def __init__(
        self,
        clients: Clients,
        endpoints: Endpoints,
        events: Events,
        secrets: Secrets,
        ping: Ping,
        clock: Clock,
        once: Once | None = None,
        limits: Limits = own_limit,
    ) -> None:
        """Recognize by *clients*; *ping* asks an endpoint whose it is; of *limits* are those of pings."""
        self._clients, self._endpoints, self._events = clients, endpoints, events
        self._secrets, self._ping, self._clock, self._once = secrets, ping, clock, once
        # Ten pings of a licensee at once and then one a minute; half of that to one host, whoever wants it.
        self._by_licensee, self._by_host = limits("pings", 1 / 60, 10), limits("pinged hosts", 1 / 120, 5)

    def group(self) -> Group:
        """Its addresses."""
        return {
            WEBHOOKS: Route((*READ[:2], *WRITE), self._all, about=ABOUT["all"]),
            f"{WEBHOOKS}/*": Route((*READ[:2], "DELETE", "OPTIONS"), self._one, about=ABOUT["one"]),
            f"{WEBHOOKS}/*/verification": self._at(self._verified, ABOUT["verification"]),
            f"{WEBHOOKS}/*/secret": self._at(self._rotated, ABOUT["secret"]),
            f"{WEBHOOKS}/*/ping": self._at(self._pinged, ABOUT["ping"]),
        }

    async def _all(self, call: Call) -> web.Response | Refusal:
        came = await came_in(call, self._clients)
        if isinstance(came, Refusal):
            return came
        place, body = came
        if call.request.method != "POST":
            found = await self._endpoints.of(place.known.licensee.id, place.policy.site.id)
            return json_reply({"webhooks": [self._document(each, place) for each in found]})

        async def made() -> web.Response | Refusal:
            return await self._registered(place, body)

        if self._once is None:
            return await made()
        wanted = {"at": place.origin, "wanted": dict(body)}
        return await self._once.answer(call.request, place.known.client.id, wanted, made)

    async def _registered(self, place: Place, body: Body) -> web.Response | Refusal:
        asked = _read(body)
        if isinstance(asked, Refusal):
            return asked
        url, types = asked
        licensee, site = place.known.licensee.id, place.policy.site.id
        for each in await self._endpoints.of(licensee, site):
            if each.url == url:
                return _unread("url", f"is that of {each.id} already; have its secret made anew, or end it")
        late = self._late(licensee, url)
        if late is not None:
            return late
        endpoint = Endpoint(
            f"we_{secrets.token_hex(16)}", licensee, site, place.origin, url, types, self._now()
        )
        if not await self._endpoints.add(endpoint, MOST):
            return _unread("url", f"is one too many: a licensee has at most {MOST} here; end some")
        outcome = await self._ping(endpoint)
        if outcome.why.startswith("url"):
            await self._endpoints.remove(endpoint.id)
            return _unread("url", "names no public host on port 443")
        secret = self._secrets.secret(endpoint.id, 1)
        told = {**self._document(endpoint, place), "secret": secret, "ping": _pinged(outcome)}
        at = f"{issuer_of(place.origin)}/webhooks/{endpoint.id}"
        return json_reply(told, status=201, headers={"Location": at})

    async def _one(self, call: Call) -> web.Response | Refusal:
        came = await came_in(call, self._clients)
        if isinstance(came, Refusal):
            return came
        place, _ = came
        found = await self._mine(place, call.rest)
        if isinstance(found, Refusal):
            return found
        if call.request.method == "DELETE":
            await self._endpoints.remove(found.id)
            return nothing(204)
        last = await self._endpoints.deliveries(_SHOWN, endpoint=found.id)
        return json_reply({**self._document(found, place), "deliveries": [_delivery(each) for each in last]})

    def _at(self, act: _Act, about: Mapping[str, About]) -> Route:
        async def answer(call: Call) -> web.Response | Refusal:
            came = await came_in(call, self._clients)
            if isinstance(came, Refusal):
                return came
            place, body = came
            found = await self._mine(place, call.rest)
            return found if isinstance(found, Refusal) else await act(place, found, body)

        return Route(WRITE, answer, about=about)

    async def _verified(self, place: Place, found: Endpoint, body: Body) -> web.Response | Refusal:
        given = body.get("challenge")
        if not isinstance(given, str) or len(body) != 1 or not given.isascii():
            return _unread("challenge", "is missing, or stands beside something else")
        if not hmac.compare_digest(given, self._secrets.challenge(found)):
            return _unread("challenge", "is not the one that the ping to this URL held")
        proven = await self._endpoints.prove(found.id, await self._events.last())
        return self._told(proven, place)

    async def _rotated(self, place: Place, found: Endpoint, body: Body) -> web.Response | Refusal:
        if body:
            return _unread(next(iter(body)), "is unknown; nothing is to be said here")
        changed = await self._endpoints.rotate(found.id, self._now())
        if changed is None:
            return _unknown()
        secret = self._secrets.secret(changed.id, changed.generation)
        return json_reply({**self._document(changed, place), "secret": secret})

    async def _pinged(self, place: Place, found: Endpoint, body: Body) -> web.Response | Refusal:
        if body:
            return _unread(next(iter(body)), "is unknown; nothing is to be said here")
        late = self._late(found.licensee, found.url)
        if late is not None:
            return late
        outcome = await self._ping(found)
        return json_reply({**self._document(found, place), "ping": _pinged(outcome)})

    async def _mine(self, place: Place, id: str) -> Endpoint | Refusal:
        found = await self._endpoints.get(id)
        owner = (place.known.licensee.id, place.policy.site.id)
        return found if found and (found.licensee, found.site) == owner else _unknown()

    def _late(self, licensee: str, url: str) -> Refusal | None:
        """Why no ping goes out now, or None; strangers cannot be written to in a row by many either."""
        now = self._clock.now_us()
        place = read_url(url)
        wait = self._by_licensee.wait(licensee, now) or self._by_host.wait(place[0] if place else "", now)
        if not wait:
            return None
        return Refusal(Problem.TOO_FAST, "Pings are sent rarely.", retry_after=wait)

    def _told(self, found: Endpoint | None, place: Place) -> web.Response | Refusal:
        return json_reply(self._document(found, place)) if found is not None else _unknown()

    def _document(self, endpoint: Endpoint, place: Place) -> dict[str, object]:
        base = f"{issuer_of(place.origin)}/webhooks/{endpoint.id}"
        now = self._now()
        return {
            "id": endpoint.id,
            "url": endpoint.url,
            "types": list(endpoint.types),
            "state": str(endpoint.reach),
            "created_at": endpoint.created_at,
            "secrets_valid": len(endpoint.generations(now)),
            "failing": _failing(endpoint),
            "links": {
                "self": base,
                **{each: f"{base}/{each}" for each in ("verification", "secret", "ping")},
            },
        }

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def _read(body: Body) -> tuple[str, tuple[str, ...]] | Refusal:
    for name in body:
        if name not in {"url", "types"}:
            return _unread(name, "is unknown; url and types are read")
    url, types = body.get("url"), body.get("types", [])
    if not isinstance(url, str) or read_url(url) is None:
        return _unread("url", "is no https URL of a host in lower case, of at most 512 characters")
    if not isinstance(types, list) or len(types) > MOST_FILTERS:
        return _unread("types", f"is no list of at most {MOST_FILTERS}")
    if not all(isinstance(each, str) and is_filter(each) for each in types):
        return _unread("types", "holds what is no type; write such as negotiation.offered or negotiation.*")
    return url, tuple(dict.fromkeys(types))


def _failing(endpoint: Endpoint) -> dict[str, object] | None:
    if not endpoint.tries and endpoint.reach is not Reach.OFF:
        return None
    return {"tries": endpoint.tries, "next_at": endpoint.next_at or None}


def _delivery(each: Delivery) -> dict[str, object]:
    return {
        "event": each.event,
        "type": each.type,
        "at": each.at,
        "tries": each.tries,
        "status": each.status or None,
        "told": each.done,
    }


def _pinged(outcome: Outcome) -> dict[str, object]:
    return {"answered": outcome.said is Said.TOLD, "status": outcome.status or None}


def _unknown() -> Refusal:
    return Refusal(Problem.NOT_FOUND, "This licensee has no endpoint of that id here.")


def _unread(member: str, why: str) -> Refusal:
    return Refusal(Problem.PROPOSAL_INVALID, f"Of the message, {member} {why}.", facts=(("member", member),))
