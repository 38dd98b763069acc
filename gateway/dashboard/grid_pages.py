"""What each use may do with each work: the policy as a form, written into the same file as the editor's.

======================================  ================================================
``/policies/SITE/consent``              the grid: a row for each form of each work, a column
                                        for each use; ``.csv`` and the rest: what stands
                                        in each cell
``/policies/SITE/consent/check``        POST: what would change, for whom, from when; nothing
                                        is kept
``/policies/SITE/consent/activate``     POST: put it in force, if the file is still the one
                                        that the grid was drawn from (else 409 with both)
======================================  ================================================

A cell is ticked where the grid itself has set it, and nowhere else: what hand-written
rules or a stance say is told beside it. A field is named ``WORK/FORM/USE``, its price
``WORK/FORM/USE/amount`` and ``…/unit``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.frame import Frame
from gateway.dashboard.gatekeeping import may, who_sent
from gateway.dashboard.impact_tables import VERDICTS
from gateway.dashboard.permissions import Permission
from gateway.dashboard.policy_impact import REPLAY_DAYS, Replaying, difference
from gateway.dashboard.policy_shelf import BY_GRID, PolicyFiles, digest_of
from gateway.dashboard.queries import AccessLog
from gateway.dashboard.table_forms import Cells, add_table
from gateway.policy.consent_grid import UNITS, USUAL_UNIT, Cell, Choices, Consent, Found, Grid, Place
from gateway.policy.consent_text import Written, normal, read_grid, write_choices
from gateway.policy.consent_words import FROM_WHEN, USES, WORDS, changes, row_name, stands
from gateway.policy.lines import line_of
from gateway.policy.rule_words import rule_words
from gateway.policy.rules import Policy, Verdict
from gateway.problems import ConfigurationError, Mistake, StoreUnavailable
from gateway.uses import Use
from gateway.visitors.catalog import Catalog

#: Amounts to begin with, which nobody measured: those of the shipped stances.
STARTING_POINTS: Final[Mapping[Use, str]] = {
    Use.SEARCH: "0.0005",
    Use.AI_INPUT: "0.004",
    Use.AI_INDEX: "0.004",
    Use.AI_TRAIN: "0.02",
    Use.FINE_TUNE: "0.02",
    Use.TDM: "0.004",
}
_LONGEST_AMOUNT: Final = 40
_CELLS: Final[Cells] = {name: itemgetter(name) for name in ("work", "rendition", *map(str, Use))}


@dataclass(frozen=True, slots=True)
class Shown:
    """One cell as it is drawn: what stands in it, what is ticked, what was typed, and what is wrong with that."""

    name: str
    label: str
    use: Use
    found: Found
    stands: str
    line: int
    ticked: str
    amount: str
    unit: str
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What a form comes to: the new text, what stood there, and a sentence for each cell that changes."""

    text: str
    now: str
    sentences: tuple[str, ...]


