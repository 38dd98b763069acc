"""Who is told of what happened, and what came of it: endpoints, deliveries, events.

=================================  ============================================
``/webhooks``                      every endpoint, and the newest events
``/webhooks/newest``               every event that is kept, page by page
``/webhooks/ID``                   one endpoint: its newest deliveries, its forms
``/webhooks/ID/deliveries``        all of them, page by page
``/webhooks/events/ID``            one event: its payload, and who heard of it
``/webhooks/events/ID/deliveries`` everybody who did, page by page
``/webhooks/ID/test``              POST: one signed ping now
``/webhooks/ID/again``             POST: ``event`` once more, with its own id
``/webhooks/ID/retry``             POST: try what waits now; switches it on
``/webhooks/ID/off``               POST: tell it nothing until it is switched on
``/webhooks/ID/secret``            POST: another secret, shown once
=================================  ============================================

Of an answer the status and the beginning of its text are kept; the text is
hostile, is shown as it stands to the operator alone, and goes with retention.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.about_events import KINDS, Thing, named, things
from gateway.dashboard.frame import Frame
from gateway.dashboard.table_forms import (
    Cells,
    Keyed,
    TableView,
    add_table,
    listed,
    moment,
)
from gateway.licenses.register import LicenseRegister
from gateway.outbox import alerts
from gateway.outbox.courier import Outcome, Said
from gateway.outbox.endpoints import Delivery, Endpoint, Endpoints, Reach, Tried
from gateway.outbox.events import Events, Happening
from gateway.outbox.webhook import document

#: Deliveries and events that are shown where they are not the page.
SHOWN: Final = 20
#: How many events are looked through for those that wait.
_BACK: Final = 500
#: Why an endpoint is off that the operator switched off.
BY_OPERATOR: Final = "switched off here"
_HTTP: Final = ("https:", "http:")
_STATES: Final[Mapping[Reach, str]] = {
    Reach.ON: "told", Reach.OFF: "switched off", Reach.UNPROVEN: "not proven yet",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the pages work on. *ping* and *tell* send one signed request; *secret* gives that of an id and a generation."""

    endpoints: Endpoints
    events: Events
    ping: Callable[[Endpoint], Awaitable[Outcome]]
    tell: Callable[[Endpoint, Happening], Awaitable[Outcome]]
    secret: Callable[[str, int], str]


@dataclass(frozen=True, slots=True)
class Row:
    """One endpoint as it is listed: how it stands in words, and how many events wait for it."""

    endpoint: Endpoint
    word: str
    waiting: int

    @property
    def pinged(self) -> bool:
        """Whether a request can be sent to it by itself."""
        return self.endpoint.url.startswith(_HTTP)


@dataclass(frozen=True, slots=True)
class Told:
    """A delivery, and what its event was about; () where the event is not kept any more."""

    delivery: Delivery
    about: tuple[Thing, ...]


def _named(kind: str, about: Callable[[Any], tuple[Thing, ...]]) -> Callable[[Any], str]:
    return lambda row: named(about(row), kind)


_CELLS: Final[Cells] = {
    "id": lambda row: row.endpoint.id,
    "endpoint": lambda row: row.endpoint.url,
    "stands": lambda row: row.word,
    "licensee": lambda row: row.endpoint.licensee,
    "hears": lambda row: listed(row.endpoint.types),
    "why": lambda row: row.endpoint.why,
    "waiting": lambda row: row.waiting,
}
_EVENT_CELLS: Final[Cells] = {
    "id": lambda row: row.event.id,
    "at": lambda row: moment(row.event.at),
    "type": lambda row: row.event.type,
    "about": lambda row: row.event.subject,
    "site": lambda row: row.event.site,
    **{kind: _named(kind, lambda row: things(row.event)) for kind in KINDS},
}
_DELIVERY_CELLS: Final[Cells] = {
    "event": lambda row: row.delivery.event,
    "tried": lambda row: moment(row.delivery.at),
    "outcome": lambda row: "told" if row.delivery.done else "failed",
    "type": lambda row: row.delivery.type,
    "about": lambda row: row.about[0].name if row.about else "",
    "endpoint": lambda row: row.delivery.endpoint,
    "status": lambda row: row.delivery.status,
    "tries": lambda row: row.delivery.tries,
    "why": lambda row: row.delivery.why,
    **{kind: _named(kind, lambda row: row.about) for kind in KINDS},
}


