"""Several processes on one file, and processes that are killed while they write."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from gateway.billing.postings import prepaid
from gateway.billing.reconcile import reconcile
from gateway.money import Money
from gateway.provenance.keeper import FoldBatch, SealedEntry
from gateway.provenance.record import BookEntry
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.store.sqlite.spend_book import SqliteSpendBook

WRITER = Path(__file__).with_name("writer.py")
NOW = 1_795_000_000


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(WRITER), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )


async def credit(path: Path, micros: int) -> None:
    entry = BookEntry("paid", NOW * 10**6, "credit", "", "le_1", micros, "USD")
    database = await Database.open(path)
    await SqliteFolding(database).fold(
        FoldBatch((SealedEntry(entry, b"s" * 32, entry.canonical(), "t@0"),), (), ())
    )
    await database.close()


async def test_processes_that_make_the_file_at_once_agree(tmp_path):
    path = tmp_path / "licet.db"
    children = [start("open", path) for _ in range(6)]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    assert [child.communicate()[0] for child in children] == ["ok\n"] * 6
    assert [child.returncode for child in children] == [0] * 6


async def test_two_processes_never_sell_more_than_there_is(tmp_path):
    path = tmp_path / "licet.db"
    await credit(path, 150)
    children = [start("lease", path, f"p{n}", 300) for n in range(2)]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    sold = [int(child.communicate()[0]) for child in children]
    assert sum(sold) == 150
    assert all(child.returncode == 0 for child in children)
    database = await Database.open(path)
    assert await SqliteSpendBook(database).available("le_1", "USD") == Money(0, "USD")
    purses = (await SqliteLedger(database).books()).purses
    assert sorted(purse.fetches for purse in purses) == sorted(filter(None, sold))
    await database.close()


async def test_a_killed_writer_loses_nothing_it_answered_and_posts_nothing_twice(tmp_path):
    path = tmp_path / "licet.db"
    await credit(path, 10**9)
    answered: set[str] = set()
    for round in range(8):
        child = start("fold", path, str(round))
        # Kill between any two answers: the count differs from round to round.
        for _ in range(5 + 7 * round):
            answered.update(child.stdout.readline().split())
        os.kill(child.pid, signal.SIGKILL)
        answered.update(
            word
            for line in child.stdout.read().splitlines(True)
            if line.endswith("\n")
            for word in line.split()
        )
        child.wait()
        child.stdin.close()
        child.stdout.close()
    database = await Database.open(path)
    ledger = SqliteLedger(database)
    assert await database.read(lambda db: db.execute("PRAGMA integrity_check").get) == "ok"
    stored = {booked.entry.id: booked for booked in await ledger.entries_of("le_1", 0, 2**62)}
    assert len(answered) > 8 * 5
    assert answered <= stored.keys()
    assert sorted(booked.seq for booked in stored.values()) == list(range(1, len(stored) + 1))
    books = await ledger.books()
    assert reconcile(books).faults == ()
    balance = await ledger.balance(prepaid("le_1"), "USD")
    assert balance.micros == 10**9 - (len(stored) - 1)
    await database.close()
