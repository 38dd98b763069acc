"""The control files of a site: robots.txt, license.xml and the TDM policy, for everybody, always.

robots.txt is the site's own one merged with the terms, so the site's is
evidence (kind ``robots``, key the site's id) that `find` asks for and never
waits for. How old it may be, and what an answer of the creator's server means
(RFC 9309, section 2.3.1):

=================== ==========================================================
younger than 1 h    used as it is
2xx                 merged; a page of HTML is no robots.txt
4xx but 429         the site has none: the terms alone are told
429, 5xx, timeout   the last good one goes on for 30 days; where there is none,
                    503 and ``Retry-After``, because a file without the site's
                    own rules would open what they close; asked again after a
                    minute
=================== ==========================================================

In the mode `observe` nothing here answers: the origin's own files pass.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import orjson

from gateway.ask import Ask
from gateway.clock import Clock
from gateway.evidence import Evidence, Need, Needs
from gateway.front.answer import Notice
from gateway.origin.small import SmallAnswer
from gateway.policy.rules import Mode, Policy, Site
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import PublishedTerms
from gateway.terms.odrl import MEDIA_TYPE as LINKED_DATA
from gateway.terms.robots_txt import merge_robots
from gateway.terms.rsl import MEDIA_TYPE, render_rsl
from gateway.terms.tdm_policy import tdm_policy
from gateway.terms.tdmrep import POLICY_PATH

#: Seconds after which the creator's server is asked again.
FRESH_SECONDS: Final = 3600
#: Seconds for which the last good robots.txt stands in while the server fails.
GOOD_SECONDS: Final = 30 * 24 * 3600
#: Seconds between two attempts at a server that fails.
RETRY_SECONDS: Final = 60
_MOST_RENDERED: Final = 64


class Fetch(Protocol):
    """Fetches one small file from the creator's server (`origin.small.fetch_small`)."""

    def __call__(self, upstream: str, target: str, *, public: str = "") -> Awaitable[SmallAnswer | Refusal]:
        """GET *target* at *upstream*, as the site *public* is asked for; "" is the server's own name."""
        ...


@dataclass(frozen=True, slots=True)
class OriginRobots:
    """The site's own robots.txt, or that it has none (*body* is None). *tag* names the bytes."""

    body: bytes | None
    tag: str


@dataclass(frozen=True, slots=True)
class _Held:
    """What is known of one server: the last good answer and when, the last failure and when."""

    robots: OriginRobots | None = None
    good_at: float = 0.0
    refusal: Refusal | None = None
    failed_at: float = 0.0


