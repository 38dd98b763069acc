"""The value memo: one page that shows a buyer what a site's works are worth, and who says so of each figure.

Crawlers are counted from the journal and people from the totals, by the gateway;
everything else is the creator's word and is marked as that, with its source and
its day. Deals for comparison are the site's own without their buyers, or ones
that the creator entered with a source; none ship. What is not known is said to
be not known. No floor and nobody's name can stand in it. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.licenses.contract import price_parts
from gateway.licenses.traffic import Crawled, OwnDeal, Traffic
from gateway.licenses.written import Section, Table, Writing, counted, listed, one_line
from gateway.uses import tier_of

#: What fits on one page.
MOST_CRAWLERS: Final = 6
MOST_WORKS: Final = 5
MOST_DEALS: Final = 3
MOST_FIGURES: Final = 8
MOST_COMPARABLES: Final = 3
_NAME: Final = 40
_PRICE: Final = 160
_UNNAMED: Final = "without a name"
_NOTHING: Final = "\u2014"


class About(StrEnum):
    """What a figure of the creator's is about."""

    VIEWS = "views"
    WATCH_TIME = "watch-time"
    CONVERSION = "conversion"
    DEMOGRAPHICS = "demographics"
    CASE_STUDY = "case-study"
    OTHER = "other"

    @property
    def words(self) -> str:
        """As a page names it."""
        return _ABOUT[self]


_ABOUT: Final[Mapping[About, str]] = MappingProxyType(
    {
        About.VIEWS: "views",
        About.WATCH_TIME: "watch or engaged time",
        About.CONVERSION: "conversion",
        About.DEMOGRAPHICS: "demographics",
        About.CASE_STUDY: "case studies",
        About.OTHER: "other",
    }
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that the creator says: *what* is *value*, as *source* had it on *day*."""

    about: About
    what: str
    value: str
    source: str
    day: date


@dataclass(frozen=True, slots=True)
class Comparable:
    """A deal of somebody else's that the creator knows of from *source*, as of *day*."""

    what: str
    price: str
    source: str
    day: date


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that a creator entered for one site."""

    figures: tuple[Figure, ...] = ()
    comparables: tuple[Comparable, ...] = ()


@dataclass(frozen=True, slots=True)
class Memo:
    """What stands in the memo of one site.

    *name* is how the site calls itself, "" for its id; *purposes* are the
    catalog's, by the name of a crawler; *made_on* is the day it is made.
    """

    name: str
    made_on: date
    traffic: Traffic
    purposes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    entered: Figures = Figures()
    deals: tuple[OwnDeal, ...] = ()

    def writing(self) -> Writing:
        """The page, the same for the same memo."""
        return Writing(
            f"Value memo: {one_line(self.name or self.traffic.site, 80)}",
            f"What was seen {period(self.traffic)}. Made on {self.made_on.isoformat()}.",
            (
                _people(self.traffic),
                _crawlers(self.traffic, self.purposes),
                _entered(self.entered),
                _comparison(self.deals, self.entered),
            ),
            compact=True,
        )

    def as_json(self) -> dict[str, object]:
        """Every number, with who says it."""
        seen = self.traffic
        return {
            "site": seen.site,
            "name": self.name,
            "made_on": self.made_on.isoformat(),
            "since": seen.since,
            "until": seen.until,
            "notice": self.writing().notice,
            "measured": {
                "people": seen.people,
                "parts": [{"part": name, "people": count} for name, count in seen.parts],
                "sent_by_ai_services": [{"service": name, "people": count} for name, count in seen.sent],
                "crawlers": [
                    {
                        "crawler": each.crawler,
                        "operator": each.operator,
                        "class": each.visitor_class,
                        "purposes": list(self.purposes.get(each.crawler, ())),
                        "fetches": each.fetches,
                        "delivered": each.delivered,
                        "licensed": each.licensed,
                        "verified": each.verified,
                        "bytes": each.bytes_sent,
                    }
                    for each in seen.crawlers
                ],
                "works": [
                    {"work": each.name, "fetches": each.fetches, "bytes": each.bytes_sent}
                    for each in seen.wanted
                ],
                "not_kept": seen.shed,
            },
            "stated_by_the_creator": [
                {
                    "about": str(each.about),
                    "what": each.what,
                    "value": each.value,
                    "source": each.source,
                    "date": each.day.isoformat(),
                }
                for each in self.entered.figures
            ],
            "not_stated": [str(each) for each in unstated(self.entered)],
            "own_deals": [
                {"month": month_of(each), "tier": tier_of(each.terms.purpose.uses), **told_of(each)}
                for each in self.deals
            ],
            "comparable_deals": [
                {
                    "what": each.what,
                    "price": each.price,
                    "source": each.source,
                    "date": each.day.isoformat(),
                }
                for each in self.entered.comparables
            ],
        }


def unstated(entered: Figures) -> tuple[About, ...]:
    """What a buyer asks for and the creator did not state."""
    stated = {each.about for each in entered.figures}
    return tuple(each for each in About if each not in stated and each is not About.OTHER)


def period(traffic: Traffic) -> str:
    """The days of *traffic*, both included: ``from 2026-11-01 to 2026-11-30``, or ``on 2026-11-01``."""
    first, last = (
        datetime.fromtimestamp(second, UTC).date().isoformat()
        for second in (traffic.since, max(traffic.since, traffic.until - 1))
    )
    return f"on {first}" if first == last else f"from {first} to {last}"


def octets(number: int) -> str:
    """A length in whole units, rounded down: ``20 kB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number} {unit}"
        number //= 1000
    return f"{number:,} TB"


