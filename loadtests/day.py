"""One day at a site, from a seed: a data folder that `licet serve` reads, made by a real gateway on real sockets.

A month ago two companies agreed on a fee and one of them began to buy; on the
day itself crawlers of several kinds come hour by hour: paying ones, some that are
told the price, one that is refused by a rule, impostors, programs nobody knows,
one whose name is an attack; people, who leave totals, some sent by an AI
service; one person who is taken for a machine and says so. Companies bargain, one waits for the owner's word,
webhooks arrive and fail, an author is asked, somebody objects, a work is
withdrawn, and last month is billed. Time passes by a clock that is set; every
entry is the outcome of a request or a command. Nothing is written by hand.

The same seed gives the same requests in the same order. The day ends now, so the
dashboard's "last 24 hours" is that day.

python -m loadtests.day FOLDER [--seed 1] [--scale 1.0]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import math
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import aiohttp
from aiohttp import web

from gateway.app import Licet
from gateway.app.timers import log_to_stderr
from gateway.cli.books import add_licensee, credit_entry
from gateway.cli.demo_deal import POLICY as ARCHIVE
from gateway.cli.demo_deal import Line, Negotiation
from gateway.clock import SystemClock
from gateway.config import read_config
from gateway.money import Money
from gateway.visitors.networks import Networks

HOUR: Final = 3_600
#: The file in the folder that names each company's client id and secret.
LOGINS: Final = "logins.json"
DAY: Final = 24 * HOUR
PAGES: Final = (
    "tides", "reefs", "knots", "charts", "moon", "fog", "piers", "gulls", "ropes", "lamps", "harbor-master",
    "the-long-way-round-the-point-and-what-the-lighthouse-keepers-daughter-wrote-down-about-it",
    *(f"{1990 + nth // 6}-letter-from-the-quay-{nth % 6 + 1}" for nth in range(200)),
)  # fmt: skip
SETTINGS: Final = """\
[listen]
port = 0
[dashboard]
port = 0
[trust]
proxies = ["loopback"]
country_header = "X-Country"
[store]
reserve_mb = 1
[billing]
name = "The Harbor Journal"
address = "1 Quay Road, Harbor"
tax_id = "XX123"
prefix = "HJ-"
[[billing.taxes]]
id = "standard"
rate = "19 %"
text = "VAT"
[[webhooks]]
url = "http://127.0.0.1:{hooks}/books"
private = true
[[webhooks]]
url = "http://127.0.0.1:{hooks}/broken"
private = true
types = ["crawler.*", "negotiation.*"]
"""
POLICY: Final = """\
stance = "search-free-training-paid"

[site]
id       = "journal"
name     = "The Harbor Journal"
hosts    = ["127.0.0.1"]
origin   = "{origin}"
mode     = "enforce"
currency = "USD"
contact  = "licensing@journal.example"

[[works]]
id      = "essays"
paths   = ["/essays/"]
rights  = "own"
people  = "none"
authors = [{{ name = "Ada Example", share = "60 %" }}, {{ name = "Ben Example", share = "40 %" }}]

[[works]]
id      = "films"
paths   = ["/films/"]
rights  = "cleared"
people  = "none"
authors = [{{ name = "Cy Example", share = "100 %" }}]

[[works]]
id     = "podcast"
paths  = ["/podcast/"]
rights = "own"
people = "consented"

[[works]]
id     = "videos"
paths  = ["/videos/"]
rights = "cleared"
people = "none"

[[works]]
id     = "letters"
paths  = ["/letters/"]
rights = "unsure"
people = "unsure"

