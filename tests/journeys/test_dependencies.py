"""When a dependency is down: each row of the table in `front.exchange`, pulled on a running gateway.

Whatever is pulled: people are served, everybody else is told what the table
says, nothing is charged that was not delivered and recorded, and afterwards the
files, the rows, the postings and the purses agree.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import apsw
import pytest

from gateway.app import Licet
from gateway.cli.auditing import full_audit
from gateway.cli.books import open_books
from gateway.clock import HandClock
from gateway.config import read_config
from gateway.dashboard.pages import JOURNAL
from gateway.licenses.revocations import OLDEST
from gateway.money import Money
from gateway.provenance.append_file import Disk
from gateway.provenance.audit import export_entries
from gateway.store.sqlite.audience import SqliteAudience

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
GOOGLES_ADDRESS = {"X-Forwarded-For": "66.249.66.1"}
CREDIT = Money.read("10 USD")
PRICE = Money.read("0.005 USD")

USUAL = {"person": "200", "free": "200", "unlicensed": "402 license-required", "licensed": "200"}
JOURNAL_DOWN = {**USUAL, "free": "503 journal-unavailable", "licensed": "503 journal-unavailable"}

#: One offer without a budget: nothing here is about that.
POLICY = """
otherwise = "serve"
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "{mode}"
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
when = {{ purpose = "search" }}
then = "serve"
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training"] }}
[[rules]]
then = "serve"
"""


@dataclass
class Site:
    """A running gateway, and a licensee with a token for its essays."""

    one: Any
    licensee: str
    client: str
    secret: str
    token: str
    pages: Iterator[int] = field(default_factory=lambda: iter(range(1000)))

    async def told(self, path: str = "") -> dict[str, str]:
        """What each kind of visitor is answered: the status, and the code where it is a refusal of ours."""
        return {who: (await self.ask(who, path))[0] for who in USUAL}

    async def ask(self, who: str, path: str = "") -> tuple[str, aiohttp.ClientResponse]:
        """One answer; for the licensed of a page that was never read before, unless *path* is given."""
        path = path or f"/essays/{next(self.pages)}"
        match who:
            case "person":
                answer = await self.one.get(path)
            case "free":
                answer = await self.one.get(path, GOOGLEBOT, headers=GOOGLES_ADDRESS)
            case "unlicensed":
                answer = await self.one.get(path, GPTBOT)
            case _:
                answer = await self.one.get(path, GPTBOT, token=self.token)
        if not answer.headers.get("Content-Type", "").startswith("application/problem+json"):
            return str(answer.status), answer
        facts = json.loads(await answer.read())
        if answer.status == 503:
            assert int(answer.headers["Retry-After"]) > 0
        return f"{answer.status} {facts['code']}", answer

    async def available(self) -> Money:
        """What the licensee could spend at this moment, less what fetches under way may cost."""
        await self.one.licet.front.till.close()
        return await self.one.licet.book.available(self.licensee, "USD")

    async def closed(self, *, charged: tuple[Money, ...] = ()) -> None:
        """Stop, and hold everything on the disk against everything: *charged* and no more."""
        await self.one.licet.stop(0)
        assert not self.one.licet.front.till._taken, "a charge was taken and never ended"
        found = await full_audit(self.one.folder)
        assert found.good, found.lines()
        assert found.books.charged == charged
        spent = sum(money.micros for money in charged)
        async with open_books(self.one.folder) as books:
            left = await books.spend_book.available(self.licensee, "USD")
        assert left == Money(CREDIT.micros - spent, "USD")

    async def restarted(self, more: str) -> None:
        """Start the same data folder again with *more* in its licet.toml."""
        await self.one.licet.stop(0)
        file = self.one.folder / "licet.toml"
        file.write_text(file.read_text() + more)
        self.one.licet = Licet(read_config(self.one.folder))
        addresses = await self.one.licet.start()
        self.one.front = addresses.front
        await self.bought()

    async def bought(self) -> None:
        """Buy a token for where the gateway is now."""
        bought = await self.one.token(self.client, self.secret)
        assert bought["status"] == 200, bought
        self.token = bought["access_token"]

    def leads_to(self, url: str) -> None:
        """Put another origin behind the site."""
        file = self.one.folder / "sites" / "journal.toml"
        file.write_text(file.read_text().replace(self.one.origin.url, url))
        assert self.one.licet.reload() == ()


@pytest.fixture
def site(world, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """Starts a gateway with somebody who can buy: `await site(mode="enforce")`.

    Where no clock is held still, revocations do not age: a machine that is busy
    with other things for a second must not look like a feed that is down.
    """
    if "still" not in request.fixturenames:
        monkeypatch.setattr("gateway.licenses.revocations.OLDEST", 600.0)

    async def start(mode: str = "enforce") -> Site:
        one = await world(mode=mode, policy=POLICY)
        made = Site(one, *await one.licensee("10 USD"), token="")
        if mode != "observe":
            await made.bought()
        return made

    return start


@pytest.fixture
def still(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> HandClock:
    """The clock of every gateway that starts now: it moves only when told."""
    monkeypatch.setattr("gateway.app.office.SystemClock", lambda: clock)
    return clock


class FlakyDisk(Disk):
    """A disk that fails where told, until it is mended; cutting a file back always works."""

    def __init__(self) -> None:
        self.fails: dict[str, int] = {}

    def write(self, descriptor: int, octets: memoryview) -> int:
        self._check("write")
        return super().write(descriptor, octets)

    def sync(self, descriptor: int) -> None:
        self._check("sync")
        super().sync(descriptor)

    def _check(self, act: str) -> None:
        if act in self.fails:
            raise OSError(self.fails[act], os.strerror(self.fails[act]))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> FlakyDisk:
    """The disk under the journal of every gateway that starts now."""
    flaky = FlakyDisk()
    monkeypatch.setattr("gateway.provenance.journal.Disk", lambda: flaky)
    return flaky


async def until_room(site: Site, *, paid: bool, wanted: bool) -> None:
    """Wait until the journal's writer has looked at its disk."""
    async with asyncio.timeout(20):
        while site.one.licet.journal.room(paid=paid) is not wanted:
            await asyncio.sleep(0.01)


