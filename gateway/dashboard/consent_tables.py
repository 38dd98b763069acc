"""The long tables of Consent, each on a page of its own: withdrawals, objections, authors.

============================  ==================================================
``/consent/withdrawals``      what was taken back, the latest issued first
``/consent/objections``       those that wait for the owner, then the latest
``/consent/authors``          who was asked, by site and work
============================  ==================================================

Each with its four forms beside it. The table of objections names a page and a role,
never a person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.frame import Frame
from gateway.dashboard.long_tables import LongTable, Reading
from gateway.dashboard.table_forms import Cells, TableView, listed, moment
from gateway.licenses.asking_authors import AskingAuthors
from gateway.licenses.consent import Answer, consented
from gateway.licenses.hearing import Hearing
from gateway.licenses.taking_back import TakingBack
from gateway.licenses.withdrawal import Withdrawal
from gateway.policy.rules import Policy
from gateway.uses import Use


@dataclass(frozen=True, slots=True)
class Consents:
    """What these pages act on. *policies* are those in force."""

    taking_back: TakingBack
    hearing: Hearing
    asking: AskingAuthors
    policies: Callable[[], tuple[Policy, ...]]


def _state(withdrawal: Withdrawal) -> str:
    if withdrawal.readmitted_at:
        return "released" if withdrawal.hold else "readmitted"
    return "sales held" if withdrawal.hold else "in force"


_CELLS: Final[Cells] = {
    "id": lambda row: row[0].id,
    "since": lambda row: moment(row[0].since),
    "state": lambda row: _state(row[0]),
    "site": lambda row: row[0].site,
    "works": lambda row: listed(row[0].works),
    "paths": lambda row: listed(each.pattern for each in row[0].paths),
    "digests": lambda row: listed(row[0].digests),
    "bundle": lambda row: row[0].bundle,
    "licensee": lambda row: row[0].licensee,
    "uses": lambda row: listed(row[0].uses),
    "removals": lambda row: listed(f"{each.licensee} {each.state}" for each in row[1]),
}
_OBJECTION_CELLS: Final[Cells] = {
    "id": lambda row: row.id,
    "sent": lambda row: moment(row.at),
    "state": lambda row: str(row.state),
    "path": lambda row: row.path,
    "role": lambda row: str(row.role),
}
_AUTHOR_CELLS: Final[Cells] = {
    "site": lambda row: row[0].site,
    "work": lambda row: row[0].work,
    "author": lambda row: row[0].author,
    "represents_all": lambda row: "yes" if row[0].representative else "no",
    "share": lambda row: str(row[0].share),
    "consents": lambda row: listed(row[0].uses(Answer.CONSENT)),
    "declines": lambda row: listed(row[0].uses(Answer.DECLINE)),
    "may_be_sold": lambda row: listed(row[1]),
}
#: What each table is called, by its name in the address.
TITLES: Final[Mapping[str, str]] = {
    "withdrawals": "Withdrawals",
    "objections": "Objections",
    "authors": "Authors who were asked",
}


class ConsentTables:
    """Reads the long tables of *consents* and draws their pages in *frame*."""

    def __init__(self, consents: Consents, frame: Frame, clock: Clock) -> None:
        """Read *consents*."""
        self._consents, self._frame, self._clock = consents, frame, clock
        first: Callable[[Any], str] = lambda row: str(row[0].id)  # noqa: E731
        self.withdrawals = LongTable("/consent/withdrawals", _CELLS, first, self._withdrawals)
        self.objections = LongTable(
            "/consent/objections", _OBJECTION_CELLS, lambda row: str(row.id), self._objections
        )
        self.authors = LongTable("/consent/authors", _AUTHOR_CELLS, first, self._authors)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer at its addresses."""
        for table in (self.withdrawals, self.objections, self.authors):
            table.add_to(router, self._page)

    async def _page(self, request: web.Request, rows: Sequence[Any], view: TableView) -> web.StreamResponse:
        name = request.path.rpartition("/")[2]
        context = {
            "which": name, "title": TITLES[name], "path": request.path, "rows": rows, "view": view,
            "names": await self._consents.taking_back.names(), "Answer": Answer,
            "now": self._clock.now_us() // 1_000_000,
        }  # fmt: skip
        return self._frame.render(
            request, "consent_table.html", context, status=400 if view.mistakes else 200
        )

    async def _withdrawals(self) -> Reading:
        store = self._consents.taking_back.store

        async def read(most: int, after: str) -> Sequence[Any]:
            return [(each, await store.removals(each.id)) for each in await store.all(most, after)]

        return read

    async def _objections(self) -> Reading:
        return self._consents.hearing.store.all

    async def _authors(self) -> Reading:
        store, sold = self._consents.asking.store, dict[tuple[str, str], list[Use]]()

        async def read(most: int, after: str) -> Sequence[Any]:
            found = await store.all(most, after)
            for site, work in {(each.site, each.work) for each in found} - sold.keys():
                sold[site, work] = sorted(consented(await store.of_work(site, work)))
            return [(each, sold[each.site, each.work]) for each in found]

        return read
