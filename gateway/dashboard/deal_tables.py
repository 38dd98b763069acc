"""What of one negotiation is a table, for other programs: lever by lever, red flags, the checklist, the transcript.

The creator's position is none of them: it stands on the page alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from aiohttp import web

from gateway.dashboard.deals import DealPage
from gateway.dashboard.table_forms import Cells, add_table, moment

_LEVERS: Final[Cells] = {
    "lever": lambda row: row[0].name,
    "offer": lambda row: row[0].other,
    "proposed": lambda row: row[0].one,
    "table": lambda row: row[1],
    "proposed_is": lambda row: "the same" if row[0].same else "wider" if row[0].wider else "narrower",
}
_FLAGS: Final[Cells] = {
    "severity": lambda row: str(row.severity),
    "flag": lambda row: row.name,
    "lever": lambda row: str(row.lever),
    "term": lambda row: row.term,
}
_CHECKLIST: Final[Cells] = {
    "what": lambda row: row.what,
    "mark": lambda row: str(row.mark),
    "why": lambda row: row.why,
}
_TRANSCRIPT: Final[Cells] = {
    "nth": lambda row: row.entry.nth,
    "at": lambda row: moment(row.entry.at),
    "by": lambda row: str(row.entry.by),
    "act": lambda row: row.entry.act,
    "told": lambda row: row.told,
    "body": lambda row: row.entry.body,
    "hash": lambda row: row.entry.hash,
}
_TABLES: Final[tuple[tuple[str, Cells, Callable[[DealPage], Iterable[Any]]], ...]] = (
    ("levers", _LEVERS, lambda page: [(row, page.table.get(row.lever, "")) for row in page.rows]),
    ("flags", _FLAGS, lambda page: page.flags),
    ("checklist", _CHECKLIST, lambda page: page.items),
    ("transcript", _TRANSCRIPT, lambda page: page.transcript),
)


def add_tables(router: web.UrlDispatcher, read: Callable[[web.Request], Awaitable[DealPage]]) -> None:
    """Answer with each of them; *read* finds the negotiation that a request names, or raises `HTTPNotFound`."""
    for name, cells, rows in _TABLES:
        add_table(router, f"/deals/{{id}}/{name}", cells, _rows(read, rows))


def _rows(
    read: Callable[[web.Request], Awaitable[DealPage]], rows: Callable[[DealPage], Iterable[Any]]
) -> Callable[[web.Request], Awaitable[Iterable[Any]]]:
    async def found(request: web.Request) -> Iterable[Any]:
        return rows(await read(request))

    return found
