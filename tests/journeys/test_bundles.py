"""A bundle over a running gateway: made, offered, bought, fetched to the last item; changed pages and withdrawals."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from gateway.client import Fetched, LicensedSession, Secret, Spending
from gateway.money import Money
from gateway.uses import Use
from tests.journeys.test_license_life import agreed, fetched, until
from tests.journeys.test_negotiation import FACTS_STATED, Crawler

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
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[[works]]
id = "letters"
paths = ["/letters/"]
rights = "unsure"
people = "none"
[offers.training]
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
then = {{ license = ["training"] }}
[[rules]]
then = "serve"
"""
OFFER = """
[offers.launch]
uses = ["ai-input"]
bundle = "launch"
price = { upfront = "90" }
[offers.launch.position]
person_for = []
"""
PAGES = ("/essays/moon", "/essays/reefs", "/essays/tides")


async def token_for(crawler: Crawler, front: str, license: str, *paths: str) -> tuple[int, Any]:
    """A token of *license* for *paths*."""
    locations = {"locations": [f"{front}{path}" for path in paths]} if paths else {}
    details = json.dumps([{"type": "content_license", "license": license, **locations}])
    form = {"grant_type": "client_credentials", "authorization_details": details}
    async with crawler.http.post(f"{front}/.licet/token", data=form, headers=crawler.login) as answer:
        return answer.status, await answer.json(content_type=None)


def sitemap(*pages: tuple[str, str]) -> bytes:
    """A sitemap of paths and days."""
    urls = "".join(
        f"<url><loc>https://127.0.0.1{path}</loc><lastmod>{day}</lastmod></url>" for path, day in pages
    )
    return f"<urlset>{urls}</urlset>".encode()


