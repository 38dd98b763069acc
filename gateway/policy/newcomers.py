"""Crawlers that no catalog knows, as a policy's rules might meet them. Pure.

What is published holds for whoever reads it, so it is asked of these too. Their
names and companies are empty and match no rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, combinations, product

from gateway.policy.rules import Policy
from gateway.uses import AI_USES, Use, Uses, closure
from gateway.visitors.visitor import Crawler, VisitorClass

#: What a newcomer with a use may call itself in the words of the catalog.
_PURPOSES: dict[Use, tuple[str, ...]] = {
    Use.SEARCH: ("search",),
    Use.AI_INPUT: ("user-action", "agent"),
    Use.AI_INDEX: ("ai-search",),
    Use.AI_TRAIN: ("training", "data-seller"),
    Use.FINE_TUNE: ("training", "data-seller"),
    Use.TDM: ("data-seller",),
}


def newcomers_of(policy: Policy) -> Iterator[Crawler]:
    """A crawler of every combination of uses, and of every way to name them that the rules of *policy* tell apart."""
    spoken = frozenset[str]().union(*(each.when.purposes for each in policy.rules))
    for size in range(1, len(Use) + 1):
        for chosen in combinations(Use, size):
            uses = frozenset(chosen)
            for purposes in _purposes(chosen, spoken):
                for visitor_class in _classes(uses):
                    for verifiable in (True, False):
                        yield Crawler("", "", purposes, uses, visitor_class, verifiable)


def _purposes(uses: tuple[Use, ...], spoken: frozenset[str]) -> Iterable[tuple[str, ...]]:
    """Every way to name *uses*, once for all that rules which speak of *spoken* cannot tell apart."""
    named = ([words for size in (1, 2) for words in combinations(_PURPOSES[use], size)] for use in uses)
    told: dict[frozenset[str], tuple[str, ...]] = {}
    for each in product(*named):
        words = tuple(dict.fromkeys(chain(*each)))
        told.setdefault(frozenset(word if word in spoken else "" for word in words), words)
    return told.values()


def _classes(uses: Uses) -> tuple[VisitorClass, ...]:
    if closure(uses) & closure(AI_USES):
        return (VisitorClass.AI,)
    if uses == {Use.SEARCH}:
        return (VisitorClass.SEARCH_ENGINE,)
    return (VisitorClass.AI, VisitorClass.SEARCH_ENGINE, VisitorClass.SERVICE)
