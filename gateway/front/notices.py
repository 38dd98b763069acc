"""The control files of a site, for everybody, always: what tells its terms to whoever asks before fetching.

===================================== =========================================
``/robots.txt``                       the site's own, merged with the terms
``/license.xml``                      the terms as RSL
``/.well-known/tdmrep.json``          what is reserved by either side
``/.well-known/licenses/tdm.jsonld``  how it can be had all the same
``/trust.txt``, ``/llms.txt``         the site's own with a line or a section
                                      more, where the site turned that on
===================================== =========================================

What the site has itself under these names is evidence (kind ``own-file``) that
`find` asks for and never waits for; `own_files` says how old it may be. While
the creator's server fails and no good answer is left, less is allowed: 503 for
robots.txt, because a file without the site's own rules would open what they
close; everything reserved in tdmrep.json and trust.txt, which are told for a
minute only. Of what is too large to be read whole the rest may say no, so those
two say it too; such an llms.txt, which grants nothing, passes untouched.

In the mode `observe` nothing here answers: the origin's own files pass.
"""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import orjson

from gateway.ask import Ask
from gateway.clock import Clock
from gateway.evidence import Evidence, Need, Needs
from gateway.front.answer import Notice
from gateway.front.own_files import RETRY_SECONDS, Fetch, OwnFile, OwnFiles
from gateway.policy.rules import Mode, Policy, Site
from gateway.problems import Refusal
from gateway.terms import llms_txt, tdmrep, trust_txt
from gateway.terms.license_terms import PublishedTerms
from gateway.terms.odrl import MEDIA_TYPE as LINKED_DATA
from gateway.terms.publishing import Publishing, RobotsPreferences
from gateway.terms.robots_check import hidden_offers, robots_faults
from gateway.terms.robots_txt import merge_robots
from gateway.terms.rsl import MEDIA_TYPE, render_rsl
from gateway.terms.tdm_policy import tdm_policy

ROBOTS: Final = "/robots.txt"
_KIND: Final = "own-file"
_MOST_RENDERED: Final = 64
_TEXT: Final = "text/plain; charset=utf-8"
_log = logging.getLogger("licet.notices")