async def test_nothing_is_down(site) -> None:
    one = await site()
    assert await one.told() == USUAL
    await one.closed(charged=(PRICE,))


# The spend book.


async def test_a_locked_spend_book_stops_the_licensed_alone(site) -> None:
    one = await site()
    other = apsw.Connection(str(one.one.folder / "licet.db"))
    other.execute("BEGIN EXCLUSIVE")
    try:
        waiting = asyncio.create_task(one.ask("licensed"))
        rest = {who: (await one.ask(who))[0] for who in ("person", "free", "unlicensed")}
        told, answer = await waiting
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert {**rest, "licensed": told} == {**USUAL, "licensed": "503 spend-book-unavailable"}
    assert "licet.db" not in await answer.text()
    assert len(one.one.origin.seen) == 2, "the person's request and the free one"
    assert await one.told() == USUAL
    await one.closed(charged=(PRICE,))


async def test_a_closed_spend_book_stops_the_licensed_and_the_desk(site, still: HandClock) -> None:
    one = await site()
    await one.one.licet.database.close()
    assert await one.told() == {**USUAL, "licensed": "503 spend-book-unavailable"}
    refused = await one.one.token(one.client, one.secret)
    assert (refused["status"], refused["error"]) == (503, "server_error")
    still.advance(OLDEST + 0.001)
    assert await one.told() == {**USUAL, "licensed": "503 revocations-stale"}
    await one.closed()


# Revocations.


async def test_revocations_that_are_too_old_stop_the_licensed_alone(site, still: HandClock) -> None:
    one = await site()
    (look,) = (task for task in one.one.licet._tasks if task.get_name() == "look")
    look.cancel()
    await asyncio.wait([look])
    await one.one.licet._look()
    still.advance(OLDEST)
    assert await one.told() == USUAL
    still.advance(0.001)
    assert await one.told() == {**USUAL, "licensed": "503 revocations-stale"}
    await one.one.licet._look()
    assert await one.told() == USUAL
    await one.closed(charged=(Money(2 * PRICE.micros, "USD"),))