def _people(seen: Traffic) -> Section:
    title = "People"
    if not seen.people:
        return Section(title, ("The gateway counted no people in this time.",))
    counted_how = "They are counted as totals of whole hours, without address, cookie or identifier."
    said = [f"People were answered {seen.people:,} times. {counted_how}"]
    if seen.parts:
        parts = [f"{one_line(name, _NAME)} ({count:,})" for name, count in seen.parts[:MOST_WORKS]]
        said.append(f"What they read most: {', '.join(parts)}.")
    if seen.sent:
        services = [f"{one_line(name, _NAME)} ({count:,})" for name, count in seen.sent[:MOST_WORKS]]
        said.append(f"Answer engines that sent them: {', '.join(services)}.")
    return Section(title, tuple(said))


def _crawlers(seen: Traffic, purposes: Mapping[str, tuple[str, ...]]) -> Section:
    title = "Crawlers"
    if not seen.crawlers:
        return Section(title, ("The gateway recorded no crawler in this time.",))
    shown = seen.crawlers[:MOST_CRAWLERS]
    rows = [_row(each, purposes.get(each.crawler, ())) for each in shown]
    said = ["From the gateway's own records, one for each fetch."]
    if len(seen.crawlers) > len(shown):
        rest = seen.crawlers[len(shown) :]
        said.append(
            f"Besides these, {counted(len(rest), 'other crawler')} made "
            f"{counted(sum(each.fetches for each in rest), 'request')}."
        )
    if seen.shed:
        said.append(f"{counted(seen.shed, 'unpaid request was', 'unpaid requests were')} not recorded.")
    tables = [
        Table(
            "Who fetched",
            ("Crawler", "Company", "For", "Requests", "Delivered", "Proven", "Sent"),
            tuple(rows),
            frozenset({3, 4, 5, 6}),
            "crawlers",
        )
    ]
    if seen.wanted:
        tables.append(
            Table(
                "What they were given most",
                ("Work", "Times", "Sent"),
                tuple(
                    (one_line(each.name, _NAME), f"{each.fetches:,}", octets(each.bytes_sent))
                    for each in seen.wanted[:MOST_WORKS]
                ),
                frozenset({1, 2}),
                "works",
            )
        )
    return Section(title, tuple(said), tuple(tables))


def _row(each: Crawled, purposes: tuple[str, ...]) -> tuple[str, ...]:
    return (
        one_line(each.crawler, _NAME) or _UNNAMED,
        one_line(each.operator, _NAME) or _NOTHING,
        ", ".join(purposes) or _NOTHING,
        f"{each.fetches:,}",
        f"{each.delivered:,}",
        f"{each.verified:,}",
        octets(each.bytes_sent),
    )


def _entered(entered: Figures) -> Section:
    title = "What the creator states"
    said = []
    if entered.figures:
        said.append("These are the creator's own figures; the gateway did not measure them.")
    missing = unstated(entered)
    if missing:
        said.append(f"Nothing is stated about {listed(each.words for each in missing)}.")
    table = Table(
        "The creator's figures",
        ("About", "What", "Figure", "Source", "As of"),
        tuple(
            (each.about.words, each.what, each.value, each.source, each.day.isoformat())
            for each in entered.figures[:MOST_FIGURES]
        ),
        name="figures",
    )
    return Section(title, tuple(said), (table,) if entered.figures else ())


def _comparison(deals: tuple[OwnDeal, ...], entered: Figures) -> Section:
    said, tables = [], []
    if deals:
        tables.append(
            Table(
                "Licenses of this site, without who bought them",
                ("Signed", "For", "Price", "Term"),
                tuple(
                    (month_of(each), told["uses"], one_line(told["price"], _PRICE), told["term"])
                    for each in deals[:MOST_DEALS]
                    for told in (told_of(each),)
                ),
                name="deals",
            )
        )
    if entered.comparables:
        tables.append(
            Table(
                "Deals of others, as the creator knows of them",
                ("What", "Price", "Source", "As of"),
                tuple(
                    (each.what, each.price, each.source, each.day.isoformat())
                    for each in entered.comparables[:MOST_COMPARABLES]
                ),
                name="comparables",
            )
        )
    if not tables:
        said.append("No deal is known to compare with.")
    return Section("Deals for comparison", tuple(said), tuple(tables))


def told_of(each: OwnDeal) -> dict[str, str]:
    """What a buyer is told of a deal of the site's own: its uses, price and term."""
    terms = each.terms
    exclusive = ", exclusive" if terms.exclusivity.exclusive else ""
    return {
        "uses": ", ".join(sorted(terms.purpose.uses)),
        "price": "; ".join(price_parts(terms)),
        "term": f"{counted(terms.term.months, 'month')}{exclusive}",
    }


def month_of(each: OwnDeal) -> str:
    """The month that a deal was signed in, ``2026-11``."""
    # The day would tell more of the buyer than a comparison needs.
    return datetime.fromtimestamp(each.signed_at, UTC).strftime("%Y-%m")
