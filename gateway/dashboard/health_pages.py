"""Is everything in order? What `licet doctor` finds, with what to do about it, and what the settings say.

=================  ==========================================================
``/health``        the findings, the worst first, and when they were made
``/health.json``   the same for machines; ``/health/findings`` and
                   ``/health/settings`` in four forms
``/health/check``  POST: look again
``/health/fetch``  POST: buy and fetch one page of each site in test mode
=================  ==========================================================

The findings are the command's: one list, made in one place (`Examiner`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.frame import Frame
from gateway.dashboard.gatekeeping import signed_of
from gateway.dashboard.permissions import wanted
from gateway.dashboard.table_forms import Cells, add_table
from gateway.finding import Finding, State, worst

#: Where what a finding is about can be seen or decided here, and what that page is called.
_PLACES: Final[Mapping[str, tuple[str, str]]] = {
    "webhooks": ("/webhooks", "Webhooks"), "people": ("/refused", "People refused"), "policy": ("/policies", "Policies"),
}  # fmt: skip
#: What the page calls each state.
_WORDS: Final = {State.BAD: "wrong", State.WARN: "look at this", State.OK: "in order"}


class Examiner(Protocol):
    """Looks at the machine, the data folder and the sites; raises nothing for what is wrong there."""

    async def examined(self) -> tuple[Finding, ...]:
        """Everything that the command finds."""
        ...

    async def fetched(self) -> tuple[Finding, ...]:
        """What came of buying and fetching one page of each site in test mode."""
        ...


@dataclass(frozen=True, slots=True)
class Health:
    """What the page works on. *settings* gives (key, value) of what is set otherwise than by default, no secret among them."""

    examiner: Examiner
    settings: Callable[[], tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found, and when."""

    at_us: int
    found: tuple[Finding, ...]


_FINDING_CELLS: Final[Cells] = {
    "what": lambda row: row.what,
    "state": lambda row: str(row.state),
    "found": lambda row: row.fact,
    "step": lambda row: row.step,
}
_SETTING_CELLS: Final[Cells] = {"key": lambda row: row[0], "value": lambda row: row[1]}


class HealthPages:
    """Shows what was found, and looks again."""

    def __init__(self, health: Health, frame: Frame, clock: Clock) -> None:
        """Show *health*; *frame* draws the page."""
        self._health, self._frame, self._clock = health, frame, clock
        self._looking = asyncio.Lock()
        self._last: Looked | None = None
        self._fetch: Looked | None = None

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses above to *router*."""
        router.add_get("/health", self._page)
        router.add_get("/health.json", self._json)
        add_table(router, "/health/findings", _FINDING_CELLS, self._findings)
        add_table(router, "/health/settings", _SETTING_CELLS, self._settings)
        router.add_post("/health/check", self._check)
        router.add_post("/health/fetch", self._fetched)

    @property
    def wrong(self) -> int | None:
        """How many findings of the last look were bad, None before the first."""
        return sum(each.state == State.BAD for each in self._last.found) if self._last else None

    async def _page(self, request: web.Request) -> web.StreamResponse:
        last, signed = await self._known(), signed_of(request)
        order = tuple(reversed(State))
        context = {
            "last": last,
            "worst": worst(last.found),
            "groups": [(state, [each for each in last.found if each.state == state]) for state in order],
            "words": _WORDS,
            "places": {
                what: at for what, at in _PLACES.items() if signed and signed.may(wanted("GET", at[0]))
            },
            "fetch": self._fetch,
            "settings": self._health.settings(),
        }
        return self._frame.render(request, "health.html", context)

    async def _findings(self, _request: web.Request) -> tuple[Finding, ...]:
        return (*(await self._known()).found, *(self._fetch.found if self._fetch else ()))

    async def _settings(self, _request: web.Request) -> tuple[tuple[str, str], ...]:
        return self._health.settings()

    async def _json(self, _request: web.Request) -> web.StreamResponse:
        last = await self._known()
        every = (*last.found, *(self._fetch.found if self._fetch else ()))
        return web.json_response(
            {"at_us": last.at_us, "worst": worst(every), "findings": [each.as_json() for each in every]}
        )

    async def _known(self) -> Looked:
        """What was found last; the first who asks waits for the first look."""
        async with self._looking:
            if self._last is None:
                self._last = await self._looked()
            return self._last

    async def _check(self, request: web.Request) -> web.StreamResponse:
        await self._frame.form_of(request)
        async with self._looking:
            self._last = await self._looked()
        raise web.HTTPSeeOther("/health")

    async def _fetched(self, request: web.Request) -> web.StreamResponse:
        await self._frame.form_of(request)
        async with self._looking:
            at = self._clock.now_us()
            self._fetch = Looked(at, await self._health.examiner.fetched())
        raise web.HTTPSeeOther("/health#fetch")

    async def _looked(self) -> Looked:
        at = self._clock.now_us()
        return Looked(at, await self._health.examiner.examined())
