"""Two gateways behind HAProxy on one PostgreSQL, each in a namespace of its own, and a crawler that never gives up.

It runs inside the namespace of the load balancer (`loadtests.faults.partitions`
starts it there): the origin, the crawler and whoever compares are this process.
What the crawler was answered is what was acknowledged; `Verdict` holds the books
of both machines against it once the fault is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web

from gateway.cli.proofs import own_key, reader
from gateway.problems import StoreUnavailable
from gateway.provenance.checkpoint import read
from gateway.provenance.log_audit import audit_log
from gateway.provenance.record import BookEntry, FetchRecord
from gateway.store.postgres.database import Postgres
from gateway.store.sqlite.ledger import SqliteLedger
from loadtests.faults.own_postgres import clusters
from loadtests.faults.wires import PUBLIC, STORES, Wires
from loadtests.serving import CRAWLER, PERSON

HOST: Final = "journal.example"
NAMES: Final = ("lb", "a", "b", "db", "db2")
PRICE: Final = 5_000
_POLICY: Final = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["journal.example"]
origin = "{origin}"
mode = "enforce"
currency = "USD"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
works = ["essays"]
price = {{ per_fetch = "0.005" }}
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training"] }}
[[rules]]
then = "serve"
"""
_HAPROXY: Final = """
global
    maxconn 500
defaults
    mode http
    timeout connect 1s
    timeout client 15s
    timeout server 10s
    option redispatch
    option forwardfor
    retries 2
    retry-on conn-failure 503
frontend in
    bind {at}:8080
    default_backend gateways
backend gateways
    balance roundrobin
    default-server check inter 300ms fall 2 rise 1
    server a {a}:8402
    server b {b}:8402
"""
_FAKETIME: Final = "*/faketime/libfaketime.so.1"
#: Seconds that an answer may take.
_PATIENCE: Final = 12.0
#: Seconds in which everything has to be in order again after a fault.
_SETTLED: Final = 45.0


