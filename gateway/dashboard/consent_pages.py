"""Consent and withdrawals: what was taken back, who objects, which authors were asked; and what the owner does.

========================================  ====================================
``/consent``                              the newest of it, and the form to withdraw
``/consent/withdrawals``, …               each table whole (`consent_tables`)
``/consent/effects``                      what a withdrawal would do (`effect_pages`)
``/consent/withdraw``                     POST: first whom it concerns; then,
                                          with ``sure=yes``, the withdrawal
``/consent/withdrawals/ID``               one, with what licensees said
``/consent/withdrawals/ID/readmit``       POST
``/consent/objections/ID``                one, with who made it
``/consent/objections/ID/ACT``            POST: hold, uphold, dismiss, erase
========================================  ====================================

Every form carries the token of its session; nothing is done that a page has not
shown before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.bundle_picks import newest_of
from gateway.dashboard.consent_tables import Consents, ConsentTables
from gateway.dashboard.effect_pages import BY, LONGEST, EffectPages, asked_for, asked_pairs, written
from gateway.dashboard.frame import Frame
from gateway.dashboard.gatekeeping import who_sent
from gateway.licenses.consent import Answer
from gateway.licenses.objection import Objection
from gateway.licenses.removal import Removal
from gateway.licenses.taking_back import Owned
from gateway.licenses.withdrawal import PROMISE, USUAL, Withdrawal
from gateway.licenses.withdrawal_effects import CAUTION, Effect
from gateway.policy.withdrawing import owned_by
from gateway.problems import Refusal
from gateway.uses import Use

#: Rows of a table that has a page of its own.
_NEWEST: Final = 10
_DONE: Final[Mapping[str, str]] = {
    "withdrawn": "It is withdrawn. Every worker refuses it within a second, and the licensees concerned are told.",
    "readmitted": "It is readmitted. From now on the policy alone decides, within a second.",
    "hold": "Sales of the page are held until you decide; licenses that run go on.",
    "uphold": "You agreed: the page is withdrawn. Nothing that licensees are told says that somebody objected.",
    "dismiss": "You did not agree; whoever objected reads your reason.",
    "erase": "Nobody can read any more who made this objection.",
}


class ConsentPages:
    """The owner's pages about consent."""

    def __init__(self, consents: Consents, frame: Frame, clock: Clock) -> None:
        """Act on *consents*, drawn in *frame*."""
        self._consents, self._frame, self._clock = consents, frame, clock
        self._tables = ConsentTables(consents, frame, clock)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer at its addresses."""
        router.add_get("/consent", self._all)
        self._tables.add_to(router)
        EffectPages(self._consents, self._frame, self._clock).add_to(router)
        router.add_post("/consent/withdraw", self._withdraw)
        router.add_get("/consent/withdrawals/{id}", self._withdrawal)
        router.add_post("/consent/withdrawals/{id}/readmit", self._readmit)
        router.add_get("/consent/objections/{id}", self._objection)
        router.add_post("/consent/objections/{id}/{act:hold|uphold|dismiss|erase}", self._decide)

    async def _all(self, request: web.Request) -> web.StreamResponse:
        # A row of the grid leads here with its site and work.
        given = {name: request.query[name][:LONGEST] for name in ("site", "what") if name in request.query}
        return await self._listed(request, given, "")

    async def _listed(
        self, request: web.Request, given: Mapping[str, str], wrong: str, found: tuple[Withdrawal, tuple[Removal, ...], tuple[Effect, ...]] | None = None
    ) -> web.StreamResponse:  # fmt: skip
        parts, now = self._consents, self._now()
        withdrawals, more_withdrawals = await self._tables.withdrawals.newest(_NEWEST)
        objections, more_objections = await self._tables.objections.newest(_NEWEST)
        asked, more_asked = await self._tables.authors.newest(_NEWEST)
        ticked = set(given["uses"].split()) if "uses" in given else set(USUAL)
        context = {
            "done": _DONE.get(request.query.get("done", ""), ""),
            "wrong": wrong,
            "given": {"site": "", "what": "", "uses": "", "reason": "", "private": "", **given},
            "found": found,
            "policies": parts.policies(),
            "holders": await parts.taking_back.holders(now),
            "picked": set(given.get("what", "").split()),
            "bundles": await newest_of(parts.policies()),
            "CAUTION": CAUTION,
            "uses": [(use, use in ticked) for use in Use],
            "names": await parts.taking_back.names(),
            "withdrawals": withdrawals,
            "more_withdrawals": more_withdrawals,
            "objections": objections,
            "more_objections": more_objections,
            "asked": asked,
            "more_asked": more_asked,
            "query": urlencode(asked_pairs(given)) if found else "",
            "Answer": Answer,
            "now": now,
            "PROMISE": PROMISE,
        }
        return self._frame.render(request, "consent.html", context, status=400 if wrong else 200)

    async def _withdraw(self, request: web.Request) -> web.StreamResponse:
        form = written(await self._frame.form_of(request))
        made = await asked_for(form, self._consents, self._clock.now_us())
        if isinstance(made, str):
            return await self._listed(request, form, made)
        withdrawal, policy = made
        withdrawal = replace(withdrawal, by=who_sent(request) or BY)
        acts = self._consents.taking_back
        if form.get("sure") != "yes":
            removals = await acts.concerned(withdrawal, owned_by(policy), self._now())
            touched = await acts.effects(withdrawal, owned_by(policy), self._now())
            return await self._listed(request, form, "", (withdrawal, removals, touched))
        await acts.issue(withdrawal, owned_by(policy), self._now())
        raise web.HTTPSeeOther(f"/consent/withdrawals/{withdrawal.id}?done=withdrawn")

    async def _withdrawal(self, request: web.Request) -> web.StreamResponse:
        store = self._consents.taking_back.store
        found = await store.get(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        context = {
            "withdrawal": found,
            "removals": await store.removals(found.id),
            "done": _DONE.get(request.query.get("done", ""), ""),
            "names": await self._consents.taking_back.names(),
            "now": self._now(),
            "PROMISE": PROMISE,
        }
        return self._frame.render(request, "withdrawal.html", context)

    async def _readmit(self, request: web.Request) -> web.StreamResponse:
        await self._frame.form_of(request)
        id = request.match_info["id"]
        found = await self._consents.taking_back.store.get(id)
        if found is None or found.hold:
            # A hold ends with what it comes of.
            raise web.HTTPNotFound
        await self._consents.taking_back.lift(id, BY, self._now())
        raise web.HTTPSeeOther(f"/consent/withdrawals/{id}?done=readmitted")

    async def _objection(self, request: web.Request) -> web.StreamResponse:
        return await self._heard(request, "")

    async def _heard(self, request: web.Request, wrong: str) -> web.StreamResponse:
        store = self._consents.hearing.store
        found = await store.get(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        context = {
            "objection": found,
            "objector": await store.objector(found.id),
            "done": _DONE.get(request.query.get("done", ""), ""),
            "wrong": wrong,
        }
        return self._frame.render(request, "objection.html", context, status=400 if wrong else 200)

    async def _decide(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        id, act = request.match_info["id"], request.match_info["act"]
        hearing, now = self._consents.hearing, self._now()
        answer = " ".join(form.get("answer", "").split())
        if len(answer) > LONGEST or not answer.isprintable():
            return await self._heard(request, f"An answer is one line of at most {LONGEST} characters.")
        done: Objection | Refusal | None = None
        if act == "erase":
            await hearing.store.erase(id)
        elif act == "hold":
            done = await hearing.hold(id, BY, now)
        elif act == "uphold":
            done = await hearing.uphold(id, BY, answer, await self._owned(id), now)
        elif not answer:
            return await self._heard(request, "Say why: whoever objected reads it.")
        else:
            done = await hearing.dismiss(id, BY, answer, now)
        if isinstance(done, Refusal):
            return await self._heard(request, done.detail)
        raise web.HTTPSeeOther(f"/consent/objections/{id}?done={act}")

    async def _owned(self, id: str) -> Owned:
        found = await self._consents.hearing.store.get(id)
        policy = next(
            (each for each in self._consents.policies() if found and each.site.id == found.site), None
        )
        return owned_by(policy) if policy else ()

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000
