"""A process of its own that writes to a database: ``open PATH | lease PATH NAME COUNT | fold PATH NAME``.

It says "ready" and waits for a line where several must start at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from pathlib import Path

from gateway.admission.spending import Charge
from gateway.money import Money
from gateway.provenance.keeper import FoldBatch, SealedEntry
from gateway.provenance.record import FetchRecord, JournalEntry
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.spend_book import SqliteSpendBook
from gateway.tokens.claims import Budget

NOW = 1_795_000_000
WRITER = "front-" + "0" * 24


def batch(*entries: JournalEntry) -> FoldBatch:
    """A batch of *entries*, each with a salt of its id, out of the journal of `WRITER`."""
    source = f"{WRITER}-000001.seg:24"
    return FoldBatch(
        tuple(SealedEntry(e, hashlib.sha256(e.id.encode()).digest(), e.canonical(), source) for e in entries),
        (),
        (),
    )


def fetch(id: str) -> FetchRecord:
    """A licensed fetch for one micro-unit."""
    return FetchRecord(
        id=id, time_us=NOW * 10**6, duration_us=1, site="s", host="h", method="GET", path="/", visitor_class="ai",
        identity="none", identity_method="none", verdict="license", rule="r", policy="p", mode="enforce",
        outcome="licensed", status=200, bytes_sent=1, ended="complete", detail="d", licensee="le_1", license="lic_1",
        currency="USD", price_micros=1, charged_micros=1, charge_reason="fetch",
    )  # fmt: skip


def wait_for_go() -> None:
    """Say that all is imported, and wait."""
    print("ready", flush=True)
    sys.stdin.readline()


async def open_it(path: Path) -> None:
    """Open and close the file."""
    wait_for_go()
    await (await Database.open(path)).close()
    print("ok")


async def lease_all(path: Path, name: str, count: int) -> None:
    """Ask for *count* units, a few at once and several calls at once, and say how many were given."""
    database = await Database.open(path, busy_ms=60_000)
    wait_for_go()
    book = SqliteSpendBook(database)
    charge = Charge(name, "le_1", "lic_1", Money(1, "USD"), Budget())
    given = 0
    for _ in range(0, count, 14):
        answers = await asyncio.gather(*(book.lease(f"{WRITER[:-1]}{name[-1]}", charge, 2) for _ in range(7)))
        given += sum(answer for answer in answers if isinstance(answer, int))
    print(given)
    await database.close()


async def fold_for_ever(path: Path, name: str) -> None:
    """Lease and fold without end, naming each batch once it was answered."""
    database = await Database.open(path)
    book, folding = SqliteSpendBook(database), SqliteFolding(database)
    number = 0
    while True:
        ids = [f"{name}-{number}-{n}" for n in range(4)]
        number += 1
        await book.lease(WRITER, Charge(ids[0], "le_1", "lic_1", Money(1, "USD"), Budget()), len(ids))
        await folding.fold(batch(*map(fetch, ids)))
        print(*ids, flush=True)


if __name__ == "__main__":
    act, path, *rest = sys.argv[1:]
    if act == "open":
        asyncio.run(open_it(Path(path)))
    elif act == "lease":
        asyncio.run(lease_all(Path(path), rest[0], int(rest[1])))
    else:
        asyncio.run(fold_for_ever(Path(path), rest[0]))
