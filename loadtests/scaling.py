"""Does more of it help? 1, 2, 4 workers and two machines, on SQLite and on PostgreSQL, with Redis and without, as ratios of one run.

python -m loadtests.scaling                 the table; figures in loadtests/results/scaling.json
python -m loadtests.scaling --rounds 1 --seconds 1 --cases sqlite-1,machines-redis-2

Every case does the same works in each round, the rounds alternate, and a ratio is
of the first case in the same round. *per CPU-second* is of the gateways' whole
process trees; *store* is what PostgreSQL and Redis spent besides. Every case keeps
a pace that it does not reach; with Redis it is told, and so is every paid unit.
Two machines have PostgreSQL in common, for SQLite is one machine's. On a machine of two
cores, which also have the load and the origin, seen/s cannot rise with workers:
what can be read here is what a further worker or machine costs beside the first.

Then what `loadtests.scale_model` reckons with: records folded a second into one
store, leases a second out of one, octets a record, and what a site costs a worker
in memory and at its start.
"""

from __future__ import annotations

import argparse
import asyncio
import concurrent.futures
import contextlib
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from gateway.admission.spending import Charge
from gateway.clock import SystemClock
from gateway.money import Money
from gateway.policy.reload import PolicyShelf
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Keeper
from gateway.store.postgres.database import Postgres
from gateway.store.postgres.folding import PostgresFolding
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.spend_book import SqliteSpendBook
from gateway.tokens.claims import Budget
from loadtests.comparison import origin
from loadtests.faults.own_postgres import clusters
from loadtests.faults.own_redis import servers
from loadtests.faults.shop import record
from loadtests.measuring import spent
from loadtests.processes import CannotRun, free_port, running
from loadtests.serving import A_MICRO_UNIT, POLICY, LicetSite
from loadtests.targets import Target
from loadtests.works import WORKS, ask, check

RESULTS: Final = Path(__file__).resolve().parent / "results" / "scaling.json"
ASKED: Final = ("person", "402", "licensed-new")
CASES: Final = (
    *(
        f"{store}-{workers}"
        for store in ("sqlite", "sqlite-redis", "postgres", "postgres-redis")
        for workers in (1, 2, 4)
    ),
    "machines-2",
    "machines-redis-2",
)
_RECORDS: Final = 20_000
_SITES: Final = 400
#: Fetches a second of one license, which no case reaches.
_PACE: Final = 100_000


@dataclass
class Series:
    """What one case did at one work: requests a CPU-second, seen a second, microseconds of the store, a round each."""

    per_cpu: list[float] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)
    store: list[float] = field(default_factory=list)
    ratio: list[float] = field(default_factory=list)
    wrong: str = ""


@contextlib.contextmanager
def gateways(case: str, folder: Path, url: str, redis: str, at: int) -> Iterator[list[LicetSite]]:
    """The gateways of a case, on PostgreSQL at *url* and Redis at *redis* if it has them, in front of the origin at port *at*."""
    kind, _, count = case.rpartition("-")
    machines = int(count) if kind.startswith("machines") else 1
    workers = 1 if machines > 1 else int(count)
    with contextlib.ExitStack() as stack:
        made: list[LicetSite] = []
        shared = ""
        for number in range(machines):
            data = folder / f"{case}-{number}"
            data.mkdir(mode=0o700)
            store = (f'database = "{url}"\n' if url else "") + (f'redis = "{redis}"\n' if redis else "")
            settings = (
                f"[pacing]\nlicense_per_second = {_PACE}\nlicense_burst = {_PACE}\n"
                f"[workers]\ncount = {workers}\n[store]\nreserve_mb = 1\n"
            )
            (data / "licet.toml").write_text(settings + store + shared)
            if not number:
                (data / "sites").mkdir()
                (data / "sites" / "bench.toml").write_text(
                    POLICY.format(site="bench", price=A_MICRO_UNIT, origin=f"http://127.0.0.1:{at}")
                )
            if machines > 1 and not number:
                licet = [sys.executable, "-m", "gateway", "store", "share", "--data", str(data), "--json"]
                told = json.loads(subprocess.run(licet, capture_output=True, check=True).stdout)
                shared = f'shared_key = "{told["shared_key"]}"\n'
            port, log = free_port(), folder / f"{case}-{number}.log"
            command = [sys.executable, "-m", "gateway", "serve", "--data", str(data), "--port", str(port)]
            pid = stack.enter_context(
                running([*command, "--dashboard-port", str(free_port())], None, port, log)
            )
            made.append(LicetSite(pid, port, data, log))
            told_at = data / "shared.json"
            while machines > 1 and not (told_at.exists() and b'"policies"' in told_at.read_bytes()):
                time.sleep(0.05)
        yield made


