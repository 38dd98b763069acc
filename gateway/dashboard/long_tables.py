"""A table that grows without end, on a page of its own: its store is read page by page, each behind the last row of the one before.

Its own order costs the same on every page, however many rows there are. In the
order of another cell all rows are read first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from aiohttp import web

from gateway.dashboard.exports import FORMATS, Rows, each, sent
from gateway.dashboard.sorting import by_cells
from gateway.dashboard.table_forms import PAGE_ROWS, Cells, TableView, drawn_table, read_table

#: At most so many rows behind the one of that id, the first ones for "", in the order that the table has by itself.
#: None of them where no row has that id.
Reading: TypeAlias = Callable[[int, str], Awaitable[Sequence[Any]]]
#: Rows that a form reads at a time.
_STRIDE: Final = 500


@dataclass(frozen=True, slots=True)
class LongTable:
    """What the table at *path* is made of. *opened* gives the reading of one request, *id_of* the id of a row."""

    path: str
    cells: Cells
    id_of: Callable[[Any], str]
    opened: Callable[[], Awaitable[Reading]]

    async def newest(self, most: int) -> tuple[list[Any], bool]:
        """The first *most* rows in the table's own order, and whether there are more."""
        found = await (await self.opened())(most + 1, "")
        return list(found[:most]), len(found) > most

    async def page(self, request: web.Request) -> tuple[list[Any], TableView]:
        """The rows of the page that *request* names, none where its query has a mistake; and the view of them."""
        view = read_table(request, self.cells)
        if view.mistakes:
            return [], view
        if view.order.name:
            return view.page([row async for row in self.every()], self.cells, self.id_of)
        found = await (await self.opened())(PAGE_ROWS + 1, view.after)
        if view.after and not found:
            gone = (("after", "names no row that others stand behind now; begin with the first page"),)
            return [], replace(view, mistakes=gone)
        shown = list(found[:PAGE_ROWS])
        return shown, replace(view, next=self.id_of(shown[-1]) if len(found) > PAGE_ROWS else "")

    async def every(self) -> AsyncIterator[Any]:
        """All rows in the table's own order, of which a stride is held at a time."""
        read, after = await self.opened(), ""
        while found := await read(_STRIDE, after):
            for row in found:
                yield row
            if len(found) < _STRIDE:
                return
            after = self.id_of(found[-1])

    def add_forms(self, router: web.UrlDispatcher) -> None:
        """Answer with every row, in each ending of `exports.FORMATS`, and with ``.html`` on a page of the table alone."""
        for ending in FORMATS:
            router.add_get(f"{self.path}.{ending}", self._form)
        router.add_get(f"{self.path}.html", self._alone)

    async def _alone(self, request: web.Request) -> web.StreamResponse:
        rows, view = await self.page(request)
        return drawn_table(request, self.cells, rows, view)

    async def _form(self, request: web.Request) -> web.StreamResponse:
        view = read_table(request, self.cells)
        if view.mistakes:
            return web.Response(status=400, text="".join(f"{key}: {said}\n" for key, said in view.mistakes))
        rows = self._rows()
        if view.order.name:
            sorted_, _ = by_cells([row async for row in self.every()], self.cells, view.order)
            rows = each([self._read(row) for row in sorted_])
        return await sent(request, self.path.strip("/").replace("/", "-"), self.cells, rows)

    async def _rows(self) -> Rows:
        async for row in self.every():
            yield self._read(row)

    def _read(self, row: Any) -> dict[str, Any]:
        return {cell: read(row) for cell, read in self.cells.items()}
