"""`dashboard.queries.AccessLog` on the folded journal's SQLite tables.

Every method is one `Database.read`, hence one moment, except `stream`, which
reads in batches below the number it began with: rows are never changed, only
added above, so a batch sees what the first saw, but for old rows that left (`shelving`).

Totals come from `totals`, which is exact and small. What that table does not
keep (paths, rules, problems, pieces of text) is counted among the newest
`COUNTED` entries, and the answer says so; a page of rows looks through
`LOOKED_AT` before it says where to go on. So no page takes longer with a longer
log, but for what it shows of more hours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import fields
from types import MappingProxyType
from typing import Any, Final

import apsw
import orjson

from gateway.dashboard.filters import EVERYTHING, WORDS, Cursor, Decision, LogFilter
from gateway.dashboard.queries import (
    MOST_CRAWLERS,
    MOST_PATHS,
    MOST_WORKS,
    Counted,
    CrawlerRow,
    Facets,
    Gone,
    LogPage,
    LogRow,
    Overview,
    Visited,
    WorkRow,
)
from gateway.provenance.record import FetchDetail, FetchRecord, RecordError, read_entry
from gateway.store.sqlite.audience import people_in, referred_in
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.left_log import left_octets, left_row
from gateway.store.sqlite.log_sums import QUOTED, bars, decided, monies, summed_up
from gateway.store.sqlite.octets import PLACE, Octets
from gateway.store.sqlite.shelved import gone
from gateway.store.sqlite.totals import LISTED, Where, are_summed, blocks, summed, words_of

#: Entries that one page looks through for its rows.
LOOKED_AT: Final = 100_000
#: Entries among which is counted what no table sums.
COUNTED: Final = 20_000
_BATCH: Final = 1000
_TOP: Final = 8
_FACETS: Final = 60
_NEWEST: Final = 1 << 62
#: The entries by their sequence number: no index of a word, which would be read from end to end.
_BY_NUMBER: Final = "entries"
#: The last member is read from the erasable detail, where there still is one.
_EVIDENCE: Final = "(SELECT evidence FROM details WHERE details.id = entries.id)"
_COLUMNS: Final = ", ".join([*(field.name for field in fields(LogRow)[:-1]), _EVIDENCE])
_FACET_WORDS: Final = ("site", "class", "identity", "licensee")
_RARE_WORDS: Final = ("problem", "rule")


class SqliteAccessLog:
    """The log as the operator's pages read it. Writes nothing."""

    def __init__(self, database: Database, *, looked_at: int = LOOKED_AT, counted: int = COUNTED) -> None:
        """Read from *database*, which the keeper fills; the two numbers are others in tests alone."""
        self._database = database
        self._looked_at, self._most = looked_at, counted

    async def overview(self, filter: LogFilter) -> Overview:
        """Return the totals of the fetches that *filter* means, as of one moment."""
        return await self._database.read(lambda db: _overview(db, filter, self._most))

    async def crawlers(self, filter: LogFilter) -> tuple[CrawlerRow, ...]:
        """Return what each crawler did, most fetches first."""
        return await self._database.read(lambda db: _crawlers(db, filter, self._most))

    async def works(self, filter: LogFilter) -> tuple[WorkRow, ...]:
        """Return what was taken of each work, most fetches first."""
        return await self._database.read(lambda db: _works(db, filter, self._most))

    async def paths(self, filter: LogFilter) -> tuple[Counted, ...]:
        """Return the paths with most fetches among the newest entries."""
        return await self._database.read(lambda db: _paths(db, filter, self._most, MOST_PATHS))

    async def paths_in(self, filter: LogFilter) -> tuple[Counted, ...] | None:
        """Return the paths with most fetches in a period, or None where not every entry of it can be counted."""
        return await self._database.read(lambda db: _paths_in(db, filter, self._looked_at))

    async def visits(self, site: str, since_us: int) -> tuple[Visited, ...]:
        """Return who came for what to *site* from *since_us* on, among the newest entries; floods stay out."""
        return await self._database.read(lambda db: _visits(db, site, since_us, self._most))

    async def page(self, filter: LogFilter, after: Cursor | None, limit: int) -> LogPage:
        """Return at most *limit* rows, newest first, older than *after*."""
        return await self._database.read(lambda db: _page(db, filter, after, limit, self._looked_at))

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

    async def since(self, seq: int, limit: int, filter: LogFilter = EVERYTHING) -> tuple[LogRow, ...]:
        """Return at most *limit* rows of *filter* newer than *seq*, oldest first."""
        where = _where(filter).also("seq > ?", seq)
        return await self._database.read(lambda db: _rows(db, where, "ASC", limit))

    async def facets(self, filter: LogFilter) -> Facets:
        """Count the values that the filter form offers."""
        return await self._database.read(lambda db: _facets(db, filter, self._most))

    async def row(self, record_id: str) -> LogRow | None:
        """Return one row, or None where there is no such fetch."""
        where = Where(f"{LISTED} AND id = ?", (record_id,))

        def act(db: apsw.Connection) -> LogRow | None:
            return next(iter(_rows(db, where, "ASC", 1)), None) or left_row(db, record_id)

        return await self._database.read(act)

    async def gone(self, filter: LogFilter) -> Gone | None:
        """Return what of the time that *filter* means left the database, or None."""
        return await self._database.read(lambda db: gone(db, filter.from_us, filter.to_us))

    async def record(self, record_id: str) -> FetchRecord | None:
        """Return the whole record behind a row, or None where this version cannot read it."""
        found = await self._database.read(lambda db: _octets(db, record_id))
        if found is None:
            return None
        try:
            entry = read_entry("fetch", orjson.loads(found))
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