async def test_a_bundle_is_made_bought_and_fetched_to_the_last_item(licet: Any, origin: Any) -> None:
    data: Path = licet.write_site(origin.url, policy=POLICY)
    origin.files["/sitemap.xml"] = sitemap(
        *((path, "2026-05-01") for path in PAGES),
        ("/letters/one", "2026-05-01"),
        ("/essays/old", "2025-01-01"),
    )
    filtered = ("--paths", "/essays/", "--paths", "/letters/", "--since", "2026-01-01")
    made = (await licet("bundle", "make", "launch", *filtered, "--json")).json
    assert (made["items"], made["left_out"]) == (3, ["/letters/one"])
    assert "--again" in (await licet("bundle", "make", "launch", *filtered, code=1)).err
    assert (
        "unsure"
        in (await licet("bundle", "make", "other", "--list", "-", stdin="/letters/one\n", code=2)).err
    )
    assert "--list" in (await licet("bundle", "make", "other", code=2)).err
    shown = (await licet("bundle", "show", "launch", "--json")).json
    assert [(each["path"], each["rights"]) for each in shown["items"]] == [(path, "own") for path in PAGES]
    assert (await licet("bundle", "verify", "launch", "--json")).json["same"] == 3

    file = data / "sites" / "journal.toml"
    before = file.read_text()
    file.write_text(
        before.replace("[[rules]]", OFFER + "[[rules]]", 1).replace('["training"]', '["training", "launch"]')
    )
    (row,) = (await licet("bundle", "list", "--json")).json
    assert (row["hash"], row["offers"]) == (made["hash"], ["launch"])
    running = await licet.serve("--workers", 2)
    known = (await licet("licensee", "add", "Example AI Labs", "--credit", "100 USD", "--json")).json
    crawler = Crawler(known["client_id"], known["client_secret"], [])
    front = running.front
    try:
        # In the catalogue, the exports and as a manifest of its own.
        status, body = await crawler.get(f"{front}/.licet/bundles/launch")
        assert (status, json.loads(body)["hash"]) == (200, made["hash"])
        assert (await crawler.get(f"{front}/.licet/bundles/other"))[0] == 404
        for path in ("offers", "comp", "offers/launch.jsonld"):
            status, body = await crawler.get(f"{front}/.licet/{path}")
            assert status == 200, path
            assert b"/essays/reefs" in body, path

        license = await agreed(
            crawler, f"{front}/.licet/negotiations", {"offer": "launch", "facts": FACTS_STATED}
        )
        contract = json.loads((await crawler.get(f"{front}/.licet/contracts/{license}", **crawler.login))[1])
        assert made["hash"] in json.dumps(contract)
        status, drawn = await crawler.get(
            f"{front}/.licet/contracts/{license}", **crawler.login, Accept="text/html"
        )
        assert (status, made["hash"].encode() in drawn, b"3 works" in drawn) == (200, True, True)

        status, told = await token_for(crawler, front, license, "/essays/old")
        assert status == 400, told
        status, told = await token_for(crawler, front, license, *PAGES)
        assert status == 200, told
        token = told["access_token"]
        assert await fetched(crawler, f"{front}/essays/old", token) == (403, "path-not-covered")
        for path in PAGES[:2]:
            assert await fetched(crawler, front + path, token) == (200, "")
        told = (await licet("bundle", "progress", license, "--json")).json
        assert (told["fetched"], told["met"], told["missing"]) == (2, False, ["/essays/tides"])
        assert await milestones(crawler, front) == []
        status, told = await token_for(crawler, front, license, PAGES[2])
        assert await fetched(crawler, front + PAGES[2], told["access_token"]) == (200, "")
        async with asyncio.timeout(30):
            while not (found := await milestones(crawler, front)):
                await asyncio.sleep(0.2)
        assert [(each["license"], each["manifest"], each["fetched"]) for each in found] == [
            (license, made["hash"], 3)
        ]
        told = (await licet("bundle", "progress", license, "--json")).json
        assert (told["met"], told["changed"], told["credit"]) == (True, [], "0 USD")

        # One token names the whole bundle by its manifest, and opens what the list of its places opens.
        status, told = await token_for(crawler, front, license)
        (detail,) = told["authorization_details"]
        assert (status, detail["bundle"], detail["locations"]) == (200, made["hash"], [])
        whole = told["access_token"]
        assert await fetched(crawler, f"{front}/essays/old", whole) == (403, "path-not-covered")
        for path in PAGES:
            assert await fetched(crawler, front + path, whole) == (200, "")
        status, body = await crawler.get(f"{front}/.licet/quote?bundle=launch")
        quoted = json.loads(body)
        assert (status, quoted["manifest"], quoted["items"]) == (200, made["hash"], 3)

        # A page changes: the manifest of what was sold stays, another one has its name.
        origin.files["/essays/moon"] = b"another moon"
        assert (await licet("bundle", "verify", "launch", "--json", code=1)).json["changed"] == [
            "/essays/moon"
        ]
        again = (await licet("bundle", "make", "launch", *filtered, "--again", "--json")).json
        assert again["hash"] != made["hash"]
        await licet("withdraw", "/essays/reefs", "--uses", "ai-input")
        told = (await licet("bundle", "progress", license, "--json")).json
        assert (told["manifest"], told["met"]) == (made["hash"], True)
        assert (told["withdrawn"], told["credit"]) == (["/essays/reefs"], "30 USD")
        assert "30 USD" in (await licet("bundle", "progress", license)).out

        # The credit is a correction in the books, and stands on the statement.
        async with asyncio.timeout(30):
            while (told := (await licet("bundle", "progress", license, "--json")).json)["credited"] == []:
                await asyncio.sleep(0.2)
        assert told["credited"] == ["/essays/reefs"]
        stated = (await licet("statement", known["licensee"], "--period", f"{datetime.now(UTC):%Y-%m}")).out
        assert "/essays/reefs was withdrawn from the bundle launch" in stated and "30.00 USD" in stated
        await licet("reconcile")

        # What was sold goes on, less what was withdrawn; nobody buys it any more, and its annex stays.
        await until(crawler, f"{front}/essays/reefs", token, 403)
        assert await fetched(crawler, f"{front}/essays/moon", token) == (200, "")
        assert (await crawler.get(f"{front}/.licet/bundles/launch"))[0] == 404
        status, body = await crawler.get(f"{front}/.licet/bundles/launch@{made['hash']}")
        assert (status, json.loads(body)["hash"]) == (200, made["hash"])
        assert await fetched(crawler, f"{front}/essays/moon", whole) == (200, "")
        assert (await fetched(crawler, f"{front}/essays/reefs", whole))[0] == 403

        # The offer goes out of the policy, and the gateway starts anew: the token opens what it opened.
        file.write_text(before)
        await running.stop()
        running = await licet.serve("--workers", 2, "--port", front.rpartition(":")[2])
        assert running.front == front
        assert await fetched(crawler, f"{front}/essays/moon", whole) == (200, "")
        assert await fetched(crawler, f"{front}/essays/old", whole) == (403, "path-not-covered")
    finally:
        await crawler.http.close()


