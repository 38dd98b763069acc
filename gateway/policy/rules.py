"""A site's policy once it has been read: compiled, checked and frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.licenses.bundle_paths import NO_BUNDLES, Contents
from gateway.licenses.contract import Party
from gateway.licenses.withdrawal import NOTHING_WITHDRAWN, Withdrawal, Withdrawn
from gateway.paths import PathScope
from gateway.policy.dating import UNDATED, Dating
from gateway.policy.x402_terms import X402Terms
from gateway.terms.license_terms import PAGE, Offer
from gateway.terms.publishing import USUAL, Publishing
from gateway.uses import Uses
from gateway.visitors.visitor import Identity, VisitorClass


class Mode(StrEnum):
    """How much of the policy binds.

    OBSERVE: the origin's bytes, headers and robots.txt pass untouched; the
    record says what would have been. OFFER: terms are published and price
    headers sent, nobody is refused, a presented token is honored. ENFORCE: the
    rules bind.
    """

    OBSERVE = "observe"
    OFFER = "offer"
    ENFORCE = "enforce"


class TerritoryMode(StrEnum):
    """What the place a fetch comes from means for a license that is limited to places.

    OFF: it is not compared. OBSERVE: it is compared, and the record says what
    would have been refused. ENFORCE: it binds, and an unknown place is outside.
    """

    OFF = "off"
    OBSERVE = "observe"
    ENFORCE = "enforce"


class Rights(StrEnum):
    """Whether the creator may sell a work: what is unsure is never for sale."""

    OWN = "own"
    CLEARED = "cleared"
    UNSURE = "unsure"


class People(StrEnum):
    """Whether persons shown in a work agreed: what is unsure is never for sale."""

    NONE = "none"
    CONSENTED = "consented"
    UNSURE = "unsure"


class Verdict(StrEnum):
    """The three things a rule can say."""

    SERVE = "serve"
    REFUSE = "refuse"
    LICENSE = "license"


@dataclass(frozen=True, slots=True)
class Author:
    """Somebody with a share of what a work earns, in millionths of the whole."""

    name: str
    share_micros: int


@dataclass(frozen=True, slots=True)
class Rendition:
    """One form of a work and the paths that deliver it."""

    name: str
    paths: tuple[PathScope, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of content, or a shelf of them, by path."""

    id: str
    paths: tuple[PathScope, ...]
    rights: Rights
    people: People
    renditions: tuple[Rendition, ...] = ()
    authors: tuple[Author, ...] = ()
    #: Whether its files are encrypted and their keys are had at the desk (RSL's EMS).
    encrypted: bool = False
    #: What lies directly below these is streamed: each is one thing to pay for with all its pieces, such as a
    #: manifest and its segments (RFC 8216).
    streams: tuple[PathScope, ...] = ()
    #: How it is known when its pages were published.
    dating: Dating = UNDATED

    @property
    def for_sale(self) -> bool:
        """Whether it may be offered at all."""
        return self.rights is not Rights.UNSURE and self.people is not People.UNSURE

    def stream_of(self, path: str) -> str:
        """The path of what canonical *path* is a piece of, "" where it is none.

        >>> work = Work("v", (PathScope("/v/"),), Rights.OWN, People.NONE, streams=(PathScope("/v/"),))
        >>> work.stream_of("/v/tides/720p/3.ts"), work.stream_of("/v/tides.m3u8"), work.stream_of("/v/")
        ('/v/tides', '/v/tides.m3u8', '')
        """
        for scope in self.streams:
            stem = scope.pattern.rstrip("/") + "/"
            if path.startswith(stem) and len(path) > len(stem):
                return stem + path[len(stem) :].partition("/")[0]
        return ""

    def rendition_of(self, path: str) -> str:
        """Which form of the work canonical *path* delivers; `PAGE` unless a rendition lists it."""
        for rendition in self.renditions:
            if any(scope.covers(path) for scope in rendition.paths):
                return rendition.name
        return PAGE


