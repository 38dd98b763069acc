"""Each hook of the client in its own library: 402, buy, 200, receipt; against a real `licet serve`."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import aiohttp
import pytest

from gateway.client import Fetched, Refused, Secret, Spending, aiohttp_middleware, httpx_auth, requests_auth
from gateway.client.carried import Stopped
from gateway.client.wallet import Wallet
from gateway.money import Money
from loadtests.raw_origin import PAGE as BODY

AGENT = {"User-Agent": "GPTBot/1.3"}
CENT = Spending(Money.read("0.01 USD"), Money.read("0.02 USD"))
PAGE = "/essays/tides"
INTEGRATIONS = Path(__file__).parents[2] / "policies" / "integrations"


@pytest.fixture
def limits(gateway, tmp_path):
    """What every hook is given: who it is, where receipts are kept, the file that stops it."""
    login = Secret(gateway.url, *gateway.licensee())
    return {"logins": (login,), "receipts": tmp_path / "receipts.jsonl", "switch": tmp_path / "stop"}


def receipts(limits):
    return [json.loads(line) for line in limits["receipts"].read_text().splitlines()]


def held(limits):
    return Wallet(limits["receipts"].with_name("receipts.jsonl.wallet")).licenses


def said(limits, spent) -> str:
    (kept,) = receipts(limits)
    assert kept["record"]
    assert len(held(limits)) == 1
    return f"402, bought, 200; {spent} spent, receipt {kept['at_most']} kept"


def library(name):
    return pytest.importorskip(name, reason=f"PyPI {name} is absent")


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
def test_httpx(name, gateway, limits, interop) -> None:
    http = library(name)
    auth = httpx_auth.licensed(http, CENT, **limits)
    with http.Client(auth=auth, headers=AGENT) as client:
        got = client.get(gateway.url + PAGE)
        assert (got.status_code, got.headers["licet-price"]) == (200, "USD 0.01")
        assert isinstance(got.extensions["licet"], Fetched)
        assert [each.status_code for each in got.history] == [402]
        interop(f"PyPI {name}", version(name), "hook: loop", said(limits, auth.hook.spent))
        assert client.get(gateway.url + PAGE).history == []
        over = client.get(gateway.url + PAGE)
        assert (over.status_code, over.extensions["licet"].code) == (402, "over-budget")
        limits["switch"].touch()
        with pytest.raises(Stopped):
            client.get(gateway.url + PAGE)
    interop(f"PyPI {name}", version(name), "hook: limits", "third fetch over budget: 402; stopped by a file")


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
async def test_httpx_async_buys_once_for_many(name, gateway, limits, interop) -> None:
    http = library(name)
    auth = httpx_auth.licensed(http, Spending(CENT.per_fetch, Money.read("1 USD")), **limits)
    async with http.AsyncClient(auth=auth, headers=AGENT) as client:
        all_ = await asyncio.gather(*(client.get(gateway.url + PAGE) for _ in range(8)))
    assert {each.status_code for each in all_} == {200}
    assert auth.hook.spent == Money.read("0.08 USD")
    assert len(held(limits)) == 1
    interop(f"PyPI {name}", version(name), "hook: 8 tasks at once", "one license, 8 fetches, 0.08 USD")


async def test_aiohttp(gateway, limits, interop) -> None:
    licensed = aiohttp_middleware.Licensed(CENT, **limits)
    async with aiohttp.ClientSession(middlewares=(licensed,), headers=AGENT) as session:
        async with session.get(gateway.url + PAGE) as got:
            assert (got.status, got.headers["licet-price"]) == (200, "USD 0.01")
            found = licensed.got(got)
            assert isinstance(found, Fetched)
            pieces = b"".join([piece async for piece in got.content.iter_chunked(7)])
            assert pieces == await got.read() == found.body
            assert len(pieces) > 7
        row = ("PyPI aiohttp", version("aiohttp"))
        interop(*row, "hook: loop", said(limits, licensed.hook.spent))
        async with session.get(gateway.url + PAGE) as again:
            assert again.status == 200
        async with session.get(gateway.url + PAGE) as over:
            assert (over.status, licensed.got(over).code) == (402, "over-budget")
        async with session.post(gateway.url + PAGE, data=b"") as other:
            assert licensed.got(other) is None
        limits["switch"].touch()
        with pytest.raises(Stopped):
            await session.get(gateway.url + PAGE)
    interop(*row, "hook: limits", "third fetch over budget: 402; stopped by a file")


async def test_aiohttp_buys_once_for_many(gateway, limits, interop) -> None:
    licensed = aiohttp_middleware.Licensed(Spending(CENT.per_fetch, Money.read("1 USD")), **limits)
    async with aiohttp.ClientSession(middlewares=(licensed,), headers=AGENT) as session:
        all_ = await asyncio.gather(*(session.get(gateway.url + PAGE) for _ in range(8)))
    assert {each.status for each in all_} == {200}
    assert licensed.hook.spent == Money.read("0.08 USD")
    assert len(held(limits)) == 1
    interop("PyPI aiohttp", version("aiohttp"), "hook: 8 tasks at once", "one license, 8 fetches, 0.08 USD")


def test_requests(gateway, limits, interop) -> None:
    http = library("requests")
    with http.Session() as session:
        session.headers.update(AGENT)
        session.auth = requests_auth.licensed(CENT, **limits)
        got = session.get(gateway.url + PAGE)
        assert (got.status_code, got.headers["licet-price"]) == (200, "USD 0.01")
        assert isinstance(got.licet, Fetched)
        assert [each.status_code for each in got.history] == [402]
        interop("PyPI requests", version("requests"), "hook: loop", said(limits, session.auth.hook.spent))
        assert session.get(gateway.url + PAGE).history == []
        over = session.get(gateway.url + PAGE)
        assert (over.status_code, over.licet.code) == (402, "over-budget")
        session.auth = requests_auth.licensed(CENT, **limits)
        assert session.get(gateway.url + PAGE).status_code == 200
        assert len(held(limits)) == 1, "another run has the license of the wallet"
        limits["switch"].touch()
        with pytest.raises(Stopped):
            session.get(gateway.url + PAGE)
    interop(
        "PyPI requests",
        version("requests"),
        "hook: limits",
        "third fetch over budget: 402; stopped by a file",
    )


SPIDER = """
import json, scrapy