def measured(
    case: str,
    sites: list[LicetSite],
    work: str,
    seconds: int,
    folder: Path,
    number: int,
    stores: tuple[int, ...],
) -> tuple[float, float, float]:
    """One round: requests a CPU-second of the gateways, requests a second, and microseconds of the stores, by the ids of their processes, a request."""
    targets = [Target(f"{case}-{nth}", "", site.pid, site.port, licet=site) for nth, site in enumerate(sites)]
    wanted = replace(WORKS[work], connections=64 // len(targets))
    for target in targets:
        check(target, wanted)
    before = [spent(store) for store in stores]
    with concurrent.futures.ThreadPoolExecutor(len(targets)) as pool:
        found = list(
            pool.map(
                lambda pair: ask(pair[1], wanted, seconds, folder, number * 10 + pair[0]), enumerate(targets)
            )
        )
    requests = sum(each.requests for each in found)
    cpu = sum(each.cpu * each.requests for each in found) / 1e6
    of_stores = sum(spent(store).since(was) for store, was in zip(stores, before, strict=True)) * 1e6
    return requests / cpu, sum(each.requests / each.seconds for each in found), of_stores / requests


def _one(
    case: str,
    room: Path,
    at: int,
    cluster: Any,
    seconds: int,
    number: int,
    found: dict[tuple[str, str], Series],
    this: dict[tuple[str, str], float],
) -> None:
    """Every work of a case in one round; raises `CannotRun` where its gateways do not start."""
    url, stores = "", []
    if not case.startswith("sqlite"):
        url = cluster.make(f"{case.replace('-', '_')}_{number}")
        stores.append(cluster.pid)
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(servers.serving("redis")) if "redis" in case else None
        if redis is not None:
            stores.append(redis.pid)
        sites = stack.enter_context(gateways(case, room, url, redis.url if redis else "", at))
        for work in ASKED:
            series = found[case, work]
            try:
                per_cpu, seen, store = measured(case, sites, work, seconds, room, number, tuple(stores))
            except CannotRun as error:
                series.wrong = str(error)
                continue
            series.per_cpu.append(per_cpu)
            series.seen.append(seen)
            series.store.append(store)
            this[case, work] = per_cpu


def table(cases: tuple[str, ...], rounds: int, seconds: int, folder: Path) -> dict[tuple[str, str], Series]:
    """Every case at every work, *rounds* times, in a shuffled order of cases each time."""
    found = {(case, work): Series() for case in cases for work in ASKED}
    with origin(folder) as at, clusters.serving() as cluster:
        for number in range(rounds):
            order = random.sample(cases, len(cases))
            this: dict[tuple[str, str], float] = {}
            for case in order:
                room = folder / f"{number}-{case}"
                room.mkdir()
                try:
                    _one(case, room, at, cluster, seconds, number, found, this)
                except CannotRun as error:
                    for work in ASKED:
                        found[case, work].wrong = str(error)
                print(f"round {number + 1}: {case}", file=sys.stderr, flush=True)
            for (case, work), per_cpu in this.items():
                base = this.get((cases[0], work))
                if base:
                    found[case, work].ratio.append(per_cpu / base)
    return found


async def _folding(folder: Path, store: Any, folding: Any) -> tuple[float, float]:
    """Records folded a second into *store*, and octets of the journal a record."""
    journal = Journal.open(folder / "journal", "front", clock=SystemClock(), reserve_bytes=0)
    made = [replace(record(each), path=f"/essays/{each}") for each in range(_RECORDS)]
    for begin in range(0, len(made), 500):
        await asyncio.gather(*map(journal.keep, made[begin : begin + 500]))
    await journal.close()
    octets = sum(path.stat().st_size for path in (folder / "journal").iterdir()) / _RECORDS
    began = time.monotonic()
    count = await Keeper(folder / "journal", folding(store)).catch_up()
    return count / (time.monotonic() - began), octets


async def _leases(store: Any) -> float:
    """Leases a second, 64 of them asked for at once."""
    book, done, until = SqliteSpendBook(store), 0, time.monotonic() + 3.0
    began = time.monotonic()
    while time.monotonic() < until:
        charges = [
            Charge(f"ask-{done}-{each}", "lic", f"li_{each}", Money(0, "USD"), Budget()) for each in range(64)
        ]
        await asyncio.gather(*(book.lease("w1", charge, 1) for charge in charges))
        done += len(charges)
    return done / (time.monotonic() - began)


async def _stores(folder: Path) -> dict[str, float]:
    sqlite = await Database.open(folder / "licet.db")
    (folder / "p").mkdir()
    found: dict[str, float] = {}
    found["sqlite_folded_per_second"], found["journal_octets_per_record"] = await _folding(
        folder, sqlite, SqliteFolding
    )
    found["sqlite_octets_per_record"] = (folder / "licet.db").stat().st_size / _RECORDS
    found["sqlite_leases_per_second"] = await _leases(sqlite)
    await sqlite.close()
    with clusters.serving() as cluster:
        postgres = await Postgres.open(cluster.make("folded"))
        size = "SELECT pg_database_size(current_database())"
        before = await postgres.read(lambda db: int(db.execute(size).get))
        found["postgres_folded_per_second"], _ = await _folding(folder / "p", postgres, PostgresFolding)
        after = await postgres.read(lambda db: int(db.execute(size).get))
        found["postgres_octets_per_record"] = (after - before) / _RECORDS
        found["postgres_leases_per_second"] = await _leases(postgres)
        await postgres.close()
    return found


def sites_cost(folder: Path) -> dict[str, float]:
    """What a site's policy costs a worker: kilobytes, and milliseconds to read."""
    for each in range(_SITES):
        text = POLICY.format(site=f"s{each}", price="0.005", origin="http://127.0.0.1:8000")
        (folder / f"s{each}.toml").write_text(text.replace('"127.0.0.1"', f'"s{each}.example"', 1))
    one = folder / "s0.toml"
    PolicyShelf([one])  # what is imported once is no site's
    before, began = _resident(), time.monotonic()
    shelf = PolicyShelf(folder)
    seconds, after = time.monotonic() - began, _resident()
    assert len(shelf.policies) == _SITES
    return {
        "kilobytes_per_site": (after - before) / 1024 / _SITES,
        "milliseconds_per_site": seconds * 1000 / _SITES,
    }


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def parts(folder: Path) -> dict[str, float]:
    """What the model reckons with besides the table."""
    for name in ("stores", "sites"):
        (folder / name).mkdir()
    # Memory is told by a process of its own: this one has room that earlier work left.
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        sites = pool.submit(sites_cost, folder / "sites").result()
    return {**asyncio.run(_stores(folder / "stores")), **sites}


def rows(found: dict[tuple[str, str], Series]) -> list[dict[str, Any]]:
    """The table for machines."""
    told: list[dict[str, Any]] = []
    for (case, work), series in found.items():
        if not series.per_cpu:
            told.append({"case": case, "work": work, "not_measured": series.wrong})
            continue
        told.append(
            {
                "case": case,
                "work": work,
                "per_cpu_second": round(statistics.median(series.per_cpu)),
                "ratio": round(statistics.median(series.ratio), 2) if series.ratio else None,
                "least": round(min(series.ratio), 2) if series.ratio else None,
                "most": round(max(series.ratio), 2) if series.ratio else None,
                "seen_per_second": round(statistics.median(series.seen)),
                "store_microseconds": round(statistics.median(series.store)),
            }
        )
    return told


def lines(told: list[dict[str, Any]], more: dict[str, float]) -> Iterator[str]:
    """The table for people."""
    yield f"{os.cpu_count()} cores, shared by gateways, store, origin and load; the first case of the same round = 1"
    yield f"{'work':<14}{'case':<18}{'per CPU-second':>15}{'ratio':>7}  {'least..most':<13}{'seen/s':>8}{'store us':>10}"
    for row in sorted(told, key=lambda each: ASKED.index(each["work"])):
        if "not_measured" in row:
            yield f"{row['work']:<14}{row['case']:<18}not measured: {row['not_measured']}"
            continue
        spread = f"{row['least']}..{row['most']}"
        yield (
            f"{row['work']:<14}{row['case']:<18}{row['per_cpu_second']:>15,}{row['ratio']!s:>7}  {spread:<13}"
            f"{row['seen_per_second']:>8,}{row['store_microseconds']:>10,}"
        )
    yield from (f"{name.replace('_', ' '):<30}{value:>12,.1f}" for name, value in more.items())


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--table", action="store_true", help="the table alone, which then is kept nowhere")
    parser.add_argument("--json", action="store_true", dest="as_json")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="licet-scaling-") as folder:
        Path(folder).chmod(0o755)  # the origin's own user reads there
        (Path(folder) / "t").mkdir()
        (Path(folder) / "p").mkdir()
        told = rows(table(tuple(chosen.cases.split(",")), chosen.rounds, chosen.seconds, Path(folder) / "t"))
        more = {} if chosen.table else parts(Path(folder) / "p")
    figures = {"cores": os.cpu_count(), "measured": time.strftime("%Y-%m-%d"), "rows": told, "parts": more}
    if not chosen.table:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(figures, indent=1))
    print(json.dumps(figures) if chosen.as_json else "\n".join(lines(told, more)))


if __name__ == "__main__":
    main()
