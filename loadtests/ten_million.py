"""Ten million records on one disk: how fast they are folded, what they weigh, how soon each is found and proven.

The journal's files are written at once, as a year of traffic would have left
them, details of the last tenth alone, as retention leaves them; everything
behind them is real: the keeper folds, the totals sum up, the files are packed,
the public log is hashed, tiled and signed. Then the same questions are asked as
`log_pages` asks, of the same kind of traffic; at last rows that nobody owes for
leave, and a tenth comes back. One line each, with `--count` (ten million by
default) of them.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.billing.statements import Period
from gateway.dashboard.filters import LogFilter
from gateway.licenses.auditors import month_of
from gateway.provenance.append_file import AppendFile, Disk
from gateway.provenance.chain import includes, inclusion_proof, leaf_hash
from gateway.provenance.fetch_form import FetchForm
from gateway.provenance.frames import SealedDetail, detail_frame, entry_frame
from gateway.provenance.keeper import Keeper
from gateway.provenance.packing import pack_folded
from gateway.provenance.public_log import PublicLog, tree
from gateway.provenance.record import FetchDetail
from gateway.provenance.salts import fresh_salt
from gateway.provenance.segments import segment_name
from gateway.store.sqlite.access_log import SqliteAccessLog
from gateway.store.sqlite.account_book import SqliteAccountBook
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.leaves import SqliteLeaves
from gateway.store.sqlite.shelving import Shelving
from gateway.store.sqlite.shrinking import shrink
from gateway.store.sqlite.totals import SqliteTotals
from loadtests.log_pages import START_US, questions, records

_PART = 128 << 20
_DETAIL = FetchDetail("203.0.113.9", "", "Mozilla/5.0; compatible; GPTBot/1.3; +https://openai.com/gptbot", "", "", ("ua_claim:GPTBot",))  # fmt: skip


def identifier(number: int) -> str:
    """The id of record *number*: of its time, and random behind that, as version 7 has it."""
    mixed = number * 0x9E3779B97F4A7C15 & (1 << 62) - 1
    return f"{(START_US + number * 500_000) // 1000:012x}"[:8] + (
        f"-{(START_US + number * 500_000) // 1000 & 0xFFFF:04x}-7{mixed >> 50:03x}-8{mixed >> 38 & 0xFFF:03x}"
        f"-{mixed & (1 << 38) - 1:012x}"
    )


def frames(count: int) -> Iterator[tuple[bytes, bytes]]:
    """The frame of each record and, of the last tenth, of its detail."""
    dice = random.Random(12)
    alike = list({(each.crawler, each.outcome, each.status): each for each in records(2000)}.values())
    forms = [(each, FetchForm(replace(each, license="lic_1" if each.licensee else ""))) for each in alike]
    bodies = [f"{each:064x}" for each in range(1, 400)]
    for number in range(count):
        each, form = dice.choice(forms)
        page, at, id = dice.randrange(399), START_US + number * 500_000, identifier(number)
        salt, detail_salt = fresh_salt(), fresh_salt()
        made = form.filled(
            bytes_sent=2_000 + page * 17,
            charge_reason="fetch" if each.charged_micros else "",
            charged_micros=each.charged_micros,
            detail=salt.hex(),
            digest=bodies[page] if each.status == 200 else "",
            duration_us=400 + number % 3000,
            etag='"v1"',
            id=id,
            path=f"/essays/{page}",
            time_us=at,
            unit=bodies[page],
        )
        detail = detail_frame(SealedDetail(id, detail_salt, at, _DETAIL)) if number * 10 >= count * 9 else b""
        yield entry_frame("fetch", made.canonical(), salt), detail


def write(folder: Path, count: int) -> None:
    """Write the journal's files of *count* records to *folder*."""
    folder.mkdir(parents=True)
    number, entries, details = 0, [], []
    size = 0
    for nth, (entry, detail) in enumerate(frames(count), 1):
        entries.append(entry)
        details.append(detail)
        size += len(entry)
        if size >= _PART or nth == count:
            number += 1
            file = AppendFile(folder / segment_name("w0", "0" * 24, number), Disk())
            file.append(b"".join(entries), b"".join(details))
            file.close()
            entries, details, size = [], [], 0


