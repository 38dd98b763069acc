"""The recipe that a refused program reads, run by a shell as it is printed: register, buy, fetch.

Names in capitals are replaced by what the step before printed, and by nothing else.
"""

from __future__ import annotations

import json
import re
import subprocess
import urllib.error
import urllib.request
from base64 import b64encode
from html import unescape

import pytest

from loadtests.raw_origin import PAGE


def answered(url, **headers):
    """Status and body, also of a refusal."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def printed(page):
    """The lines that a page shows as code."""
    return [
        unescape(line) for line in re.search(r"<pre[^>]*><code>(.*?)</code>", page, re.DOTALL)[1].splitlines()
    ]


def recipe_of(gateway, source):
    """The three lines that *source* prints, and what stands for the page in them."""
    if source == "the 402 in JSON":
        status, body = answered(f"{gateway.url}/essays/tides?page=2", **{"User-Agent": "GPTBot/1.3"})
        assert status == 402
        return json.loads(body)["buy"]["curl"]
    if source == "the 402 as a page":
        reading = {"User-Agent": "Mozilla/5.0 (compatible; MysteryAIBot/1.0)", "Accept": "text/html"}
        status, page = answered(f"{gateway.url}/essays/tides?page=2", **reading)
        assert (status, page[:9].lower()) == (402, "<!doctype")
        return printed(page)
    if source == "the desk in JSON":
        return json.loads(answered(f"{gateway.url}/.licet/")[1])["how_to_buy"]
    return printed(answered(f"{gateway.url}/.licet/", Accept="text/html")[1])


def shell(line):
    """What *line* prints when a shell runs it."""
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, (line, done.stderr)
    return done.stdout


@pytest.mark.parametrize(
    "source", ["the 402 in JSON", "the 402 as a page", "the desk in JSON", "the desk's page"]
)
def test_the_recipe_runs_as_printed(needs, gateway, interop, source) -> None:
    curl = needs("curl", "apt install curl")
    version = subprocess.run([curl, "--version"], capture_output=True, text=True, check=True).stdout.split()[
        1
    ]
    register, buy, fetch = recipe_of(gateway, source)
    made = json.loads(shell(register))
    gateway.fund(made["licensee"])
    buy = buy.replace("CLIENT_ID", made["client_id"]).replace("CLIENT_SECRET", made["client_secret"])
    bought = json.loads(shell(buy))
    page = fetch.replace("ACCESS_TOKEN", bought["access_token"]).replace("PAGE", "tides")
    assert not re.search(r"\b[A-Z]{2,}_[A-Z_]+\b", register + buy + page.replace(bought["access_token"], ""))
    assert shell(page) == PAGE.decode()
    login = b64encode(f"{made['client_id']}:{made['client_secret']}".encode()).decode()
    account = json.loads(answered(f"{gateway.url}/.licet/account", Authorization=f"Basic {login}")[1])
    # A fetch is paid from a lease, which may set a few more aside.
    assert [0 < each["micros"] <= 4_990_000 for each in account["balances"]] == [True]
    interop("curl", version, f"the recipe of {source}", "registered, bought, fetched for 0.01 USD")