# The journal.


@pytest.mark.parametrize(
    "fails",
    [{"sync": errno.EIO}, {"write": errno.ENOSPC}, {"write": errno.EROFS, "sync": errno.EIO}],
    ids=str,
)
@pytest.mark.parametrize("page", ["/essays/tides", "/essays/big"])
async def test_the_last_byte_of_what_cannot_be_recorded_never_leaves(
    site, disk: FlakyDisk, fails: dict[str, int], page: str
) -> None:
    one = await site()
    whole = len(await (await one.one.get(page)).read())
    disk.fails = fails
    assert one.one.licet.journal.room(paid=True), "nobody knows yet that the disk is broken"
    if page == "/essays/tides":  # all of it was at hand, and nothing of it had left
        answer = await one.one.get(page, GPTBOT, token=one.token)
        assert (answer.status, answer.headers["Crawler-Error"]) == (503, "InternalError")
    else:
        received = 0
        with pytest.raises(aiohttp.ClientError):
            async with one.one.http.get(
                one.one.front + page,
                headers={"User-Agent": GPTBOT, "X-Country": "DE", "Authorization": f"License {one.token}"},
            ) as answer:
                assert answer.status == 200
                async for piece in answer.content.iter_any():
                    received += len(piece)
        assert received < whole
    assert await one.available() == CREDIT, "the charge went back"
    assert await one.told() == JOURNAL_DOWN
    assert await one.available() == CREDIT

    disk.fails = {}
    await until_room(one, paid=False, wanted=True)
    assert (await one.ask("licensed", page))[0] == "200", "and now it is paid for: the first time was not"
    assert (await one.ask("licensed", page))[0] == "200"
    assert await one.told() == USUAL
    await one.closed(charged=(Money(2 * PRICE.micros, "USD"),))


async def test_a_head_that_cannot_be_recorded_is_a_503(site, disk: FlakyDisk) -> None:
    one = await site()
    disk.fails = {"sync": errno.EIO}
    answer = await one.one.get("/essays/tides", GPTBOT, token=one.token, method="HEAD")
    assert (answer.status, answer.headers["Crawler-Error"]) == (503, "InternalError")
    assert "Licet-Record" not in answer.headers
    assert await one.available() == CREDIT
    await one.closed()


@pytest.mark.parametrize(("mode", "wanted"), [("enforce", "503 journal-unavailable"), ("offer", "200")])
async def test_a_lease_that_came_too_late_goes_back(site, disk: FlakyDisk, mode: str, wanted: str) -> None:
    one = await site(mode)
    book = one.one.licet.book
    lease = book.lease

    async def slow(*asked: Any) -> Any:
        held = await lease(*asked)
        disk.fails = {"write": errno.EIO}
        await one.ask("unlicensed")
        await until_room(one, paid=True, wanted=False)
        return held

    book.lease = slow
    assert (await one.ask("licensed"))[0] == wanted
    async with asyncio.timeout(20):
        while await one.available() != CREDIT:
            await asyncio.sleep(0.01)
    await one.closed()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A journal folder on a disk of its own of 8 MiB; needs the right to mount."""
    folder = tmp_path / "data" / "journal"
    folder.mkdir(parents=True)
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_a_disk_that_fills_keeps_its_last_part_for_the_licensed(small_disk: Path, site) -> None:
    one = await site()
    filler = small_disk / "filler"

    def leave(octets: int) -> None:
        filler.unlink(missing_ok=True)
        stat = os.statvfs(small_disk)
        filler.write_bytes(bytes(stat.f_bavail * stat.f_frsize - octets))

    leave(3 << 19)  # between the reserve of 1 MiB and twice of it
    await until_room(one, paid=False, wanted=False)
    assert await one.told() == {**USUAL, "free": "503 journal-unavailable"}
    leave(1 << 19)
    await until_room(one, paid=True, wanted=False)
    assert await one.told() == JOURNAL_DOWN
    assert "reserve" in one.one.licet.status()[JOURNAL]
    filler.unlink()
    await until_room(one, paid=False, wanted=True)
    assert await one.told() == USUAL
    await one.closed(charged=(Money(2 * PRICE.micros, "USD"),))

    written = [(each["kind"], each["entry"]) for each in export_entries(small_disk)]
    shed = sum(entry["count"] for kind, entry in written if kind == "shed")
    fetched = [entry["outcome"] for kind, entry in written if kind == "fetch"]
    assert shed == 5, "a free and an unlicensed crawler twice, and the licensed one that was refused"
    assert sorted(fetched) == ["free", "licensed", "licensed", "refused"]
    async with open_books(one.one.folder) as books:
        people = await SqliteAudience(books.database).totals(0, 2**40)
    assert [(row.group, row.status, row.count) for row in people] == [("/essays/", 200, 3)]


async def test_an_unpaid_record_that_is_shed_leaves_no_charge_behind(
    small_disk: Path, site, closed_port: str
) -> None:
    one = await site()
    stat = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(bytes(stat.f_bavail * stat.f_frsize - (3 << 19)))
    await until_room(one, paid=False, wanted=False)
    one.leads_to(closed_port)
    assert (await one.ask("licensed"))[0] == "502 origin-unreachable"
    assert await one.available() == CREDIT
    (small_disk / "filler").unlink()
    await one.closed()


# The origin.


@pytest.fixture
def closed_port() -> Iterator[str]:
    """A URL that refuses connections: its port is taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
