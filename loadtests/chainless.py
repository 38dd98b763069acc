"""A facilitator of x402 without a chain, for tests and trials: signatures are real, money is not.

EIP-3009 is only a signature, so a payment can be verified with no node: the
EIP-712 domain, recipient, value, times and nonce are checked with eth-account,
and settling remembers the nonce. Every account has any balance. Nothing here
moves money, and no gateway that means business should name it.

``python -m loadtests.chainless --port 4020`` serves ``/verify``, ``/settle`` and
``/supported`` on the loopback; in tests `Chainless` can be told to misbehave.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from eth_account import Account
from eth_account.messages import encode_typed_data

from loadtests.processes import free_port, running

_TYPES = {
    "TransferWithAuthorization": [
        {"name": "from", "type": "address"},
        {"name": "to", "type": "address"},
        {"name": "value", "type": "uint256"},
        {"name": "validAfter", "type": "uint256"},
        {"name": "validBefore", "type": "uint256"},
        {"name": "nonce", "type": "bytes32"},
    ]
}

SETTINGS = """
[payments]
exempt = ["127.0.0.1:{place}"]
[pacing]
license_per_second = 0
[store]
reserve_mb = 1
"""
#: A site where a page costs automata half a cent, paid in a dollar token.
POLICY = """
stance = "search-free-training-paid"
[site]
id = "paid"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "enforce"
[payments.x402]
facilitator = "http://127.0.0.1:{place}"
network = "eip155:84532"
asset = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
pay_to = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
name = "USDC"
[[works]]
id = "all"
paths = ["/"]
rights = "own"
people = "none"
[offers.reading]
uses = ["ai-train", "ai-input", "ai-index", "fine-tune", "tdm"]
price = {{ per_fetch = "0.005" }}
[[rules]]
when = {{ class = ["ai", "automation"] }}
then = {{ license = ["reading"] }}
[[rules]]
then = "serve"
"""

Misbehaving = Callable[[str, dict[str, Any]], Awaitable[web.Response | None]]


def typed(authorization: dict[str, str], asked: dict[str, Any]) -> Any:
    """What is signed for *asked*, an element of ``accepts``."""
    domain = {
        "name": asked["extra"]["name"],
        "version": asked["extra"]["version"],
        "chainId": int(asked["network"].partition(":")[2]),
        "verifyingContract": asked["asset"],
    }
    message = {name: authorization[name] for name in ("from", "to", "nonce")}
    numbers = {name: int(authorization[name]) for name in ("value", "validAfter", "validBefore")}
    return encode_typed_data(domain, _TYPES, {**message, **numbers})


def signed(account: Any, asked: dict[str, Any], *, nonce: bytes, before: int) -> dict[str, Any]:
    """The ``payload`` with which *account* pays *asked* until *before*."""
    authorization = {
        "from": account.address,
        "to": asked["payTo"],
        "value": asked["amount"],
        "validAfter": "0",
        "validBefore": str(before),
        "nonce": "0x" + nonce.hex(),
    }
    signature = account.sign_message(typed(authorization, asked)).signature.to_0x_hex()
    return {"signature": signature, "authorization": authorization}


class Chainless:
    """Verifies and "settles". *asked* are the paths it was asked at, *settled* the transactions by nonce.

    *misbehave*, where it is set, may answer instead, before anything is settled; while *silent* it settles and says nothing.
    """

    def __init__(self) -> None:
        """Start with no nonce used."""
        self.asked: list[str] = []
        self.settled: dict[str, str] = {}
        self.misbehave: Misbehaving | None = None
        self.silent = False

    async def answer(self, request: web.Request) -> web.Response:
        """Answer at any of the three addresses."""
        what = request.path.rpartition("/")[2]
        self.asked.append(what)
        if what == "silent":
            # From now on it settles without a word: what a crash or a lost answer looks like from outside.
            self.silent = request.query.get("for", "") != "nobody"
            return web.json_response({})
        if what == "settled":
            return web.json_response({"settled": len(self.settled), "asked": self.asked.count("settle")})
        if what == "supported":
            kinds = [{"x402Version": 2, "scheme": "exact", "network": "eip155:84532"}]
            return web.json_response({"kinds": kinds, "extensions": [], "signers": {}})
        given = await request.json()
        if self.misbehave is not None and (other := await self.misbehave(what, given)) is not None:
            return other
        said = self.verified(given) if what == "verify" else self.settle(given)
        if self.silent and what == "settle":
            return web.Response(status=504)
        return web.json_response(said)

    def verified(self, given: dict[str, Any]) -> dict[str, Any]:
        """A VerifyResponse."""
        payload, asked = given["paymentPayload"]["payload"], given["paymentRequirements"]
        authorization = payload["authorization"]
        why = self._wrong(payload, authorization, asked)
        said = {"isValid": not why, "payer": authorization["from"]}
        return {**said, "invalidReason": why} if why else said

    def settle(self, given: dict[str, Any]) -> dict[str, Any]:
        """A SettleResponse; the same nonce is settled once."""
        found = self.verified(given)
        asked = given["paymentRequirements"]
        nonce = given["paymentPayload"]["payload"]["authorization"]["nonce"]
        why = found.get("invalidReason") or ("invalid_transaction_state" if nonce in self.settled else "")
        said = {"payer": found["payer"], "network": asked["network"]}
        if why:
            return {"success": False, "errorReason": why, "transaction": "", **said}
        self.settled[nonce] = "0x" + hashlib.sha256(nonce.encode()).hexdigest()
        return {"success": True, "transaction": self.settled[nonce], "amount": asked["amount"], **said}

    def _wrong(self, payload: dict[str, Any], authorization: dict[str, str], asked: dict[str, Any]) -> str:
        if authorization["to"].lower() != asked["payTo"].lower():
            return "invalid_exact_evm_payload_recipient_mismatch"
        if authorization["value"] != asked["amount"]:
            return "invalid_exact_evm_payload_authorization_value_mismatch"
        if not int(authorization["validAfter"]) <= time.time() < int(authorization["validBefore"]):
            return "invalid_exact_evm_payload_authorization_valid_before"
        try:
            signer = Account.recover_message(typed(authorization, asked), signature=payload["signature"])
        except Exception:
            return "invalid_exact_evm_payload_signature"
        same = signer.lower() == authorization["from"].lower()
        return "" if same else "invalid_exact_evm_payload_signature"


@dataclass(frozen=True, slots=True)
class PaidSite:
    """A gateway whose pages are paid for by x402: its address, data folder and process, and its facilitator."""

    url: str
    data: Path
    pid: int
    facilitator: str

    def settled(self) -> dict[str, int]:
        """How many payments were settled there, and how often it was asked to."""
        return self._said("settled")

    def silence(self, *, on: bool) -> None:
        """Have the facilitator settle without a word, or speak again."""
        self._said("silent" if on else "silent?for=nobody")

    def _said(self, what: str) -> dict[str, int]:
        with urllib.request.urlopen(f"{self.facilitator}/{what}", timeout=10) as answer:
            found: dict[str, int] = json.loads(answer.read())
        return found


@contextlib.contextmanager
def paid_site(folder: Path, origin: str, *, workers: int = 1, name: str = "paid") -> Iterator[PaidSite]:
    """Serve *origin* behind a gateway with a chain-less facilitator until the context ends."""
    data, place = folder / f"{name}-data", free_port()
    (data / "sites").mkdir(parents=True, mode=0o700)
    data.chmod(0o700)
    (data / "licet.toml").write_text(SETTINGS.format(place=place))
    (data / "sites" / "paid.toml").write_text(POLICY.format(origin=origin, place=place))
    chainless = [sys.executable, "-m", "loadtests.chainless", "--port", str(place)]
    with (
        running(chainless, None, place, folder / f"{name}-facilitator.log"),
        served(data, f"http://127.0.0.1:{place}", workers=workers) as site,
    ):
        yield site


@contextlib.contextmanager
def served(data: Path, facilitator: str, *, workers: int = 1, port: int = 0) -> Iterator[PaidSite]:
    """Serve the data folder of a `paid_site`, on *port* where one is named, until the context ends."""
    port = port or free_port()
    command = [sys.executable, "-m", "gateway", "serve", "--data", str(data), "--port", str(port)]
    command += ["--workers", str(workers), "--dashboard-port", str(free_port())]
    with running(command, None, port, data.parent / f"{data.name}-{port}.log") as pid:
        yield PaidSite(f"http://127.0.0.1:{port}", data, pid, facilitator)


async def serve(port: int) -> None:
    """Serve on the loopback until canceled."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", Chainless().answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


def main() -> None:
    """Read the port, and serve."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=4020)
    asyncio.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
