"""What the pages ask of the log, and the one filter that a page, its export and its links share.

A view is a query string. The same string under ``/log``, ``/log.csv``,
``/log.json`` and ``/log.jsonl`` names the same rows::

    last      1h, 24h, 7d, 30d, or all: back from now
    from, to  RFC 3339 times or dates, UTC where no offset is given; the first
              instant included, the last one not; a date in `to` means its end
    crawler   a name of the catalog, or "-" for visitors without one
    decision  a `Decision`
    text      a piece of a path, host, licensee or record id, as it stands
    before    rows older than this sequence number: the next page
    limit     rows a page, 1 to 500

An unknown key is left out with a note. A bad value is a mistake, and a view
with a mistake shows no rows: it must never show more than was asked for.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol
from urllib.parse import urlencode

from gateway.money import Money
from gateway.provenance.record import FetchDetail, FetchRecord, Outcome
from gateway.visitors.naming import told

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US
PAGE_ROWS: Final = 50
MOST_ROWS: Final = 500
#: What `crawler` says for visitors that the catalog does not name.
UNNAMED: Final = "-"
LAST: Final[Mapping[str, int]] = {"1h": HOUR_US, "24h": DAY_US, "7d": 7 * DAY_US, "30d": 30 * DAY_US}

_LATEST = datetime(9999, 1, 1, tzinfo=UTC)
_WHOLE = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


class Decision(StrEnum):
    """What became of a fetch, in the words of the pages.

    LICENSED: served under a license. QUOTED: told the price (402). OPEN:
    served although the rules would have charged or refused. REFUSED: turned
    away for another reason. FREE: served without charge by rule. FAILED: the
    origin or the gateway broke.
    """

    LICENSED = "licensed"
    QUOTED = "quoted"
    OPEN = "open"
    REFUSED = "refused"
    FREE = "free"
    FAILED = "failed"


def decision(outcome: str, status: int) -> Decision:
    """The decision that a record's outcome and status amount to."""
    if outcome == Outcome.REFUSED and status == 402:
        return Decision.QUOTED
    return Decision(outcome)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ends: rows with a smaller sequence number come after it."""

    seq: int


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which fetches are meant. `from_us` is included, `to_us` is not; None is no limit.

    *crawler* is None for all, "" for visitors without a name. *last* is the
    word that `from_us` was derived from, or "".
    """

    from_us: int | None = None
    to_us: int | None = None
    crawler: str | None = None
    decision: Decision | None = None
    text: str = ""
    last: str = ""

    def query(self, **changes: str | None) -> str:
        """The filter as a query string without ``?``; *changes* set or (None) drop keys."""
        pairs: dict[str, str | None] = {}
        if self.last:
            pairs["last"] = self.last
        else:
            pairs["from"] = None if self.from_us is None else rfc3339(self.from_us)
            pairs["to"] = None if self.to_us is None else rfc3339(self.to_us)
        pairs["crawler"] = None if self.crawler is None else self.crawler or UNNAMED
        pairs["decision"] = self.decision
        pairs["text"] = self.text or None
        if changes.get("last"):
            pairs["from"] = pairs["to"] = None
        pairs.update(changes)
        return urlencode([(key, value) for key, value in pairs.items() if value is not None])

    @property
    def step_us(self) -> int:
        """How wide one bar of a chart over this range is: an hour up to a week, else a day."""
        whole = self.from_us is not None and self.to_us is not None
        span = (self.to_us or 0) - (self.from_us or 0) if whole else LAST.get(self.last, 8 * DAY_US)
        return HOUR_US if span <= 7 * DAY_US else DAY_US


@dataclass(frozen=True, slots=True)
class View:
    """A query string once read. *mistakes* and *notes* are (key, sentence) pairs.

    *given* is what the person typed, by key, to fill the form again.
    """

    filter: LogFilter
    after: Cursor | None = None
    limit: int = PAGE_ROWS
    notes: tuple[tuple[str, str], ...] = ()
    mistakes: tuple[tuple[str, str], ...] = ()
    given: Mapping[str, str] = field(default_factory=dict)


def read_view(pairs: Iterable[tuple[str, str]], now_us: int, *, last: str = "") -> View:
    """Read a query string's *pairs*; *last* applies where no time is named. Raises nothing."""
    view = _Reader(now_us)
    for key, value in pairs:
        view.take(key, value.strip())
    if last and not view.given.keys() & {"last", "from", "to"}:
        view.take("last", last)
        del view.given["last"]
    return view.finished()