class SiteNotices:
    """Tells a site's control files; implements `front.exchange.Notices`. One object a process."""

    def __init__(
        self, published: Callable[[Policy, str], PublishedTerms], fetch: Fetch, clock: Clock
    ) -> None:
        """Render what *published* says; *fetch* reads the site's own files."""
        self._published = published
        self._files = OwnFiles(fetch, clock)
        self._rendered: OrderedDict[tuple[str, ...], Notice] = OrderedDict()

    def find(self, policy: Policy, ask: Ask, evidence: Evidence) -> Notice | Refusal | Needs | None:
        """The control file *ask* is for, or None; without waiting and without I/O.

        `Needs` names the site's own file when none is at hand or it is too old.
        """
        if policy.site.mode is Mode.OBSERVE or ask.method not in {"GET", "HEAD"}:
            return None
        if ask.path == "/license.xml":
            return self._license(policy, ask.origin)
        if ask.path == tdmrep.POLICY_PATH:
            return self._tdm_policy(policy, ask.origin)
        told = _TOLD.get(ask.path)
        if told is None or not told(policy.publishing):
            return None
        if ask.path == tdmrep.PATH and policy.publishing.preferences is RobotsPreferences.POLICY:
            return self._merged(policy, ask, OwnFile(None, "none"))
        key = f"{policy.site.id} {ask.path}"
        known = evidence.get(_KIND, key) or self._files.at_hand(policy.site, ask.path)
        if known is None:
            return Needs((Need(_KIND, key, policy.site),))
        assert isinstance(known, OwnFile | Refusal)
        if ask.path == ROBOTS:
            return known if isinstance(known, Refusal) else self._robots(policy, ask.origin, known)
        return self._merged(policy, ask, known)

    def robots_served(self, policy: Policy, origin: str) -> bytes | None:
        """The robots.txt that this site serves at *origin* now, or None where nobody has read it yet."""
        if policy.site.mode is Mode.OBSERVE:
            return None
        known = self._files.at_hand(policy.site, ROBOTS)
        return self._robots(policy, origin, known).body if isinstance(known, OwnFile) else None

    async def own_file(self, need: Need) -> OwnFile | Refusal:
        """The evidence source of kind ``own-file``: a file of the site's own server, or that it has none."""
        site = need.about
        assert isinstance(site, Site)
        return await self._files.read(site, need.key.rpartition(" ")[2])

    def _robots(self, policy: Policy, origin: str, known: OwnFile) -> Notice:
        def render() -> bytes:
            terms = self._published(policy, origin)
            merged = merge_robots(known.body, terms)
            for fault in (*robots_faults(merged, terms), *hidden_offers(known.body, terms)):
                _log.warning("robots.txt of %s: %s", policy.site.id, fault)
            return merged

        return self._kept(("robots.txt", policy.site.id, policy.edition, origin, known.tag), _TEXT, render)

    def _license(self, policy: Policy, origin: str) -> Notice:
        return self._kept(
            ("license.xml", policy.site.id, policy.edition, origin),
            MEDIA_TYPE,
            lambda: render_rsl(self._published(policy, origin), lastmod=lastmod_of(policy)),
        )

    def _tdm_policy(self, policy: Policy, origin: str) -> Notice:
        return self._kept(
            ("tdm.jsonld", policy.site.id, policy.edition, origin),
            LINKED_DATA,
            lambda: orjson.dumps(tdm_policy(self._published(policy, origin))),
        )

    def _merged(self, policy: Policy, ask: Ask, known: OwnFile | Refusal) -> Notice | None:
        """The file at *ask*'s path; *known* is the site's own, or that it cannot be read at the moment."""
        unread = isinstance(known, Refusal)
        own, tag = (None, "unread") if isinstance(known, Refusal) else (known.body, known.tag)
        media_type, render = _RENDERED[ask.path]
        if not unread and isinstance(known, OwnFile) and known.cut and ask.path == llms_txt.PATH:
            return None
        return self._kept(
            (ask.path.rpartition("/")[2], policy.site.id, policy.edition, ask.origin, tag),
            media_type,
            lambda: render(own, self._published(policy, ask.origin), unread),
            **({"max_age": RETRY_SECONDS} if unread else {}),
        )

    def _kept(
        self, key: tuple[str, ...], media_type: str, render: Callable[[], bytes], **more: int
    ) -> Notice:
        """The rendering kept under *key*, or a new one; bounded, because hosts may be forged."""
        notice = self._rendered.get(key)
        if notice is None:
            body = render()
            notice = Notice(key[0], media_type, body, f'"{hashlib.sha256(body).hexdigest()[:32]}"', **more)
            self._rendered[key] = notice
            if len(self._rendered) > _MOST_RENDERED:
                self._rendered.popitem(last=False)
        else:
            self._rendered.move_to_end(key)
        return notice


def told_paths(policy: Policy) -> tuple[str, ...]:
    """The paths of the control files that *policy* tells of its site, in every mode but `observe`."""
    told = [path for path, is_told in _TOLD.items() if is_told(policy.publishing)]
    return (*told, "/license.xml", tdmrep.POLICY_PATH)


#: Whether a site tells the file of that path.
_TOLD: Final[dict[str, Callable[[Publishing], bool]]] = {
    ROBOTS: lambda _: True,
    tdmrep.PATH: lambda chosen: chosen.tdmrep,
    trust_txt.PATH: lambda chosen: chosen.trust_txt,
    llms_txt.PATH: lambda chosen: chosen.llms_txt,
}
#: The media type of a file and how it is made of the site's own, the terms, and whether the own cannot be read.
_RENDERED: Final[dict[str, tuple[str, Callable[[bytes | None, PublishedTerms, bool], bytes]]]] = {
    tdmrep.PATH: (
        tdmrep.MEDIA_TYPE,
        lambda own, terms, unread: tdmrep.merged_file(own, terms, unread=unread),
    ),
    trust_txt.PATH: (
        trust_txt.MEDIA_TYPE,
        lambda own, terms, unread: trust_txt.merged(own, terms, unread=unread),
    ),
    llms_txt.PATH: (llms_txt.MEDIA_TYPE, lambda own, terms, _: llms_txt.merged(own, terms)),
}


def lastmod_of(policy: Policy) -> str:
    """When the terms of *policy* last changed (RFC 3339), as far as its file tells, else ""."""
    moment = datetime.fromtimestamp(policy.written_at, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if policy.written_at else ""
