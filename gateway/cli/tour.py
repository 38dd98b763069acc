"""`licet demo`: a site, a gateway, a dashboard, and a crawler that meets the terms. Nothing is played: every
line is one real request over a real socket, printed with the status it got.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.demo_deal import POLICY as _DEAL
from gateway.cli.demo_deal import Line, Negotiation
from gateway.cli.say import AsJson, emit, stop, tell

if TYPE_CHECKING:
    import aiohttp

    from gateway.app import Addresses, Licet

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
#: What that browser sends besides; a request without them contradicts itself.
_BROWSING = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "en"}
_GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)
_GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
#: The demo's gateway believes this header of its loopback peers; it stands for a CDN's country header.
_COUNTRY = "X-Demo-Country"

_SETTINGS = """\
# Only for the demo: loopback is trusted to say where a request comes from.
[listen]
port = {front}
[dashboard]
port = {dashboard}
[trust]
proxies = ["loopback"]
country_header = "{country}"
[store]
reserve_mb = 1
"""

_POLICY = """\
# The policy of the demo's site. Change it while the demo runs: it is taken up by itself.
stance = "search-free-training-paid"

[site]
id       = "harbor-journal"
name     = "The Harbor Journal"
hosts    = ["127.0.0.1", "localhost"]
origin   = "{origin}"
mode     = "enforce"
currency = "USD"

[[works]]
id     = "articles"
paths  = ["/articles/"]
rights = "own"
people = "none"

[[works]]
id     = "podcast"
paths  = ["/podcast/"]
rights = "own"
people = "none"

[[works]]
id     = "videos"
paths  = ["/videos/"]
rights = "cleared"
people = "none"

[offers.training]
uses      = ["ai-train"]
works     = ["articles"]
price     = {{ per_fetch = "0.005" }}
term      = {{ months = 1 }}
territory = ["DE", "FR"]
max_fetches = 3

[offers.answers]
uses      = ["ai-input", "ai-index"]
works     = ["articles", "podcast"]
price     = {{ per_fetch = "0.004" }}
max_fetches = 1000

[offers.listening]
uses      = ["ai-train"]
works     = ["podcast"]
price     = {{ per_fetch = "0.02" }}

