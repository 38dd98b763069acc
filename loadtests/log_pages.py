"""Does a page about the log take longer when the log is longer? The same questions of a short log and of a long one.

Prints milliseconds, the best of some rounds, for what each page of the
dashboard reads. The first ten thousand records are folded as the office folds
them; the long log repeats them by SQL, later and under other ids, so that it is
made in minutes, and is then summed up as the office does.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import apsw

from gateway.dashboard.filters import DAY_US, Cursor, Decision, LogFilter
from gateway.provenance.keeper import FoldBatch, SealedDetail, SealedEntry
from gateway.provenance.record import FetchDetail, FetchRecord
from gateway.store.sqlite.access_log import SqliteAccessLog
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.totals import SqliteTotals

SHORT = 10_000
START_US = 1_795_000_000_000_000
_SALT = bytes(32)
_NAMES = ("GPTBot", "ClaudeBot", "CCBot", "Googlebot", "Bytespider", "PerplexityBot", "Applebot", "")
_ENDS = (
    ("licensed", 200),
    ("licensed", 200),
    ("refused", 402),
    ("refused", 403),
    ("free", 200),
    ("failed", 502),
)
_RECORD = FetchRecord(
    id="", time_us=0, duration_us=900, site="journal", host="journal.example", method="GET", path="/",
    policy="sha-256:" + "ab" * 32, visitor_class="ai", identity="verified", identity_method="network",
    verdict="license", rule="rules[2]", mode="enforce", outcome="free", status=200, bytes_sent=18_240,
    ended="complete", detail="cd" * 32, digest="ef" * 32, currency="USD",
)  # fmt: skip
_COPY = """INSERT INTO journal SELECT seq + ?1, substr(id, 1, 24) || printf('%012d', seq + ?1), kind, outcome, status,
time_us + ?2, face, licensee, path, count, charged_micros, quote_micros, bytes_sent, duration_us, digest, file, place, NULL, NULL
FROM journal WHERE seq <= ?3"""


def records(count: int) -> list[FetchRecord]:
    """The records of an hour and a half, from a fixed seed."""
    dice = random.Random(11)
    made = []
    for number in range(count):
        outcome, status = dice.choice(_ENDS)
        paid = outcome == "licensed"
        made.append(
            replace(
                _RECORD,
                id=f"019ab000-0000-7000-8000-{number + 1:012d}",
                time_us=START_US + number * 500_000,
                crawler=dice.choice(_NAMES),
                outcome=outcome,
                status=status,
                problem="" if status == 200 else "license-required",
                path=f"/essays/{dice.randrange(400)}",
                licensee="acme" if paid else "",
                charged_micros=4_000 if paid else 0,
                quote_micros=0 if paid else 4_000,
            )
        )
    return made


async def _made(path: Path, count: int) -> Database:
    database = await Database.open(path)
    folding = SqliteFolding(database)
    made = records(SHORT)
    detail = FetchDetail("203.0.113.9", "", "Bot/1", "", "", ("ua_claim:x",))
    for at in range(0, SHORT, 500):
        batch = made[at : at + 500]
        entries = tuple(SealedEntry(record, _SALT, record.canonical(), "front") for record in batch)
        details = tuple(SealedDetail(record.id, _SALT, record.time_us, detail) for record in batch)
        await folding.fold(FoldBatch(entries, details, ()))

    def copy(db: apsw.Connection, copies: int) -> None:
        db.execute(_COPY, (copies * SHORT, copies * SHORT * 500_000, SHORT))

    for copies in range(1, count // SHORT):
        await database.write(lambda db, copies=copies: copy(db, copies))  # type: ignore[misc]
        if copies % 20 == 0:
            print(f"\r{copies * SHORT:,} of {count:,}", end="", flush=True)
    began = time.perf_counter()
    await SqliteTotals(database).keep_up()
    print(f"\r{count:,} records, {path.stat().st_size / count:.0f} octets each; summed up in "
          f"{time.perf_counter() - began:.1f} s")  # fmt: skip
    return database


def questions(log: SqliteAccessLog, count: int) -> dict[str, Callable[[], Awaitable[object]]]:
    newest = START_US + count * 500_000
    day = LogFilter(from_us=newest - DAY_US)
    week = LogFilter(from_us=newest - 7 * DAY_US)
    middle = LogFilter(from_us=newest - count * 250_000 - 600_000_000, to_us=newest - count * 250_000)
    return {
        "log, first page": lambda: log.page(LogFilter(), None, 50),
        "log, page in the middle": lambda: log.page(LogFilter(), Cursor(count // 2), 50),
        "log, ten minutes long ago": lambda: log.page(middle, None, 50),
        "log, one crawler's refusals": lambda: log.page(
            LogFilter(crawler="CCBot", decision=Decision.REFUSED), None, 50
        ),
        "log, a text that is nowhere": lambda: log.page(LogFilter(text="nowhere"), None, 50),
        "log, counts beside it": lambda: log.facets(LogFilter()),
        "log, counts of a text": lambda: log.facets(LogFilter(text="/7")),
        "overview, a day": lambda: log.overview(day),
        "overview, all time": lambda: log.overview(LogFilter(last="all")),
        "crawlers, a week": lambda: log.crawlers(week),
        "crawlers, all time": lambda: log.crawlers(LogFilter(last="all")),
        "content, a week": lambda: log.works(week),
    }


async def _times(database: Database, count: int, rounds: int) -> dict[str, float]:
    found = {}
    for name, ask in questions(SqliteAccessLog(database), count).items():
        best = 1e9
        for _ in range(rounds):
            began = time.perf_counter()
            await ask()
            best = min(best, time.perf_counter() - began)
        found[name] = best * 1000
    return found


async def _exported(database: Database, most: int) -> float:
    """Rows a second that an export reads."""
    began, seen = time.perf_counter(), 0
    async for _ in SqliteAccessLog(database).stream(LogFilter()):
        seen += 1
        if seen == most:
            break
    return seen / (time.perf_counter() - began)


async def main() -> None:
    """Make both logs, ask both, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--records", type=int, default=1_000_000, help="of the long log")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the logs are made (default: a temporary folder)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        short = await _made(Path(folder) / "short.db", SHORT)
        long = await _made(Path(folder) / "long.db", asked.records)
        few = await _times(short, SHORT, asked.rounds)
        many = await _times(long, asked.records, asked.rounds)
        print(f"\n{'milliseconds':<30}{SHORT:>12,}{asked.records:>14,}")
        for name, best in few.items():
            print(f"{name:<30}{best:>12.1f}{many[name]:>14.1f}")
        rows = [await _exported(database, 100_000) for database in (short, long)]
        print(f"{'export, rows a second':<30}{rows[0]:>12,.0f}{rows[1]:>14,.0f}")
        print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")
        for database in (short, long):
            await database.close()


if __name__ == "__main__":
    asyncio.run(main())
