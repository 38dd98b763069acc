"""One token opens a whole bundle, in every client of ours: three pages, one purchase, one token; against a real `licet serve`."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.client import Fetched, LicensedSession, Secret, Spending
from gateway.client.wallet import Wallet
from gateway.money import Money
from loadtests.raw_origin import PAGE as BODY

AGENT = "ChatGPT-User/1.0"
PAGES = ("/essays/moon", "/essays/reefs", "/essays/tides")
#: Of the same work, and in no bundle.
OUTSIDE = "/essays/old"
INTEGRATIONS = Path(__file__).parents[2] / "policies" / "integrations"
BUNDLE = """
[offers.launch]
uses = ["ai-input"]
bundle = "launch"
price = { upfront = "0.90", per_fetch = "0.01" }
attribution = { text = "The Tidal Ledger" }
[[rules]]
when = { crawler = "ChatGPT-User" }
then = { license = ["launch"] }
[[rules]]
when = { class"""


@dataclass
class Shop:
    """Where the bundle is sold, by whom it is bought, and where receipts are kept."""

    url: str
    login: tuple[str, str]
    receipts: Path


@pytest.fixture(scope="module")
def bundled(gateway, tmp_path_factory):
    """`gateway`, which sells its three essays as one bundle."""
    listed = tmp_path_factory.mktemp("bundle") / "pages.txt"
    listed.write_text("".join(f"{page}\n" for page in PAGES))
    assert gateway.operator("bundle", "make", "launch", "--list", str(listed))["items"] == 3
    file = gateway.data / "sites" / "journal.toml"
    file.write_text(file.read_text().replace("[[rules]]\nwhen = { class", BUNDLE, 1))
    deadline = time.monotonic() + 30
    while not any(each["id"] == "launch" for each in offers(gateway)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return gateway


@pytest.fixture
def shop(bundled, tmp_path) -> Shop:
    """Somebody who has bought nothing yet where the bundle is sold."""
    return Shop(bundled.url, bundled.licensee(), tmp_path / "receipts.jsonl")


def offers(gateway) -> list[dict]:
    with urllib.request.urlopen(f"{gateway.url}/.licet/", timeout=20) as answer:
        return json.loads(answer.read())["offers"]


def bought_once(shop, asked: list[str], interop, *client: str) -> None:
    """Three pages were licensed by one license, and one token was asked for."""
    kept = [json.loads(line) for line in shop.receipts.read_text().splitlines()]
    fetched = [each for each in kept if each["kind"] == "fetch"]
    assert [each["path"] for each in fetched] == list(PAGES)
    assert len({each["license"] for each in fetched}) == 1
    assert len(Wallet(shop.receipts.with_name("receipts.jsonl.wallet")).licenses) == 1
    assert len(asked) == 1, asked
    interop(*client, "a bundle", f"{len(fetched)} pages, {len(asked)} token, 0.90 USD once and 0.01 USD each")


async def test_python(shop, interop) -> None:
    spending = Spending(Money.read("0.01 USD"), Money.read("1 USD"))
    login = Secret(shop.url, *shop.login)
    async with LicensedSession(AGENT, spending, logins=(login,), receipts=shop.receipts) as session:
        asked, send = [], session.caller.send

        async def counted(method, url, *more, **rest):
            if url.endswith("/.licet/token"):
                asked.append(url)
            return await send(method, url, *more, **rest)

        session.caller.send = counted
        for page in PAGES:
            got = await session.fetch(shop.url + page)
            assert isinstance(got, Fetched), got
            assert got.body == BODY
        bought_once(shop, asked, interop, "LicensedSession", "")


NODE = """
const asked = [], plain = globalThis.fetch;
globalThis.fetch = (url, options) => {
  if (String(url).endsWith("/.licet/token")) asked.push(String(options.body));
  return plain(url, options);
};
const { licensedFetch } = await import(%s);
const job = JSON.parse(process.argv[2]);
const fetch = licensedFetch(job.limits);
const told = [];
for (const page of job.pages) {
  const answer = await fetch(page);
  told.push([answer.status, answer.licet?.code ?? ""]);
}
console.log(JSON.stringify({ told, asked, spent: Number(fetch.spent.micros), version: process.version }));
"""


def test_node(shop, tmp_path, interop) -> None:
    if not shutil.which("node"):
        pytest.skip("node is absent (apt install nodejs)")
    (tmp_path / "run.mjs").write_text(NODE % json.dumps((INTEGRATIONS / "licet-fetch.mjs").as_uri()))
    limits = {
        "userAgent": AGENT, "logins": {shop.url: shop.login}, "receipts": str(shop.receipts),
        "maxPrice": "0.01 USD", "budget": "1 USD",
    }  # fmt: skip

    def run(*pages: str) -> dict:
        job = {"limits": limits, "pages": [shop.url + page for page in pages]}
        command = ["node", str(tmp_path / "run.mjs"), json.dumps(job)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    found = run(*PAGES)
    assert found["told"] == [[200, ""]] * 3
    assert found["spent"] == 930_000
    bought_once(shop, found["asked"], interop, "node fetch", found["version"])
    # Another run has the license of the wallet, and needs one token of it, whose manifest it reads; no page more is opened.
    again = run(*PAGES, OUTSIDE)
    assert [each[0] for each in again["told"]] == [200, 200, 200, 403]
    assert len([each for each in again["asked"] if "%22license%22" in each and "moon" in each]) == 1
    assert again["spent"] == 30_000


def test_curl(needs, shop, tmp_path, interop) -> None:
    curl, _ = needs("curl", "apt install curl"), needs("jq", "apt install jq")
    (tmp_path / "bin").mkdir()
    counting = tmp_path / "bin" / "curl"
    counting.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {tmp_path}/calls\nexec {curl} "$@"\n')
    counting.chmod(0o755)
    env = {
        **os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "LICET_AGENT": AGENT, "LICET_USES": "ai-input",
        "LICET_LOGIN": ":".join(shop.login), "LICET_RECEIPTS": str(shop.receipts),
        "LICET_MAX_PRICE": "0.01 USD", "LICET_BUDGET": "1 USD",
    }  # fmt: skip

    def run(page: str) -> subprocess.CompletedProcess:
        command = ["sh", str(INTEGRATIONS / "licet-curl.sh"), shop.url + page]
        return subprocess.run(command, capture_output=True, env=env, timeout=60, check=False)

    def asked() -> list[str]:
        return [line for line in (tmp_path / "calls").read_text().splitlines() if "-X POST" in line]

    for page in PAGES:
        done = run(page)
        assert (done.returncode, done.stdout) == (0, BODY), done.stderr
    version = subprocess.run([curl, "--version"], capture_output=True, text=True, check=True).stdout.split()
    tokens = shop.receipts.with_name("receipts.jsonl.tokens")
    (held,) = [json.loads(line) for line in tokens.read_text().splitlines()]
    assert set(held["paths"]) == set(PAGES)
    assert stat.S_IMODE(tokens.stat().st_mode) == 0o600
    kept = [json.loads(line) for line in shop.receipts.read_text().splitlines()]
    assert [each["at_most"] for each in kept if each["kind"] == "fee"] == ["USD 0.9"]
    bought_once(shop, asked(), interop, "curl", version[1])
    outside = run(OUTSIDE)
    assert (outside.returncode, b"403 was answered" in outside.stderr) == (1, True), outside.stderr
    # A token that the gateway takes back no more is given up, and another one of the license is asked for.
    tokens.write_text(json.dumps({**held, "value": held["value"][:-8] + "AAAAAAAA"}) + "\n")
    assert run(PAGES[0]).returncode == 0
    (renewed,) = [json.loads(line) for line in tokens.read_text().splitlines()]
    assert (renewed["license"], set(renewed["paths"])) == (held["license"], set(PAGES))
    # A manifest that has another hash opens nothing more than the page.
    lapsed = json.dumps({**renewed, "until": 1}) + "\n"
    tokens.write_text(lapsed)
    script = (INTEGRATIONS / "licet-curl.sh").read_text()
    bent = tmp_path / "bent.sh"
    bent.write_text(script.replace("jq -jcS 'del(.hash)'", "jq -jcS 'del(.hash, .name)'"))
    assert bent.read_text() != script
    done = subprocess.run(
        ["sh", str(bent), shop.url + PAGES[1]], capture_output=True, env=env, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    (narrow,) = [json.loads(line) for line in tokens.read_text().splitlines()]
    assert narrow["paths"] == [PAGES[1]]


GO = """
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"crawler.example/licet"
)