async def said(crawler: Crawler, front: str, what: str, **body: Any) -> dict[str, Any]:
    """What is answered to something that the licensee says of a milestone."""
    url = f"{front}/.licet/milestones/{what}"
    async with crawler.http.post(url, json=body, headers=crawler.login) as answer:
        told: dict[str, Any] = await answer.json(content_type=None)
        assert answer.status == 200, told
        return told


async def test_a_withdrawn_work_is_credited_of_what_waits_for_a_milestone_and_of_what_was_released(
    licet: Any, origin: Any
) -> None:
    data: Path = licet.write_site(origin.url, policy=POLICY)
    for path in PAGES:
        origin.files.setdefault(path, path.encode())
    (data / "list.txt").write_text("\n".join(PAGES))
    await licet("bundle", "make", "launch", "--list", str(data / "list.txt"))
    file = data / "sites" / "journal.toml"
    waits = 'price = { upfront = "90", milestones = [{ when = "launch", share = "50 %", shown_by = "statement" }] }'
    offer = OFFER.replace('price = { upfront = "90" }', waits)
    file.write_text(
        file.read_text()
        .replace("[[rules]]", offer + "[[rules]]", 1)
        .replace('["training"]', '["training", "launch"]')
    )
    running = await licet.serve()
    known = (await licet("licensee", "add", "Example AI Labs", "--credit", "100 USD", "--json")).json
    crawler, front = Crawler(known["client_id"], known["client_secret"], []), running.front
    account = ("statement", known["licensee"], "--period", f"{datetime.now(UTC):%Y-%m}")

    async def credited(license: str, count: int) -> dict[str, Any]:
        async with asyncio.timeout(40):
            while (
                len((told := (await licet("bundle", "progress", license, "--json")).json)["credited"]) < count
            ):
                await asyncio.sleep(0.2)
        found: dict[str, Any] = told
        return found

    async def milestone(state: str) -> dict[str, Any]:
        async with asyncio.timeout(40):
            while True:
                told = json.loads((await crawler.get(f"{front}/.licet/milestones", **crawler.login))[1])
                if told["milestones"] and told["milestones"][0]["state"] == state:
                    found: dict[str, Any] = told["milestones"][0]
                    return found
                await asyncio.sleep(0.2)

    try:
        license = await agreed(
            crawler, f"{front}/.licet/negotiations", {"offer": "launch", "facts": FACTS_STATED}
        )
        await milestone("waiting")
        await licet("withdraw", "/essays/reefs", "--uses", "ai-input")
        told = await credited(license, 1)
        assert (told["credited"], told["credit"]) == (["/essays/reefs"], "30 USD")
        async with asyncio.timeout(40):
            while (await milestone("waiting"))["left"]["micros"] != 30_000_000:
                await asyncio.sleep(0.2)

        named = {"license": license, "milestone": "launch"}
        await said(crawler, front, "statement", **named, statement="It is out.", by="Bo", role="officer")
        await milestone("met")
        await said(crawler, front, "approval", **named)
        assert (await milestone("shared"))["released"]["micros"] == 30_000_000
        await licet("withdraw", "/essays/moon", "--uses", "ai-input")
        assert (await credited(license, 2))["credit"] == "60 USD"
        async with asyncio.timeout(40):
            while not (back := await milestones(crawler, front, "milestone.reversed")):
                await asyncio.sleep(0.2)
        assert [(each["milestone"], each["amount"]) for each in back] == [("launch", "15 USD")]
        stated = (await licet(*account)).out
        assert "/essays/moon was withdrawn from the bundle launch; of launch" in stated
        # Of 90 a third is left to pay: 15 of what was paid at signing, 15 of what was promised and released.
        books = (await licet("books", "check", "--json")).json
        assert books["good"] is True, books
        await licet("reconcile")
        # Whoever starts again credits nothing again.
        await running.stop()
        running = await licet.serve("--port", front.rpartition(":")[2])
        await milestone("shared")
        again = (await licet(*account)).out
        assert (
            again.count("was withdrawn from the bundle launch")
            == stated.count("was withdrawn from the bundle launch")
            == 4
        )
    finally:
        await crawler.http.close()


