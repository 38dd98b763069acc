"""Auditors: who may look at whose evidence and until when, and every look that was taken.

================================= ================================================
``/auditors``                     every auditor, and the latest looks of all
``/auditors/looks``               every look, page by page; ``?auditor=ID`` of one
``/auditors/ID/revoke``           POST: end an access now
================================= ================================================

A secret is shown once, where it is made: ``licet auditors add``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.frame import Frame
from gateway.dashboard.table_forms import Cells, Keyed, add_table, moment, read_table, rows_in
from gateway.licenses.auditors import Auditor, Auditors, Look

#: Looks that are shown where they are not the page.
_SHOWN: Final = 20


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
        self._looks = Keyed(self._behind, lambda row: str(row[0].nth))

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer at its addresses."""
        router.add_get("/auditors", self._all)
        add_table(router, "/auditors", _CELLS, self._rows)
        router.add_get("/auditors/looks", self._every_look)
        add_table(router, "/auditors/looks", _LOOK_CELLS, self._looks)
        router.add_post("/auditors/{id:[a-z0-9_]+}/revoke", self._revoke)

    async def _rows(self, _request: web.Request) -> list[tuple[Auditor, str]]:
        return [(each, _state(each, self._now())) for each in await self._auditors.all()]

    async def _chosen(self, request: web.Request) -> tuple[str, dict[str, str]]:
        """The auditor that *request* names, "" for every one, and the names of all by their ids."""
        names = {each.id: each.name for each in await self._auditors.all()}
        chosen = request.query.get("auditor", "")
        if chosen and chosen not in names:
            raise web.HTTPNotFound
        return chosen, names

    async def _behind(self, request: web.Request, after: str, most: int) -> list[tuple[Look, str]] | None:
        if not (after == "" or (after.isascii() and after.isdecimal() and len(after) <= 18)):
            return None
        chosen, names = await self._chosen(request)
        looks = await self._auditors.looks(chosen, most, int(after or "0"))
        return [(each, names.get(each.auditor, each.auditor)) for each in looks]

    async def _every_look(self, request: web.Request) -> web.StreamResponse:
        chosen, names = await self._chosen(request)
        rows, view = await self._looks.page(request, _LOOK_CELLS)
        if chosen:
            view = replace(view, kept=(("auditor", chosen),))
        context = {"looks": rows, "view": view, "chosen": chosen, "name": names.get(chosen, "")}
        return self._frame.render(request, "looks.html", context, status=400 if view.mistakes else 200)

    async def _all(self, request: web.Request) -> web.StreamResponse:
        chosen, names = await self._chosen(request)
        if chosen:
            return await self._every_look(request)
        rows, view = rows_in(await self._rows(request), _CELLS, read_table(request, _CELLS))
        looks = await self._auditors.looks("", _SHOWN + 1)
        context = {
            "auditors": rows, "view": view, "more": len(looks) > _SHOWN,
            "looks": [(each, names.get(each.auditor, each.auditor)) for each in looks[:_SHOWN]],
        }  # fmt: skip
        return self._frame.render(request, "auditors.html", context, status=400 if view.mistakes else 200)

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
