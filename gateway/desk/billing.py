"""A licensee's own account, month by month, for people and for programs.

=============================== ================================================
GET, client /.licet/statements  the months that there is anything of, with links
GET, client …/2026-11           one, as page, JSON, CSV or PDF
=============================== ================================================

The form is what ``Accept`` asks for, or the ending of the address: ``.json``,
``.csv``, ``.pdf``. A browser logs in by HTTP Basic with client id and secret.
"""

from __future__ import annotations

import asyncio
from html import escape
from typing import Final

from aiohttp import web

from gateway.billing.account_book import AccountBook, months_of, read_account
from gateway.billing.account_forms import as_csv, as_json, paper
from gateway.billing.paper_pdf import PDF, available, paper_pdf
from gateway.billing.sheets import Paper, as_html
from gateway.billing.statements import Period, PeriodError, StatementDisagrees
from gateway.desk.call import About, Call, Group, read_at
from gateway.desk.clients import Clients, Known
from gateway.desk.metadata import PREFIX, issuer_of
from gateway.desk.replies import VARY, json_reply, octets_reply, page
from gateway.languages import foreign, later, tr
from gateway.problems import Problem, Refusal

STATEMENTS: Final = f"{PREFIX}/statements"
JSON: Final = "application/json"
CSV: Final = "text/csv"
_ENDINGS: Final = {"json": JSON, "csv": CSV, "pdf": PDF}
PRIVATE: Final = {"Cache-Control": "no-store", "Vary": VARY}


class BillingDesk:
    """Tells licensees how their account stands."""

    def __init__(self, clients: Clients, book: AccountBook, *, test: bool = False) -> None:
        """Read *book*; *test* says that it is of test mode."""
        self._clients, self._book, self._test = clients, book, test

    def group(self) -> Group:
        """Its addresses."""
        listed = About(
            "The months of one's own account.", gives={JSON: {"type": "object"}, "text/html": {}}, login=True
        )
        one = About(
            "The account of one month: fetches, dues, credits, payments, refunds, what others hold, both balances.",
            gives={JSON: {"type": "object"}, CSV: {}, PDF: {}, "text/html": {}}, login=True,
            rest=("month", {"type": "string", "pattern": r"^\d{4}-\d{2}(\.(json|csv|pdf))?$"}),
        )  # fmt: skip
        return {STATEMENTS: read_at(self._all, listed), f"{STATEMENTS}/*": read_at(self._one, one)}

    async def _all(self, call: Call) -> web.StreamResponse | Refusal:
        known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        closed = await self._book.closes(known.licensee.id)
        months = await months_of(self._book, known.licensee.id)
        rows = [
            {
                "period": each.name,
                "closed": each.name in closed,
                "url": f"{call.origin}{STATEMENTS}/{each.name}",
            }
            for each in months
        ]
        if not call.wants_page:
            return json_reply({"statements": rows, "mode": "test" if self._test else "live"})
        items = "".join(
            f'<li><a href="{STATEMENTS}/{each["period"]}">{each["period"]}</a>'
            f", {tr('closed') if each['closed'] else tr('open')} ({files(STATEMENTS, str(each['period']))})</li>\n"
            for each in rows
        )
        body = f"<p>{escape(known.licensee.name)}</p>\n" + (
            f"<ul>\n{items}</ul>\n" if items else f"<p>{tr('Nothing yet.')}</p>\n"
        )
        title = f"TEST: {tr('Statements')}" if self._test else tr("Statements")
        return page(title, body, headers=PRIVATE)

    async def _one(self, call: Call) -> web.StreamResponse | Refusal:
        known = await self._known(call)
        if isinstance(known, Refusal):
            return known
        name, media_type = asked_as(call)
        try:
            period = Period.parse(name)
        except PeriodError:
            return Refusal(Problem.NOT_FOUND, "A statement is of a month, such as 2026-11.")
        licensee = known.licensee
        try:
            made = await read_account(self._book, licensee.id, licensee.name, period, test=self._test)
        except StatementDisagrees as error:
            return Refusal(
                Problem.SPEND_BOOK_UNAVAILABLE,
                "The books are being checked.",
                retry_after=3600,
                private=str(error),
            )
        if media_type == CSV:
            headers = {
                **PRIVATE,
                "Content-Disposition": f'attachment; filename="statement-{period.name}.csv"',
            }
            return octets_reply(as_csv(made, test=self._test).encode(), CSV, headers)
        if media_type == JSON:
            return octets_reply(as_json(made, test=self._test).encode(), JSON, PRIVATE)
        return await shown(paper(made, test=self._test), media_type, files(STATEMENTS, period.name))

    async def _known(self, call: Call) -> Known | Refusal:
        return await self._clients.authenticate(call.request, call.address, issuer=issuer_of(call.origin))


def asked_as(call: Call) -> tuple[str, str]:
    """What stands in the place of the star without its ending, and the media type that is asked for."""
    name, dot, ending = call.rest.rpartition(".")
    if dot and ending in _ENDINGS:
        return name, _ENDINGS[ending]
    accepted = call.request.headers.get("Accept", "").lower()
    if call.wants_page:
        return call.rest, "text/html"
    return call.rest, next((each for each in (PDF, CSV) if each in accepted), JSON)


def files(prefix: str, name: str) -> str:
    """Links to the other forms of a document."""
    return ", ".join(
        f'<a href="{prefix}/{escape(name)}.{ending}">{ending.upper()}</a>' for ending in _ENDINGS
    )


async def shown(document: Paper, media_type: str, links: str, more: str = "") -> web.Response | Refusal:
    """*document* as a page with *links* and *more* below it, or as a PDF."""
    if media_type == PDF:
        if not available():
            return Refusal(Problem.NOT_FOUND, "This gateway makes no PDF; ask for the page, and print it.")
        return octets_reply(await asyncio.to_thread(paper_pdf, document), PDF, PRIVATE)
    # A document stays in the language in which it was issued, whatever language the page around it speaks.
    issued = f"<div{foreign()}>\n{as_html(document)}</div>\n" if foreign() else as_html(document)
    body = f"{issued}{more}<p>{tr('As a file:')} {links}</p>\n"
    return page(_heading(document), body, headers=PRIVATE)


def _heading(document: Paper) -> str:
    named = (later("Invoice"), later("Credit note"), later("Statement"))
    word = next((each for each in named if document.title.startswith(each)), "")
    said = tr(word) + document.title.removeprefix(word)
    return f"TEST: {said}" if document.test else said
