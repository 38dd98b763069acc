"""What falls due under one license, booked by the office of a real gateway while its clock goes on."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from gateway.billing.postings import owed
from gateway.licenses.offers import months_after
from gateway.money import Money
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
duties = {{ report = "quarterly" }}
[offers.training.price]
upfront = "100"
subscription = "10"
per_fetch = "0.02"
per_item = "0.5"
revenue_share = "3 %"
minimum_guarantee = "200"
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
    """The clock of every gateway that starts now, 160 days behind; the office looks all the time."""
    made = SetClock()
    made.ahead = -160 * DAY
    monkeypatch.setattr("gateway.app.office.SystemClock", lambda: made)
    monkeypatch.setattr("gateway.app.due_round.ROUND_SECONDS", 0.05)
    monkeypatch.setattr("gateway.app.duty_round.ROUND_SECONDS", 0.05)
    return made


async def booked(gate: Any, licensee: str, count: int) -> list[tuple[str, int, int]]:
    """Wait until so many dues are in the books: what each is, its micro-units, its second."""
    async with asyncio.timeout(20):
        while True:
            found = await gate.licet.ledger.entries_of(licensee, 0, 1 << 62)
            dues = [each.entry for each in found if getattr(each.entry, "kind_of", "") == "due"]
            if len(dues) >= count:
                break
            await asyncio.sleep(0.02)
    assert len(dues) == count, dues
    return [(each.memo.split(";")[0], each.amount_micros, each.time_us // 1_000_000) for each in dues]


async def test_what_falls_due_in_a_quarter_is_booked_as_the_clock_goes_on(
    world: Any, clock: SetClock, licet: Any
) -> None:
    gate = await world(policy=POLICY)
    licensee, client, secret = await gate.licensee("1000 USD")
    bought = await gate.token(client, secret, resource="/essays/")
    assert bought["status"] == 200, bought
    (license,) = await gate.licet.register.licenses_of(licensee)
    start = license.starts_at
    assert (await gate.get("/essays/tides", GPTBOT, token=bought["access_token"])).status == 200
    assert (await gate.get("/essays/winds", GPTBOT, token=bought["access_token"])).status == 200

    clock.at(months_after(start, 3) + 5 * DAY)
    months = [months_after(start, nth) for nth in (1, 2, 3)]
    found = await booked(gate, licensee, 4)
    assert sorted(each for each in found if each[0] == "subscription") == [
        ("subscription", 10_000_000, each) for each in months
    ], "the upfront part and the first month were the fee at signing"
    assert [each[:2] for each in found if each[0] == "per_item"] == [("per_item", 1_000_000)]

    login = {"Authorization": aiohttp.encode_basic_auth(client, secret)}
    async with gate.http.get(f"{gate.front}/.licet/duties", headers=login) as answer:
        duties = json.loads(await answer.read())["duties"]
    duty = next(each for each in duties if each["kind"] == "report")
    at = ("--data", gate.folder)
    on = datetime.fromtimestamp(duty["period"]["ends"] - DAY, UTC).date().isoformat()
    report = {
        "duty": duty["id"], "license": license.id, "period": duty["period"], "datasets": [], "models": [],
        "inferences": [], "revenue": [{"product": "S", "net": {"micros": 500_000_000, "currency": "USD"}}],
        "statement": {"by": "Eve Example", "role": "CEO"},
    }  # fmt: skip
    headers = {**login, "If-Match": f'"{duty["version"]}"'}
    foreign = [{"product": "S", "net": {"micros": 400_000_000, "currency": "EUR"}}]
    posted = {"json": {**report, "revenue": foreign}, "headers": headers}
    async with gate.http.post(f"{gate.front}/.licet/reports", **posted) as answer:
        assert answer.status == 400
        assert "no rate of EUR is recorded for the period" in await answer.text()
    no = await licet("books", "rate", "add", "EUR", "1.2500000001 USD", "--source", "ECB", *at, code=2)
    assert "at most nine decimal places" in no.err
    await licet("books", "rate", "add", "EUR", "1.25 USD", "--source", "ECB", "--on", on, *at)
    assert (await licet("books", "rate", "list", "--json", *at)).json[0][
        "micros_per_thousand"
    ] == 1_250_000_000
    await gate.licet.keeper.catch_up()
    async with gate.http.post(f"{gate.front}/.licet/reports", **posted) as answer:
        told = json.loads(await answer.read())
        assert answer.status == 201, told
    assert told["due"][0]["amount"]["micros"] == 15_000_000
    assert told["doubts"] == [
        "2 items were fetched under the license by the end of the period; the report names no data set."
    ]
    assert "ask about      2 items" in (await licet("duties", "show", duty["id"], *at)).out
    await licet("duties", "accept", duty["id"], *at)
    # Of the first quarter: 100 at signing, three months of 10, two fetches at 0.02, two items at 0.5, a share of 15.
    last = {each[0]: each for each in await booked(gate, licensee, 6)}
    assert last["revenue_share"][1] == 15_000_000
    topped = 200_000_000 - 100_000_000 - 30_000_000 - 40_000 - 1_000_000 - 15_000_000
    assert last["guarantee"] == ("guarantee", topped, months[2] - 1)

    owes = await gate.licet.ledger.balance(owed(licensee), "USD")
    assert owes == Money(-(30_000_000 + 1_000_000 + 15_000_000 + topped), "USD")
    before = await gate.licet.ledger.postings(None, 0, 1 << 62)
    await gate.licet.ledger.rederive()
    assert await gate.licet.ledger.postings(None, 0, 1 << 62) == before

    await gate.licet.stop(1)
    again = await world(policy=POLICY, folder=gate.folder)
    await asyncio.sleep(0.3)
    await booked(again, licensee, 6)
    assert (await licet("reconcile", "--json", *at)).json["good"] is True
