"""`kill -9` by the hundred, from a process that forks children with everything imported.

python -m loadtests.faults.kills --target journal --kills 10000

Each child takes up the folder as it finds it, does the same thing without end
and says what is durable over a pipe; it is killed at a random moment, of its
start as well. After every `_FOLDER` kills a child that is left alone gives the
verdict, and the next folder begins.

======== ================================================================
journal  the writer's appends and syncs, eight at once
keeper   recording, folding and signing, one after the other
ledger   leases, give-backs and postings straight in the database
======== ================================================================
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, NoReturn

from gateway.admission.spending import Charge
from gateway.clock import SystemClock
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import FoldBatch, SealedEntry
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.spend_book import SqliteSpendBook
from gateway.tokens.claims import Budget
from loadtests.faults.shop import LICENSE, LICENSEE, PRICE, Said, Shop, credit, record
from loadtests.faults.verdict import judge

_FOLDER: Final = 250
#: How long a child may take to say its first word, in seconds.
_PATIENCE: Final = 20.0

Life = Callable[[Path, int, Said], Awaitable[None]]


async def _journal(data: Path, round: int, said: Said) -> None:
    journal = Journal.open(data / "journal", "front", clock=SystemClock(), reserve_bytes=0)

    async def keep(number: int) -> None:
        made = record(number, writer_round=round)
        await journal.keep(made)
        said.entry(made.id)

    for number in itertools.count(0, 8):
        await asyncio.gather(*(keep(number + more) for more in range(8)))


async def _keeper(data: Path, round: int, said: Said) -> None:
    shop = await Shop.open(data, said, round=round)
    while True:
        await shop.sell(3)
        await shop.fold()
        await shop.publish()


async def _ledger(data: Path, round: int, said: Said) -> None:
    database = await Database.open(data / "licet.db")
    book, folding = SqliteSpendBook(database), SqliteFolding(database)
    writer = f"front-{round:024x}"
    for number in itertools.count(0, 3):
        made = [record(number + more, writer_round=round) for more in range(3)]
        charge = Charge(made[0].id, LICENSEE, LICENSE, PRICE, Budget())
        await book.lease(writer, charge, 4)
        await folding.fold(_batch(writer, *made))
        await book.give_back(writer, LICENSE, PRICE, 1)
        for each in made:
            said.entry(each.id)


def _batch(writer: str, *entries: Any) -> FoldBatch:
    return FoldBatch(
        tuple(
            SealedEntry(
                each, hashlib.sha256(each.id.encode()).digest(), each.canonical(), f"{writer}-000001.seg:24"
            )
            for each in entries
        ),
        (),
        (),
    )


async def _begin(data: Path, round: int, said: Said) -> None:  # noqa: ARG001 - a life like the others
    shop = await Shop.open(data, said)
    await shop.pay_in()
    await shop.publish()
    await shop.close()


async def _begin_ledger(data: Path, round: int, said: Said) -> None:  # noqa: ARG001 - a life like the others
    data.mkdir(parents=True)
    database = await Database.open(data / "licet.db")
    await SqliteFolding(database).fold(_batch(f"front-{0:024x}", credit()))
    said.entry(credit().id)
    await database.close()


async def _judge_books(data: Path, said: Said) -> list[str]:
    """The ledger alone: it has no journal, so only the books are held against what was said."""
    from collections import Counter

    from gateway.billing.comparisons import checked
    from gateway.store.sqlite.ledger import SqliteLedger

    database = await Database.open(data / "licet.db")
    folding = SqliteFolding(database)
    await folding.close_purses(await folding.purse_writers())
    books = await SqliteLedger(database).books()
    left = await SqliteSpendBook(database).available(LICENSEE, PRICE.currency)
    await database.close()
    ids = {booked.entry.id for booked in books.entries}
    posted = Counter(posting.entry_id for posting in books.postings)
    wrong = [f"lost {len(set(said.entries) - ids)}"] * bool(set(said.entries) - ids)
    wrong += [f"posted twice: {id}" for id, times in posted.items() if times > 1]
    wrong += [f"{each.name}: {fault.why}" for each in checked(books) for fault in each.faults]
    due = credit().amount_micros - PRICE.micros * (len(ids) - 1)
    return wrong + [f"the balance is {left.micros} and should be {due}"] * (left.micros != due)


async def _judge_all(data: Path, said: Said) -> list[str]:
    found = await judge(data, said)
    return [] if found.clean else [str(found)]


LIVES: Final[dict[str, tuple[Life, Life, Callable[[Path, Said], Awaitable[list[str]]]]]] = {
    "journal": (_begin, _journal, _judge_all),
    "keeper": (_begin, _keeper, _judge_all),
    "ledger": (_begin_ledger, _ledger, _judge_books),
}


def forked(act: Callable[[Callable[[str], None]], None]) -> tuple[int, int]:
    """Run *act* in a child, which gets what writes a line to the pipe; the child's id and the pipe."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if not pid:
        _child(act, theirs)
    os.close(theirs)
    return pid, ours


