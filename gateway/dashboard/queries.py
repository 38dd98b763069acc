"""What the pages ask of the log: rows, totals, and the port that a store reads them by."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.dashboard.filters import EVERYTHING, Cursor, Decision, LogFilter, decision
from gateway.money import Money
from gateway.provenance.record import FetchDetail, FetchRecord
from gateway.visitors.naming import told

#: Rows that `AccessLog.crawlers` and `AccessLog.works` give at most.
MOST_CRAWLERS: Final = 1_000
MOST_WORKS: Final = 1_000
#: Paths that `AccessLog.paths` and `AccessLog.paths_in` give at most.
MOST_PATHS: Final = 100


@dataclass(frozen=True, slots=True)
class LogRow:
    """One fetch as the log lists it. Members as in `provenance.record.FetchRecord`.

    Or *count* refusals alike, summed up (`provenance.record.FloodNote`): such a
    row has no path, and no record behind it. *evidence* is what the visitor was
    taken for it by (`visitors.reasons`), and () once the detail was erased;
    nothing else of a row is personal.
    """

    seq: int
    id: str
    time_us: int
    site: str
    method: str
    host: str
    path: str
    crawler: str
    operator: str
    visitor_class: str
    identity: str
    licensee: str
    license: str
    outcome: str
    verdict: str
    rule: str
    problem: str
    would: str
    status: int
    country: str
    currency: str
    charged_micros: int
    quote_micros: int
    bytes_sent: int
    duration_us: int
    count: int = 1
    evidence: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """Who it was, in words that hold: a claim is called one, and its evidence carries its day."""
        return told(
            self.crawler,
            self.operator,
            visitor_class=self.visitor_class,
            identity=self.identity,
            reasons=self.evidence,
        )

    @property
    def decision(self) -> Decision:
        """What became of it."""
        return decision(self.outcome, self.status)

    @property
    def charged(self) -> Money | None:
        """What it owes, or None where it owes nothing."""
        return Money(self.charged_micros, self.currency) if self.charged_micros else None

    @property
    def quoted(self) -> Money | None:
        """What it was or would have been quoted, or None."""
        return Money(self.quote_micros, self.currency) if self.quote_micros else None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Rows, newest first, and where the next page starts (None on the last one).

    *looked* is how many entries were looked through where that ended the page
    before it was full, else 0: what lies behind `next` was not looked at.
    """

    rows: tuple[LogRow, ...]
    next: Cursor | None
    looked: int = 0


@dataclass(frozen=True, slots=True)
class Gone:
    """What left the database for packed files: how many fetches and floods, and when the first and the last was.

    Every total counts them; no page lists them, until they are brought back.
    """

    entries: int
    first_us: int
    last_us: int


@dataclass(frozen=True, slots=True)
class Counted:
    """How often *value* occurs, and what those fetches owe."""

    value: str
    count: int
    charged: tuple[Money, ...] = ()

    @property
    def key(self) -> str:
        """By what it is the same row in another period."""
        return self.value

    @property
    def fetches(self) -> int:
        """All of them."""
        return self.count


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of time that begins at *time_us*: what became of its fetches, and what they owe and took.

    *quoted* is what unpaid fetches were or would have been asked for.
    *referred* are requests of people whom an AI service sent; it is 0 where the
    filter names more than time and site, because such a person is nobody's fetch.
    """

    time_us: int
    counts: Mapping[Decision, int]
    charged: tuple[Money, ...] = ()
    quoted: tuple[Money, ...] = ()
    bytes_sent: int = 0
    referred: int = 0

    @property
    def fetches(self) -> int:
        """All of them."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Overview:
    """The first screen's numbers for one filter.

    *ai_fetches* counts requests by AI crawlers, or under a license. *quoted*
    is what unpaid fetches were or would have been asked for. *people* is a
    total of requests; a person is never one row. *shed* counts unpaid records
    that were not kept. *newest_us* is the newest fetch in the whole log,
    whatever the filter, or None while there is none. *among* is the number of
    newest entries that the totals were counted among, *paths_among* those of
    the paths; 0 is all. *referred* is as in `Bar`.
    """

    fetches: int
    ai_fetches: int
    licensed: int
    decisions: Mapping[Decision, int]
    charged: tuple[Money, ...]
    quoted: tuple[Money, ...]
    people: int
    shed: int
    crawlers: tuple[Counted, ...]
    paths: tuple[Counted, ...]
    bars: tuple[Bar, ...]
    newest_us: int | None
    among: int = 0
    paths_among: int = 0
    bytes_sent: int = 0
    referred: int = 0


