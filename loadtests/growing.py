"""A journal of millions: how fast it grows, what it weighs, how quickly it answers, and whether its archive is exact.

Everything is real: the journal's file with a disk sync a group, the keeper, the
database, the public log. `--count` records (a million by default; `make night`
runs ten) of one licensee are written by 64 that wait for the disk in a process of
its own, folded as they come, then asked for:

- append: records a second that were acknowledged as durable, folding beside it, and until all were folded;
- disk: octets a record, of the journal's files as written and packed, the database, the log;
- proof: of one record drawn by chance, tiles read from the disk each time;
- queries: a receipt's record by its id, a page of the journal, a licensee's statement;
- archive: all of it to Parquet and back, each leaf compared with the public log's root.

Prints one line each; the last says which goals of issue 7 hold on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.billing.account_book import read_account
from gateway.billing.statements import Period
from gateway.clock import SystemClock
from gateway.licenses.auditors import month_of
from gateway.provenance.chain import EMPTY, includes, inclusion_proof, leaf_hash
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Keeper
from gateway.provenance.log_audit import Growing
from gateway.provenance.packing import pack_folded
from gateway.provenance.parquet import read_parquet, write_parquet
from gateway.provenance.public_log import PublicLog, tree
from gateway.store.sqlite.access_log import SqliteAccessLog
from gateway.store.sqlite.account_book import SqliteAccountBook
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.details import SqliteDetails
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.leaves import SqliteLeaves
from gateway.store.sqlite.shrinking import shrink
from loadtests.recording import START_US, paid

_AT_ONCE = 64
_PROOFS = 500
#: Goals of issue 7: octets a record of the journal, seconds of a proof, seconds and MiB of a statement.
_JOURNAL, _PROOF, _STATEMENT, _MEMORY, _RATE = 600, 0.005, 10.0, 200, 20_000


async def fill(folder: Path, count: int) -> dict[str, float]:
    """Write *count* records, 64 at a time that wait for the disk; seconds until the last was durable, and of CPU."""
    journal = Journal.open(folder / "journal", "w0", clock=SystemClock(), queue_limit=4 * _AT_ONCE)
    numbers = iter(range(count))

    async def client() -> None:
        for number in numbers:
            made = paid(number)
            await journal.keep(made.record, made.detail, made.detail_salt)

    began, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client() for _ in range(_AT_ONCE)))
    found = {"took": time.perf_counter() - began, "cpu": time.process_time() - used}
    await journal.close()
    return found


async def grow(folder: Path, count: int, database: Database, tell) -> None:
    """Let a process of its own write *count* records, as a front does, and fold them as they come, as the office does."""
    keeper = Keeper(folder / "journal", SqliteFolding(database))
    stopping, wake = asyncio.Event(), asyncio.Event()
    began, used = time.perf_counter(), time.process_time()
    writing = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtests.growing", "--fill", str(folder), "--count", str(count), stdout=PIPE
    )
    folding = asyncio.create_task(keeper.run(stopping, wake))
    said, _ = await writing.communicate()
    stopping.set()
    await folding
    await keeper.catch_up()
    took, cpu = time.perf_counter() - began, time.process_time() - used
    written = json.loads(said)
    tell("append", count / written["took"], "records/s, each durable when acknowledged")
    tell("append.cpu", written["cpu"] / count * 1e6, "µs of CPU a record, built, written, waited for")
    tell("sustained", count / took, "records/s until all were folded, from the start of the writing process")
    tell("fold.cpu", cpu / count * 1e6, "µs of CPU a record, read and folded beside it")


def weight(folder: Path, *suffixes: str) -> int:
    """Octets of the files in *folder*, of those suffixes."""
    return sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and (not suffixes or path.suffix in suffixes)
    )


def prove(folder: Path, log: PublicLog, opened: list[tuple[int, bytes]]) -> list[float]:
    """Seconds that the proof of each takes, nothing kept from one to the next."""
    size, took = log.head.size, []
    for index, leaf in opened:
        began = time.perf_counter()
        proof = inclusion_proof(index, size, tree(folder, size))
        took.append(time.perf_counter() - began)
        if not includes(index, size, leaf_hash(leaf), proof, log.head.root):
            raise RuntimeError(f"the proof of {index} does not hold")
    return took


async def measure(folder: Path, count: int, archive: bool) -> dict[str, float]:
    """Do all of it in *folder*; what was measured, by name."""
    told: dict[str, float] = {}

    def tell(name: str, value: float, unit: str) -> None:
        told[name] = value
        print(f"{name:<22} {value:>14,.2f} {unit}", flush=True)

    database = await Database.open(folder / "licet.db")
    leaves = SqliteLeaves(database)
    await grow(folder, count, database, tell)
    if await leaves.size() != count:
        raise RuntimeError(f"{count} records were written and {await leaves.size()} folded")
    began = time.perf_counter()
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    log = await PublicLog.open(folder / "log", "journal.example/.licet/log", key, leaves)
    await log.catch_up(leaves)
    tell("log", count / (time.perf_counter() - began), "leaves/s hashed, tiled, signed")
    await database.checkpoint()
    tell("disk.journal", weight(folder / "journal", ".seg") / count, "octets a record, the append files")
    began = time.perf_counter()
    done = await asyncio.to_thread(pack_folded, folder / "journal", await SqliteFolding(database).positions())
    tell(
        "disk.packed",
        weight(folder / "journal", ".seg") / count,
        f"octets a record, {done.files} files packed",
    )
    tell("pack", done.before / 2**20 / (time.perf_counter() - began), "MiB/s")
    tell("disk.details", weight(folder / "journal", ".det") / count, "octets a record, not swept yet")
    tell("disk.database", (folder / "licet.db").stat().st_size / count, "octets a record, with every index")
    tell("disk.log", weight(folder / "log") / count, "octets a record, tiles and bundles")
    tell(
        "files",
        sum(1 for _ in (folder / "journal").glob("*.seg")),
        "append files (a new one each day or 256 MiB)",
    )

    draw = random.Random(7)
    picked = [draw.randrange(count) for _ in range(_PROOFS)]
    chosen = [(index, (await leaves.leaves(index, 1))[0]) for index in picked]
    took = sorted(await asyncio.to_thread(prove, folder / "log", log, chosen))
    tell("proof.median", statistics.median(took) * 1000, "ms")
    tell("proof.p99", took[len(took) * 99 // 100] * 1000, "ms")
    await queries(database, leaves, count, tell)
    if archive:
        await keep_elsewhere(folder, leaves, log, count, tell)
    # What is about people goes after a month; records stay.
    await SqliteDetails(database).forget_before(1 << 62)
    await database.close()
    _, after = await asyncio.to_thread(shrink, folder / "licet.db")
    tell("disk.slim", after / count, "octets a record of the database, details forgotten, written anew")
    tell("disk.all", told["disk.packed"] + after / count, "octets a record, packed files and database")
    return told


async def queries(database: Database, leaves: SqliteLeaves, count: int, tell) -> None:
    """Time what pages and receipts ask for."""
    draw, took = random.Random(8), []
    for _ in range(200):
        began = time.perf_counter()
        if await leaves.opened(paid(draw.randrange(count)).record.id) is None:
            raise RuntimeError("a record is not found by its id")
        took.append(time.perf_counter() - began)
    tell("query.record", statistics.median(took) * 1000, "ms, one by its id")
    began = time.perf_counter()
    await leaves.opened_of("le_1", 0, 1 << 62, (START_US + count // 2, -1), 1000)
    tell("query.page", (time.perf_counter() - began) * 1000, "ms, 1000 of a licensee from the middle")
    began = time.perf_counter()
    await SqliteAccessLog(database).row(paid(count // 2).record.id)
    tell("query.row", (time.perf_counter() - began) * 1000, "ms, one as the dashboard shows it")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    book, period = SqliteAccountBook(database), Period.parse(month_of(START_US))
    made = await read_account(book, "le_1", "Example AI Labs", period)
    tell("statement", time.perf_counter() - began, "s")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tell("statement.memory", (after - before) / 1024, "MiB above the peak before it")
    if sum(line.fetches for line in made.charges) != count:
        raise RuntimeError("the statement does not have every fetch")


async def keep_elsewhere(folder: Path, leaves: SqliteLeaves, log: PublicLog, count: int, tell) -> None:
    """Archive all of it, read it back, and hold each leaf against the log."""
    out, found, begin = folder / "archive.parquet", [], 0
    began = time.perf_counter()

    def entries():
        nonlocal begin
        while page := asyncio.run_coroutine_threadsafe(leaves.opened_from(begin, 4096), loop).result():
            yield from page
            begin = page[-1].index + 1

    loop = asyncio.get_running_loop()
    written = await asyncio.to_thread(write_parquet, out, entries())
    tell("archive.write", count / (time.perf_counter() - began), "records/s to Parquet")
    tell("archive.disk", out.stat().st_size / count, "octets a record")
    began = time.perf_counter()

    def again() -> bytes:
        growing = Growing()
        for nth, opened in enumerate(read_parquet(out)):
            if opened.index != nth:
                raise RuntimeError(f"entry {nth} is not where it was")
            growing.push(0, leaf_hash(opened.leaf))
        return growing.root()

    root = await asyncio.to_thread(again)
    tell("archive.read", count / (time.perf_counter() - began), "records/s, parsed and hashed")
    exact = written == count and root == log.head.root != EMPTY
    tell("archive.exact", exact, "(1: the root over what was read back is the log's)")
    if not exact:
        raise RuntimeError(f"the archive is not what was written ({found})")


def verdicts(told: dict[str, float], count: int) -> list[str]:
    """Each goal, and whether it holds here."""
    rows = [
        ("append ≥ 20,000/s", told["append"] >= _RATE),
        ("append and fold ≥ 20,000/s", told["sustained"] >= _RATE),
        ("journal ≤ 600 octets a record, packed", told["disk.packed"] <= _JOURNAL),
        ("journal and database ≤ 600 octets a paid record", told["disk.all"] <= _JOURNAL),
        ("proof of one < 5 ms (median)", told["proof.median"] < _PROOF * 1000),
        ("proof of one < 5 ms (p99)", told["proof.p99"] < _PROOF * 1000),
    ]
    if count >= 1_000_000:
        rows += [
            ("statement < 10 s", told["statement"] < _STATEMENT * count / 1_000_000),
            ("statement < 200 MB", told["statement.memory"] < _MEMORY),
        ]
    return [f"{'holds' if good else 'MISSED':<7} {name}" for name, good in rows]


def main() -> None:
    """Measure and print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--count", type=int, default=1_000_000)
    words.add_argument("--no-archive", action="store_true", help="leave Parquet out")
    words.add_argument("--json", action="store_true", help="the figures once more, as one line of JSON")
    words.add_argument("--folder", type=Path, help="where; a temporary one if left out")
    words.add_argument("--fill", type=Path, help=argparse.SUPPRESS)
    given = words.parse_args()
    if given.fill is not None:
        print(json.dumps(asyncio.run(fill(given.fill, given.count))))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        told = asyncio.run(measure(Path(folder), given.count, not given.no_archive))
    for line in verdicts(told, given.count):
        print(line)
    if given.json:
        print(json.dumps(told))


if __name__ == "__main__":
    main()
