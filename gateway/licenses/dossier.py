"""What is known of one operator's crawlers on a site, to write to it: a draft to be edited, never sent by itself.

What was fetched and when, how far the sender is proven, the terms that were in
force, what it would have cost, the value memo and the initial letter. Addresses
are networks. A claim is called a claim (`visitors.naming`). Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from gateway.licenses.contract import Party
from gateway.licenses.letters import approach
from gateway.licenses.traffic import Fetched
from gateway.licenses.value_memo import Memo, octets
from gateway.licenses.written import Section, Table, Writing, counted, listed, one_line
from gateway.money import Money
from gateway.terms.license_terms import WINDOW_HOURS
from gateway.visitors.naming import told

#: Rows of a table; what is left out is said to be left out.
MOST_PAGES: Final = 20
MOST_DAYS: Final = 31
MOST_NETWORKS: Final = 12
MOST_TERMS: Final = 12
_PATH: Final = 90
#: What every site has and nobody would write a letter about.
_CONTROL: Final = re.compile(
    r"/(robots\.txt|favicon\.ico|sitemap[^/]*|license\.xml|\.well-known/.*|\.licet/.*)?\Z"
)


@dataclass(frozen=True, slots=True)
class InForce:
    """A version of the published terms and when it was in force, whole seconds; *until* 0 while it still is."""

    name: str
    since: int
    until: int
    address: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page that was fetched: *times* requests, of which *delivered* were answered with content."""

    path: str
    times: int
    delivered: int
    first: int
    last: int
    bytes_sent: int


