"""What would other rules have said? Visits that happened, put to two policies. Pure.

Both policies are asked the same: who came, for which path, from where. What a
token or a payment changed stays out, so the counts are about rules alone. A
visitor is taken for what it was found to be then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.money import Money
from gateway.policy.imagined import imagined_ask
from gateway.policy.rules import Policy, Ruling, Verdict
from gateway.policy.ruling import rule
from gateway.visitors.visitor import Visitor


@dataclass(frozen=True, slots=True)
class Visit:
    """*count* fetches of one path by one visitor from one country ("" is unknown)."""

    visitor: Visitor
    path: str
    country: str
    count: int


@dataclass(frozen=True, slots=True)
class Changed:
    """*count* visits of *crawler* ("" has no name) that one policy answers so, and the other otherwise."""

    crawler: str
    before: Verdict
    after: Verdict
    count: int


@dataclass(frozen=True, slots=True)
class Impact:
    """What becomes of the same visits under two policies.

    *visits* is how many there were; *before* and *after* count them by verdict;
    *asked_before* and *asked_after* are what those that need a license would be
    asked for in all, at the cheapest offer of each. *changed* are those that end
    otherwise, the most frequent first.
    """

    visits: int
    before: Mapping[Verdict, int]
    after: Mapping[Verdict, int]
    asked_before: tuple[Money, ...]
    asked_after: tuple[Money, ...]
    changed: tuple[Changed, ...]


def impact(visits: Iterable[Visit], before: Policy, after: Policy, *, at_us: int = 0) -> Impact:
    """Put *visits* to both policies, of pages as old as they are at *at_us*."""
    counts: tuple[Counter[Verdict], Counter[Verdict]] = (Counter(), Counter())
    asked: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    changed: Counter[tuple[str, Verdict, Verdict]] = Counter()
    total = 0
    for visit in visits:
        total += visit.count
        said = tuple(_said(policy, visit, at_us) for policy in (before, after))
        for at, ruling in enumerate(said):
            counts[at][ruling.verdict] += visit.count
            prices = [offer.price for offer in ruling.offers]
            if prices:
                cheapest = min(prices, key=lambda price: price.micros)
                asked[at][cheapest.currency] += cheapest.micros * visit.count
        if said[0].verdict is not said[1].verdict:
            changed[visit.visitor.name, said[0].verdict, said[1].verdict] += visit.count
    return Impact(
        visits=total,
        before=MappingProxyType({word: counts[0][word] for word in Verdict}),
        after=MappingProxyType({word: counts[1][word] for word in Verdict}),
        asked_before=_monies(asked[0]),
        asked_after=_monies(asked[1]),
        changed=tuple(
            Changed(*key, count)
            for key, count in sorted(changed.items(), key=lambda each: (-each[1], each[0]))
        ),
    )


def _said(policy: Policy, visit: Visit, at_us: int) -> Ruling:
    ask = imagined_ask(policy, visit.path, "", visit.visitor.name, visit.country, at_us=at_us)
    return rule(policy, visit.visitor, ask, visit.visitor.uses)


def _monies(sums: Counter[str]) -> tuple[Money, ...]:
    return tuple(Money(sums[currency], currency) for currency in sorted(sums) if sums[currency])