@dataclass(frozen=True, slots=True)
class CrawlerRow:
    """What one crawler did in a period.

    *identities* counts its fetches by how well the name was proven, *steps*
    are (time in microseconds, fetches) of the filter's step, oldest first,
    without empty ones. *newest_us* is its newest fetch of all, whatever the filter.
    """

    name: str
    operator: str
    visitor_class: str
    identities: Mapping[str, int]
    decisions: Mapping[Decision, int]
    charged: tuple[Money, ...]
    bytes_sent: int
    newest_us: int
    steps: tuple[tuple[int, int], ...]

    @property
    def key(self) -> str:
        """By what it is the same row in another period."""
        return self.name

    @property
    def fetches(self) -> int:
        """All of them."""
        return sum(self.decisions.values())


@dataclass(frozen=True, slots=True)
class WorkRow:
    """What machines took of one work in a period; *work* is "" for what belongs to none."""

    site: str
    work: str
    decisions: Mapping[Decision, int]
    charged: tuple[Money, ...]
    bytes_sent: int

    @property
    def key(self) -> tuple[str, str]:
        """By what it is the same row in another period."""
        return self.site, self.work

    @property
    def fetches(self) -> int:
        """All of them."""
        return sum(self.decisions.values())


@dataclass(frozen=True, slots=True)
class Visited:
    """*count* fetches alike: by whom, for which path, from where ("" is unknown)."""

    crawler: str
    visitor_class: str
    identity: str
    path: str
    country: str
    count: int


@dataclass(frozen=True, slots=True)
class Facets:
    """What could be chosen next: each list ignores its own part of the filter.

    *words* are the lists of keys of `filters.WORDS`. *among* is the number of
    newest entries they were counted among, *rare_among* those of ``problem``
    and ``rule``; 0 is all.
    """

    crawlers: tuple[Counted, ...]
    decisions: tuple[Counted, ...]
    words: Mapping[str, tuple[Counted, ...]]
    among: int = 0
    rare_among: int = 0


class AccessLog(Protocol):
    """The folded journal, to be read. A storage port; every method raises `StoreUnavailable`.

    Rows are fetches alone. Implemented by `store.sqlite.access_log`.
    """

    async def overview(self, filter: LogFilter) -> Overview:
        """Return the totals of the fetches that *filter* means, as of one moment."""
        ...

    async def crawlers(self, filter: LogFilter) -> tuple[CrawlerRow, ...]:
        """Return what each crawler did, most fetches first."""
        ...

    async def works(self, filter: LogFilter) -> tuple[WorkRow, ...]:
        """Return what was taken of each work, most fetches first."""
        ...

    async def paths(self, filter: LogFilter) -> tuple[Counted, ...]:
        """Return the paths with most fetches among the newest entries."""
        ...

    async def paths_in(self, filter: LogFilter) -> tuple[Counted, ...] | None:
        """Return the paths with most fetches among every entry of the period; None where not all can be counted.

        Which is where the period has more entries than a page looks through, or some that left the database.
        """
        ...

    async def visits(self, site: str, since_us: int) -> tuple[Visited, ...]:
        """Return who came for what to *site* from *since_us* on, among the newest entries; floods stay out."""
        ...

    async def page(self, filter: LogFilter, after: Cursor | None, limit: int) -> LogPage:
        """Return at most *limit* rows, newest first, older than *after*."""
        ...

    def stream(self, filter: LogFilter) -> AsyncIterator[LogRow]:
        """All rows, newest first, that were there when the first was read; in bounded memory."""
        ...

    async def since(self, seq: int, limit: int, filter: LogFilter = EVERYTHING) -> tuple[LogRow, ...]:
        """Return at most *limit* rows of *filter* newer than *seq*, oldest first; all that is newer is looked through."""
        ...

    async def facets(self, filter: LogFilter) -> Facets:
        """Count the values that the filter form offers."""
        ...

    async def row(self, record_id: str) -> LogRow | None:
        """Return one row, or None where there is no such fetch."""
        ...

    async def gone(self, filter: LogFilter) -> Gone | None:
        """Return what of the time that *filter* means is in packed files, or None where nothing is."""
        ...

    async def record(self, record_id: str) -> FetchRecord | None:
        """Return the whole record behind a row, or None."""
        ...

    async def detail(self, record_id: str) -> FetchDetail | None:
        """Return the personal detail, or None once it was forgotten."""
        ...
