"""A page's table for other programs: the address of the page with an ending, the same rows in each of four forms.

Each cell is a whole number or text: times are RFC 3339 in UTC, amounts exact
decimals with their currency. What a page shows of a row beyond its table, forms
and words beside words, is no cell. Each takes ``columns=`` and ``sort=``, a cell
or ``-`` and a cell; a page of a long table also ``after=``, the id of the last
row before it. A table that grows without bound is `Keyed`: in its own order a page
and every form of it read rows behind a key, and never those before it.
With ``.html`` the address is a page of the table alone, whole,
however little of it stands on the page that leads there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote, urlencode

from aiohttp import web

from gateway.dashboard.cell_words import cell_of, heading_of
from gateway.dashboard.columns import columns_of
from gateway.dashboard.exports import FORMATS, each, sent
from gateway.dashboard.filters import rfc3339
from gateway.dashboard.frame import FRAME
from gateway.dashboard.gatekeeping import signed_of
from gateway.dashboard.permissions import wanted
from gateway.dashboard.sorting import BY_ITSELF, Order, by_cells, order_of

#: What a table calls its cells, and how each is read off a row.
Cells = Mapping[str, Callable[[Any], Any]]


_T = TypeVar("_T")


class BadQuery(Exception):
    """The query of a table does not say of what it is; *mistakes* are (key, clause) pairs."""

    def __init__(self, mistakes: Sequence[tuple[str, str]]) -> None:
        """Tell *mistakes*."""
        super().__init__("; ".join(f"{key} {said}" for key, said in mistakes))
        self.mistakes = tuple(mistakes)


#: What a table's own page reads of its query; anything else is its rows'.
OWN: Final = frozenset({"sort", "after", "columns"})
#: Rows of one page of a long table.
PAGE_ROWS: Final = 100
#: Rows of a long table that a form of it reads at once.
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class TableView:
    """What the address of a page says of its table. *mistakes* and *notes* are (key, sentence) pairs.

    *after* is the id of the last row of the page before, "" for the first page.
    *next* is that of the last row shown where more follow, once `page` was asked;
    *kept* what the address says besides, which every link of the table says too.
    """

    order: Order = BY_ITSELF
    after: str = ""
    mistakes: tuple[tuple[str, str], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    next: str = ""
    kept: tuple[tuple[str, str], ...] = ()

    def query(self, **changes: str | None) -> str:
        """The query string of the same table; *changes* set or (None) drop keys. The page is none of it."""
        pairs: dict[str, str | None] = {**dict(self.kept), "sort": self.order.said or None}
        return urlencode([(key, value) for key, value in (pairs | changes).items() if value])

    def page(
        self, rows: Iterable[_T], cells: Cells, id_of: Callable[[_T], str]
    ) -> tuple[list[_T], TableView]:
        """The rows of this page, and the view with the order that stands and what follows.

        A page after a row that is there no more is empty, with a mistake.
        """
        if self.mistakes:
            return [], self
        every, order = by_cells(rows, cells, self.order)
        first = 0
        if self.after:
            places = [nth for nth, row in enumerate(every) if id_of(row) == self.after]
            if not places:
                gone = (("after", "names no row that is there now; begin with the first page"),)
                return [], replace(self, order=order, mistakes=gone)
            first = places[0] + 1
        shown = every[first : first + PAGE_ROWS]
        more = len(every) > first + PAGE_ROWS
        return shown, replace(self, order=order, next=id_of(shown[-1]) if more else "")


@dataclass(frozen=True, slots=True)
class Keyed(Generic[_T]):
    """A long table in its own order: rows behind a key.

    *behind* gives the first rows behind a key, "" for the first of all, at most
    so many; None for what is no key of this table. *key* is that of a row, and
    holds what the order goes by: a row that is gone leaves its place behind.
    """

    behind: Callable[[web.Request, str, int], Awaitable[Sequence[_T] | None]]
    key: Callable[[_T], str]

    async def page(self, request: web.Request, cells: Cells) -> tuple[list[_T], TableView]:
        """The rows of the page that *request* asks for, as `TableView.page` does.

        Only in another order than its own are all rows read.
        """
        view = read_table(request, cells)
        if view.mistakes or view.order.name:
            return view.page([] if view.mistakes else await self.all(request), cells, self.key)
        found = await self.behind(request, view.after, PAGE_ROWS + 1)
        if found is None:
            wrong = (("after", "names no row that is there now; begin with the first page"),)
            return [], replace(view, mistakes=wrong)
        shown = list(found[:PAGE_ROWS])
        return shown, replace(view, next=self.key(shown[-1]) if len(found) > PAGE_ROWS else "")

    async def each(self, request: web.Request) -> AsyncIterator[_T]:
        """Every row in the table's own order, some hundred at a time."""
        after = ""
        while found := await self.behind(request, after, _AT_ONCE):
            for row in found:
                yield row
            if len(found) < _AT_ONCE:
                return
            after = self.key(found[-1])

    async def all(self, request: web.Request) -> list[_T]:
        """Every row at once, for an order that is not the table's own."""
        return [row async for row in self.each(request)]


def read_table(request: web.Request, cells: Cells) -> TableView:
    """Read what the query of *request* says of a table with *cells*. Raises nothing."""
    after, said = request.query.get("after", ""), request.query.get("sort", "")
    order = order_of(said, cells) if said else BY_ITSELF
    if isinstance(order, str):
        return TableView(after=after, mistakes=(("sort", order),))
    return TableView(order, after)


