"""The rules, to be read, asked, changed and taken back.

=================================  ====================================================
``/policies``                      every site, its mode and its rules' digest
``/policies/SITE``                 the file in an editor, a box that asks it, its versions
``/policies/SITE/check``           POST: what a changed text would do; nothing is kept
``/policies/SITE/activate``        POST: put it in force, if the file is still the one
                                   that was edited (else 409 with what differs)
``/policies/SITE/versions/SHA256``  a version, and how it differs from what is in force
=================================  ====================================================

Before anything changes, the page says every mistake at its line, else how the
text differs, what looks wrong, and what the newest visits would have met. The
file holds the secret positions; it is the operator's own, and so are these pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.frame import Frame
from gateway.dashboard.gatekeeping import may, who_sent
from gateway.dashboard.impact_tables import VERDICTS
from gateway.dashboard.permissions import Permission
from gateway.dashboard.policy_impact import REPLAY_DAYS, Replaying, difference
from gateway.dashboard.policy_shelf import PolicyFiles, Version, digest_of, with_mode
from gateway.dashboard.queries import AccessLog
from gateway.dashboard.table_forms import Cells, add_table, listed, moment, read_table, rows_in
from gateway.licenses.consent import why_unsold, work_of
from gateway.licenses.consents import Consents
from gateway.policy.advice import advice_for
from gateway.policy.consent_text import read_grid
from gateway.policy.consent_words import FROM_WHEN, changes
from gateway.policy.explain import Explanation, explanation
from gateway.policy.imagined import imagined_ask, imagined_visitor
from gateway.policy.rules import Mode, Policy, Verdict
from gateway.policy.ruling import rule
from gateway.problems import ConfigurationError
from gateway.terms.countries import region
from gateway.uses import Use
from gateway.visitors.catalog import Catalog
from gateway.visitors.visitor import Identity

_LONGEST: Final = 4096
_MOST_DIGITS: Final = 7
#: How many lines are shown before and behind the one that a link names.
_NEAR: Final = 4


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asks the rules; texts as they were typed."""

    path: str = "/"
    name: str = ""
    proof: str = Identity.VERIFIED
    use: str = ""
    country: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Question | None:
        """Read a query; None where it asks nothing."""
        if "path" not in query:
            return None
        names = {"path": "path", "as": "name", "proof": "proof", "use": "use", "country": "country"}
        return cls(
            **{
                ours: query[key].strip()[:_LONGEST]
                for key, ours in names.items()
                if query.get(key, "").strip()
            }
        )

    def answer(self, policy: Policy, catalog: Catalog, now_us: int = 0) -> Explanation | str:
        """What *policy* says at *now_us*; or the mistake in the question, a sentence."""
        if self.proof not in set(Identity):
            return f"Proof is one of {', '.join(Identity)}."
        if self.use and self.use not in set(Use):
            return f"A use is one of {', '.join(Use)}."
        country = region(self.country) if self.country else ""
        if country is None or country == "EU":
            return "A country is a code of two letters, such as DE."
        visitor = imagined_visitor(catalog, self.name, Identity(self.proof))
        if visitor is None:
            return "No crawler of the catalog has that name; a whole User-Agent will do too."
        try:
            parts = urlsplit(self.path)
        except ValueError:
            return "That is no path."
        path = parts.path if parts.path.startswith("/") else f"/{parts.path}"
        uses = frozenset({Use(self.use)}) if self.use else visitor.uses
        ask = imagined_ask(policy, path, parts.query, self.name, country, at_us=now_us)
        return explanation(rule(policy, visitor, ask, uses), visitor, ask, uses, policy)


_CELLS: Final[Cells] = {
    "site": lambda row: row.site.id,
    "mode": lambda row: str(row.site.mode),
    "hosts": lambda row: listed(row.site.hosts),
    "works": lambda row: len(row.works),
    "offers": lambda row: len(row.offers),
    "rules": lambda row: len(row.rules),
    "digest": lambda row: row.digest,
}

_VERSION_CELLS: Final[Cells] = {
    "sha256": lambda row: row.sha256,
    "from": lambda row: moment(row.at),
    "changed_in": lambda row: row.by,
    "by": lambda row: row.who,
    "words": lambda row: " ".join(row.words),
}