class HookPages:
    """Shows endpoints and events; *frame* draws them."""

    def __init__(
        self, hooks: Hooks, frame: Frame, clock: Clock, register: LicenseRegister | None = None
    ) -> None:
        """Work on *hooks*; *register* knows the names of licensees."""
        self._hooks, self._frame, self._clock, self._register = hooks, frame, clock, register
        self._endpoints = Keyed(self._rows_behind, lambda row: ".".join(map(str, row.endpoint.place)))
        self._every_event = Keyed(self._events_behind, lambda row: str(row.nth))
        self._sent_there = Keyed(self._there_behind, _place)
        self._heard = Keyed(self._heard_behind, _place)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses above to *router*."""
        router.add_get("/webhooks", self._list)
        add_table(router, "/webhooks", _CELLS, self._endpoints)
        for path, cells, table, page in (
            ("/webhooks/newest", _EVENT_CELLS, self._every_event, self._newest),
            ("/webhooks/{id}/deliveries", _DELIVERY_CELLS, self._sent_there, self._there),
            ("/webhooks/events/{id}/deliveries", _DELIVERY_CELLS, self._heard, self._hearers),
        ):
            router.add_get(path, page)
            add_table(router, path, cells, table)
        router.add_get("/webhooks/events/{id}", self._event)
        router.add_get("/webhooks/{id}", self._one)
        for name, act in (
            ("test", self._test), ("again", self._again), ("retry", self._retry), ("off", self._off),
            ("secret", self._secret),
        ):  # fmt: skip
            router.add_post(f"/webhooks/{{id}}/{name}", act)

    async def _rows_behind(self, _request: web.Request, after: str, most: int) -> list[Row] | None:
        place = _endpoint_place(after)
        if after and place is None:
            return None
        return [await self._row(each) for each in await self._hooks.endpoints.listed(most, place)]

    async def _places(self, deliveries: Iterable[Delivery]) -> dict[str, str]:
        """Where the endpoints of *deliveries* are, by their ids."""
        found = [await self._hooks.endpoints.get(id) for id in {each.endpoint for each in deliveries}]
        return {each.id: each.url for each in found if each is not None}

    async def _events_behind(self, _: web.Request, after: str, most: int) -> Sequence[Happening] | None:
        nth = _number(after) if after else 0
        return None if nth is None else await self._hooks.events.before(nth, most)

    async def _newest(self, request: web.Request) -> web.StreamResponse:
        rows, view = await self._every_event.page(request, _EVENT_CELLS)
        context = {
            "rows": rows,
            "view": view,
            "about": {each.event.id: things(each.event) for each in rows},
            "named": await self._names(),
        }
        return self._frame.render(request, "events.html", context, status=400 if view.mistakes else 200)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        events = await self._hooks.events.before(0, SHOWN + 1)
        rows, view = await self._endpoints.page(request, _CELLS)
        context = {
            "rows": rows,
            "view": view,
            "events": events[:SHOWN],
            "more": len(events) > SHOWN,
            "about": {each.event.id: things(each.event) for each in events},
            "named": await self._names(),
            "alerts": alerts.EVENTS,
        }
        return self._frame.render(request, "webhooks.html", context, status=400 if view.mistakes else 200)

    async def _there_behind(self, request: web.Request, after: str, most: int) -> Sequence[Told] | None:
        endpoint = await self._found(request)
        behind = _behind(after)
        if after and behind is None:
            return None
        found = await self._hooks.endpoints.deliveries(most, endpoint=endpoint.id, behind=behind)
        return await self._told(found)

    async def _heard_behind(self, request: web.Request, after: str, most: int) -> Sequence[Told] | None:
        found = await self._known(request)
        behind = _behind(after)
        if after and behind is None:
            return None
        return await self._told(
            await self._hooks.endpoints.deliveries(most, event=found.event.id, behind=behind)
        )

    async def _known(self, request: web.Request) -> Happening:
        """The event that *request* names."""
        found = await self._happening(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        return found

    async def _there(self, request: web.Request) -> web.StreamResponse:
        endpoint = await self._found(request)
        rows, view = await self._sent_there.page(request, _DELIVERY_CELLS)
        here = {
            "path": f"/webhooks/{quote(endpoint.id)}",
            "name": endpoint.url,
            "endpoint": endpoint.id if endpoint.url.startswith(_HTTP) else "",
        }
        return await self._deliveries(request, rows, view, here)

    async def _hearers(self, request: web.Request) -> web.StreamResponse:
        event = (await self._known(request)).event
        rows, view = await self._heard.page(request, _DELIVERY_CELLS)
        places = await self._places(each.delivery for each in rows)
        here = {
            "path": f"/webhooks/events/{quote(event.id)}", "name": event.type, "endpoint": "", "places": places,
        }  # fmt: skip
        return await self._deliveries(request, rows, view, here)

    async def _deliveries(
        self, request: web.Request, rows: Sequence[Told], view: TableView, here: Mapping[str, object]
    ) -> web.StreamResponse:
        context = {
            "deliveries": [each.delivery for each in rows],
            "about": {each.delivery.event: each.about for each in rows},
            "named": await self._names(),
            "view": view,
            "places": {},
            **here,
        }
        return self._frame.render(request, "deliveries.html", context, status=400 if view.mistakes else 200)

    async def _told(self, deliveries: Sequence[Delivery]) -> list[Told]:
        """*deliveries*, each with what its event was about."""
        about = await self._about(deliveries)
        return [Told(each, about.get(each.event, ())) for each in deliveries]

    async def _about(self, deliveries: Sequence[Delivery]) -> dict[str, tuple[Thing, ...]]:
        """What the events of *deliveries* were about, by their ids."""
        events = await self._hooks.events.at([each.nth for each in deliveries])
        return {each.event.id: things(each.event) for each in events}

    async def _names(self) -> dict[str, str]:
        """The names of licensees, by their ids."""
        licensees = () if self._register is None else await self._register.licensees()
        return {each.id: each.name for each in licensees}

    async def _row(self, endpoint: Endpoint) -> Row:
        events = await self._hooks.events.after(endpoint.after, _BACK, endpoint.about)
        word = "fails" if endpoint.reach is Reach.ON and endpoint.tries else _STATES[endpoint.reach]
        return Row(endpoint, word, sum(endpoint.wants(each.event.type) for each in events))

    async def _one(self, request: web.Request) -> web.StreamResponse:
        return await self._shown(request, await self._found(request))

    async def _shown(
        self, request: web.Request, endpoint: Endpoint, *, said: str = "", good: bool = False, secret: str = "",
        answer: str = "", status: int = 200,
    ) -> web.StreamResponse:  # fmt: skip
        deliveries = await self._hooks.endpoints.deliveries(SHOWN + 1, endpoint=endpoint.id)
        context = {
            "row": await self._row(endpoint),
            "deliveries": deliveries[:SHOWN],
            "more": len(deliveries) > SHOWN,
            "about": await self._about(deliveries),
            "named": await self._names(),
            "said": said,
            "good": good,
            "answer": answer,
            "secret": secret,
            "two": len(endpoint.generations(self._now())) > 1,
        }
        return self._frame.render(request, "webhook.html", context, status=status)

    async def _event(self, request: web.Request) -> web.StreamResponse:
        found = await self._known(request)
        deliveries = await self._hooks.endpoints.deliveries(SHOWN + 1, event=found.event.id)
        context = {
            "event": found.event,
            "payload": json.dumps(document(found.event), ensure_ascii=False, indent=2),
            "schema": json.dumps(alerts.SCHEMAS[found.event.type], indent=2)
            if found.event.type in alerts.SCHEMAS
            else "",
            "about": {found.event.id: things(found.event)},
            "named": await self._names(),
            "deliveries": deliveries[:SHOWN],
            "more": len(deliveries) > SHOWN,
            "places": await self._places(deliveries),
        }
        return self._frame.render(request, "webhook_event.html", context)

    async def _test(self, request: web.Request) -> web.StreamResponse:
        endpoint = await self._sendable(request)
        outcome = await self._hooks.ping(endpoint)
        return await self._outcome(request, endpoint, "The test event", outcome)

    async def _again(self, request: web.Request) -> web.StreamResponse:
        endpoint = await self._sendable(request)
        form = await self._frame.form_of(request)
        happening = await self._happening(form.get("event", ""))
        if happening is None or not endpoint.about.covers(happening.event):
            return await self._shown(request, endpoint, said="There is no such event for it.", status=404)
        if happening.nth > endpoint.after:
            said = "It has not been told that one yet, and hears its events in order: try what waits."
            return await self._shown(request, endpoint, said=said, status=409)
        outcome = await self._hooks.tell(endpoint, happening)
        before = await self._hooks.endpoints.deliveries(1, endpoint=endpoint.id, event=happening.event.id)
        done = outcome.said is Said.TOLD or any(each.done for each in before)
        await self._hooks.endpoints.again(
            Delivery(
                endpoint.id, happening.nth, happening.event.id, happening.event.type, self._now(),
                sum(each.tries for each in before) + 1, outcome.status, outcome.why, done=done, answer=outcome.answer,
            )
        )  # fmt: skip
        return await self._outcome(request, endpoint, "The event", outcome)

    async def _outcome(
        self, request: web.Request, endpoint: Endpoint, what: str, outcome: Outcome
    ) -> web.StreamResponse:
        told = outcome.said is Said.TOLD
        said = (
            f"{what} was received: status {outcome.status}."
            if told
            else f"{what} was not received: {outcome.why}."
        )
        return await self._shown(
            request, endpoint, said=said, good=told, answer=outcome.answer, status=200 if told else 502
        )

    async def _retry(self, request: web.Request) -> web.StreamResponse:
        endpoint = await self._changed(request)
        await self._hooks.endpoints.hurry(endpoint.id)
        raise web.HTTPSeeOther(f"/webhooks/{endpoint.id}")

    async def _off(self, request: web.Request) -> web.StreamResponse:
        endpoint = await self._changed(request)
        await self._hooks.endpoints.switch_off(endpoint.id, BY_OPERATOR)
        raise web.HTTPSeeOther(f"/webhooks/{endpoint.id}")

    async def _secret(self, request: web.Request) -> web.StreamResponse:
        endpoint = await self._sendable(request)
        if endpoint.licensee:
            said = "A licensee has another secret made at the desk, and alone is shown it."
            return await self._shown(request, endpoint, said=said, status=403)
        changed = await self._hooks.endpoints.rotate(endpoint.id, self._now())
        if changed is None:
            raise web.HTTPNotFound
        secret = self._hooks.secret(changed.id, changed.generation)
        shown = await self._shown(request, changed, secret=secret)
        shown.headers["Cache-Control"] = "no-store"
        return shown

    async def _changed(self, request: web.Request) -> Endpoint:
        await self._frame.form_of(request)
        return await self._found(request)

    async def _sendable(self, request: web.Request) -> Endpoint:
        """The endpoint of a form, where a request of its own can be sent to it."""
        endpoint = await self._changed(request)
        if not endpoint.url.startswith(_HTTP):
            raise web.HTTPNotFound
        return endpoint

    async def _found(self, request: web.Request) -> Endpoint:
        found = await self._hooks.endpoints.get(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        return found

    async def _happening(self, id: str) -> Happening | None:
        nth = await self._hooks.events.place(id)
        if nth is None:
            return None
        return next(iter(await self._hooks.events.after(nth - 1, 1)), None)

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def _place(row: Told) -> str:
    """The key of a delivery in an address: what the newest first goes by."""
    return f"{row.delivery.at}.{row.delivery.nth}.{row.delivery.endpoint}"


def _endpoint_place(after: str) -> tuple[int, str] | None:
    """The place among endpoints that *after* names; None where it is none."""
    at, _, id = after.partition(".")
    when = _number(at)
    return (when, id) if when is not None and id and id.isprintable() else None


def _behind(after: str) -> Tried | None:
    """The place that such a key names; None where it is none."""
    at, nth, endpoint = (*after.split(".", 2), "", "")[:3]
    when, which = _number(at), _number(nth)
    return None if when is None or which is None else (when, which, endpoint)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