@dataclass(frozen=True)
class Dossier:
    """Everything that is known.

    Attributes:
        operator: the company, or "" where no catalog knows it.
        crawlers: the names that were looked for.
        site, name: the site's id, and how it calls itself.
        made_on: the day it is made.
        source: ``journal``, or the name of a log.
        priced_by: what the price is taken from, in a clause.
        fetches: what was found, oldest first.
        whole: False where only the newest fetches were read.
        terms: what was in force, oldest first; empty where nothing is known.
        creator: who signs the letter.
        memo: the value memo of the site, if there is one.
        window_seconds: for how long a page that was paid for may be read again.
    """

    operator: str
    crawlers: tuple[str, ...]
    site: str
    name: str
    made_on: date
    source: str
    priced_by: str
    fetches: tuple[Fetched, ...]
    whole: bool = True
    terms: tuple[InForce, ...] = ()
    creator: Party = field(default_factory=Party)
    memo: Memo | None = None
    window_seconds: int = WINDOW_HOURS * 3600

    @property
    def seen_crawlers(self) -> tuple[str, ...]:
        """Those of the crawlers that were seen; what was only looked for is not told of anybody."""
        seen = {each.crawler for each in self.fetches}
        return tuple(one_line(name, 80) for name in self.crawlers if name in seen)

    @property
    def licensed(self) -> int:
        """How many of the fetches were made under a license."""
        return sum(each.outcome == "licensed" for each in self.fetches)

    @property
    def subject(self) -> str:
        """Whom it is about: the company, or else the crawler."""
        return one_line(self.operator or listed(self.crawlers), 80)

    def writing(self) -> Writing:
        """The whole as one document."""
        return Writing(
            f"Dossier: {self.subject}",
            f"{self._lead()} Made on {self.made_on.isoformat()}. Licet sends nothing: read it, change it, and send "
            "what you want to send yourself.",
            (
                self._fetched(),
                _proof(self.fetches),
                self._terms(),
                self._price(),
                self._letter(),
                *self._memo(),
            ),
        )

    def seen(self) -> str:
        """What happened, in one paragraph that claims no more than is known."""
        if not self.fetches:
            return "We have no record of a fetch."
        total = sum(each.count for each in self.fetches)
        given = sum(each.delivered for each in self.fetches)
        works = [page for page in pages(self.fetches) if page.delivered and not _CONTROL.match(page.path)]
        shown = [one_line(page.path, _PATH) for page in works[:3]]
        proven = sum(each.count for each in self.fetches if each.identity == "verified")
        sure = (
            "All of them were proven to be yours."
            if proven == total
            else f"{_of_them(proven)} proven to be yours; the others only carried that name."
            if proven
            else "They carried that name; that it was you is not proven."
        )
        under = f" {_of_them(self.licensed)} made under a license." if self.licensed else ""
        among = f", among them {listed(shown)}" if shown else ""
        return (
            f"From {_day(self.fetches[0].time_us)} to {_day(self.fetches[-1].time_us)} our records of "
            f"{one_line(self.name or self.site, 80)} show {counted(total, 'request')} by {listed(self.seen_crawlers)}, of which "
            f"{given:,} were answered with content{among}.{under} {sure}"
        )

    def as_json(self) -> dict[str, object]:
        """The same for machines; amounts in whole micro-units, times in whole seconds."""
        units, owed = would_have_cost(self.fetches, self.window_seconds)
        return {
            "operator": self.operator,
            "crawlers": list(self.crawlers),
            "site": self.site,
            "made_on": self.made_on.isoformat(),
            "source": self.source,
            "whole": self.whole,
            "requests": sum(each.count for each in self.fetches),
            "delivered": sum(each.delivered for each in self.fetches),
            "bytes": sum(each.bytes_sent for each in self.fetches),
            "first": self.fetches[0].time_us // 1_000_000 if self.fetches else None,
            "last": self.fetches[-1].time_us // 1_000_000 if self.fetches else None,
            "pages": [
                {
                    "path": page.path,
                    "requests": page.times,
                    "delivered": page.delivered,
                    "first": page.first // 1_000_000,
                    "last": page.last // 1_000_000,
                    "bytes": page.bytes_sent,
                }
                for page in pages(self.fetches)
            ],
            "proof": [{"words": words, "requests": times} for words, times in proofs(self.fetches)],
            "networks": [{"network": name, "requests": times} for name, times in networks(self.fetches)],
            "terms": [
                {"name": each.name, "since": each.since, "until": each.until, "address": each.address}
                for each in self.terms
            ],
            "price": {
                "by": self.priced_by,
                "units": units,
                "would_have_cost": [
                    {"micros": amount.micros, "currency": amount.currency} for amount in owed
                ],
            },
            "letter": self.letter(),
            "memo": self.memo.as_json() if self.memo else None,
            "notice": self.writing().notice,
        }

    def _letter(self) -> Section:
        title = "Initial letter"
        if not self.fetches:
            return Section(title, ("There is nothing to write about.",))
        return Section(title, letter=self.letter())

    def letter(self) -> str:
        """The draft of the letter alone, as text to edit; "" where nothing was found."""
        return approach(self.subject, self.seen(), creator=self.creator).text if self.fetches else ""

    def _lead(self) -> str:
        place = (
            f"the gateway's own records of {one_line(self.name or self.site, 80)}"
            if self.source == "journal"
            else f"the log {one_line(self.source, 80)}"
        )
        return f"What {listed(self.seen_crawlers or self.crawlers)} did, by {place}."

    def _fetched(self) -> Section:
        title = "What was fetched"
        if not self.fetches:
            return Section(title, ("Nothing by these names was found.",))
        total, given = sum(each.count for each in self.fetches), sum(each.delivered for each in self.fetches)
        sent = sum(each.bytes_sent for each in self.fetches)
        refused = sum(each.count for each in self.fetches if each.status in {401, 402, 403, 429})
        said = [
            (f"{counted(total, 'request')} from {_moment(self.fetches[0].time_us)} to "
            f"{_moment(self.fetches[-1].time_us)} UTC; {given:,} answered with content, {octets(sent)} in all, "
            f"{refused:,} turned away.")
        ]  # fmt: skip
        if self.licensed:
            said.append(
                f"{_of_them(self.licensed)} made under a license; look at who holds it before you write."
            )
        if not self.whole:
            said.append("There were more; only the newest were read.")
        named, found = named_pages(self.fetches), days(self.fetches)
        if len(named) > MOST_PAGES:
            said.append(f"Of {len(named):,} pages those are listed that were asked for most.")
        if len(found) > MOST_DAYS:
            said.append(f"Of {len(found):,} days the last {MOST_DAYS} are listed.")
        return Section(
            title,
            tuple(said),
            (
                Table(
                    "By page",
                    ("Page", "Requests", "Delivered", "First (UTC)", "Last (UTC)", "Sent"),
                    tuple(
                        (
                            one_line(page.path, _PATH),
                            f"{page.times:,}",
                            f"{page.delivered:,}",
                            _moment(page.first),
                            _moment(page.last),
                            octets(page.bytes_sent),
                        )
                        for page in named[:MOST_PAGES]
                    ),
                    frozenset({1, 2, 5}),
                    "pages",
                ),
                Table(
                    "By day",
                    ("Day (UTC)", "Requests", "Delivered"),
                    tuple((day, f"{asked:,}", f"{given:,}") for day, asked, given in found[-MOST_DAYS:]),
                    frozenset({1, 2}),
                    "days",
                ),
            ),
        )

    def _terms(self) -> Section:
        title = "Terms in force then"
        if not self.terms:
            return Section(title, ("No published terms of that time are known here.",))
        rows = tuple(
            (
                each.name[:16],
                _moment(each.since * 1_000_000),
                _moment(each.until * 1_000_000) if each.until else "today",
                each.address,
            )
            for each in self.terms[-MOST_TERMS:]
        )
        return Section(
            title,
            ("Each version is kept under its own address, which is a hash of its text.",),
            (
                Table(
                    "Versions",
                    ("Version", "From (UTC)", "Until (UTC)", "Where it can be read"),
                    rows,
                    name="versions",
                ),
            ),
        )

    def _price(self) -> Section:
        units, owed = would_have_cost(self.fetches, self.window_seconds)
        title = "What it would have cost"
        if not owed:
            return Section(title, ("Nothing: no page that was delivered without a license had a price.",))
        hours = self.window_seconds // 3600
        return Section(
            title,
            (
                f"{listed(map(str, owed))} for {counted(units, 'fetch', 'fetches')}, by {self.priced_by}.",
                (
                    f"Counted are pages that were delivered without a license; the same page again within {hours} hours "
                    "is not counted twice. It is no claim: nobody agreed to it."
                ),
            ),
        )

    def _memo(self) -> tuple[Section, ...]:
        if self.memo is None:
            return ()
        page = self.memo.writing()
        first, *rest = page.sections
        lead = Section(
            f"Value memo: {first.title.lower()}", (page.lead, *first.sentences), first.tables, first.letter
        )
        return (lead, *rest)


