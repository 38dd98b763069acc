"""From an offer to a license: the caller may ask for less than the offer on any lever, never for more.

Saying nothing about a lever takes what the offer says. One question after the
other, in this order, which fixes what is told when several fail:

============ ============================================= =====================
lever        what is wanted must                           refused with
============ ============================================= =====================
name         be this offer, with these very terms          details-invalid
place        lie inside the offer's scope, whole segments  target-invalid
use          be covered by the offer's uses                details-invalid
territory    lie inside the offer's                        details-invalid
seat         of the licensee, where the offer is for some  details-invalid
rendition    be among the offer's                          details-invalid
budget       be at most the offer's, and pay one fetch     details-invalid
exclusivity  not be asked for by machine                   details-invalid
============ ============================================= =====================

Exclusive terms shut others out, which has to be weighed against every other
license; a machine cannot buy them here.

Negotiation makes its own `Offer` and passes it to `accept` like a published
one: what was agreed becomes a license in this place and in no other. Pure:
frozen values in and out.
"""

from __future__ import annotations

import calendar
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from gateway.canonical import canonical_bytes
from gateway.licenses.license import License
from gateway.licenses.pricing import burden, due_at_signing
from gateway.paths import PathScope
from gateway.problems import Problem, Refusal
from gateway.terms.european_union import EU
from gateway.terms.license_terms import Basis, LicenseTerms, Offer, Scope, Territory
from gateway.tokens.claims import Budget
from gateway.uses import Uses, closure, covers


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller asks for. None, an empty text or an empty tuple says nothing.

    Attributes:
        targets: places that the license must cover; naming them narrows nothing
            (RFC 8707: they say what the token is for).
        scopes: the only places it shall cover.
        uses: the only uses it shall grant.
        territory: the only territory it shall hold for.
        seat: the country where the caller is, declared and evidenced, or ""; the desk
            knows it, no request says it.
        renditions: the only forms of the works it shall cover.
        crawlers: catalog names it is bought for, lower case.
        budget: how much may be spent in all, what is due at signing included.
        offer: `Offer.id`, to have that one and no other.
        terms: the terms hash, to have those and no others.
        license: id of a license already held, to have a token of it.
        party: who the licensee is in a document, by the members of `contract.Party`.
    """

    targets: tuple[PathScope, ...] = ()
    scopes: tuple[PathScope, ...] | None = None
    uses: Uses | None = None
    territory: Territory | None = None
    seat: str = ""
    renditions: tuple[str, ...] | None = None
    crawlers: frozenset[str] = frozenset()
    budget: Budget = field(default_factory=Budget)
    offer: str = ""
    terms: str = ""
    license: str = ""
    party: tuple[tuple[str, str], ...] = ()


def accept(
    offer: Offer, wanted: Wanted, *, licensee: str, now: int, license_id: str, negotiated: bool = False
) -> License | Refusal:
    """Make the license that *licensee* gets on *offer*, narrowed to what is *wanted*, from *now* on.

    Args:
        offer: published, or agreed otherwise.
        wanted: what the caller asks for.
        licensee: who is bound.
        now: whole seconds; the term begins here.
        license_id: the new license's id.
        negotiated: whether its owner agreed to these terms with this very
            licensee; exclusive ones can be had in no other way.

    Returns:
        A license that exceeds the offer on no lever, or the first refusal of
        the module's table. Its budget is for fetches: what is due at signing is
        taken off what is wanted. Equal wishes give equal terms, however they are
        spelled, so their terms hashes are equal too.
    """
    for check in _CHECKS:
        refusal = None if negotiated and check is _check_exclusivity else check(offer, wanted)
        if refusal is not None:
            return refusal
    terms = _narrowed(offer.terms, wanted)
    if offer.terms.scope.bundle is not None:
        # A bundle is sold whole; what is wanted of it narrows the token alone.
        terms = replace(terms, scope=offer.terms.scope)
    return License(
        id=license_id,
        licensee=licensee,
        site=offer.site,
        offer=offer.id,
        terms=terms,
        policy=offer.policy,
        starts_at=now,
        ends_at=months_after(now, offer.terms.term.months),
        budget=Budget(_for_fetches(offer, wanted), wanted.budget.fetches or offer.max_fetches or None),
        crawlers=wanted.crawlers,
    )


def choose(offers: Iterable[Offer], wanted: Wanted) -> Offer | Refusal:
    """Return the cheapest single offer that covers everything *wanted*, or say what none of them covers.

    Cheapest is what commits the caller least (`pricing.burden`), of those that a machine sells if there is
    one; ties go to the one listed first. A bundle is bought by the name of its offer or by its terms, never for one
    page of it.
    """
    named = bool(wanted.offer or wanted.terms)
    left = [offer for offer in offers if named or offer.terms.scope.bundle is None]
    if not left:
        return Refusal(Problem.TARGET_INVALID, "Nothing is on offer on this site.")
    for check in _CHECKS:
        passing = [offer for offer in left if check(offer, wanted) is None]
        if not passing:
            refusal = check(left[0], wanted)
            assert refusal is not None
            return refusal
        left = passing
    return min(left, key=lambda offer: (offer.by_person, *burden(offer.terms.compensation)))


def reaches(offer: Offer, targets: tuple[PathScope, ...]) -> bool:
    """Whether *offer* covers every one of *targets*; a target that ends in no slash may be one page."""
    return all(_lies_in(target, offer.terms.scope) for target in targets)


def under(license: License, wanted: Wanted) -> License | Refusal:
    """Narrow a *license* already held to what is *wanted* of it, for one token.

    The result is for minting only and is never kept: id, term and price stay
    the license's own. Refuses whatever goes beyond the license on any lever.
    """
    if wanted.offer and wanted.offer != license.offer:
        return _unlike("license", license.id, f"is on the offer {license.offer or 'of its own deal'}")
    if not wanted.crawlers <= license.crawlers:
        return _unlike("license", license.id, "was not bought for every crawler named")
    most, asked = license.budget.micros, wanted.budget.micros
    if asked is not None and (asked < 0 or (most is not None and asked > most)):
        return _unlike("license", license.id, f"has a budget of {most or 0} micro-units")
    source = Offer(
        id=license.offer,
        site=license.site,
        terms=license.terms,
        policy=license.policy,
        max_fetches=license.budget.fetches or 0,
    )
    # Its fee is paid, its exclusivity agreed, and the place of its licensee was seen.
    rest = replace(wanted, offer="", budget=Budget(fetches=wanted.budget.fetches))
    for check in _CHECKS:
        refusal = None if check in {_check_exclusivity, _check_seat} else check(source, rest)
        if refusal is not None:
            return refusal
    return replace(
        license,
        terms=_narrowed(license.terms, wanted),
        budget=Budget(most if asked is None else asked, wanted.budget.fetches or license.budget.fetches),
        crawlers=wanted.crawlers or license.crawlers,
    )


def paid_for(licenses: Iterable[License], offer: Offer, wanted: Wanted, now: int) -> License | None:
    """The live license on *offer* whose fee was paid at signing and that already covers what is *wanted*.

    What was paid for is not sold twice: neither because less of it is wanted
    this time, nor because the creator asks another price since.
    """
    for license in licenses:
        if (
            license.site == offer.site
            and license.offer == offer.id
            and license.live_at(now)
            and due_at_signing(license.terms)
            and not isinstance(under(license, wanted), Refusal)
        ):
            return license
    return None


def same_agreement(one: License, other: License) -> bool:
    """Whether two licenses say the same to the same licensee, whatever their ids and terms in time."""
    return _agreement(one) == _agreement(other)


def agreement_id(license: License, nth: int) -> str:
    """The id that this agreement has when it is made for the *nth* time, counted from 0.

    It follows from what is agreed, so a purchase that broke off in the middle
    and is tried again is the same purchase and pays one fee.
    """
    return "li_" + hashlib.sha256(canonical_bytes([*_agreement(license), nth])).hexdigest()[:32]


def months_after(seconds: int, months: int) -> int:
    """The same time of day *months* calendar months later, on the last day where the month is shorter.

    >>> months_after(1_769_860_800, 1) - 1_769_860_800  # from 31 January 2026
    2419200
    """
    start = datetime.fromtimestamp(seconds, UTC)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def _agreement(license: License) -> list[object]:
    budget = license.budget
    return [
        license.licensee, license.site, license.terms.hash, budget.micros, budget.fetches, sorted(license.crawlers),
    ]  # fmt: skip


def _for_fetches(offer: Offer, wanted: Wanted) -> int | None:
    """What of the wanted budget is left for fetches once the license is signed."""
    micros = wanted.budget.micros
    return None if micros is None else micros - due_at_signing(offer.terms).micros


def _narrowed(terms: LicenseTerms, wanted: Wanted) -> LicenseTerms:
    """The terms with scope, uses and territory as wanted; the rest of a deal is not the caller's to change."""
    scope = terms.scope
    if wanted.scopes is not None and _tidy(wanted.scopes) != _tidy(scope.paths):
        scope = replace(scope, paths=_tidy(wanted.scopes))
    if wanted.renditions is not None:
        scope = replace(
            scope, renditions=tuple(name for name in scope.renditions if name in wanted.renditions)
        )
    purpose = terms.purpose
    if wanted.uses is not None and closure(wanted.uses) != closure(purpose.uses):
        purpose = replace(purpose, uses=_fewest(wanted.uses))
    territory = terms.territory
    if wanted.territory is not None and not territory.within(wanted.territory):
        territory = replace(_grouped(wanted.territory), basis=territory.basis)
    return replace(terms, scope=scope, purpose=purpose, territory=territory)


