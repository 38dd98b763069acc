"""The first screen, and what stands over time for every page that draws it.

===========================  ===================================================
``/``                        what AI took, who paid, what is owed, what waits for the operator
``/overview.ENDING``         one row a step of time of any view of the log; a page's
                             charts are drawn from ``/overview.json``
``/overview/compared.ENDING``  its sums beside those of the compared period
===========================  ===================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard import pages, plots
from gateway.dashboard.compared import changes_of
from gateway.dashboard.exports import FORMATS, each, mistaken, sent
from gateway.dashboard.filters import View, read_view
from gateway.dashboard.frame import Frame
from gateway.dashboard.gatekeeping import may
from gateway.dashboard.permissions import wanted
from gateway.dashboard.queries import AccessLog, Overview
from gateway.dashboard.rooms import Rooms
from gateway.dashboard.waiting import loose, owed, waiting

if TYPE_CHECKING:
    from gateway.dashboard.setup_pages import SetupPages

_CHANGES = ("figure", "now", "before", "difference", "percent")


class OverviewPages:
    """Draws the first screen."""

    def __init__(
        self,
        access_log: AccessLog,
        frame: Frame,
        clock: Clock,
        status: Callable[[], Mapping[str, str]],
        setup: SetupPages | None,
        rooms: Rooms,
    ) -> None:
        """Read from *access_log* and *rooms*; *status* is the assembly's, *setup* knows what is left to do."""
        self._log, self._frame, self._clock = access_log, frame, clock
        self._status, self._setup, self._rooms = status, setup, rooms

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses above to *router*."""
        router.add_get("/", self._overview)
        for ending in FORMATS:
            router.add_get(f"/overview.{ending}", self._steps)
            router.add_get(f"/overview/compared.{ending}", self._changes)

    async def _overview(self, request: web.Request) -> web.StreamResponse:
        now = self._clock.now_us()
        view = read_view(request.query.items(), now, last="24h", columns=None)
        if view.mistakes:
            context: dict[str, object] = {
                "view": view,
                "overview": None,
                "steps": (),
                "waiting": (),
                "owed": None,
                "changes": (),
                "endings": FORMATS,
            }
            return self._frame.render(request, "overview.html", context, status=400)
        found = await self._log.overview(view.filter)
        context = {
            "view": view,
            "overview": found,
            "share": pages.share(found.licensed, found.ai_fetches),
            "per_referral": plots.per_referral(found.fetches, found.referred),
            "books": self._status().get(pages.BOOKS, ""),
            "steps": await self._setup.items() if self._setup else (),
            "changes": await changes(self._log, view, found),
            "endings": FORMATS,
            **await self._waiting(request, found),
            **drawn(found, view, now),
        }
        return self._frame.render(request, "overview.html", context)

    async def _waiting(self, request: web.Request, found: Overview) -> dict[str, object]:
        def seen(path: str) -> bool:
            permission = wanted("GET", path)
            return permission is not None and may(request, permission)

        waits = await waiting(self._rooms, self._clock.now_us() // 1_000_000, seen)
        soft = loose(found.decisions, {site: mode for site, mode, _ in pages.banner(self._status())[0]})
        more = (soft,) if soft and seen("/setup") and self._setup else ()
        return {"waiting": (*waits, *more), "owed": await owed(self._rooms, seen)}

    async def _steps(self, request: web.Request) -> web.StreamResponse:
        view = read_view(request.query.items(), self._clock.now_us(), last="24h", columns=None)
        if view.mistakes:
            return mistaken(view)
        bars = (await self._log.overview(view.filter)).bars
        if view.compared is None:
            return await sent(request, "over-time", plots.names_of(bars), each(plots.rows_of(bars)))
        both = (*bars, *(await self._log.overview(view.compared)).bars)
        rows = [
            {"period": "this" if nth < len(bars) else "compared", **row}
            for nth, row in enumerate(plots.rows_of(both))
        ]
        return await sent(request, "over-time", ("period", *plots.names_of(both)), each(rows))

    async def _changes(self, request: web.Request) -> web.StreamResponse:
        view = read_view(request.query.items(), self._clock.now_us(), last="24h", columns=None)
        if view.mistakes:
            return mistaken(view)
        found = await changes(self._log, view, await self._log.overview(view.filter))
        rows: list[Mapping[str, Any]] = [
            dict(zip(_CHANGES, (one.name, one.now, one.before, one.difference, one.percent), strict=True))
            for one in found
        ]
        return await sent(request, "compared", _CHANGES, each(rows))


async def changes(log: AccessLog, view: View, now: Overview) -> tuple[Any, ...]:
    """What *now* is beside the period that *view* is compared with; () where it is compared with none."""
    return () if view.compared is None else changes_of(now, await log.overview(view.compared))


def drawn(found: Overview, view: View, now_us: int) -> dict[str, Any]:
    """What a page's templates draw over time: the chart of decisions, the plots, and the address of their rows."""
    step_us = view.filter.step_us
    step = pages.step_word(step_us)
    span = (view.filter.from_us, view.filter.to_us or now_us)
    return {
        "chart": pages.chart(found, step_us, span),
        "plots": {
            "money": plots.money_plots(found.bars, step, step_us, span),
            "bytes": plots.bytes_plot(found.bars, step, step_us, span),
            "referrals": plots.referral_plot(found.bars, step, step_us, span),
        },
        "source": f"/overview.json?{view.filter.query(compare=None)}",
    }
