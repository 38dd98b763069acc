"""The versions of one license as stretches of time, each in the term whose periods are counted. Pure.

An amendment takes the place of a version inside its term: subscriptions, reports
and guarantees go on in the periods that began with the term, on the old price
until the second of the amendment and on the new one from then on. A renewal
begins a term of its own (`licenses.life`).

A license that is revoked ends there: what fell due stays due, what was fetched
and reported until then counts, no further period begins, and a guarantee whose
period was not over is not topped up, as its licensee could not use what it is for.
A suspension changes nothing: the term goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.licenses.license import License
from gateway.licenses.offers import months_after


@dataclass(frozen=True, slots=True)
class Span:
    """One version: in force from second *begins* to before *ends*, in the term from *starts_at* to *ends_at*.

    *first* is the version that began the term and *before* the one that it amended, None where it began the term.
    """

    license: License
    begins: int
    ends: int
    starts_at: int
    ends_at: int
    first: License
    before: License | None = None

    @property
    def planned(self) -> License:
        """The version that began the term, as if nothing had followed: the duties of the term are planned by it."""
        return replace(self.first, ends_at=self.ends_at)

    def meets(self, begins: int, ends: int) -> tuple[int, int] | None:
        """What of that time it was in force, or None for none of it."""
        met = max(begins, self.begins), min(ends, self.ends)
        return met if met[0] < met[1] else None


def spans(versions: Sequence[License], over_at: int = 0) -> tuple[Span, ...]:
    """The stretches of one license's *versions*, in time; *over_at* is when it was revoked, 0 for never.

    A version that was replaced in the second in which it began is left out.
    """
    ordered = sorted(
        (each for each in versions if each.starts_at < each.ends_at), key=lambda one: one.version
    )
    terms = list[list[License]]()
    for each in ordered:
        if terms and each.starts_at < _full(terms[-1]):
            terms[-1].append(each)
        else:
            terms.append([each])
    found = list[Span]()
    for term in terms:
        before: License | None = None
        for each in term:
            ends = min(each.ends_at, over_at) if over_at else each.ends_at
            if each.starts_at < ends:
                found.append(
                    Span(each, each.starts_at, ends, term[0].starts_at, term[-1].ends_at, term[0], before)
                )
            before = each
    return tuple(found)


def _full(term: Sequence[License]) -> int:
    """When a term ends by what was agreed: an amendment keeps the end, and says it."""
    if len(term) > 1:
        return term[-1].ends_at
    return max(term[0].ends_at, months_after(term[0].starts_at, term[0].terms.term.months))
