"""The one filter that a page of the log, its export and its links share.

A view is a query string. The same string under ``/log``, ``/log.csv``,
``/log.json`` and ``/log.jsonl`` names the same rows::

    last      1h, 24h, 7d, 30d, or all: back from now
    from, to  RFC 3339 times or dates, UTC where no offset is given; the first
              instant included, the last one not; a date in `to` means its end
    crawler   a name of the catalog, or "-" for visitors without one
    decision  a `Decision`
    site, class, identity, licensee, license, rule, problem
              the record's own word, whole; "-" for records without one
    path      one path, or with a slash at its end all paths below it
    text      a piece of a path, host, licensee or record id, as it stands
    compare   ``previous``, ``year`` or FROM..TO: the period that sums are shown beside
    columns   names of a table's columns, with commas between or given again: what is shown
    sort      a column of a table of sums, with ``-`` before it the other way round
    before    rows older than this sequence number: the next page
    limit     rows a page, 1 to 500

An unknown key is left out with a note. A bad value is a mistake, and a view
with a mistake shows no rows: it must never show more than was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode

from gateway.dashboard.columns import LOG_COLUMNS, columns_of
from gateway.dashboard.periods import compared_with, moment_of
from gateway.dashboard.sorting import BY_ITSELF, Order, order_of
from gateway.provenance.record import Outcome

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US
PAGE_ROWS: Final = 50
MOST_ROWS: Final = 500
#: What a key says for records whose word is empty: visitors without a name, fetches without a licensee.
UNNAMED: Final = "-"
LAST: Final[Mapping[str, int]] = {"1h": HOUR_US, "24h": DAY_US, "7d": 7 * DAY_US, "30d": 30 * DAY_US}

#: Keys that name a column of the log, and the column.
WORDS: Final[Mapping[str, str]] = {
    "site": "site",
    "class": "visitor_class",
    "identity": "identity",
    "licensee": "licensee",
    "license": "license",
    "rule": "rule",
    "problem": "problem",
}

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

    *crawler* is None for all, "" for visitors without a name. *words* are
    (key, word) pairs of `WORDS`, each key at most once: what that column of a
    record must say. *path* is one path, or all below it where it ends in a
    slash; "" for all. *last* is the word that `from_us` was derived from, or "".
    *compare* is the word that `View.compared` was derived from, or "".
    """

    from_us: int | None = None
    to_us: int | None = None
    crawler: str | None = None
    decision: Decision | None = None
    words: tuple[tuple[str, str], ...] = ()
    path: str = ""
    text: str = ""
    last: str = ""
    compare: str = ""

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
        pairs.update((key, word or UNNAMED) for key, word in self.words)
        pairs["path"] = self.path or None
        pairs["text"] = self.text or None
        pairs["compare"] = self.compare or None
        if changes.get("last"):
            pairs["from"] = pairs["to"] = None
        pairs.update(changes)
        return urlencode([(key, value) for key, value in pairs.items() if value is not None])

    def without(self, key: str) -> LogFilter:
        """The filter as it is when *key* (`crawler`, `decision`, or one of `WORDS`) says nothing."""
        if key == "crawler":
            return replace(self, crawler=None)
        if key == "decision":
            return replace(self, decision=None)
        return replace(self, words=tuple(pair for pair in self.words if pair[0] != key))

    @property
    def step_us(self) -> int:
        """How wide one bar of a chart over this range is: an hour up to a week, else a day."""
        whole = self.from_us is not None and self.to_us is not None
        span = (self.to_us or 0) - (self.from_us or 0) if whole else LAST.get(self.last, 8 * DAY_US)
        return HOUR_US if span <= 7 * DAY_US else DAY_US


#: The filter that leaves nothing out.
EVERYTHING: Final = LogFilter()


@dataclass(frozen=True, slots=True)
class View:
    """A query string once read. *mistakes* and *notes* are (key, sentence) pairs.

    *compared* is the same filter of the period that it is compared with, or None.
    *given* is what the person typed, by key, to fill the form again.
    """

    filter: LogFilter
    after: Cursor | None = None
    limit: int = PAGE_ROWS
    notes: tuple[tuple[str, str], ...] = ()
    mistakes: tuple[tuple[str, str], ...] = ()
    given: Mapping[str, str] = field(default_factory=dict)
    compared: LogFilter | None = None
    columns: tuple[str, ...] = ()
    order: Order = BY_ITSELF

    def query(self, **changes: str | None) -> str:
        """The query string of the same page: its filter's, the columns that it shows, and their order."""
        own = {"columns": ",".join(self.columns) or None, "sort": self.order.said or None}
        return self.filter.query(**own | changes)