async def milestones(crawler: Crawler, front: str, type: str = "milestone.ingestion") -> list[dict[str, Any]]:
    """What the licensee was told of milestones, of one type."""
    told = json.loads((await crawler.get(f"{front}/.licet/events", **crawler.login))[1])
    return [each["data"] for each in told["events"] if each["type"] == type]


class Counted:
    """A crawler's session whose requests to desks are counted, on their way."""

    def __init__(self, spending: str, **more: Any) -> None:
        most = Spending(Money.parse("0", "USD"), Money.parse(spending, "USD"))
        self.session = LicensedSession(GPTBOT, most, uses=frozenset({Use.AI_TRAIN}), **more)
        self.asked = Counter[str]()
        send = self.session.caller.send

        async def counted(method: str, url: str, *given: Any, **named: Any) -> Any:
            self.asked[url.partition("/.licet/")[2].partition("@")[0]] += 1
            return await send(method, url, *given, **named)

        self.session.caller.send = counted  # type: ignore[method-assign]

    async def states(self, *urls: str) -> list[Any]:
        """What each fetch comes to: a status, or the code of a refusal."""
        found = [await self.session.fetch(url) for url in urls]
        return [each.status if isinstance(each, Fetched) else each.code for each in found]


async def test_a_crawlers_client_has_one_token_for_a_whole_bundle_and_shows_it_nowhere_else(
    licet: Any, origin: Any, tmp_path: Path
) -> None:
    data: Path = licet.write_site(origin.url, policy=POLICY)
    for path in (*PAGES, "/essays/old"):
        origin.files.setdefault(path, path.encode())
    (tmp_path / "list.txt").write_text("\n".join(PAGES))
    await licet("bundle", "make", "launch", "--list", str(tmp_path / "list.txt"))
    file = data / "sites" / "journal.toml"
    before = file.read_text().replace("[contract]", "[contract]\nby_machine = true", 1)
    offer = OFFER.replace('"ai-input"', '"ai-train"').replace('"90"', '"3"')
    sold = before.replace("[[rules]]", offer + "[[rules]]", 1).replace('["training"]', '["launch"]')
    file.write_text(sold)
    running = await licet.serve("--workers", 2)
    known = (await licet("licensee", "add", "Example AI Labs", "--credit", "100 USD", "--json")).json
    front = running.front
    more = {
        "logins": (Secret(front, known["client_id"], known["client_secret"]),),
        "receipts": tmp_path / "receipts.jsonl",
    }
    pages = [front + path for path in PAGES]
    heard = list[str]()

    async def other(request: web.Request) -> web.Response:
        heard.append(request.headers.get("Authorization", ""))
        return web.Response(status=402)

    elsewhere = web.Server(other)
    runner = web.ServerRunner(elsewhere)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    foreign = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        first = Counted("5", **more)
        async with first.session:
            assert await first.states(*pages, *pages) == [200] * 6
            assert (first.asked["token"], first.asked["bundles/launch"]) == (1, 0), (
                "the offer's terms have the places"
            )
            assert first.session.spent == Money.parse("3", "USD")
            # A page of the site that is not in it is not covered, and costs nothing.
            assert await first.states(front + "/essays/old") != [200]
            assert first.session.spent == Money.parse("3", "USD")
            # The same path of another origin never sees the token.
            await first.states(foreign + PAGES[0], foreign + PAGES[1])
            assert heard and not any(heard)

        # Another run, the same license: its offer has other terms by now, so the manifest is read, once.
        file.write_text(sold.replace('upfront = "3"', 'upfront = "4"'))
        await running.stop()
        running = await licet.serve("--workers", 2, "--port", front.rpartition(":")[2])
        second = Counted("0", **more)
        async with second.session:
            assert await second.states(*pages, *pages) == [200] * 6
            assert (second.asked["token"], second.asked["bundles/launch"]) == (1, 1)
            # A work that is withdrawn is refused to the token that names it; the others go on.
            await licet("withdraw", PAGES[0], "--uses", "ai-train")
            async with asyncio.timeout(20):
                while await second.states(pages[0]) == [200]:
                    await asyncio.sleep(0.2)
            assert await second.states(*pages[1:]) == [200, 200]
            assert second.asked["token"] == 1
    finally:
        await runner.cleanup()
