"""`licet serve` as several processes: each of them killed, replaced and stopped while clients are served."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from gateway.app import running
from gateway.app.channel import asked
from gateway.app.supervisor import Supervisor
from gateway.app.zygote import Zygote
from gateway.config import read_config
from gateway.problems import StoreUnavailable
from gateway.provenance.writers import lives, writer_of
from gateway.store.sqlite.database import Database

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
ROOT = Path(__file__).resolve().parents[2]
PERSON = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html",
    "Accept-Language": "de",
}


@dataclass
class Tree:
    """The processes of one running gateway, as its office tells them."""

    one: object
    data: Path

    @property
    def pid(self) -> int:
        return self.one.process.pid

    async def processes(self) -> dict[str, int]:
        """Role to process id."""
        run = json.loads((self.data / "licet.lock").read_text())["run"]
        return {each["role"]: each["pid"] for each in await asked(Path(run) / "office", "processes")}

    async def kill(self, role: str) -> int:
        """`kill -9` one process; returns the id it had."""
        pid = (await self.processes())[role]
        os.kill(pid, signal.SIGKILL)
        return pid

    async def again(self, role: str, but: int) -> None:
        """Wait until *role* is another process than *but*, and told the office so."""
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(StoreUnavailable):
                    if (await self.processes()).get(role, but) != but:
                        return
                await asyncio.sleep(0.02)


@dataclass
class Load:
    """People who read without a pause: each answer by its status, each failure by its kind."""

    front: str
    counts: Counter[str] = field(default_factory=Counter)
    ending: bool = False

    async def keep_alive(self) -> None:
        """One client that keeps its connection."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            while not self.ending:
                await self._once(http, "kept")

    async def anew(self) -> None:
        """A client that connects for each request."""
        while not self.ending:
            async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
                await self._once(http, "new")

    async def _once(self, http: aiohttp.ClientSession, kind: str) -> None:
        try:
            # POST is never repeated by the client itself: what fails is seen.
            async with http.post(f"{self.front}/essays/x", data=b"a", headers=PERSON) as answer:
                await answer.read()
                self.counts[f"{kind} {answer.status}"] += 1
        except (aiohttp.ClientError, ConnectionError) as error:
            self.counts[f"{kind} {type(error).__name__}"] += 1

    @property
    def failed(self) -> dict[str, int]:
        """Whatever was no 200."""
        return {name: count for name, count in self.counts.items() if not name.endswith(" 200")}

    async def until(self, more: int) -> None:
        """Wait until *more* requests were answered."""
        wanted = self.counts.total() + more
        async with asyncio.timeout(30):
            while self.counts.total() < wanted:
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def loaded(front: str, clients: int = 4) -> AsyncIterator[Load]:
    """People fetch while the block runs."""
    load = Load(front)
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(load.keep_alive())
            group.create_task(load.anew())
        try:
            yield load
        finally:
            load.ending = True


@pytest.fixture
def tree(licet, origin):
    """Starts a gateway of two workers: `await tree()`."""

    async def start(*args, mode: str = "enforce") -> Tree:
        data = licet.write_site(origin.url, mode=mode)
        file = data / "sites" / "journal.toml"
        file.write_text(file.read_text().replace("max_fetches = 3\n", ""))
        return Tree(await licet.serve("--workers", 2, *args), data)

    return start


async def fetched(http, one, token: str = "", path: str = "/essays/tides") -> tuple[int, str, str]:
    """Status, code of the refusal, and what the record says was owed."""
    headers = {"User-Agent": GPTBOT, "X-Country": "DE", "Connection": "close"}
    if token:
        headers["Authorization"] = f"License {token}"
    async with http.get(one.front + path, headers=headers) as answer:
        body = await answer.read()
        code = json.loads(body)["code"] if answer.status >= 400 else ""
        return answer.status, code, answer.headers.get("Licet-Record", "")


async def until(wanted, act) -> None:
    """Repeat *act* until it gives *wanted*."""
    async with asyncio.timeout(20):
        while (got := await act()) != wanted:
            assert got is not None
            await asyncio.sleep(0.02)


async def test_a_worker_that_is_killed_costs_only_what_it_had_in_hand(tree) -> None:
    here = await tree()
    async with loaded(here.one.front) as load:
        await load.until(100)
        assert load.failed == {}
        killed = await here.kill("w1")
        await here.again("w1", but=killed)
        await load.until(100)
    # Each client has one request in flight, and only those can have been in the worker's hands.
    assert sum(load.failed.values()) <= 8, load.counts
    assert "process=w1" in here.one.told
    assert (await here.processes()).keys() == {"office", "w1", "w2"}
    assert await here.one.stop() == 0