type counting struct{ asked []string }

func (c *counting) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Path == "/.licet/token" { c.asked = append(c.asked, request.URL.String()) }
	return http.DefaultTransport.RoundTrip(request)
}

func main() {
	var job struct{ Origin, Id, Secret, Receipts string; Pages []string }
	if err := json.Unmarshal([]byte(os.Args[1]), &job); err != nil { panic(err) }
	base := &counting{}
	licensed := &licet.Transport{Base: base, UserAgent: "ChatGPT-User/1.0", Receipts: job.Receipts,
		Logins: map[string]licet.Login{job.Origin: {ID: job.Id, Secret: job.Secret}},
		MaxPrice: licet.MustMoney("0.01 USD"), Budget: licet.MustMoney("1 USD")}
	client := &http.Client{Transport: licensed}
	var told []string
	for _, page := range job.Pages {
		answer, err := client.Get(page)
		if err != nil { panic(err) }
		answer.Body.Close()
		told = append(told, fmt.Sprint(answer.StatusCode, " ", answer.Header.Get("Licet-Refused")))
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{"told": told, "asked": base.asked, "spent": licensed.Spent().Micros})
}
"""


def test_go(go, go_crawler, shop, interop) -> None:
    crawler = go_crawler(GO)

    def run(*pages: str) -> dict:
        client, secret = shop.login
        job = {
            "origin": shop.url, "id": client, "secret": secret, "receipts": str(shop.receipts),
            "pages": [shop.url + page for page in pages],
        }  # fmt: skip
        done = subprocess.run([crawler, json.dumps(job)], capture_output=True, timeout=60, check=True)
        return json.loads(done.stdout)

    found = run(*PAGES)
    assert (found["told"], found["spent"]) == (["200 "] * 3, 930_000)
    version = subprocess.run([go, "version"], capture_output=True, text=True, check=True).stdout.split()[2]
    bought_once(shop, found["asked"], interop, "Go net/http", version)
    again = run(*PAGES, OUTSIDE)
    assert [each[:3] for each in again["told"]] == ["200", "200", "200", "403"]
    assert again["spent"] == 30_000
