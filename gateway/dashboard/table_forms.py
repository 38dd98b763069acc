"""A page's table for other programs: the address of the page with an ending, the same rows in each of four forms.

Each cell is a whole number or text: times are RFC 3339 in UTC, amounts exact
decimals with their currency. What a page shows of a row beyond its table, forms
and words beside words, is no cell. Each takes ``columns=`` and ``sort=``, a cell
or ``-`` and a cell; a page of a long table also ``after=``, the id of the last
row before it. A table that grows without bound is `Keyed`: in its own order a page
and every form of it read rows behind a key, and never those before it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlencode

from aiohttp import web

from gateway.dashboard.exports import FORMATS, each, sent
from gateway.dashboard.filters import rfc3339
from gateway.dashboard.sorting import BY_ITSELF, Order, by_cells, order_of

#: What a table calls its cells, and how each is read off a row.
Cells = Mapping[str, Callable[[Any], Any]]


_T = TypeVar("_T")
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

    *path* may be a pattern, of a table that stands on the page of one thing.
    """
    name = "-".join(part for part in path.strip("/").split("/") if not part.startswith("{"))

    async def answer(request: web.Request) -> web.StreamResponse:
        view = read_table(request, cells)
        if view.mistakes:
            return web.Response(status=400, text="".join(f"{key}: {said}\n" for key, said in view.mistakes))
        if isinstance(rows, Keyed) and not view.order.name:
            told = _told(rows.each(request), cells)
            return await sent(request, name, cells, told)
        every = await (rows.all(request) if isinstance(rows, Keyed) else rows(request))
        sorted_, _ = by_cells(every, cells, view.order)
        found = [{cell: read(row) for cell, read in cells.items()} for row in sorted_]
        return await sent(request, name, cells, each(found))

    for ending in FORMATS:
        router.add_get(f"{path}.{ending}", answer)


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
