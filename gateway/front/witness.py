"""What a request tells about its network, noted once it was judged and before it is answered.

One call of `front.exchange` for every request. People are let by first: of
whoever shows no evidence of automation nothing is noted, whatever is asked for
(`visitors.conduct` says why). Nor of a licensed fetch, which has its own pace
and its own right. Of everybody else:

================ =============================================================
rate_exceeded    requests come faster than `[pacing] network_per_second`; of a
                 network that is known to refuse terms, once a second, and then
                 nothing is noted besides but the honeypot
honeypot_hit     the site's honeypot was asked for, where there is one
robots_disobeyed a crawler asked for what the robots.txt that we serve closes
                 to its name; not where a person asked for the page, and only
                 once somebody has read that file
terms_refused    it was told to buy a license, or that there is none
================ =============================================================
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from gateway.admission.pace import Pace
from gateway.ask import Ask
from gateway.front.answer import Judged
from gateway.policy.rules import Policy
from gateway.problems import Problem, Refusal
from gateway.terms.robots_pattern import matches
from gateway.terms.robots_txt import Robots, RobotsGroup, parse_robots
from gateway.visitors.conduct import Conduct, Event, network_of
from gateway.visitors.visitor import Visitor

#: What the robots.txt of a site says now, as served, or None where nobody has read it.
RobotsAtHand = Callable[[Policy, str], bytes | None]

#: Fetches that people asked for, or that read one address again and again, are no crawling.
_NOT_CRAWLING: Final = frozenset({"user-action", "agent", "preview", "monitoring", "feed"})
_REFUSED: Final = frozenset({Problem.LICENSE_REQUIRED, Problem.REFUSED_BY_OWNER})
_MOST: Final = 1024


class Witness:
    """Notes the conduct of automata; one object a process."""

    def __init__(self, conduct: Conduct, pace: Pace, robots: RobotsAtHand) -> None:
        """Note into *conduct*; *pace* is for networks, *robots* gives the file a site serves."""
        self._conduct = conduct
        self._pace = pace
        self._robots = robots
        self._flooding: dict[str, int] = {}
        self._held: dict[tuple[int, str, str], tuple[int, Policy, RobotsGroup | None]] = {}
        self._parsed: OrderedDict[bytes, Robots] = OrderedDict()
        self._groups: OrderedDict[tuple[int, str], tuple[Robots, RobotsGroup | None]] = OrderedDict()

    def __call__(self, ask: Ask, judged: Judged) -> None:
        """Note what *ask* tells, now that it was judged."""
        visitor, verdict = judged.visitor, judged.verdict
        if visitor.is_person or judged.claims is not None:
            return
        network, seen = network_of(ask.address), list[Event]()
        hit = bool(ask.path) and ask.path == judged.policy.site.honeypot
        if self._pace.wait(network, ask.asked_at_us):
            again = self._flooding.get(network) == ask.asked_at
            if again and not hit and self._conduct.tells(network, "terms_refused"):
                return
            self._floods(network, ask.asked_at)
            seen.append("rate_exceeded")
        if hit:
            seen.append("honeypot_hit")
        elif self._disobeys(ask, judged.policy, visitor):
            seen.append("robots_disobeyed")
        if isinstance(verdict, Refusal) and verdict.problem in _REFUSED:
            seen.append("terms_refused")
        if seen:
            self._conduct.note_all(seen, network, ask.asked_at)

    def _floods(self, network: str, at: int) -> None:
        """In this second *network* is too fast: the rest of its requests in it say little else."""
        if len(self._flooding) >= _MOST:
            self._flooding.clear()
        self._flooding[network] = at

    def _disobeys(self, ask: Ask, policy: Policy, visitor: Visitor) -> bool:
        crawler = visitor.crawler
        if not ask.path or (crawler is not None and not _NOT_CRAWLING.isdisjoint(crawler.purposes)):
            return False
        group = self._rules(policy, ask, visitor.name or "*")
        if group is None or ask.path == "/robots.txt":
            return False
        found = [(len(each.pattern), each.allow) for each in group.rules if matches(each.pattern, ask.path)]
        return not max(found, default=(0, True))[1]

    def _rules(self, policy: Policy, ask: Ask, token: str) -> RobotsGroup | None:
        """What robots.txt says to *token* in this second; nobody is asked for it again within one."""
        key, second = (id(policy), ask.origin, token), ask.asked_at
        held = self._held.get(key)
        if held is None or held[0] != second:
            served = self._robots(policy, ask.origin)
            held = (second, policy, None if served is None else self._group(served, token))
            if len(self._held) >= _MOST:
                self._held.clear()
            self._held[key] = held
        return held[2]

    def _group(self, served: bytes, token: str) -> RobotsGroup | None:
        """The rules of *served* for *token*; remembered, because a file of hundreds of groups is joined for each."""
        robots = self._parsed.get(served)
        if robots is None:
            robots = self._parsed[served] = parse_robots(served)
            if len(self._parsed) > _MOST // 64:
                self._parsed.popitem(last=False)
        key = (id(robots), token)
        known = self._groups.get(key)
        if known is None:
            known = self._groups[key] = (robots, robots.group_of(token) or robots.group_of("*"))
            if len(self._groups) > _MOST:
                self._groups.popitem(last=False)
        return known[1]


def nobody(_: Ask, __: Judged) -> None:
    """A witness that notes nothing."""