class _Reader:
    def __init__(self, now_us: int) -> None:
        self.now_us = now_us
        self.given: dict[str, str] = {}
        self.filter = LogFilter()
        self.after: Cursor | None = None
        self.limit = PAGE_ROWS
        self.notes: list[tuple[str, str]] = []
        self.mistakes: list[tuple[str, str]] = []

    def take(self, key: str, value: str) -> None:
        read = _KEYS.get(key)
        if read is None:
            self.notes.append((key, f"{key[:40]!r} is no filter of this page and was left out."))
        elif key in self.given:
            self.mistakes.append((key, "is given twice"))
        elif value:
            self.given[key] = value
            wrong = read(self, value)
            if wrong:
                self.mistakes.append((key, wrong))

    def finished(self) -> View:
        found = self.filter
        if "last" in self.given and self.given.keys() & {"from", "to"}:
            self.mistakes.append(("last", "cannot stand beside from or to; give one of them"))
        if found.from_us is not None and found.to_us is not None and found.from_us >= found.to_us:
            self.mistakes.append(("to", "must be later than from"))
        return View(found, self.after, self.limit, tuple(self.notes), tuple(self.mistakes), dict(self.given))

    def last(self, value: str) -> str:
        if value == "all":
            self.filter = replace(self.filter, last="all")
        elif value in LAST:
            self.filter = replace(self.filter, last=value, from_us=self.now_us - LAST[value])
        else:
            return f"must be one of {', '.join(LAST)} or all"
        return ""

    def from_(self, value: str) -> str:
        moment = _moment(value, end=False)
        if moment is None:
            return "must be a date or time such as 2026-11-24 or 2026-11-24T18:00"
        self.filter = replace(self.filter, from_us=moment)
        return ""

    def to(self, value: str) -> str:
        moment = _moment(value, end=True)
        if moment is None:
            return "must be a date or time such as 2026-11-24 or 2026-11-24T18:00"
        self.filter = replace(self.filter, to_us=moment)
        return ""

    def crawler(self, value: str) -> str:
        if len(value) > 128:
            return "is longer than any crawler's name"
        self.filter = replace(self.filter, crawler="" if value == UNNAMED else value)
        return ""

    def decision(self, value: str) -> str:
        if value not in set(Decision):
            return f"must be one of {', '.join(Decision)}"
        self.filter = replace(self.filter, decision=Decision(value))
        return ""

    def text(self, value: str) -> str:
        if len(value) > 256:
            return "must be at most 256 characters"
        self.filter = replace(self.filter, text=value)
        return ""

    def before(self, value: str) -> str:
        if not _WHOLE.fullmatch(value):
            return "must be a sequence number; use the links between pages"
        self.after = Cursor(int(value))
        return ""

    def rows(self, value: str) -> str:
        if not _WHOLE.fullmatch(value) or int(value) > MOST_ROWS:
            return f"must be a whole number from 1 to {MOST_ROWS}"
        self.limit = int(value)
        return ""


_KEYS = {
    "last": _Reader.last,
    "from": _Reader.from_,
    "to": _Reader.to,
    "crawler": _Reader.crawler,
    "decision": _Reader.decision,
    "text": _Reader.text,
    "before": _Reader.before,
    "limit": _Reader.rows,
}


def _moment(value: str, *, end: bool) -> int | None:
    if not value.isascii():
        return None
    try:
        if len(value) == 10:
            day = date.fromisoformat(value) + timedelta(days=1 if end else 0)
            moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
        else:
            moment = datetime.fromisoformat(value)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if not datetime(1970, 1, 1, tzinfo=UTC) <= moment < _LATEST:
        return None
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def rfc3339(time_us: int) -> str:
    """*time_us* in RFC 3339 with ``Z``, exact to the microsecond.

    >>> rfc3339(1_795_000_000_250_000)
    '2026-11-18T11:06:40.250000Z'
    """
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


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
    """Rows, newest first, and where the next page starts (None on the last one)."""

    rows: tuple[LogRow, ...]
    next: Cursor | None


@dataclass(frozen=True, slots=True)
class Counted:
    """How often *value* occurs, and what those fetches owe."""

    value: str
    count: int
    charged: tuple[Money, ...] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """The decisions of one step of time that begins at *time_us*."""

    time_us: int
    counts: Mapping[Decision, int]


@dataclass(frozen=True, slots=True)
class Overview:
    """The first screen's numbers for one filter.

    *ai_fetches* counts requests by AI crawlers, or under a license. *quoted*
    is what unpaid fetches were or would have been asked for. *people* is a
    total of requests; a person is never one row. *shed* counts unpaid records
    that were not kept. *newest_us* is the newest fetch in the whole log,
    whatever the filter, or None while there is none.
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


@dataclass(frozen=True, slots=True)
class Facets:
    """What could be chosen next: each list ignores its own part of the filter."""

    crawlers: tuple[Counted, ...]
    decisions: tuple[Counted, ...]


class AccessLog(Protocol):
    """The folded journal, to be read. A storage port; every method raises `StoreUnavailable`.

    Rows are fetches alone. Implemented by `store.sqlite.access_log`.
    """

    async def overview(self, filter: LogFilter) -> Overview:
        """Return the totals of the fetches that *filter* means, as of one moment."""
        ...

    async def page(self, filter: LogFilter, after: Cursor | None, limit: int) -> LogPage:
        """Return at most *limit* rows, newest first, older than *after*."""
        ...

    def stream(self, filter: LogFilter) -> AsyncIterator[LogRow]:
        """All rows, newest first, that were there when the first was read; in bounded memory."""
        ...

    async def since(self, seq: int, limit: int) -> tuple[LogRow, ...]:
        """Return at most *limit* rows newer than *seq*, oldest first."""
        ...

    async def facets(self, filter: LogFilter) -> Facets:
        """Count the values that the filter form offers."""
        ...

    async def row(self, record_id: str) -> LogRow | None:
        """Return one row, or None where there is no such fetch."""
        ...

    async def record(self, record_id: str) -> FetchRecord | None:
        """Return the whole record behind a row, or None."""
        ...

    async def detail(self, record_id: str) -> FetchDetail | None:
        """Return the personal detail, or None once it was forgotten."""
        ...
