"""A license whose report is late: suspended, felt at the next fetch, and whole again with the report; then an audit."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from gateway.licenses.obligations import day
from gateway.store.sqlite.events import SqliteEvents
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
name = "The Journal"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
works = ["essays"]
price = {{ per_fetch = "0.02", revenue_share = "3 %", per_inference = "0.0001" }}
duties = {{ report = "quarterly", output_samples = 2, model_card_days = 30, audits_per_year = 1, audit_window_months = 24 }}
[offers.training.position]
person_for = []
[contract]
law = "Ireland"
creator = "The Journal Ltd"
address = "1 Example Street, Dublin"
signatory = "Ada Example"
authority = "director"
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training"] }}
[[rules]]
then = "serve"
"""
STATED = {
    "use_case": "training a model that summarizes essays", "products": "Summarizer", "model_class": "closed",
    "redistribution": "no", "launch_date": "2027-06-01", "data_protection": "encrypted at rest; two people have access",
}  # fmt: skip
PARTY = {"name": "Example AI Labs GmbH", "address": "2 Test Way", "signatory": "Eve", "authority": "CEO"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """The clock of every gateway that starts now, 160 days behind; the office looks at duties all the time."""
    made = SetClock()
    made.ahead = -160 * DAY
    monkeypatch.setattr("gateway.app.office.SystemClock", lambda: made)
    monkeypatch.setattr("gateway.app.duty_round.ROUND_SECONDS", 0.05)
    return made


class Party:
    """A licensee at the desk of a gateway."""

    def __init__(self, gate: Any, client: str, secret: str) -> None:
        self.gate, self.client, self.secret = gate, client, secret
        self.login = {"Authorization": aiohttp.encode_basic_auth(client, secret)}

    async def send(self, method: str, path: str, body: Any = None, tag: str = "", **headers: str) -> Any:
        """Ask, and return the status, what is told and the ETag."""
        url = path if path.startswith("http") else f"{self.gate.front}/.licet{path}"
        more = {"If-Match": tag} if tag else {}
        given = {"json": body} if isinstance(body, dict) else {"data": body}
        async with self.gate.http.request(
            method, url, headers={**self.login, **more, **headers}, **given
        ) as answer:
            octets = await answer.read()
            return answer.status, json.loads(octets), answer.headers.get("ETag", "")

    async def agree(self) -> str:
        """Agree to what is asked; the id of the license."""
        status, told, tag = await self.send(
            "POST", "/negotiations", {"offer": "training", "facts": STATED, "proposal": {}}
        )
        assert (status, told["state"]) == (201, "OFFERED"), told
        links, accept = told["links"], told["accept"]
        given = {"terms_hash": accept["terms_hash"], "assent": accept["assent"], "party": PARTY}
        status, told, tag = await self.send("POST", links["acceptance"], given, tag)
        assert (status, told["state"]) == (200, "AGREED"), told
        given = {"terms_hash": accept["terms_hash"]}
        status, told, tag = await self.send("POST", links["verification"], given, tag)
        assert told["state"] == "FINALIZED"
        return str(told["license"])

    async def token(self, license: str) -> Any:
        """Ask for a token of the license."""
        details = json.dumps([{"type": "content_license", "license": license}])
        return await self.gate.token(self.client, self.secret, authorization_details=details)

    async def fetch(self, token: str) -> tuple[int, dict[str, Any]]:
        """Fetch a page; the status, and the problem where it is one."""
        answer = await self.gate.get("/essays/tides", GPTBOT, token=token)
        body = await answer.read()
        return answer.status, json.loads(body) if answer.status >= 400 else {}

    async def until(self, status: int, token: str) -> dict[str, Any]:
        """Fetch until the gate answers so."""
        async with asyncio.timeout(10):
            while (got := await self.fetch(token))[0] != status:
                await asyncio.sleep(0.02)
        return got[1]

    async def told_of(self, type: str, path: str) -> None:
        """Wait at the feed until it tells of that, as a licensee would."""
        after = ""
        async with asyncio.timeout(20):
            while True:
                status, told, _ = await self.send("GET", f"/events?wait=5{after}")
                assert status == 200, told
                if any((each["type"], each["data"]["path"]) == (type, path) for each in told["events"]):
                    return
                after = f"&after={told['next']}" if told["next"] else ""

    async def duty(self, kind: str) -> dict[str, Any]:
        """The first duty of a kind."""
        _, told, _ = await self.send("GET", "/duties")
        found: dict[str, Any] = next(each for each in told["duties"] if each["kind"] == kind)
        return found


def report_for(duty: dict[str, Any], license: str) -> dict[str, Any]:
    return {
        "duty": duty["id"], "license": license, "period": duty["period"],
        "datasets": [{"name": "essays-1", "content": ["/essays/tides"], "items": 1}],
        "models": [{"name": "Summarizer", "version": "2", "datasets": ["essays-1"], "released_on": None}],
        "inferences": [{"model": "Summarizer 2", "count": 12_345}],
        "revenue": [{"product": "Summarizer", "net": {"micros": 1_000_000_000, "currency": "USD"}}],
        "statement": {"by": "Eve Example", "role": "CEO"},
    }  # fmt: skip


async def test_a_late_report_stops_the_token_and_the_report_lets_it_go_on(
    world: Any, clock: SetClock, licet: Any
) -> None:
    gate = await world(policy=POLICY)
    licensee, client, secret = await gate.licensee("1000 USD")
    buyer = Party(gate, client, secret)
    license = await buyer.agree()
    duty = await buyer.duty("report")
    assert (duty["license"], duty["state"]) == (license, "open")

    clock.at(duty["deadline"] - 10 * DAY)
    await buyer.told_of("duty.due_soon", f"/.licet/duties/{duty['id']}")
    clock.at(duty["deadline"] + 60)
    await buyer.told_of("duty.overdue", f"/.licet/duties/{duty['id']}")
    clock.at(duty["suspends_at"] - 600)
    token = (await buyer.token(license))["access_token"]
    assert (await buyer.fetch(token))[0] == 200
    clock.at(duty["suspends_at"] + 1)
    refused = await buyer.until(403, token)
    assert refused["code"] == "license-suspended"
    assert duty["asked"] in refused["detail"], "the fact"
    assert "/.licet/duties" in refused["next_step"], "and the next step"
    denied = await buyer.token(license)
    assert (denied["status"], denied["error"]) == (403, "unauthorized_client")
    status, told, _ = await buyer.send("GET", "/duties")
    assert [each["license"] for each in told["suspended"]] == [license]
    assert (await buyer.duty("report"))["state"] == "overdue"

    status, told, _ = await buyer.send("POST", "/reports", report_for(duty, license), f'"{duty["version"]}"')
    assert status == 201, told
    assert [(each["part"], each["amount"]["micros"]) for each in told["due"]] == [
        ("revenue_share", 30_000_000), ("inferences", 1_234_500),
    ]  # fmt: skip
    await buyer.until(200, token)
    assert (await buyer.token(license))["status"] == 200

    events = [each.event for each in await SqliteEvents(gate.licet.database).after(0, 999)]
    mine = [each.type for each in events if each.subject in {duty["id"], license}]
    assert mine == [
        "license.issued", "duty.due_soon", "duty.overdue", "duty.overdue", "license.suspended", "duty.delivered", "license.resumed",
    ], "each reminder once, 14 days before, at the deadline and weeks later, however often the office looks"  # fmt: skip
    records = [(each["status"], each["outcome"], each["problem"]) for each in await gate.records()]
    assert set(records) == {(200, "licensed", ""), (403, "refused", "license-suspended")}

    clock.ahead = 0
    await creator_judges(buyer, gate, licet, licensee, duty)


async def creator_judges(buyer: Party, gate: Any, licet: Any, licensee: str, duty: dict[str, Any]) -> None:
    """The creator's side, by command beside the running gateway."""
    at = ("--data", gate.folder)
    listed = (await licet("duties", "list", "--licensee", licensee, "--json", *at)).json
    assert {(each["kind"], each["state"]) for each in listed} == {
        ("output-samples", "overdue"),
        ("report", "delivered"),
    }
    shown = await licet("duties", "show", duty["id"], *at)
    assert "30 USD  revenue_share: 3 % of 1000 USD" in shown.out
    assert "1.2345 USD  inferences: 12,345 at 0.0001 USD" in shown.out
    copy = gate.folder.parent / "report.json"
    await licet("duties", "evidence", duty["id"], copy, *at)
    assert json.loads(copy.read_text())["statement"]["by"] == "Eve Example"
    assert copy.stat().st_mode & 0o777 == 0o600
    await licet("duties", "reject", duty["id"], "--why", "The revenue of May is missing.", *at)
    told = await buyer.duty("report")
    assert (told["state"], told["why"]) == ("rejected", "The revenue of May is missing.")
    again = {**report_for(duty, duty["license"]), "note": "May is in it."}
    assert (await buyer.send("POST", "/reports", again, f'"{told["version"]}"'))[0] == 201
    assert (await licet("duties", "accept", duty["id"], "--json", *at)).json["state"] == "accepted"
    assert "is accepted" in (await licet("duties", "accept", duty["id"], *at, code=1)).err

    samples = await buyer.duty("output-samples")
    body = {"samples": [{"output": f"Answer {n}", "works": ["/essays/tides"]} for n in (1, 2)]}
    sent = await buyer.send("POST", f"/duties/{samples['id']}/evidence", body, f'"{samples["version"]}"')
    assert (sent[0], sent[1]["state"]) == (200, "delivered")
    await licet("duties", "veto", samples["id"], "--sample", 2, "--why", "It says I deny the tides.", *at)
    answer = await buyer.duty("answer")
    assert "I deny the tides" in answer["asked"]
    text = {"Content-Type": "text/plain"}
    sent = await buyer.send(
        "POST", f"/duties/{answer['id']}/evidence", b"Filtered.", f'"{answer["version"]}"', **text
    )
    assert (sent[0], sent[1]["state"]) == (200, "delivered")
    await licet("duties", "excuse", answer["id"], "--why", "x", *at, code=1)

    await audited(buyer, gate, licet, duty)


async def audited(buyer: Party, gate: Any, licet: Any, duty: dict[str, Any]) -> None:
    """An audit from the request to what was underpaid."""
    at, license = ("--data", gate.folder), duty["license"]
    first = duty["period"]["begins"]
    from_, to = (day(first + 2 * DAY), day(first + 40 * DAY))
    ask = (
        "audits",
        "request",
        license,
        "--from",
        from_,
        "--to",
        to,
        "--item",
        duty["id"],
        "--item",
        "/essays/",
    )
    case = (await licet(*ask, "--why", "It looks low.", "--json", *at)).json
    assert "in twelve months" in (await licet(*ask, "--why", "Again.", *at, code=1)).err
    id = case["id"]
    assert (await licet("audits", "close", id, *at, code=1)).err
    await licet("audits", "name", id, "Audit & Co", "--contact", "a@auditor.example", *at)
    await licet("audits", "bind", id, "I tell the creator the result and nothing else. A. Auditor", *at)
    status, told, tag = await buyer.send("GET", f"/audits/{id}")
    assert (told["step"], told["auditor"]["name"]) == ("confidentiality-accepted", "Audit & Co")
    scope = {**told["wanted"], "items": [duty["id"]]}
    status, told, tag = await buyer.send("POST", f"/audits/{id}/scope", scope, tag)
    assert (status, told["scope"]["items"]) == (200, [duty["id"]])
    found = gate.folder.parent / "findings.json"
    found.write_text(json.dumps([{"item": "/essays/", "said": "Not agreed on."}]))
    assert "items agreed on" in (await licet("audits", "findings", id, found, *at, code=1)).err
    found.write_text("[5]")
    assert "findings.json" in (await licet("audits", "findings", id, found, *at, code=2)).err
    finding = {
        "item": duty["id"],
        "said": "One product was left out.",
        "due": "40 USD",
        "underpaid": "10 USD",
    }
    found.write_text(json.dumps([finding]))
    await licet("audits", "findings", id, found, *at)
    done = (await licet("audits", "close", id, "--json", *at)).json
    assert (done["step"], done["underpaid"], done["pays_for_the_audit"]) == ("closed", "10 USD", True)
    assert "in twelve months" in (await licet(*ask, "--why", "Again.", *at, code=1)).err
    status, told, _ = await buyer.send("GET", f"/audits/{id}")
    assert told["underpaid"]["amount"]["micros"] == 10_000_000
    events = [each.event.type for each in await SqliteEvents(gate.licet.database).after(0, 999)]
    assert [each for each in events if each.startswith("audit.")] == [
        "audit.requested", "audit.auditor_named", "audit.confidentiality_accepted", "audit.scope_agreed",
        "audit.findings", "audit.closed",
    ]  # fmt: skip
