"""A whole gateway on real sockets: a creator's server, the gate, a crawler's HTTP client."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.app import Licet
from gateway.cli.books import add_licensee, credit_entry
from gateway.clock import SystemClock
from gateway.config import read_config
from gateway.money import Money

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
#: What a browser sends with it; without these it contradicts itself.
BROWSING = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "de,en-US;q=0.7,en;q=0.3",
}
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

POLICY = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["127.0.0.1", "localhost"]
origin = "{origin}"
mode = "{mode}"
currency = "USD"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[[works]]
id = "podcast"
paths = ["/podcast/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
works = ["essays"]
price = {{ per_fetch = "0.005" }}
territory = ["DE", "FR"]
max_fetches = 3
[offers.listening]
uses = ["ai-train"]
works = ["podcast"]
price = {{ per_fetch = "0.02" }}
[[rules]]
when = {{ purpose = "search" }}
then = "serve"
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training", "listening"] }}
[[rules]]
then = "serve"
"""


@dataclass
class OriginSite:
    """The creator's server; *seen* is every request that reached it, *files* are octets by path, *moved* are redirects."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    seen: list[dict[str, Any]] = field(default_factory=list)
    robots: str | None = "User-agent: *\nDisallow: /drafts/\n"
    broken: bool = False
    moved: dict[str, str] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """A page for every path; /big streams, /cut breaks off, /robots.txt is the site's own."""
        body = await request.read()
        self.seen.append(
            {
                "method": request.method,
                "target": request.raw_path,
                "headers": list(request.headers.items()),
                "body": body,
            }
        )
        if request.path in self.moved:
            return web.Response(status=302, headers={"Location": self.moved[request.path]})
        if request.path in self.files:
            return web.Response(body=self.files[request.path], content_type="application/octet-stream")
        if request.path == "/robots.txt":
            return web.Response(text=self.robots) if self.robots is not None else web.Response(status=404)
        if request.path.endswith("/cut"):
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            await response.prepare(request)
            await response.write(b"x" * 100)
            assert request.transport is not None
            request.transport.close()
            return response
        if request.path.endswith("/big"):
            response = web.StreamResponse()
            await response.prepare(request)
            for _ in range(64):
                await response.write(b"y" * 65536)
            return response
        text = f"<h1>{request.path}</h1>" + "words " * 200
        return web.Response(
            text=text, content_type="text/html", headers={"ETag": f'"{len(text)}"', "X-Origin": "yes"}
        )


class SetClock(SystemClock):
    """The machine's clock, *ahead* by some seconds."""

    ahead = 0

    def now_us(self) -> int:
        """The machine's time and what it is ahead."""
        return super().now_us() + self.ahead * 1_000_000

    def at(self, seconds: int) -> None:
        """Go to a moment in seconds since the epoch."""
        self.ahead = 0
        self.ahead = seconds - self.now_us() // 1_000_000


@dataclass
class World:
    """Everything a journey needs."""

    licet: Licet
    front: str
    dashboard: str
    sign_in: str
    origin: OriginSite
    http: aiohttp.ClientSession
    folder: Path

    async def get(
        self, path: str, agent: str = FIREFOX, *, token: str = "", country: str = "DE", **kept: Any
    ) -> aiohttp.ClientResponse:
        """Fetch, and read the body."""
        browsing = BROWSING if "Firefox/" in agent else {}
        headers = {"User-Agent": agent, "X-Country": country, **browsing, **kept.pop("headers", {})}
        if token:
            headers["Authorization"] = f"License {token}"
        answer = await self.http.request(
            kept.pop("method", "GET"), self.front + path, headers=headers, **kept
        )
        await answer.read()
        return answer

    async def licensee(self, credit: str = "10 USD") -> tuple[str, str, str]:
        """A funded licensee: its id, client id and secret."""
        made = await add_licensee(
            self.licet.register, "Example AI Labs", now=self.licet.clock.now_us() // 1_000_000
        )
        if credit:
            entry = credit_entry(made.licensee.id, Money.read(credit), now_us=self.licet.clock.now_us())
            await self.licet.journal.keep(entry)
            await self.licet.keeper.catch_up()
        return made.licensee.id, made.client.id, made.secret

    async def token(
        self, client: str, secret: str, *, resource: str = "/essays/", **form: str
    ) -> dict[str, Any]:
        """Buy a token; returns the endpoint's whole answer with its status."""
        fields = {"grant_type": "client_credentials", "resource": self.front + resource, **form}
        async with self.http.post(
            f"{self.front}/.licet/token",
            data=fields,
            headers={"Authorization": aiohttp.encode_basic_auth(client, secret)},
        ) as answer:
            return {"status": answer.status, **json.loads(await answer.read())}

    def set_mode(self, mode: str) -> None:
        """Write another mode into the site's policy."""
        file = self.folder / "sites" / "journal.toml"
        file.write_text(re.sub(r'mode = "[a-z]+"', f'mode = "{mode}"', file.read_text()))

    async def folded(self, record: str) -> Any:
        """The stored row of a record, once the keeper has folded it."""
        async with asyncio.timeout(10):
            while (row := await self.licet.access_log.row(record)) is None:
                await asyncio.sleep(0.01)
            return row

    async def records(self) -> list[dict[str, Any]]:
        """Every fetch record of the journal so far, in order."""
        from gateway.provenance.audit import export_entries

        await self.licet.journal.flush()
        entries = await asyncio.to_thread(lambda: list(export_entries(self.folder / "journal")))
        return [each["entry"] for each in entries if each["kind"] == "fetch"]