def pages(fetches: Iterable[Fetched]) -> tuple[Page, ...]:
    """The pages of *fetches*, those asked for most first; requests that were only counted have the path ""."""
    found: dict[str, Page] = {}
    for each in fetches:
        known = found.get(each.path, Page(each.path, 0, 0, each.time_us, each.time_us, 0))
        found[each.path] = Page(
            each.path,
            known.times + each.count,
            known.delivered + each.delivered,
            min(known.first, each.time_us),
            max(known.last, each.time_us),
            known.bytes_sent + each.bytes_sent,
        )
    return tuple(sorted(found.values(), key=lambda page: (-page.times, page.path)))


def named_pages(fetches: Iterable[Fetched]) -> tuple[Page, ...]:
    """The pages of *fetches* without those requests whose page nobody wrote down."""
    return tuple(page for page in pages(fetches) if page.path)


def days(fetches: Iterable[Fetched]) -> tuple[tuple[str, int, int], ...]:
    """The days of *fetches* in UTC, the first first: requests, and those that were answered with content."""
    asked, answered = Counter[str](), Counter[str]()
    for each in fetches:
        asked[_day(each.time_us)] += each.count
        answered[_day(each.time_us)] += each.delivered
    return tuple((day, asked[day], answered[day]) for day in sorted(asked))


def proofs(fetches: Iterable[Fetched]) -> tuple[tuple[str, int], ...]:
    """In words that hold: who sent the requests, and how many; most first."""
    counts: Counter[str] = Counter()
    for each in fetches:
        words = told(
            each.crawler,
            each.operator,
            visitor_class=each.visitor_class,
            identity=each.identity or "claimed",
            reasons=each.evidence,
        )
        counts[words] += each.count
    return _first(counts)


def networks(fetches: Iterable[Fetched]) -> tuple[tuple[str, int], ...]:
    """The networks (/24, /48) that requests came from, and how many; most first. Those erased are left out."""
    counts: Counter[str] = Counter()
    for each in fetches:
        if each.network:
            counts[each.network] += each.count
    return _first(counts)


def would_have_cost(fetches: Iterable[Fetched], window_seconds: int) -> tuple[int, tuple[Money, ...]]:
    """How many fetches would have been charged, and what they come to, a currency each.

    Charged is a page that was delivered, without a license, at a price; the same
    page again within the window is not. *fetches* are oldest first.
    """
    paid: dict[str, int] = {}
    units, sums = 0, dict[str, Money]()
    for each in fetches:
        if (
            not each.delivered
            or each.charged is not None
            or each.quoted is None
            or each.outcome == "licensed"
        ):
            continue
        begun = paid.get(each.path)
        if begun is not None and each.time_us - begun < window_seconds * 1_000_000:
            continue
        paid[each.path] = each.time_us
        units += 1
        currency = each.quoted.currency
        sums[currency] = sums.get(currency, Money(0, currency)) + each.quoted
    return units, tuple(sums[name] for name in sorted(sums))


def _proof(fetches: tuple[Fetched, ...]) -> Section:
    title = "Who it was, and how far that is proven"
    if not fetches:
        return Section(title, ("Nobody was seen.",))
    tables = [
        Table(
            "Told by the evidence of each request",
            ("Sender", "Requests"),
            tuple((one_line(words, 140), f"{times:,}") for words, times in proofs(fetches)),
            frozenset({1}),
            "senders",
        )
    ]
    came = networks(fetches)
    said = ["A name in a request is a claim. Where it is proven, the words say by what."]
    if came:
        if len(came) > MOST_NETWORKS:
            said.append(f"Of {len(came):,} networks those are listed that most requests came from.")
        tables.append(
            Table(
                "Networks they came from (addresses are not told)",
                ("Network", "Requests"),
                tuple((name, f"{times:,}") for name, times in came[:MOST_NETWORKS]),
                frozenset({1}),
                "networks",
            )
        )
    return Section(title, tuple(said), tuple(tables))


def _of_them(number: int) -> str:
    return f"{number:,} of them {'was' if number == 1 else 'were'}"


def _first(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _at(time_us: int) -> datetime:
    return datetime.fromtimestamp(time_us // 1_000_000, UTC)


def _day(time_us: int) -> str:
    return _at(time_us).date().isoformat()


def _moment(time_us: int) -> str:
    return _at(time_us).strftime("%Y-%m-%d %H:%M")