def _octets(db: apsw.Connection, record_id: str) -> bytes | None:
    sql = f"SELECT {PLACE} FROM entries WHERE kind = 'fetch' AND id = ?"  # noqa: S608
    row: Any = db.execute(sql, (record_id,)).fetchone()
    if row is None:
        return left_octets(db, record_id)
    with Octets(db) as octets:
        return octets.of(*row).canonical


def _rows(
    db: apsw.Connection, where: Where, order: str, limit: int, table: str = "entries"
) -> tuple[LogRow, ...]:
    found = db.execute(
        f"SELECT {_COLUMNS} FROM {table} WHERE {where.sql} ORDER BY seq {order} LIMIT {limit}",  # noqa: S608
        where.values,
    )
    return tuple(LogRow(*row[:-1], evidence=tuple(orjson.loads(row[-1] or "[]"))) for row in found)  # type: ignore[misc]


def _where(filter: LogFilter) -> Where:
    """What *filter* says of one entry. Times are not looked up: blocks of entries were chosen by them."""
    found = words_of(filter, Where(LISTED), priced="status = 402")
    if filter.from_us is not None:
        found = found.also("+time_us >= ?", filter.from_us)
    if filter.to_us is not None:
        found = found.also("+time_us < ?", filter.to_us)
    if filter.path.endswith("/"):
        # The slash's successor in the order of octets ends what lies below it.
        found = found.also("+path >= ? AND +path < ?", filter.path, filter.path[:-1] + "0")
    elif filter.path:
        found = found.also("+path = ?", filter.path)
    if filter.text:
        places = ("path", "host", "licensee", "id")
        found = found.also(
            "(" + " OR ".join(f"instr({place}, ?) > 0" for place in places) + ")",
            *(filter.text for _ in places),
        )
    return found


def _page(db: apsw.Connection, filter: LogFilter, after: Cursor | None, limit: int, most: int) -> LogPage:
    where = _where(filter)
    rows: list[LogRow] = []
    looked = 0
    for low, high in blocks(db, filter, _NEWEST if after is None else after.seq):
        if looked >= most:
            return LogPage(tuple(rows), Cursor(high + 1), looked=looked)
        here = where.also("seq > ? AND seq <= ?", low, high)
        rows += _rows(db, here, "DESC", limit + 1 - len(rows), _BY_NUMBER)
        if len(rows) > limit:
            return LogPage(tuple(rows[:limit]), Cursor(rows[limit - 1].seq))
        looked += high - low
    return LogPage(tuple(rows), None)


def _source(db: apsw.Connection, filter: LogFilter, most: int, *, step: int = 3600) -> tuple[Where, int]:
    """What totals are taken from, and among how many of the newest entries: 0 is all there are."""
    if are_summed(filter):
        return summed(db, filter, step=step), 0
    lowest, every = _newest(db, most)
    where = _where(filter).also("seq > ?", lowest)
    sql = f"(SELECT *, iif(status = 402, 1, 0) AS priced FROM {_BY_NUMBER} WHERE {where.sql}) AS counted"  # noqa: S608
    return Where(sql, where.values), every


def _newest(db: apsw.Connection, most: int) -> tuple[int, int]:
    """The number that the newest *most* entries are above, and *most*, or 0 where there are not as many."""
    newest = _one(db.execute("SELECT max(seq) FROM journal"))
    return (newest - most, most) if newest > most else (0, 0)


