"""Two deals beside each other, lever by lever: which leaves the licensee more?

*Wider* means that the licensee may do more, or owes less for it; *narrower* the
opposite; *apart* that each is wider in something. Ten levers: the eight of the
business brief, term and territory. It is a partial order: a deal is within
another only if it is on every lever, so that more of one thing never hides less
of another.

=============== ===========================================================
lever           wider is
=============== ===========================================================
scope           more paths, fewer exclusions, more renditions
purpose         more uses (narrower ones included), more of the rest,
                open over closed weights over none
compensation    a part of the price that is lower, a longer window in which
                nothing is paid twice; another currency is apart
exclusivity     exclusive
attribution     nothing to show, a later model card; another text is apart
audit           rarer reports, fewer audits, a shorter window, fewer samples
retention       kept for longer, more time to act, no duty to train again
liability       the creator answers, more warranties, no insurance or
                standard asked for; another cap or standard is apart
term            more months, renewal
territory       more places of the same basis
=============== ===========================================================

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.money import Money
from gateway.paths import PathScope
from gateway.terms.ages import at_age
from gateway.terms.license_terms import (
    Attribution,
    Audit,
    Compensation,
    Exclusivity,
    Liability,
    LicenseTerms,
    Purpose,
    Retention,
    Scope,
    Term,
    Territory,
)
from gateway.uses import closure


class Lever(StrEnum):
    """One lever of a deal; the members of `LicenseTerms`."""

    SCOPE = "scope"
    PURPOSE = "purpose"
    COMPENSATION = "compensation"
    EXCLUSIVITY = "exclusivity"
    ATTRIBUTION = "attribution"
    AUDIT = "audit"
    RETENTION = "retention"
    LIABILITY = "liability"
    TERM = "term"
    TERRITORY = "territory"


class Relation(StrEnum):
    """How one value of a lever stands to another."""

    SAME = "same"
    NARROWER = "narrower"
    WIDER = "wider"
    APART = "apart"

    @property
    def within(self) -> bool:
        """Whether the licensee gets nothing more by the first than by the second."""
        return self in {Relation.SAME, Relation.NARROWER}


#: Whether one atom of a lever is at most as wide as another, and the other way round.
_Atom = tuple[bool, bool]
_APART: Final[_Atom] = (False, False)
_REPORTS: Final = ("monthly", "quarterly", "yearly", "none")
_RELEASES: Final = ("none", "closed", "open")
_GRANTED: Final = ("redistribution", "sublicensing", "resale", "internal_research", "evaluation")
#: Parts of a price that are owed as they stand; those of a period are compared by the month.
_PARTS: Final = (
    "upfront", "per_fetch", "per_item", "per_megabyte", "per_thousand_tokens", "per_inference",
)  # fmt: skip


def compare(one: LicenseTerms, other: LicenseTerms) -> Mapping[Lever, Relation]:
    """How *one* stands to *other* on every lever, in the order of `Lever`."""
    return MappingProxyType(
        {lever: _relation(_ATOMS[lever](getattr(one, lever), getattr(other, lever))) for lever in Lever}
    )


def within(one: LicenseTerms, other: LicenseTerms) -> bool:
    """Whether *one* leaves the licensee nothing more than *other* does, on any lever."""
    return all(relation.within for relation in compare(one, other).values())


def wider_on(one: LicenseTerms, other: LicenseTerms) -> tuple[Lever, ...]:
    """The levers on which *one* leaves the licensee something that *other* does not."""
    return tuple(lever for lever, relation in compare(one, other).items() if not relation.within)


def scope_within(one: Scope, other: Scope) -> bool:
    """Whether every page and form of *one* is in *other*. No is the answer where that is not certain."""
    return (
        set(one.renditions) <= set(other.renditions)
        and all(other.includes(path) for path in one.paths)
        and all(_leaves_out(one, other, path, hole) for hole in other.excluded for path in one.paths)
    )


def _leaves_out(one: Scope, other: Scope, path: PathScope, hole: PathScope) -> bool:
    """Whether what *one* grants by *path* surely has nothing that *other* leaves out by *hole*."""
    granted = max((each.precision for each in other.paths if path.within(each)), default=0)
    if hole.precision <= granted or not overlap(path, hole):
        return True
    return any(hole.within(mine) and mine.precision > path.precision for mine in one.excluded)


def overlap(one: PathScope, other: PathScope) -> bool:
    """Whether some path may be in both; exact without stars, and yes in doubt with them.

    >>> overlap(PathScope("/a/"), PathScope("/a/b")), overlap(PathScope("/a"), PathScope("/ab"))
    (True, False)
    """
    if "*" not in one.pattern and "*" not in other.pattern:
        return one.within(other) or other.within(one)
    starts = [_start(each) for each in (one, other)]
    if not (starts[0].startswith(starts[1]) or starts[1].startswith(starts[0])):
        return False
    if "*" in one.pattern and "*" in other.pattern:
        ends = [each.pattern.rsplit("*", 1)[1] for each in (one, other)]
        return ends[0].endswith(ends[1]) or ends[1].endswith(ends[0])
    return True


def _start(scope: PathScope) -> str:
    return scope.pattern.split("*", 1)[0] if "*" in scope.pattern else scope.pattern.rstrip("/")


def _relation(atoms: Iterable[_Atom]) -> Relation:
    below, above = True, True
    for at_most, at_least in atoms:
        below, above = below and at_most, above and at_least
    if below and above:
        return Relation.SAME
    if below:
        return Relation.NARROWER
    return Relation.WIDER if above else Relation.APART


def _more(one: int, other: int) -> _Atom:
    """More is wider."""
    return one <= other, one >= other


def _less(one: int, other: int) -> _Atom:
    """Less is wider."""
    return one >= other, one <= other


def _days(one: int, other: int) -> _Atom:
    """More days are wider, and 0 stands for without end."""
    return _more(one or 10**9, other or 10**9)


def _text(one: str, other: str) -> _Atom:
    """A text that is demanded; none is wider."""
    return (one == other or not other), (one == other or not one)


def _scope(one: Scope, other: Scope) -> list[_Atom]:
    return [(scope_within(one, other), scope_within(other, one))]


def _purpose(one: Purpose, other: Purpose) -> list[_Atom]:
    uses = closure(one.uses), closure(other.uses)
    releases = [_RELEASES.index(each.model_release) for each in (one, other)]
    return [
        (uses[0] <= uses[1], uses[0] >= uses[1]),
        _more(releases[0], releases[1]),
        *(_more(getattr(one, name), getattr(other, name)) for name in _GRANTED),
    ]


def _compensation(one: Compensation, other: Compensation) -> list[_Atom]:
    if one.currency != other.currency:
        return [_APART]
    return [
        *(_less(_micros(getattr(one, name)), _micros(getattr(other, name))) for name in _PARTS),
        *(
            _less(_fetch(one, fetches, days), _fetch(other, fetches, days))
            for fetches in (0, *_steps(one, other))
            for days in (None, *_ages(one, other))
        ),
        _more(one.window_hours, other.window_hours),
        _later(one, other),
        _more(one.payment_days, other.payment_days),
        (one.calendar == other.calendar, one.calendar == other.calendar),
        _less(one.late_interest_bp, other.late_interest_bp),
        _less(one.revenue_share_bp, other.revenue_share_bp),
        _less(
            _micros(one.subscription) * other.subscription_months,
            _micros(other.subscription) * one.subscription_months,
        ),
        _less(
            _micros(one.minimum_guarantee) * other.minimum_guarantee_months,
            _micros(other.minimum_guarantee) * one.minimum_guarantee_months,
        ),
    ]


def _steps(one: Compensation, other: Compensation) -> list[int]:
    """The numbers of fetches from which either price per fetch is another."""
    return sorted({each.from_fetches for each in (*one.tiers, *other.tiers)})


def _later(one: Compensation, other: Compensation) -> _Atom:
    """What waits for milestones is wider than what is owed at once; other milestones are neither."""
    mine, theirs = ((each.milestones, each.holder if each.milestones else "") for each in (one, other))
    same = mine == theirs
    return same or not one.milestones, same or not other.milestones


def _ages(one: Compensation, other: Compensation) -> list[int]:
    """The days from which the price of an older page is another in either."""
    return sorted({each.from_days for each in (*one.by_age, *other.by_age)})


def _fetch(price: Compensation, fetches: int, days: int | None) -> int:
    return at_age(price.price_after(fetches), price.by_age, days).micros


def _micros(part: Money | None) -> int:
    return part.micros if part else 0


def _exclusivity(one: Exclusivity, other: Exclusivity) -> list[_Atom]:
    return [_more(one.exclusive, other.exclusive)]


def _attribution(one: Attribution, other: Attribution) -> list[_Atom]:
    return [
        _text(one.text, other.text),
        _text(one.link, other.link),
        _days(one.model_card_days, other.model_card_days),
    ]


def _audit(one: Audit, other: Audit) -> list[_Atom]:
    return [
        _more(_REPORTS.index(one.report), _REPORTS.index(other.report)),
        _less(one.audits_per_year, other.audits_per_year),
        _less(one.audit_window_months, other.audit_window_months),
        _less(one.output_samples, other.output_samples),
        _days(one.suspend_after_days, other.suspend_after_days),
    ]


def _retention(one: Retention, other: Retention) -> list[_Atom]:
    return [
        _days(one.retention_days, other.retention_days),
        _more(one.withdrawal_notice_days, other.withdrawal_notice_days),
        _days(one.remediation_plan_days, other.remediation_plan_days),
        _less(one.retrain, other.retrain),
    ]


def _liability(one: Liability, other: Liability) -> list[_Atom]:
    warranties = frozenset(one.warranties), frozenset(other.warranties)
    return [
        (_answers(one.indemnity, other.indemnity), _answers(other.indemnity, one.indemnity)),
        (one.cap == other.cap, one.cap == other.cap),
        (warranties[0] <= warranties[1], warranties[0] >= warranties[1]),
        _less(one.insurance, other.insurance),
        _text(one.security_standard, other.security_standard),
    ]


def _answers(one: str, other: str) -> bool:
    """Whether the licensee is no better off by *one*; nobody's and mutual indemnity are not comparable."""
    return one in (other, "licensee") or other == "creator"


def _term(one: Term, other: Term) -> list[_Atom]:
    return [_more(one.months, other.months), _more(one.renewal, other.renewal)]


def _territory(one: Territory, other: Territory) -> list[_Atom]:
    places = one.within(other), other.within(one)
    if one.basis is other.basis or all(places) or (one.regions is None) != (other.regions is None):
        return [places]
    return [_APART]


_ATOMS: Final[Mapping[Lever, Callable[..., list[_Atom]]]] = {
    Lever.SCOPE: _scope,
    Lever.PURPOSE: _purpose,
    Lever.COMPENSATION: _compensation,
    Lever.EXCLUSIVITY: _exclusivity,
    Lever.ATTRIBUTION: _attribution,
    Lever.AUDIT: _audit,
    Lever.RETENTION: _retention,
    Lever.LIABILITY: _liability,
    Lever.TERM: _term,
    Lever.TERRITORY: _territory,
}