[[rules]]
when = {{ purpose = "search" }}
then = "serve"
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training", "answers", "listening", "archive"] }}
[[rules]]
then = "serve"
"""


@dataclass
class _Tour:
    front: str
    client_id: str
    secret: str
    http: aiohttp.ClientSession
    charged_of: Callable[[str], Awaitable[str]]
    lines: list[Line] = field(default_factory=list)
    token: str = ""

    async def get(
        self, who: str, path: str, wanted: int, agent: str, *, country: str = "DE", token: str = ""
    ) -> tuple[Line, dict[str, str], Any]:
        line = Line(len(self.lines) + 1, who, f"GET  {path}", wanted)
        headers = {"User-Agent": agent, _COUNTRY: country, **(_BROWSING if agent is _BROWSER else {})}
        if token:
            headers["Authorization"] = f"License {token}"
        async with self.http.get(self.front + path, headers=headers) as answer:
            line.status = answer.status
            body = await answer.read()
            facts = json.loads(body) if "json" in answer.headers.get("Content-Type", "") else {}
            if line.status >= 400:
                line.why = str(facts.get("code", "")) + ": " + str(facts.get("detail", ""))
        return line, {name.lower(): value for name, value in answer.headers.items()}, facts

    async def run(self) -> None:
        """Play the eight lines, each as a request."""
        line, _, _ = await self.get("person", "/articles/tides", 200, _BROWSER)
        line.why = "free; nothing is recorded about people"
        self.say(line)
        line, headers, facts = await self.get("GPTBot, no license", "/articles/tides", 402, _GPTBOT)
        line.why = f"{headers.get('crawler-price', 'no price')} a fetch · {_first_offer(facts)}"
        self.say(line)
        await self._buy()
        line, headers, _ = await self.get(
            "GPTBot + license", "/articles/tides", 200, _GPTBOT, token=self.token
        )
        record = headers.get("licet-record", "")
        line.why = f"charged {await self.charged_of(record)} · record {record}"
        self.say(line)
        line, _, _ = await self.get("same license", "/podcast/1.mp3", 403, _GPTBOT, token=self.token)
        self.say(line)
        line, _, _ = await self.get(
            "same license, FR->US", "/articles/reefs", 403, _GPTBOT, country="US", token=self.token
        )
        self.say(line)
        for name in ("reefs", "knots"):
            await self.get("", f"/articles/{name}", 200, _GPTBOT, country="FR", token=self.token)
        line, _, _ = await self.get(
            "4th fetch", "/articles/charts", 402, _GPTBOT, country="FR", token=self.token
        )
        self.say(line)
        line, _, _ = await self.get('"Googlebot", wrong address', "/articles/tides", 403, _GOOGLEBOT)
        self.say(line)

    async def _buy(self) -> None:
        line = Line(len(self.lines) + 1, "… buys a token", "POST /.licet/token", 200)
        form = {
            "grant_type": "client_credentials",
            "resource": f"{self.front}/articles/",
            "authorization_details": json.dumps([{"type": "content_license", "privileges": ["ai-train"]}]),
        }
        pair = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        login = {"Authorization": f"Basic {pair}"}
        async with self.http.post(f"{self.front}/.licet/token", data=form, headers=login) as answer:
            line.status = answer.status
            facts = await answer.json(content_type=None)
        granted = (facts.get("authorization_details") or [{}])[0]
        self.token = facts.get("access_token", "")
        if line.right:
            scope = ", ".join(granted.get("locations", []))
            line.why = f"license {granted.get('license', '')} · {scope} · at most {granted.get('budget', {}).get('fetches')} fetches"
        else:
            line.why = str(facts.get("error_description", facts))
        self.say(line)

    def say(self, line: Line) -> None:
        """Print *line* as the next one."""
        line.number = len(self.lines) + 1
        self.lines.append(line)
        tell(str(line))


def _first_offer(facts: dict[str, Any]) -> str:
    offers = facts.get("offers") or [{}]
    first = offers[0]
    uses = ", ".join(first.get("uses", []))
    places = " ".join(first.get("territory") or ["worldwide"])
    return f"{uses} · {places}"


def demo(
    once: Annotated[
        bool,
        typer.Option("--once", help="Play the tour, then stop; exit 1 if a line is not as it should be."),
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw the demo's data away first.")] = False,
    folder: Annotated[Path, typer.Option(metavar="FOLDER", help="The demo's data folder.")] = Path(
        "licet-demo"
    ),
    port: Annotated[
        int,
        typer.Option(
            metavar="PORT",
            help="The site's; gateway and dashboard take the 2nd and 3rd after it. 0 takes free ones.",
        ),
    ] = 8400,
    as_json: AsJson = False,
) -> None:
    """Show the whole story in a minute.

    A site, the gate, and a crawler that meets the terms, buys, fetches and is
    held to what it bought; then two programs bargain, sign a contract, and a
    third comes too late. Every line it prints is a real request. Test keys,
    loopback only, nothing is billable. It stays up until Ctrl-C; the data stays too.
    """
    ours = (folder / "sites" / "harbor-journal.toml").is_file()
    if not ours and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise stop(f"{folder} does not look like the demo's folder, so it is left alone")
    if fresh and ours:
        from gateway.app import running

        if running(folder) is None:
            shutil.rmtree(folder)
    from gateway.app.boot import run_loop

    result: list[int] = []
    run_loop(_demo(folder, port, once=once, as_json=as_json, result=result))
    raise typer.Exit(result[0] if result else 2)


async def _demo(folder: Path, port: int, *, once: bool, as_json: bool, result: list[int]) -> None:
    import aiohttp
    from aiohttp import web

    from gateway import __version__
    from gateway.app import Licet, running
    from gateway.cli.demo_site import demo_site
    from gateway.cli.serve import listen_for_signals, until_told
    from gateway.config import read_config
    from gateway.visitors.networks import Networks

    started = time.monotonic()
    if running(folder) is not None:
        raise stop(f"a demo runs on {folder} already; stop it, or take another --folder and --port")
    site = web.AppRunner(demo_site(), access_log=None)
    await site.setup()
    try:
        await web.TCPSite(site, "127.0.0.1", port).start()
    except OSError as error:
        await site.cleanup()
        raise stop(
            f"127.0.0.1:{port} cannot be listened on: {os.strerror(error.errno or 0)}; say --port"
        ) from None
    origin = f"http://127.0.0.1:{site.addresses[0][1]}"
    _write(folder, origin, port)
    # Here loopback stands for OpenAI's published network, so that GPTBot's claim can be verified and
    # Googlebot's is contradicted.
    networks = Networks.shipped().with_prefixes("openai-gptbot", ("127.0.0.0/8", "::1/128"))
    licet = Licet(read_config(folder), networks=networks)
    told = listen_for_signals(licet)
    addresses = await licet.start()
    try:
        _greet(folder, origin, addresses, __version__)
        client_id, secret = await _licensee(licet)
        timeout = aiohttp.ClientTimeout(total=20)
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http:
            tour = _Tour(addresses.front, client_id, secret, http, lambda record: _charged(licet, record))
            await tour.run()
            await _negotiated(licet, tour, http, folder)
        right = all(line.right for line in tour.lines)
        result.append(0 if right else 1)
        if as_json:
            seconds = round(time.monotonic() - started, 2)
            emit(
                {
                    "ok": right,
                    "seconds": seconds,
                    "front": addresses.front,
                    "lines": [_row(line) for line in tour.lines],
                }
            )
        if once:
            return
        _farewell(folder, addresses)
        await until_told(licet, 5.0, told)
    finally:
        await licet.stop(5.0)
        await site.cleanup()


def _write(folder: Path, origin: str, port: int) -> None:
    sites = folder / "sites"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sites.mkdir(exist_ok=True)
    front, dashboard = (port + 2, port + 3) if port else (0, 0)
    settings = _SETTINGS.format(front=front, dashboard=dashboard, country=_COUNTRY)
    (folder / "licet.toml").write_text(settings, encoding="utf-8")
    (sites / "harbor-journal.toml").write_text(_POLICY.format(origin=origin) + _DEAL, encoding="utf-8")


async def _negotiated(licet: Licet, tour: _Tour, http: aiohttp.ClientSession, folder: Path) -> None:
    """Play the second half with two more licensees."""
    from gateway.provenance.audit import export_entries

    async def fetched(path: str, token: str) -> tuple[Line, str]:
        line, headers, _ = await tour.get("", path, 200, _GPTBOT, token=token)
        return line, headers.get("licet-record", "")

    async def terms_of(record: str) -> str:
        await licet.journal.flush()
        entries = await asyncio.to_thread(lambda: list(export_entries(folder / "journal")))
        kept = (each["entry"] for each in entries if each["kind"] == "fetch")
        return next((str(each["terms"]) for each in kept if each["id"] == record), "")

    rich = 1_000_000_000
    buyer = await _licensee(licet, "Example AI Labs", rich)
    rival = await _licensee(licet, "Rival Models", 2 * rich)
    await Negotiation(tour.front, http, buyer, rival, tour.say, fetched, terms_of, folder).run()


async def _licensee(licet: Licet, name: str = "Example AI Labs", micros: int = 10_000_000) -> tuple[str, str]:
    """A new licensee with credit each time, so that the tour's budget starts whole."""
    from gateway.cli.books import add_licensee, credit_entry
    from gateway.money import Money

    now_us = licet.clock.now_us()
    made = await add_licensee(licet.register, name, now=now_us // 1_000_000)
    credit = credit_entry(made.licensee.id, Money(micros, "USD"), now_us=now_us, memo="demo")
    await licet.journal.keep(credit)
    await licet.keeper.catch_up()
    return made.client.id, made.secret


async def _charged(licet: Licet, record: str) -> str:
    """What the books say about one record, once the keeper has folded it."""
    for _ in range(200):
        found = await licet.access_log.row(record)
        if found is not None:
            from gateway.money import Money

            return str(Money(found.charged_micros, found.currency))
        await asyncio.sleep(0.02)
    return "nothing yet"


def _row(line: Line) -> dict[str, object]:
    return {
        "number": line.number,
        "who": line.who,
        "request": line.request,
        "status": line.status,
        "expected": line.wanted,
        "right": line.right,
        "why": line.why,
    }


def _greet(folder: Path, origin: str, addresses: Addresses, version: str) -> None:
    tell(f"\n licet {version} — DEMO (test keys, nothing is billable)")
    tell(f" demo site   {origin}      articles, a podcast, a video")
    tell(f" gateway     {addresses.front}      people and crawlers come here")
    tell(f" dashboard   {addresses.sign_in or addresses.dashboard}")
    tell(f" data        {folder}/\n")


def _farewell(folder: Path, addresses: Addresses) -> None:
    tell(f"\n try:  curl -i -A GPTBot {addresses.front}/articles/tides")
    tell(f"       curl {addresses.front}/robots.txt {addresses.front}/license.xml")
    tell(
        f"       licet policy explain /articles/tides --as GPTBot --use ai-train --country DE --data {folder}"
    )
    tell(" Ctrl-C stops; your data stays.   licet demo --fresh starts over.\n")
