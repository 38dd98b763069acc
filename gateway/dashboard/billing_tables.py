"""The long tables of Billing, each on a page of its own: statements, documents, disputes, payouts.

============================  ==================================================
``/billing/statements``       each licensee's months, by the licensee's name
``/billing/documents``        invoices and credit notes, the newest first
``/billing/disputes``         those that wait for the operator, then the latest
``/billing/payouts``          what left for creators and authors, the newest first
============================  ==================================================

Each with its four forms beside it. How an invoice stands is derived once for each
licensee that a page or a form names.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from aiohttp import web

from gateway.billing.account_book import AccountBook, months_of
from gateway.billing.billing_office import BillingOffice
from gateway.billing.dunning import Standing
from gateway.billing.invoices import HEADINGS, Document
from gateway.billing.line_disputes import Dispute
from gateway.billing.paying_out import PayingOut
from gateway.dashboard.frame import Frame
from gateway.dashboard.long_tables import LongTable, Reading
from gateway.dashboard.table_forms import Cells, TableView, moment


@dataclass(frozen=True, slots=True)
class Bills:
    """What these pages work on. *names* gives what licensees are called, by id; *test* says that all is of test mode.

    *office* is what issues documents and answers disputes; without it there are statements alone.
    *paying* is what creators and authors are paid by.
    """

    book: AccountBook
    names: Callable[[], Awaitable[dict[str, str]]]
    test: bool = False
    office: BillingOffice | None = None
    paying: PayingOut | None = None


_MONTH_CELLS: Final[Cells] = {name: itemgetter(name) for name in ("licensee", "name", "month", "closed")}
_DOCUMENT_CELLS: Final[Cells] = {
    "id": lambda row: row[0].id,
    "number": lambda row: row[0].label or "",
    "kind": lambda row: str(row[0].kind),
    "licensee": lambda row: row[0].licensee,
    "name": lambda row: row[2],
    "period": lambda row: str(row[0].period),
    "due": lambda row: str(row[0].told.get("due_on") or ""),
    "state": lambda row: str(row[1].state) if row[1] else "",
    "total": lambda row: str(row[0].total),
    "open": lambda row: str(row[1].open) if row[1] else "",
}
_DISPUTE_CELLS: Final[Cells] = {
    "id": lambda row: row[0].id,
    "answer_by": lambda row: moment(row[0].answer_by),
    "state": lambda row: str(row[0].state),
    "licensee": lambda row: row[0].licensee,
    "name": lambda row: row[1],
    "line": lambda row: str(row[0].line),
    "amount": lambda row: str(row[0].amount),
}
_PAYOUT_CELLS: Final[Cells] = {
    "id": lambda row: row.id,
    "since": lambda row: moment(row.changed_at),
    "state": lambda row: str(row.state),
    "payee": lambda row: row.author or row.payee.name,
    "rail": lambda row: str(row.payee.rail),
    "amount": lambda row: str(row.amount),
}
#: What each table is called, by its name in the address.
TITLES: Final[Mapping[str, str]] = {
    "statements": "Statements",
    "documents": "Invoices and credit notes",
    "disputes": "Disputes",
    "payouts": "Payouts",
}


class BillingTables:
    """Reads the long tables of *bills* and draws their pages in *frame*."""

    def __init__(self, bills: Bills, frame: Frame) -> None:
        """Read *bills*."""
        self._bills, self._frame = bills, frame
        self.documents = LongTable(
            "/billing/documents", _DOCUMENT_CELLS, lambda row: str(row[0].id), self._documents
        )
        self.disputes = LongTable(
            "/billing/disputes", _DISPUTE_CELLS, lambda row: str(row[0].id), self._disputes
        )
        self.payouts = LongTable("/billing/payouts", _PAYOUT_CELLS, lambda row: str(row.id), self._payouts)
        self.statements = LongTable("/billing/statements", _MONTH_CELLS, _month_id, self._months)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer at its addresses."""
        for table in (self.statements, self.documents, self.disputes, self.payouts):
            table.add_to(router, self._page)

    async def _page(self, request: web.Request, rows: Sequence[Any], view: TableView) -> web.StreamResponse:
        name = request.path.rpartition("/")[2]
        context = {
            "which": name, "title": TITLES[name], "path": request.path, "rows": rows, "view": view,
            "headings": HEADINGS, "test": self._bills.test,
        }  # fmt: skip
        return self._frame.render(
            request, "billing_table.html", context, status=400 if view.mistakes else 200
        )

    async def licensees(self) -> tuple[dict[str, str], list[str]]:
        """What everybody is called, and the ids of all who have an account, by what they are called."""
        names = await self._bills.names()
        ids = await self._bills.book.licensees()
        return names, sorted(ids, key=lambda each: (names.get(each, each), each))

    async def months(self, licensee: str) -> list[tuple[str, bool]]:
        """Each month of *licensee* and whether it is closed, the newest first."""
        closed = await self._bills.book.closes(licensee)
        return [(each.name, each.name in closed) for each in await months_of(self._bills.book, licensee)]

    async def _months(self) -> Reading:
        names, ids = await self.licensees()

        async def read(most: int, after: str) -> Sequence[Mapping[str, str]]:
            begins, _, _ = after.rpartition("/")
            if after and begins not in ids:
                return ()
            found: list[Mapping[str, str]] = []
            for id in ids[ids.index(begins) if after else 0 :]:
                rows = [
                    {"licensee": id, "name": names.get(id, id), "month": month, "closed": "yes" if closed else "no"}
                    for month, closed in await self.months(id)
                ]  # fmt: skip
                if after and id == begins:
                    places = [nth for nth, row in enumerate(rows, 1) if _month_id(row) == after]
                    if not places:
                        return ()
                    rows = rows[places[0] :]
                found += rows
                if len(found) >= most:
                    break
            return found[:most]

        return read

    async def _documents(self) -> Reading:
        office, names = self._bills.office, await self._bills.names()
        stands, derived = dict[str, Standing](), set[str]()

        async def read(most: int, after: str) -> Sequence[tuple[Document, Standing | None, str]]:
            if office is None:
                return ()
            documents = await office.issuer.documents.of("", most, after)
            for licensee in {each.licensee for each in documents} - derived:
                derived.add(licensee)
                stands.update({each.document.id: each for each in await office.standings(licensee)})
            return [
                (each, stands.get(each.id), names.get(each.licensee, each.licensee)) for each in documents
            ]

        return read

    async def _disputes(self) -> Reading:
        office, names = self._bills.office, await self._bills.names()

        async def read(most: int, after: str) -> Sequence[tuple[Dispute, str]]:
            if office is None:
                return ()
            found = await office.disputes.of("", most, after)
            return [(each, names.get(each.licensee, each.licensee)) for each in found]

        return read

    async def _payouts(self) -> Reading:
        paying = self._bills.paying

        async def read(most: int, after: str) -> Sequence[Any]:
            return () if paying is None else await paying.book.all(most, after)

        return read


def _month_id(row: Mapping[str, str]) -> str:
    return f"{row['licensee']}/{row['month']}"
