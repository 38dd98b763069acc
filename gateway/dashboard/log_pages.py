"""What machines took, as tables: the access log, who they are, and what they came for.

==================  ===================================================================
``/log``            every fetch; each word of a row can be chosen to narrow the view
``/crawlers``       one row a crawler: how proven, what became of it, what it owes
``/crawlers/NAME``  one crawler; ``-`` is visitors without a name
``/content``        one row a work, and the paths with most fetches
==================  ===================================================================

Beside each table stands the same view for programs: ``/log.csv``,
``/crawlers.json``, ``/content.jsonl``, ``/content/paths.csv``, with the query
string of the page (`filters`). What a table counts among the newest entries
only, it says; of two periods that are compared paths are counted among all
entries of each, or stand without the other.
"""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard import pages
from gateway.dashboard.columns import LOG_COLUMNS, NUMBERS
from gateway.dashboard.compared import BESIDE, beside, matched
from gateway.dashboard.exports import FORMATS, LOG_NAMES, amounts, cells, each, mistaken, sent
from gateway.dashboard.filters import UNNAMED, WORDS, Decision, LogFilter, View, read_view, rfc3339
from gateway.dashboard.frame import Frame
from gateway.dashboard.overview_pages import changes, drawn
from gateway.dashboard.plots import per_referral
from gateway.dashboard.queries import (
    MOST_CRAWLERS,
    MOST_PATHS,
    MOST_WORKS,
    AccessLog,
    Counted,
    CrawlerRow,
    WorkRow,
)
from gateway.dashboard.sorting import in_order
from gateway.dashboard.table_forms import OWN, Cells, add_table
from gateway.provenance.record import FetchDetail, FetchRecord

#: Rows of the log on a crawler's own page.
_LATEST: Final = 20
#: What can be chosen beside the log, in this order, and the word for it.
FACETS: Final[Mapping[str, str]] = {
    "identity": "Proof",
    "class": "Kind of visitor",
    "site": "Site",
    "licensee": "Licensee",
    "problem": "Refused because",
    "rule": "Rule",
}
_Rows = Callable[[View], Awaitable[Iterable[Mapping[str, Any]]]]
#: A row of a period in which nobody came.
_NONE: Final[Mapping[str, Any]] = {
    "decisions": MappingProxyType(dict.fromkeys(Decision, 0)), "charged": (), "bytes_sent": 0,
}  # fmt: skip
_DECIDED: Final = tuple(str(word) for word in Decision)
_CRAWLER_NAMES: Final = (
    "crawler", "operator", "class", "fetches", *_DECIDED, "identities", "charged", "bytes_sent", "newest",
)  # fmt: skip
_WORK_NAMES: Final = ("site", "work", "fetches", *_DECIDED, "charged", "bytes_sent")
_PATH_NAMES: Final = ("path", "fetches", "charged")
#: What the tables of sums can be sorted by.
_CRAWLER_SORTS: Final = tuple(name for name in _CRAWLER_NAMES if name != "identities")
_SORTS: Final = (*_WORK_NAMES, *_PATH_NAMES)


#: What can be chosen on the page of crawlers; who it is always stands there.
_CRAWLER_COLUMNS: Final[Mapping[str, str]] = {
    "identities": "Proof",
    "fetches": "Fetches", "licensed": "Licensed", "quoted": "Quoted", "refused": "Refused",
    "free": "Not charged", "charged": "Charged", "bytes_sent": "Sent", "newest": "Newest",
}  # fmt: skip


_PROOF_CELLS: Final[Cells] = {"proof": lambda row: row[0] or "none", "fetches": itemgetter(1)}


