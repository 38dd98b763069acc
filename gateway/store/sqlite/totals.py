"""Sums over the listed entries, kept up by a timer, so that a page about ten million fetches reads a few thousand rows.

The table is behind by what came since the last `advance`; whoever reads adds
the entries behind it, in one transaction, so that every answer is exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import apsw

from gateway.dashboard.filters import WORDS, Decision, LogFilter
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.left_log import left_source

#: What the log lists: fetches, and floods of refusals, each one row that stands for `count`.
LISTED: Final = "kind IN ('fetch', 'flood')"
#: Entries that one row of `totals_through` stands for, at most.
BLOCK: Final = 10_000
_DECIDED: Final = {
    Decision.LICENSED: "+outcome = 'licensed'",
    Decision.QUOTED: "(+outcome = 'refused' AND {priced})",
    Decision.OPEN: "+outcome = 'open'",
    Decision.REFUSED: "(+outcome = 'refused' AND NOT {priced})",
    Decision.FREE: "+outcome = 'free'",
    Decision.FAILED: "+outcome = 'failed'",
}
_HOUR: Final = 3600
_DAY: Final = 86_400
_SECOND_US: Final = 1_000_000
#: Behind every time that a record can have.
_NEVER: Final = 1 << 62
_WORDS: Final = ("site", "crawler", "operator", "visitor_class", "identity", "licensee", "work", "outcome")
_SUMS: Final = ("charged_micros", "quote_micros", "bytes_sent")
_KEYS: Final = ", ".join((*_WORDS, "priced", "currency"))
_QUOTED: Final = "iif(charged_micros = 0 AND outcome <> 'licensed', quote_micros, 0)"
#: A truth as a number, which is what a table keeps on every engine.
_PRICED: Final = "iif(status = 402, 1, 0)"
_EACH: Final = (
    f"time_us, {', '.join(_WORDS)}, {_PRICED} AS priced, currency, count, charged_micros,"
    f" {_QUOTED} AS quote_micros, bytes_sent"
)
# By numbers first, which are many and quick to compare, then the few sums by the words that they stand for.
_ADD: Final = (
    f"INSERT INTO totals (step, at, {_KEYS}, count, {', '.join(_SUMS)})"  # noqa: S608
    " SELECT ?1, at, site, crawler, operator, visitor_class, identity, word, work, outcome, priced, currency,"
    f" sum(count), {', '.join(f'sum({name})' for name in _SUMS)} FROM ("
    f"SELECT time_us / 1000000 / ?1 * ?1 AS at, face, licensee, outcome, {_PRICED} AS priced, sum(count) AS count,"
    f" sum(charged_micros) AS charged_micros, sum({_QUOTED}) AS quote_micros, sum(bytes_sent) AS bytes_sent"
    f" FROM journal WHERE {LISTED} AND seq > ?2 AND seq <= ?3 GROUP BY 1, 2, 3, 4, 5"
    ") AS alike JOIN faces ON faces.id = alike.face JOIN words ON words.id = alike.licensee WHERE TRUE"
    f" GROUP BY at, {', '.join(_WORDS).replace('licensee', 'word')}, priced, currency"
    f" ON CONFLICT (step, at, {_KEYS}) DO UPDATE SET count = totals.count + excluded.count, "
    + ", ".join(f"{name} = totals.{name} + excluded.{name}" for name in _SUMS)
)


@dataclass(frozen=True, slots=True)
class Where:
    """A condition and its values, to be joined to others."""

    sql: str
    values: tuple[str | int, ...] = ()

    def also(self, sql: str, *values: str | int) -> Where:
        """Both this and *sql*."""
        return Where(f"{self.sql} AND {sql}", (*self.values, *values))


def words_of(filter: LogFilter, where: Where, *, priced: str) -> Where:
    """*where* and what *filter* says of crawler, decision and words; *priced* says that a status is 402.

    The plus signs keep the engine from an index of a word: it would read every
    entry that has the word, where a few by number or by time are meant.
    """
    if filter.crawler is not None:
        where = where.also("+crawler = ?", filter.crawler)
    if filter.decision is not None:
        where = where.also(_DECIDED[filter.decision].format(priced=priced))
    for key, word in filter.words:
        where = where.also(f"+{WORDS[key]} = ?", word)
    return where


def are_summed(filter: LogFilter) -> bool:
    """Whether the table can answer for *filter*: it keeps no paths, rules and problems."""
    return not (filter.text or filter.path) and all(WORDS[key] in _WORDS for key, _ in filter.words)


def through(db: apsw.Connection) -> int:
    """Up to which sequence number the table sums."""
    found = db.execute("SELECT coalesce(max(seq), 0) FROM totals_through").get
    assert isinstance(found, int)
    return found


def _newest(db: apsw.Connection) -> int:
    found = db.execute("SELECT coalesce(max(seq), 0) FROM journal").get
    assert isinstance(found, int)
    return found


def summed(db: apsw.Connection, filter: LogFilter, *, step: int = _HOUR) -> Where:
    """A FROM clause with rows that add up to what *filter* means, and its values.

    Its columns: ``time_us`` (of a sum the time its hour or day began),
    ``site crawler operator visitor_class identity licensee work outcome priced
    currency count charged_micros quote_micros bytes_sent``. With *step* an hour
    no row is wider than that, in seconds; with a day some are as wide.
    """
    done = through(db)
    begins, ends = filter.from_us or 0, _NEVER if filter.to_us is None else filter.to_us
    each = words_of(filter, Where(LISTED), priced="status = 402")
    kept = words_of(filter, Where("TRUE"), priced="priced = 1")
    parts = [
        _entries(each.also("+time_us >= ? AND +time_us < ? AND seq > ?", begins, ends, done)),
        *(
            _totals(kept, width, first, last) if width else
            _entries(each.also("time_us >= ? AND time_us < ? AND +seq <= ?", first, last, done))
            for width, first, last in _ranges(begins, ends, (_DAY, _HOUR) if step == _DAY else (_HOUR,))
        ),
    ]  # fmt: skip
    for width, first, last in _ranges(begins, ends, (_DAY, _HOUR) if step == _DAY else (_HOUR,)):
        # What is not a whole hour is counted one by one, also where the rows left.
        left = None if width else left_source(db, first, last)
        if left is not None:
            parts.append(Where(f"SELECT * FROM {left[0]} WHERE {kept.sql}", (left[1], *kept.values)))  # noqa: S608
    return Where(
        "(" + " UNION ALL ".join(part.sql for part in parts) + ") AS summed",
        tuple(value for part in parts for value in part.values),
    )


def _entries(where: Where) -> Where:
    return Where(f"SELECT {_EACH} FROM entries WHERE {where.sql}", where.values)  # noqa: S608


def _totals(kept: Where, width: int, first: int, last: int) -> Where:
    # Values stand in the order of their question marks: the condition's own come behind.
    return Where(
        f"SELECT at * {_SECOND_US}, {_KEYS}, count, {', '.join(_SUMS)} FROM totals"  # noqa: S608
        f" WHERE step = ? AND at >= ? AND at < ? AND {kept.sql}",
        (width, first // _SECOND_US, last // _SECOND_US, *kept.values),
    )


def _ranges(begins: int, ends: int, widths: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """(step in seconds, first, last): *begins* to *ends* in steps as wide as fit; step 0 is single entries."""
    if begins >= ends:
        return
    if not widths:
        yield 0, begins, ends
        return
    step = widths[0] * _SECOND_US
    first, last = -(-begins // step) * step, ends // step * step
    if first >= last:
        yield from _ranges(begins, ends, widths[1:])
        return
    yield from _ranges(begins, first, widths[1:])
    yield widths[0], first, last
    # Nothing lies behind a range without an end.
    if ends != _NEVER:
        yield from _ranges(last, ends, widths[1:])


def blocks(db: apsw.Connection, filter: LogFilter, below: int) -> Iterator[tuple[int, int]]:
    """Runs of sequence numbers (after, up to and with), newest first, whose times *filter* may mean.

    *below* is the number that all are smaller than.
    """
    done, newest = through(db), _newest(db)
    upper = min(below - 1, newest)
    while upper > done:
        yield max(done, upper - BLOCK), upper
        upper -= BLOCK
    sql = "SELECT seq, first_us, last_us FROM totals_through ORDER BY seq DESC"
    rows: list[Any] = db.execute(sql).fetchall()
    lower = [*(seq for seq, _, _ in rows[1:]), 0]
    for after, (seq, first_us, last_us) in zip(lower, rows, strict=False):
        meant = (filter.to_us is None or first_us < filter.to_us) and (
            filter.from_us is None or last_us >= filter.from_us
        )
        if meant and after < below - 1:
            yield after, min(seq, below - 1)


class SqliteTotals:
    """Keeps the table up."""

    def __init__(self, database: Database, *, block: int = BLOCK) -> None:
        """Write to *database*, *block* entries at a time."""
        self._database = database
        self._block = block

    async def advance(self) -> int:
        """Sum up the next block of entries and return how many it held: 0 where none is full yet.

        So what is read beside the table stays below one block.
        """
        return await self._database.write(lambda db: _advance(db, self._block))

    async def keep_up(self) -> None:
        """Sum up until nothing is left, a transaction for each block, so that others are not kept waiting."""
        while await self.advance():
            pass


def _advance(db: apsw.Connection, block: int) -> int:
    done = through(db)
    if _newest(db) - done < block:
        return 0
    upper = done + block
    for step in (_HOUR, _DAY):
        db.execute(_ADD, (step, done, upper))
    db.execute(
        "INSERT INTO totals_through SELECT ?2, coalesce(min(time_us), 0), coalesce(max(time_us), 0)"
        " FROM journal WHERE seq > ?1 AND seq <= ?2",
        (done, upper),
    )
    return upper - done
