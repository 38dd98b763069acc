"""Other people's x402 clients pay a fetch, unmodified, on a live gateway with a facilitator that has no chain."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from loadtests.chainless import PaidSite, paid_site
from loadtests.raw_origin import PAGE

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
PAY = """
import { privateKeyToAccount, generatePrivateKey } from "viem/accounts";
import { wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { ExactEvmScheme } from "@x402/evm/exact/client";
const client = new x402Client();
client.register("eip155:84532", new ExactEvmScheme(privateKeyToAccount(generatePrivateKey())));
const paying = wrapFetchWithPayment(fetch, client);
const answer = await paying(process.argv[2], { headers: { "User-Agent": process.argv[3] } });
const said = answer.headers.get("payment-response");
console.log(JSON.stringify({
  status: answer.status, octets: (await answer.arrayBuffer()).byteLength,
  response: said ? JSON.parse(Buffer.from(said, "base64").toString()) : null,
}));
"""


@pytest.fixture
def paid(tmp_path: Path, origin: str) -> Iterator[PaidSite]:
    """A gateway with two workers that takes x402."""
    with paid_site(tmp_path, origin, workers=2) as site:
        yield site


def audited(site: PaidSite) -> None:
    """Journal, postings and balances agree."""
    command = [sys.executable, "-m", "gateway", "journal", "audit", "--data", str(site.data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def test_pypi_x402_pays_a_fetch(paid, interop) -> None:
    x402 = pytest.importorskip("x402", reason="PyPI x402 is absent (make .make/dev)")
    from eth_account import Account
    from x402.http import decode_payment_response_header
    from x402.http.clients import x402HttpxClient
    from x402.mechanisms.evm import EthAccountSigner
    from x402.mechanisms.evm.exact import ExactEvmScheme

    client = x402.x402Client()
    account = Account.create()
    client.register("eip155:84532", ExactEvmScheme(signer=EthAccountSigner(account)))
    async with x402HttpxClient(client, headers={"User-Agent": GPTBOT}, timeout=30) as http:
        answer = await http.get(f"{paid.url}/essays/tides")
        came = decode_payment_response_header(answer.headers["payment-response"])
        other = await http.get(f"{paid.url}/bytes/70000")
    assert (answer.status_code, answer.content) == (200, PAGE)
    assert (came.success, came.payer, came.amount) == (True, account.address.lower(), "5000")
    assert (other.status_code, len(other.content)) == (200, 70_000)
    assert paid.settled() == {"settled": 2, "asked": 2}
    audited(paid)
    interop(
        "PyPI x402 (httpx)",
        version("x402"),
        "pay a fetch",
        "402, then 200 with PAYMENT-RESPONSE; books agree",
    )


@pytest.fixture(scope="module")
def npm_fetch(tmp_path_factory) -> Path:
    """A script that pays with npm ``@x402/fetch``."""
    folder = tmp_path_factory.mktemp("npm")
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("npm and node are absent (apt install npm)")
    packages = ["@x402/fetch", "@x402/evm", "viem"]
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), *packages],
        capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"@x402/fetch could not be installed: {done.stderr[-300:]}")
    script = folder / "pay.mjs"
    script.write_text(PAY)
    return script


@pytest.mark.timeout(240)
def test_npm_x402_fetch_pays_a_fetch(npm_fetch, paid, interop) -> None:
    done = subprocess.run(
        ["node", str(npm_fetch), f"{paid.url}/essays/tides", GPTBOT],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    came = json.loads(done.stdout)
    assert (came["status"], came["response"]["success"], came["response"]["amount"]) == (200, True, "5000")
    assert paid.settled() == {"settled": 1, "asked": 1}
    audited(paid)
    manifest = json.loads((npm_fetch.parent / "node_modules/@x402/fetch/package.json").read_text())
    interop(
        "npm @x402/fetch",
        manifest["version"],
        "pay a fetch",
        "402, then 200 with PAYMENT-RESPONSE; books agree",
    )


def test_the_conformance_checks_of_others_find_nothing(paid, needs, interop) -> None:
    program = needs("x402conf", "make .make/dev")
    done = subprocess.run(
        [program, "resource", f"{paid.url}/essays/tides"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (result,) = json.loads(done.stdout)["results"]
    wrong = [check["check"] for check in result["checks"] if not check["pass"]]
    assert (result["http"], wrong, len(result["checks"]) >= 7) == (402, [], True)
    passed = f"{len(result['checks'])} of {len(result['checks'])} checks of the 402 pass"
    interop("PyPI x402-conformance", version("x402-conformance"), "look at a 402", passed)
