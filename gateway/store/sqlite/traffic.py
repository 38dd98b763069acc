"""`licenses.traffic.TrafficBook` on SQLite: sums over the folded journal and the totals of people."""

from __future__ import annotations

from collections.abc import Collection
from heapq import nlargest
from itertools import chain
from typing import Any, Final

import apsw
import orjson

from gateway.licenses.traffic import Crawled, Fetched, OwnDeal, Traffic, Wanted
from gateway.money import Money
from gateway.provenance.floods import network_of
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.left_traffic import left_fetches, left_traffic, merged
from gateway.store.terms_json import read_terms

_SECOND: Final = 1_000_000
_EVERY: Final = 1 << 40
_IN: Final = "site = ?1 AND time_us >= ?2 AND time_us < ?3"
_CONTENT: Final = "kind = 'fetch' AND method = 'GET' AND status BETWEEN 200 AND 299"
_CRAWLED: Final = (
    "SELECT crawler, max(operator), max(visitor_class), sum(count),"  # noqa: S608
    f" sum(iif({_CONTENT}, 1, 0)), sum(iif(outcome = 'licensed', 1, 0)),"
    f" sum(iif(identity = 'verified', count, 0)), sum(bytes_sent) FROM entries"
    f" WHERE kind IN ('fetch', 'flood') AND {_IN} GROUP BY crawler ORDER BY 4 DESC, 1 LIMIT ?4"
)
_WANTED: Final = (
    f"SELECT CASE WHEN work = '' THEN path ELSE work END, count(*), sum(bytes_sent) FROM entries WHERE {_CONTENT}"  # noqa: S608
    f" AND {_IN} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?4"
)
_PEOPLE: Final = "FROM audience WHERE site = ?1 AND hour_at >= ?2 AND hour_at < ?3"
_DEALS: Final = (
    "SELECT starts_at, terms, terms_hash FROM licenses WHERE site = ?"
    " AND NOT EXISTS (SELECT 1 FROM revocations WHERE kind = 'license' AND subject = licenses.id)"
    " ORDER BY starts_at DESC, id DESC"
)
_FETCHES: Final = (
    "SELECT time_us, path, method, status, bytes_sent, crawler, operator, visitor_class, identity, outcome,"  # noqa: S608
    " quote_micros, charged_micros, currency, count,"
    " (SELECT evidence FROM details WHERE details.id = entries.id),"
    " (SELECT address FROM details WHERE details.id = entries.id), seq"
    " FROM entries WHERE kind IN ('fetch', 'flood') AND crawler IN (SELECT value FROM json_each(?4))"
    f" AND {_IN} ORDER BY time_us DESC, seq DESC LIMIT ?5"
)


class SqliteTraffic:
    """Reads one database; writes nothing."""

    def __init__(self, database: Database) -> None:
        """Read from *database*."""
        self._database = database

    async def traffic(self, site: str, since: int, until: int, most: int) -> Traffic:
        """What was seen of *site*; see the port."""
        return await self._database.read(lambda db: _traffic(db, site, since, until, most))

    async def deals(self, site: str, most: int) -> tuple[OwnDeal, ...]:
        """The licenses of *site* that were sold; see the port."""

        def act(db: apsw.Connection) -> tuple[OwnDeal, ...]:
            found: list[OwnDeal] = []
            rows: Any = db.execute(_DEALS, (site,))
            for starts_at, text, hash_ in rows:
                terms = read_terms(text, hash_)
                if not terms.compensation.is_free:
                    found.append(OwnDeal(starts_at, terms))
                if len(found) == most:
                    break
            return tuple(found)

        return await self._database.read(act)

    async def fetches(
        self, site: str, crawlers: Collection[str], since: int, until: int, most: int
    ) -> tuple[Fetched, ...]:
        """What *crawlers* fetched of *site*; see the port."""
        values = (site, since * _SECOND, until * _SECOND, orjson.dumps(sorted(crawlers)).decode(), most)

        def act(db: apsw.Connection) -> tuple[Fetched, ...]:
            rows: list[Any] = db.execute(_FETCHES, values).fetchall()
            # What left counts only where it is newer than the last that is asked for.
            first = rows[-1][0] if len(rows) == most and rows else since * _SECOND
            left = left_fetches(db, site, frozenset(crawlers), first, until * _SECOND)
            rows = nlargest(most, chain(rows, left), key=lambda row: (row[0], row[-1]))
            return tuple(_fetched(row[:-1]) for row in rows)[::-1]

        return await self._database.read(act)


def _traffic(db: apsw.Connection, site: str, since: int, until: int, most: int) -> Traffic:
    within = (site, since * _SECOND, until * _SECOND)
    hours = (site, since, until)
    left = left_traffic(db, *within)
    # Where some left, the first of all are those of both together.
    every = _EVERY if left else most
    crawled: list[Any] = db.execute(_CRAWLED, (*within, every)).fetchall()
    wanted: list[Any] = db.execute(_WANTED, (*within, every)).fetchall()
    if left:
        crawled = merged(crawled, left.crawled, 3, most)
        wanted = merged(wanted, left.wanted, 1, most)
    parts: Any = db.execute(
        f"SELECT path_group, sum(count) {_PEOPLE} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?4",
        (*hours, most),
    )
    sent: Any = db.execute(
        f"SELECT referring, sum(count) {_PEOPLE} AND referring <> '' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?4",
        (*hours, most),
    )
    people: Any = db.execute(f"SELECT coalesce(sum(count), 0) {_PEOPLE}", hours).get
    shed: Any = db.execute(
        "SELECT own_canonical FROM entries WHERE kind = 'shed' AND time_us >= ? AND time_us < ?", within[1:]
    )
    return Traffic(
        site,
        since,
        until,
        tuple(Crawled(*row) for row in crawled),
        tuple(Wanted(*row) for row in wanted),
        people,
        tuple((name, count) for name, count in parts),
        tuple((name, count) for name, count in sent),
        sum(orjson.loads(canonical)["count"] for (canonical,) in shed),
    )


def _fetched(row: Any) -> Fetched:
    quote, charged, currency, count, evidence, address = row[10:]
    members = (
        *row[:10],
        tuple(orjson.loads(evidence)) if evidence else (),
        address if address and "/" in address else network_of(address or ""),
        Money(quote, currency) if quote else None,
        Money(charged, currency) if charged else None,
        count,
    )
    return Fetched(*members)