def _overview(db: apsw.Connection, filter: LogFilter, most: int) -> Overview:
    source, among = _source(db, filter, most, step=filter.step_us // 1_000_000)
    every = summed_up(
        db,
        source,
        f"outcome, priced, visitor_class = 'ai', currency, sum(count), sum(charged_micros), {QUOTED}, sum(bytes_sent)",
        "GROUP BY 1, 2, 3, 4",
    )
    decisions = decided((outcome, priced, count) for outcome, priced, _, _, count, _, _, _ in every)
    return Overview(
        fetches=sum(decisions.values()),
        ai_fetches=sum(count for outcome, _, ai, _, count, _, _, _ in every if ai or outcome == "licensed"),
        licensed=decisions[Decision.LICENSED],
        decisions=decisions,
        charged=monies((currency, charged) for _, _, _, currency, _, charged, _, _ in every),
        quoted=monies((currency, quoted) for _, _, _, currency, _, _, quoted, _ in every),
        people=people_in(db, filter),
        shed=_shed(db, filter),
        crawlers=_counted(db, source, "crawler", _TOP),
        paths=_paths(db, filter, most, _TOP),
        bars=bars(db, source, filter),
        newest_us=db.execute(
            f"SELECT time_us FROM entries WHERE {LISTED} ORDER BY seq DESC LIMIT 1"  # noqa: S608
        ).get,
        among=among,
        paths_among=_newest(db, most)[1],
        bytes_sent=sum(row[7] for row in every),
        referred=sum(referred_in(db, filter, filter.step_us).values()),
    )


def _counted(db: apsw.Connection, source: Where, column: str, most: int) -> tuple[Counted, ...]:
    """The values of *column* with most fetches, and what those owe."""
    counts: Counter[str] = Counter()
    owed: dict[str, list[tuple[str, int]]] = {}
    for value, currency, count, charged in summed_up(
        db, source, f"{column}, currency, sum(count), sum(charged_micros)", "GROUP BY 1, 2"
    ):
        counts[value] += count
        owed.setdefault(value, []).append((currency, charged))
    top = sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:most]
    return tuple(Counted(value, count, monies(owed[value])) for value, count in top)


def _paths(db: apsw.Connection, filter: LogFilter, most: int, top: int) -> tuple[Counted, ...]:
    lowest, _ = _newest(db, most)
    where = _where(filter).also("path <> '' AND seq > ?", lowest)
    newest = Where(f"(SELECT * FROM {_BY_NUMBER} WHERE {where.sql}) AS counted", where.values)  # noqa: S608
    return _counted(db, newest, "path", top)


def _paths_in(db: apsw.Connection, filter: LogFilter, most: int) -> tuple[Counted, ...] | None:
    if gone(db, filter.from_us, filter.to_us) is not None:
        return None
    where = _where(filter).also("path <> ''")
    parts: list[Where] = []
    looked = 0
    for low, high in blocks(db, filter, _NEWEST):
        looked += high - low
        if looked > most:
            return None
        parts.append(where.also("seq > ? AND seq <= ?", low, high))
    every = " UNION ALL ".join(f"SELECT * FROM {_BY_NUMBER} WHERE {part.sql}" for part in parts)  # noqa: S608
    if not parts:
        return ()
    found = Where(f"({every}) AS counted", tuple(value for part in parts for value in part.values))
    return _counted(db, found, "path", MOST_PATHS)


def _visits(db: apsw.Connection, site: str, since_us: int, most: int) -> tuple[Visited, ...]:
    columns = "crawler, visitor_class, identity, path, country"
    where = Where(
        f"{_BY_NUMBER} WHERE kind = 'fetch' AND +path <> '' AND seq > ? AND +site = ? AND +time_us >= ?",
        (_newest(db, most)[0], site, since_us),
    )
    return tuple(Visited(*row) for row in summed_up(db, where, f"{columns}, count(*)", f"GROUP BY {columns}"))


