"""A table that grows without end, on a page of its own: its store is read page by page, each behind the last row of the one before.

Its own order costs the same on every page, however many rows there are. In the
order of another cell all rows are read first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiohttp import web

from gateway.dashboard.table_forms import Cells, Keyed, TableView, add_table

#: At most so many rows behind the one of that id, the first ones for "", in the order that the table has by itself.
#: None of them where no row has that id.
Reading: TypeAlias = Callable[[int, str], Awaitable[Sequence[Any]]]
#: Draws the rows of one page, and what its address says of the table.
Drawing: TypeAlias = Callable[[web.Request, Sequence[Any], TableView], Awaitable[web.StreamResponse]]


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

    @property
    def keyed(self) -> Keyed[Any]:
        """Its rows, each behind the one before."""
        return Keyed(self._behind, self.id_of)

    async def _behind(self, _request: web.Request, after: str, most: int) -> Sequence[Any] | None:
        found = await (await self.opened())(most, after)
        return None if after and not found else found

    async def page(self, request: web.Request) -> tuple[list[Any], TableView]:
        """The rows of the page that *request* names, none where its query has a mistake; and the view of them."""
        return await self.keyed.page(request, self.cells)

    def add_to(self, router: web.UrlDispatcher, draw: Drawing) -> None:
        """Answer at its address with what *draw* makes of a page of it, and with its forms."""

        async def answer(request: web.Request) -> web.StreamResponse:
            return await draw(request, *await self.page(request))

        router.add_get(self.path, answer)
        self.add_forms(router)

    def add_forms(self, router: web.UrlDispatcher) -> None:
        """Answer as `table_forms.add_table` does."""
        add_table(router, self.path, self.cells, self.keyed)
