"""The eight levers of a deal plus term and territory, as one frozen value.

Their canonical JSON (RFC 8785) has a SHA-256, the *terms hash*, which stands in the offer, the license,
the token and every record. The levers and their order are those of the business brief: scope, purpose,
compensation, exclusivity, attribution, audit, retention, liability.

Scope, uses, per-fetch price, term and territory are enforced at every fetch; the rest binds by contract.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from gateway.canonical import canonical_digest
from gateway.money import Money
from gateway.paths import PathScope, narrowest
from gateway.terms.ages import AgeStep
from gateway.terms.compensation import (
    LONGEST_WINDOW_HOURS,
    WINDOW_HOURS,
    Compensation,
    Milestone,
    Tier,
)
from gateway.terms.european_union import EU
from gateway.terms.publishing import USUAL, Publishing
from gateway.terms.sold_bundle import WHOLE, Bundle
from gateway.uses import Use, Uses

__all__ = [
    "LONGEST_WINDOW_HOURS", "PAGE", "SUSPEND_AFTER_DAYS", "WINDOW_HOURS", "WORLDWIDE", "Attribution", "Audit", "Basis",
    "Bundle", "Compensation", "Exclusivity", "Liability", "LicenseTerms", "Milestone", "Offer", "PublishedScope",
    "PublishedTerms", "Purpose", "Retention", "RobotsStance", "Scope", "Term", "Territory", "Tier", "narrowest",
]  # fmt: skip

#: The rendition that every work has: the page or file itself.
PAGE = "page"
#: Days that a report may be late before its license is suspended, where the terms say nothing.
SUSPEND_AFTER_DAYS = 30


class Basis(StrEnum):
    """What a territory is a limit of, and so what can be checked.

    FETCH: where a fetch comes from, by its network; probable, checked at every
    fetch. LICENSEE: where the licensee is, declared and evidenced; checked when
    a license is bought. USE: where a model is used; a promise of the contract,
    which a gate at the creator's site cannot see.
    """

    FETCH = "fetch"
    LICENSEE = "licensee"
    USE = "use"

    @property
    def sentence(self) -> str:
        """What is checked of such a territory, as buyers and creators read it."""
        return _CHECKED[self]


_CHECKED = {
    Basis.FETCH: "checked at every fetch by its network location, which is probable and not certain",
    Basis.LICENSEE: "checked when a license is bought, by the place the licensee declared and gave evidence of",
    Basis.USE: "binds by contract only: this gate cannot see where a model is used",
}


@dataclass(frozen=True, slots=True)
class Territory:
    """Countries by ISO 3166-1 alpha-2, with ``EU`` as a group; or the whole world.

    *regions* is None for worldwide; an empty set is no place at all. *basis*
    says what has to be there.
    """

    regions: frozenset[str] | None = None
    basis: Basis = Basis.FETCH

    def covers(self, country: str) -> bool:
        """Whether upper-case *country* is inside. An unknown country ("") only is worldwide.

        >>> Territory(frozenset({"EU"})).covers("DE"), Territory(frozenset({"DE"})).covers("")
        (True, False)
        """
        return self.regions is None or country in self.countries

    @property
    def countries(self) -> frozenset[str]:
        """The countries, with groups spelled out; empty for worldwide."""
        if self.regions is None:
            return frozenset()
        return (self.regions - {"EU"}) | (EU if "EU" in self.regions else frozenset())

    def within(self, wider: Territory) -> bool:
        """Whether every place of this territory is inside *wider*."""
        if wider.regions is None:
            return True
        return self.regions is not None and self.countries <= wider.countries

    @property
    def at_fetch(self) -> Territory:
        """What of it a fetch is held to: worldwide unless it is a limit of fetches."""
        return self if self.basis is Basis.FETCH else WORLDWIDE

    def as_json(self) -> list[str] | None:
        """Sorted regions, or None for worldwide; the basis is told beside it."""
        return None if self.regions is None else sorted(self.regions)


WORLDWIDE = Territory()


@dataclass(frozen=True, slots=True)
class Scope:
    """Lever 1: which works by path, and which forms of them.

    *works* names them for people; *paths* decides. *renditions* holds `PAGE`
    and names from the policy (``transcript``, ``thumbnail``, …). *excluded* are
    parts of *paths* that belong to works outside this scope: a license for a
    site does not open the dearer shelf inside it. Of the scopes in both that
    cover a path the narrowest decides. *bundle* is what the paths were frozen as.
    """

    works: tuple[str, ...]
    paths: tuple[PathScope, ...]
    renditions: tuple[str, ...] = (PAGE,)
    excluded: tuple[PathScope, ...] = ()
    bundle: Bundle | None = None

    def covers(self, path: str) -> bool:
        """Whether canonical *path* is inside, whatever its rendition."""
        return narrowest(path, self.paths, self.excluded) is not None

    def includes(self, scope: PathScope) -> bool:
        """Whether all of *scope* but what is excluded deeper inside it is granted."""
        mine = [each.precision for each in self.paths if scope.within(each)]
        return bool(mine) and not any(
            scope.within(each) and each.precision > max(mine) for each in self.excluded
        )


@dataclass(frozen=True, slots=True)
class Purpose:
    """Lever 2: what may be done. Everything is granted one by one and defaults to no."""

    uses: Uses
    redistribution: bool = False
    sublicensing: bool = False
    model_release: str = "none"  # none | closed | open
    resale: bool = False
    internal_research: bool = False
    evaluation: bool = False


@dataclass(frozen=True, slots=True)
class Exclusivity:
    """Lever 4: whether the deal shuts others out of works x uses x territory x term."""

    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class Attribution:
    """Lever 5: what must be shown, and how soon a model card is due. 0 days: no duty."""

    text: str = ""
    link: str = ""
    model_card_days: int = 0


@dataclass(frozen=True, slots=True)
class Audit:
    """Lever 6: reports and audits. *report* is ``none | monthly | quarterly | yearly``.

    A report *suspend_after_days* late suspends the license until it is handed in; 0: never.
    """

    report: str = "quarterly"
    audits_per_year: int = 1
    audit_window_months: int = 12
    output_samples: int = 0
    suspend_after_days: int = SUSPEND_AFTER_DAYS


@dataclass(frozen=True, slots=True)
class Retention:
    """Lever 7: keeping and deleting. 0 retention days: as long as the term lasts."""

    retention_days: int = 0
    withdrawal_notice_days: int = 30
    remediation_plan_days: int = 30
    retrain: bool = True


@dataclass(frozen=True, slots=True)
class Liability:
    """Lever 8: who answers for what. *cap* None: no cap was agreed."""

    indemnity: str = "mutual"  # none | licensee | creator | mutual
    cap: Money | None = None
    warranties: tuple[str, ...] = ("ownership",)
    insurance: bool = False
    security_standard: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """How long a license lasts once it starts: whole *months*, at least one."""

    months: int = 12
    renewal: bool = False


def _plain(value: object) -> object:
    """Spell a lever as canonical JSON would hold it."""
    if isinstance(value, Money):
        return {"micros": value.micros, "currency": value.currency}
    if isinstance(value, Territory):
        return value.as_json()
    if isinstance(value, PathScope):
        return value.pattern
    if isinstance(value, frozenset):
        return sorted(str(item) for item in value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    slots = getattr(type(value), "__dataclass_fields__", None)
    if slots is not None:
        return {name: _plain(getattr(value, name)) for name in slots}
    return value


@dataclass(frozen=True)
class LicenseTerms:
    """What is granted and owed, all eight levers plus term and territory."""

    scope: Scope
    purpose: Purpose
    compensation: Compensation
    exclusivity: Exclusivity = field(default_factory=Exclusivity)
    attribution: Attribution = field(default_factory=Attribution)
    audit: Audit = field(default_factory=Audit)
    retention: Retention = field(default_factory=Retention)
    liability: Liability = field(default_factory=Liability)
    term: Term = field(default_factory=Term)
    territory: Territory = WORLDWIDE

    def as_json(self) -> dict[str, object]:
        """The terms as plain JSON; the input of `hash`."""
        plain = _plain(self)
        assert isinstance(plain, dict)
        # What was agreed before there was a choice keeps its hash.
        price = plain["compensation"]
        for name in self.compensation.usual():
            del price[name]
        if self.scope.bundle is None:
            del plain["scope"]["bundle"]
        elif self.scope.bundle.ingestion == WHOLE:
            del plain["scope"]["bundle"]["ingestion"]
        if self.audit.suspend_after_days == SUSPEND_AFTER_DAYS:
            del plain["audit"]["suspend_after_days"]
        if self.territory.basis is not Basis.FETCH:
            plain["territory_basis"] = str(self.territory.basis)
        return plain

    @cached_property
    def hash(self) -> str:
        """The terms hash, ``sha-256:`` and hex."""
        return canonical_digest(self.as_json())


@dataclass(frozen=True)
class Offer:
    """Terms a creator publishes, ready to be accepted by machine.

    *id* is the policy's name for it (``training``), unique on its site. *tier*
    is 1 (becomes part of a model), 2 (features, indexes) or 3 (answers).
    *max_fetches* and *token_seconds* bound one token bought on it. *step* is the
    step of its price that the page it is offered for has reached by its age. *by_person* says that a person
    decides on every deal: its price is where talks begin, and no machine sells it.
    """

    id: str
    site: str
    terms: LicenseTerms
    policy: str
    tier: int = 3
    token_seconds: int = 3600
    max_fetches: int = 0
    step: AgeStep | None = None
    by_person: bool = False

    @property
    def uses(self) -> Uses:
        """The uses on offer."""
        return self.terms.purpose.uses

    @property
    def price(self) -> Money:
        """What one fetch costs under it; of an older page, where it is offered for one."""
        return self.step.per_fetch if self.step else self.terms.compensation.fetch_price


@dataclass(frozen=True, slots=True)
class PublishedScope:
    """What is said about one part of a site. Paths of different scopes do not overlap
    except that a scope may lie inside a wider one, which comes later.

    *free* are uses granted to everyone for nothing; *offers* what can be bought; a use in neither is reserved.
    *work* is "" for the rest of the site. *encrypted* says that its files are, and that the desk has their keys.
    """

    paths: tuple[PathScope, ...]
    work: str
    free: Uses
    offers: tuple[Offer, ...]
    encrypted: bool = False

    @property
    def for_sale(self) -> Uses:
        """Every use some offer here covers."""
        return frozenset[Use]().union(*(offer.uses for offer in self.offers))


@dataclass(frozen=True, slots=True)
class RobotsStance:
    """What robots.txt says to one set of product tokens.

    *refused* are scopes the owner does not serve them at any price; everything
    else stays allowed, because a `Disallow` would hide what is for sale.
    """

    tokens: tuple[str, ...]
    refused: tuple[PathScope, ...]


@dataclass(frozen=True, slots=True)
class PublishedTerms:
    """Everything the published formats may say about one site; they say no more.

    *origin* is the public origin without a trailing slash. *scopes* are in
    order, narrower before wider, the whole site (``/``) last. *honeypot* is the
    path that robots.txt closes to everybody because nothing is there, or "".
    *publishing* says which further channels there are. *x402* says that one fetch
    can be paid for through x402. *bundles* are offers over bundles, beside the parts.
    """

    origin: str
    name: str
    contact: str
    digest: str
    currency: str
    scopes: tuple[PublishedScope, ...]
    robots: tuple[RobotsStance, ...]
    honeypot: str = ""
    publishing: Publishing = USUAL
    x402: bool = False
    bundles: tuple[Offer, ...] = ()

    @property
    def license_url(self) -> str:
        """Where the RSL document is."""
        return f"{self.origin}/license.xml"

    @property
    def desk_url(self) -> str:
        """The issuer of the license desk."""
        return f"{self.origin}/.licet"

    @property
    def token_url(self) -> str:
        """The token endpoint, for OAuth and OLP callers alike."""
        return f"{self.desk_url}/token"
