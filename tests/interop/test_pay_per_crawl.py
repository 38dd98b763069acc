"""PyPI ``http-message-signatures``, unmodified, signs bids that a live gateway charges to an account."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

from gateway.app import Licet
from gateway.config import read_config
from gateway.licenses.enrollment import enroll
from gateway.licenses.license import Standing
from gateway.money import Money
from gateway.policy.reading import default_policy
from gateway.policy.rules import Mode

AGENT = "https://bot.example"


@pytest.fixture
async def shop(tmp_path: Path, origin: str, signing) -> AsyncIterator[SimpleNamespace]:
    """A gateway that enforces, and a crawler whose keys it has and whose account may owe 1 USD."""
    signer = signing.Signer()
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "keys.json").write_bytes(signing.jwks(signer))
    (data / "licet.toml").write_text(
        "[listen]\nport = 0\n[dashboard]\nport = 0\n[store]\nreserve_mb = 1\n"
        f'[signatures]\npinned = ["{AGENT}=keys.json"]\n'
    )
    policy = default_policy(origin, mode=Mode.ENFORCE, stance="search-free-training-paid")
    licet = Licet(read_config(data), policies=lambda: (policy,))
    url = (await licet.start()).front
    made = enroll("Example AI", now=0, standing=Standing.ACTIVE)
    await licet.register.add_licensee(made.licensee, made.client)
    await licet.accounts.tie(AGENT, made.licensee.id)
    await licet.accounts.set_limit(made.licensee.id, Money(1_000_000, "USD"))
    async with aiohttp.ClientSession() as http:
        yield SimpleNamespace(url=url, signer=signer, http=http, licet=licet, licensee=made.licensee.id)
    await licet.stop(1)


async def _bid(shop, price: str, *, covered: bool = True) -> aiohttp.ClientResponse:
    """Fetch a page with a bid, signed by the library as its documentation shows."""
    url = f"{shop.url}/essays/tides"
    headers = {"Signature-Agent": f'"{AGENT}"', "Crawler-Max-Price": price, "User-Agent": "GPTBot/1.3"}
    message = SimpleNamespace(method="GET", url=url, headers=headers)
    keys = MappingKeyResolver(public_keys={}, private_keys={shop.signer.keyid: shop.signer.key})
    now = dt.datetime.now(dt.UTC)
    HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=keys).sign(
        message, key_id=shop.signer.keyid, label="sig1", tag="web-bot-auth", created=now,
        expires=now + dt.timedelta(minutes=1), nonce=secrets.token_urlsafe(16), include_alg=False,
        covered_component_ids=("@authority", "signature-agent", *(["crawler-max-price"] if covered else [])),
    )  # fmt: skip
    async with shop.http.get(url, headers=message.headers) as answer:
        await answer.read()
        return answer


async def test_a_bid_signed_by_the_python_library_buys_a_page(shop, interop) -> None:
    client = ("PyPI http-message-signatures", version("http-message-signatures"))
    low = await _bid(shop, "USD 0.001")
    assert (low.status, low.headers["Crawler-Error"]) == (402, "InvalidCrawlerMaxPrice")
    price = low.headers["Crawler-Price"]
    interop(*client, "bid below the price", f"402 InvalidCrawlerMaxPrice, crawler-price: {price}")
    bare = await _bid(shop, price, covered=False)
    assert (bare.status, bare.headers["Crawler-Error"]) == (400, "InvalidSignature")
    interop(*client, "leave the price uncovered", "400 InvalidSignature")
    paid = await _bid(shop, price)
    assert (paid.status, paid.headers["Crawler-Charged"]) == (200, price)
    interop(*client, "bid the price", f"200, crawler-charged: {price}")
    await shop.licet.journal.flush()
    await shop.licet.keeper.catch_up()
    spent = await shop.licet.ledger.balance(f"licensee:{shop.licensee}:prepaid", "USD")
    assert spent == -Money.read(price)