def _crawlers(db: apsw.Connection, filter: LogFilter, most: int) -> tuple[CrawlerRow, ...]:
    source, _ = _source(db, filter, most, step=filter.step_us // 1_000_000)
    sums: dict[str, list[Any]] = {}
    for name, *row in summed_up(
        db,
        source,
        "crawler, operator, visitor_class, identity, outcome, priced, currency, sum(count), sum(charged_micros),"
        " sum(bytes_sent)",
        "GROUP BY 1, 2, 3, 4, 5, 6, 7",
    ):
        sums.setdefault(name, []).append(row)
    top = sorted(sums, key=lambda name: (-sum(row[6] for row in sums[name]), name))[:MOST_CRAWLERS]
    if not top:
        return ()
    steps: dict[str, list[tuple[int, int]]] = {}
    wanted = Where(f"{source.sql} WHERE +crawler IN ({', '.join('?' * len(top))})", (*source.values, *top))
    for name, at, count in summed_up(
        db, wanted, f"crawler, time_us / {filter.step_us}, sum(count)", "GROUP BY 1, 2 ORDER BY 1, 2"
    ):
        steps.setdefault(name, []).append((at * filter.step_us, count))
    return tuple(_crawler(db, name, sums[name], tuple(steps[name])) for name in top)


def _crawler(
    db: apsw.Connection, name: str, rows: list[Any], steps: tuple[tuple[int, int], ...]
) -> CrawlerRow:
    identities: Counter[str] = Counter()
    for _, _, identity, _, _, _, count, _, _ in rows:
        identities[identity] += count
    # The newest of each face of it: all of them together would be read from end to end.
    newest = (
        f"SELECT max((SELECT time_us FROM journal WHERE face = f.id AND {LISTED} ORDER BY time_us DESC LIMIT 1)),"  # noqa: S608
        " max((SELECT newest_us FROM shelved_faces s WHERE s.face = f.id)) FROM faces f WHERE crawler = ?"
    )
    seen: Any = db.execute(newest, (name,)).fetchone()
    return CrawlerRow(
        name=name,
        operator=max(row[0] for row in rows),
        visitor_class=max(rows, key=lambda row: row[6])[1],
        identities=MappingProxyType(dict(identities.most_common())),
        decisions=decided((outcome, priced, count) for _, _, _, outcome, priced, _, count, _, _ in rows),
        charged=monies((row[5], row[7]) for row in rows),
        bytes_sent=sum(row[8] for row in rows),
        newest_us=max(at or 0 for at in seen),
        steps=steps,
    )


def _works(db: apsw.Connection, filter: LogFilter, most: int) -> tuple[WorkRow, ...]:
    source, _ = _source(db, filter, most, step=86_400)
    sums: dict[tuple[str, str], list[Any]] = {}
    for site, work, *row in summed_up(
        db,
        source,
        "site, work, outcome, priced, currency, sum(count), sum(charged_micros), sum(bytes_sent)",
        "GROUP BY 1, 2, 3, 4, 5",
    ):
        sums.setdefault((site, work), []).append(row)
    made = (
        WorkRow(
            site=site,
            work=work,
            decisions=decided((outcome, priced, count) for outcome, priced, _, count, _, _ in rows),
            charged=monies((row[2], row[4]) for row in rows),
            bytes_sent=sum(row[5] for row in rows),
        )
        for (site, work), rows in sums.items()
    )
    return tuple(sorted(made, key=lambda row: (-row.fetches, row.site, row.work))[:MOST_WORKS])


def _facets(db: apsw.Connection, filter: LogFilter, most: int) -> Facets:
    def counted(key: str, column: str) -> tuple[Counted, ...]:
        source, _ = _source(db, filter.without(key), most, step=86_400)
        group = f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_FACETS}"
        return tuple(
            Counted(value, count) for value, count in summed_up(db, source, f"{column}, sum(count)", group)
        )

    source, among = _source(db, filter.without("decision"), most, step=86_400)
    counts = decided(summed_up(db, source, "outcome, priced, sum(count)", "GROUP BY 1, 2"))
    return Facets(
        crawlers=counted("crawler", "crawler"),
        decisions=tuple(Counted(word, counts[word]) for word in Decision if counts[word]),
        words={key: counted(key, WORDS[key]) for key in _FACET_WORDS} | _rare(db, filter, most),
        among=among,
        rare_among=_newest(db, most)[1],
    )


def _rare(db: apsw.Connection, filter: LogFilter, most: int) -> dict[str, tuple[Counted, ...]]:
    """What no table sums, among the newest entries."""
    lowest, _ = _newest(db, most)
    found = {}
    for key in _RARE_WORDS:
        where = _where(filter.without(key)).also("seq > ?", lowest)
        wanted = Where(f"{_BY_NUMBER} WHERE {where.sql}", where.values)
        group = f"GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_FACETS}"
        rows = summed_up(db, wanted, f"{WORDS[key]}, sum(count)", group)
        found[key] = tuple(Counted(value, count) for value, count in rows)
    return found


def _one(cursor: apsw.Cursor) -> int:
    value = cursor.get
    return value if isinstance(value, int) else 0


def _shed(db: apsw.Connection, filter: LogFilter) -> int:
    total = 0
    where = Where("kind = 'shed'")
    if filter.from_us is not None:
        where = where.also("time_us >= ?", filter.from_us)
    if filter.to_us is not None:
        where = where.also("time_us < ?", filter.to_us)
    for (canonical,) in db.execute(f"SELECT own_canonical FROM entries WHERE {where.sql}", where.values):  # noqa: S608
        total += orjson.loads(canonical)["count"]
    return total
