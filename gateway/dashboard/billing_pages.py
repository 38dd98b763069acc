"""Billing: the account statements of every licensee, and what is issued of them.

========================================  ====================================
``/billing``                              licensees and their months
``/billing/statements/LICENSEE/MONTH``    one account; ``.json``, ``.csv`` and
                                          ``.pdf`` beside it
========================================  ====================================
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.billing.account_book import AccountBook, months_of, read_account
from gateway.billing.account_forms import as_csv, as_json, paper
from gateway.billing.paper_pdf import PDF, available, paper_pdf
from gateway.billing.sheets import Paper
from gateway.billing.statements import Period, PeriodError, StatementDisagrees
from gateway.dashboard.deal_pages import Frame
from gateway.problems import StoreUnavailable

_MOST: Final = 200
_FORMS: Final = ("json", "csv", "pdf")


@dataclass(frozen=True, slots=True)
class Bills:
    """What these pages work on. *names* gives what licensees are called, by id; *test* says that all is of test mode."""

    book: AccountBook
    names: Callable[[], Awaitable[dict[str, str]]]
    test: bool = False


class BillingPages:
    """Draws the pages about bills."""

    def __init__(self, bills: Bills, frame: Frame) -> None:
        """Work on *bills*, drawn in *frame*."""
        self._bills, self._frame = bills, frame

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer at its addresses."""
        router.add_get("/billing", self._all)
        router.add_get(r"/billing/statements/{licensee}/{month:\d{4}-\d{2}}", self._statement)
        router.add_get(
            r"/billing/statements/{licensee}/{month:\d{4}-\d{2}}.{ending:json|csv|pdf}", self._statement
        )

    async def _all(self, request: web.Request) -> web.StreamResponse:
        names = await self._bills.names()
        accounts = []
        for licensee in (await self._bills.book.licensees())[:_MOST]:
            closed = await self._bills.book.closes(licensee)
            months = await months_of(self._bills.book, licensee)
            accounts.append(
                (
                    names.get(licensee, licensee),
                    licensee,
                    [(each.name, each.name in closed) for each in months],
                )
            )
        context = {"accounts": sorted(accounts), "test": self._bills.test}
        return self._frame.render(request, "billing.html", context)

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


def saved(octets: bytes, media_type: str, name: str) -> web.Response:
    """A file to be saved."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Type": media_type}
    return web.Response(body=octets, headers=headers)