def read_view(
    pairs: Iterable[tuple[str, str]],
    now_us: int,
    *,
    last: str = "",
    columns: Collection[str] | None = LOG_COLUMNS,
    sorts: Collection[str] = (),
) -> View:
    """Read a query string's *pairs*; *last* applies where no time is named. Raises nothing.

    *columns* are the names of the table's columns, None where those follow from its rows.
    *sorts* are those that it can be sorted by.
    """
    view = _Reader(now_us, columns, sorts)
    for key, value in pairs:
        view.take(key, value.strip())
    if last and not view.given.keys() & {"last", "from", "to"}:
        view.take("last", last)
        del view.given["last"]
    return view.finished()


class _Reader:
    def __init__(self, now_us: int, known: Collection[str] | None, sorts: Collection[str]) -> None:
        self.now_us = now_us
        self.known, self.sorts = known, sorts
        self.order = BY_ITSELF
        self.columns: tuple[str, ...] = ()
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
        elif key == "columns" and key in self.given and value:
            # Each box that is ticked in a form is a pair.
            self.given[key] += f",{value}"
            wrong = self.chosen(self.given[key])
            if wrong:
                self.mistakes.append((key, wrong))
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
        other = self.compared(found)
        return View(
            found,
            self.after,
            self.limit,
            tuple(self.notes),
            tuple(dict.fromkeys(self.mistakes)),
            dict(self.given),
            other,
            self.columns,
            self.order,
        )

    def compared(self, found: LogFilter) -> LogFilter | None:
        if not found.compare or self.mistakes:
            return None
        ends = self.now_us if found.to_us is None else found.to_us
        other = compared_with(found.compare, found.from_us, ends)
        if isinstance(other, str):
            self.mistakes.append(("compare", other))
            return None
        return replace(found, from_us=other[0], to_us=other[1], last="", compare="")

    def last(self, value: str) -> str:
        if value == "all":
            self.filter = replace(self.filter, last="all")
        elif value in LAST:
            self.filter = replace(self.filter, last=value, from_us=self.now_us - LAST[value])
        else:
            return f"must be one of {', '.join(LAST)} or all"
        return ""

    def from_(self, value: str) -> str:
        moment = moment_of(value, end=False)
        if moment is None:
            return "must be a date or time such as 2026-11-24 or 2026-11-24T18:00"
        self.filter = replace(self.filter, from_us=moment)
        return ""

    def to(self, value: str) -> str:
        moment = moment_of(value, end=True)
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

    def word(self, key: str, value: str) -> str:
        if len(value) > 256:
            return "must be at most 256 characters"
        words = dict(self.filter.words) | {key: "" if value == UNNAMED else value}
        self.filter = replace(self.filter, words=tuple(sorted(words.items())))
        return ""

    def path(self, value: str) -> str:
        if len(value) > 1024 or not value.startswith("/"):
            return "must begin with a slash and have at most 1024 characters"
        self.filter = replace(self.filter, path=value)
        return ""

    def text(self, value: str) -> str:
        if len(value) > 256:
            return "must be at most 256 characters"
        self.filter = replace(self.filter, text=value)
        return ""

    def chosen(self, value: str) -> str:
        found = columns_of(value, value.replace(" ", "").split(",") if self.known is None else self.known)
        if isinstance(found, str):
            return found
        self.columns = found
        return ""

    def sort(self, value: str) -> str:
        found = order_of(value, self.sorts)
        if isinstance(found, str):
            return found
        self.order = found
        return ""

    def compare(self, value: str) -> str:
        if len(value) > 80:
            return "must be previous, year, or two times such as 2026-10-01..2026-10-31"
        self.filter = replace(self.filter, compare=value)
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


def _word(key: str) -> Callable[[_Reader, str], str]:
    return lambda reader, value: reader.word(key, value)


_KEYS: Final[Mapping[str, Callable[[_Reader, str], str]]] = {
    **{key: _word(key) for key in WORDS},
    "last": _Reader.last,
    "from": _Reader.from_,
    "to": _Reader.to,
    "crawler": _Reader.crawler,
    "decision": _Reader.decision,
    "path": _Reader.path,
    "text": _Reader.text,
    "compare": _Reader.compare,
    "columns": _Reader.chosen,
    "sort": _Reader.sort,
    "before": _Reader.before,
    "limit": _Reader.rows,
}


def rfc3339(time_us: int) -> str:
    """*time_us* in RFC 3339 with ``Z``, exact to the microsecond.

    >>> rfc3339(1_795_000_000_250_000)
    '2026-11-18T11:06:40.250000Z'
    """
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
