"""The operator's inbox: the list of negotiations, the page of one, and what is decided there.

=================================  ============================================
``/deals``, ``.csv`` and the rest  the list, by `deals.DealFilter`
``/deals/ID``                      one negotiation, with its forms
``/deals/ID/levers.csv`` …         what of it is a table; see `deal_tables`
``/deals/ID/offer``                POST: the buyer's terms, or others, on the table
``/deals/ID/decline``              POST: end it, with the reason
``/deals/ID/confirm``              POST: the buyer is who it says it is
``/deals/ID/letters/KIND.txt``     a drafted letter
=================================  ============================================

Every form names the version that was read. Where another one stands by now,
nothing is done: the page is shown anew with what was said since, and with what
was typed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.deal_tables import add_tables
from gateway.dashboard.deals import (
    CELL_NAMES,
    COLUMNS,
    SORTS,
    DealPage,
    Deals,
    Said,
    cells,
    deal_page,
    each_deal,
    page_of,
    read_filter,
    since,
)
from gateway.dashboard.exports import FORMATS, sent
from gateway.dashboard.frame import Frame
from gateway.licenses.contract import NOTICE
from gateway.licenses.deciding import LONGEST_HOURS, LONGEST_REASON, USUAL_HOURS, USUAL_REASON
from gateway.licenses.lever_form import FIELDS, read_form, values_of
from gateway.licenses.license import Standing
from gateway.licenses.negotiation import Negotiation, State
from gateway.licenses.negotiations import Stand
from gateway.licenses.plain_words import NAMES, TAX, price_words
from gateway.licenses.private_links import BY_OPERATOR
from gateway.problems import Problem, Refusal

#: What a decision came to, by the word in the address that a browser is sent to.
_DONE: Final[Mapping[str, str]] = {
    "approved": "The buyer's terms are on the table. It binds nobody before the buyer accepts them.",
    "countered": "Your terms are on the table. They bind nobody before the buyer accepts them.",
    "declined": "The negotiation has ended; the buyer reads your reason.",
    "confirmed": "The buyer may sign now, and buys like every licensee that you approved.",
}
_UNDECIDED: Final = frozenset({State.REQUESTED, State.OFFERED})


@dataclass(frozen=True, slots=True)
class _Sent:
    """What was typed and could not be done: shown again with the page."""

    values: Mapping[str, str] = field(default_factory=dict)
    mistakes: Mapping[str, str] = field(default_factory=dict)
    hours: str = str(USUAL_HOURS)
    why: str = USUAL_REASON
    trouble: str = ""
    since: tuple[Said, ...] = ()
    open: str = ""


class DealPages:
    """Draws the pages of negotiations and does what their forms say."""

    def __init__(self, deals: Deals, frame: Frame, clock: Clock) -> None:
        """Work on *deals*; draw in *frame*."""
        self._deals, self._frame, self._clock = deals, frame, clock

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses."""
        router.add_get("/deals", self._list)
        for ending in FORMATS:
            router.add_get(f"/deals.{ending}", self._export)
        add_tables(router, self._read)
        router.add_get("/deals/{id}", self._one)
        router.add_get("/deals/{id}/letters/{kind}.txt", self._letter)
        router.add_post("/deals/{id}/offer", self._decided(self._offer))
        router.add_post("/deals/{id}/decline", self._decided(self._decline))
        router.add_post("/deals/{id}/confirm", self._decided(self._confirm))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        view = read_filter(request.query.items())
        context = {
            "view": view, "rows": (), "Stand": Stand, "endings": FORMATS, "COLUMNS": COLUMNS, "SORTS": SORTS,
            "cells": cells,
        }  # fmt: skip
        if view.mistakes:
            return self._frame.render(request, "deals.html", context, status=400)
        rows, view = await page_of(self._deals, view)
        context |= {"rows": rows, "view": view}
        return self._frame.render(request, "deals.html", context)

    async def _export(self, request: web.Request) -> web.StreamResponse:
        view = read_filter(request.query.items())
        if view.mistakes:
            return web.Response(status=400, text="".join(f"{key}: {said}\n" for key, said in view.mistakes))
        return await sent(request, "deals", CELL_NAMES, each_deal(self._deals, view), member="deals")

    async def _read(self, request: web.Request) -> DealPage:
        return await deal_page(self._deals, await self._found(request))

    async def _one(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request, await self._found(request))

    async def _letter(self, request: web.Request) -> web.StreamResponse:
        page = await self._read(request)
        for letter in page.letters:
            if letter.kind == request.match_info["kind"]:
                name = f'attachment; filename="{page.negotiation.id}-{letter.kind}.txt"'
                return web.Response(text=letter.text, headers={"Content-Disposition": name})
        raise web.HTTPNotFound

    def _decided(
        self, act: Callable[[Negotiation, Mapping[str, str]], Awaitable[str | _Sent]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def decide(request: web.Request) -> web.StreamResponse:
            typed = await self._frame.form_of(request)
            before = await self._found(request)
            made = await act(before, typed)
            if isinstance(made, str):
                at = f"/deals/{before.id}?done={made}"
                return web.Response(status=303, headers={"Location": at})
            status = 409 if made.since or (made.trouble and not made.mistakes) else 400
            return await self._page(request, await self._found(request), made, status=status)

        return decide

    async def _offer(self, before: Negotiation, typed: Mapping[str, str]) -> str | _Sent:
        own = typed.get("act") == "approve"
        standing = before.proposal or before.offer.terms
        filled = read_form({} if own else typed, standing, () if own else FIELDS)
        hours = typed.get("hours", "").strip()
        mistakes = dict(filled.mistakes)
        if not (hours.isascii() and hours.isdigit() and len(hours) <= 5 and 1 <= int(hours) <= LONGEST_HOURS):
            mistakes["hours"] = f"is not a whole number from 1 to {LONGEST_HOURS}"
        kept = _Sent({} if own else filled.values, mistakes, hours, open="" if own else "counter")
        if mistakes or filled.terms is None:
            return kept
        made = await self._deals.deciding.offer(
            before.id, typed.get("version", ""), filled.terms, now=self._now(), hours=int(hours)
        )
        if isinstance(made, Refusal):
            return await self._refused(made, before, typed, kept)
        return "approved" if own else "countered"

    async def _decline(self, before: Negotiation, typed: Mapping[str, str]) -> str | _Sent:
        why = typed.get("why", "")
        kept = _Sent(why=why, open="decline")
        made = await self._deals.deciding.decline(before.id, typed.get("version", ""), why, now=self._now())
        if not isinstance(made, Refusal):
            return "declined"
        if made.problem is Problem.PROPOSAL_INVALID:
            wrong = {"why": f"is not one line of at most {LONGEST_REASON} characters"}
            return _Sent(why=why, mistakes=wrong, open="decline")
        return await self._refused(made, before, typed, kept)

    async def _confirm(self, before: Negotiation, _typed: Mapping[str, str]) -> str | _Sent:
        now = self._now()
        found = await self._deals.register.licensee(before.licensee)
        if found is None or found.standing is Standing.SUSPENDED:
            return _Sent(
                trouble="This licensee is suspended; lift that by the command `licet licensee` first."
            )
        if found.standing is Standing.QUARANTINED:
            await self._deals.register.set_standing(before.licensee, Standing.ACTIVE, now)
        await self._deals.links.verify(before.id, BY_OPERATOR, now)
        return "confirmed"

    async def _refused(
        self, refusal: Refusal, before: Negotiation, typed: Mapping[str, str], kept: _Sent
    ) -> _Sent:
        said: tuple[Said, ...] = ()
        trouble = f"{refusal.problem.title}. {refusal.detail}"
        if refusal.problem is Problem.NEGOTIATION_OUTDATED:
            stands = await self._deals.negotiations.get(before.id) or before
            said = since(stands, typed.get("version", ""))
            trouble = (
                "Something was said here after you opened the page. Nothing was done; what you typed is kept."
            )
        return _Sent(kept.values, {}, kept.hours, kept.why, trouble, said, kept.open)

    async def _page(
        self,
        request: web.Request,
        negotiation: Negotiation,
        sent: _Sent | None = None,
        *,
        status: int = 200,
    ) -> web.StreamResponse:
        page = await deal_page(self._deals, negotiation)
        terms = negotiation.table or negotiation.proposal or negotiation.offer.terms
        sent = sent or _Sent()
        context = {
            "page": page,
            "deal": negotiation,
            "undecided": negotiation.state in _UNDECIDED,
            "ended": negotiation.state.is_over,
            "price": price_words(terms),
            "fields": FIELDS,
            "names": NAMES,
            "values": sent.values or values_of(terms),
            "sent": sent,
            "done": _DONE.get(request.query.get("done", ""), ""),
            "currency": terms.compensation.currency,
            "tax": TAX,
            "notice": NOTICE,
            "now_us": self._clock.now_us(),
            "longest_reason": LONGEST_REASON,
            "longest_hours": LONGEST_HOURS,
        }
        return self._frame.render(request, "deal.html", context, status=status)

    async def _found(self, request: web.Request) -> Negotiation:
        found = await self._deals.negotiations.get(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        return found

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000
