"""Replicas under fault: two gateways behind HAProxy, and what a partition, a kill, a failover or a clock does to them.

python -m loadtests.faults.partitions             every fault and every twin, one table at the end
python -m loadtests.faults.partitions --short     one of them, in a quarter of a minute
python -m loadtests.faults.partitions --json      the counts for machines

Must be 0 in every row: acknowledged payments that the books do not have, units
that stand paid for twice, forks of the public log, and what a token bought later
than a second after it was revoked. The twins are the same world with one
safeguard taken out; each has to be caught. Root, `ip`, HAProxy and PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from loadtests.faults.own_postgres import clusters
from loadtests.faults.replicas import NAMES, Verdict, World, judged
from loadtests.faults.wires import STORES, NoWires, Wires

_ROOT: Final = Path(__file__).resolve().parents[2]
#: What is said where it cannot be run, with this exit code.
MISSING: Final = 77


@dataclass(frozen=True)
class Fault:
    """One row: *act* does it and undoes it under load; *patches* make a known-bad twin, which is to be caught at *caught*.

    *followed* is one of a world of its own, whose database has a standby.
    """

    name: str
    act: Callable[[World], Awaitable[None]]
    patches: str = ""
    caught: str = ""
    short: bool = False
    followed: bool = False


async def _calm(world: World) -> None:
    await world.revoked("a", 1.0)


async def _cut_store(world: World) -> None:
    await world.doomed("a")
    world.wires.cut("b", STORES)
    await world.revoked("a", 1.5)
    world.wires.heal("b", STORES)
    await asyncio.sleep(1.5)


async def _cut_keeper(world: World) -> None:
    await world.doomed("b")
    world.wires.cut("a", STORES)
    await asyncio.sleep(1.0)
    await world.revoked("b", 12.0)
    world.wires.heal("a", STORES)
    await asyncio.sleep(2.0)


async def _killed(world: World) -> None:
    await world.kill("a")
    await asyncio.sleep(1.5)
    await world.start("a")
    await asyncio.sleep(0.5)


async def _paused(world: World) -> None:
    world.pause("a", signal.SIGSTOP)
    await asyncio.sleep(14.0)
    world.pause("a", signal.SIGCONT)
    await world.revoked("b", 1.0)


async def _database_restarted(world: World) -> None:
    await asyncio.to_thread(world.postgres.stop, signal.SIGQUIT)
    await asyncio.sleep(1.5)
    await asyncio.to_thread(world.postgres.start)
    await asyncio.sleep(1.0)
    await world.revoked("a", 1.0)


async def _failed_over(world: World) -> None:
    """The primary dies, the standby is promoted; then the old one is back, and may be written."""
    await asyncio.to_thread(world.postgres.kill)
    await asyncio.sleep(0.5)
    await asyncio.to_thread(world.standby.promote)
    await asyncio.sleep(3.0)
    await asyncio.to_thread(world.postgres.start)
    await _writable_alone(world)
    await world.revoked("a", 1.0)
    await _restarted(world, "a")


async def _cut_primary(world: World) -> None:
    """The primary lives on and is not heard from; once it is, it has been left behind."""
    world.wires.cut("db", STORES)
    await asyncio.sleep(1.0)
    await asyncio.to_thread(world.standby.promote)
    await asyncio.sleep(14.0)
    world.wires.heal("db", STORES)
    await _writable_alone(world)
    await asyncio.sleep(3.0)
    await world.revoked("b", 1.0)
    await _restarted(world, "a")


async def _writable_alone(world: World) -> None:
    """Let the old primary answer commits though nobody follows it: nobody has told it to stop."""
    for sql in ("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()"):
        await asyncio.to_thread(world.postgres.ask, sql)


async def _restarted(world: World, name: str) -> None:
    await world.stop(name)
    await world.start(name)
    await asyncio.sleep(2.0)


async def _redis_restarted(world: World) -> None:
    if world.redis is not None:
        world.redis.kill()
        await world.redis.wait()
        await world.revoked("a", 1.5)
        await world.open_redis()
        await asyncio.sleep(1.0)


def _skewed(by: str) -> Callable[[World], Awaitable[None]]:
    async def act(world: World) -> None:
        await world.stop("b")
        await world.start("b", by)
        await world.revoked("a", 2.0)
        await asyncio.sleep(2.0)
        await world.stop("b")
        await world.start("b")

    return act


async def _rolling(world: World) -> None:
    for name in ("a", "b"):
        await world.stop(name)
        await asyncio.sleep(0.5)
        await world.start(name)
        await asyncio.sleep(1.0)


async def _disk_lost(world: World) -> None:
    world.wires.cut("a", STORES)
    await asyncio.sleep(0.8)
    await world.kill("a")
    shutil.rmtree(world.machines["a"].data / "journal")
    world.wires.heal("a", STORES)
    await world.start("a")


_NEVER_STALE: Final = "import gateway.licenses.revocations as r\nr.OLDEST = 600.0\n"
#: Two who sign at once, each in an order of its own, and nothing that holds one head against another.
_TWO_KEEPERS: Final = """
import gateway.provenance.public_log as p
import gateway.store.postgres.leading as l