def weight(folder: Path, *suffixes: str) -> int:
    """Octets of the files in *folder* that have one of *suffixes*."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.suffix in suffixes or not suffixes)


async def measure(folder: Path, count: int) -> None:
    """Do all of it in *folder* and tell."""

    def tell(name: str, value: float, unit: str) -> None:
        print(f"{name:<28} {value:>14,.2f} {unit}", flush=True)

    def since(began: tuple[float, float]) -> tuple[float, float]:
        return time.perf_counter() - began[0], time.process_time() - began[1]

    def now() -> tuple[float, float]:
        return time.perf_counter(), time.process_time()

    began = now()
    write(folder / "journal", count)
    tell("written", count / since(began)[0], "records/s into files, nothing folded")
    tell("disk.journal", weight(folder / "journal", ".seg") / count, "octets a record, as written")
    database = await Database.open(folder / "licet.db")
    began = now()
    folded = await Keeper(folder / "journal", SqliteFolding(database)).catch_up()
    took, used = since(began)
    if folded != count:
        raise RuntimeError(f"{count} records were written and {folded} folded")
    tell("fold", count / took, "records/s, wall")
    tell("fold.cpu", used / count * 1e6, "µs of CPU a record")
    began = now()
    await SqliteTotals(database).keep_up()
    tell("totals", since(began)[0], "s to sum up")
    await database.checkpoint()
    tell("disk.database", (folder / "licet.db").stat().st_size / count, "octets a record, with every index")
    positions = await SqliteFolding(database).positions()
    began = now()
    done = await asyncio.to_thread(pack_folded, folder / "journal", positions)
    tell("pack", done.before / 2**20 / since(began)[0], f"MiB/s, {done.files} files")
    tell("disk.packed", weight(folder / "journal", ".seg") / count, "octets a record")
    leaves = SqliteLeaves(database)
    await find(leaves, database, count, tell)
    await ask(database, count, tell)
    await prove(folder, leaves, count, tell)
    await leave(database, count, tell)
    tell("memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MiB at most")
    await database.close()
    before, after = shrink(folder / "licet.db")
    tell(
        "shrink",
        after / count,
        f"octets a record of the database, written anew ({before / count:.0f} before)",
    )
    octets = after + weight(folder / "journal", ".seg")
    tell("disk.all", octets / count, "octets a record, packed files and database; goal of issue 7: 600")


async def leave(database: Database, count: int, tell) -> None:
    """Let rows leave that nobody owes for, ask the same again, and bring a tenth of them back."""
    log, newest = SqliteAccessLog(database), START_US + count * 500_000
    sums = await log.overview(LogFilter(last="all"))
    shelving = Shelving(SqliteFolding(database), database)
    began = time.perf_counter()
    left = await shelving.leave(newest, 0)
    tell("leave", left / (time.perf_counter() - began), f"rows/s, each held against its frame; {left:,} left")
    if await log.overview(LogFilter(last="all")) != sums:
        raise RuntimeError("the totals are others than before")
    blocks = await shelving.shelved()
    size = await database.read(
        lambda db: (
            db.execute("SELECT sum(length(places) + length(marks) + length(files) + 32) FROM shelved").get
        )
    )
    tell("left.kept", (size or 0) / max(left, 1), "octets of the database for each row that left")
    leaves = SqliteLeaves(database)
    draw, took = random.Random(9), []
    for _ in range(200):
        began = time.perf_counter()
        if await leaves.opened(identifier(draw.randrange(count))) is None:
            raise RuntimeError("a record is not found by its id")
        took.append(time.perf_counter() - began)
    took.sort()
    tell("left.median", statistics.median(took) * 1000, "ms, one by its id, whole, in a row or not")
    tell("left.p99", took[len(took) * 99 // 100] * 1000, "ms")
    began, back = time.perf_counter(), 0
    for block in blocks[: -(-len(blocks) // 10)]:
        back += await shelving.bring_back(block.seq, 0)
    if back:
        tell("bring back", back / (time.perf_counter() - began), f"rows/s; {back:,} came")
    if await log.overview(LogFilter(last="all")) != sums:
        raise RuntimeError("the totals are others than before")
    await shelving.leave(newest, 1)


async def find(leaves: SqliteLeaves, database: Database, count: int, tell) -> None:
    """Records drawn by chance, whole, from packed files; a licensee's month."""
    draw, took = random.Random(8), []
    for _ in range(500):
        began = time.perf_counter()
        opened = await leaves.opened(identifier(draw.randrange(count)))
        took.append(time.perf_counter() - began)
        if opened is None:
            raise RuntimeError("a record is not found by its id")
    took.sort()
    tell("record.median", statistics.median(took) * 1000, "ms, one by its id, whole")
    tell("record.p99", took[len(took) * 99 // 100] * 1000, "ms")
    began = time.perf_counter()
    found = await SqliteAccountBook(database).extract("acme", Period.parse(month_of(START_US)))
    tell(
        "statement",
        time.perf_counter() - began,
        f"s, {sum(each.fetches for each in found.charges):,} fetches",
    )


async def ask(database: Database, count: int, tell) -> None:
    """What each page of the dashboard reads, the best of three."""
    for name, question in questions(SqliteAccessLog(database), count).items():
        best = 1e9
        for _ in range(3):
            began = time.perf_counter()
            await question()
            best = min(best, time.perf_counter() - began)
        tell(name, best * 1000, "ms")


async def prove(folder: Path, leaves: SqliteLeaves, count: int, tell) -> None:
    """Make the public log, and prove records drawn by chance, tiles read from the disk each time."""
    began = time.perf_counter()
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    log = await PublicLog.open(folder / "log", "journal.example/.licet/log", key, leaves)
    await log.catch_up(leaves)
    tell("log", count / (time.perf_counter() - began), "leaves/s read from packed files, hashed, tiled")
    tell("disk.log", weight(folder / "log") / count, "octets a record")
    draw, took = random.Random(7), []
    for _ in range(500):
        index = draw.randrange(count)
        (leaf,) = await leaves.leaves(index, 1)
        began = time.perf_counter()
        proof = inclusion_proof(index, count, tree(folder / "log", count))
        took.append(time.perf_counter() - began)
        if not includes(index, count, leaf_hash(leaf), proof, log.head.root):
            raise RuntimeError(f"the proof of {index} does not hold")
    took.sort()
    tell("proof.median", statistics.median(took) * 1000, "ms")
    tell("proof.p99", took[len(took) * 99 // 100] * 1000, "ms")


def main() -> None:
    """Measure and print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--count", type=int, default=10_000_000)
    words.add_argument("--folder", type=Path, help="where; a temporary one if left out")
    given = words.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        asyncio.run(measure(Path(folder), given.count))


if __name__ == "__main__":
    main()
