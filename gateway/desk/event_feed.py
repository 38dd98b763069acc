"""What happened, for whoever has no endpoint: ``GET /.licet/events``.

A reader goes on after the id of the last event that it read (``after``); so a
crawler behind a network that nobody can reach loses nothing while events are
kept. ``wait`` holds the answer back until there is something new (at most 25
seconds). The places of events are not told: they would say how much happens to others.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final

from aiohttp import web

from gateway.desk.bargains import Place
from gateway.desk.call import READ, Call, Group, Route
from gateway.desk.clients import Clients
from gateway.desk.metadata import PREFIX
from gateway.desk.negotiations import came_in
from gateway.desk.replies import json_reply, nothing
from gateway.desk.webhook_schemas import ABOUT
from gateway.outbox.events import About, Events, Happening
from gateway.outbox.webhook import document
from gateway.problems import Problem, Refusal

EVENTS: Final = f"{PREFIX}/events"
#: The most seconds that a reader waits, and the most events in one answer.
LONGEST_WAIT: Final = 25
MOST: Final = 100
#: Requests of one client that may wait at once; more are answered as things stand.
_MOST_WAITING: Final = 4
#: Seconds between two looks at whether anything happened.
_LOOK: Final = 0.25
_BEGIN: Final = "begin"


class EventFeed:
    """Answers ``/.licet/events``."""

    def __init__(self, clients: Clients, events: Events, version: Callable[[], int]) -> None:
        """Recognize by *clients*, read *events*; *version* is a number that changes with them."""
        self._clients, self._events, self._version = clients, events, version
        self._waiting: Counter[str] = Counter()

    def group(self) -> Group:
        """Its address."""
        return {EVENTS: Route(READ, self._answer, about=ABOUT["feed"])}

    async def _answer(self, call: Call) -> web.Response | Refusal:
        came = await came_in(call, self._clients)
        if isinstance(came, Refusal):
            return came
        place, _ = came
        about = About(licensee=place.known.licensee.id, site=place.policy.site.id)
        wait = _whole(call, "wait", 0, 0, LONGEST_WAIT)
        limit = _whole(call, "limit", MOST, 1, MOST)
        for read in (wait, limit):
            if isinstance(read, Refusal):
                return read
        assert isinstance(wait, int)
        assert isinstance(limit, int)
        after = call.request.query.get("after", "")
        nth = await self._events.place(after, about) if after else 0
        if nth is None:
            return _unread(
                "after", "is no event of yours that is kept still; without it you read from the first"
            )
        seen = call.request.headers.get("If-None-Match", "").removeprefix("W/")
        client = place.known.client.id
        patient = self._waiting[client] < _MOST_WAITING
        self._waiting[client] += 1
        try:
            found = await self._read(nth, limit + 1, about, seen, after, wait if patient else 0)
        finally:
            self._waiting[client] -= 1
            self._waiting += Counter()  # forgets whoever waits for nothing
        shown = found[:limit]
        tag = _etag(shown, after)
        if tag == seen:
            return nothing(304, {"ETag": tag})
        return json_reply(_document(shown, after, place, more=len(found) > limit), headers={"ETag": tag})

    async def _read(
        self, nth: int, most: int, about: About, seen: str, after: str, seconds: int
    ) -> tuple[Happening, ...]:
        """What happened after *nth*, as soon as that is something, and not what was *seen*."""
        loop = asyncio.get_running_loop()
        until, looked = loop.time() + seconds, -1
        found: tuple[Happening, ...] = ()
        while True:
            version = self._version()
            if version != looked:
                looked, found = version, await self._events.after(nth, most, about)
            left = until - loop.time()
            if (found and _etag(found[: most - 1], after) != seen) or left <= 0:
                return found
            await asyncio.sleep(min(_LOOK, left))


def _document(shown: tuple[Happening, ...], after: str, place: Place, *, more: bool) -> dict[str, object]:
    return {
        "events": [{"id": each.event.id, **document(each.event, place.origin)} for each in shown],
        "next": (shown[-1].event.id if shown else after) or None,
        "more": more,
    }


def _etag(shown: tuple[Happening, ...], after: str) -> str:
    return f'"{(shown[-1].event.id if shown else after) or _BEGIN}"'


def _whole(call: Call, name: str, otherwise: int, least: int, most: int) -> int | Refusal:
    text = call.request.query.get(name, str(otherwise))
    if text.isascii() and text.isdigit() and len(text) <= 3 and least <= int(text) <= most:
        return int(text)
    return _unread(name, f"is not a whole number from {least} to {most}")


def _unread(member: str, why: str) -> Refusal:
    return Refusal(Problem.PROPOSAL_INVALID, f"Of the query, {member} {why}.", facts=(("member", member),))