async def leads(self, log):
    self._log = log.vkey
    return True

async def promised(self):
    return 0, p.EMPTY

async def promise(self, size, root):
    return True

def append(self, leaves, whole=p.PublicLog.append):
    whole(self, list(leaves)[:: -1 if self.folder.parent.name == "b" else 1])

l.Leadership.leads, l.Leadership.promised, l.Leadership.promise = leads, promised, promise
p.PublicLog.append = append
"""
_NOT_CREDITED: Final = "import gateway.billing.paid_twice as p\np.PaidTwice.of = lambda self, records: ()\n"
#: Takes the first host that may be written, whatever was written since.
_ANY_PRIMARY: Final = """
import gateway.store.postgres.hosts as hosts
async def first(self):
    for url in self._urls:
        try:
            reached = await self._reach(url)
        except Exception:
            continue
        if not reached.why:
            return reached
        reached.connection.terminate()
    raise OSError("none may be written")
hosts.Hosts._best = first
hosts.History.before = lambda self, other: False
"""
FAULTS: Final = (
    Fault("none", _calm),
    Fault("one machine loses the store", _cut_store, short=True),
    Fault("the keeper loses the store", _cut_keeper),
    Fault("a machine is killed", _killed),
    Fault("the keeper sleeps 14 s", _paused),
    Fault("PostgreSQL crashes", _database_restarted),
    Fault("Redis crashes and is empty", _redis_restarted),
    Fault("a clock is 3 minutes ahead", _skewed("+3m")),
    Fault("a clock is 3 minutes behind", _skewed("-3m")),
    Fault("rolling upgrade", _rolling),
    Fault("the primary dies, its standby goes on", _failed_over, followed=True),
    Fault("the primary is cut off, its standby goes on", _cut_primary, followed=True),
)
TWINS: Final = (
    Fault("stale revocations believed", _cut_store, _NEVER_STALE, "late"),
    # Where Redis knows of no claim, two machines are paid for one unit at once.
    Fault("second payments not credited", _redis_restarted, _NOT_CREDITED, "double"),
    Fault("a machine's disk is lost", _disk_lost, "", "lost"),
    Fault("an old primary is believed", _failed_over, _ANY_PRIMARY, "lost", followed=True),
    Fault("two keepers sign two histories", _calm, _TWO_KEEPERS, "forks"),
)


async def _run(fault: Fault, wires: Wires, world: World, *, reconcile: bool) -> Verdict:
    world.told = type(world.told)()
    async with world.load():
        await asyncio.sleep(0.5)
        try:
            await fault.act(world)
        finally:
            for name in ("a", "b", "db"):
                wires.heal(name, STORES)
        await asyncio.sleep(0.5)
    return await judged(world, reconcile=reconcile)


async def _inside(wires: Wires, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Every fault in one world, those with a standby and each twin in one of their own; what breaks off is a row too."""
    rows: list[dict[str, Any]] = []
    wanted = [each for each in (*FAULTS, *TWINS) if chosen.only in each.name]
    wanted = [each for each in wanted if each.short] if chosen.short else wanted
    with tempfile.TemporaryDirectory(prefix="licet-replicas-", ignore_cleanup_errors=True) as folder:
        async with contextlib.AsyncExitStack() as stack:
            world: World | None = None
            for number, fault in enumerate(wanted):
                began = time.monotonic()
                try:
                    apart = bool(fault.caught) or fault.followed
                    if world is None or apart:
                        await stack.aclose()
                        room = Path(folder) / str(number)
                        opened = World.opened(room, wires, fault.patches, followed=fault.followed)
                        world = await stack.enter_async_context(opened)
                    reconcile = not (chosen.short or fault.caught)
                    verdict = await _run(fault, wires, world, reconcile=reconcile)
                    world = None if apart else world
                except Exception as error:
                    traceback.print_exc()
                    verdict, world = Verdict(reconcile=[f"broke off: {error!r}"]), None
                rows.append(_row(fault, verdict, time.monotonic() - began))
                _say(rows[-1])
    return rows