def rows_in(rows: Sequence[_T], cells: Cells, view: TableView) -> tuple[list[_T], TableView]:
    """All *rows* in the order of *view*, none where it has a mistake; and the view as headings show it."""
    if view.mistakes:
        return [], view
    found, order = by_cells(rows, cells, view.order)
    return found, replace(view, order=order)


def add_table(
    router: web.UrlDispatcher,
    path: str,
    cells: Cells,
    rows: Callable[[web.Request], Awaitable[Iterable[Any]]] | Keyed[Any],
) -> None:
    """Answer at *path* with each ending of `exports.FORMATS`; *rows* gives what the page of that query lists.

    Where it raises `BadQuery`, each answers 400 with the mistakes. *path* may be a pattern, of a table that stands on the page of one thing.
    """
    name = "-".join(part for part in path.strip("/").split("/") if not part.startswith("{"))

    async def answer(request: web.Request) -> web.StreamResponse:
        view = read_table(request, cells)
        if view.mistakes:
            return _refused(view.mistakes)
        if isinstance(rows, Keyed) and not view.order.name:
            told = _told(rows.each(request), cells)
            return await sent(request, name, cells, told)
        try:
            every = await (rows.all(request) if isinstance(rows, Keyed) else rows(request))
        except BadQuery as error:
            return _refused(error.mistakes)
        sorted_, _ = by_cells(every, cells, view.order)
        found = [{cell: read(row) for cell, read in cells.items()} for row in sorted_]
        return await sent(request, name, cells, each(found))

    for ending in FORMATS:
        router.add_get(f"{path}.{ending}", answer)

    async def page(request: web.Request) -> web.StreamResponse:
        if isinstance(rows, Keyed):
            return drawn_table(request, cells, *await rows.page(request, cells))
        try:
            found = await rows(request)
        except BadQuery as error:
            return drawn_table(
                request, cells, [], replace(read_table(request, cells), mistakes=error.mistakes)
            )
        return await _page(request, cells, found)

    router.add_get(f"{path}.html", page)


def _refused(mistakes: Iterable[tuple[str, str]]) -> web.Response:
    return web.Response(status=400, text="".join(f"{key}: {said}\n" for key, said in mistakes))


async def _page(request: web.Request, cells: Cells, rows: Iterable[Any]) -> web.StreamResponse:
    """The table as a page of its own, a part at a time."""
    # A row without an id of its own goes by its place.
    every = [(str(cells["id"](row)) if "id" in cells else str(nth), row) for nth, row in enumerate(rows)]
    part, view = read_table(request, cells).page(every, _second(cells), itemgetter(0))
    return drawn_table(request, cells, [row for _, row in part], view, of=len(every))


def drawn_table(
    request: web.Request, cells: Cells, rows: Sequence[Any], view: TableView, *, of: int | None = None
) -> web.StreamResponse:
    """The page of a table alone: of *rows*, the part that *view* is of, every cell, or those of ``columns=``.

    *of* is how many rows there are in all, where that is known.
    """
    named = columns_of(",".join(request.query.getall("columns", [])), tuple(cells))
    chosen = () if isinstance(named, str) else named
    kept = [pair for pair in request.query.items() if pair[0] not in OWN]
    kept += [("columns", ",".join(chosen))] if chosen else []
    view = replace(view, kept=tuple(kept))
    if isinstance(named, str):
        view = replace(view, mistakes=(*view.mistakes, ("columns", named)))
    names = chosen or tuple(cells)
    shown = [[cell_of(cells[name](row)) for name in names] for row in rows] if not view.mistakes else []
    numbers = [
        any(row[nth].number for row in shown) and all(row[nth].number or not row[nth].text for row in shown)
        for nth in range(len(names))
    ]
    at = request.path.removesuffix(".html")
    above, _, last = at.rpartition("/")
    above, top = above or at, (above or at).rpartition("/")[2]
    crumb = heading_of(top) if top.isalpha() else top
    signed = signed_of(request)
    context = {
        "view": view, "rows": shown, "all": of, "columns": list(zip(names, numbers, strict=True)),
        "names": {name: heading_of(name) for name in cells}, "chosen": chosen, "at": quote(at),
        "kept": [pair for pair in (*kept, ("sort", view.order.said)) if pair[0] != "columns" and pair[1]],
        "title": crumb if above == at else f"{crumb}: {last}", "above": quote(above), "crumb": crumb,
        "asked": urlencode([pair for pair in kept if pair[0] != "columns"]),
        "seen": lambda pattern: signed is not None and signed.may(wanted("GET", pattern)),
    }  # fmt: skip
    status = 400 if view.mistakes else 200
    return request.app[FRAME].render(request, "table.html", context, status=status)


def _second(cells: Cells) -> Cells:
    """*cells* of what is second in a pair."""

    def of(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda pair: read(pair[1])

    return {name: of(read) for name, read in cells.items()}


async def _told(rows: AsyncIterator[Any], cells: Cells) -> AsyncIterator[Mapping[str, Any]]:
    async for row in rows:
        yield {cell: read(row) for cell, read in cells.items()}


def moment(seconds: int) -> str:
    """A time in whole seconds as a cell; "" where there is none, which is 0.

    >>> moment(1_795_000_000), moment(0)
    ('2026-11-18T11:06:40.000000Z', '')
    """
    return rfc3339(seconds * 1_000_000) if seconds else ""


def listed(words: Iterable[object]) -> str:
    """Several words in one cell, in the order of the alphabet."""
    return ", ".join(sorted(map(str, words)))
