"""Many fetches over several processes on a budget that is one too small: exactly the budget is sold, nothing twice.

python -m loadtests.faults.crowd --fetches 10000 --processes 8

Each process is a worker with a journal of its own; it asks for its share of the
fetches, several at once. A keeper folds beside them. With `--careless` they look
whether there is something left and then sell, without a lease: the known-bad twin.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from gateway.admission.spending import Charge, Short
from gateway.clock import SystemClock
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Keeper, KeeperLock
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.store.sqlite.spend_book import SqliteSpendBook
from gateway.tokens.claims import Budget
from loadtests.faults.kills import drain, forked
from loadtests.faults.shop import LICENSE, LICENSEE, PRICE, Said, Shop, record
from loadtests.faults.verdict import judge

#: Fetches of one process that are under way at once, and the most of one lease.
_AT_ONCE: Final = 16


async def _worker(data: Path, number: int, asks: int, budget: Budget, said: Said, *, careless: bool) -> None:
    """Ask *asks* times, `_AT_ONCE` at once; each ask is sold or refused."""
    database = await Database.open(data / "licet.db", busy_ms=60_000)
    journal = Journal.open(data / "journal", f"w{number}", clock=SystemClock(), reserve_bytes=0)
    book, done = SqliteSpendBook(database), 0
    while done < asks:
        wanted = min(_AT_ONCE, asks - done)
        charge = Charge(f"ask-{number}-{done}", LICENSEE, LICENSE, PRICE, budget)
        if careless:
            given = 0 if await book.exhausted(LICENSE, PRICE, budget) else wanted
        else:
            lease = await book.lease(journal.writer, charge, wanted)
            given = 0 if isinstance(lease, Short) else lease
        made = [record(done + each, writer_round=number) for each in range(given)]
        await asyncio.gather(*map(journal.keep, made))
        for each in made:
            said.entry(each.id)
        if not given:
            said.tell("short")
        done += given or 1
    await journal.close()
    await database.close()


async def _keeper(data: Path, stop: Path) -> None:
    database = await Database.open(data / "licet.db", busy_ms=60_000)
    lock = KeeperLock.try_take(data)
    assert lock is not None
    keeper = Keeper(data / "journal", SqliteFolding(database))
    while not stop.exists():
        await keeper.catch_up()
        await asyncio.sleep(0.01)
    lock.release()
    await database.close()


async def _begin(data: Path, said: Said) -> None:
    shop = await Shop.open(data, said)
    await shop.pay_in()
    await shop.publish()
    await shop.close()


async def _sold(data: Path) -> Counter[str]:
    database = await Database.open(data / "licet.db")
    books = await SqliteLedger(database).books()
    await database.close()
    return Counter(posting.entry_id for posting in books.postings if posting.code == "fetch")


def crowd(folder: Path, fetches: int, processes: int, *, careless: bool = False) -> dict[str, Any]:
    """Let *processes* ask for *fetches* in all on a budget of one less; the counts, and what is wrong."""
    data, stop, said = folder / "data", folder / "stop", Said()
    budget = Budget(fetches=fetches - 1)
    short = 0

    def child(act: Callable[[Callable[[str], None]], Any]) -> tuple[int, int]:
        return forked(lambda tell: asyncio.run(act(tell)))

    wrong = _finish(child(lambda tell: _begin(data, Said(tell=tell))), said)
    keeper = child(lambda _tell: _keeper(data, stop))
    shares = [fetches // processes + (each < fetches % processes) for each in range(processes)]
    workers = [
        child(
            lambda tell, number=number, asks=asks: _worker(
                data, number + 1, asks, budget, Said(tell=tell), careless=careless
            )
        )
        for number, asks in enumerate(shares)
    ]
    for pid, pipe in workers:
        lines = drain(pipe, said)
        os.waitpid(pid, 0)
        wrong += [line for line in lines if line.startswith("broke")]
    stop.touch()
    wrong += _finish(keeper, said)

    async def last(tell: Callable[[str], None]) -> None:
        verdict = await judge(data, said, sell=0)
        sold = await _sold(data)
        tell(f"sold {sum(sold.values())} {sum(times > 1 for times in sold.values())}")
        if not verdict.clean:
            tell(f"broke {verdict}")

    pid, pipe = child(last)
    with os.fdopen(pipe) as file:
        lines = file.read().splitlines()
    os.waitpid(pid, 0)
    wrong += [line for line in lines if line.startswith("broke")]
    _, sold, doubled = next(line for line in lines if line.startswith("sold")).split()
    short = fetches - (len(said.entries) - 1)
    wrong += [f"{sold} sold of {fetches - 1}"] * (int(sold) != fetches - 1)
    return {
        "processes": processes, "asked": fetches, "budget": fetches - 1, "sold": int(sold), "refused": short,
        "sold twice": int(doubled), "wrong": wrong,
    }  # fmt: skip


def _finish(life: tuple[int, int], said: Said) -> list[str]:
    pid, pipe = life
    lines = drain(pipe, said)
    os.waitpid(pid, 0)
    return lines


def main() -> None:
    """Print the counts as JSON; exit 1 where anything is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fetches", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--careless", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="licet-crowd-") as folder:
        found = crowd(Path(folder), chosen.fetches, chosen.processes, careless=chosen.careless)
    print(json.dumps(found))
    sys.exit(bool(found["wrong"]))


if __name__ == "__main__":
    main()