class GridPages:
    """The pages of the grid; *frame* draws them."""

    def __init__(self, files: PolicyFiles, access_log: AccessLog, frame: Frame, clock: Clock) -> None:
        """Edit *files*, and put changes to what *access_log* remembers."""
        self._files, self._frame = files, frame
        self._replaying = Replaying(access_log, clock, Catalog.shipped())

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses above to *router*."""
        router.add_get("/policies/{site}/consent", self._grid)
        add_table(router, "/policies/{site}/consent", _CELLS, self._rows)
        router.add_post("/policies/{site}/consent/check", self._check)
        router.add_post("/policies/{site}/consent/activate", self._activate)

    async def _grid(self, request: web.Request) -> web.StreamResponse:
        policy = self._policy(request)
        try:
            text = self._files.text(policy)
            grid = read_grid(text, policy.file)
        except ConfigurationError as error:
            return self._drawn(request, policy, "", None, {}, trouble=str(error), status=503)
        # The version that the form is made from is kept, to show what differs if somebody else is faster.
        self._files.versions(policy)
        done = request.query.get("done") == "activated"
        return self._drawn(request, policy, text, grid, {}, done=done)

    async def _rows(self, request: web.Request) -> list[dict[str, str]]:
        policy = self._policy(request)
        try:
            grid = read_grid(self._files.text(policy), policy.file)
        except ConfigurationError as error:
            raise StoreUnavailable(str(error)) from error
        currency = policy.site.currency
        return [
            {"work": place.work, "rendition": place.rendition}
            | {str(use): stands(grid.cells[place, use], currency) for use in Use}
            for place in grid.places
        ]

    def _drawn(
        self, request: web.Request, policy: Policy, text: str, grid: Grid | None, form: Mapping[str, str], *,
        trouble: str = "", mistakes: tuple[Mistake, ...] = (), base: str = "", done: bool = False, status: int = 200,
    ) -> web.StreamResponse:  # fmt: skip
        rows = []
        for place in grid.places if grid else ():
            cells = (
                [_shown(grid, place, use, form, text, policy.site.currency) for use in Use] if grid else []
            )
            rows.append((place, row_name(place), cells))
        context = {
            "policy": policy,
            "rows": rows,
            "uses": [(use, *USES[use]) for use in Use],
            "words": list(WORDS.items()),
            "units": list(UNITS.items()),
            # The text holds floors; so does its digest, for whoever can guess.
            "base": (base or digest_of(text)) if may(request, Permission.FLOOR_SEE) else "",
            "able": may(request, Permission.POLICY_CHANGE) and may(request, Permission.FLOOR_SEE),
            "trouble": trouble,
            "mistakes": [(line_of(text, each.key), each) for each in mistakes],
            "exceptions": [
                (key, line_of(text, key), rule_words(policy, key))
                for key in (grid.exceptions if grid else ())
            ],
            "points": sorted(set(STARTING_POINTS.values())),
            "suggested": [(USES[use][0], STARTING_POINTS[use]) for use in Use],
            "done": done,
            "FROM_WHEN": FROM_WHEN,
        }
        return self._frame.render(request, "consent_grid.html", context, status=status)

    async def _check(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        policy = self._policy(request)
        now = self._files.text(policy)
        base = self._files.version(policy.site.id, form.get("base", ""))
        made = self._made(policy, now, form)
        if isinstance(made, Written):
            grid = read_grid(now, policy.file)
            return self._drawn(request, policy, now, grid, form, mistakes=made.mistakes, status=400)
        return await self._changed(request, policy, form, made, now if base is None else base)

    async def _activate(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        policy = self._policy(request)
        now = self._files.text(policy)
        made = self._made(policy, now, form)
        if isinstance(made, Written):
            grid = read_grid(now, policy.file)
            return self._drawn(request, policy, now, grid, form, mistakes=made.mistakes, status=400)
        base = form.get("base", "")
        words = (*made.sentences, FROM_WHEN)
        if not self._files.activate(policy, made.text, base, by=BY_GRID, who=who_sent(request), words=words):
            older = self._files.version(policy.site.id, base)
            return await self._changed(
                request, policy, form, made, now if older is None else older, status=409
            )
        raise web.HTTPSeeOther(f"/policies/{policy.site.id}/consent?done=activated")

    async def _changed(
        self,
        request: web.Request,
        policy: Policy,
        form: Mapping[str, str],
        made: Change,
        base: str,
        status: int = 200,
    ) -> web.StreamResponse:
        tried = self._files.tried(policy, made.text)
        if tried.policy is None:
            grid = read_grid(made.now, policy.file)
            wrong = tuple(mistake for _, mistake in tried.mistakes)
            return self._drawn(request, policy, made.now, grid, form, mistakes=wrong, status=400)
        kept = {name: value for name, value in form.items() if name.count("/") in {2, 3}}
        context = {
            "policy": policy,
            "sentences": made.sentences,
            "FROM_WHEN": FROM_WHEN,
            "kept": kept,
            # What is put in force next is made from what stands there now.
            "base": digest_of(made.now),
            "stale": base != made.now,
            "meanwhile": difference(base, made.now),
            "difference": difference(made.now, made.text),
            "impact": await self._replaying.impact(policy, tried.policy),
            "draft": self._files.keep_draft(policy, made.text),
            "days": REPLAY_DAYS,
            "WORDS": VERDICTS,
            "Verdict": Verdict,
        }
        return self._frame.render(request, "consent_change.html", context, status=status)

    def _made(self, policy: Policy, now: str, form: Mapping[str, str]) -> Change | Written:
        """What *form* comes to on the text *now*; a `Written` where something is wrong with it."""
        before = read_grid(now, policy.file)
        set_now, currency = before.chosen(), policy.site.currency
        wished = {
            key: cell
            for key, cell in _chosen(form, before).items()
            if key not in set_now or normal(cell, currency) != set_now[key]
        }
        written = write_choices(now, policy.file, wished)
        if written.mistakes:
            return written
        after = read_grid(written.text, policy.file)
        return Change(written.text, now, changes(before, after, currency))

    def _policy(self, request: web.Request) -> Policy:
        found = self._files.of_site(request.match_info["site"])
        if found is None or self._files.file(found) is None:
            raise web.HTTPNotFound
        return found


def _chosen(form: Mapping[str, str], grid: Grid) -> Choices:
    """The cells that *form* ticks; what names no cell of *grid*, or no word, is none."""
    found = {}
    for place in grid.places:
        for use in Use:
            name = f"{place.work}/{place.rendition}/{use}"
            word = form.get(name, "")
            if word not in set(Consent):
                continue
            consent = Consent(word)
            amount = form.get(f"{name}/amount", "")[:_LONGEST_AMOUNT]
            unit = form.get(f"{name}/unit", USUAL_UNIT)
            priced = consent in {Consent.PAID, Consent.ASK}
            found[place, use] = Cell(consent, amount, unit) if priced else Cell(consent)
    return found


def _shown(grid: Grid, place: Place, use: Use, form: Mapping[str, str], text: str, currency: str) -> Shown:
    found = grid.cells[place, use]
    name = f"{place.work}/{place.rendition}/{use}"
    mine = found.cell if found.ours else None
    ticked = form.get(name, mine.consent.value if mine else "")
    amount = form.get(f"{name}/amount", mine.amount if mine else "")[:_LONGEST_AMOUNT]
    unit = form.get(f"{name}/unit", mine.unit if mine else USUAL_UNIT)
    wrong = ""
    if (
        ticked in {Consent.PAID, Consent.ASK}
        and form
        and normal(Cell(Consent(ticked), amount, unit), currency) is None
    ):
        wrong = f"Write an amount in {currency}, such as {STARTING_POINTS[use]}."
    return Shown(
        name,
        f"{row_name(place)}: {USES[use][0]}",
        use,
        found,
        stands(found, currency),
        line_of(text, found.key) if found.key else 0,
        ticked,
        amount,
        unit,
        wrong,
    )