@pytest.fixture(autouse=True, scope="module")
def _unpaused() -> None:
    """Keep the collector from going through all that earlier tests left.

    In a process of more than a gigabyte that takes seconds, in which a client
    here does nothing, and what it does next looks like a gateway's fault.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _unhurried(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy with other things for a second is no stale feed.

    Tests of staleness move a clock that stands still (`still`) and keep the real limit.
    """
    if "still" not in request.fixturenames:
        monkeypatch.setattr("gateway.licenses.revocations.OLDEST", 600.0)


@pytest.fixture
async def origin() -> AsyncIterator[OriginSite]:
    """A creator's server on a port of its own."""
    site = OriginSite()
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", site.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield site
    await runner.cleanup()


@pytest.fixture
async def world(origin: OriginSite, tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[World]]]:
    """Starts a gateway in front of the origin: `await world(mode="enforce")`.

    *trust* and *more* are further lines of its settings, in ``[trust]`` and at the end.
    """
    made: list[World] = []

    async def start(
        mode: str = "enforce",
        policy: str = POLICY,
        folder: Path | None = None,
        *,
        trust: str = "",
        settings: str = "",
    ) -> World:
        data = folder or tmp_path / "data"
        (data / "sites").mkdir(parents=True, exist_ok=True)
        data.chmod(0o700)
        (data / "licet.toml").write_text(
            '[listen]\nport = 0\n[dashboard]\nport = 0\n[trust]\nproxies = ["loopback"]\ncountry_header = "X-Country"\n'
            f"{trust}\n[store]\nreserve_mb = 1\n{settings}"
        )
        (data / "sites" / "journal.toml").write_text(policy.format(origin=origin.url, mode=mode))
        licet = Licet(read_config(data))
        addresses = await licet.start()
        http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)
        one = World(licet, addresses.front, addresses.dashboard, addresses.sign_in, origin, http, data)
        made.append(one)
        return one

    yield start
    for one in made:
        await one.http.close()
        await one.licet.stop(1)


