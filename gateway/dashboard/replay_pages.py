"""A record's request put to the rules once more: as another crawler, by the rules of then and of now; and the line of a rule.

==============================  ==============================================
``/records/ID/replay``          ``as``, ``proof``: a dry run; nothing is sent
                                and nothing is kept
``/policies/SITE/lines``        ``rule``: the file line by line, with the line
                                of that rule; ``version``: of an earlier file
==============================  ==============================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway import bundled
from gateway.clock import Clock
from gateway.dashboard.frame import Frame
from gateway.dashboard.policy_shelf import PolicyFiles
from gateway.dashboard.queries import AccessLog
from gateway.dashboard.rules_then import RulesThen, line_page
from gateway.languages import standing_alone
from gateway.policy.explain import explanation
from gateway.policy.imagined import imagined_ask, imagined_visitor
from gateway.policy.lines import line_of
from gateway.policy.reading import stances
from gateway.policy.rule_words import numbered
from gateway.policy.rules import Policy, Ruling
from gateway.policy.ruling import rule
from gateway.problems import ConfigurationError
from gateway.provenance.record import FetchDetail, FetchRecord
from gateway.visitors.catalog import Catalog
from gateway.visitors.visitor import Identity, Visitor

_LONGEST: Final = 512


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one policy says: *when* it is of, its digest, the ruling, its lines, and the page of the rule's line."""

    when: str
    digest: str
    ruling: Ruling
    lines: tuple[str, ...]
    line: str


def replayed(
    policy: Policy, record: FetchRecord, detail: FetchDetail | None, visitor: Visitor, name: str, *, at_us: int, when: str,
    version: str = "",
) -> Replayed:  # fmt: skip
    """What *policy* says to *visitor*, who calls itself *name*, of what *record* asked for, at *at_us*."""
    query = detail.query if detail is not None else ""
    ask = imagined_ask(policy, record.path, query, name, record.country, at_us=at_us)
    ruling = rule(policy, visitor, ask, visitor.uses)
    lines = explanation(ruling, visitor, ask, visitor.uses, policy).lines()
    return Replayed(when, policy.digest, ruling, lines, line_page(policy.site.id, ruling.rule, version))


class ReplayPages:
    """Puts records to rules; *frame* draws what comes of it."""

    def __init__(self, files: PolicyFiles, access_log: AccessLog, frame: Frame, clock: Clock) -> None:
        """Take rules from *files* and records from *access_log*."""
        self._files, self._log, self._frame, self._clock = files, access_log, frame, clock
        self._catalog = Catalog.shipped()
        self._then = RulesThen(files)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses above to *router*."""
        router.add_get("/records/{id}/replay", self._replay)
        router.add_get("/policies/{site}/lines", self._lines)

    async def _replay(self, request: web.Request) -> web.StreamResponse:
        record = await self._log.record(request.match_info["id"])
        if record is None:
            raise web.HTTPNotFound
        detail = await self._log.detail(record.id)
        own = record.crawler or (detail.user_agent if detail is not None else "")
        name = request.query.get("as", own)[:_LONGEST].strip()
        proof = request.query.get("proof", record.identity)
        visitor, trouble = self._visitor(name, proof)
        policy = self._files.of_site(record.site)
        if policy is None:
            trouble = trouble or "The site of this record is not served here any more."
        found = self._found(policy, record, detail, visitor, name) if policy and visitor else ()
        context = {
            "record": record,
            "rule": self._then.told(record.site, record.policy, record.rule),
            "name": name,
            "proof": proof,
            "proofs": tuple(Identity),
            "names": sorted(entry.name for entry in self._catalog.crawlers),
            "trouble": trouble,
            "found": found,
            "known": any(each.digest == record.policy for each in found),
        }
        return self._frame.render(request, "replay.html", context, status=400 if trouble else 200)

    def _visitor(self, name: str, proof: str) -> tuple[Visitor | None, str]:
        if proof not in tuple(Identity):
            return None, f"Proof is one of {', '.join(Identity)}."
        visitor = imagined_visitor(self._catalog, name, Identity(proof))
        if visitor is None:
            return None, "No crawler of the catalog has that name; a whole User-Agent will do too."
        return visitor, ""

    def _found(
        self, policy: Policy, record: FetchRecord, detail: FetchDetail | None, visitor: Visitor, name: str
    ) -> tuple[Replayed, ...]:
        now = replayed(policy, record, detail, visitor, name, at_us=self._clock.now_us(), when="now")
        if policy.digest == record.policy:
            return (now,)
        then = self._then.earlier(policy, record.policy)
        if then is None:
            return (now,)
        version, earlier = then
        before = replayed(
            earlier, record, detail, visitor, name, at_us=record.time_us, when="then", version=version
        )
        return before, now

    async def _lines(self, request: web.Request) -> web.StreamResponse:
        policy = self._files.of_site(request.match_info["site"])
        if policy is None:
            raise web.HTTPNotFound
        version = request.query.get("version", "")
        try:
            text = self._files.version(policy.site.id, version) if version else self._files.text(policy)
        except ConfigurationError:
            text = None
        if text is None:
            raise web.HTTPNotFound
        key = request.query.get("rule", "")[:_LONGEST]
        line = line_of(text, key) if key else 0
        stance = "" if line or not policy.stance else stance_text(policy.stance)
        context = {
            "policy": policy,
            "key": key,
            "named": standing_alone(numbered(key))[:-1],
            "line": line,
            "lines": text.splitlines(),
            "stance": stance.splitlines(),
            "stance_line": line_of(stance, key) if stance and key else 0,
            "version": version,
        }
        return self._frame.render(request, "policy_lines.html", context)


def stance_text(stance: str) -> str:
    """The file of a shipped stance, or "" for another name."""
    if stance not in stances():
        return ""
    return bundled.policies("stances", f"{stance}.toml").read_text(encoding="utf-8")
