"""Do two licenses stand in each other's way? Works, uses, territory and term, all at once.

An exclusive license shuts others out of everything it covers, from its first
second to the one before its last; another licensee's license that overlaps it
anywhere cannot be sold beside it, whichever of the two came first. Licenses of
one licensee never stand in each other's way.

=========== ===============================================================
works       some page, in some form, may be inside both; stars count as
            overlapping where that is in doubt
uses        some use is in both, narrower uses included
territory   some country is in both; limits of different things (where a
            fetch comes from, where a licensee is) do not keep apart
term        half-open: what ends in the second the other begins is apart
=========== ===============================================================

Symmetric and pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from gateway.paths import PathScope
from gateway.terms.comparing import overlap
from gateway.terms.license_terms import LicenseTerms, Scope, Territory
from gateway.uses import closure


class Held(Protocol):
    """What is looked at of a license, or of one that is about to be made."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def licensee(self) -> str:
        """Who holds it."""
        ...

    @property
    def site(self) -> str:
        """Whose works they are."""
        ...

    @property
    def terms(self) -> LicenseTerms:
        """What it grants."""
        ...

    @property
    def starts_at(self) -> int:
        """Its first second."""
        ...

    @property
    def ends_at(self) -> int:
        """The second after its last."""
        ...


@dataclass(frozen=True, slots=True)
class Conflict:
    """The license that stands in the way, and from when to when both would hold."""

    license: str
    starts_at: int
    ends_at: int


def conflict(new: Held, others: Iterable[Held]) -> Conflict | None:
    """What of *others* forbids *new*, or None. Of several, the one whose overlap ends last."""
    found = [_meeting(new, other) for other in others if _forbids(new, other)]
    return max(found, key=lambda each: each.ends_at, default=None)


def overlapping(one: LicenseTerms, other: LicenseTerms) -> bool:
    """Whether some use of some page in some country is granted by both, whatever the time."""
    return (
        bool(closure(one.purpose.uses) & closure(other.purpose.uses))
        and territories_meet(one.territory, other.territory)
        and scopes_meet(one.scope, other.scope)
    )


def scopes_meet(one: Scope, other: Scope) -> bool:
    """Whether some page may be in both, in a form that both name."""
    if not set(one.renditions) & set(other.renditions):
        return False
    return any(
        overlap(mine, theirs) and not _emptied(mine, theirs, one) and not _emptied(theirs, mine, other)
        for mine in one.paths
        for theirs in other.paths
    )


def _emptied(granted: PathScope, shared: PathScope, scope: Scope) -> bool:
    """Whether what *scope* grants by *granted* leaves out all that it has in common with *shared*."""
    return any(
        hole.precision > granted.precision and (shared.within(hole) or granted.within(hole))
        for hole in scope.excluded
    )


def territories_meet(one: Territory, other: Territory) -> bool:
    """Whether both may hold somewhere. No place at all meets nothing."""
    if frozenset() in {one.regions, other.regions}:
        return False
    if one.regions is None or other.regions is None or one.basis is not other.basis:
        return True
    return bool(one.countries & other.countries)


def _forbids(new: Held, other: Held) -> bool:
    return (
        new.site == other.site
        and new.licensee != other.licensee
        and (new.terms.exclusivity.exclusive or other.terms.exclusivity.exclusive)
        and max(new.starts_at, other.starts_at) < min(new.ends_at, other.ends_at)
        and overlapping(new.terms, other.terms)
    )


def _meeting(new: Held, other: Held) -> Conflict:
    return Conflict(other.id, max(new.starts_at, other.starts_at), min(new.ends_at, other.ends_at))
