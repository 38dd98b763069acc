"""What a creator takes back: from whom, for which uses, since when; and what is left of an offer then. Pure.

A withdrawal ends a permission from one second on. It names one of three: works or
paths or digests of content (a bundle is withdrawn as what is in it), or one
licensee, who then has nothing of the site any more. It is never changed but by
`readmitted`, once.

============ ================================================================
uses         a fetch is stopped where any use it is for is among the withdrawn
             ones, a wider use standing for the narrower it includes: a search
             engine goes on fetching what is withdrawn from models
paths        whole segments, as `paths.PathScope` has it
hold         stops sales and leaves fetches under licenses alone: while an
             objection is looked at, or an author has not consented
============ ================================================================

What this can and cannot do is said in `PROMISE`, wherever a notice is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from gateway.languages import Phrase
from gateway.paths import PathScope
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import LicenseTerms, Offer, Scope
from gateway.uses import AI_USES, Use, Uses, closure

#: What is withdrawn where nobody says otherwise: everything that models and indexes do, and not search.
USUAL: Final[Uses] = AI_USES | {Use.FINE_TUNE, Use.TDM}
#: The plain words on every notice.
PROMISE: Final = (
    "From the moment named, this gateway refuses the withdrawn uses at every fetch. Copies that were made "
    "before, and weights that were trained on them, cannot be reached from here: what the license promises is "
    "exclusion from future training and fine-tuning, mitigation in what is in production, and a written "
    "attestation of both."
)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One act of taking back, or of holding sales.

    Attributes:
        id: ``wd_`` and hex; opaque, and told to whoever meets it.
        site: the site whose content it is.
        works: ids of the policy's works, each with all that is on its paths.
        paths: further paths.
        digests: lower-case hex SHA-256 of content, told to those who fetched it; what
            they were delivered at stands in *paths*, which is what a fetch is judged by.
        bundle: the bundle that was withdrawn as a whole, "" for none.
        licensee: the one from whom everything is withdrawn, "" for everybody.
        uses: as the module says; never empty.
        since: whole seconds; in force from there on.
        issued_at: when it was decided.
        by: who decided, in the creator's words.
        reason: public, "" for none given. *private* is for the creator alone.
        hold: it stops sales alone.
        cause: what it comes of, such as an objection's id; never told outside.
        readmitted_at: from when on it is lifted, 0 for never.
    """

    id: str
    site: str
    uses: Uses
    since: int
    issued_at: int
    by: str = ""
    works: tuple[str, ...] = ()
    paths: tuple[PathScope, ...] = ()
    digests: tuple[str, ...] = ()
    bundle: str = ""
    licensee: str = ""
    reason: str = ""
    private: str = field(default="", repr=False)
    hold: bool = False
    cause: str = ""
    readmitted_at: int = 0

    def in_force(self, now: int) -> bool:
        """Whether it holds in whole second *now*."""
        return self.since <= now and not (self.readmitted_at and self.readmitted_at <= now)

    def stops(self, uses: Uses) -> bool:
        """Whether something that is for all of *uses* is stopped by it; for nothing at all it never is."""
        return bool(closure(self.uses) & closure(uses))

    def reaches(self, path: str, work: str) -> bool:
        """Whether canonical *path*, which belongs to the work of that id, is taken from everybody."""
        if self.licensee:
            return False
        return bool(work and work in self.works) or any(scope.covers(path) for scope in self.paths)


def withdrawn(
    withdrawals: Iterable[Withdrawal],
    *,
    path: str,
    work: str,
    uses: Uses,
    licensee: str = "",
    now: int,
) -> Withdrawal | None:
    """Which of *withdrawals*, all of one site, stops a fetch of canonical *path* for *uses* in whole second *now*.

    *work* is the id of the work the path belongs to, "" for none; *licensee* ""
    for nobody known. None: none does. Of several, the one in force longest. Adding
    a withdrawal never turns one into None.
    """
    found = [
        each
        for each in withdrawals
        if not each.hold
        and each.in_force(now)
        and each.stops(uses)
        and (each.reaches(path, work) or bool(licensee and each.licensee == licensee))
    ]
    return min(found, key=_age, default=None)


def readmitted(withdrawal: Withdrawal, now: int) -> Withdrawal | None:
    """The same, lifted from *now* on; None where it is lifted already."""
    return None if withdrawal.readmitted_at else replace(withdrawal, readmitted_at=max(now, 1))


