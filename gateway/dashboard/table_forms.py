"""A page's table for other programs: the address of the page with an ending, the same rows in each of four forms.

Each cell is a whole number or text: times are RFC 3339 in UTC, amounts exact
decimals with their currency. What a page shows of a row beyond its table, forms
and words beside words, is no cell.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from aiohttp import web

from gateway.dashboard.exports import FORMATS, each, sent
from gateway.dashboard.filters import rfc3339

#: What a table calls its cells, and how each is read off a row.
Cells = Mapping[str, Callable[[Any], Any]]


def add_table(
    router: web.UrlDispatcher,
    path: str,
    cells: Cells,
    rows: Callable[[web.Request], Awaitable[Iterable[Any]]],
) -> None:
    """Answer at *path* with each ending of `exports.FORMATS`; *rows* gives what the page of that query lists.

    *path* may be a pattern, of a table that stands on the page of one thing.
    """
    name = "-".join(part for part in path.strip("/").split("/") if not part.startswith("{"))

    async def answer(request: web.Request) -> web.StreamResponse:
        found = [{cell: read(row) for cell, read in cells.items()} for row in await rows(request)]
        return await sent(request, name, cells, each(found))

    for ending in FORMATS:
        router.add_get(f"{path}.{ending}", answer)


def moment(seconds: int) -> str:
    """A time in whole seconds as a cell; "" where there is none, which is 0.

    >>> moment(1_795_000_000), moment(0)
    ('2026-11-18T11:06:40.000000Z', '')
    """
    return rfc3339(seconds * 1_000_000) if seconds else ""


def listed(words: Iterable[object]) -> str:
    """Several words in one cell, in the order of the alphabet."""
    return ", ".join(sorted(map(str, words)))
