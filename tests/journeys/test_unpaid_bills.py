"""A bill that is not paid: its license opens nothing at the next fetch, and the same token opens again once it is paid."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from gateway.licenses.offers import months_after
from tests.journeys.conftest import SetClock

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)
DAY = 86_400
POLICY = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "{mode}"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
works = ["essays"]
price = {{ subscription = "10" }}
[contract]
by_machine = true
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training"] }}
[[rules]]
then = "serve"
"""

BILLING = "[billing]\ndue_days = 0\nreminder_days = 1\noverdue_days = 1\nsuspend_days = 1\n"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """The clock of every gateway that starts now, 70 days behind; the office looks at dues and bills all the time."""
    made = SetClock()
    made.ahead = -70 * DAY
    monkeypatch.setattr("gateway.app.office.SystemClock", lambda: made)
    monkeypatch.setattr("gateway.app.due_round.ROUND_SECONDS", 0.05)
    monkeypatch.setattr("gateway.app.billing_room.ROUND_SECONDS", 0.05)
    return made


async def until(gate: Any, status: int, token: str) -> dict[str, Any]:
    """Fetch until the gate answers so; the problem, where it is one."""
    async with asyncio.timeout(20):
        while (answer := await gate.get("/essays/tides", GPTBOT, token=token)).status != status:
            await asyncio.sleep(0.02)
    found: dict[str, Any] = json.loads(await answer.read()) if status >= 400 else {}
    return found


async def test_an_unpaid_bill_suspends_and_a_paid_one_opens_again(
    world: Any, clock: SetClock, licet: Any
) -> None:
    gate = await world(policy=POLICY, settings=BILLING)
    licensee, client, secret = await gate.licensee("1000 USD")
    assert (await gate.token(client, secret, resource="/essays/"))["status"] == 200
    (license,) = await gate.licet.register.licenses_of(licensee)
    second = months_after(license.starts_at, 1)
    # From here on the gateway is two days ahead of the commands.
    clock.ahead = 2 * DAY
    async with asyncio.timeout(20):
        while not any(
            getattr(each.entry, "kind_of", "") == "due"
            for each in await gate.licet.ledger.entries_of(licensee, 0, 1 << 62)
        ):
            await asyncio.sleep(0.02)
    token = (await gate.token(client, secret, resource="/essays/"))["access_token"]
    await until(gate, 200, token)

    at = ("--data", gate.folder)
    month = datetime.fromtimestamp(second, UTC).strftime("%Y-%m")
    (bill,) = (await licet("invoices", "issue", licensee, "--period", month, "--json", *at)).json
    problem = await until(gate, 403, token)
    assert problem["type"].endswith("license-suspended")
    assert problem["license"] == license.id
    assert f"The statement {bill['number']} was to be paid by" in problem["detail"]
    assert f"10 USD of it are open. Pay it, or dispute the line that is wrong: /.licet/invoices/{bill['id']}" in (
        problem["detail"]
    )  # fmt: skip
    assert (await gate.token(client, secret, resource="/essays/"))["status"] == 403

    login = {"Authorization": aiohttp.encode_basic_auth(client, secret)}
    told, feed, after = dict[str, Any](), f"{gate.front}/.licet/events?wait=5", ""
    async with asyncio.timeout(20):
        while "invoice.suspended" not in told:
            async with gate.http.get(f"{feed}{after}", headers=login) as answer:
                page = json.loads(await answer.read())
            told |= {each["type"]: each["data"] for each in page["events"]}
            after = f"&after={page['next']}" if page["next"] else after
    assert told["license.suspended"]["path"] == f"/.licet/invoices/{bill['id']}"
    assert told["invoice.suspended"]["document"] == bill["id"]

    await licet("licenses", "suspend", license.id, "--why", "By the owner.", *at)
    paid = (await licet("invoices", "pay", bill["number"], "--json", *at)).json
    assert [(each["state"], each["open"]) for each in paid] == [("paid", "0 USD")]
    async with asyncio.timeout(20):
        while "By the owner." not in (await until(gate, 403, token))["detail"]:
            await asyncio.sleep(0.02)
    await licet("licenses", "resume", license.id, *at)
    await until(gate, 200, token)
    await gate.licet.billing.office.round()
    await until(gate, 200, token)