@dataclass
class Told:
    """What the crawler and people were answered."""

    acknowledged: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    people: Counter[str] = field(default_factory=Counter)
    pages: set[int] = field(default_factory=set)
    heads: dict[int, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    notes: list[str] = field(default_factory=list)
    late: int = 0


@dataclass
class Machine:
    """One gateway."""

    name: str
    data: Path
    url: str
    process: asyncio.subprocess.Process | None = None


class World:
    """Everything that runs. Use `opened`."""

    def __init__(self, folder: Path, wires: Wires, patches: str = "", *, followed: bool = False) -> None:
        """Prepare in *folder*; *patches* is Python that every process of a gateway begins with: for known-bad twins.

        With *followed* the database has a synchronous standby, and its URL both hosts.
        """
        self._followed = followed
        self.standby: Any = None
        self.folder, self.wires = folder, wires
        self.machines = {
            name: Machine(name, folder / name, f"http://{wires.at(name, PUBLIC)}:8402") for name in ("a", "b")
        }
        self.front = f"http://{wires.at('lb', PUBLIC)}:8080"
        self.told, self._number, self._doomed = Told(), 0, ""
        self._patches, self._closing = patches, contextlib.AsyncExitStack()
        self.url = ""
        self.redis: asyncio.subprocess.Process | None = None

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(
        cls, folder: Path, wires: Wires, patches: str = "", *, followed: bool = False
    ) -> AsyncIterator[World]:
        """A world in which both gateways serve."""
        world = cls(folder, wires, patches, followed=followed)
        async with world._closing:
            await world._begin()
            yield world

    async def _begin(self) -> None:
        (self.folder / "patched").mkdir(parents=True)
        (self.folder / "patched" / "sitecustomize.py").write_text(self._patches)
        self.http = await self._closing.enter_async_context(
            aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=_PATIENCE)
            )
        )
        await self._open_origin()
        self.postgres = self._database("db")
        self.url = f"postgresql://licet@{self.wires.at('db', STORES)}:5432/licet"
        await asyncio.to_thread(self.postgres.make, "licet")
        if self._followed:
            at, other = self.wires.at("db", STORES), self.wires.at("db2", STORES)
            self.standby = self._database("db2", of=f"host={at} user=licet")
            await asyncio.to_thread(self.postgres.wait_for_standby, synchronous=True)
            self.url = f"postgresql://licet@{at}:5432,{other}:5432/licet"
        origin = f"http://{self.wires.at('lb', PUBLIC)}:8000"
        redis = await self.open_redis()
        a, b = self.machines.values()
        (a.data / "sites").mkdir(parents=True)
        (a.data / "sites" / "journal.toml").write_text(_POLICY.format(origin=origin))
        trust = f'[trust]\nproxies = ["{self.wires.at("lb", PUBLIC)}"]\n[feeds]\nupdate = false\n[dns]\ncheck = false\n'
        pace = "[pacing]\nlicense_per_second = 0\n"
        (a.data / "licet.toml").write_text(
            f'[store]\ndatabase = "{self.url}"\n{redis}reserve_mb = 1\n{trust}{pace}'
        )
        a.data.chmod(0o700)
        lines = await self.licet("a", "store", "share")
        b.data.mkdir()
        b.data.chmod(0o700)
        (b.data / "licet.toml").write_text(f"{lines}{redis}reserve_mb = 1\n{trust}{pace}")
        await self.start("a")
        shared = a.data / "shared.json"
        async with asyncio.timeout(_SETTLED):
            while not (shared.exists() and b'"policies"' in shared.read_bytes()):
                await asyncio.sleep(0.05)
        await self.start("b")
        # One that fetches, and one whose licenses are revoked.
        self.login, self._revoked = [
            json.loads(each)
            for each in await asyncio.gather(
                *(
                    self.licet("a", "licensee", "add", name, "--credit", "900 USD", "--json")
                    for name in ("Labs", "Lost")
                )
            )
        ]
        await self._open_haproxy()
        self.token = await self._bought(self.front, self.login)

    async def _open_origin(self) -> None:
        async def answer(request: web.BaseRequest) -> web.Response:
            return web.Response(
                text=f"{request.path} words " * 40, headers={"ETag": f'"{hash(request.path)}"'}
            )

        runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
        await runner.setup()
        self._closing.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, self.wires.at("lb", PUBLIC), 8000).start()

    def _database(self, name: str, of: str = "") -> Any:
        folder = self.folder / name
        folder.mkdir(mode=0o755)
        for each in (self.folder, *self.folder.parents):
            with contextlib.suppress(OSError):
                each.chmod(each.stat().st_mode | 0o011)
        net = self.wires.at(name, STORES)
        cluster = clusters.Cluster(
            folder, ("-c", f"listen_addresses={net}"), before=self.wires.inside(name), of=of
        )
        with (folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.203.2.0/24 trust\nhost replication all 10.203.2.0/24 trust\n")
        cluster.start()
        self._closing.callback(cluster.stop)
        return cluster

    async def _open_haproxy(self) -> None:
        at = self.wires.at("lb", PUBLIC)
        file = self.folder / "haproxy.cfg"
        file.write_text(_HAPROXY.format(at=at, a=self.wires.at("a", PUBLIC), b=self.wires.at("b", PUBLIC)))
        process = await asyncio.create_subprocess_exec(
            "haproxy",
            "-db",
            "-f",
            str(file),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self._closing.push_async_callback(_ended, process)
        await self._answers(self.front)

    async def open_redis(self) -> str:
        """Start Redis beside PostgreSQL, where it is installed; what the settings say of it, or ""."""
        # Debian's tools hold the server under another name; it is what it is called.
        found = shutil.which("redis-server") or shutil.which("redis-check-rdb")
        if found is None:
            return ""
        program = self.folder / "redis-server"
        if not program.is_symlink():
            program.symlink_to(found)
        at = self.wires.at("db", STORES)
        self.redis = await asyncio.create_subprocess_exec(
            *self.wires.inside("db"), str(program), "--bind", at, "--port", "6379", "--save", "", "--appendonly", "no",
            "--protected-mode", "no", "--dir", str(self.folder),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        self._closing.push_async_callback(_ended, self.redis)
        return f'redis = "redis://{at}:6379"\n'

    def _command(self, name: str, skew: str = "") -> tuple[list[str], dict[str, str]]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("LICET_")}
        root = str(Path(__file__).resolve().parents[2])
        clean |= {"PYTHONPATH": f"{self.folder / 'patched'}:{root}"}
        if skew:
            # Not by its command, which stands between a signal and whom it is for.
            clean |= {
                "LD_PRELOAD": str(next(Path("/usr/lib").glob(_FAKETIME))),
                "FAKETIME": skew,
                "DONT_FAKE_MONOTONIC": "1",
            }
        return [*self.wires.inside(name), sys.executable, "-m", "gateway"], clean

    async def licet(self, name: str, *args: str) -> str:
        """What a command on machine *name* prints."""
        command, env = self._command(name)
        data = str(self.machines[name].data)
        process = await asyncio.create_subprocess_exec(
            *command,
            *args,
            "--data",
            data,
            env=env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        if process.returncode not in {0, 1}:
            raise RuntimeError(f"licet {' '.join(args)}: {err.decode()}")
        return out.decode()

    async def start(self, name: str, skew: str = "") -> None:
        """Have machine *name* serve, with a clock that is off by *skew*, such as ``+3m``."""
        machine = self.machines[name]
        command, env = self._command(name, skew)
        log = (self.folder / f"{name}.log").open("ab")
        machine.process = await asyncio.create_subprocess_exec(
            *command, "serve", "--data", str(machine.data), "--host", self.wires.at(name, PUBLIC), "--port", "8402",
            "--dashboard-port", "0", "--drain", "5", env=env, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        log.close()
        self._closing.push_async_callback(_ended, machine.process)
        await self._answers(machine.url, machine.process)

    async def _answers(self, url: str, process: asyncio.subprocess.Process | None = None) -> None:
        async with asyncio.timeout(_SETTLED):
            while True:
                if process is not None and process.returncode is not None:
                    raise RuntimeError(f"a gateway ended: {process.returncode}")
                with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                    async with self.http.get(f"{url}/robots.txt", headers={"Host": HOST}) as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.05)

    async def kill(self, name: str) -> None:
        """Every process of machine *name* at once, as a loss of power ends them."""
        process = self.machines[name].process
        assert process is not None
        for pid in _tree(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await process.wait()

    def pause(self, name: str, number: signal.Signals) -> None:
        """Stop or continue every process of machine *name*."""
        process = self.machines[name].process
        assert process is not None
        for pid in _tree(process.pid):
            os.kill(pid, number)

    async def stop(self, name: str) -> None:
        """End machine *name* as an operator does."""
        process = self.machines[name].process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        await process.wait()

    async def buy(self, at: str, who: dict[str, str]) -> str:
        """A token, bought at *at*."""
        login = aiohttp.encode_basic_auth(who["client_id"], who["client_secret"])
        async with self.http.post(
            f"{at}/.licet/token",
            data={"grant_type": "client_credentials", "resource": f"http://{HOST}/essays/"},
            headers={"Host": HOST, "Authorization": login},
        ) as answer:
            told = await answer.json(content_type=None)
            if answer.status != 200:
                raise RuntimeError(f"no token: {told}")
            return str(told["access_token"])

    async def _bought(self, at: str, who: dict[str, str]) -> str:
        """A token; what is not sold at once, because a store or another machine is in the way, is asked for again."""
        async with asyncio.timeout(_SETTLED):
            while True:
                with contextlib.suppress(RuntimeError, aiohttp.ClientError, TimeoutError, OSError):
                    return await self.buy(at, who)
                await asyncio.sleep(0.2)

    async def ask(self, url: str, path: str, token: str = "") -> tuple[str, str]:
        """Fetch; the status, or how it broke, and the record that a whole answer names."""
        headers = {"Host": HOST, "User-Agent": CRAWLER if token else PERSON}
        if token:
            headers["Authorization"] = f"License {token}"
        try:
            async with self.http.get(url + path, headers=headers) as answer:
                await answer.read()
                return str(answer.status), answer.headers.get("Licet-Record", "")
        except TimeoutError:
            return "no answer", ""
        except (aiohttp.ClientError, OSError):
            return "broke off", ""

    @contextlib.asynccontextmanager
    async def load(self, crawlers: int = 5) -> AsyncIterator[None]:
        """A crawler with several connections, somebody who reads, and whoever watches the log."""
        stop = asyncio.Event()
        tasks = [asyncio.create_task(self._crawl(stop)) for _ in range(crawlers)]
        tasks += [asyncio.create_task(self._read(stop)), asyncio.create_task(self._watch(stop))]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)

    async def _crawl(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._number += 1
            page = self._number
            self.told.pages.add(page)
            # Every third page is asked for twice at once: the load balancer gives that to both.
            asks = 2 if page % 3 == 0 else 1
            await asyncio.gather(*(self._fetched(page, stop) for _ in range(asks)))
            await asyncio.sleep(0.01)

    async def _fetched(self, page: int, stop: asyncio.Event) -> None:
        while True:
            status, record = await self.ask(self.front, f"/essays/{page}", self.token)
            self.told.statuses[status] += 1
            if status == "200":
                self.told.acknowledged.append(record)
                return
            if stop.is_set():
                return
            await asyncio.sleep(0.1)

    async def _read(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            status, _ = await self.ask(self.front, "/about")
            self.told.people[status] += 1
            await asyncio.sleep(0.05)

    async def _watch(self, stop: asyncio.Event) -> None:
        key = own_key(self.machines["a"].data)
        assert key is not None
        while not stop.is_set():
            for machine in self.machines.values():
                with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                    async with self.http.get(
                        f"{machine.url}/.licet/log/checkpoint",
                        headers={"Host": HOST},
                        timeout=aiohttp.ClientTimeout(1),
                    ) as answer:
                        if answer.status == 200:
                            head = read(await answer.text(), key)
                            self.told.heads[head.size].add(head.root)
            await asyncio.sleep(0.15)

    async def doomed(self, by: str) -> str:
        """A token that will be revoked, bought at machine *by*, which both know and have set something aside for."""
        self._doomed = token = await self._bought(self.machines[by].url, self._revoked)
        for machine in self.machines.values():
            await self.ask(machine.url, "/essays/held", token)
        return token

    async def revoked(self, by: str, seconds: float) -> None:
        """Revoke a token at machine *by*, and use it everywhere for *seconds*; `Told.late` counts what it still bought."""
        import jwt

        token = self._doomed or await self.doomed(by)
        self._doomed = ""
        (detail,) = jwt.decode(token, options={"verify_signature": False})["authorization_details"]
        await self.licet(by, "licenses", "revoke", detail["license"], "--yes")
        until = time.monotonic() + 1.0
        await asyncio.sleep(1.0)
        async with asyncio.TaskGroup() as group:
            for machine in self.machines.values():
                group.create_task(self._late(machine, token, until + seconds))

    async def _late(self, machine: Machine, token: str, until: float) -> None:
        while time.monotonic() < until:
            status, _ = await self.ask(machine.url, "/essays/held", token)
            self.told.late += status == "200"
            await asyncio.sleep(0.05)


@dataclass
class Verdict:
    """What a fault did, in counts; *twice* were paid twice and credited back."""

    acknowledged: int = 0
    lost: int = 0
    double: int = 0
    twice: int = 0
    forks: int = 0
    late: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    reconcile: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing that must be 0 is not."""
        return not (self.lost or self.double or self.forks or self.late or self.reconcile)


async def judged(world: World, *, reconcile: bool = True) -> Verdict:
    """Hold the books against what was answered, once they have had time to come to rest."""
    until, found = time.monotonic() + _SETTLED, None
    while found is None or ((found.lost or found.double) and time.monotonic() < until):
        with contextlib.suppress(StoreUnavailable):
            found = _counted(world.told, await _books(world.url))
        if found is None and time.monotonic() > until + 10:
            raise RuntimeError("the books cannot be read")
        await asyncio.sleep(0.25)
    found.forks += await _forked(world)
    if reconcile:
        for name in world.machines:
            told = json.loads(await world.licet(name, "reconcile", "--json"))
            found.reconcile += [
                f"{name}: {each['name']}: {each['faults'][:2]}"
                for each in told["comparisons"]
                if not each["ok"]
            ]
    return found


async def _books(url: str) -> Any:
    """Everything that the database holds; raises `StoreUnavailable`."""
    database = await Postgres.open(url, lines=2, upgrade=False)
    try:
        return await SqliteLedger(database).books()
    finally:
        await database.close()


def _counted(told: Told, books: Any) -> Verdict:
    entries = [booked.entry for booked in books.entries]
    fetches = {each.id: each for each in entries if isinstance(each, FetchRecord)}
    back = Counter[str]()
    for each in entries:
        if isinstance(each, BookEntry) and each.kind_of == "reversal":
            back[each.reference] += each.amount_micros
    net, paid = Counter[str](), Counter[str]()
    for record in fetches.values():
        if record.charged_micros:
            net[record.path, record.license] += record.charged_micros - back[record.id]
            paid[record.path, record.license] += 1
    posted = Counter(posting.entry_id for posting in books.postings if posting.code == "fetch")
    return Verdict(
        acknowledged=len(told.acknowledged),
        lost=len(set(told.acknowledged) - fetches.keys()),
        double=sum(micros > PRICE for micros in net.values()) + sum(times > 1 for times in posted.values()),
        twice=sum(times > 1 for times in paid.values()),
        forks=sum(len(roots) > 1 for roots in told.heads.values()),
        late=told.late,
        answers=dict(sorted(told.statuses.items())),
        people=dict(sorted(told.people.items())),
    )


async def _forked(world: World) -> int:
    """How many of both machines' logs do not continue every head that anybody was shown."""
    forks = 0
    for machine in world.machines.values():
        key = own_key(machine.data)
        assert key is not None
        last = read((machine.data / "log" / "checkpoint").read_text(), key).size
        seen = [
            type(read((machine.data / "log" / "checkpoint").read_text(), key))(
                key.name, size, next(iter(roots))
            )
            for size, roots in world.told.heads.items()
            if size <= last
        ]
        forks += not (await audit_log(reader(str(machine.data / "log")), key, earlier=seen)).ok
    return forks


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        for pid in _tree(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await process.wait()


def _tree(root: int) -> list[int]:
    """*root* and every process below it."""
    parents: dict[int, list[int]] = defaultdict(list)
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                parents[int((each / "stat").read_text().rpartition(")")[2].split()[1])].append(int(each.name))
    found = [root]
    for pid in found:
        found += parents[pid]
    return found
