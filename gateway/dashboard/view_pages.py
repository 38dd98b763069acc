"""Saved views: a name for what a table's address shows, to come back to.

=====================  ========================================================
``/views``             the views of whoever is signed in; ``/views.csv`` and the rest
``/views/save``        POST ``path``, ``query``, ``name``: keep one, in place of
                       that person's own of that name on that page
``/views/ID/rename``   POST ``name``
``/views/ID/remove``   POST
=====================  ========================================================

On the page of a table stand the views of that page and the form that keeps
another. A view belongs to one person; a key's are its person's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog
import uuid_utils
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.clock import Clock
from gateway.dashboard.frame import Frame
from gateway.dashboard.gatekeeping import may, signed_of
from gateway.dashboard.permissions import Permission
from gateway.dashboard.saved_views import (
    LONGEST_NAME,
    MOST,
    PAGES,
    Kept,
    SavedView,
    SavedViews,
    name_of,
    query_of,
)
from gateway.dashboard.table_forms import Cells, add_table, moment, read_table, rows_in
from gateway.problems import StoreUnavailable

log = structlog.get_logger("licet.dashboard")

_BAD_NAME: Final = f"A name is one line of 1 to {LONGEST_NAME} characters."
_CELLS: Final[Cells] = {
    "id": lambda row: row.id,
    "page": lambda row: row.page,
    "path": lambda row: row.path,
    "name": lambda row: row.name,
    "query": lambda row: row.query,
    "saved": lambda row: moment(row.at),
}


@dataclass(frozen=True, slots=True)
class Here:
    """The views of the page that is shown, and what would be kept of it; *open* is the one that is shown now."""

    views: tuple[SavedView, ...]
    path: str
    query: str
    open: str


HERE: Final = web.RequestKey("licet.views", Here)


def views_shown(views: SavedViews) -> Middleware:
    """Look up what stands in the head of a table's page before it is drawn."""

    @web.middleware
    async def look(request: web.Request, handler: Handler) -> web.StreamResponse:
        wanted = request.method == "GET" and request.path in PAGES and may(request, Permission.VIEWS_OWN)
        query = query_of(request.query_string) if wanted else None
        if query is not None:
            try:
                own = await views.of(_person(request))
                here = tuple(each for each in own if each.path == request.path)
                shown = next((each.name for each in here if each.query == query), "")
                request[HERE] = Here(here, request.path, query, shown)
            except StoreUnavailable as error:
                # The page may need no store; it stands without its views.
                log.warning("saved views cannot be read", reason=str(error))
        return await handler(request)

    return look


class ViewPages:
    """Keeps the views of whoever is signed in."""

    def __init__(self, views: SavedViews, frame: Frame, clock: Clock) -> None:
        """Keep in *views*, drawn in *frame*."""
        self._views, self._frame, self._clock = views, frame, clock

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses above to *router*."""
        router.add_get("/views", self._all)
        add_table(router, "/views", _CELLS, self._rows)
        router.add_post("/views/save", self._save)
        router.add_post("/views/{id}/rename", self._rename)
        router.add_post("/views/{id}/remove", self._remove)

    async def _rows(self, request: web.Request) -> tuple[SavedView, ...]:
        return await self._views.of(_person(request))

    async def _all(self, request: web.Request) -> web.StreamResponse:
        return await self._listed(request)

    async def _listed(
        self, request: web.Request, trouble: str = "", given: Mapping[str, str] | None = None, id: str = ""
    ) -> web.StreamResponse:
        rows, view = rows_in(await self._rows(request), _CELLS, read_table(request, _CELLS))
        context = {
            "rows": rows, "view": view, "trouble": trouble, "given": given or {}, "wrong": id,
            "longest": LONGEST_NAME, "pages": PAGES,
        }  # fmt: skip
        status = 400 if trouble or view.mistakes else 200
        return self._frame.render(request, "views.html", context, status=status)

    async def _save(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        path, name, query = (
            form.get("path", ""),
            name_of(form.get("name", "")),
            query_of(form.get("query", "")),
        )
        if path not in PAGES:
            return await self._listed(request, "Views are kept of pages with a table.", form)
        if query is None:
            return await self._listed(request, "The address is longer than a view can be.", form)
        if name is None:
            return await self._listed(request, _BAD_NAME, form)
        now_us = self._clock.now_us()
        id = f"vi_{uuid_utils.uuid7(nanoseconds=now_us * 1000).hex}"
        view = SavedView(id, _person(request), path, name, query, now_us // 1_000_000)
        if await self._views.keep(view, MOST) is Kept.FULL:
            return await self._listed(request, f"You have {MOST} views; remove one first.", form)
        raise web.HTTPSeeOther(view.address)

    async def _rename(self, request: web.Request) -> web.StreamResponse:
        form, id = await self._frame.form_of(request), request.match_info["id"]
        name = name_of(form.get("name", ""))
        if name is None:
            return await self._listed(request, _BAD_NAME, form, id)
        match await self._views.rename(_person(request), id, name):
            case Kept.MISSING:
                raise web.HTTPNotFound
            case Kept.TAKEN:
                return await self._listed(request, "Another view of that page has this name.", form, id)
        raise web.HTTPSeeOther("/views")

    async def _remove(self, request: web.Request) -> web.StreamResponse:
        await self._frame.form_of(request)
        if not await self._views.remove(_person(request), request.match_info["id"]):
            raise web.HTTPNotFound
        raise web.HTTPSeeOther("/views")


def _person(request: web.Request) -> str:
    signed = signed_of(request)
    if signed is None:
        raise web.HTTPForbidden
    return signed.person.id
