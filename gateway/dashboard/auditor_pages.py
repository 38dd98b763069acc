"""Auditors: who may look at whose evidence and until when, and every look that was taken.

================================= ================================================
``/auditors``                     every auditor, and the latest looks of all
``/auditors?auditor=ID``          the looks of one
``/auditors/ID/revoke``           POST: end an access now
================================= ================================================

A secret is shown once, where it is made: ``licet auditors add``.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.frame import Frame
from gateway.dashboard.table_forms import Cells, add_table, moment
from gateway.licenses.auditors import Auditor, Auditors, Look

_MOST: Final = 500


_CELLS: Final[Cells] = {
    "id": lambda row: row[0].id,
    "auditor": lambda row: row[0].name,
    "licensee": lambda row: row[0].licensee,
    "site": lambda row: row[0].site,
    "first": lambda row: str(row[0].first),
    "last": lambda row: str(row[0].last),
    "until": lambda row: moment(row[0].expires_at),
    "state": lambda row: row[1],
}
_LOOK_CELLS: Final[Cells] = {
    "at": lambda row: moment(row[0].at),
    "auditor": lambda row: row[0].auditor,
    "name": lambda row: row[1],
    "what": lambda row: row[0].what,
    "came": lambda row: row[0].came,
}


class AuditorPages:
    """Draws the page of auditors, and ends an access."""

    def __init__(self, auditors: Auditors, frame: Frame, clock: Clock) -> None:
        """Read *auditors*, drawn in *frame*."""
        self._auditors, self._frame, self._clock = auditors, frame, clock

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer at its addresses."""
        router.add_get("/auditors", self._all)
        add_table(router, "/auditors", _CELLS, self._rows)
        add_table(router, "/auditors/looks", _LOOK_CELLS, self._looks)
        router.add_post("/auditors/{id:[a-z0-9_]+}/revoke", self._revoke)

    async def _rows(self, _request: web.Request) -> list[tuple[Auditor, str]]:
        return [(each, _state(each, self._now())) for each in await self._auditors.all()]

    async def _looks(self, request: web.Request) -> list[tuple[Look, str]]:
        names = {each.id: each.name for each in await self._auditors.all()}
        chosen = request.query.get("auditor", "")
        if chosen and chosen not in names:
            raise web.HTTPNotFound
        looks = await self._auditors.looks(chosen, _MOST)
        return [(each, names.get(each.auditor, each.auditor)) for each in looks]

    async def _all(self, request: web.Request) -> web.StreamResponse:
        chosen, now = request.query.get("auditor", ""), self._now()
        every = await self._auditors.all()
        known = {each.id: each for each in every}
        if chosen and chosen not in known:
            raise web.HTTPNotFound
        looks = await self._auditors.looks(chosen, _MOST)
        counts = Counter(each.auditor for each in looks)
        context = {
            "auditors": [(each, _state(each, now), counts[each.id]) for each in every],
            "looks": [(each, known[each.auditor].name if each.auditor in known else each.auditor) for each in looks],
            "chosen": known.get(chosen), "many": len(looks) == _MOST,
        }  # fmt: skip
        return self._frame.render(request, "auditors.html", context)

    async def _revoke(self, request: web.Request) -> web.StreamResponse:
        await self._frame.form_of(request)
        if not await self._auditors.revoke(request.match_info["id"], self._now()):
            raise web.HTTPNotFound
        raise web.HTTPSeeOther("/auditors")

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def _state(auditor: Auditor, now: int) -> str:
    if not auditor.ended(now):
        return "may look"
    return "revoked" if auditor.revoked_at else "expired"