async def rude() -> AsyncIterator[Any]:
    """Starts servers that answer with the octets given, or with nothing ever: `await rude(b"…")`."""
    servers = []
    ended = asyncio.Event()

    async def start(octets: bytes | None) -> str:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            if octets is None:
                await ended.wait()
            else:
                writer.write(octets)
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    ended.set()
    for server in servers:
        server.close()
        await server.wait_closed()


async def _all_but_the_unlicensed(one: Site, wanted: str) -> None:
    page = wanted.partition(" ")[0]  # a person is shown a page, which has no code
    assert await one.told() == {
        "person": page, "free": wanted, "licensed": wanted, "unlicensed": USUAL["unlicensed"],
    }  # fmt: skip
    assert await one.available() == CREDIT, "the charge went back"
    await one.closed()


async def test_an_origin_that_cannot_be_reached_costs_nothing(site, closed_port: str) -> None:
    one = await site()
    one.leads_to(closed_port)
    await _all_but_the_unlicensed(one, "502 origin-unreachable")


@pytest.mark.parametrize(
    "octets", [b"", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"], ids=str
)
async def test_an_origin_that_speaks_nonsense_costs_nothing(site, rude, octets: bytes) -> None:
    one = await site()
    one.leads_to(await rude(octets))
    await _all_but_the_unlicensed(one, "502 origin-failed")


async def test_an_origin_that_says_nothing_is_a_504_and_costs_nothing(site, rude) -> None:
    one = await site()
    await one.restarted("[origin]\nfirst_byte = 0.2\n")
    one.leads_to(await rude(None))
    await _all_but_the_unlicensed(one, "504 origin-timeout")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_an_origin_in_trouble_speaks_for_itself_and_costs_nothing(site, rude, status: int) -> None:
    one = await site()
    one.leads_to(await rude(f"HTTP/1.1 {status} Trouble\r\nContent-Length: 7\r\n\r\ntrouble".encode()))
    assert await one.told() == {**dict.fromkeys(USUAL, str(status)), "unlicensed": USUAL["unlicensed"]}
    (record,) = (each for each in await one.one.records() if each["licensee"])
    assert (record["status"], record["charged_micros"], record["charge_reason"]) == (
        status,
        0,
        "not-delivered",
    )
    await one.closed()


async def test_what_the_origin_breaks_off_gives_the_charge_back_at_once(site, rude) -> None:
    one = await site()
    one.leads_to(await rude(b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b"x" * 69_999))
    with pytest.raises(aiohttp.ClientError):
        await one.ask("licensed")
    assert await one.available() == CREDIT
    await one.closed()


# The policy.


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda good: good.replace(b'mode = "enforce"', b'mode = "enfroce"'), "site.mode"),
        (lambda good: good + b"[offers.training", "TOML"),
        (lambda good: good + b"# \xff\n", ""),
        (lambda good: b"", ""),
        (lambda good: None, "no policy"),
    ],
    ids=["typo", "torn", "octets", "empty", "gone"],
)
async def test_a_policy_that_cannot_be_used_leaves_the_last_good_one(site, broken, words: str) -> None:
    one = await site()
    file = one.one.folder / "sites" / "journal.toml"
    good = file.read_bytes()
    spoiled = broken(good)
    if spoiled is None:
        file.unlink()
    else:
        file.write_bytes(spoiled)
    mistakes = one.one.licet.reload()
    assert mistakes
    assert words in "\n".join(map(str, mistakes))
    assert await one.told() == USUAL
    file.write_bytes(good.replace(b'mode = "enforce"', b'mode = "offer"'))
    assert one.one.licet.reload() == ()
    assert (await one.ask("unlicensed"))[0] == "200"
    await one.closed(charged=(PRICE,))


