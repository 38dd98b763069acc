"""Yes and no by label and path: what AIPREF and Content Signals have in common, whatever they call it.

A statement is a set of labels with yes or no; a label that is not there is
unsaid. Rules give statements to robots.txt patterns: the longest pattern that
matches decides, and of equal ones the stricter (attach-05, section 3). Where
two parties speak, no outweighs yes and yes outweighs silence (vocab-08, section
5.1): `strictest`, and for rules `merged`.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.terms.license_terms import PublishedScope, PublishedTerms
from gateway.terms.robots_pattern import matches, may_meet, surely_inside
from gateway.uses import Use, closure

#: Label to yes or no, in the order in which they are told.
Statement = tuple[tuple[str, bool], ...]
NOTHING: Statement = ()
#: Rules of one party that are looked at one by one.
MOST: Final = 100


@dataclass(frozen=True, slots=True)
class PathRule:
    """A statement for what *pattern* of robots.txt matches; "/" is everything."""

    pattern: str
    said: Statement


def strictest(*statements: Statement) -> Statement:
    """What holds where all *statements* are made: no, else yes, else nothing; labels in order of first mention."""
    found: dict[str, bool] = {}
    for label, allowed in (pair for statement in statements for pair in statement):
        found[label] = found.get(label, True) and allowed
    return tuple(found.items())


def said_by(scope: PublishedScope, labels: Mapping[str, Use]) -> Statement:
    """What *scope* says under *labels*: yes for what everybody may do for nothing, no for all else."""
    free = closure(scope.free)
    return tuple((label, use in free) for label, use in labels.items())


def rules_of(terms: PublishedTerms, labels: Mapping[str, Use]) -> tuple[PathRule, ...]:
    """The rules of *terms*, narrower before wider; a scope that says what the next wider one does has none."""
    said = [(scope, said_by(scope, labels)) for scope in terms.scopes]
    found: list[PathRule] = []
    for place, (scope, statement) in enumerate(said):
        for path in scope.paths:
            around = [
                other for wider, other in said[place + 1 :] if any(path.within(each) for each in wider.paths)
            ]
            if around and around[0] == statement and "*" not in path.pattern:
                continue
            found += [PathRule(pattern, statement) for pattern in path.as_robots()]
    return tuple(found)


def at(rules: Iterable[PathRule], path: str) -> Statement:
    """What *rules* say of encoded *path*, query included."""
    matching = [rule for rule in rules if matches(rule.pattern, path)]
    longest = max((len(rule.pattern) for rule in matching), default=0)
    return strictest(*(rule.said for rule in matching if len(rule.pattern) == longest))


def merged(ours: tuple[PathRule, ...], theirs: tuple[PathRule, ...] = ()) -> tuple[PathRule, ...]:
    """Rules that never say yes where one of both says no; longest patterns first. Merging again changes nothing.

    Exact for plain prefixes. Where patterns with stars or anchors may meet, the
    stricter of all that meet is told. Of more rules than `MOST` of *theirs* only
    the strictest of all is kept.
    """
    if len(theirs) > MOST:
        theirs = (PathRule("/", strictest(*(rule.said for rule in theirs))),)
    patterns = tuple(dict.fromkeys(rule.pattern for rule in (*ours, *theirs)))
    found = tuple(PathRule(each, strictest(_told(ours, each), _told(theirs, each))) for each in patterns)
    while True:
        stricter = tuple(
            PathRule(rule.pattern, strictest(rule.said, _told(found, rule.pattern))) for rule in found
        )
        if stricter == found:
            return _ordered(found)
        found = stricter


def _told(rules: tuple[PathRule, ...], pattern: str) -> Statement:
    """The strictest that *rules* say of what *pattern* matches, but for longer rules inside it."""
    around = [rule for rule in rules if surely_inside(pattern, rule.pattern)]
    longest = max((len(rule.pattern) for rule in around), default=0)
    decided = [rule.said for rule in around if len(rule.pattern) == longest]
    meeting = [
        rule.said
        for rule in rules
        if may_meet(rule.pattern, pattern)
        and not surely_inside(pattern, rule.pattern)
        and not (surely_inside(rule.pattern, pattern) and len(rule.pattern) > len(pattern))
    ]
    return strictest(*decided, *meeting)


def _ordered(rules: tuple[PathRule, ...]) -> tuple[PathRule, ...]:
    told = [rule for rule in rules if rule.said]
    everything = [rule for rule in told if rule.pattern == "/"]
    if everything and all(rule.said == everything[0].said for rule in told):
        return (everything[0],)
    return tuple(sorted(told, key=lambda rule: (-len(rule.pattern), rule.pattern)))