async def test_without_its_office_people_are_served_and_licenses_wait_for_it(tree, http, sell) -> None:
    here = await tree()
    sold = await sell(here.one)
    async with loaded(here.one.front, 2) as load:
        await load.until(20)
        killed = (await here.processes())["office"]
        # A dead office would be back too soon to see what happens without.
        os.kill(killed, signal.SIGSTOP)
        await until((503, "revocations-stale"), lambda: first_two(fetched(http, here.one, sold.token)))
        await load.until(50)
        os.kill(killed, signal.SIGKILL)
        await here.again("office", but=killed)
        await until(200, lambda: first(fetched(http, here.one, sold.token, "/essays/reefs")))
        await load.until(20)
    assert load.failed == {}
    assert await here.one.stop() == 0


async def test_a_worker_that_starts_without_an_office_serves_people_and_nobody_under_license(
    tree, http, sell
) -> None:
    here = await tree()
    sold = await sell(here.one)
    running = await here.processes()
    os.kill(running["office"], signal.SIGSTOP)
    for role in ("w1", "w2"):
        os.kill(running[role], signal.SIGKILL)

    async def person() -> int:
        try:
            async with http.get(here.one.front + "/essays/x", headers=PERSON) as answer:
                return answer.status
        except aiohttp.ClientError:
            return 0

    await until(200, person)
    assert (await fetched(http, here.one, sold.token))[0] == 503
    assert (await fetched(http, here.one))[0] == 402
    os.kill(running["office"], signal.SIGCONT)
    await until(200, lambda: first(fetched(http, here.one, sold.token)))
    assert await here.one.stop() == 0


@pytest.mark.parametrize("moment", ["", "office replaced", "worker replaced"])
async def test_a_stop_in_the_middle_of_a_restart_ends_every_process(tree, moment) -> None:
    here = await tree()
    here.one.signal(signal.SIGUSR2)
    await here.one.says(moment)
    children = list(children_of(here.pid))
    assert len(children) >= 3
    assert await here.one.stop() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)


async def first(fetching):
    return (await fetching)[0]


async def first_two(fetching):
    return (await fetching)[:2]


