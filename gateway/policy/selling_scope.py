"""Where the rules can sell an offer at all: its terms leave out the rest. Pure.

An offer on a whole site is not sold in a part of it for which an earlier rule
names another offer, or none. While the policy is the one a license was bought
under, the rules say so at every fetch; but a license outlives its policy, and a
token of it is then held to its terms alone. So the terms leave out what no rule
could have sold: whoever edits a policy gives no old license a new part of the
site, and takes none from it.

A part is left out only where that is certain for everybody who could use the
offer: a rule that does not name it holds there before every rule that does, for
every visitor that those are about. A rule about all uses of the offer is about
whoever uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace

from gateway.paths import PathScope
from gateway.policy.rules import Match, Rule, Verdict, Work
from gateway.terms.license_terms import Scope
from gateway.uses import Uses, covers

#: The keys of a rule that are about the place; all others are about who asks.
_PLACE = frozenset({"works", "paths"})


def sellable_scope(
    name: str, uses: Uses, scope: Scope, rules: Sequence[Rule], works: Sequence[Work]
) -> Scope:
    """*scope* of the offer *name* of *uses*, without the parts in which *rules* never sell it; of a bundle it is as it was."""
    if scope.bundle is not None:
        return scope
    closed = [
        part
        for at, rule in enumerate(rules)
        if rule.verdict is not Verdict.SERVE and name not in rule.offers
        if all(_shut(each, rule.when, uses) for each in rules[at + 1 :] if _names(each, name))
        if not any(_names(each, name) for each in rules[:at])
        for part in _parts(rule.when, works)
    ]
    if not closed:
        return scope
    paths = tuple(mine for mine in scope.paths if mine not in closed)
    inner = {part for part in closed if any(part != mine and part.within(mine) for mine in paths)}
    shut = {work.id for work in works if set(work.paths) <= set(closed)}
    excluded = {part for part in (*scope.excluded, *inner) if any(part.within(mine) for mine in paths)}
    return replace(
        scope,
        works=tuple(work for work in scope.works if work not in shut),
        paths=paths,
        excluded=tuple(sorted(excluded, key=lambda each: each.pattern)),
    )


def _names(rule: Rule, name: str) -> bool:
    return rule.verdict is Verdict.LICENSE and name in rule.offers


def _shut(later: Rule, earlier: Match, uses: Uses) -> bool:
    """Whether whoever *later* is about, and does *uses*, is one whom *earlier* is about, wherever it asks."""
    for field in fields(Match):
        if field.name in _PLACE or (field.name == "uses" and covers(earlier.uses, uses)):
            continue
        wide, narrow = getattr(earlier, field.name), getattr(later.when, field.name)
        if wide and not (narrow and narrow <= wide):
            return False
    return True


def _parts(when: Match, works: Sequence[Work]) -> Iterable[PathScope]:
    """The scopes that *when* is about; none where it is about every place, or about both a work and a path."""
    if when.works and when.paths:
        return ()
    if when.works:
        return tuple(path for work in works if work.id in when.works for path in work.paths)
    return when.paths