def _child(act: Callable[[Callable[[str], None]], None], pipe: int) -> NoReturn:
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

        def tell(line: str) -> None:
            os.write(pipe, f"{line}\n".encode())

        act(tell)
        code = 0
    except BaseException as error:
        os.write(pipe, f"broke {error!r}\n".encode())
    finally:
        os._exit(code)


def _live(life: Life, data: Path, round: int) -> tuple[int, int]:
    return forked(lambda tell: asyncio.run(life(data, round, Said(tell=tell))))


def drain(pipe: int, said: Said, rest: bytes = b"") -> list[str]:
    """Read *pipe* to its end into *said*; what a child said when it broke."""
    with os.fdopen(pipe, "rb") as file:
        lines = (rest + file.read()).decode().splitlines(keepends=True)
    for line in lines:
        said.heard(line)
    return [line.strip() for line in lines if line.startswith("broke ")]


def _kill_once(life: Life, data: Path, round: int, said: Said, dice: random.Random) -> tuple[int, list[str]]:
    """One life, killed: at any moment of its start, or a while after it said something. How much it said, what broke."""
    pid, pipe = _live(life, data, round)
    rest = b""
    if dice.random() < 0.25:
        time.sleep(dice.uniform(0, 0.03))
    else:
        words = dice.randrange(1, 14)
        while rest.count(b"\n") < words and select.select([pipe], [], [], _PATIENCE)[0]:
            more = os.read(pipe, 1 << 16)
            rest += more
            if not more:
                break
        time.sleep(dice.uniform(0, 0.004))
    os.kill(pid, signal.SIGKILL)
    before = len(said.entries)
    broke = drain(pipe, said, rest)
    os.waitpid(pid, 0)
    return len(said.entries) - before, broke


def _whole(life: Life, data: Path, said: Said) -> list[str]:
    pid, pipe = _live(life, data, 0)
    broke = drain(pipe, said)
    os.waitpid(pid, 0)
    return broke


def kills(target: str, number: int, folder: Path, seed: int) -> dict[str, Any]:
    """Kill *number* times in *folder*; the counts, and every sentence about what is wrong."""
    begin, life, verdict = LIVES[target]
    dice, wrong, told, heads, silent = random.Random(seed), list[str](), 0, 0, 0
    since = time.monotonic()
    for first in range(0, number, _FOLDER):
        data, said = folder / f"{target}-{first}", Said()
        wrong += _whole(begin, data, said)
        for turn in range(first + 1, min(first + _FOLDER, number) + 1):
            words, broke = _kill_once(life, data, turn, said, dice)
            silent += not words
            wrong += broke

        def judged(tell: Callable[[str], None], data: Path = data, said: Said = said) -> None:
            for sentence in asyncio.run(verdict(data, said)):
                tell(f"broke {sentence}")

        pid, pipe = forked(judged)
        wrong += drain(pipe, Said())
        os.waitpid(pid, 0)
        told += len(said.entries)
        heads += len(said.heads)
        shutil.rmtree(data)
    seconds = time.monotonic() - since
    return {
        "target": target, "seed": seed, "kills": number, "acknowledged": told, "heads": heads,
        "killed before a word": silent, "kills a second": round(number / seconds, 1), "wrong": wrong,
    }  # fmt: skip


def main() -> None:
    """Print the counts as JSON; exit 1 where anything is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", choices=sorted(LIVES), action="append")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    chosen = parser.parse_args()
    bad = False
    for target in chosen.target or sorted(LIVES):
        with tempfile.TemporaryDirectory(prefix="licet-kills-") as folder:
            found = kills(target, chosen.kills, Path(folder), chosen.seed)
        print(json.dumps(found), flush=True)
        bad |= bool(found["wrong"])
    sys.exit(bad)


if __name__ == "__main__":
    main()