class PolicyPages:
    """The pages about policies; *frame* draws them."""

    def __init__(
        self,
        files: PolicyFiles,
        access_log: AccessLog,
        frame: Frame,
        clock: Clock,
        consents: Consents | None = None,
    ) -> None:
        """Edit *files*, and put changes to what *access_log* remembers; *consents* are what authors answered."""
        self._consents = consents
        self._files, self._log, self._frame, self._clock = files, access_log, frame, clock
        self._catalog = Catalog.shipped()
        self._replaying = Replaying(access_log, clock, self._catalog)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses above to *router*."""
        router.add_get("/policies", self._list)
        add_table(router, "/policies", _CELLS, self._rows)
        router.add_get("/policies/{site}", self._one)
        add_table(router, "/policies/{site}/versions", _VERSION_CELLS, self._every_version)
        router.add_post("/policies/{site}/check", self._check)
        router.add_post("/policies/{site}/activate", self._activate)
        router.add_get("/policies/{site}/versions/{sha256}", self._version)

    async def _rows(self, _request: web.Request) -> Sequence[Policy]:
        return self._files.policies

    async def _every_version(self, request: web.Request) -> Sequence[Version]:
        return self._files.versions(self._policy(request))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        policies, view = rows_in(self._files.policies, _CELLS, read_table(request, _CELLS))
        context = {"policies": policies, "view": view}
        return self._frame.render(request, "policies.html", context, status=400 if view.mistakes else 200)

    async def _one(self, request: web.Request) -> web.StreamResponse:
        policy = self._policy(request)
        question = Question.read(request.query)
        said, trouble = await self._said(policy, question) if question else ((), "")
        try:
            text = self._files.text(policy)
        except ConfigurationError as error:
            return self._page(request, policy, "", trouble=str(error), status=503)
        context: dict[str, object] = {
            "question": question or Question(),
            "said": said,
            "mistake": trouble,
            "activated": request.query.get("done") == "activated",
            "around": _around(text, request.query.get("line", ""))
            if may(request, Permission.FLOOR_SEE)
            else (),
            "versions": self._files.versions(policy),
        }
        return self._page(request, policy, text, status=400 if trouble else 200, more=context)

    async def _said(self, policy: Policy, question: Question) -> tuple[tuple[str, ...], str]:
        """What the rules say, line by line, with what the owner alone is told of holds; and the mistake, or ""."""
        found = question.answer(policy, self._catalog, self._clock.now_us())
        if isinstance(found, str):
            return (), found
        head, *rest = found.lines()
        return (head, *await self._held(policy, found), *rest), ""

    async def _held(self, policy: Policy, found: Explanation) -> list[str]:
        """Why what was asked about is not sold for now: who has not consented, or which objection waits."""
        lines: list[str] = []
        if found.visitor.is_person:
            return lines
        for each in policy.withdrawn.holding(found.ask.path, found.ruling.work, found.uses):
            work, uses = work_of(each.cause), ", ".join(sorted(each.uses & found.uses))
            why = ""
            if work and self._consents is not None:
                why = why_unsold(await self._consents.of_work(policy.site.id, work), found.uses)
            if work:
                lines.append(f"held     {work}, for {uses}: {why or 'its authors have not all consented'}")
            else:
                lines.append(f"held     for {uses}: an objection is not decided yet ({each.cause})")
        return lines

    def _page(
        self,
        request: web.Request,
        policy: Policy,
        text: str,
        *,
        trouble: str = "",
        status: int = 200,
        more: Mapping[str, object] = MappingProxyType({}),
    ) -> web.StreamResponse:
        context: dict[str, object] = {
            "policy": policy,
            "editable": self._files.file(policy) is not None,
            # The text holds floors; so does its digest, for whoever can guess.
            "text": text if may(request, Permission.FLOOR_SEE) else "",
            "base": digest_of(text) if may(request, Permission.FLOOR_SEE) else "",
            "trouble": trouble,
            "advice": advice_for(policy, self._catalog),
            "question": Question(),
            "said": (),
            "mistake": "",
            "mistakes": (),
            "activated": False,
            "around": (),
            "versions": (),
            "names": sorted(entry.name for entry in self._catalog.crawlers),
            "proofs": tuple(Identity),
            "uses": tuple(Use),
        }
        return self._frame.render(request, "policy.html", {**context, **more}, status=status)

    async def _check(self, request: web.Request) -> web.StreamResponse:
        policy, text, base = await self._sent(request)
        tried = self._files.tried(policy, text)
        if tried.policy is None:
            # What was typed stands in the editor again; the base stays the one it was made from.
            return self._page(
                request, policy, text, status=400, more={"base": base, "mistakes": tried.mistakes}
            )
        now = self._files.text(policy)
        context = {
            "policy": policy,
            "text": text,
            "base": base,
            "stale": digest_of(now) != base,
            "difference": difference(now, text),
            "same": tried.policy.digest == policy.digest,
            "advice": advice_for(tried.policy, self._catalog),
            "impact": await self._replaying.impact(policy, tried.policy),
            "draft": self._files.keep_draft(policy, text),
            "days": REPLAY_DAYS,
            "WORDS": VERDICTS,
            "Verdict": Verdict,
            "sentences": _sentences(policy, now, text),
            "FROM_WHEN": FROM_WHEN,
        }
        return self._frame.render(request, "policy_change.html", context)

    async def _activate(self, request: web.Request) -> web.StreamResponse:
        policy, text, base = await self._sent(request)
        tried = self._files.tried(policy, text)
        if tried.policy is None:
            return self._page(
                request, policy, text, status=400, more={"base": base, "mistakes": tried.mistakes}
            )
        now = self._files.text(policy)
        words = (*_sentences(policy, now, text), FROM_WHEN)
        if not self._files.activate(policy, text, base, who=who_sent(request), words=words):
            now = self._files.text(policy)
            context = {
                "policy": policy, "text": text, "base": digest_of(now), "stale": True, "same": False,
                "difference": difference(now, text), "advice": (), "impact": None, "days": REPLAY_DAYS,
                "WORDS": VERDICTS, "Verdict": Verdict, "sentences": _sentences(policy, now, text),
                "FROM_WHEN": FROM_WHEN,
            }  # fmt: skip
            return self._frame.render(request, "policy_change.html", context, status=409)
        raise web.HTTPSeeOther(f"/policies/{policy.site.id}?done=activated")

    async def _version(self, request: web.Request) -> web.StreamResponse:
        policy = self._policy(request)
        sha256 = request.match_info["sha256"]
        text = self._files.version(policy.site.id, sha256)
        if text is None:
            raise web.HTTPNotFound
        now, versions = self._files.text(policy), self._files.versions(policy)
        context = {
            "policy": policy,
            "text": text,
            "base": digest_of(now),
            "difference": difference(now, text),
            "times": [each for each in versions if each.sha256 == sha256],
            "sha256": sha256,
            "made": difference(self._before(policy, versions, sha256), text),
        }
        return self._frame.render(request, "policy_version.html", context)

    def _before(self, policy: Policy, versions: tuple[Version, ...], sha256: str) -> str:
        """The text that the version *sha256* replaced when it was last put in force; "" for the first."""
        at = next(nth for nth, each in enumerate(versions) if each.sha256 == sha256)
        older = versions[at + 1].sha256 if at + 1 < len(versions) else ""
        return self._files.version(policy.site.id, older) or ""

    def _policy(self, request: web.Request) -> Policy:
        found = self._files.of_site(request.match_info["site"])
        if found is None:
            raise web.HTTPNotFound
        return found

    async def _sent(self, request: web.Request) -> tuple[Policy, str, str]:
        form = await self._frame.form_of(request)
        policy = self._policy(request)
        if self._files.file(policy) is None:
            raise web.HTTPNotFound
        if form.get("mode") in tuple(Mode):
            # Another mode is one line of the file, which whoever asks for it need not have seen.
            now = self._files.text(policy)
            return policy, with_mode(now, form["mode"]) or now, digest_of(now)
        if version := form.get("version", ""):
            # What was in force before is put back without being sent along.
            older = self._files.version(policy.site.id, version)
            if older is None:
                raise web.HTTPNotFound
            return policy, older, form.get("base", "")
        # Browsers end lines of a form as HTTP does; the file keeps its own way.
        return policy, form.get("text", "").replace("\r\n", "\n"), form.get("base", "")


def _sentences(policy: Policy, now: str, text: str) -> tuple[str, ...]:
    """What changes for each use of each work from the text *now* to *text*; nothing of what is no policy now."""
    try:
        before, after = read_grid(now, policy.file), read_grid(text, policy.file)
    except ConfigurationError:
        return ()
    return changes(before, after, policy.site.currency)


def _around(text: str, line: str) -> tuple[tuple[int, str, bool], ...]:
    """The lines of *text* near the one of that number, each with its number, and whether it is the one."""
    if not (line.isascii() and line.isdecimal() and len(line) < _MOST_DIGITS):
        return ()
    wanted, lines = int(line), text.splitlines()
    if not 0 < wanted <= len(lines):
        return ()
    first = max(1, wanted - _NEAR)
    return tuple(
        (nth, lines[nth - 1], nth == wanted) for nth in range(first, min(len(lines), wanted + _NEAR) + 1)
    )