def children_of(pid: int) -> dict[int, bytes]:
    """The command lines of a process's children, told by the system."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with contextlib.suppress(OSError):
            found[int(child)] = Path(f"/proc/{child}/cmdline").read_bytes()
    return found


async def _restarted(here: Tree, times: int) -> Load:
    async with loaded(here.one.front) as load:
        for _ in range(times):
            before, seen = await here.processes(), len(here.one.told)
            here.one.signal(signal.SIGUSR2)
            await here.one.says("worker replaced", seen, times=2)
            await load.until(20)
            after = await here.processes()
            assert before.keys() == after.keys()
            assert not set(before.values()) & set(after.values())
    return load


@pytest.mark.timeout(240)
async def test_restarts_lose_no_request(tree) -> None:
    here = await tree()
    load = await _restarted(here, 10)
    assert load.failed == {}, load.counts
    assert await here.one.stop() == 0
    # Nobody who was served by a worker that is gone was forgotten.
    database = await Database.open(here.data / "licet.db")
    counted = await database.read(lambda db: db.execute("SELECT sum(count) FROM audience").get)
    await database.close()
    assert counted == load.counts.total()


@pytest.mark.night
@pytest.mark.timeout(1200)
async def test_a_hundred_restarts_lose_no_request(tree) -> None:
    here = await tree()
    load = await _restarted(here, 50)
    print(load.counts)
    assert load.failed == {}, load.counts
    assert await here.one.stop() == 0


async def test_the_command_replaces_the_workers_and_says_when(tree, licet) -> None:
    here = await tree()
    before = await here.processes()
    done = await licet("restart", "--json")
    assert done.json == {"replaced": 2, "office": True}
    after = await here.processes()
    assert not set(before.values()) & set(after.values())
    assert (await licet("restart")).out == "replaced the office and 2 workers\n"
    assert await here.one.stop() == 0
    assert "no gateway runs on" in (await licet("restart", code=2)).err


@pytest.mark.timeout(240)
async def test_who_buys_or_fetches_under_a_license_during_a_restart_waits_for_the_office(
    tree, http, sell, licet
) -> None:
    here = await tree()
    sold, counts, ending = await sell(here.one), Counter(), asyncio.Event()

    async def buys() -> None:
        """Ask the desk, by GET and with a body."""
        while not ending.is_set():
            async with http.get(f"{here.one.front}/.licet/offers") as answer:
                counts["offers", answer.status, len(await answer.read()) > 0] += 1
            async with http.post(f"{here.one.front}/.licet/introspect", data={"token": sold.token}) as answer:
                # Who has no login may not ask, or not so often; but it is the desk that says so.
                counts["introspect", answer.status // 100, len(await answer.read()) > 0] += 1

    async def fetches() -> None:
        while not ending.is_set():
            status, code, _ = await fetched(http, here.one, sold.token)
            counts["fetch", status, code] += 1
            await asyncio.sleep(0.05)  # below the license's pace

    async with asyncio.TaskGroup() as group:
        for act in (buys, buys, fetches, fetches):
            group.create_task(act())
        try:
            for _ in range(3):
                await licet("restart")
        finally:
            ending.set()
    # A slow machine may need more than the second for which a worker trusts what it knows of revocations.
    stale = counts.pop(("fetch", 503, "revocations-stale"), 0)
    assert counts.keys() == {("offers", 200, True), ("introspect", 4, True), ("fetch", 200, "")}, counts
    assert counts["fetch", 200, ""] > stale
    assert await here.one.stop() == 0


async def test_one_reload_reaches_every_worker_and_a_bad_file_none(tree, http) -> None:
    here = await tree(mode="observe")
    file = here.data / "sites" / "journal.toml"
    was, seen = file.read_text(), len(here.one.told)
    file.write_text(was.replace('mode = "observe"', 'mode = "enforce"'))
    here.one.signal(signal.SIGHUP)
    await here.one.says("policies taken up", seen)
    assert {(await fetched(http, here.one))[0] for _ in range(40)} == {402}

    seen = len(here.one.told)
    file.write_text(was.replace('mode = "observe"', 'mode = "obscure"'))
    here.one.signal(signal.SIGHUP)
    assert "licet-data/sites/journal.toml: site.mode" in await here.one.says("not taken up", seen)
    # Whoever is started now still gets the last good policies.
    for role in ("w1", "office"):
        await here.again(role, but=await here.kill(role))
    assert {(await fetched(http, here.one))[0] for _ in range(40)} == {402}

    seen = len(here.one.told)
    file.write_text(was)
    await here.one.says("policies taken up", seen)
    assert {(await fetched(http, here.one))[0] for _ in range(40)} == {200}
    assert await here.one.stop() == 0


async def test_a_revocation_reaches_every_worker(tree, http, sell, licet) -> None:
    here = await tree()
    sold = await sell(here.one)
    assert (await fetched(http, here.one, sold.token))[0] == 200
    await licet("licensee", "suspend", sold.licensee)
    await until(401, lambda: first(fetched(http, here.one, sold.token)))
    async with asyncio.timeout(20):
        for _ in range(3):  # one more look of the office, and all know
            await asyncio.gather(*(fetched(http, here.one, sold.token) for _ in range(10)))
    assert {(await fetched(http, here.one, sold.token))[:2] for _ in range(40)} == {(401, "token-revoked")}
    assert await here.one.stop() == 0


async def test_a_page_paid_for_at_one_worker_is_free_at_every_other(tree, http, sell, licet) -> None:
    here = await tree()
    sold = await sell(here.one, pages=("tides",))
    for _ in range(2):  # and at one that starts later
        for _ in range(20):
            assert (await fetched(http, here.one, sold.token))[0] == 200
        await here.again("w1", but=await here.kill("w1"))
    assert await here.one.stop() == 0
    lines = (await licet("journal", "export")).out.splitlines()
    entries = [json.loads(line)["entry"] for line in lines]
    owed = Counter(entry["charge_reason"] for entry in entries if entry.get("path") == "/essays/tides")
    assert owed == {"fetch": 1, "read-before": 40}
    written = {path.name[:2] for path in (here.data / "journal").glob("w*.seg") if path.stat().st_size > 100}
    assert written == {"w1", "w2"}, "one worker alone served them all: nothing was tested"


async def test_the_last_unit_of_a_balance_is_sold_by_whichever_worker_is_asked(tree, http, licet) -> None:
    here = await tree()
    made = (await licet("licensee", "add", "Small Balance", "--credit", "0.12 USD", "--json")).json
    login = {"Authorization": aiohttp.encode_basic_auth(made["client_id"], made["client_secret"])}
    form = {"grant_type": "client_credentials", "resource": f"{here.one.front}/essays/"}
    async with http.post(f"{here.one.front}/.licet/token", data=form, headers=login) as answer:
        token = (await answer.json(content_type=None))["access_token"]
    seen = [await fetched(http, here.one, token, f"/essays/last-{number}") for number in range(25)]
    assert [status for status, _, _ in seen] == [200] * 24 + [402]
    written = {path.name[:2] for path in (here.data / "journal").glob("w*.seg") if path.stat().st_size > 100}
    assert written == {"w1", "w2"}, "one worker alone served them all: nothing was tested"
    assert await here.one.stop() == 0
    rows = {row["licensee"]: str(row) for row in (await licet("licensee", "list", "--json")).json}
    assert "'credit': '0 USD'" in rows[made["licensee"]], rows


async def test_what_a_killed_worker_was_paid_for_and_told_nobody_is_not_charged_again(
    tree, http, sell, licet
) -> None:
    here = await tree()
    sold = await sell(here.one, pages=("tides",))
    processes = await here.processes()
    for _ in range(20):  # both workers have credit set aside
        assert (await fetched(http, here.one, sold.token))[0] == 200
    before = sizes(here.data)
    os.kill(processes["office"], signal.SIGSTOP)  # it relays nothing, and reads no journal
    assert (await fetched(http, here.one, sold.token, "/essays/winds"))[0] == 200
    (wrote,) = (name for name, size in sizes(here.data).items() if size != before.get(name))
    os.kill(processes[wrote[:2]], signal.SIGKILL)
    async with asyncio.timeout(20):
        while lives(here.data / "journal", writer_of(wrote)):
            await asyncio.sleep(0)
    again = asyncio.ensure_future(fetched(http, here.one, sold.token, "/essays/winds"))
    await asyncio.wait((again,), timeout=0.3)
    os.kill(processes["office"], signal.SIGCONT)
    if (await again)[0] != 200:  # the office was away for too long
        await until(200, lambda: first(fetched(http, here.one, sold.token, "/essays/winds")))
    assert await here.one.stop() == 0
    lines = (await licet("journal", "export")).out.splitlines()
    entries = [json.loads(line)["entry"] for line in lines]
    owed = Counter(entry["charge_reason"] for entry in entries if entry.get("path") == "/essays/winds")
    assert owed["fetch"] == 1, owed
    assert owed["read-before"] == 1, owed


def sizes(data: Path) -> dict[str, int]:
    """Of each worker's journal."""
    return {path.name: path.stat().st_size for path in (data / "journal").glob("w*.seg")}


