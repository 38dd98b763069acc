"""A deal between two programs: from a third of the ask to a contract, a token and a record; and what never leaves."""

from __future__ import annotations

import json
import re
from typing import Any

import aiohttp
import pytest

from gateway.licenses.position import FACTS

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)
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
price = {{ upfront = "500", per_fetch = "0.02", revenue_share = "3 %" }}
[offers.training.position]
target = "0.8"
floor = "0.573219"
exclusive_premium = "3.7"
rounds = 5
person_for = []
concessions = ["report = yearly"]
[offers.answers]
uses = ["ai-input"]
works = ["essays"]
price = {{ per_fetch = "0.004" }}
[contract]
law = "Ireland"
creator = "The Journal Ltd"
address = "1 Example Street, Dublin"
signatory = "Ada Example"
authority = "director"
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training", "answers"] }}
[[rules]]
then = "serve"
"""
ASK = 500_000_000
FACTS_STATED = {
    "use_case": "training a model that summarizes essays",
    "products": "Summarizer",
    "model_class": "closed",
    "redistribution": "no",
    "launch_date": "2027-06-01",
    "data_protection": "encrypted at rest; two people have access; removed within a day",
}
PARTY = {"name": "Example AI Labs GmbH", "address": "2 Test Way", "signatory": "Eve", "authority": "CEO"}
PUBLIC = (
    "/robots.txt", "/license.xml", "/.well-known/tdmrep.json", "/.licet/", "/.licet/offers", "/.licet/openapi.json",
    "/.licet/terms/", "/.licet/terms/versions", "/.licet/quote?url=/essays/a", "/.licet/catalogue",
    "/.well-known/oauth-authorization-server/.licet", "/.licet/offers/training.jsonld", "/.licet/comp",
)  # fmt: skip
#: The floor and every amount that is it: of the fee and of a fetch, plain and with the premium, in micros and in words.
FLOOR = (
    "573219",
    "286609500",
    "286.6095",
    "11464",
    "0.011464",
    "1060455150",
    "1060.45515",
    "42418",
    "0.042418",
)


def bid(millionths: int) -> dict[str, Any]:
    """A proposal of that part of the ask."""

    def money(micros: int) -> dict[str, Any]:
        return {"micros": micros * millionths // 1_000_000, "currency": "USD"}

    return {
        "compensation": {
            "upfront": money(ASK),
            "per_fetch": money(20_000),
            "revenue_share_bp": 300 * millionths // 1_000_000,
        }
    }


class Crawler:
    """A client that knows a URL and the RFCs; *heard* is every octet that the gateway ever told it."""

    def __init__(self, client: str, secret: str, heard: list[bytes]) -> None:
        trace = aiohttp.TraceConfig()

        async def chunk(
            _session: Any, _context: Any, params: aiohttp.TraceResponseChunkReceivedParams
        ) -> None:
            heard.append(params.chunk)

        async def ended(_session: Any, _context: Any, params: aiohttp.TraceRequestEndParams) -> None:
            heard.extend(name + b": " + value for name, value in params.response.raw_headers)

        trace.on_response_chunk_received.append(chunk)
        trace.on_request_end.append(ended)
        self.http = aiohttp.ClientSession(trace_configs=[trace])
        self.login = {"Authorization": aiohttp.encode_basic_auth(client, secret)} if client else {}
        self.told: dict[str, Any] = {}
        self.tag = ""

    async def get(self, url: str, **headers: str) -> tuple[int, bytes]:
        """Read."""
        async with self.http.get(url, headers=headers) as answer:
            return answer.status, await answer.read()

    async def post(self, url: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Say something in a negotiation, on the version that was read last."""
        version = {"If-Match": self.tag} if self.tag else {}
        async with self.http.post(url, json=body, headers={**self.login, **version}) as answer:
            found = json.loads(await answer.read())
            if answer.status < 300:
                self.told, self.tag = found, answer.headers.get("ETag", "")
            return answer.status, found


