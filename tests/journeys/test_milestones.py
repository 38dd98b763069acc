"""A fee in escrow for two milestones: one released by the journal, one disputed and divided; on real sockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

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
[offers.training.price]
upfront = "100"
holder = "agent:Notary Example"
milestones = [
  {{ when = "ingestion", share = "50 %", items = 2 }},
  {{ when = "launch", share = "50 %", months = 6 }},
]
[contract]
by_machine = true
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training"] }}
[[rules]]
then = "serve"
"""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """The clock of every gateway that starts now, 30 days behind; the office looks all the time."""
    made = SetClock()
    made.ahead = -30 * DAY
    monkeypatch.setattr("gateway.app.office.SystemClock", lambda: made)
    monkeypatch.setattr("gateway.app.milestone_round.ROUND_SECONDS", 0.05)
    monkeypatch.setattr("gateway.app.due_round.ROUND_SECONDS", 0.05)
    return made


class Buyer:
    """A client at the desk."""

    def __init__(self, gate: Any, client: str, secret: str) -> None:
        self.gate, self.login = gate, {"Authorization": aiohttp.encode_basic_auth(client, secret)}

    async def milestones(self) -> dict[str, Any]:
        """Its milestones by name."""
        async with self.gate.http.get(f"{self.gate.front}/.licet/milestones", headers=self.login) as answer:
            told = json.loads(await answer.read())
        assert answer.status == 200, told
        assert "Not legal advice" in told["notice"]
        return {each["name"]: each for each in told["milestones"]}

    async def until(self, name: str, state: str) -> dict[str, Any]:
        """Wait until one stands so."""
        async with asyncio.timeout(20):
            while (found := (await self.milestones())[name])["state"] != state:
                await asyncio.sleep(0.05)
        return found

    async def says(self, what: str, **body: Any) -> tuple[int, dict[str, Any]]:
        """Say something about one."""
        url = f"{self.gate.front}/.licet/milestones/{what}"
        async with self.gate.http.post(url, json=body, headers=self.login) as answer:
            return answer.status, json.loads(await answer.read())


async def test_one_milestone_is_released_by_the_journal_and_one_is_disputed_and_divided(
    world: Any, clock: SetClock, licet: Any
) -> None:
    gate = await world(policy=POLICY)
    _, client, secret = await gate.licensee("1 USD")
    bought = await gate.token(client, secret)
    assert bought["status"] == 200, bought
    buyer, at = Buyer(gate, client, secret), ("--data", gate.folder)
    first = await buyer.milestones()
    license = first["launch"]["license"]
    assert [each["state"] for each in first.values()] == ["planned", "planned"]
    assert first["launch"]["held"] == (
        "This money is held by the agent Notary Example. This gateway never holds money."
    )
    assert (await gate.licet.ledger.balances("creator:journal:earned")) == (), "nothing is due at signing"

    for name in ("ingestion", "launch"):
        told = await licet("milestones", "funded", license, name, *at)
        assert f"{name} of {license} is waiting: 50 USD waits" in told.out
    assert "paid in once" in (await licet("milestones", "funded", license, "launch", *at, code=1)).err
    for page in ("/essays/tides", "/essays/winds"):
        assert (await gate.get(page, GPTBOT, token=bought["access_token"])).status == 200
    met = await buyer.until("ingestion", "met")
    assert met["object_until"] == met["met_at"] + 7 * DAY
    clock.ahead = -20 * DAY
    assert (await buyer.until("ingestion", "released"))["released"] == {
        "micros": 50_000_000,
        "currency": "USD",
    }

    assert (
        await buyer.says("statement", license=license, milestone="launch", statement="s", by="E", role="r")
    )[0] == 409, "the terms leave this one to the creator"
    clock.ahead = 0
    await licet("milestones", "met", license, "launch", "--word", "The model is out.", *at)
    await buyer.until("launch", "met")
    status, told = await buyer.says(
        "objection", license=license, milestone="launch", why="Only a preview is out."
    )
    assert (status, told["state"], told["why"]) == (200, "disputed", "Only a preview is out.")
    assert (await buyer.says("objection", license=license, milestone="launch", why="again"))[0] == 409
    assert (await buyer.says("objection", license=license, milestone="launch", extra="x"))[0] == 400
    assert (await buyer.says("objection", license="li_0", milestone="launch", why="x"))[0] == 404
    await gate.licet.keeper.catch_up()
    refused = await licet("milestones", "settle", license, "launch", "51 USD", *at, code=1)
    assert "Of launch there are 50 USD to settle, not 51 USD." in refused.err
    settled = (await licet("milestones", "settle", license, "launch", "30 USD", *at, "--json")).json
    assert (settled["state"], settled["released"]["micros"], settled["refunded"]["micros"]) == (
        "shared", 30_000_000, 20_000_000,
    )  # fmt: skip
    await buyer.until("launch", "shared")

    async with gate.http.get(f"{gate.front}/.licet/events", headers=buyer.login) as answer:
        events = json.loads(await answer.read())["events"]
    told = [each["type"] for each in events if each["type"].startswith("milestone.")]
    assert sorted(told) == [
        "milestone.disputed", "milestone.funded", "milestone.funded", "milestone.met", "milestone.met",
        "milestone.refunded", "milestone.released", "milestone.released",
    ]  # fmt: skip
    assert "preview" not in json.dumps(events)
    assert (await gate.licet.ledger.balance("creator:journal:earned", "USD")).micros == 80_000_000
    listed = await licet("milestones", "list", *at)
    assert "held by the agent Notary Example" in listed.out
    assert (await licet("reconcile", "--json", *at)).json["good"] is True