@dataclass(slots=True)
class _Line:
    """One server's answers, and the lock that lets one request at a time ask it."""

    held: _Held = field(default_factory=_Held)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class SiteNotices:
    """Tells a site's control files; implements `front.exchange.Notices`. One object a process."""

    def __init__(
        self, published: Callable[[Policy, str], PublishedTerms], fetch: Fetch, clock: Clock
    ) -> None:
        """Render what *published* says; *fetch* reads the site's own robots.txt."""
        self._published = published
        self._fetch = fetch
        self._clock = clock
        self._lines: dict[tuple[str, str], _Line] = {}
        self._rendered: OrderedDict[tuple[str, ...], Notice] = OrderedDict()

    def find(self, policy: Policy, ask: Ask, evidence: Evidence) -> Notice | Refusal | Needs | None:
        """The control file *ask* is for, or None; without waiting and without I/O.

        `Needs` names the site's robots.txt when none is at hand or it is too old.
        """
        if policy.site.mode is Mode.OBSERVE or ask.method not in {"GET", "HEAD"}:
            return None
        if ask.path == "/license.xml":
            return self._license(policy, ask.origin)
        if ask.path == POLICY_PATH:
            return self._tdm_policy(policy, ask.origin)
        if ask.path != "/robots.txt":
            return None
        known = evidence.get("robots", policy.site.id) or self._at_hand(policy.site)
        if known is None:
            return Needs((Need("robots", policy.site.id, policy.site),))
        if isinstance(known, Refusal):
            return known
        assert isinstance(known, OriginRobots)
        return self._robots(policy, ask.origin, known)

    def robots_served(self, policy: Policy, origin: str) -> bytes | None:
        """The robots.txt that this site serves at *origin* now, or None where nobody has read it yet."""
        if policy.site.mode is Mode.OBSERVE:
            return None
        known = self._at_hand(policy.site)
        return self._robots(policy, origin, known).body if isinstance(known, OriginRobots) else None

    async def robots(self, need: Need) -> OriginRobots | Refusal:
        """The evidence source of kind ``robots``: reads the file again unless that was just done.

        Requests that need it at the same moment share one fetch.
        """
        site = need.about
        assert isinstance(site, Site)
        line = self._line(site)
        async with line.lock:
            known = self._at_hand(site)
            if known is not None:
                return known
            answer = await self._fetch(site.origin, "/robots.txt", public=_public(site))
            line.held = self._weighed(line.held, answer)
        known = self._at_hand(site)
        assert known is not None, "what was just weighed is at hand"
        return known

    def _line(self, site: Site) -> _Line:
        return self._lines.setdefault((site.id, site.origin), _Line())

    def _at_hand(self, site: Site) -> OriginRobots | Refusal | None:
        """What can be told without asking the server, or None where it is time to ask."""
        held, now = self._line(site).held, self._clock.monotonic()
        if held.robots is not None and now - held.good_at < FRESH_SECONDS:
            return held.robots
        if held.refusal is None or now - held.failed_at >= RETRY_SECONDS:
            return None
        if held.robots is not None and now - held.good_at < GOOD_SECONDS:
            return held.robots
        return held.refusal

    def _weighed(self, held: _Held, answer: SmallAnswer | Refusal) -> _Held:
        now = self._clock.monotonic()
        if isinstance(answer, Refusal):
            why = answer.private or answer.code
        elif 200 <= answer.status < 300:
            html = answer.content_type.lower().partition(";")[0].strip() == "text/html"
            body = None if html else answer.body
            tag = "none" if body is None else hashlib.sha256(body).hexdigest()
            return _Held(OriginRobots(body, tag), now)
        elif 400 <= answer.status < 500 and answer.status != 429:
            return _Held(OriginRobots(None, "none"), now)
        else:
            why = f"status {answer.status}"
        refusal = Refusal(
            Problem.ROBOTS_UNAVAILABLE,
            "The site's own server did not give its robots.txt.",
            retry_after=RETRY_SECONDS,
            private=why,
        )
        return replace(held, refusal=refusal, failed_at=now)

    def _robots(self, policy: Policy, origin: str, known: OriginRobots) -> Notice:
        return self._kept(
            ("robots.txt", policy.site.id, policy.digest, origin, known.tag),
            "text/plain; charset=utf-8",
            lambda: merge_robots(known.body, self._published(policy, origin)),
        )

    def _license(self, policy: Policy, origin: str) -> Notice:
        return self._kept(
            ("license.xml", policy.site.id, policy.digest, origin),
            MEDIA_TYPE,
            lambda: render_rsl(self._published(policy, origin)),
        )

    def _tdm_policy(self, policy: Policy, origin: str) -> Notice:
        return self._kept(
            ("tdm.jsonld", policy.site.id, policy.digest, origin),
            LINKED_DATA,
            lambda: orjson.dumps(tdm_policy(self._published(policy, origin))),
        )

    def _kept(self, key: tuple[str, ...], media_type: str, render: Callable[[], bytes]) -> Notice:
        """The rendering kept under *key*, or a new one; bounded, because hosts may be forged."""
        notice = self._rendered.get(key)
        if notice is None:
            body = render()
            notice = Notice(key[0], media_type, body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
            self._rendered[key] = notice
            if len(self._rendered) > _MOST_RENDERED:
                self._rendered.popitem(last=False)
        else:
            self._rendered.move_to_end(key)
        return notice


def _public(site: Site) -> str:
    """The name to ask the server by: the site's own, never one that a request brought along."""
    if site.public:
        return site.public
    return f"https://{site.hosts[0]}" if site.hosts and "*" not in site.hosts[0] else ""