async def test_a_supervisor_that_is_killed_takes_all_with_it_and_the_next_starts_at_once(
    tree, licet, http
) -> None:
    here = await tree()
    run = Path(json.loads((here.data / "licet.lock").read_text())["run"])
    assert (await fetched(http, here.one))[0] == 402
    os.kill(here.pid, signal.SIGKILL)
    await here.one.process.wait()
    # Every process had the lock: it starts once the last of them is gone.
    again = await licet.serve("--workers", 2)
    assert not run.exists()
    assert (await fetched(http, again))[0] == 402
    assert await again.stop() == 0
    assert "Traceback" not in again.told


async def test_workers_that_end_after_their_office_end_quietly_with_what_they_wrote(
    tree, http, sell, licet
) -> None:
    here = await tree()
    sold = await sell(here.one, pages=("tides",))
    processes = await here.processes()
    office = processes.pop("office")
    # Stopped, no worker can return the credit it set aside before the book is gone.
    for pid in processes.values():
        os.kill(pid, signal.SIGSTOP)
    os.kill(here.pid, signal.SIGKILL)
    async with asyncio.timeout(20):
        while Path(f"/proc/{office}/fd/0").exists():
            await asyncio.sleep(0.02)
    for pid in processes.values():
        os.kill(pid, signal.SIGCONT)
    await here.one.ended()
    assert "Traceback" not in here.one.told
    exported = (await licet("journal", "export")).out
    assert all(record in exported for record in sold.records)