[offers.training]
uses  = ["ai-train"]
works = ["essays", "podcast"]
price = {{ per_fetch = "0.02" }}
[offers.answers]
uses  = ["ai-input", "ai-index"]
works = ["essays", "podcast"]
price = {{ per_fetch = "0.004" }}
[offers.film]
uses  = ["ai-train"]
works = ["films"]
[offers.film.price]
upfront = "900"
holder  = "agent:Notary Example"
milestones = [
  {{ when = "ingestion", share = "50 %", items = 2 }},
  {{ when = "launch", share = "50 %", months = 6 }},
]
[offers.film.position]
target = "0.8"
floor  = "0.6"
"""
RULES: Final = """
[[rules]]
when = { crawler = "Bytespider" }
then = "refuse"
[[rules]]
when = { purpose = "search" }
then = "serve"
[[rules]]
when = { class = "ai" }
then = { license = ["training", "answers", "film", "archive"] }
[[rules]]
when = { class = "automation" }
then = { license = ["training", "answers"] }
[[rules]]
then = "serve"
"""
LAUNCH: Final = """
[offers.launch]
uses = ["ai-input"]
bundle = "launch"
price = { upfront = "90" }
"""
BROWSING: Final = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "de,en-US;q=0.7,en;q=0.3",
}
#: A browser by its name, behind something that takes headers away.
BARE: Final = {
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Accept": "text/html,*/*;q=0.8",
    "Sec-CH-UA-Platform": '"Linux"',
    "X-Forwarded-For": "203.0.113.77",
}  # fmt: skip
FACTS: Final = {
    "use_case": "training a model that describes harbors", "products": "Harbor Guide", "model_class": "closed",
    "redistribution": "no", "launch_date": "2027-06-01", "data_protection": "encrypted at rest; two people have access",
}  # fmt: skip
WORKS: Final = (
    ("/essays/", PAGES),
    ("/podcast/", ("1.mp3", "2.mp3")),
    ("/videos/", ("harbor.mp4", "reef.mp4")),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of crawler: its User-Agent, its network, how many fetches an hour, and which license it has ("" none)."""

    agent: str
    network: str
    hourly: float
    license: str = ""
    country: str = "DE"