def refusal_of(withdrawal: Withdrawal) -> Refusal:
    """The notice with which a fetch or a sale is refused: id, uses, since when, the next step. No reason."""
    uses = ", ".join(sorted(withdrawal.uses))
    what = Phrase("What this license covers here") if withdrawal.licensee else Phrase("This")
    return Refusal(
        Problem.WITHDRAWN,
        Phrase(
            "{what} is withdrawn by its owner for {uses} ({withdrawal}).",
            what=what,
            uses=uses,
            withdrawal=withdrawal.id,
        ),
        facts=(
            ("withdrawal", withdrawal.id),
            ("since", str(withdrawal.since)),
            ("withdrawn_uses", " ".join(sorted(withdrawal.uses))),
            ("acknowledge", f"/.licet/withdrawals/{withdrawal.id}"),
        ),
    )


@dataclass(frozen=True)
class Withdrawn:
    """The withdrawals and holds of one site that are in force at one moment, as a policy carries them.

    *owned* are the paths of each of the policy's works, by its id; *sold* the
    policy's offers as they were.
    """

    each: tuple[Withdrawal, ...] = ()
    owned: tuple[tuple[str, tuple[PathScope, ...]], ...] = ()
    sold: tuple[Offer, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.each)

    @cached_property
    def before(self) -> Mapping[str, Offer]:
        """The policy's offers by id, as they were before anything was withdrawn."""
        return {offer.id: offer for offer in self.sold}

    @cached_property
    def mark(self) -> str:
        """A short text that differs where anything in it differs; "" where nothing is withdrawn."""
        if not self.each:
            return ""
        return hashlib.sha256(repr(sorted(map(_essence, self.each))).encode()).hexdigest()[:16]

    def stopping(self, path: str, work: str, uses: Uses, licensee: str = "") -> Withdrawal | None:
        """As the function `withdrawn`, at this moment."""
        if not self.each:
            return None
        found = (
            each
            for each in self.each
            if not each.hold
            and (each.reaches(path, work) or bool(licensee and each.licensee == licensee))
            and each.stops(uses)
        )
        return min(found, key=_age, default=None)

    def holding(self, path: str, work: str, uses: Uses) -> tuple[Withdrawal, ...]:
        """What keeps all of *uses* of canonical *path*, which belongs to the work of that id, from being sold for now."""
        return tuple(
            each for each in self.each if each.hold and each.reaches(path, work) and each.stops(uses)
        )

    def anywhere(self, uses: Uses) -> bool:
        """Whether *uses* are stopped on some path of the site, for everybody."""
        return any(not each.hold and not each.licensee and each.stops(uses) for each in self.each)

    def from_licensee(self, licensee: str, uses: Uses) -> Withdrawal | None:
        """The withdrawal by which *licensee* has nothing of the site for *uses*, or None."""
        if not self.each:
            return None
        found = (
            each
            for each in self.each
            if each.licensee == licensee and licensee and not each.hold and each.stops(uses)
        )
        return min(found, key=_age, default=None)

    def stopping_at(self, path: str, uses: Uses) -> Withdrawal | None:
        """As `stopping`, of canonical *path* whichever work it belongs to: the narrowest scope wins."""
        owners = [
            (scope.precision, -at, work)
            for at, (work, paths) in enumerate(self.owned)
            for scope in paths
            if scope.covers(path)
        ]
        return self.stopping(path, max(owners)[2] if owners else "", uses)

    def granted(self, terms: LicenseTerms, licensee: str) -> Scope | Refusal:
        """What a token of *licensee* may name of the scope of *terms*, or why there is none to be had."""
        if not self.each:
            return terms.scope
        gone = self.from_licensee(licensee, terms.purpose.uses)
        left = None if gone else self.left_of(terms, holds=False)
        if left is not None:
            return left.scope
        gone = gone or self.barring(terms)
        assert gone is not None, "nothing is left, so something took it"
        return refusal_of(gone)

    def unsold(self, terms: LicenseTerms) -> Refusal | None:
        """Why *terms* cannot be agreed on as they are, holds included, or None."""
        gone = self.barring(terms) if self.each else None
        if gone is None:
            return None
        if gone.hold:
            return Refusal(
                Problem.REFUSED_BY_OWNER, Phrase("Some of what these terms cover is not sold at the moment.")
            )
        return refusal_of(gone)

    def barring(self, terms: LicenseTerms) -> Withdrawal | None:
        """What stands in the way of agreeing on *terms* as they are, holds included; a licensee aside."""
        uses = terms.purpose.uses
        for each in self.each:
            if not each.licensee and each.stops(uses) and self._less(terms.scope, each) != terms.scope:
                return each
        return None

    @property
    def places(self) -> tuple[PathScope, ...]:
        """Every path that is taken from everybody, works by name aside."""
        return tuple(scope for each in self.each if not each.licensee for scope in each.paths)

    def left_of(self, terms: LicenseTerms, *, holds: bool) -> LicenseTerms | None:
        """*terms* without what is withdrawn (and, with *holds*, held) for any of their uses; None: nothing is left."""
        scope = terms.scope
        for each in self.each:
            if not each.licensee and (holds or not each.hold) and each.stops(terms.purpose.uses):
                scope = self._less(scope, each)
        if not scope.paths:
            return None
        return terms if scope == terms.scope else replace(terms, scope=scope)

    def offered(self, offers: Iterable[Offer]) -> tuple[Offer, ...]:
        """What of *offers* can still be sold: each without the withdrawn and held parts, and those that are left.

        A bundle has one price for all of it: with a work less it is not that bundle, and off sale.
        """
        if not self.each:
            return tuple(offers)
        left = ((offer, self.left_of(offer.terms, holds=True)) for offer in offers)
        return tuple(
            offer if terms is offer.terms else replace(offer, terms=terms)
            for offer, terms in left
            if terms is not None and (terms is offer.terms or offer.terms.scope.bundle is None)
        )

    def narrowed(self, offer: Offer, path: str, work: str) -> Offer | None:
        """*offer* for the uses that are not withdrawn on *path*: what licenses on it still open there, or None."""
        uses = offer.uses
        for each in self.each:
            if not each.hold and each.reaches(path, work):
                uses = frozenset(use for use in uses if not each.stops(frozenset({use})))
        if not uses:
            return None
        purpose = replace(offer.terms.purpose, uses=uses)
        return replace(offer, terms=replace(offer.terms, purpose=purpose))

    def _less(self, scope: Scope, each: Withdrawal) -> Scope:
        """*scope* less what *each* takes; the works inside a withdrawn one are works of their own and stay."""
        mine = tuple(path for work, paths in self.owned if work in each.works for path in paths)
        others = tuple(path for work, paths in self.owned if work not in each.works for path in paths)
        left = _cut(_cut(scope, mine, others), each.paths)
        works = tuple(work for work in scope.works if work not in each.works)
        return scope if left == scope else replace(left, works=works or scope.works)