async def test_a_gateway_that_is_killed_for_good_leaves_no_sockets_behind(tree) -> None:
    here = await tree()
    run = Path(json.loads((here.data / "licet.lock").read_text())["run"])
    os.kill(here.pid, signal.SIGKILL)
    await here.one.process.wait()
    async with asyncio.timeout(20):
        while run.exists() or running(here.data) is not None:
            await asyncio.sleep(0.02)
    assert not run.exists()
    assert running(here.data) is None


async def test_doctor_tells_every_process_and_its_memory(tree, licet) -> None:
    here = await tree()
    found = {each["what"]: each["fact"] for each in (await licet("doctor", "--json")).json}
    assert found.keys() >= {"supervisor", "office", "w1", "w2"}
    for role in ("supervisor", "office", "w1", "w2"):
        pid, memory = found[role].split(", ")[:2]
        assert int(pid.removeprefix("process "))
        assert 1 < float(memory.removesuffix(" MB")) < 500
    assert "0 connections" in found["w1"]
    assert await here.one.stop() == 0


async def test_a_zygote_that_is_killed_is_replaced_once_a_process_is_needed(tree) -> None:
    here = await tree()
    names = {pid: Path(f"/proc/{pid}/comm").read_text() for pid in children_of(here.pid)}
    (zygote,) = (pid for pid, name in names.items() if name == "licet zygote\n")
    async with loaded(here.one.front) as load:
        os.kill(zygote, signal.SIGKILL)
        await load.until(50)
    assert load.failed == {}
    killed = await here.kill("w1")
    await here.again("w1", but=killed)
    assert "process=zygote" in here.one.told
    assert await here.one.stop() == 0


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with a copy of the program, which a test may change."""
    place = tmp_path / "installed"
    shutil.copytree(ROOT / "gateway", place / "gateway")
    for name in ("policies", "static"):
        (place / name).symlink_to(ROOT / name)
    return place


async def test_workers_that_are_replaced_run_the_program_that_is_installed_by_then(
    licet, origin, http, installed
) -> None:
    licet.write_site(origin.url)
    one = await licet.serve("--workers", 1, env={"PYTHONPATH": str(installed)})
    here = Tree(one, licet.folder / "licet-data")

    async def refused() -> str:
        async with http.get(one.front + "/essays/tides", headers={"User-Agent": GPTBOT}) as answer:
            return (await answer.json())["title"]

    was = await refused()
    file = installed / "gateway" / "problems.py"
    before = file.read_text()
    assert f'"{was}"' in before
    file.write_text(before.replace(f'"{was}"', '"Upgraded"'))
    # Whoever dies before the restart comes back as what runs: one gateway is of one version.
    await here.again("w1", but=await here.kill("w1"))
    assert await refused() == was
    await licet("restart")
    assert await refused() == "Upgraded"
    await here.again("w1", but=await here.kill("w1"))
    assert await refused() == "Upgraded"

    # A program that does not start replaces nobody, and who dies still comes back.
    processes = await here.processes()
    (installed / "gateway" / "app" / "worker.py").write_text("an upgrade that was broken off")
    one.signal(signal.SIGUSR2)
    await one.says("the old one goes on")
    assert await here.processes() == processes
    await here.again("w1", but=await here.kill("w1"))
    await here.again("office", but=await here.kill("office"))
    assert await refused() == "Upgraded"
    assert "SyntaxError" in one.told
    one.told = ""  # it is the one traceback that may be there
    assert await one.stop() == 0


@pytest.mark.parametrize("forks", [True, False])
@pytest.mark.parametrize("victims", [{"office": 1}, {"office": 3, "worker": 5}])
async def test_processes_that_are_killed_while_a_gateway_starts_are_started_again(
    licet, origin, victims, forks, monkeypatch
):
    if not forks:  # as where no process can adopt another's
        monkeypatch.setattr(Zygote, "usable", lambda: False)
    data = licet.write_site(origin.url, mode="enforce")
    flags = {"listen.port": 0, "dashboard.port": 0, "workers.count": 2}
    supervisor = Supervisor(read_config(data, flags=flags), drain=0)
    spawned, left = supervisor._spawned, dict(victims)

    async def killed_at_first(role, name):
        process = await spawned(role, name)
        if left.get(role):
            left[role] -= 1
            process._process.kill()
        return process

    supervisor._spawned = killed_at_first
    addresses = await supervisor.start()
    try:
        async with aiohttp.ClientSession() as http, http.get(f"{addresses.front}/essays/x") as answer:
            assert answer.status == 200
        assert set(left.values()) == {0}
    finally:
        await supervisor.stop(0)
