"""`dashboard.queries.AccessLog` on the folded journal's SQLite tables.

Every method is one `Database.read`, hence one consistent moment, except
`stream`, which reads in batches below the sequence number it began with: rows
are never changed and only ever added above, so a batch sees what the first saw.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Final

import apsw
import orjson

from gateway.dashboard.queries import (
    Bar,
    Counted,
    Cursor,
    Decision,
    Facets,
    LogFilter,
    LogPage,
    LogRow,
    Overview,
    decision,
)
from gateway.money import Money
from gateway.provenance.record import FetchDetail, FetchRecord, RecordError, read_entry
from gateway.store.sqlite.database import Database

_BATCH: Final = 1000
_TOP: Final = 8
_FACETS: Final = 60
_BARS: Final = 400
#: The last member of a row is read from the erasable detail, where there still is one.
_COLUMNS: Final = ", ".join(
    [
        *(field.name for field in fields(LogRow)[:-1]),
        "(SELECT evidence FROM details WHERE details.id = entries.id)",
    ]
)
_FETCH: Final = "kind = 'fetch'"
#: What the log lists: fetches, and floods of refusals, each one row that stands for `count`.
_LISTED: Final = "kind IN ('fetch', 'flood')"
_DECIDED: Final[Mapping[Decision, str]] = {
    Decision.LICENSED: "outcome = 'licensed'",
    Decision.QUOTED: "(outcome = 'refused' AND status = 402)",
    Decision.OPEN: "outcome = 'open'",
    Decision.REFUSED: "(outcome = 'refused' AND status <> 402)",
    Decision.FREE: "outcome = 'free'",
    Decision.FAILED: "outcome = 'failed'",
}


@dataclass(frozen=True, slots=True)
class _Where:
    sql: str
    values: tuple[str | int, ...]

    def select(self, db: apsw.Connection, what: str, rest: str = "") -> apsw.Cursor:
        return db.execute(f"SELECT {what} FROM entries WHERE {self.sql} {rest}", self.values)  # noqa: S608

    def also(self, sql: str, *values: str | int) -> _Where:
        return _Where(f"{self.sql} AND {sql}", (*self.values, *values))


def _where(filter: LogFilter) -> _Where:
    found = _Where(_LISTED, ())
    if filter.from_us is not None:
        found = found.also("time_us >= ?", filter.from_us)
    if filter.to_us is not None:
        found = found.also("time_us < ?", filter.to_us)
    if filter.crawler is not None:
        found = found.also("crawler = ?", filter.crawler)
    if filter.decision is not None:
        found = found.also(_DECIDED[filter.decision])
    if filter.text:
        places = ("path", "host", "licensee", "id")
        found = found.also(
            "(" + " OR ".join(f"instr({place}, ?) > 0" for place in places) + ")",
            *(filter.text for _ in places),
        )
    return found


class SqliteAccessLog:
    """The log as the operator's pages read it. Writes nothing."""

    def __init__(self, database: Database) -> None:
        """Read from *database*, which the keeper fills."""
        self._database = database

    async def overview(self, filter: LogFilter) -> Overview:
        """Return the totals of the fetches that *filter* means, as of one moment."""
        return await self._database.read(lambda db: _overview(db, filter))

    async def page(self, filter: LogFilter, after: Cursor | None, limit: int) -> LogPage:
        """Return at most *limit* rows, newest first, older than *after*."""
        where = _where(filter)
        if after is not None:
            where = where.also("seq < ?", after.seq)
        rows = await self._database.read(lambda db: _rows(db, where, "DESC", limit + 1))
        more = len(rows) > limit
        return LogPage(rows[:limit], Cursor(rows[limit - 1].seq) if more else None)

    async def stream(self, filter: LogFilter) -> AsyncIterator[LogRow]:
        """All rows, newest first, that were there when the first was read; in bounded memory."""
        after: Cursor | None = None
        while True:
            page = await self.page(filter, after, _BATCH)
            for row in page.rows:
                yield row
            after = page.next
            if after is None:
                return

    async def since(self, seq: int, limit: int) -> tuple[LogRow, ...]:
        """Return at most *limit* rows newer than *seq*, oldest first."""
        where = _Where(f"{_LISTED} AND seq > ?", (seq,))
        return await self._database.read(lambda db: _rows(db, where, "ASC", limit))

    async def facets(self, filter: LogFilter) -> Facets:
        """Count the values that the filter form offers."""
        crawlers = _where(replace(filter, crawler=None))
        decisions = _where(replace(filter, decision=None))

        def read(db: apsw.Connection) -> Facets:
            found = crawlers.select(
                db, "crawler, sum(count)", f"GROUP BY crawler ORDER BY 2 DESC, 1 LIMIT {_FACETS}"
            )
            counts = _decisions(db, decisions)
            return Facets(
                tuple(Counted(name, count) for name, count in found),
                tuple(Counted(word, counts[word]) for word in Decision if counts[word]),
            )

        return await self._database.read(read)

    async def row(self, record_id: str) -> LogRow | None:
        """Return one row, or None where there is no such fetch."""
        where = _Where(f"{_LISTED} AND id = ?", (record_id,))
        rows = await self._database.read(lambda db: _rows(db, where, "ASC", 1))
        return rows[0] if rows else None

    async def record(self, record_id: str) -> FetchRecord | None:
        """Return the whole record behind a row, or None where this version cannot read it."""
        where = _Where(f"{_FETCH} AND id = ?", (record_id,))
        found = await self._database.read(lambda db: where.select(db, "canonical").fetchone())
        if found is None:
            return None
        try:
            entry = read_entry("fetch", orjson.loads(found[0]))
        except (RecordError, orjson.JSONDecodeError):
            return None
        assert isinstance(entry, FetchRecord)
        return entry

    async def detail(self, record_id: str) -> FetchDetail | None:
        """Return the personal detail, or None once it was forgotten."""
        names = "address, peer, user_agent, referer, query, evidence"
        found = await self._database.read(
            lambda db: db.execute(
                f"SELECT {names} FROM details WHERE id = ?",  # noqa: S608
                (record_id,),
            ).fetchone()
        )
        if found is None:
            return None
        address, peer, user_agent, referer, query, evidence = found
        codes = tuple(orjson.loads(evidence)) if evidence else ()
        return FetchDetail(address, peer, user_agent, referer, query, codes)