async def test_two_programs_agree_and_the_floor_never_leaves(
    world: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    gate = await world(policy=POLICY)
    heard: list[bytes] = []
    _, client, secret = await gate.licensee("1000 USD")
    _, other_client, other_secret = await gate.licensee("5000 USD")
    crawler, other = Crawler(client, secret, heard), Crawler(other_client, other_secret, heard)
    try:
        refused = await crawler.get(f"{gate.front}/essays/tides", **{"User-Agent": GPTBOT, "X-Country": "DE"})
        assert refused[0] == 402
        at = json.loads(refused[1])["buy"]["negotiate"]

        status, told = await crawler.post(at, {"offer": "training", "proposal": bid(333_333)})
        assert (status, told["state"]) == (201, "REQUESTED")
        assert [each["fact"] for each in told["missing"]] == list(FACTS)
        links = told["links"]
        _, told = await crawler.post(links["proposals"], {"facts": FACTS_STATED})
        assert told["counter"]["terms"]["compensation"]["upfront"]["micros"] == ASK, (
            "the first counter is the ask"
        )
        reports = {"audit": {"report": "yearly"}}
        _, told = await crawler.post(links["proposals"], {"proposal": {**bid(600_000), **reports}})
        second = told["counter"]["terms"]["compensation"]["upfront"]["micros"]
        assert 800_000 * (ASK // 1_000_000) <= second < ASK
        assert told["counter"]["terms"]["audit"]["report"] == "yearly", "a concession came with the step"
        _, told = await crawler.post(
            links["proposals"], {"proposal": {**bid(second * 1_000_000 // ASK), **reports}}
        )
        assert told["counter"]["yours"], told["counter"]["changes"]
        accept = told["accept"]
        status, told = await crawler.post(
            links["acceptance"],
            {"terms_hash": accept["terms_hash"], "assent": accept["assent"], "party": PARTY},
        )
        assert (status, told["state"]) == (200, "AGREED"), told
        status, told = await crawler.post(links["verification"], {"terms_hash": accept["terms_hash"]})
        assert told["state"] == "FINALIZED"

        for form in ("application/json", "text/html", "application/pdf"):
            status, contract = await crawler.get(told["contract"], Accept=form, **crawler.login)
            assert status == 200
        _, contract = await crawler.get(told["contract"], **crawler.login)
        assert json.loads(contract)["terms_hash"] == accept["terms_hash"]
        token = await gate.token(
            client,
            secret,
            authorization_details=json.dumps([{"type": "content_license", "license": told["license"]}]),
        )
        assert token["authorization_details"][0]["terms"] == accept["terms_hash"]
        page = await crawler.get(
            f"{gate.front}/essays/tides",
            **{"User-Agent": GPTBOT, "X-Country": "DE", "Authorization": f"License {token['access_token']}"},
        )
        assert page[0] == 200
        record = (await gate.records())[-1]
        assert (record["license"], record["terms"]) == (told["license"], accept["terms_hash"])
        assert record["price_micros"] == 20_000 * second // ASK

        sole = {"offer": "training", "facts": FACTS_STATED, "proposal": {"exclusivity": {"exclusive": True}}}
        status, refusal = await other.post(at, sole)
        assert (status, refusal["code"]) == (409, "exclusive-taken")

        # Whoever goes on and on hears a last word and no floor.
        other.tag = ""
        status, told = await other.post(
            at, {"offer": "training", "facts": FACTS_STATED, "proposal": bid(100_000)}
        )
        while told["state"] == "OFFERED":
            _, told = await other.post(told["links"]["proposals"], {"proposal": bid(570_000)})
        assert told["state"] == "TERMINATED"
        status, feed = await crawler.get(f"{gate.front}/.licet/events", **crawler.login)
        assert "negotiation.finalized" in {each["type"] for each in json.loads(feed)["events"]}
        status, _ = await other.get(f"{gate.front}/.licet/events", **other.login)
        assert status == 200
        for path in PUBLIC:
            for form in ("text/html", "application/json"):
                status, _ = await crawler.get(gate.front + path, Accept=form)
                assert status == 200, path
    finally:
        await crawler.http.close()
        await other.http.close()
    await gate.licet.stop(1)
    said = capfd.readouterr()
    everything = b"\n".join(heard).decode("utf-8", "replace") + said.out + said.err
    assert "upfront" in everything, "the trace hears what is said"
    assert "a negotiation was told" in said.out + said.err

    def heard_of(amount: str) -> bool:
        return bool(re.search(rf"(?<![0-9a-f.]){re.escape(amount)}(?![0-9a-f])", everything))

    assert heard_of(str(second)), "an amount that was told is found by the same search"
    assert not [amount for amount in FLOOR if heard_of(amount)]
    assert "floor" not in everything.lower().replace("floors", "")


async def test_who_knows_nothing_but_the_url_reaches_an_agreement(world: Any) -> None:
    gate = await world(policy=POLICY)
    crawler = Crawler("", "", [])
    try:
        status, body = await crawler.get(f"{gate.front}/essays/tides", **{"User-Agent": GPTBOT})
        assert status == 402
        buy = json.loads(body)["buy"]
        _, found = await crawler.get(buy["resource_metadata"])
        (issuer,) = json.loads(found)["authorization_servers"]
        # RFC 8414, section 3.1: the well-known path stands before the path of the issuer.
        origin, _, path = issuer.partition("/.licet")
        _, found = await crawler.get(f"{origin}/.well-known/oauth-authorization-server/.licet{path}")
        metadata = json.loads(found)
        assert metadata["negotiation_endpoint"] == buy["negotiate"]
        status, made = await crawler.post(
            metadata["registration_endpoint"], {"client_name": "First Seen Labs"}
        )
        assert status == 201
    finally:
        await crawler.http.close()
    crawler = Crawler(made["client_id"], made["client_secret"], [])
    try:
        status, refused = await crawler.post(buy["negotiate"], {"offer": "training"})
        assert (status, refused["code"]) == (403, "client-quarantined"), "held to small deals"
        offer = {"offer": "answers", "facts": {"use_case": "answers to readers"}}
        status, told = await crawler.post(buy["negotiate"], offer)
        assert (status, told["state"]) == (201, "OFFERED")
        accept = {name: told["accept"][name] for name in ("terms_hash", "assent")}
        status, told = await crawler.post(told["links"]["acceptance"], accept)
        assert (status, told["state"]) == (200, "AGREED")
        status, told = await crawler.post(told["links"]["verification"], {"terms_hash": accept["terms_hash"]})
        assert told["state"] == "FINALIZED"
    finally:
        await crawler.http.close()


async def test_a_person_decides_by_command_beside_a_running_gateway(licet: Any, origin: Any) -> None:
    licet.write_site(origin.url, policy=POLICY.replace("person_for = []\n", ""))
    running = await licet.serve()
    made = (await licet("licensee", "add", "Example AI Labs", "--credit", "1000 USD", "--json")).json
    crawler = Crawler(made["client_id"], made["client_secret"], [])
    at = f"{running.front}/.licet/negotiations"
    begin = {"offer": "training", "facts": FACTS_STATED, "proposal": bid(700_000)}
    try:
        _, told = await crawler.post(at, begin)
        assert (told["waits_for"], told["person"]) == ("creator", ["the works become part of a model"])
        (waiting,) = (await licet("deals", "list", "--json")).json
        assert (waiting["id"], waiting["buyer"]) == (told["id"], "Example AI Labs")
        assert "350 USD at signing" in waiting["price"]
        shown = (await licet("deals", "show", told["id"])).out
        assert "compensation" in shown
        assert "Summarizer" in shown
        assert (
            "a number" in (await licet("deals", "offer", told["id"], "--change", '{"term": 1.5}', code=2)).err
        )
        assert (
            "proposal.term"
            in (await licet("deals", "offer", told["id"], "--change", '{"term": 1}', code=2)).err
        )
        change = json.dumps(bid(750_000))
        done = (await licet("deals", "offer", told["id"], "--change", change, "--json")).json
        assert done["state"] == "OFFERED"
        assert (await licet("deals", "list", "--json")).json == []
        status, body = await crawler.get(
            f"{told['links']['self']}?wait=25", **crawler.login, **{"If-None-Match": crawler.tag}
        )
        now = json.loads(body)
        assert (status, now["state"]) == (200, "OFFERED")
        assert now["counter"]["price"][0] == "375 USD at signing"
        crawler.tag = f'"{now["version"]}"'
        accept = {name: now["accept"][name] for name in ("terms_hash", "assent")}
        status, told = await crawler.post(told["links"]["acceptance"], {**accept, "party": PARTY})
        assert (status, told["state"]) == (200, "AGREED")
        assert "AGREED" in (await licet("deals", "decline", told["id"], code=1)).err
        crawler.tag = ""
        _, told = await crawler.post(at, begin)
        await licet("deals", "decline", told["id"], "--why", "Not this year.")
        _, body = await crawler.get(told["links"]["self"], **crawler.login)
        assert json.loads(body)["why"] == "Not this year."
        assert "no negotiation" in (await licet("deals", "show", "ne_0", code=1)).err
    finally:
        await crawler.http.close()
