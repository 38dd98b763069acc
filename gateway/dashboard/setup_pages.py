"""From nothing to a site that is paid: what is left to do, the modes of each site, test visits, and a first policy.

===================  ==========================================================
``/setup``           the checklist, each site's three steps with what it would
                     have earned, and the form of a test visit
``/setup/new``       six questions; ``?origin=`` and so on fill them in
``/setup/look``      POST: the file that the answers make; nothing is written
``/setup/write``     POST: write that file, where there is none of its name
``/setup/visit``     POST: one request as a chosen crawler through the real front
===================  ==========================================================
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.checklist import Facts, Item, checklist
from gateway.dashboard.filters import DAY_US, LogFilter
from gateway.dashboard.frame import Frame
from gateway.dashboard.policy_shelf import PolicyFiles
from gateway.dashboard.queries import AccessLog, Overview
from gateway.dashboard.visiting import Visited, Visiting, plan
from gateway.finding import State
from gateway.origin.first_look import first_look
from gateway.policy.first_policy import PRICES, QUESTIONS, FirstPolicy, answers, first_policy
from gateway.policy.rules import Mode, Policy
from gateway.visitors.catalog import Catalog

#: Over how long "would have earned" looks back.
DAYS: Final = 30
#: What each step means, in the words of the page.
STEPS: Final[Mapping[Mode, tuple[str, str]]] = {
    Mode.OBSERVE: ("Watch", "Nothing is changed for anybody; the log says what the rules would have done."),
    Mode.OFFER: ("Offer", "The terms are published and prices told; everybody is still served."),
    Mode.ENFORCE: ("Enforce", "The rules bind: who neither pays nor is free gets the terms instead of the page."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setup:
    """What the pages work on.

    *sites* is the folder that policies are read from, *payable* says whether
    anybody could pay, *wrong* how many findings were bad at the last look.
    """

    sites: Path
    files: PolicyFiles
    visiting: Visiting
    payable: Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Step:
    """One mode of a site: its name, what it means, and whether it is the *present* one."""

    mode: Mode
    name: str
    means: str
    present: bool


@dataclass(frozen=True, slots=True)
class SiteSteps:
    """A site, what machines did there in the last days, its three steps, and whether they can be taken here."""

    policy: Policy
    seen: Overview
    steps: tuple[Step, ...]
    editable: bool


class SetupPages:
    """The pages of the first run; *frame* draws them."""

    def __init__(
        self, setup: Setup, access_log: AccessLog, frame: Frame, clock: Clock, wrong: Callable[[], int | None]
    ) -> None:
        """Work on *setup*; *wrong* says how many findings of the last look were bad, None before it."""
        self._setup, self._log, self._frame, self._clock, self._wrong = setup, access_log, frame, clock, wrong
        self._catalog = Catalog.shipped()
        self._names = sorted(
            each.name for each in self._catalog.crawlers if each.tokens and not each.robots_only
        )

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses above to *router*."""
        router.add_get("/setup", self._page)
        router.add_get("/setup/new", self._questions)
        router.add_post("/setup/look", self._look)
        router.add_post("/setup/write", self._write)
        router.add_post("/setup/visit", self._visit)

    async def items(self) -> tuple[Item, ...]:
        """The checklist as things are."""
        policies = self._setup.files.policies
        written = frozenset(each.site.id for each in policies if self._setup.files.file(each) is not None)
        seen = bool((await self._log.page(LogFilter(), None, 1)).rows)
        return checklist(Facts(policies, written, seen, self._wrong(), await self._setup.payable()))

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return await self._shown(request)

    async def _shown(
        self, request: web.Request, *, visited: Visited | None = None, trouble: str = "",
        form: Mapping[str, str] | None = None, status: int = 200,
    ) -> web.StreamResponse:  # fmt: skip
        sites = [await self._site(each) for each in self._setup.files.policies]
        context = {
            "items": await self.items(),
            "every": sites,
            "days": DAYS,
            "names": self._names,
            "visited": visited,
            "trouble": trouble,
            "sent": {"site": "", "as": "GPTBot", "path": "/", **(form or {})},
            "written": request.query.get("written", "")[:100],
        }
        return self._frame.render(request, "setup.html", context, status=status)

    async def _site(self, policy: Policy) -> SiteSteps:
        since = LogFilter(from_us=self._clock.now_us() - DAYS * DAY_US, words=(("site", policy.site.id),))
        steps = tuple(
            Step(mode, name, means, policy.site.mode is mode) for mode, (name, means) in STEPS.items()
        )
        editable = self._setup.files.file(policy) is not None
        return SiteSteps(policy, await self._log.overview(since), steps, editable)

    async def _questions(self, request: web.Request) -> web.StreamResponse:
        fields = [each.name for each in (*QUESTIONS, *PRICES)]
        given = {name: request.query.get(name, "")[:500] for name in fields}
        policies = self._setup.files.policies
        if not given["origin"] and len(policies) == 1 and self._setup.files.file(policies[0]) is None:
            given["origin"] = policies[0].site.origin
        return self._asked(request, given)

    def _asked(
        self, request: web.Request, given: Mapping[str, str], mistakes: Mapping[str, str] | None = None
    ) -> web.StreamResponse:
        context = {"questions": QUESTIONS, "given": answers(given), "mistakes": mistakes or {}}
        return self._frame.render(request, "setup_new.html", context, status=400 if mistakes else 200)

    async def _look(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        made = first_policy(form)
        if isinstance(made, dict):
            return self._asked(request, form, made)
        return await self._proposed(request, form, made)

    async def _proposed(
        self, request: web.Request, form: Mapping[str, str], made: FirstPolicy, *, taken: bool = False
    ) -> web.StreamResponse:
        file = self._setup.sites / made.name
        told = answers(form)
        context = {
            "made": made,
            "file": str(file),
            "taken": taken or file.exists(),
            "found": await first_look(told["origin"]),
            "ok": State.OK,
            "given": told,
            "questions": QUESTIONS,
            "restart": self._restart(),
        }
        return self._frame.render(request, "setup_look.html", context, status=409 if taken else 200)

    async def _write(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        made = first_policy(form)
        if isinstance(made, dict):
            return self._asked(request, form, made)
        try:
            write_new(self._setup.sites, made)
        except FileExistsError:
            return await self._proposed(request, form, made, taken=True)
        raise web.HTTPSeeOther(f"/setup?written={made.site}")

    def _restart(self) -> bool:
        """Whether the rules in force are from no file, so that a new file waits for the next start."""
        policies = self._setup.files.policies
        return bool(policies) and all(self._setup.files.file(each) is None for each in policies)

    async def _visit(self, request: web.Request) -> web.StreamResponse:
        form = await self._frame.form_of(request)
        policy = self._setup.files.of_site(form.get("site", ""))
        if policy is None:
            return await self._shown(request, trouble="There is no such site.", form=form, status=400)
        planned = plan(policy, self._catalog, form.get("as", ""), form.get("path", ""))
        if isinstance(planned, str):
            return await self._shown(request, trouble=planned, form=form, status=400)
        visited = await self._setup.visiting.visit(planned.host, planned.target, planned.agent)
        if isinstance(visited, str):
            return await self._shown(request, trouble=visited, form=form, status=502)
        if visited.record:
            raise web.HTTPSeeOther(f"/records/{visited.record}")
        return await self._shown(request, visited=visited, form=form)


def write_new(sites: Path, made: FirstPolicy) -> None:
    """Write the file of *made* into the folder *sites*, readable by its owner alone; raises `FileExistsError`."""
    sites.mkdir(mode=0o700, exist_ok=True)
    beside = sites / f".{made.name}.new"
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(made.text)
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link, and no rename: what is there already is never written over.
        os.link(beside, sites / made.name)
    finally:
        beside.unlink(missing_ok=True)
