"""`kill -9` under load, again and again; then what clients received against what the journal holds.

python -m loadtests.kills --kills 50

A real `licet serve` stands before an origin of ours; crawlers with a license,
crawlers without one and people fetch from it without a pause. At random moments
a worker, the office, or every process at once is killed; the first two are
started again by the gateway itself, the whole by us, and some of those are
killed again while they start. Each licensed page
is fetched until it came whole, so that in the end each page owes its price
exactly once, whatever was lost on the way and asked for again. Exits 0 only if
that is what journal, postings and balance say.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import aiohttp
from aiohttp import web

from gateway.cli.auditing import full_audit
from gateway.cli.books import open_books
from gateway.money import Money
from loadtests.origin import page, site
from loadtests.processes import free_port
from loadtests.reconcile import compare, fetches
from loadtests.serving import PERSON, POLICY

_SIZE, _LARGE_SHARE = 2048, 0.15
_PRICE, _CREDIT = Money.read("0.005 USD"), Money.read("9000 USD")
_CRAWLER = {"User-Agent": "GPTBot/1.3"}
_PERSON = {"User-Agent": PERSON}
_LICENSED, _UNLICENSED, _PEOPLE = 8, 2, 2

_ALL, _STARTING = "everything killed", "of them while it started"
_TARGETS = (_ALL, "worker killed", "office killed")

_SETTINGS = "[pacing]\nlicense_per_second = 0\nrefusals_per_second = 0\n[store]\nreserve_mb = 1\n"


class WrongAnswer(Exception):
    """The gateway said something that it must never say, kill or no kill."""


@dataclass
class Load:
    """The clients: what they received, and what broke off under them."""

    front: str
    login: str = ""
    token: str = ""
    pages: int = 0
    receipts: list[dict[str, Any]] = field(default_factory=list)
    begun: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    up: asyncio.Event = field(default_factory=asyncio.Event)
    ending: bool = False

    async def get(self, http: aiohttp.ClientSession, path: str, headers: dict[str, str], who: str) -> Any:
        """One answer as (status, headers, body), or None if it broke off under the client."""
        await self.up.wait()
        try:
            async with http.get(self.front + path, headers=headers) as answer:
                record = answer.headers.get("Licet-Record", "")
                if record:
                    self.begun.add(record)
                body = await answer.read()
        except (aiohttp.ClientError, ConnectionError):
            self.counts[f"{who} answers broken off"] += 1
            await asyncio.sleep(0.02)
            return None
        self.counts[f"{who} answers"] += 1
        return answer.status, answer.headers, body

    async def licensed(self, http: aiohttp.ClientSession) -> None:
        """Fetch one new page after the other under the license, each until it came whole."""
        while not self.ending:
            self.pages += 1
            path = f"/pages/{self.pages}"
            got = await self._whole(http, path)
            status, headers, body = got
            if status != 200 or body != page(path, _SIZE, _LARGE_SHARE) or not headers.get("Licet-Record"):
                raise WrongAnswer(f"a licensed fetch of {path} got {status}: {body[:300]!r}")
            self.receipts.append(
                {
                    "record": headers["Licet-Record"],
                    "path": path,
                    "bytes": len(body),
                    "sha256": hashlib.sha256(body).hexdigest(),
                }
            )

    async def _whole(self, http: aiohttp.ClientSession, path: str) -> Any:
        """Ask under the license until an answer comes whole; a 503 that says when to ask again is none."""
        while True:
            headers = {**_CRAWLER, "Authorization": f"License {self.token}"}
            got = await self.get(http, path, headers, "licensed")
            if got is None:
                continue
            if got[0] != 503 or "Retry-After" not in got[1]:
                return got
            self.counts["licensed answers 503, asked again"] += 1
            await asyncio.sleep(int(got[1]["Retry-After"]))

    async def unlicensed(self, http: aiohttp.ClientSession) -> None:
        """Ask without a license: 402, and nothing else."""
        while not self.ending:
            got = await self.get(http, "/pages/1", _CRAWLER, "unlicensed")
            if got is not None and got[0] != 402:
                raise WrongAnswer(f"a crawler without a license got {got[0]}")
            await asyncio.sleep(0.01)

    async def person(self, http: aiohttp.ClientSession) -> None:
        """Read as a person: the page, and nothing else."""
        while not self.ending:
            got = await self.get(http, "/people/1", _PERSON, "person")
            if got is not None and (got[0], got[2]) != (200, page("/people/1", _SIZE, _LARGE_SHARE)):
                raise WrongAnswer(f"a person got {got[0]}")
            await asyncio.sleep(0.01)

    async def buy(self, http: aiohttp.ClientSession) -> bool:
        """Buy a token as any crawler would; whether it came."""
        form = {"grant_type": "client_credentials", "resource": f"{self.front}/"}
        try:
            async with http.post(
                f"{self.front}/.licet/token", data=form, headers={"Authorization": f"Basic {self.login}"}
            ) as answer:
                facts = await answer.json(content_type=None)
        except (aiohttp.ClientError, ConnectionError):
            return False
        if answer.status != 200:
            raise WrongAnswer(f"the token endpoint said {answer.status}: {facts}")
        self.token = facts["access_token"]
        return True


@dataclass
class Gateway:
    """`licet serve` as a process of its own, on one port through all its lives."""

    data: Path
    port: int
    dashboard_port: int
    command: tuple[str, ...] = (sys.executable, "-m", "gateway")
    running: asyncio.subprocess.Process | None = None
    waits: list[float] = field(default_factory=list)

    async def start(self) -> None:
        """Start a life; returns before it listens."""
        log = (self.data.parent / "gateway.log").open("ab")
        with log:
            self.running = await asyncio.create_subprocess_exec(
                *self.command, "serve",
                "--data", str(self.data),
                "--port", str(self.port),
                "--dashboard-port", str(self.dashboard_port),
                "--workers", "2",
                stdout=log,
                stderr=log,
            )  # fmt: skip

    async def listening(self) -> None:
        """Return when a connection is accepted; raises `WrongAnswer` if the process ended instead."""
        assert self.running is not None
        since = time.monotonic()
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                if self.running.returncode is not None:
                    raise WrongAnswer(f"the gateway did not start: {self.log()[-2000:]}") from None
                await asyncio.sleep(0.01)
                continue
            writer.close()
            self.waits.append(time.monotonic() - since)
            return

    async def kill(self) -> None:
        """End this life, every process of it, with SIGKILL."""
        if self.running is None or self.running.returncode is not None:
            return
        # Held still, it cannot start anything again while its processes are counted.
        self.running.send_signal(signal.SIGSTOP)
        processes = self.processes()
        for pid in processes:
            _kill(pid)
        self.running.send_signal(signal.SIGKILL)
        await self.running.wait()
        while any(map(_lives, processes)):
            await asyncio.sleep(0.002)

    def kill_one(self, role: str, dice: random.Random) -> bool:
        """Kill one process of *role*, ``worker`` or ``office``; whether there was one."""
        found = [pid for pid, its in self.processes().items() if its == role]
        if found:
            _kill(dice.choice(found))
        return bool(found)

    def processes(self) -> dict[int, str]:
        """The process ids of workers and office, with their role."""
        assert self.running is not None
        if self.running.returncode is not None:
            raise WrongAnswer(f"the gateway ended by itself: {self.log()[-2000:]}")
        found = {}
        for pid in _children(self.running.pid):
            with contextlib.suppress(OSError):
                name = Path(f"/proc/{pid}/comm").read_text().rstrip()
                found[pid] = next((role for role in ("worker", "office") if name == f"licet {role}"), "")
        return found

    async def licet(self, *words: str) -> dict[str, Any]:
        """What a command says as JSON, of the program that serves."""
        process = await asyncio.create_subprocess_exec(
            *self.command, *words, "--data", str(self.data), "--json", stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        if process.returncode:
            raise WrongAnswer(f"licet {' '.join(words)} ended with {process.returncode}")
        made: dict[str, Any] = json.loads(out)
        return made

    def log(self) -> str:
        """What all lives said."""
        return (self.data.parent / "gateway.log").read_text(errors="replace")


@dataclass(frozen=True)
class Run:
    """A gateway, who loads it, and the licensee that pays."""

    gateway: Gateway
    load: Load
    http: aiohttp.ClientSession
    licensee: str


@contextlib.asynccontextmanager
async def under_load(folder: Path, command: tuple[str, ...] = Gateway.command) -> AsyncIterator[Run]:
    """A gateway of *command* in *folder*, which is empty, with its clients while the block runs; then it is killed."""
    async with _origin() as origin:
        gateway = Gateway(folder / "data", free_port(), free_port(), command)
        (gateway.data / "sites").mkdir(parents=True, mode=0o700)
        gateway.data.chmod(0o700)
        (gateway.data / "licet.toml").write_text(_SETTINGS)
        (gateway.data / "sites" / "kills.toml").write_text(
            POLICY.format(site="kills", price=_PRICE.amount, origin=origin)
        )
        load = Load(f"http://127.0.0.1:{gateway.port}")
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
            try:
                licensee = await _first_life(gateway, load, http)
                async with asyncio.TaskGroup() as clients:
                    for count, act in (
                        (_LICENSED, load.licensed),
                        (_UNLICENSED, load.unlicensed),
                        (_PEOPLE, load.person),
                    ):
                        for _ in range(count):
                            clients.create_task(act(http))
                    yield Run(gateway, load, http, licensee)
                    load.ending = True
            except BaseException:
                print(gateway.log()[-8000:], file=sys.stderr)
                raise
            finally:
                await gateway.kill()


async def kills(number: int, folder: Path, seed: int) -> dict[str, Any]:
    """Kill *number* times in *folder*, which is empty; returns the counts with ``ok``."""
    async with under_load(folder) as run:
        killed = await _kills(run.gateway, run.load, run.http, number, random.Random(seed))
    found = {"kills": number, **{name: killed[name] for name in (*_TARGETS, _STARTING)}}
    return {**found, **await counted(run)}


async def _first_life(gateway: Gateway, load: Load, http: aiohttp.ClientSession) -> str:
    await gateway.start()
    await gateway.listening()
    made = await gateway.licet("licensee", "add", "Kills", "--credit", str(_CREDIT))
    load.login = base64.b64encode(f"{made['client_id']}:{made['client_secret']}".encode()).decode()
    await load.buy(http)
    load.up.set()
    return str(made["licensee"])


async def _kills(
    gateway: Gateway, load: Load, http: aiohttp.ClientSession, number: int, dice: random.Random
) -> Counter[str]:
    """Kill *number* times; returns how often what was killed, and how many lives ended before they listened."""
    counts: Counter[str] = Counter()
    commands = []
    for kill in range(number):
        if kill and kill % 50 == 0:
            print(f"{kill} of {number} kills …", file=sys.stderr, flush=True)
        if kill == number // 2:  # a command writes into the journal while the gateway is killed
            bystander = gateway.licet("licensee", "add", "Bystander", "--credit", "1 USD")
            commands.append(asyncio.create_task(bystander))
        await asyncio.sleep(dice.uniform(0.01, 0.6))
        # Each once, so that a short run meets all three.
        target = _TARGETS[kill] if kill < len(_TARGETS) else dice.choice(_TARGETS)
        counts[target] += 1
        if target != _ALL:
            while not gateway.kill_one(target.partition(" ")[0], dice):
                await asyncio.sleep(0.01)
            continue
        load.up.clear()
        await gateway.kill()
        await gateway.start()
        if dice.random() < 0.2 and kill < number - 1:
            await asyncio.sleep(dice.uniform(0, 1.2 * max(gateway.waits)))
            counts[_STARTING] += 1
            await gateway.kill()
            await gateway.start()
        await gateway.listening()
        load.up.set()
        await load.buy(http)
    await asyncio.gather(*commands)
    return counts


async def counted(run: Run) -> dict[str, Any]:
    """Hold receipts, journal, postings, purses and balance against each other; the last gateway was killed."""
    gateway, load, licensee = run.gateway, run.load, run.licensee
    audit = await full_audit(gateway.data)
    records = fetches(gateway.data)
    compared = compare(load.receipts, records)
    async with open_books(gateway.data) as opened:
        books = await opened.ledger.books()
        balance = await opened.spend_book.available(licensee, _CREDIT.currency)
    charged = [record for record in records if record["charged_micros"]]
    times_charged = Counter(record["path"] for record in charged)
    posted = Counter(posting.entry_id for posting in books.postings if posting.code == "fetch")
    owed = sum(record["charged_micros"] for record in charged)
    recorded = {record["id"] for record in records}
    received = {each["record"] for each in load.receipts}
    wrong = {
        "lost": len(compared.lost),
        "recorded as something else": len(compared.differing),
        "recorded twice": len(compared.doubled),
        "pages billed twice": sum(times > 1 for times in times_charged.values()),
        "pages not billed": sum(path not in times_charged for path in {each["path"] for each in load.receipts}),
        "pages billed that nobody asked for": len(set(times_charged) - {each["path"] for each in load.receipts}),
        "charged another price": sum(record["charged_micros"] != _PRICE.micros for record in charged),
        "posted otherwise than charged": len(
            posted.keys() ^ {record["id"] for record in charged}
        ) + sum(times > 1 for times in posted.values()),
        "micros missing from the balance": abs(_CREDIT.micros - owed - balance.micros),
        "purses that outlived their writers": len(books.purses),
        "people in the journal": sum(record["path"].startswith("/people/") for record in records),
        "not good in the audit": audit.journal.fault_count + len(audit.books.faults),
    }  # fmt: skip
    return {
        "ok": audit.good and not any(wrong.values()) and len(load.receipts) == load.pages,
        "pages fetched to the end": len(load.receipts),
        **load.counts,
        "answers begun and never finished": len(load.begun - received),
        "of them recorded, and free when asked again": len((load.begun - received) & recorded),
        "records": len(records),
        "charged": len(charged),
        "postings": sum(posted.values()),
        "credit": str(_CREDIT),
        "charges": str(Money(owed, _CREDIT.currency)),
        "balance": str(balance),
        "torn tails": len(audit.journal.torn),
        "slowest start, ms": round(max(gateway.waits) * 1000),
        **wrong,
    }


@contextlib.asynccontextmanager
async def _origin() -> AsyncIterator[str]:
    runner = web.AppRunner(site(_SIZE, large_share=_LARGE_SHARE), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _lives(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def end(found: dict[str, Any], *, as_json: bool) -> NoReturn:
    """Print the counts, and exit 0 only if nothing is off."""
    if as_json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"  {name:<46} {value!s:>16}")
    raise SystemExit(0 if found["ok"] else 1)


def main() -> None:
    """Print the counts and exit 0 only if nothing is off; where something is, the data folder stays."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)), help="of the moments")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    folder, began = Path(tempfile.mkdtemp(prefix="licet-kills-")), time.monotonic()
    found = asyncio.run(kills(chosen.kills, folder, chosen.seed))
    found = {"seed": chosen.seed, **found, "seconds": round(time.monotonic() - began)}
    if found["ok"]:
        shutil.rmtree(folder)
    else:
        print(f"what is off is kept in {folder}", file=sys.stderr)
    end(found, as_json=chosen.json)


if __name__ == "__main__":
    main()
