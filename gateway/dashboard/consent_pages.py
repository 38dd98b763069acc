"""Consent and withdrawals: what was taken back, who objects, which authors were asked; and what the owner does.

========================================  ====================================
``/consent``                              all of it, and the form to withdraw
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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.bundle_picks import named, newest_of
from gateway.dashboard.frame import Frame
from gateway.dashboard.gatekeeping import who_sent
from gateway.dashboard.table_forms import ALL, FEW, Cells, add_table, listed, moment
from gateway.licenses.asking_authors import AskingAuthors
from gateway.licenses.consent import Answer, consented
from gateway.licenses.consent import Consent as AuthorConsent
from gateway.licenses.hearing import Hearing
from gateway.licenses.objection import Objection
from gateway.licenses.removal import Removal
from gateway.licenses.taking_back import Owned, TakingBack, withdrawal_id
from gateway.licenses.withdrawal import PROMISE, USUAL, Withdrawal
from gateway.licenses.withdrawal_effects import CAUTION, Effect
from gateway.policy.rules import Policy
from gateway.policy.withdrawing import owned_by, read_uses, subjects_of
from gateway.problems import Refusal
from gateway.uses import Use

_LONGEST: Final = 500
_BY: Final = "operator"
_DONE: Final[Mapping[str, str]] = {
    "withdrawn": "It is withdrawn. Every worker refuses it within a second, and the licensees concerned are told.",
    "readmitted": "It is readmitted. From now on the policy alone decides, within a second.",
    "hold": "Sales of the page are held until you decide; licenses that run go on.",
    "uphold": "You agreed: the page is withdrawn. Nothing that licensees are told says that somebody objected.",
    "dismiss": "You did not agree; whoever objected reads your reason.",
    "erase": "Nobody can read any more who made this objection.",
}


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


_EFFECT_CELLS: Final[Cells] = {
    "license": lambda row: row[0].license.id,
    "licensee": lambda row: row[0].license.licensee,
    "name": lambda row: row[1],
    "left": lambda row: "nothing" if row[0].whole else "the rest of it",
    "until": lambda row: moment(row[0].license.ends_at),
    "contract": lambda row: " ".join(row[0].promises),
    "credit": lambda row: str(row[0].credit),
}


class ConsentPages:
    """The owner's pages about consent."""

    def __init__(self, consents: Consents, frame: Frame, clock: Clock) -> None:
        """Act on *consents*, drawn in *frame*."""
        self._consents, self._frame, self._clock = consents, frame, clock

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer at its addresses."""
        router.add_get("/consent", self._all)
        add_table(router, "/consent/withdrawals", _CELLS, self._rows)
        add_table(router, "/consent/objections", _OBJECTION_CELLS, self._objections)
        add_table(router, "/consent/authors", _AUTHOR_CELLS, self._authors)
        add_table(router, "/consent/effects", _EFFECT_CELLS, self._effects)
        router.add_post("/consent/withdraw", self._withdraw)
        router.add_get("/consent/withdrawals/{id}", self._withdrawal)
        router.add_post("/consent/withdrawals/{id}/readmit", self._readmit)
        router.add_get("/consent/objections/{id}", self._objection)
        router.add_post("/consent/objections/{id}/{act:hold|uphold|dismiss|erase}", self._decide)

    async def _all(self, request: web.Request) -> web.StreamResponse:
        # A row of the grid leads here with its site and work.
        given = {name: request.query[name][:_LONGEST] for name in ("site", "what") if name in request.query}
        return await self._listed(request, given, "")

    async def _rows(self, _request: web.Request) -> list[tuple[Withdrawal, Sequence[Removal]]]:
        return await self._taken_back(ALL)

    async def _taken_back(self, most: int) -> list[tuple[Withdrawal, Sequence[Removal]]]:
        store = self._consents.taking_back.store
        return [(each, await store.removals(each.id)) for each in await store.all(most)]

    async def _authors(self, _request: web.Request) -> list[tuple[AuthorConsent, list[Use]]]:
        return await self._asked(ALL)

    async def _asked(self, most: int) -> list[tuple[AuthorConsent, list[Use]]]:
        store = self._consents.asking.store
        return [
            (each, sorted(consented(await store.of_work(each.site, each.work))))
            for each in await store.all(most)
        ]

    async def _objections(self, _request: web.Request) -> Sequence[Objection]:
        return await self._consents.hearing.store.all(ALL)

    async def _listed(
        self, request: web.Request, given: Mapping[str, str], wrong: str, found: tuple[Withdrawal, tuple[Removal, ...], tuple[Effect, ...]] | None = None
    ) -> web.StreamResponse:  # fmt: skip
        parts, now = self._consents, self._now()
        ticked = set(given["uses"].split()) if "uses" in given else set(USUAL)
        context = {
            "done": _DONE.get(request.query.get("done", ""), ""),
            "wrong": wrong,
            "given": {"site": "", "what": "", "uses": "", "reason": "", "private": "", **given},
            "found": found,
            "effects": urlencode({name: given.get(name, "") for name in ("site", "what", "uses")}),
            "policies": parts.policies(),
            "holders": await parts.taking_back.holders(now),
            "picked": set(given.get("what", "").split()),
            "bundles": await newest_of(parts.policies()),
            "CAUTION": CAUTION,
            "uses": [(use, use in ticked) for use in Use],
            "names": await parts.taking_back.names(),
            "withdrawals": await self._taken_back(FEW),
            "objections": await parts.hearing.store.all(FEW),
            "asked": await self._asked(FEW),
            "few": FEW,
            "Answer": Answer,
            "now": now,
            "PROMISE": PROMISE,
        }
        return self._frame.render(request, "consent.html", context, status=400 if wrong else 200)

    async def _effects(self, request: web.Request) -> list[tuple[Effect, str]]:
        """The licenses that a withdrawal of what the query names would touch: nothing is withdrawn."""
        given = {name: request.query.get(name, "") for name in ("site", "what", "uses")}
        manifests = (await newest_of(self._consents.policies())).get(given["site"], {})
        made = self._asked_for(given, named(given["what"].split(), manifests))
        if isinstance(made, str):
            raise web.HTTPBadRequest(text=f"{made}\n")
        acts, names = self._consents.taking_back, await self._consents.taking_back.names()
        touched = await acts.effects(await acts.located(made[0]), owned_by(made[1]), self._now())
        return [(each, names.get(each.license.licensee, "")) for each in touched]

    async def _withdraw(self, request: web.Request) -> web.StreamResponse:
        form = dict(await self._frame.form_of(request))
        form["uses"] = " ".join(
            use for use in Use if form.get(f"use-{use}") or use in form.get("uses", "").split()
        )
        ticked = [name.removeprefix("pick/") for name in form if name.startswith("pick/")]
        chosen = [*form.get("what", "").split(), *ticked, *form.get("holder", "").split()]
        form["what"] = " ".join(dict.fromkeys(chosen))
        manifests = (await newest_of(self._consents.policies())).get(form.get("site", ""), {})
        made = self._asked_for(form, named(form["what"].split(), manifests))
        if isinstance(made, str):
            return await self._listed(request, form, made)
        withdrawal, policy = made
        withdrawal = replace(withdrawal, by=who_sent(request) or _BY)
        acts = self._consents.taking_back
        withdrawal = await acts.located(withdrawal)
        if withdrawal.digests and not withdrawal.paths:
            return await self._listed(
                request, form, "The journal knows no delivery of that content; name its path."
            )
        if form.get("sure") != "yes":
            removals = await acts.concerned(withdrawal, owned_by(policy), self._now())
            touched = await acts.effects(withdrawal, owned_by(policy), self._now())
            return await self._listed(request, form, "", (withdrawal, removals, touched))
        await acts.issue(withdrawal, owned_by(policy), self._now())
        raise web.HTTPSeeOther(f"/consent/withdrawals/{withdrawal.id}?done=withdrawn")

    def _asked_for(
        self, form: Mapping[str, str], words: tuple[str, ...] | str
    ) -> tuple[Withdrawal, Policy] | str:
        """What the form asks to be withdrawn, or the sentence that says what to correct."""
        policies = self._consents.policies()
        policy = next((each for each in policies if each.site.id == form.get("site", "")), None)
        if policy is None:
            return "Choose the site."
        subjects = words if isinstance(words, str) else subjects_of(policy, words)
        if isinstance(subjects, str):
            return f"{subjects[:1].upper()}{subjects[1:]}."
        uses = read_uses(form["uses"].split())
        if isinstance(uses, str) or not uses:
            return "Tick at least one use."
        lines = [" ".join(form.get(name, "").split()) for name in ("reason", "private")]
        if any(len(each) > _LONGEST or not each.isprintable() for each in lines):
            return f"A reason is one line of at most {_LONGEST} characters."
        if subjects.bundle and not (subjects.paths or subjects.works or subjects.digests):
            return "Name what is in the bundle beside it: its works, paths or digests."
        now_us, now = self._clock.now_us(), self._now()
        withdrawal = Withdrawal(
            withdrawal_id(now_us),
            policy.site.id,
            uses,
            now,
            now,
            _BY,
            subjects.works,
            subjects.paths,
            subjects.digests,
            subjects.bundle,
            subjects.licensee,
            reason=lines[0],
            private=lines[1],
        )
        return withdrawal, policy

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
        await self._consents.taking_back.lift(id, _BY, self._now())
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
        if len(answer) > _LONGEST or not answer.isprintable():
            return await self._heard(request, f"An answer is one line of at most {_LONGEST} characters.")
        done: Objection | Refusal | None = None
        if act == "erase":
            await hearing.store.erase(id)
        elif act == "hold":
            done = await hearing.hold(id, _BY, now)
        elif act == "uphold":
            done = await hearing.uphold(id, _BY, answer, await self._owned(id), now)
        elif not answer:
            return await self._heard(request, "Say why: whoever objected reads it.")
        else:
            done = await hearing.dismiss(id, _BY, answer, now)
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
