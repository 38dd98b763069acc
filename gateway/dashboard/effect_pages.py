"""What a withdrawal would do, before it is done: an address that holds what was chosen. Nothing is written.

======================================  ================================================
``/consent/effects``                    the licenses that run and lose it, and who would
                                        be told; ``.csv`` and the rest: the licenses
``/consent/effects/told.csv`` …         the licensees that would be told
======================================  ================================================

The query says what: ``site=``, and each as often as it takes ``work=``, ``what=``
(a path, ``sha-256:…``, ``bundle:NAME`` or a licensee) and ``use=``; the usual uses
where none is named. Reasons and notes are no part of it: an address is kept in logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.bundle_picks import named, newest_of
from gateway.dashboard.consent_tables import Consents
from gateway.dashboard.frame import Frame
from gateway.dashboard.table_forms import Cells, TableView, add_table, moment, read_table
from gateway.licenses.removal import Removal
from gateway.licenses.taking_back import withdrawal_id
from gateway.licenses.withdrawal import USUAL, Withdrawal
from gateway.licenses.withdrawal_effects import CAUTION, Effect
from gateway.policy.rules import Policy
from gateway.policy.withdrawing import owned_by, read_uses, subjects_of
from gateway.uses import Use

EFFECTS: Final = "/consent/effects"
LONGEST: Final = 500
BY: Final = "operator"
#: Characters of what a query may name, as the field of the form takes them.
_WORDS: Final = 4_096
_CELLS: Final[Cells] = {
    "license": lambda row: row[0].license.id,
    "licensee": lambda row: row[0].license.licensee,
    "name": lambda row: row[1],
    "left": lambda row: "nothing" if row[0].whole else "the rest",
    "until": lambda row: moment(row[0].license.ends_at),
    "contract": lambda row: " ".join(row[0].promises),
    "credit": lambda row: str(row[0].credit),
    "at_most": lambda row: "no" if row[0].whole else "yes",
}
_TOLD_CELLS: Final[Cells] = {
    "licensee": lambda row: row[0].licensee,
    "name": lambda row: row[1],
    "fetched": lambda row: row[0].fetched,
    "plan_due": lambda row: moment(row[0].plan_due),
}


@dataclass(frozen=True, slots=True)
class EffectView(TableView):
    """The view of the licenses that a withdrawal touches; *asked* is what its address says of the withdrawal."""

    asked: tuple[tuple[str, str], ...] = ()

    def query(self, **changes: str | None) -> str:
        """The query string of the same table of the same withdrawal."""
        return "&".join(filter(None, (urlencode(self.asked), TableView.query(self, **changes))))


def written(form: Mapping[str, str]) -> dict[str, str]:
    """*form* with every use and everything that is named in one field each, ``uses`` and ``what``."""
    made = dict(form)
    made["uses"] = " ".join(
        use for use in Use if form.get(f"use-{use}") or use in form.get("uses", "").split()
    )
    ticked = [name.removeprefix("pick/") for name in form if name.startswith("pick/")]
    chosen = [*form.get("what", "").split(), *ticked, *form.get("holder", "").split()]
    made["what"] = " ".join(dict.fromkeys(chosen))
    return made


def asked_pairs(form: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What the address of the effects of a *written* form says."""
    words = [("what", word) for word in form["what"].split()]
    return (("site", form.get("site", "")), *words, *(("use", use) for use in form["uses"].split()))