NOTHING_WITHDRAWN: Final = Withdrawn()


def _cut(scope: Scope, holes: tuple[PathScope, ...], islands: tuple[PathScope, ...] = ()) -> Scope:
    """*scope* without *holes*; what lies on one of *islands* inside a hole stays, because it is narrower.

    A granted path inside a hole goes; a hole inside a granted path becomes an exclusion.
    """
    paths = tuple(
        granted
        for granted in scope.paths
        if all(
            not granted.within(hole)
            or any(granted.within(dry) and dry.within(hole) and dry != hole for dry in islands)
            for hole in holes
        )
    )
    inside = [hole for hole in holes if any(_touch(granted, hole) for granted in paths)]
    if not inside and paths == scope.paths:
        return scope
    return replace(scope, paths=paths, excluded=tuple(dict.fromkeys((*scope.excluded, *inside))))


def content_id(site: str, path: str) -> str:
    """The opaque id of what lies at canonical *path* of *site*: the same for everybody, and no address."""
    named = f"{site}\x1f{path}".encode()
    return f"ct_{hashlib.sha256(named).hexdigest()[:32]}"


def _touch(granted: PathScope, hole: PathScope) -> bool:
    """Whether some path may be in both; stars count where that is in doubt."""
    if granted.within(hole) or hole.within(granted):
        return True
    if "*" not in granted.pattern and "*" not in hole.pattern:
        return False
    one, other = (each.pattern.split("*", 1)[0].rstrip("/") for each in (granted, hole))
    return one.startswith(other) or other.startswith(one)


def _age(withdrawal: Withdrawal) -> tuple[int, str]:
    return withdrawal.since, withdrawal.id


def _essence(each: Withdrawal) -> tuple[object, ...]:
    return (
        each.id, each.hold, each.licensee, each.since, sorted(each.uses), each.works,
        tuple(scope.pattern for scope in each.paths),
    )  # fmt: skip
