"""Billing: the account statements of every licensee, and what is issued of them.

========================================  ====================================
``/billing``                              licensees and their months
``/billing/statements/LICENSEE/MONTH``    one account; ``.json``, ``.csv`` and
                                          ``.pdf`` beside it
``/billing/documents/ID``                 one invoice or credit note, as it was
                                          issued; ``.json``, ``.pdf``
``/billing/disputes/ID``                  one dispute, with its forms
``/billing/disputes/ID/accept|reject``    POST: the operator's answer
``/billing/figures.ENDING``               what all were charged and paid in a
                                          period, beside another
``/billing/authors``                      authors and what they are paid
                                          (`payout_pages`)
========================================  ====================================
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from aiohttp import web

from gateway.billing.account_book import AccountBook, months_of, read_account
from gateway.billing.account_forms import as_csv, as_json, paper
from gateway.billing.billing_office import BillingOffice
from gateway.billing.dunning import Standing
from gateway.billing.invoice_paper import invoice_paper
from gateway.billing.invoices import HEADINGS, Document, NotIssued
from gateway.billing.line_disputes import Dispute
from gateway.billing.minor_units import shown
from gateway.billing.paper_pdf import PDF, available, paper_pdf
from gateway.billing.paying_out import PayingOut
from gateway.billing.payouts import Payout
from gateway.billing.sheets import Paper
from gateway.billing.statements import Period, PeriodError, StatementDisagrees
from gateway.clock import Clock
from gateway.dashboard.billing_figures import BESIDE, NAMES, Sums, changes_of, figures_of, rows_of
from gateway.dashboard.exports import FORMATS, mistaken, sent
from gateway.dashboard.exports import each as each_row
from gateway.dashboard.filters import View, read_view
from gateway.dashboard.frame import Frame
from gateway.dashboard.payout_pages import PayoutPages
from gateway.dashboard.periods import Change
from gateway.dashboard.table_forms import ALL, FEW, Cells, add_table, moment
from gateway.money import Money
from gateway.problems import Refusal, StoreUnavailable

#: What the figures are asked by.
_PERIOD: Final = frozenset({"last", "from", "to", "compare", "columns"})
_FORMS: Final = ("json", "csv", "pdf")


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


class BillingPages:
    """Draws the pages about bills."""

    def __init__(self, bills: Bills, frame: Frame, clock: Clock) -> None:
        """Work on *bills*, drawn in *frame*."""
        self._bills, self._frame, self._clock = bills, frame, clock

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer at its addresses."""
        router.add_get("/billing", self._all)
        for name, cells, rows in (
            ("statements", _MONTH_CELLS, self._months),
            ("documents", _DOCUMENT_CELLS, self._documents),
            ("disputes", _DISPUTE_CELLS, self._disputes),
            ("payouts", _PAYOUT_CELLS, self._payouts),
        ):
            add_table(router, f"/billing/{name}", cells, rows)
        for ending in FORMATS:
            router.add_get(f"/billing/figures.{ending}", self._figures)
        router.add_get(r"/billing/statements/{licensee}/{month:\d{4}-\d{2}}", self._statement)
        router.add_get(
            r"/billing/statements/{licensee}/{month:\d{4}-\d{2}}.{ending:json|csv|pdf}", self._statement
        )

        if self._bills.office is not None:
            router.add_get("/billing/documents/{id:[a-z0-9_]+}", self._document)
            router.add_get("/billing/documents/{id:[a-z0-9_]+}.{ending:json|pdf}", self._document)
            router.add_get("/billing/disputes/{id}", self._dispute)
            router.add_post("/billing/disputes/{id}/{act:accept|reject}", self._decide)
        if self._bills.paying is not None:
            PayoutPages(self._bills.paying, self._frame, test=self._bills.test).add_to(router)

    async def _all(self, request: web.Request) -> web.StreamResponse:
        names = await self._bills.names()
        accounts = await self._accounts(names)
        view, status = self._period(request)
        figures: tuple[Change, ...] = ()
        # Adding up every account takes a while: only for whoever asks.
        if status == 200 and view.given:
            now, before = await self._sums(view)
            figures = changes_of(now, now if before is None else before)
        context = {
            "accounts": sorted(accounts)[:FEW], "licensees": len(accounts), "test": self._bills.test, "view": view,
            "figures": figures, "few": FEW, **await self._issued(names),
        }  # fmt: skip
        return self._frame.render(request, "billing.html", context, status=status)

    def _period(self, request: web.Request) -> tuple[View, int]:
        asked = [(key, value) for key, value in request.query.items() if key in _PERIOD]
        view = read_view(asked, self._clock.now_us(), last="30d", columns=None)
        return view, 400 if view.mistakes else 200

    async def _sums(self, view: View) -> tuple[Sums, Sums | None]:
        licensees, now_us = await self._bills.book.licensees(), self._clock.now_us()
        now = await figures_of(self._bills.book, licensees, view.filter, now_us)
        if view.compared is None:
            return now, None
        return now, await figures_of(self._bills.book, licensees, view.compared, now_us)

    async def _figures(self, request: web.Request) -> web.StreamResponse:
        view, status = self._period(request)
        if status != 200:
            return mistaken(view)
        now, before = await self._sums(view)
        names = NAMES if before is None else (*NAMES, *BESIDE)
        return await sent(request, "billing-figures", names, each_row(rows_of(now, before)))

    async def _accounts(self, names: dict[str, str]) -> list[tuple[str, str, list[tuple[str, bool]]]]:
        accounts = []
        for licensee in await self._bills.book.licensees():
            closed = await self._bills.book.closes(licensee)
            months = await months_of(self._bills.book, licensee)
            accounts.append(
                (
                    names.get(licensee, licensee),
                    licensee,
                    [(each.name, each.name in closed) for each in months],
                )
            )
        return accounts

    async def _months(self, _request: web.Request) -> list[Mapping[str, str]]:
        return [
            {"licensee": id, "name": name, "month": month, "closed": "yes" if closed else "no"}
            for name, id, months in sorted(await self._accounts(await self._bills.names()))
            for month, closed in months
        ]

    async def _documents(self, _request: web.Request) -> list[tuple[Document, Standing | None, str]]:
        return await self._billed(await self._bills.names(), await self._standings(), ALL)

    async def _disputes(self, _request: web.Request) -> list[tuple[Dispute, str]]:
        return await self._disputed_lines(await self._bills.names(), ALL)

    async def _payouts(self, _request: web.Request) -> Sequence[Payout]:
        return await self._bills.paying.book.all(ALL) if self._bills.paying else ()

    async def _standings(self) -> dict[str, Standing]:
        """How every invoice stands, by its id."""
        office, stands = self._bills.office, dict[str, Standing]()
        for licensee in await self._bills.book.licensees() if office else ():
            stands |= {each.document.id: each for each in await office.standings(licensee)} if office else {}
        return stands

    async def _billed(
        self, names: Mapping[str, str], stands: Mapping[str, Standing], most: int
    ) -> list[tuple[Document, Standing | None, str]]:
        found = await self._bills.office.issuer.documents.of("", most) if self._bills.office else ()
        return [(each, stands.get(each.id), names.get(each.licensee, each.licensee)) for each in found]

    async def _disputed_lines(self, names: Mapping[str, str], most: int) -> list[tuple[Dispute, str]]:
        found = await self._bills.office.disputes.of("", most) if self._bills.office else ()
        return [(each, names.get(each.licensee, each.licensee)) for each in found]

    async def _issued(self, names: Mapping[str, str]) -> dict[str, object]:
        """What the page shows of documents, disputes and payouts: sums of all, rows of the newest."""
        if self._bills.office is None:
            return {"documents": [], "disputes": [], "issues": False, "payouts": (), "pays": False}
        stands, paying = await self._standings(), self._bills.paying
        unpaid = [each for each in stands.values() if each.open]
        return {
            "documents": await self._billed(names, stands, FEW), "issued": len(stands), "issues": True,
            "disputes": await self._disputed_lines(names, FEW), "headings": HEADINGS,
            "payouts": await paying.book.all(FEW) if paying else (),
            "pays": paying is not None, "open": _added(each.open for each in unpaid), "unpaid": len(unpaid),
            "soonest": min((due for each in unpaid if (due := each.document.told["due_on"])), default=""),
        }  # fmt: skip

    async def _document(self, request: web.Request) -> web.StreamResponse:
        office = self._office()
        found = await office.issuer.documents.get(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        standing = await office.standing(found)
        ending = request.match_info.get("ending", "")
        if ending == "json":
            return saved(found.content.encode(), "application/json", f"{found.label or found.id}.json")
        state = f"{standing.state}, {shown(standing.open)} open" if standing and not ending else ""
        at = f"/billing/documents/{found.id}"
        return await self.drawn(request, invoice_paper(found, state), at, ending, forms=["json", "pdf"])

    async def _dispute(self, request: web.Request) -> web.StreamResponse:
        return await self._disputed(request, {}, "")

    async def _disputed(
        self, request: web.Request, given: Mapping[str, str], wrong: str
    ) -> web.StreamResponse:
        office = self._office()
        found = await office.disputes.get(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        document = await office.issuer.documents.get(found.document)
        context = {
            "dispute": found, "document": document, "given": given.get("answer", ""), "wrong": wrong,
            "name": (await self._bills.names()).get(found.licensee, found.licensee), "test": self._bills.test,
        }  # fmt: skip
        return self._frame.render(request, "billing_dispute.html", context, status=400 if wrong else 200)

    async def _decide(self, request: web.Request) -> web.StreamResponse:
        form, office = await self._frame.form_of(request), self._office()
        id, answer = request.match_info["id"], form.get("answer", "")
        try:
            act = office.accept if request.match_info["act"] == "accept" else office.reject
            done = await act(id, answer)
        except NotIssued as error:
            return await self._disputed(request, form, f"{error}.")
        if isinstance(done, Refusal):
            return await self._disputed(request, form, done.detail)
        raise web.HTTPSeeOther(f"/billing/disputes/{id}")

    def _office(self) -> BillingOffice:
        assert self._bills.office is not None, "its addresses are not there without it"
        return self._bills.office

    async def _statement(self, request: web.Request) -> web.StreamResponse:
        licensee, test = request.match_info["licensee"], self._bills.test
        try:
            period = Period.parse(request.match_info["month"])
        except PeriodError:
            raise web.HTTPNotFound from None
        if licensee not in await self._bills.book.licensees():
            raise web.HTTPNotFound
        name = (await self._bills.names()).get(licensee, licensee)
        try:
            made = await read_account(self._bills.book, licensee, name, period, test=test)
        except StatementDisagrees as error:
            raise StoreUnavailable(f"{error}; run licet books check") from error
        ending = request.match_info.get("ending", "")
        if ending == "json":
            return saved(
                as_json(made, test=test).encode(), "application/json", f"statement-{period.name}.json"
            )
        if ending == "csv":
            return saved(as_csv(made, test=test).encode(), "text/csv", f"statement-{period.name}.csv")
        at = f"/billing/statements/{licensee}/{period.name}"
        return await self.drawn(request, paper(made, test=test), at, ending)

    async def drawn(
        self, request: web.Request, document: Paper, at: str, ending: str, **more: object
    ) -> web.StreamResponse:
        """*document*, which lies *at*, as a page, or as a PDF."""
        if ending == "pdf":
            if not available():
                raise web.HTTPNotFound
            octets = await asyncio.to_thread(paper_pdf, document)
            return saved(octets, PDF, f"{document.heading}.pdf".encode("ascii", "ignore").decode())
        forms = [each for each in _FORMS if each != "pdf" or available()]
        context = {"paper": document, "at": at, "forms": forms, "test": self._bills.test, **more}
        return self._frame.render(request, "billing_paper.html", context)


def _added(amounts: Iterable[Money]) -> tuple[Money, ...]:
    sums: dict[str, Money] = {}
    for each in amounts:
        sums[each.currency] = sums.get(each.currency, Money(0, each.currency)) + each
    return tuple(sum_ for _, sum_ in sorted(sums.items()))


def saved(octets: bytes, media_type: str, name: str) -> web.Response:
    """A file to be saved."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Type": media_type}
    return web.Response(body=octets, headers=headers)
