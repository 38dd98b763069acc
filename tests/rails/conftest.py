"""A wallet, a facilitator without a chain, and what a shop asks for."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from eth_account import Account

from gateway.egress import Egress
from gateway.money import Money
from gateway.policy.x402_terms import X402Terms
from gateway.rails.x402 import requirement
from loadtests.chainless import Chainless, signed

PRICE = Money(5_000, "USD")
URL = "https://journal.example/essays/tides"


class Wallet:
    """Signs payments; every one has a nonce of its own unless told."""

    def __init__(self) -> None:
        self.account = Account.create()
        self.address = self.account.address.lower()
        self._next = int.from_bytes(self.account.key[:8], "big")

    def pays(
        self, asked: dict[str, Any], *, nonce: bytes = b"", before: int = 0, identifier: str = ""
    ) -> str:
        """A ``PAYMENT-SIGNATURE``."""
        self._next += 1
        nonce = nonce or self._next.to_bytes(32, "big")
        content = {
            "x402Version": 2,
            "resource": {"url": URL},
            "accepted": asked,
            "payload": signed(self.account, asked, nonce=nonce, before=before or int(time.time()) + 60),
            "extensions": {"payment-identifier": {"info": {"required": False, "id": identifier}}}
            if identifier
            else {},
        }
        return encoded(content)


def encoded(content: object) -> str:
    return b64encode(json.dumps(content).encode()).decode()


@pytest.fixture
def wallet() -> Wallet:
    """Somebody who pays."""
    return Wallet()


@pytest.fixture
def terms(facilitator) -> X402Terms:
    """A dollar token with six decimals, settled by `facilitator`."""
    return X402Terms(
        facilitator.url,
        "eip155:84532",
        "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
        6,
        "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
        "USDC",
        "2",
        "USD",
    )


@pytest.fixture
def asked(terms: X402Terms) -> dict[str, Any]:
    """What `PRICE` is in those terms, as it stands on the wire."""
    found = requirement(terms, PRICE)
    assert found is not None
    return found.as_json()


@pytest.fixture
async def facilitator() -> AsyncIterator[Chainless]:
    """One that listens; `url` and `place` say where."""
    chainless = Chainless()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", chainless.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    chainless.place = f"127.0.0.1:{runner.addresses[0][1]}"
    chainless.url = f"http://{chainless.place}"
    yield chainless
    await runner.cleanup()


@pytest.fixture
def egress(facilitator: Chainless) -> Egress:
    """A way out on which the operator exempts that facilitator."""
    return Egress(exempt=(facilitator.place,))
