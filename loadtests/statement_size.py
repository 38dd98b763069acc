"""How long the statement of a month with a million records takes, and how much memory.

Usage: python -m loadtests.statement_size [RECORDS]

The rows are written as the keeper's fold writes them, without the journal's files before it.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from gateway.billing.account_book import read_account
from gateway.billing.account_forms import as_csv, as_json
from gateway.billing.statements import Period
from gateway.provenance.keeper import FoldBatch, SealedEntry
from gateway.provenance.record import BookEntry, FetchRecord, JournalEntry
from gateway.store.sqlite.account_book import SqliteAccountBook
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.folding import SqliteFolding

MONTH = Period.parse("2026-10")
_BATCH = 2_000
_BLANK = FetchRecord(
    id="", time_us=0, duration_us=1200, site="journal", host="journal.example", method="GET", path="/essays/tides",
    visitor_class="ai", identity="claimed", identity_method="none", verdict="license", rule="rules[1]",
    policy="sha-256:p", mode="enforce", outcome="licensed", status=200, bytes_sent=10, ended="complete",
    detail="0" * 64, crawler="GPTBot", licensee="le_1", client="cl_1", license="lic_1", work="essays", rendition="page",
    currency="USD", price_micros=5_000, charged_micros=5_000, charge_reason="fetch", digest="d" * 64, etag='"1"',
)  # fmt: skip


def _entries(count: int) -> list[JournalEntry]:
    step = (MONTH.until_us - MONTH.since_us) // (count + 1)
    return [
        replace(
            _BLANK,
            id=f"r{at:08}",
            time_us=MONTH.since_us + at * step,
            license=f"lic_{at % 3}",
            work=f"w{at % 7}",
        )
        for at in range(count)
    ]


async def _fill(folding: SqliteFolding, count: int) -> None:
    credit = BookEntry("paid", MONTH.since_us, "credit", "", "le_1", 10**13, "USD")
    entries: list[JournalEntry] = [credit, *_entries(count)]
    for begin in range(0, len(entries), _BATCH):
        sealed = tuple(
            SealedEntry(
                each, hashlib.sha256(each.id.encode()).digest(), each.canonical(), "front-0-000001.seg:24"
            )
            for each in entries[begin : begin + _BATCH]
        )
        await folding.fold(FoldBatch(sealed, (), ()))


def _peak_mb() -> int:
    """The most memory that this process ever had (proc(5), VmHWM)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


async def _measured(path: Path) -> None:
    database = await Database.open(path)
    began, before = time.perf_counter(), _peak_mb()
    made = await read_account(SqliteAccountBook(database), "le_1", "Example AI", MONTH)
    written = as_json(made), as_csv(made)
    took = time.perf_counter() - began
    count = sum(each.fetches for each in made.charges)
    print(
        f"{count} records: {took:.2f} s, {_peak_mb()} MB at most ({before} MB before), {len(written[1])} bytes of CSV"
    )
    await database.close()


def main() -> None:
    """Fill in another process, so that its memory is not counted; then measure."""
    if len(sys.argv) == 3:
        asyncio.run(_measured(Path(sys.argv[2])))
        return
    count = int(sys.argv[1]) if len(sys.argv) == 2 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "licet.db"

        async def fill() -> None:
            database = await Database.open(path)
            await _fill(SqliteFolding(database), count)
            await database.close()

        asyncio.run(fill())

        async def measure() -> None:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "loadtests.statement_size", "measure", str(path)
            )
            await process.wait()

        asyncio.run(measure())


if __name__ == "__main__":
    main()