# The clock.


class Machine:
    """The machine's time, as `gateway.clock` asks for it."""

    def __init__(self) -> None:
        self.wall = 1_795_000_000_000_000_000
        self.mono = 1_000_000_000_000

    def time_ns(self) -> int:
        return self.wall

    def monotonic_ns(self) -> int:
        return self.mono

    def monotonic(self) -> float:
        return self.mono / 1e9

    def pass_by(self, seconds: int) -> None:
        self.wall += seconds * 10**9
        self.mono += seconds * 10**9


async def test_a_clock_stepped_back_revives_no_token(site, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    monkeypatch.setattr("gateway.clock.time", machine)
    one = await site()
    life = (await one.one.token(one.client, one.secret))["expires_in"]
    machine.pass_by(life - 1)
    await one.one.licet._look()
    assert await one.told() == USUAL
    machine.pass_by(120)
    await one.one.licet._look()
    expired = {**USUAL, "licensed": "401 token-expired"}
    assert await one.told() == expired
    machine.wall -= 2 * 86_400 * 10**9
    await one.one.licet._look()
    assert await one.told() == expired
    await one.bought()
    await one.one.licet._look()
    assert await one.told() == USUAL
    times = [record["time_us"] for record in await one.one.records()]
    assert times == sorted(times)
    await one.closed(charged=(Money(2 * PRICE.micros, "USD"),))


# Everything at once.


async def _pull_everything(one: Site, disk: FlakyDisk) -> None:
    disk.fails = {"write": errno.EIO, "sync": errno.EIO}
    await one.ask("unlicensed")  # whose record is the first that cannot be written
    await until_room(one, paid=True, wanted=False)
    await one.one.licet.database.close()


async def test_people_are_served_while_everything_is_down(site, disk: FlakyDisk) -> None:
    one = await site()
    before = await one.one.get("/essays/tides")
    await _pull_everything(one, disk)
    after = await one.one.get("/essays/tides")
    assert (after.status, await after.read()) == (before.status, await before.read())
    assert {name for name in after.headers if name != "Date"} == {
        name for name in before.headers if name != "Date"
    }
    posted = await one.one.get("/essays/form", method="POST", data=b"x" * 300_000)
    assert posted.status == 200
    assert one.one.origin.seen[-1]["body"] == b"x" * 300_000
    told = await one.told()
    assert told.pop("licensed") in {"503 journal-unavailable", "503 revocations-stale"}
    assert told == {name: JOURNAL_DOWN[name] for name in told}
    for name in ("/robots.txt", "/license.xml"):
        assert (await one.one.get(name, GPTBOT)).status == 200
    await one.closed()


@pytest.mark.parametrize("mode", ["observe", "offer"])
async def test_nobody_is_refused_for_any_of_it_unless_the_rules_bind(
    site, disk: FlakyDisk, mode: str
) -> None:
    one = await site(mode)
    await _pull_everything(one, disk)
    assert await one.told() == dict.fromkeys(USUAL, "200")
    assert not any(
        name.lower() == "authorization" for each in one.one.origin.seen for name, _ in each["headers"]
    )
    await one.closed()