def _row(fault: Fault, verdict: Verdict, seconds: float) -> dict[str, Any]:
    good = verdict.clean if not fault.caught else bool(getattr(verdict, fault.caught))
    return {
        "fault": fault.name,
        "caught": fault.caught,
        "good": good,
        "seconds": round(seconds, 1),
        **asdict(verdict),
    }


def lines(rows: list[dict[str, Any]]) -> list[str]:
    """The table, for people."""
    wide = max((len(row["fault"]) for row in rows), default=0)
    found = [
        f"{'fault':<{wide}}  acked  lost  double  forks  late  credited  reconcile  answers to the crawler; to people"
    ]
    for row in rows:
        told = ", ".join(f"{count} of {status}" for status, count in row["answers"].items())
        people = ", ".join(f"{count} of {status}" for status, count in row["people"].items())
        clean = "-" if row["caught"] else ("clean" if not row["reconcile"] else "WRONG")
        found.append(
            f"{row['fault']:<{wide}}  {row['acknowledged']:>5}  {row['lost']:>4}  {row['double']:>6}  {row['forks']:>5}"
            f"  {row['late']:>4}  {row['twice']:>8}  {clean:>9}  {told}; {people}"
            + (f"  (known-bad twin: caught at {row['caught']})" if row["caught"] and row["good"] else "")
            + ("" if row["good"] else f"  NOT GOOD {row['reconcile'][:1]}")
        )
    return found


def _say(row: dict[str, Any]) -> None:
    """A row as soon as it is known: what comes after it may take minutes."""
    print(f"{row['seconds']:>6} s  {lines([row])[1]}", file=sys.stderr, flush=True)


def missing() -> str:
    """What is not there that this needs, or ""."""
    for program, package in (("ip", "iproute2"), ("haproxy", "haproxy"), ("faketime", "faketime")):
        if shutil.which(program) is None:
            return f"there is no {program} (Debian: apt install {package})"
    try:
        clusters.programs()
    except clusters.Missing as error:
        return str(error)
    return ""


def main() -> None:
    """Print the table; exit 1 where a count that must be 0 is not, or a twin was not caught."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="one fault, and no reconciliation by command")
    parser.add_argument("--only", default="", help="faults whose name has these words")
    parser.add_argument("--json", action="store_true", dest="as_json")
    parser.add_argument("--inside", default="", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.inside:
        rows = asyncio.run(_inside(Wires(*NAMES, attach=chosen.inside), chosen))
        print(json.dumps(rows) if chosen.as_json else "\n".join(lines(rows)))
        sys.exit(not all(row["good"] for row in rows))
    why = missing()
    try:
        wires = Wires(*NAMES) if not why else None
    except NoWires as error:
        wires, why = None, str(error)
    if wires is None:
        print(why, file=sys.stderr)
        sys.exit(MISSING)
    try:
        again = [sys.executable, "-m", "loadtests.faults.partitions", "--inside", wires.prefix, *sys.argv[1:]]
        done = subprocess.run([*wires.inside("lb"), *again], cwd=_ROOT, check=False)
    finally:
        wires.close()
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
