"""Scrapy, unmodified: obeys robots.txt, meets the 402, buys a license, bids for a page."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version

from gateway.terms.rsl import parse_rsl

AGENT = "https://bot.example"
#: Everything a spider's author writes; the rest is Scrapy's own.
SPIDER = """
import base64, datetime, json, secrets, sys
from types import SimpleNamespace
import scrapy
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

JOB = json.loads(%r)

class Tides(scrapy.Spider):
    name = "tides"
    handle_httpstatus_list = [402]
    custom_settings = {"ROBOTSTXT_OBEY": True, "USER_AGENT": "GPTBot/1.3", "TELNETCONSOLE_ENABLED": False}

    async def start(self):
        for path in JOB["closed"], "/essays/tides":
            yield scrapy.Request(JOB["url"] + path, callback=self.refused)

    def refused(self, response):
        body = response.json()
        yield {"step": "refused", "status": response.status, "price": response.headers[b"crawler-price"].decode()}
        login = base64.b64encode(f"{JOB['client']}:{JOB['secret']}".encode()).decode()
        yield scrapy.FormRequest(body["buy"]["token_endpoint"], headers={"Authorization": f"Basic {login}"},
            formdata={"grant_type": "client_credentials", "resource": response.url}, callback=self.bought)
        yield scrapy.Request(response.url + "?bid", headers=self.bid(response.url + "?bid", body), callback=self.paid)

    def bought(self, response):
        token = response.json()["access_token"]
        yield scrapy.Request(JOB["url"] + "/essays/tides", dont_filter=True,
            headers={"Authorization": f"License {token}"}, callback=self.licensed)

    def licensed(self, response):
        yield {"step": "licensed", "status": response.status, "price": response.headers[b"licet-price"].decode()}

    def paid(self, response):
        charged = response.headers.get(b"crawler-charged", b"").decode()
        yield {"step": "bid", "status": response.status, "price": charged}

    def bid(self, url, body):
        price = f"{body['price']['currency']} {body['price']['amount']}"
        headers = {"Signature-Agent": f'"{JOB["agent"]}"', "Crawler-Max-Price": price}
        message = SimpleNamespace(method="GET", url=url, headers=headers)
        key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(JOB["key"]))
        now = datetime.datetime.now(datetime.UTC)
        HTTPMessageSigner(signature_algorithm=algorithms.ED25519,
            key_resolver=MappingKeyResolver(public_keys={}, private_keys={JOB["keyid"]: key})).sign(
            message, key_id=JOB["keyid"], label="sig1", tag="web-bot-auth", created=now,
            expires=now + datetime.timedelta(minutes=1), nonce=secrets.token_urlsafe(16), include_alg=False,
            covered_component_ids=("@authority", "signature-agent", "crawler-max-price"))
        return headers
"""


def test_scrapy_obeys_is_refused_and_pays(gateway, interop, tmp_path) -> None:
    made = gateway.operator("licensee", "add", "Example AI Labs", "--credit", "5 USD")
    gateway.operator("licensee", "agent", made["licensee"], AGENT)
    job = {
        "url": gateway.url, "closed": "/tidal-ledger-7f3a", "client": made["client_id"], "secret": made["client_secret"],
        "agent": AGENT, "keyid": gateway.signer.keyid, "key": gateway.signer.key.private_bytes_raw().hex(),
    }  # fmt: skip
    (tmp_path / "spider.py").write_text(SPIDER % json.dumps(job))
    command = [sys.executable, "-m", "scrapy", "runspider", "spider.py", "-O", "told.jsonl", "-L", "DEBUG"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in (tmp_path / "told.jsonl").read_text().splitlines()]
    by_step = {each["step"]: (each["status"], each["price"]) for each in told}
    client = ("PyPI Scrapy", version("scrapy"))
    assert f"Forbidden by robots.txt: <GET {gateway.url}/tidal-ledger-7f3a>" in done.stderr
    interop(*client, "obey robots.txt", "the closed path was not asked for")
    assert by_step["refused"] == (402, "USD 0.01"), done.stderr
    interop(*client, "meet the terms", "402, crawler-price: USD 0.01")
    assert by_step["licensed"] == (200, "USD 0.01"), done.stderr
    interop(*client, "buy where the 402 says, fetch", "200, licet-price: USD 0.01")
    assert by_step["bid"] == (200, "USD 0.01"), done.stderr
    interop(*client, "sign a crawler-max-price", "200, crawler-charged: USD 0.01")


def test_the_terms_that_scrapy_s_robots_txt_names_can_be_read(gateway, interop) -> None:
    """Protego, which Scrapy asks, finds no `License` line; the one that is there leads to RSL."""
    import urllib.request

    from protego import Protego

    robots = urllib.request.urlopen(f"{gateway.url}/robots.txt", timeout=20).read().decode()
    rules = Protego.parse(robots)
    assert rules.can_fetch(f"{gateway.url}/essays/tides", "GPTBot/1.3")
    assert not rules.can_fetch(f"{gateway.url}/tidal-ledger-7f3a", "GPTBot/1.3")
    (named,) = (line.split(None, 1)[1] for line in robots.splitlines() if line.lower().startswith("license:"))
    document = parse_rsl(urllib.request.urlopen(named, timeout=20).read(), origin=gateway.url)
    assert any(content.server == f"{gateway.url}/.licet" for content in document.contents)
    interop("PyPI protego", version("protego"), "read robots.txt", "the page is open, the closed path is not")