JOB = json.loads(%r)

class Tides(scrapy.Spider):
    name = "tides"
    handle_httpstatus_list = [402]
    custom_settings = {"ROBOTSTXT_OBEY": True, "USER_AGENT": "GPTBot/1.3", "TELNETCONSOLE_ENABLED": False,
        "DOWNLOADER_MIDDLEWARES": {"gateway.client.scrapy_middleware.LicensedPages": 560}, **JOB["settings"]}

    async def start(self):
        for number in range(JOB["pages"]):
            yield scrapy.Request(f"{JOB['url']}/essays/tides?{number}", self.parse, dont_filter=True)

    def parse(self, response):
        yield {"status": response.status, "token": "Authorization" in response.request.headers}

    def closed(self, reason):
        stats = self.crawler.stats.get_stats()
        print(json.dumps({name: value for name, value in stats.items() if name.startswith("licet/")}))
"""


def crawled(gateway, limits, tmp_path, pages, **settings):
    login = limits["logins"][0]
    settings |= {
        "LICET_LOGINS": {login.origin: (login.client_id, login.secret)},
        "LICET_RECEIPTS": str(limits["receipts"]), "LICET_STOP_FILE": str(limits["switch"]),
    }  # fmt: skip
    (tmp_path / "spider.py").write_text(
        SPIDER % json.dumps({"url": gateway.url, "pages": pages, "settings": settings})
    )
    command = [sys.executable, "-m", "scrapy", "runspider", "spider.py", "-O", "told.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads((tmp_path / "told.json").read_text() or "[]"), json.loads(done.stdout), done.stderr


def test_scrapy(gateway, limits, tmp_path, interop) -> None:
    library("scrapy")
    money = {"LICET_MAX_PRICE": "0.01 USD", "LICET_BUDGET": "0.03 USD"}
    told, stats, log = crawled(gateway, limits, tmp_path, 4, **money)
    assert sorted(each["status"] for each in told) == [200, 200, 200, 402], log
    assert not any(each["token"] for each in told)
    assert stats == {"licet/fetched": 3, "licet/refused/over-budget": 1, "licet/spent_micros": 30_000}
    assert len(receipts(limits)) == 3
    assert len(held(limits)) == 1
    row = ("PyPI Scrapy", version("scrapy"))
    interop(*row, "hook: loop", "4 pages at once: 3 at 200, one license, 0.03 USD spent, 3 receipts kept")
    limits["switch"].touch()
    told, stats, log = crawled(gateway, limits, tmp_path, 1, **money)
    assert (told, stats) == ([], {"licet/refused/stopped": 2}), "neither robots.txt nor the page" + log
    interop(*row, "hook: limits", "fourth page over budget: 402; stopped by a file")


NODE = """
import { licensedFetch } from %s;
const job = JSON.parse(process.argv[2]), told = [];
const fetch = licensedFetch(job.limits);
for (let number = 0; number < job.pages; number += 1) {
  const answer = await fetch(job.page);
  told.push([answer.status, answer.licet?.code ?? ""]);
}
console.log(JSON.stringify({ told, spent: Number(fetch.spent.micros), version: process.version }));
"""


def noded(gateway, limits, tmp_path, pages, **spending):
    login = limits["logins"][0]
    (tmp_path / "run.mjs").write_text(NODE % json.dumps((INTEGRATIONS / "licet-fetch.mjs").as_uri()))
    told = {
        "userAgent": AGENT["User-Agent"], "logins": {login.origin: [login.client_id, login.secret]},
        "receipts": str(limits["receipts"]), "stopFile": str(limits["switch"]), **spending,
    }  # fmt: skip
    job = {"limits": told, "page": gateway.url + PAGE, "pages": pages}
    command = ["node", str(tmp_path / "run.mjs"), json.dumps(job)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_node(gateway, limits, tmp_path, interop) -> None:
    if not shutil.which("node"):
        pytest.skip("node is absent (apt install nodejs)")
    free = noded(gateway, limits, tmp_path, 1)
    assert free.returncode == 0, free.stderr
    assert json.loads(free.stdout)["told"] == [[402, "over-ceiling"]]
    money = {"maxPrice": "0.01 USD", "budget": "0.02 USD"}
    done = noded(gateway, limits, tmp_path, 3, **money)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["told"] == [[200, ""], [200, ""], [402, "over-budget"]]
    assert found["spent"] == 20_000
    assert len(receipts(limits)) == 2
    assert len(held(limits)) == 1, "the Python client reads the same wallet"
    row = ("node fetch", found["version"])
    interop(*row, "hook: loop", "402, bought, 200 twice; third over budget: 402; wallet read by Python")
    limits["switch"].touch()
    stopped = noded(gateway, limits, tmp_path, 1, **money)
    assert stopped.returncode != 0
    assert "stopped: the kill switch was thrown" in stopped.stderr
    interop(*row, "hook: limits", "free only by default; stopped by a file")


def curled(gateway, limits, **told):
    login = limits["logins"][0]
    env = {
        **os.environ, "LICET_AGENT": AGENT["User-Agent"], "LICET_LOGIN": f"{login.client_id}:{login.secret}",
        "LICET_RECEIPTS": str(limits["receipts"]), "LICET_STOP_FILE": str(limits["switch"]), **told,
    }  # fmt: skip
    command = ["sh", str(INTEGRATIONS / "licet-curl.sh"), gateway.url + PAGE]
    return subprocess.run(command, capture_output=True, env=env, timeout=60, check=False)


def test_curl(needs, gateway, limits, interop) -> None:
    curl, _ = needs("curl", "apt install curl"), needs("jq", "apt install jq")
    free = curled(gateway, limits)
    assert (free.returncode, free.stdout) == (3, b""), free.stderr
    assert b"over-ceiling" in free.stderr
    money = {"LICET_MAX_PRICE": "0.01 USD", "LICET_BUDGET": "0.02 USD"}
    for _ in range(2):
        done = curled(gateway, limits, **money)
        assert (done.returncode, done.stdout) == (0, BODY), done.stderr
    over = curled(gateway, limits, **money)
    assert (over.returncode, over.stdout) == (3, b""), over.stderr
    assert b"over-budget" in over.stderr
    kept = receipts(limits)
    assert [(each["kind"], each["at_most"], each["sha256"]) for each in kept] == [
        ("fetch", "USD 0.01", hashlib.sha256(BODY).hexdigest())
    ] * 2
    assert len(held(limits)) == 1, "the Python client reads the same wallet"
    version = subprocess.run([curl, "--version"], capture_output=True, text=True, check=True).stdout.split()[
        1
    ]
    interop(
        "curl", version, "script: loop", "402, bought, 200 twice; third over budget; wallet read by Python"
    )
    limits["switch"].touch()
    stopped = curled(gateway, limits, **money)
    assert (stopped.returncode, stopped.stdout) == (3, b"")
    assert b"stopped" in stopped.stderr
    interop("curl", version, "script: limits", "free only by default; stopped by a file")


GO = """
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"crawler.example/licet"
)

