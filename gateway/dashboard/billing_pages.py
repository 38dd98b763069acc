"""Billing: the account statements of every licensee, and what is issued of them.

========================================  ====================================
``/billing``                              what is owed, and the newest of each table
``/billing/statements``, ``/documents``,  each table whole (`billing_tables`)
``/disputes``, ``/payouts``
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
from collections.abc import Iterable, Mapping
from typing import Final

from aiohttp import web

from gateway.billing.account_book import read_account
from gateway.billing.account_forms import as_csv, as_json, paper
from gateway.billing.billing_office import BillingOffice
from gateway.billing.invoice_paper import invoice_paper
from gateway.billing.invoices import HEADINGS, NotIssued
from gateway.billing.minor_units import shown
from gateway.billing.paper_pdf import PDF, available, paper_pdf
from gateway.billing.sheets import Paper
from gateway.billing.statements import Period, PeriodError, StatementDisagrees
from gateway.clock import Clock
from gateway.dashboard.billing_figures import BESIDE, NAMES, Sums, changes_of, figures_of, rows_of
from gateway.dashboard.billing_tables import BillingTables, Bills
from gateway.dashboard.exports import FORMATS, mistaken, sent
from gateway.dashboard.exports import each as each_row
from gateway.dashboard.filters import View, read_view
from gateway.dashboard.frame import Frame
from gateway.dashboard.payout_pages import PayoutPages
from gateway.dashboard.periods import Change
from gateway.money import Money
from gateway.problems import Refusal, StoreUnavailable

#: Documents, and disputes, that are looked at for the figures unless all are asked for.
_MOST: Final = 200
#: Rows of a table that has a page of its own.
_NEWEST: Final = 10
#: What the figures are asked by.
_PERIOD: Final = frozenset({"last", "from", "to", "compare", "columns"})
_FORMS: Final = ("json", "csv", "pdf")


class BillingPages:
    """Draws the pages about bills."""

    def __init__(self, bills: Bills, frame: Frame, clock: Clock) -> None:
        """Work on *bills*, drawn in *frame*."""
        self._bills, self._frame, self._clock = bills, frame, clock
        self._tables = BillingTables(bills, frame)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer at its addresses."""
        router.add_get("/billing", self._all)
        self._tables.add_to(router)
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
        names, ids = await self._tables.licensees()
        accounts = [(names.get(id, id), id, await self._tables.months(id)) for id in ids[:_NEWEST]]
        view, status = self._period(request)
        figures: tuple[Change, ...] = ()
        # Adding up every account takes a while: only for whoever asks.
        if status == 200 and view.given:
            now, before = await self._sums(view)
            figures = changes_of(now, now if before is None else before)
        context = {
            "accounts": accounts, "all_accounts": len(ids), "test": self._bills.test, "view": view,
            "figures": figures, **await self._issued(everything=request.query.get("owed") == "all"),
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

    async def _issued(self, *, everything: bool) -> dict[str, object]:
        """What is owed, and the newest of each table.

        Without *everything*, only licensees of the newest `_MOST` documents are added up; *partial* says if there are more.
        """
        office, paying = self._bills.office, self._bills.paying
        if office is None:
            return {"documents": [], "disputes": [], "issues": False, "payouts": (), "pays": False}
        documents, more_documents = await self._tables.documents.newest(_NEWEST)
        disputes, more_disputes = await self._tables.disputes.newest(_NEWEST)
        payouts, more_payouts = await self._tables.payouts.newest(_NEWEST)
        counted, licensees, last = 0, set[str](), ""
        while found := await office.issuer.documents.of("", _MOST, last):
            counted, last = counted + len(found), found[-1].id
            licensees |= {each.licensee for each in found}
            if not everything:
                break
        partial = not everything and bool(last and await office.issuer.documents.of("", 1, last))
        unpaid = [
            each for licensee in sorted(licensees) for each in await office.standings(licensee) if each.open
        ]
        waiting, over = await _waiting(office)
        return {
            "documents": documents, "disputes": disputes, "issues": True, "headings": HEADINGS, "payouts": payouts,
            "more_documents": more_documents, "more_disputes": more_disputes, "more_payouts": more_payouts,
            "counted": counted, "partial": partial, "waiting": waiting, "over": over,
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


async def _waiting(office: BillingOffice) -> tuple[int, bool]:
    """How many disputes wait for the operator, of those that stand first, and whether there may be more."""
    found = await office.disputes.of("", _MOST)
    waiting = sum(each.state == "open" for each in found)
    return waiting, waiting == _MOST


def _added(amounts: Iterable[Money]) -> tuple[Money, ...]:
    sums: dict[str, Money] = {}
    for each in amounts:
        sums[each.currency] = sums.get(each.currency, Money(0, each.currency)) + each
    return tuple(sum_ for _, sum_ in sorted(sums.items()))


def saved(octets: bytes, media_type: str, name: str) -> web.Response:
    """A file to be saved."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Type": media_type}
    return web.Response(body=octets, headers=headers)