def _fewest(uses: Uses) -> Uses:
    return frozenset(use for use in uses if use not in closure(uses - {use}))


def _grouped(territory: Territory) -> Territory:
    countries = territory.countries
    return Territory((countries - EU) | {"EU"}) if countries >= EU else Territory(countries)


def _tidy(scopes: tuple[PathScope, ...]) -> tuple[PathScope, ...]:
    """One spelling of what *scopes* cover together: sorted, and none inside another."""
    found: list[PathScope] = []
    for scope in sorted({_plain(scope) for scope in scopes}, key=lambda each: (each.precision, each.pattern)):
        if not any(scope.within(wider) for wider in found):
            found.append(scope)
    return tuple(sorted(found, key=lambda each: each.pattern))


def _plain(scope: PathScope) -> PathScope:
    # /essays and /essays/ are one scope; the second says to people what it is.
    return scope if "*" in scope.pattern or scope.pattern.endswith("/") else PathScope(scope.pattern + "/")


def _unlike(noun: str, name: str, why: str) -> Refusal:
    return Refusal(Problem.DETAILS_INVALID, f"The {noun} {name} {why}.")


def _check_name(offer: Offer, wanted: Wanted) -> Refusal | None:
    if wanted.offer and wanted.offer != offer.id:
        return Refusal(Problem.DETAILS_INVALID, "There is no offer of that name here.")
    if wanted.terms and wanted.terms != offer.terms.hash:
        return _unlike("offer", offer.id, f"has the terms {offer.terms.hash} now")
    return None