@dataclass
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, which must be one JSON value and nothing else."""
        return json.loads(self.out)


@dataclass
class Running:
    """A `licet serve` that runs. *told* is what it has said on stderr so far."""

    process: asyncio.subprocess.Process
    front: str = ""
    dashboard: str = ""
    sign_in: str = ""
    told: str = ""
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _listening: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        """Take down stderr from now on."""

        async def run() -> None:
            assert self.process.stderr is not None
            async for line in self.process.stderr:
                async with self._news:
                    self.told += line.decode()
                    self._news.notify_all()

        self._listening = asyncio.create_task(run())

    async def says(self, text: str, after: int = 0, *, times: int = 1) -> str:
        """Wait until it has said *text* so many *times* behind the first *after* characters; returns everything since then."""
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: self.told[after:].count(text) >= times)
        return self.told[after:]

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def ended(self) -> int:
        """Wait for its end; returns the exit code."""
        async with asyncio.timeout(30):
            code = await self.process.wait()
            if self._listening is not None:
                await self._listening
        assert "Traceback" not in self.told, self.told
        return code

    async def stop(self) -> int:
        """Ask it to stop, and wait."""
        if self.process.returncode is None:
            self.signal(signal.SIGTERM)
        return await self.ended()


@dataclass
class Command:
    """The real `licet` command, run in *folder* as a process of its own."""

    folder: Path
    started: list[Running] = field(default_factory=list)

    def _spawn(self, args: tuple[object, ...], **kept: Any) -> Any:
        root = Path(__file__).resolve().parents[2]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LICET_")}
        clean |= {"PYTHONPATH": str(root), "COLUMNS": "100"}
        return asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", *map(str, args),
            cwd=self.folder, env=clean | kept.pop("env", {}), stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.PIPE, **kept,
        )  # fmt: skip

    async def __call__(self, *args: object, code: int | None = 0, stdin: str = "", **kept: Any) -> Done:
        """Run it to its end; it must end with *code*, if that is one, and never with a traceback."""
        process = await self._spawn(args, **kept)
        try:
            async with asyncio.timeout(60):
                out, err = await process.communicate(stdin.encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        done = Done(process.returncode, out.decode(), err.decode())
        assert "Traceback" not in done.err, done.err
        assert code in {None, done.code}, done
        return done

    async def serve(self, *args: object, **kept: Any) -> Running:
        """Start `licet serve` on free ports and wait until it says where it listens."""
        process = await self._spawn(("serve", "--port", 0, "--dashboard-port", 0, "--json", *args), **kept)
        one = Running(process)
        self.started.append(one)
        await one.listen()
        async with asyncio.timeout(30):
            line = await process.stdout.readline()
        assert line, f"ended with {await one.ended()} and said {one.told!r}"
        told = json.loads(line)
        one.front, one.dashboard, one.sign_in = told["front"], told["dashboard"], told["sign_in"]
        return one

    def write_site(self, origin: str, *, mode: str = "enforce", policy: str = POLICY) -> Path:
        """Write settings and the policy of one site into the default data folder; returns that folder."""
        data = self.folder / "licet-data"
        (data / "sites").mkdir(parents=True, exist_ok=True)
        data.chmod(0o700)
        (data / "licet.toml").write_text(
            '[trust]\nproxies = ["loopback"]\ncountry_header = "X-Country"\n[store]\nreserve_mb = 1\n'
        )
        (data / "sites" / "journal.toml").write_text(policy.format(origin=origin, mode=mode))
        return data


@pytest.fixture
async def licet(tmp_path: Path) -> AsyncIterator[Command]:
    """The command, in an empty folder; whatever it serves is ended afterwards."""
    folder = tmp_path / "here"
    folder.mkdir()
    command = Command(folder)
    yield command
    for one in command.started:
        if one.process.returncode is None:
            one.process.kill()
        await one.ended()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False) as session:
        yield session


@dataclass
class Sold:
    """A licensee that bought a token of a running gateway and fetched two pages with it."""

    licensee: str
    client: str
    secret: str
    token: str
    records: list[str]


@pytest.fixture
def sell(licet: Command, http: aiohttp.ClientSession) -> Callable[..., Awaitable[Sold]]:
    """`await sell(running)`: registers a licensee by the command, buys by machine, fetches twice."""

    async def run(one: Running, pages: tuple[str, ...] = ("tides", "reefs")) -> Sold:
        made = (await licet("licensee", "add", "Example AI Labs", "--credit", "10 USD", "--json")).json
        login = aiohttp.encode_basic_auth(made["client_id"], made["client_secret"])
        form = {"grant_type": "client_credentials", "resource": f"{one.front}/essays/"}
        async with http.post(
            f"{one.front}/.licet/token", data=form, headers={"Authorization": login}
        ) as answer:
            bought = await answer.json(content_type=None)
            assert answer.status == 200, bought
        sold = Sold(made["licensee"], made["client_id"], made["client_secret"], bought["access_token"], [])
        for page in pages:
            headers = {"User-Agent": GPTBOT, "X-Country": "DE", "Authorization": f"License {sold.token}"}
            async with http.get(f"{one.front}/essays/{page}", headers=headers) as answer:
                assert answer.status == 200, await answer.text()
                await answer.read()
                sold.records.append(answer.headers["Licet-Record"])
        return sold

    return run


@pytest.fixture
async def key_directory(certify: Callable[..., Any]) -> AsyncIterator[Any]:
    """The server of a crawler's operator, over TLS: *keys* is what it publishes."""
    certificate = certify("127.0.0.1")
    one = SimpleNamespace(keys=[], asked=0)

    async def answer(_request: web.BaseRequest) -> web.Response:
        one.asked += 1
        return web.json_response({"keys": one.keys})

    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificate)
    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    place = f"127.0.0.1:{runner.addresses[0][1]}"
    one.agent = f"https://{place}"
    one.settings = f'[signatures]\nexempt = ["{place}"]\nauthorities = "{certificate[0]}"\n'
    yield one
    await runner.cleanup()