class LogPages:
    """The pages about the log; *frame* draws them."""

    def __init__(self, access_log: AccessLog, frame: Frame, clock: Clock) -> None:
        """Read from *access_log*."""
        self._log, self._frame, self._clock = access_log, frame, clock

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses above to *router*."""
        router.add_get("/log", self._table)
        router.add_get("/crawlers", self._crawlers)
        # A name is whatever somebody sent, line breaks and all.
        add_table(router, "/crawlers/{name}/proofs", _PROOF_CELLS, self._proofs)
        router.add_get(r"/crawlers/{name:[\s\S]+}", self._crawler)
        router.add_get("/content", self._content)
        for ending in FORMATS:
            router.add_get(f"/log.{ending}", self._export)
            for name, names, rows in (
                ("crawlers", _CRAWLER_NAMES, self._crawler_cells),
                ("content", _WORK_NAMES, self._work_cells),
                ("content/paths", _PATH_NAMES, self._path_cells),
            ):
                router.add_get(f"/{name}.{ending}", self._sums(name.replace("/", "-"), names, rows))

    async def _table(self, request: web.Request) -> web.StreamResponse:
        view = read_view(request.query.items(), self._clock.now_us())
        context: dict[str, object] = {
            "view": view, "page": None, "facets": None, "counts": None, "gone": None, "endings": FORMATS, "FACETS": FACETS,
            "COLUMNS": LOG_COLUMNS, "NUMBERS": NUMBERS,
            "chosen": _chosen(view),
        }  # fmt: skip
        if view.mistakes:
            return self._frame.render(request, "log.html", context, status=400)
        facets = await self._log.facets(view.filter)
        context |= {
            "page": await self._log.page(view.filter, view.after, view.limit),
            "facets": facets,
            "counts": {item.value: item.count for item in facets.decisions},
            "gone": await self._log.gone(view.filter),
        }
        return self._frame.render(request, "log.html", context)

    async def _export(self, request: web.Request) -> web.StreamResponse:
        view = read_view(request.query.items(), self._clock.now_us())
        if view.mistakes:
            return mistaken(view)
        rows = (cells(row) async for row in self._log.stream(view.filter))
        gone = await self._log.gone(view.filter)
        return await sent(request, "log", LOG_NAMES, rows, left=gone.entries if gone else 0)

    async def _crawlers(self, request: web.Request) -> web.StreamResponse:
        view, status = self._read(request, columns=_CRAWLER_NAMES, sorts=_CRAWLER_SORTS)
        rows = await self._log.crawlers(view.filter) if status == 200 else ()
        span = self._span(view, [at for row in rows for at, _ in row.steps])
        context = {
            "view": view,
            "rows": [
                (row, pages.spark(row.steps, span, view.filter.step_us), beside(row.fetches, before))
                for row, before in await self._crawlers_beside(view, rows)
            ],
            "step": pages.step_word(view.filter.step_us),
            "endings": FORMATS,
            **_shown(view),
        }
        return self._frame.render(request, "crawlers.html", context, status=status)

    async def _crawler(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        view, status = self._read(request, crawler=name)
        if status != 200:
            return self._frame.render(request, "crawlers.html", _nothing(view), status=status)
        rows = await self._log.crawlers(view.filter)
        if not rows and not await self._log.crawlers(LogFilter(crawler=view.filter.crawler)):
            raise web.HTTPNotFound
        overview = await self._log.overview(view.filter)
        context = {
            "view": view,
            "name": view.filter.crawler,
            "row": rows[0] if rows else None,
            "overview": overview,
            "changes": await changes(self._log, view, overview),
            "endings": FORMATS,
            **drawn(overview, view, self._clock.now_us()),
            "latest": (await self._log.page(view.filter, None, _LATEST)).rows,
            "gone": await self._log.gone(view.filter),
        }
        return self._frame.render(request, "crawler.html", context)

    async def _proofs(self, request: web.Request) -> tuple[tuple[str, int], ...]:
        pairs = [pair for pair in request.query.items() if pair[0] not in OWN]
        pairs.append(("crawler", request.match_info["name"]))
        view = read_view(pairs, self._clock.now_us(), last="7d")
        rows = () if view.mistakes else await self._log.crawlers(view.filter)
        if not rows:
            raise web.HTTPNotFound
        return tuple(rows[0].identities.items())

    async def _content(self, request: web.Request) -> web.StreamResponse:
        view, status = self._read(request)
        context: dict[str, object] = {
            "view": view, "works": (), "paths": (), "among": 0, "endings": FORMATS, "changes": (), "uncounted": False,
        }  # fmt: skip
        if status == 200:
            overview = await self._log.overview(view.filter)
            works = await self._works_beside(view, await self._log.works(view.filter))
            paths, counted = await self._paths_beside(view)
            context |= {
                "overview": overview,
                "changes": await changes(self._log, view, overview),
                "per_referral": per_referral(overview.fetches, overview.referred),
                **drawn(overview, view, self._clock.now_us()),
                "works": [(row, beside(row.fetches, before)) for row, before in works],
                "paths": [(row, beside(row.count, before)) for row, before in paths],
                "uncounted": view.compared is not None and not counted,
                "among": 0 if counted else overview.paths_among,
            }
        return self._frame.render(request, "content.html", context, status=status)

    def _read(
        self,
        request: web.Request,
        *,
        crawler: str | None = None,
        columns: Collection[str] = (*_CRAWLER_NAMES, *_WORK_NAMES, *_PATH_NAMES, *BESIDE),
        sorts: Collection[str] = tuple(dict.fromkeys((*_CRAWLER_SORTS, *_SORTS))),
    ) -> tuple[View, int]:
        """The view of a page of sums: a week unless it says otherwise; and the status it is answered with."""
        pairs = [*request.query.items(), *([("crawler", crawler)] if crawler is not None else [])]
        view = read_view(pairs, self._clock.now_us(), last="7d", columns=columns, sorts=sorts)
        return view, 400 if view.mistakes else 200

    def _span(self, view: View, steps: list[int]) -> tuple[int, int]:
        end = view.filter.to_us or self._clock.now_us()
        return (min(steps, default=end) if view.filter.from_us is None else view.filter.from_us), end

    def _sums(
        self, name: str, names: tuple[str, ...], rows: _Rows
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            view, status = self._read(request)
            if status != 200:
                return mistaken(view)
            more = BESIDE if view.compared else ()
            return await sent(request, name, (*names, *more), each(await rows(view)))

        return answer

    async def _crawlers_beside(
        self, view: View, rows: Sequence[CrawlerRow]
    ) -> list[tuple[CrawlerRow, int | None]]:
        found: list[tuple[CrawlerRow, int | None]] = [(row, None) for row in rows]
        if view.compared is not None:
            before = await self._log.crawlers(view.compared)
            found = matched(
                rows, before, MOST_CRAWLERS, lambda row: replace(row, steps=(), identities={}, **_NONE)
            )
        return in_order(found, view.order, lambda pair, name: _value(pair[0], name))

    async def _works_beside(self, view: View, rows: Sequence[WorkRow]) -> list[tuple[WorkRow, int | None]]:
        found: list[tuple[WorkRow, int | None]] = [(row, None) for row in rows]
        if view.compared is not None:
            before = await self._log.works(view.compared)
            found = matched(rows, before, MOST_WORKS, lambda row: replace(row, **_NONE))
        return in_order(found, view.order, lambda pair, name: _value(pair[0], name))

    async def _crawler_cells(self, view: View) -> Iterable[Mapping[str, Any]]:
        rows = await self._crawlers_beside(view, await self._log.crawlers(view.filter))
        return [_crawler_cells(row) | _beside(view, row.fetches, before) for row, before in rows]

    async def _work_cells(self, view: View) -> Iterable[Mapping[str, Any]]:
        rows = await self._works_beside(view, await self._log.works(view.filter))
        return [_work_cells(row) | _beside(view, row.fetches, before) for row, before in rows]

    async def _path_cells(self, view: View) -> Iterable[Mapping[str, Any]]:
        rows, _ = await self._paths_beside(view)
        return [{**_path_cells(row), **_beside(view, row.count, before)} for row, before in rows]

    async def _paths_beside(self, view: View) -> tuple[list[tuple[Counted, int | None]], bool]:
        """The paths, each beside its own in the compared period; and whether every entry of both was counted."""
        found: list[tuple[Counted, int | None]]
        now = before = None
        if view.compared is not None:
            now, before = await self._log.paths_in(view.filter), await self._log.paths_in(view.compared)
        if now is None or before is None:
            found = [(row, None) for row in await self._log.paths(view.filter)]
        else:
            found = matched(now, before, MOST_PATHS, lambda row: replace(row, count=0, charged=()))
        counted = now is not None and before is not None
        return in_order(found, view.order, lambda pair, name: _value(pair[0], name)), counted


def curl(record: FetchRecord, detail: FetchDetail | None, scheme: str = "https") -> str:
    """The request again, as a line for a shell; every word that the visitor chose is quoted."""
    query = f"?{detail.query}" if detail and detail.query else ""
    words = ["curl", "--include", *(["--head"] if record.method == "HEAD" else [])]
    if record.method not in {"GET", "HEAD"}:
        words += ["--request", record.method]
    if detail and detail.user_agent:
        words += ["--user-agent", detail.user_agent]
    # Without it curl would read braces and brackets of an address as a pattern.
    words += ["--globoff", "--", f"{scheme}://{record.host}{record.path}{query}"]
    return shlex.join(words)


def _chosen(view: View) -> tuple[tuple[str, str, str], ...]:
    """(word for it, value, the query without it) of what narrows the view and stands in no field of the form."""
    filter = view.filter
    found = [
        (FACETS.get(key, key), word or UNNAMED, filter.query(**{key: None})) for key, word in filter.words
    ]
    if filter.path:
        found.append(("Path", filter.path, filter.query(path=None)))
    return tuple(found)


def _nothing(view: View) -> dict[str, object]:
    return {"view": view, "rows": (), "step": "", "endings": FORMATS, **_shown(view)}


def _shown(view: View) -> dict[str, object]:
    """Which columns of the table of crawlers are shown, and the fields of the form that chooses them."""
    return {
        "COLUMNS": _CRAWLER_COLUMNS,
        "shows": lambda name: not view.columns or name in view.columns,
        "kept": parse_qsl(view.filter.query()),
    }


#: Columns that a row calls by another name.
_CALLED: Final[Mapping[str, str]] = {"crawler": "name", "class": "visitor_class", "newest": "newest_us"}


def _value(row: CrawlerRow | WorkRow | Counted, name: str) -> Any:
    """What a row is sorted by in column *name*; of several currencies the greatest amount counts. 0 for what it lacks."""
    if name == "charged":
        return max((money.micros for money in row.charged), default=0)
    if isinstance(row, Counted):
        return {"path": row.value, "fetches": row.count}.get(name, 0)
    if name in set(Decision):
        return row.decisions[Decision(name)]
    found = getattr(row, _CALLED.get(name, name), 0)
    return found.casefold() if isinstance(found, str) else found


def _beside(view: View, now: int, before: int | None) -> dict[str, Any]:
    return {**beside(now, before)} if view.compared else {}


def _crawler_cells(row: CrawlerRow) -> dict[str, Any]:
    proven = "; ".join(f"{count} {identity or 'none'}" for identity, count in row.identities.items())
    values = (
        row.name, row.operator, row.visitor_class, row.fetches, *(row.decisions[word] for word in Decision),
        proven, amounts(row.charged), row.bytes_sent, rfc3339(row.newest_us),
    )  # fmt: skip
    return dict(zip(_CRAWLER_NAMES, values, strict=True))


def _work_cells(row: WorkRow) -> dict[str, Any]:
    counts = (row.decisions[word] for word in Decision)
    values = (row.site, row.work, row.fetches, *counts, amounts(row.charged), row.bytes_sent)
    return dict(zip(_WORK_NAMES, values, strict=True))


def _path_cells(row: Counted) -> Mapping[str, Any]:
    return dict(zip(_PATH_NAMES, (row.value, row.count, amounts(row.charged)), strict=True))


assert FACETS.keys() <= WORDS.keys()