async def asked_for(
    form: Mapping[str, str], consents: Consents, now_us: int
) -> tuple[Withdrawal, Policy] | str:
    """What a *written* form asks to be withdrawn, or the sentence that says what to correct. Keeps nothing."""
    policies = consents.policies()
    policy = next((each for each in policies if each.site.id == form.get("site", "")), None)
    if policy is None:
        return "Choose the site."
    words = named(form["what"].split(), (await newest_of(policies)).get(policy.site.id, {}))
    subjects = words if isinstance(words, str) else subjects_of(policy, words)
    if isinstance(subjects, str):
        return f"{subjects[:1].upper()}{subjects[1:]}."
    uses = read_uses(form["uses"].split())
    if isinstance(uses, str) or not uses:
        return "Tick at least one use."
    lines = [" ".join(form.get(name, "").split()) for name in ("reason", "private")]
    if any(len(each) > LONGEST or not each.isprintable() for each in lines):
        return f"A reason is one line of at most {LONGEST} characters."
    if subjects.bundle and not (subjects.paths or subjects.works or subjects.digests):
        return "Name what is in the bundle beside it: its works, paths or digests."
    now = now_us // 1_000_000
    withdrawal = await consents.taking_back.located(
        Withdrawal(
            withdrawal_id(now_us), policy.site.id, uses, now, now, BY, subjects.works, subjects.paths,
            subjects.digests, subjects.bundle, subjects.licensee, reason=lines[0], private=lines[1],
        )
    )  # fmt: skip
    if withdrawal.digests and not withdrawal.paths:
        return "The journal knows no delivery of that content; name its path."
    return withdrawal, policy


class EffectPages:
    """The page of what a withdrawal would do."""

    def __init__(self, consents: Consents, frame: Frame, clock: Clock) -> None:
        """Ask *consents*, and change nothing of them."""
        self._consents, self._frame, self._clock = consents, frame, clock

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer at its addresses."""
        router.add_get(EFFECTS, self._page)
        add_table(router, EFFECTS, _CELLS, self._touched)
        add_table(router, f"{EFFECTS}/told", _TOLD_CELLS, self._told)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        form = _of_query(request)
        if isinstance(form, str):
            return self._wrong(request, form)
        made = await asked_for(form, self._consents, self._clock.now_us())
        if isinstance(made, str):
            return self._wrong(request, made)
        view = read_table(request, _CELLS)
        asked = EffectView(view.order, view.after, view.mistakes, asked=asked_pairs(form))
        rows, shown = asked.page(await self._touched(request), _CELLS, lambda row: row[0].license.id)
        context = {
            "withdrawal": made[0], "rows": rows, "view": shown, "told": await self._told(request), "given": form,
            "query": urlencode(asked_pairs(form)), "names": await self._consents.taking_back.names(),
            "CAUTION": CAUTION, "wrong": "",
        }  # fmt: skip
        return self._frame.render(
            request, "consent_effects.html", context, status=400 if shown.mistakes else 200
        )

    def _wrong(self, request: web.Request, said: str) -> web.StreamResponse:
        return self._frame.render(request, "consent_effects.html", {"wrong": said}, status=400)

    async def _asked(self, request: web.Request) -> tuple[Withdrawal, Policy]:
        form = _of_query(request)
        made = form if isinstance(form, str) else await asked_for(form, self._consents, self._clock.now_us())
        if isinstance(made, str):
            raise web.HTTPBadRequest(text=f"{made}\n")
        return made

    async def _touched(self, request: web.Request) -> list[tuple[Effect, str]]:
        withdrawal, policy = await self._asked(request)
        acts, names = self._consents.taking_back, await self._consents.taking_back.names()
        found = await acts.effects(withdrawal, owned_by(policy), withdrawal.since)
        return [(each, names.get(each.license.licensee, each.license.licensee)) for each in found]

    async def _told(self, request: web.Request) -> list[tuple[Removal, str]]:
        withdrawal, policy = await self._asked(request)
        acts, names = self._consents.taking_back, await self._consents.taking_back.names()
        found = await acts.concerned(withdrawal, owned_by(policy), withdrawal.since)
        return [(each, names.get(each.licensee, each.licensee)) for each in found]


def _of_query(request: web.Request) -> dict[str, str] | str:
    """The *written* form that the query of *request* stands for, or what is wrong with it."""
    query = request.query
    what = " ".join([*query.getall("work", []), *query.getall("what", [])])
    uses = query.getall("use", []) or sorted(USUAL)
    unknown = [use for use in uses if use not in set(Use)]
    if unknown:
        return f"There is no use {unknown[0][:40]!r}; there are {', '.join(Use)}."
    if len(what) > _WORDS:
        return f"What is withdrawn is named in at most {_WORDS} characters; name the works."
    return written({"site": query.get("site", ""), "what": what, "uses": " ".join(uses)})
