"""Authors and what they are paid: what stands on each account, where it is paid to, and planning it.

=============================== ==================================================
``/billing/authors``            every author with what is to be paid, and the forms;
                                ``.csv`` and the rest beside it
``/billing/authors/payee``      POST: where one of them is paid to
``/billing/authors/plan``       POST: plan what stands on all accounts
=============================== ==================================================

What is planned is sent by ``licet payouts``: it needs the key of the provider, or
makes a file for the bank.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway.billing.paying_out import PayingOut
from gateway.billing.payouts import Payee, PayoutError, Standing, Unpaid, masked, read_payee
from gateway.dashboard.frame import Frame
from gateway.dashboard.table_forms import Cells, add_table

AUTHORS: Final = "/billing/authors"
_LONGEST: Final = 200
_FIELDS: Final = ("site", "author", "name", "iban", "bic", "account")
_CELLS: Final[Cells] = {
    "site": lambda row: row.owed.site,
    "author": lambda row: row.owed.author,
    "paid_to": lambda row: row.where,
    "to_get": lambda row: str(row.owed.amount),
}


@dataclass(frozen=True, slots=True)
class Owed:
    """What one author has to get, and *where* that is paid to, as far as a page shows it; "" where nobody said."""

    owed: Standing
    where: str


class PayoutPages:
    """Draws the page of authors and does what its forms say."""

    def __init__(self, paying: PayingOut, frame: Frame, *, test: bool) -> None:
        """Act by *paying*; *test* says that all is of test mode."""
        self._paying, self._frame, self._test = paying, frame, test

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer at its addresses."""
        router.add_get(AUTHORS, self._all)
        add_table(router, AUTHORS, _CELLS, self._rows)
        router.add_post(f"{AUTHORS}/payee", self._name)
        router.add_post(f"{AUTHORS}/plan", self._plan)

    async def _rows(self, _request: web.Request) -> list[Owed]:
        return await self._owed(await self._paying.book.payees())

    async def _owed(self, payees: Mapping[tuple[str, str], Payee]) -> list[Owed]:
        found = []
        for each in await self._paying.book.owed():
            if each.author:
                payee = payees.get((each.site, each.author))
                found.append(Owed(each, masked(payee) if payee else ""))
        return found

    async def _all(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request)

    async def _name(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        site, author = form.get("site", ""), form.get("author", "")
        try:
            if not (0 < len(site) <= _LONGEST and 0 < len(author) <= _LONGEST and author.isprintable()):
                raise PayoutError("choose an author of the list")
            payee = None
            if form.get("act") != "forget":
                payee = read_payee(
                    form.get("name", "").strip() or author, iban=form.get("iban", ""), bic=form.get("bic", ""),
                    account=form.get("account", "").strip(),
                )  # fmt: skip
        except PayoutError as error:
            return await self._page(request, given=form, wrong=f"{error}.", status=400)
        await self._paying.book.name_payee(site, author, payee)
        raise web.HTTPSeeOther(AUTHORS)

    async def _plan(self, request: web.Request) -> web.StreamResponse:
        await self._frame.form_of(request)
        try:
            _, left = await self._paying.plan_authors()
        except PayoutError as error:
            return await self._page(request, wrong=f"{error}.", status=409)
        return await self._page(request, left=left, planned=True)

    async def _page(
        self,
        request: web.Request,
        *,
        given: Mapping[str, str] | None = None,
        wrong: str = "",
        left: tuple[Unpaid, ...] = (),
        planned: bool = False,
        status: int = 200,
    ) -> web.StreamResponse:
        typed = given or {}
        payees = await self._paying.book.payees()
        owed = await self._owed(payees)
        whys = {(each.owed.site, each.owed.author, each.owed.amount.currency): each.why for each in left}
        rows = [
            (
                each.owed,
                each.where,
                whys.get((each.owed.site, each.owed.author, each.owed.amount.currency), ""),
            )
            for each in owed
        ]
        authors = sorted({(each.owed.site, each.owed.author) for each in owed} | payees.keys())
        context = {
            "rows": rows, "authors": authors, "payees": {key: masked(payee) for key, payee in payees.items()},
            "given": {name: typed.get(name, "") for name in _FIELDS}, "wrong": wrong, "planned": planned, "test": self._test,
        }  # fmt: skip
        return self._frame.render(request, "billing_authors.html", context, status=status)
