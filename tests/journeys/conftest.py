"""A whole gateway on real sockets: a creator's server, the gate, a crawler's HTTP client."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.app import Licet
from gateway.cli.books import add_licensee, credit_entry
from gateway.config import read_config
from gateway.money import Money

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
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
    """The creator's server; *seen* is every request that reached it."""

    url: str = ""
    seen: list[dict[str, Any]] = field(default_factory=list)
    robots: str | None = "User-agent: *\nDisallow: /drafts/\n"
    broken: bool = False

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
        headers = {"User-Agent": agent, "X-Country": country, **kept.pop("headers", {})}
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
    """Starts a gateway in front of the origin: `await world(mode="enforce")`."""
    made: list[World] = []

    async def start(mode: str = "enforce", policy: str = POLICY, folder: Path | None = None) -> World:
        data = folder or tmp_path / "data"
        (data / "sites").mkdir(parents=True, exist_ok=True)
        data.chmod(0o700)
        (data / "licet.toml").write_text(
            '[listen]\nport = 0\n[dashboard]\nport = 0\n[trust]\nproxies = ["loopback"]\ncountry_header = "X-Country"\n'
            "[store]\nreserve_mb = 1\n"
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