_GPTBOT: Final = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"  # fmt: skip
#: The networks of the day are documentation's (RFC 5737); here they are those of these lists.
NETWORKS: Final = {
    "openai-gptbot": "198.51.100.0/28", "anthropic": "198.51.100.16/28", "googlebot": "198.51.100.32/28",
    "perplexity-bot": "198.51.100.48/28", "openai-chatgpt-user": "198.51.100.64/28",
}  # fmt: skip
KINDS: Final = (
    Kind(_GPTBOT, "198.51.100.1", 14, "training"),
    Kind(_GPTBOT, "198.51.100.2", 3),
    Kind("Mozilla/5.0 (compatible; ChatGPT-User/1.0; +https://openai.com/bot)", "198.51.100.65", 9, "answers", "US"),
    Kind("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)", "198.51.100.17", 12),
    Kind("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "198.51.100.33", 16),
    Kind("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "203.0.113.5", 2, country="RU"),
    Kind("Mozilla/5.0 (compatible; PerplexityBot/1.0; +https://perplexity.ai/perplexitybot)", "203.0.113.6", 3),
    Kind("CCBot/2.0 (https://commoncrawl.org/faq/)", "203.0.113.7", 5, country="US"),
    Kind("Mozilla/5.0 (compatible; Bytespider; spider-feedback@bytedance.com)", "203.0.113.8", 6, country="SG"),
    Kind("HarborHarvester/0.3 (+https://harvest.example/about)", "203.0.113.10", 4),
    Kind("python-requests/2.32.3", "203.0.113.11", 2),
    Kind('"><img src=x onerror=alert(1)>/1.0 (bot)', "203.0.113.12", 0.4),
)  # fmt: skip


class DayClock(SystemClock):
    """The machine's clock, ahead or behind by some seconds; it is only ever set forward."""

    ahead = 0.0

    def now_us(self) -> int:
        """The machine's time and what it is ahead."""
        return super().now_us() + round(self.ahead * 1_000_000)

    def at(self, seconds: float) -> None:
        """Go on to *seconds* since the epoch, or stay where that is past."""
        self.ahead += max(0.0, seconds - self.now_us() / 1_000_000)


@dataclass
class Day:
    """A gateway that runs, and what came of it. *told* counts answers by who asked and the status."""

    folder: Path
    licet: Licet
    clock: DayClock
    http: aiohttp.ClientSession
    dice: random.Random
    front: str = ""
    logins: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    told: Counter[tuple[str, int]] = field(default_factory=Counter)

    async def get(self, path: str, headers: Mapping[str, str], who: str) -> tuple[int, str]:
        """Fetch *path*; gives the status and the body."""
        async with self.http.get(self.front + path, headers=headers, allow_redirects=False) as answer:
            body = (await answer.read()).decode("utf-8", "replace")
        self.told[who, answer.status] += 1
        return answer.status, body

    async def company(self, key: str, name: str, credit: str) -> None:
        """Register a licensee with *credit*."""
        now_us = self.clock.now_us()
        contact = f"licensing@{key}.example"
        made = await add_licensee(self.licet.register, name, contact=contact, now=now_us // 1_000_000)
        self.logins[key] = (made.licensee.id, made.client.id, made.secret)
        await self.licet.journal.keep(
            credit_entry(made.licensee.id, Money.read(credit), now_us=self.clock.now_us())
        )
        await self.licet.keeper.catch_up()

    def login(self, key: str) -> dict[str, str]:
        """The header that *key* signs in at the desk by."""
        return {"Authorization": aiohttp.encode_basic_auth(*self.logins[key][1:])}

    async def buy(self, key: str, offer: str, use: str, path: str = "/essays/") -> None:
        """Buy a token of *offer*; it stands for the next fetches of that offer."""
        form = {
            "grant_type": "client_credentials",
            "resource": f"{self.front}{path}",
            "authorization_details": json.dumps([{"type": "content_license", "privileges": [use]}]),
        }
        async with self.http.post(f"{self.front}/.licet/token", data=form, headers=self.login(key)) as answer:
            told = await answer.json(content_type=None)
        self.told[f"token for {offer}", answer.status] += 1
        self.tokens[offer] = told.get("access_token", "")

    async def crawl(self, kind: Kind) -> None:
        """One fetch of *kind*, of a page that the dice choose."""
        folder, pages = self.dice.choices(WORKS, (12, 2, 1))[0]
        if kind.license:
            folder, pages = WORKS[0]
        page = self.dice.choices(pages, [1 / (nth + 3) for nth in range(len(pages))])[0]
        path = self.dice.choices((folder + page, "/about", "/essays/broken", "/letters/1"), (40, 2, 1, 2))[0]
        if kind.license and path == "/letters/1":
            path = folder + page
        headers = {
            "User-Agent": kind.agent, "X-Forwarded-For": kind.network, "X-Country": kind.country, "Accept": "*/*",
        }  # fmt: skip
        if kind.license:
            headers["Authorization"] = f"License {self.tokens[kind.license]}"
        await self.get(
            path,
            headers,
            kind.agent.partition(" ")[0][:24] if "Mozilla" not in kind.agent else _name(kind.agent),
        )

    async def command(self, *words: str, stdin: str = "") -> Any:
        """Run a `licet` command on the folder; gives the JSON that it prints. Raises `RuntimeError` where it fails."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", *words, "--data", str(self.folder), "--json",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate(stdin.encode())
        self.told[f"licet {' '.join(words[:2])}", process.returncode or 0] += 1
        if process.returncode:
            raise RuntimeError(f"licet {' '.join(words)}: {err.decode()[-400:]}{out.decode()[-200:]}")
        return json.loads(out) if out.strip() else None


def _name(agent: str) -> str:
    found = re.search(r"([A-Za-z-]+)(?:/[0-9.]+)?; [+s]", agent) or re.search(
        r"compatible; ([A-Za-z-]+)", agent
    )
    return found[1] if found else agent[:24]


def site() -> web.Application:
    """The creator's server: a page for every path, one that is broken; and where webhooks go to."""

    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/broken"):
            return web.Response(status=500, text="Out of order; ask for <b>Ben</b>.\n" * 3)
        if request.path == "/books":
            return web.json_response({"received": True})
        if request.path == "/robots.txt":
            return web.Response(text="User-agent: *\nDisallow: /drafts/\n")
        text = f"<h1>{request.path}</h1>" + "words and water " * (40 + len(request.path) * 13)
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app


async def make(folder: Path, seed: int, scale: float = 1.0) -> Counter[tuple[str, int]]:
    """Make the day in *folder*, which must not be there yet; gives how often who was answered what."""
    runner = web.AppRunner(site(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    (folder / "sites").mkdir(parents=True)
    folder.chmod(0o700)
    (folder / "licet.toml").write_text(SETTINGS.format(hooks=port))
    policy = folder / "sites" / "journal.toml"
    written = POLICY.format(origin=f"http://127.0.0.1:{port}") + ARCHIVE + "by_machine = true\n"
    policy.write_text(written + RULES)
    networks = Networks.shipped()
    for name, prefix in NETWORKS.items():
        networks = networks.with_prefixes(name, (prefix,))
    clock, end = DayClock(), time.time()
    # Last month, in the middle: far enough from both ends to be billed whole.
    month = datetime.fromtimestamp(end, UTC).replace(day=1, hour=12)
    clock.ahead = month.timestamp() - 12 * DAY - end
    licet = Licet(read_config(folder), networks=networks, clock=clock)
    http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
    day = Day(folder, licet, clock, http, random.Random(seed))
    try:
        items = "".join(f"/essays/{page}\n" for page in PAGES[:5])
        await day.command("bundle", "make", "launch", "--list", "-", stdin=items)
        policy.write_text(written + LAUNCH + RULES.replace('"archive"]', '"archive", "launch"]'))
        day.front = (await licet.start()).front
        await _last_month(day)
        await _hours(day, end, scale)
        await _evening(day)
        await licet.keeper.catch_up()
        # Webhooks go out by themselves; the outbox is given the time to.
        await asyncio.sleep(3)
    finally:
        await licet.stop(5)
        await http.close()
        await runner.cleanup()
    # By these the pages of a licensee can be opened on the folder.
    logins = folder / LOGINS
    logins.touch(0o600)
    logins.write_text(json.dumps({key: login[1:] for key, login in day.logins.items()}))
    await _billed(day, datetime.fromtimestamp(month.timestamp() - 12 * DAY, UTC).strftime("%Y-%m"))
    return day.told


async def _last_month(day: Day) -> None:
    await day.company("labs", "Example AI Labs", "2500 USD")
    await day.company("rival", "Rival Models", "2000 USD")
    await day.company("answers", "Answer Engine Ltd", "25 USD")
    lines: list[Line] = []

    async def fetched(path: str, token: str) -> tuple[Line, str]:
        line = Line(0, "", path, 200)
        line.status, _ = await day.get(path, {"User-Agent": _GPTBOT, "X-Forwarded-For": "198.51.100.1", "X-Country": "DE", "Authorization": f"License {token}"}, "GPTBot")  # fmt: skip
        return line, ""

    async def terms_of(_record: str) -> str:
        return ""

    logins = (day.logins["labs"][1:], day.logins["rival"][1:])
    talks = Negotiation(day.front, day.http, *logins, lines.append, fetched, terms_of, day.folder)
    await talks.run()
    for line in lines:
        day.told[f"bargaining: {line.who}", line.status] += 1
    await day.buy("labs", "film", "ai-train", "/films/")
    await fetched("/films/harbor.mp4", day.tokens["film"])
    for _ in range(3):
        await day.buy("labs", "training", "ai-train")
        for _ in range(8):
            await day.crawl(KINDS[0])
            day.clock.ahead += 97
        day.clock.ahead += DAY


async def _hours(day: Day, end: float, scale: float) -> None:
    start = end - DAY + 60
    day.clock.at(start)
    for hour in range(24):
        begins = start + hour * HOUR
        day.clock.at(begins)
        await day.buy("labs", "training", "ai-train")
        await day.buy("answers", "answers", "ai-input")
        # A quiet night and a busy afternoon.
        busy = scale * (1 + 0.7 * math.sin((hour - 8) / 24 * math.tau))
        visits = [kind for kind in KINDS for _ in range(_whole(day.dice, kind.hourly * busy))]
        visits += [None] * _whole(day.dice, 60 * busy)  # type: ignore[list-item]
        day.dice.shuffle(visits)
        for nth, kind in enumerate(visits):
            day.clock.at(begins + (nth + 1) * (HOUR - 120) / (len(visits) + 1))
            if kind is None:
                sent_by = {"Referer": "https://chatgpt.com/"} if day.dice.random() < 0.08 else {}
                await day.get(f"/essays/{day.dice.choice(PAGES)}", BROWSING | sent_by, "people")
            else:
                await day.crawl(kind)
        if hour == 9:
            await _mistaken(day)
        if hour == 15:
            await _waits(day)
        if hour == 17:
            await _flood(day)


def _whole(dice: random.Random, expected: float) -> int:
    return int(expected) + (dice.random() < expected % 1)


async def _mistaken(day: Day) -> None:
    """Somebody is refused as a machine, and says so."""
    _, page = await day.get("/essays/tides", BARE, "a person taken for a machine")
    found = re.search(r'href="(/\.licet/person[^"]*)"', page)
    if found is None:
        return
    sent = {name: values[0] for name, values in parse_qs(urlsplit(unescape(found[1])).query).items()}
    sent["note"] = "I read with an old tablet and a strict blocker."
    async with day.http.post(f"{day.front}/.licet/person", data=sent, headers=BARE) as answer:
        day.told["a person's report", answer.status] += 1


async def _waits(day: Day) -> None:
    """A company asks for the films; that is for a person to decide. Somebody objects to a page."""
    body = {
        "offer": "film",
        "facts": FACTS,
        "proposal": {"compensation": {"upfront": {"micros": 600_000_000, "currency": "USD"}}},
    }
    async with day.http.post(
        f"{day.front}/.licet/negotiations", json=body, headers=day.login("rival")
    ) as answer:
        day.told["bargaining for films", answer.status] += 1
    form = {
        "url": f"{day.front}/podcast/2.mp3", "role": "depicted", "name": "Cy Example", "contact": "cy@mail.example",
        "why": "My voice is in it and I was not asked.",
    }  # fmt: skip
    async with day.http.post(f"{day.front}/.licet/objections", data=form) as answer:
        day.told["an objection", answer.status] += 1


async def _flood(day: Day) -> None:
    """One crawler comes faster than its refusals are recorded one by one."""
    for _ in range(40):
        await day.crawl(KINDS[8])


async def _evening(day: Day) -> None:
    """The owner withdraws a work, asks an author and lets an auditor in; the next fetch is refused."""
    day.clock.at(time.time())
    await day.command("authors", "ask", "films", "Cy Example")
    await day.command(
        "auditors",
        "add",
        "Audit Example LLP",
        "--site",
        "journal",
        "--period",
        datetime.now(UTC).strftime("%Y-%m"),
    )
    await day.command("withdraw", "podcast", "--reason", "A guest asked for it.")
    await asyncio.sleep(2)
    headers = {"User-Agent": _GPTBOT, "X-Forwarded-For": "198.51.100.1", "X-Country": "DE", "Authorization": f"License {day.tokens['training']}"}  # fmt: skip
    await day.get("/podcast/1.mp3", headers, "GPTBot after the withdrawal")


async def _billed(day: Day, month: str) -> None:
    """Bill last month: whom, then the invoice."""
    labs = day.logins["labs"][0]
    party = ("--name", "Example AI Labs Ltd", "--address", "2 Test Way\\nExampleton", "--tax", "standard")
    await day.command("invoices", "party", labs, *party)
    await day.command("invoices", "issue", labs, "--period", month)


def main() -> None:
    """Make the day that the command line asks for, and print who was answered what."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="so many times the usual traffic")
    given = parser.parse_args()
    if given.folder.exists():
        parser.error(f"{given.folder} is there already")
    log_to_stderr(logging.ERROR)
    told = asyncio.run(make(given.folder, given.seed, given.scale))
    for (who, status), count in sorted(told.items()):
        print(f"{count:>6}  {status:<4} {who}")


if __name__ == "__main__":
    main()