@dataclass(frozen=True, slots=True)
class Match:
    """What a rule looks at; an empty field matches everything.

    Names of crawlers and operators are lower case. *uses* matches a visitor
    all of whose uses are listed; *countries* are spelled out (``EU`` expanded).
    """

    crawlers: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    classes: frozenset[VisitorClass] = frozenset()
    proofs: frozenset[Identity] = frozenset()
    uses: Uses = frozenset()
    works: frozenset[str] = frozenset()
    paths: tuple[PathScope, ...] = ()
    countries: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the policy. *key* is where it stands, such as ``rules[2]``."""

    key: str
    when: Match
    verdict: Verdict
    offers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """A creator's host names and the origin server behind them.

    *hosts* are lower case without port; ``*`` stands for any. *origin* is the
    URL of the creator's server. *public* is the public origin that tokens name,
    or "" to take scheme and host of each request. *territory* says how far the
    place of a fetch binds. *honeypot* is a path with nothing behind it, or "".
    With *sign_requests* the creator's server can tell what came through this gateway.
    """

    id: str
    hosts: tuple[str, ...]
    origin: str
    mode: Mode
    currency: str
    public: str = ""
    name: str = ""
    contact: str = ""
    territory: TerritoryMode = TerritoryMode.ENFORCE
    honeypot: str = ""
    sign_requests: bool = False


@dataclass(frozen=True, slots=True)
class Payments:
    """How one fetch can be paid for without a license.

    *price_headers*: by ``crawler-max-price`` and ``crawler-exact-price`` on a
    signed request, out of an account here. *origin_prices*: the creator's
    server may name the price of each answer itself. *x402*: on a chain, to the
    creator's own address. *x402_credit*: out of an account here, in the words of x402.
    """

    price_headers: bool = True
    origin_prices: bool = False
    x402: X402Terms | None = None
    x402_credit: bool = False


@dataclass(frozen=True, slots=True)
class Signing:
    """What stands in a contract besides what is negotiated; without a *law* nothing is signed.

    *by_machine* says that a large deal is sold as published too, without names or a person's word; no, if nobody says so.
    """

    law: str = ""
    language: str = "English"
    creator: Party = field(default_factory=Party)
    by_machine: bool = False


@dataclass(frozen=True, slots=True)
class Redress:
    """Whether withdrawals are told to everybody, and whether an objection holds sales before it is decided on."""

    public_feed: bool = False
    hold: bool = False


@dataclass(frozen=True)
class Policy:
    """Everything a creator decided for one site.

    *otherwise* is what a `license` rule means on a path that no work lists;
    None where reading proved there is no such path. *unverifiable* is what a
    free outcome means for a crawler whose claim could be checked but whose
    evidence is stale. *free_paths* are served to everyone, always, like
    control files. *publishing* says in which channels the terms are told. *withdrawn* is what
    was taken back since, which is in no file; *offers* are without it
    (`policy.withdrawing`). *by_place* says that
    some rule or offer depends on the country, *dated* that some work says how old its pages are,
    *streamed* that some work is streamed in pieces.
    *consent* is the id of the journal's record of this policy being put in force, "" where that is not known here.
    *bundles* holds what is in each bundle whose manifest stands beside the file. *written_at* is when its file last
    changed, whole seconds, 0 where there is none.
    """

    site: Site
    works: tuple[Work, ...]
    offers: tuple[Offer, ...]
    rules: tuple[Rule, ...]
    digest: str
    otherwise: Verdict | None = None
    unverifiable: Verdict = Verdict.SERVE
    free_paths: tuple[PathScope, ...] = ()
    publishing: Publishing = USUAL
    stance: str = ""
    file: str = ""
    payments: Payments = Payments()
    signing: Signing = Signing()
    redress: Redress = Redress()
    withdrawn: Withdrawn = NOTHING_WITHDRAWN
    by_offer: dict[str, Offer] = field(default_factory=dict, compare=False, repr=False)
    by_place: bool = field(default=False, compare=False)
    bundles: Contents = field(default=NO_BUNDLES, compare=False, repr=False)
    dated: bool = field(default=False, compare=False)
    streamed: bool = field(default=False, compare=False)
    written_at: int = field(default=0, compare=False)
    consent: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Index the offers by id, and see whether anything depends on the country."""
        self.by_offer.update({offer.id: offer for offer in self.offers})
        limited = self.site.territory is not TerritoryMode.OFF and any(
            offer.terms.territory.at_fetch.regions is not None for offer in self.offers
        )
        object.__setattr__(self, "streamed", any(work.streams for work in self.works))
        object.__setattr__(self, "dated", any(work.dating != UNDATED for work in self.works))
        object.__setattr__(self, "by_place", limited or any(each.when.countries for each in self.rules))

    @property
    def edition(self) -> str:
        """What tells apart what is in force: the digest, and what is withdrawn beside it. For what is kept in memory."""
        return f"{self.digest} {self.withdrawn.mark}" if self.withdrawn else self.digest

    def work_of(self, path: str) -> Work | None:
        """The work that canonical *path* belongs to: the narrowest scope wins, then the first listed."""
        best: tuple[int, Work] | None = None
        for work in self.works:
            for scope in work.paths:
                if scope.covers(path) and (best is None or scope.precision > best[0]):
                    best = (scope.precision, work)
        return best[1] if best else None


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the policy says to one ask, and which rule said it.

    Attributes:
        verdict: serve, refuse, or license on *offers*.
        rule: key of the rule that decided: ``rules[2]``, ``free``, ``otherwise``, …
        why: one public clause for people, such as "rule 3 matches class ai" (a `Phrase`).
        policy: digest of the policy.
        mode: how much of it binds.
        offers: for `LICENSE`, what can be bought for this path; never empty then.
        work: id of the work the path belongs to, or "".
        rendition: which form of it, or "".
        problem: for `REFUSE`, the code of the refusal (`refused-by-owner`,
            `identity-not-proven`, `ambiguous-path` or `withdrawn`).
        territory: how far the place of the fetch binds a license.
        closed: for `LICENSE`, nothing of this path is sold any more; licenses that are held go on.
        withdrawal: for `REFUSE`, the withdrawal that stops it.
        withdrawn: everything the site has withdrawn, for the licensee that may show a license.
        bundles: what is in each bundle that was ever sold here, for a token that names one.
        published_at: when the page was published by its path, seconds since the epoch, or None.
        days: how old it is by that, in whole days, when it was asked for (`terms.ages.days_old`).
        dated_by: the field of the origin's answer that may tell the date besides, or "".
        stream: for `LICENSE`, the path of what is streamed in pieces, of which this is one, or "".
    """

    verdict: Verdict
    rule: str
    why: str
    policy: str
    mode: Mode
    offers: tuple[Offer, ...] = ()
    work: str = ""
    rendition: str = ""
    problem: str = ""
    territory: TerritoryMode = TerritoryMode.ENFORCE
    closed: bool = False
    withdrawal: Withdrawal | None = None
    withdrawn: Withdrawn = NOTHING_WITHDRAWN
    bundles: Contents = NO_BUNDLES
    published_at: int | None = None
    days: int | None = None
    dated_by: str = ""
    stream: str = ""