def _check_place(offer: Offer, wanted: Wanted) -> Refusal | None:
    offered = offer.terms.scope
    paths = offered.paths
    inside = reaches(offer, wanted.targets)
    if wanted.scopes is not None:
        inside &= bool(wanted.scopes)
        inside &= all(offered.includes(scope) for scope in wanted.scopes)
    if inside and paths:
        return None
    listed = ", ".join(path.pattern for path in paths[:8]) or "nothing"
    return Refusal(Problem.TARGET_INVALID, f"The offer {offer.id} covers {listed}, not everything asked for.")


def _lies_in(target: PathScope, offered: Scope) -> bool:
    # A target is one address unless it ends in a slash; then a starred scope may spell it.
    if offered.includes(target):
        return True
    return "*" not in target.pattern and not target.pattern.endswith("/") and offered.covers(target.pattern)


def _check_use(offer: Offer, wanted: Wanted) -> Refusal | None:
    if wanted.uses is None or covers(offer.uses, wanted.uses):
        return None
    return _unlike("offer", offer.id, f"grants {', '.join(sorted(offer.uses))}, not everything asked for")


def _check_territory(offer: Offer, wanted: Wanted) -> Refusal | None:
    territory = wanted.territory
    if territory is None or (territory.regions != frozenset() and territory.within(offer.terms.territory)):
        return None
    regions = ", ".join(offer.terms.territory.as_json() or ["every country"])
    return _unlike("offer", offer.id, f"holds for {regions}, not everywhere asked for")


def _check_seat(offer: Offer, wanted: Wanted) -> Refusal | None:
    territory = offer.terms.territory
    if territory.basis is not Basis.LICENSEE or territory.covers(wanted.seat):
        return None
    where = (
        f"yours is in {wanted.seat}" if wanted.seat else "no place of yours is declared and evidenced here"
    )
    regions = ", ".join(territory.as_json() or [])
    return _unlike("offer", offer.id, f"is for licensees in {regions}, and {where}")


def _check_rendition(offer: Offer, wanted: Wanted) -> Refusal | None:
    offered = offer.terms.scope.renditions
    if wanted.renditions is None or (wanted.renditions and set(wanted.renditions) <= set(offered)):
        return None
    return _unlike("offer", offer.id, f"covers {', '.join(offered)}, not every form asked for")


def _check_budget(offer: Offer, wanted: Wanted) -> Refusal | None:
    micros, fetches = wanted.budget.micros, wanted.budget.fetches
    least = offer.price + due_at_signing(offer.terms)
    if fetches is not None and fetches < 1:
        return _unlike("offer", offer.id, "cannot be bought for a budget of no fetch")
    if micros is not None and micros < least.micros:
        return _unlike("offer", offer.id, f"costs {least} with its first fetch, more than the budget")
    if offer.max_fetches and fetches is not None and fetches > offer.max_fetches:
        return _unlike("offer", offer.id, f"allows at most {offer.max_fetches} fetches")
    return None


def _check_exclusivity(offer: Offer, _wanted: Wanted) -> Refusal | None:
    if not offer.terms.exclusivity.exclusive:
        return None
    return _unlike("offer", offer.id, "is exclusive and has to be agreed with the owner")


_Check = Callable[[Offer, Wanted], Refusal | None]
_CHECKS: tuple[_Check, ...] = (
    _check_name, _check_place, _check_use, _check_territory, _check_seat, _check_rendition, _check_budget, _check_exclusivity,
)  # fmt: skip