def _rows(db: apsw.Connection, where: _Where, order: str, limit: int) -> tuple[LogRow, ...]:
    found = where.select(db, _COLUMNS, f"ORDER BY seq {order} LIMIT {limit}")
    return tuple(LogRow(*row[:-1], evidence=tuple(orjson.loads(row[-1] or "[]"))) for row in found)  # type: ignore[misc]


def _decisions(db: apsw.Connection, where: _Where) -> Mapping[Decision, int]:
    counts = dict.fromkeys(Decision, 0)
    found = where.select(db, "outcome, status = 402, sum(count)", "GROUP BY 1, 2")
    for outcome, priced, count in found:
        counts[decision(outcome, 402 if priced else 0)] += count
    return MappingProxyType(counts)


def _sums(db: apsw.Connection, where: _Where, column: str) -> tuple[Money, ...]:
    found = where.also(f"{column} <> 0").select(
        db, f"currency, sum({column})", "GROUP BY currency ORDER BY currency"
    )
    return tuple(Money(micros, currency) for currency, micros in found)


def _top(db: apsw.Connection, where: _Where, column: str) -> tuple[Counted, ...]:
    names: list[Any] = where.select(
        db, f"{column}, sum(count)", f"GROUP BY {column} ORDER BY 2 DESC, 1 LIMIT {_TOP}"
    ).fetchall()
    return tuple(
        Counted(name, count, _sums(db, where.also(f"{column} = ?", name), "charged_micros"))
        for name, count in names
    )


def _bars(db: apsw.Connection, where: _Where, step_us: int) -> tuple[Bar, ...]:
    found: dict[int, dict[Decision, int]] = {}
    rows = where.select(
        db, f"time_us / {step_us}, outcome, status = 402, sum(count)", "GROUP BY 1, 2, 3 ORDER BY 1 DESC"
    )
    for step, outcome, priced, count in rows:
        if step not in found and len(found) == _BARS:
            break
        counts = found.setdefault(step, dict.fromkeys(Decision, 0))
        counts[decision(outcome, 402 if priced else 0)] += count
    return tuple(Bar(step * step_us, MappingProxyType(found[step])) for step in sorted(found))


def _overview(db: apsw.Connection, filter: LogFilter) -> Overview:
    where = _where(filter)
    decisions = _decisions(db, where)
    by_ai = where.also("(visitor_class = 'ai' OR outcome = 'licensed')")
    return Overview(
        fetches=sum(decisions.values()),
        ai_fetches=_one(by_ai.select(db, "sum(count)")),
        licensed=decisions[Decision.LICENSED],
        decisions=decisions,
        charged=_sums(db, where, "charged_micros"),
        quoted=_sums(db, where.also("charged_micros = 0 AND outcome <> 'licensed'"), "quote_micros"),
        people=_people(db, filter),
        shed=_shed(db, filter),
        crawlers=_top(db, where, "crawler"),
        paths=_top(db, where.also("path <> ''"), "path"),
        bars=_bars(db, where, filter.step_us),
        newest_us=db.execute(
            f"SELECT time_us FROM entries WHERE {_LISTED} ORDER BY seq DESC LIMIT 1"  # noqa: S608
        ).get,
    )


def _one(cursor: apsw.Cursor) -> int:
    value = cursor.get
    return value if isinstance(value, int) else 0


def _shed(db: apsw.Connection, filter: LogFilter) -> int:
    total = 0
    for (canonical,) in _in_time("kind = 'shed'", filter).select(db, "canonical"):
        total += orjson.loads(canonical)["count"]
    return total


def _in_time(sql: str, filter: LogFilter) -> _Where:
    where = _Where(sql, ())
    if filter.from_us is not None:
        where = where.also("time_us >= ?", filter.from_us)
    return where if filter.to_us is None else where.also("time_us < ?", filter.to_us)


def _people(db: apsw.Connection, filter: LogFilter) -> int:
    """Totals are kept by the hour: an hour counts where any of it lies in the range."""
    where = _Where("TRUE", ())
    if filter.from_us is not None:
        where = where.also("hour_at > ?", filter.from_us // 1_000_000 - 3600)
    if filter.to_us is not None:
        where = where.also("hour_at * 1000000 < ?", filter.to_us)
    return _one(
        db.execute(f"SELECT coalesce(sum(count), 0) FROM audience WHERE {where.sql}", where.values)  # noqa: S608
    )
