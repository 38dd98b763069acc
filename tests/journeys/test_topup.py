"""Credit paid in by Stripe Checkout on a whole gateway: settings, secrets, page, event, books."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from loadtests.chainless import POLICY, served

SETTINGS = """
[payments]
exempt = ["{place}"]
[stripe]
api = "http://{place}"
secret_key_file = "keys/stripe"
webhook_secret_file = "keys/stripe-webhook"
[store]
reserve_mb = 1
"""
pytest.importorskip("stripe", reason="PyPI stripe is absent (make .make/dev)")


async def page(request: web.BaseRequest) -> web.Response:
    """A session, as Stripe's API of 2026 answers it."""
    assert request.headers["Authorization"] == "Bearer sk_test_1"
    form = {name: value for name, (value,) in parse_qs((await request.read()).decode()).items()}
    return web.json_response(
        {
            "id": "cs_test_1", "object": "checkout.session", "mode": "payment", "payment_status": "unpaid",
            "amount_total": int(form["line_items[0][price_data][unit_amount]"]), "currency": "usd",
            "client_reference_id": form["client_reference_id"], "url": "https://checkout.stripe.com/c/pay/cs_test_1",
        }
    )  # fmt: skip


def paid(topup: str) -> tuple[bytes, str]:
    """An event that says so, and its signature."""
    session = {
        "id": "cs_test_1", "object": "checkout.session", "mode": "payment", "payment_status": "paid", "amount_total": 2500,
        "currency": "usd", "client_reference_id": topup, "payment_intent": "pi_1",
    }  # fmt: skip
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "checkout.session.completed",
        "data": {"object": session},
    }
    body, now = json.dumps(event).encode(), int(time.time())
    mac = hmac.new(b"whsec_1", b"%d.%b" % (now, body), hashlib.sha256).hexdigest()
    return body, f"t={now},v1={mac}"


def licet(data: Path, *command: str):
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *command, "--data", str(data), "--json"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture
async def stripe():
    """A server that makes pages."""
    made = RawTestServer(page)
    await made.start_server()
    yield made
    await made.close()


async def test_a_licensee_pays_in_and_its_credit_is_there(stripe, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "sites").mkdir(parents=True, mode=0o700)
    (data / "keys").mkdir(mode=0o700)
    data.chmod(0o700)
    (data / "licet.toml").write_text(SETTINGS.format(place=f"{stripe.host}:{stripe.port}"))
    (data / "sites" / "paid.toml").write_text(POLICY.format(origin="http://127.0.0.1:1", place="1"))
    for name, secret in (("stripe", "sk_test_1"), ("stripe-webhook", "whsec_1")):
        (data / "keys" / name).touch(0o600)
        (data / "keys" / name).write_text(secret)
    with served(data, "") as site:
        made = licet(data, "licensee", "add", "Example AI Labs")
        login = aiohttp.encode_basic_auth(made["client_id"], made["client_secret"])
        async with aiohttp.ClientSession() as http:
            asked = {"amount": "25"}
            async with http.post(
                f"{site.url}/.licet/topup", json=asked, headers={"Authorization": login}
            ) as answer:
                opened = await answer.json()
                assert (answer.status, opened["url"]) == (201, "https://checkout.stripe.com/c/pay/cs_test_1")
            body, signature = paid(opened["topup"])
            headers = {"Content-Type": "application/json", "Stripe-Signature": signature}
            for _ in range(2):
                async with http.post(
                    f"{site.url}/.licet/stripe/webhook", data=body, headers=headers
                ) as answer:
                    assert (answer.status, await answer.json()) == (200, {"heard": True})
        (listed,) = licet(data, "licensee", "list")
        assert listed["credit"] == "25 USD"
        assert licet(data, "journal", "audit")["good"] is True