func main() {
	var job struct{ Page, Origin, Id, Secret, Receipts, Stop, Price, Budget string; Pages int }
	if err := json.Unmarshal([]byte(os.Args[1]), &job); err != nil { panic(err) }
	licensed := &licet.Transport{UserAgent: "GPTBot/1.3", Receipts: job.Receipts, StopFile: job.Stop,
		Logins: map[string]licet.Login{job.Origin: {ID: job.Id, Secret: job.Secret}}}
	if job.Price != "" { licensed.MaxPrice, licensed.Budget = licet.MustMoney(job.Price), licet.MustMoney(job.Budget) }
	client, done := &http.Client{Transport: licensed}, make(chan string)
	for number := 0; number < job.Pages; number++ {
		go func() {
			answer, err := client.Get(job.Page)
			if err != nil { done <- err.Error(); return }
			answer.Body.Close()
			done <- fmt.Sprint(answer.StatusCode, " ", answer.Header.Get("Licet-Refused"))
		}()
	}
	var told []string
	for number := 0; number < job.Pages; number++ { told = append(told, <-done) }
	json.NewEncoder(os.Stdout).Encode(map[string]any{"told": told, "spent": licensed.Spent().Micros})
}
"""


def test_go(go, go_crawler, gateway, limits, interop) -> None:
    login = limits["logins"][0]
    crawler = go_crawler(GO)

    def run(pages, **money):
        job = {
            "page": gateway.url + PAGE, "origin": login.origin, "id": login.client_id, "secret": login.secret,
            "receipts": str(limits["receipts"]), "stop": str(limits["switch"]), "pages": pages, **money,
        }  # fmt: skip
        done = subprocess.run([crawler, json.dumps(job)], capture_output=True, timeout=60, check=True)
        return json.loads(done.stdout)

    free = run(1)
    assert free["spent"] == 0 and free["told"][0].startswith("402 over-ceiling")
    found = run(4, price="0.01 USD", budget="0.03 USD")
    assert sorted(each.split(":")[0] for each in found["told"]) == ["200 ", "200 ", "200 ", "402 over-budget"]
    assert found["spent"] == 30_000
    assert len(receipts(limits)) == 3
    assert len(held(limits)) == 1, "the Python client reads the same wallet"
    version = subprocess.run([go, "version"], capture_output=True, text=True, check=True).stdout.split()[2]
    interop(
        "Go net/http", version, "hook: loop", "4 at once: one license, 200 three times; fourth over budget"
    )
    limits["switch"].touch()
    assert "stopped" in run(1, price="0.01 USD", budget="0.03 USD")["told"][0]
    interop("Go net/http", version, "hook: limits", "free only by default; stopped by a file")


async def _by_aiohttp(foreign, limits):
    """What a session that follows redirects is answered; each hop is licensed at its own origin."""
    licensed = aiohttp_middleware.Licensed(CENT, **limits)
    async with aiohttp.ClientSession(middlewares=(licensed,), headers=AGENT) as session:
        moved = await session.get(foreign + "/moved")
        return [moved.status, (await session.get(foreign + "/other")).status]


def test_another_origin_hears_no_secret(gateway, limits) -> None:
    """A listener that moves its page to a shop, or sells nothing itself, hears neither token nor secret."""
    import http.server
    import threading

    heard = []

    class Foreign(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append((self.path, dict(self.headers)))
            self.send_response(302 if self.path == "/moved" else 402)
            self.send_header("Location", gateway.url + PAGE) if self.path == "/moved" else None
            self.send_header("Licet-Record", "forged")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Foreign)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    foreign = f"http://127.0.0.1:{server.server_port}"
    try:
        for name in ("httpx", "httpx2"):
            client = library(name)
            auth = httpx_auth.licensed(client, CENT, **limits)
            with client.Client(auth=auth, headers=AGENT, follow_redirects=True) as session:
                moved = session.get(foreign + "/moved")
                assert (moved.status_code, auth.hook.spent) == (402, Money.read("0 USD"))
                assert session.get(foreign + "/other").status_code == 402
        with library("requests").Session() as session:
            session.headers.update(AGENT)
            session.auth = requests_auth.licensed(CENT, **limits)
            assert session.get(foreign + "/moved").status_code == 402
            assert session.get(foreign + "/other").status_code == 402
        assert held(limits) == []
        assert asyncio.run(_by_aiohttp(foreign, limits)) == [200, 402]
    finally:
        server.shutdown()
        server.server_close()
    assert {path for path, _ in heard} >= {"/moved", "/other", "/.well-known/oauth-protected-resource"}
    assert not [each for _, each in heard if {"authorization", "dpop"} & {name.lower() for name in each}]
    assert {each["User-Agent"] for _, each in heard} == {AGENT["User-Agent"]}


def test_nothing_is_spent_by_default(gateway, limits) -> None:
    http = library("httpx")
    with http.Client(auth=httpx_auth.licensed(http, **limits), headers=AGENT) as client:
        got = client.get(gateway.url + PAGE)
    assert got.status_code == 402
    assert got.json()["status"] == 402
    assert isinstance(got.extensions["licet"], Refused)
    assert held(limits) == []


MODULES = (
    "gateway.client",
    "gateway.client.aiohttp_middleware",
    "gateway.client.httpx_auth",
    "gateway.client.requests_auth",
    "gateway.client.scrapy_middleware",
)


@pytest.mark.parametrize("module", MODULES)
def test_a_hook_imports_no_library_of_others(module, interop) -> None:
    """With the base dependencies alone; what it takes is printed and held to nothing."""
    code = (
        "import sys, time; began = time.process_time(); import "
        + module
        + "; took = time.process_time() - began;"
        "print(round(took * 1000), *({'httpx', 'httpx2', 'requests', 'scrapy', 'twisted', 'pydantic', 'apsw'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    took, *foreign = done.stdout.split()
    assert foreign == []
    assert importlib.util.find_spec(module)
    interop(module, "", "import", f"{took} ms of processor, no optional library")
