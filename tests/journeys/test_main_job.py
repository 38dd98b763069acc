"""The main job, end to end, on real sockets."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import aiohttp
import pytest

from gateway.billing.statements import Period
from gateway.money import Money

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


async def test_a_person_gets_the_origins_bytes_and_leaves_no_record(world) -> None:
    one = await world()
    direct = await one.http.get(one.origin.url + "/essays/tides")
    through = await one.get("/essays/tides")
    assert (through.status, await through.read()) == (200, await direct.read())
    ours = {name for name in through.headers if name.lower() not in {"date", "server"}}
    assert ours == {name for name in direct.headers if name.lower() not in {"date", "server"}}
    assert await one.records() == []


async def test_an_unlicensed_crawler_is_told_the_terms_and_the_origin_is_not_asked(world) -> None:
    one = await world()
    answer = await one.get("/essays/tides", GPTBOT)
    body = json.loads(await answer.read())
    assert answer.status == 402
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.headers["crawler-price"] == "USD 0.005"
    assert answer.headers["Cache-Control"] == "no-store"
    assert [each.split()[0] for each in answer.headers.getall("WWW-Authenticate")] == ["License", "Bearer"]
    assert body["price"]["amount"] == "0.005"
    assert one.front + "/.licet/token" in json.dumps(body)
    assert one.origin.seen == []
    (record,) = await one.records()
    assert (record["crawler"], record["problem"], record["outcome"]) == (
        "GPTBot",
        "license-required",
        "refused",
    )


async def test_buy_fetch_and_be_held_to_it(world) -> None:
    one = await world()
    licensee, client, secret = await one.licensee()
    bought = await one.token(client, secret)
    assert bought["status"] == 200, bought
    token = bought["access_token"]
    (granted,) = bought["authorization_details"]
    assert granted["locations"] == ["/essays/"]

    got = await one.get("/essays/tides", GPTBOT, token=token)
    assert got.status == 200
    assert got.headers["Cache-Control"] == "private, no-store"
    assert not any(name.lower() == "authorization" for name, _ in one.origin.seen[-1]["headers"])
    row = await one.folded(got.headers["Licet-Record"])
    assert (row.charged_micros, row.currency, row.outcome) == (5_000, "USD", "licensed")

    outside = await one.get("/podcast/1.mp3", GPTBOT, token=token)
    elsewhere = await one.get("/essays/reefs", GPTBOT, token=token, country="US")
    assert (outside.status, elsewhere.status) == (403, 403)
    assert json.loads(await outside.read())["code"] == "path-not-covered"
    assert json.loads(await elsewhere.read())["code"] == "territory-not-covered"

    again = await one.get("/essays/tides", GPTBOT, token=token)
    assert (await one.folded(again.headers["Licet-Record"])).charged_micros == 0
    for name in ("reefs", "knots"):
        more = await one.get(f"/essays/{name}", GPTBOT, token=token)
        assert more.status == 200
        await one.folded(more.headers["Licet-Record"])
    spent = await one.get("/essays/charts", GPTBOT, token=token)
    assert (spent.status, json.loads(await spent.read())["code"]) == (402, "budget-spent")

    period = Period.parse(datetime.now(UTC).strftime("%Y-%m"))
    statement = await one.licet.ledger.statement(licensee, "Example AI Labs", period)
    assert statement.totals[0].closing == Money(10_000_000 - 3 * 5_000, "USD")
    assert "0.015 USD" in statement.as_text()


async def test_a_bad_token_never_falls_through_to_free(world) -> None:
    one = await world()
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    head, payload, signature = token.split(".")
    for bad in (f"{head}.{payload}.{signature[:-4]}AAAA", f"{head}.{payload}.", "x.y.z", token + "="):
        answer = await one.get("/essays/tides", GPTBOT, token=bad)
        assert (answer.status, json.loads(await answer.read())["code"]) == (401, "token-invalid")
        person = await one.get("/essays/tides", token=bad)
        assert person.status == 401
    assert one.origin.seen == []


async def test_a_revoked_licensee_is_refused_within_a_second(world) -> None:
    from gateway.licenses.license import Standing

    one = await world()
    licensee, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    assert (await one.get("/essays/tides", GPTBOT, token=token)).status == 200
    await one.licet.register.set_standing(licensee, Standing.SUSPENDED, one.licet.clock.now_us() // 1_000_000)
    async with asyncio.timeout(1.0):
        while (await one.get("/essays/tides", GPTBOT, token=token)).status != 401:
            await asyncio.sleep(0.02)
    assert (await one.token(client, secret))["status"] == 403


async def test_search_is_free_only_for_who_can_prove_it(world) -> None:
    one = await world()
    refused = await one.get("/essays/tides", GOOGLEBOT)
    assert (refused.status, json.loads(await refused.read())["code"]) == (403, "identity-not-proven")
    proven = await one.get("/essays/tides", GOOGLEBOT, headers={"X-Forwarded-For": "66.249.66.1"})
    assert proven.status == 200
    records = await one.records()
    assert [record["identity"] for record in records] == ["spoofed", "verified"]


@pytest.mark.parametrize(
    ("mode", "statuses"),
    [("observe", [200, 200, 200]), ("offer", [200, 200, 200]), ("enforce", [402, 200, 403])],
)
async def test_each_mode_binds_as_much_as_it_says(world, mode: str, statuses: list[int]) -> None:
    one = await world()
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    one.set_mode(mode)
    assert one.licet.reload() == ()
    answers = [
        await one.get("/essays/tides", GPTBOT),
        await one.get("/essays/reefs", GPTBOT, token=token),
        await one.get("/podcast/1.mp3", GPTBOT, token=token),
    ]
    assert [answer.status for answer in answers] == statuses
    records = await one.records()
    assert [record["mode"] for record in records] == [mode] * 3
    if mode == "observe":
        assert "crawler-price" not in answers[0].headers
        assert "Link" not in answers[0].headers
        assert (records[0]["would"], records[0]["quote_micros"]) == ("license-required", 5_000)
        assert sum(record["charged_micros"] for record in records) == 0
        robots = await one.get("/robots.txt", GPTBOT)
        assert await robots.text() == one.origin.robots
    if mode == "offer":
        assert answers[0].headers["crawler-price"] == "USD 0.005"
        assert 'rel="license"' in answers[0].headers["Link"]
        assert [record["charged_micros"] for record in records] == [0, 5_000, 0]
        assert records[2]["would"] == "path-not-covered"


async def test_control_files_answer_everyone(world) -> None:
    one = await world()
    for agent in (
        GPTBOT,
        GOOGLEBOT,
        "curl/8.0",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ):
        robots = await one.get("/robots.txt", agent)
        terms = await one.get("/license.xml", agent)
        assert (robots.status, terms.status) == (200, 200)
        assert "Disallow: /drafts/" in await robots.text()
        assert f"License: {one.front}/license.xml" in await robots.text()
        assert terms.headers["Content-Type"].startswith("application/rsl+xml")
        again = await one.get("/license.xml", agent, headers={"If-None-Match": terms.headers["ETag"]})
        assert again.status == 304


async def test_an_rsl_client_buys_with_the_license_element(world) -> None:
    from lxml import etree

    one = await world()
    _, client, secret = await one.licensee()
    document = etree.fromstring(await (await one.get("/license.xml", GPTBOT)).read())
    space = {"r": "https://rslstandard.org/rsl"}
    content = next(
        each
        for each in document.findall("r:content", space)
        if each.get("server")
        and any("ai-train" in (node.text or "") for node in each.iterfind(".//r:permits", space))
        and each.get("url", "").startswith("/essays")
    )
    license_ = content.find("r:license", space)
    form = {
        "grant_type": "client_credentials",
        "resource": content.get("url"),
        "license": etree.tostring(license_).decode(),
    }
    async with one.http.post(
        f"{one.front}/.licet/token",
        data=form,
        headers={"Authorization": aiohttp.encode_basic_auth(client, secret)},
    ) as answer:
        facts = json.loads(await answer.read())
    assert (answer.status, facts.get("token_type")) == (200, "License"), facts
    assert (await one.get("/essays/tides", GPTBOT, token=facts["access_token"])).status == 200


async def test_an_observing_gate_sells_nothing(world) -> None:
    one = await world(mode="observe")
    _, client, secret = await one.licensee()
    assert (await one.token(client, secret))["status"] == 400


async def test_a_typo_in_the_policy_neither_opens_nor_closes_the_site(world) -> None:
    one = await world()
    file = one.folder / "sites" / "journal.toml"
    good = file.read_text()
    file.write_text(good.replace('mode = "enforce"', 'mode = "enfroce"'))
    (mistake,) = one.licet.reload()
    assert mistake.key == "site.mode"
    assert (await one.get("/essays/tides", GPTBOT)).status == 402
    file.write_text(good.replace('mode = "enforce"', 'mode = "offer"'))
    async with asyncio.timeout(5):
        while (await one.get("/essays/tides", GPTBOT)).status != 200:
            await asyncio.sleep(0.05)


async def test_what_the_origin_breaks_off_never_looks_whole_and_costs_nothing(world) -> None:
    one = await world()
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    with pytest.raises(aiohttp.ClientError):
        await one.get("/essays/cut", GPTBOT, token=token)
    with pytest.raises(aiohttp.ClientError):
        await one.get("/essays/cut")
    (record,) = await one.records()
    assert (record["ended"], record["outcome"], record["charged_micros"]) == ("origin-abort", "failed", 0)


async def test_head_and_not_modified_are_free_and_recorded(world) -> None:
    one = await world()
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    head = await one.get("/essays/tides", GPTBOT, token=token, method="HEAD")
    assert (head.status, await head.read()) == (200, b"")
    assert head.headers["Licet-Record"]
    (record,) = await one.records()
    assert (record["charge_reason"], record["charged_micros"]) == ("no-content", 0)


NESTED = """
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "{mode}"
currency = "USD"
[[works]]
id = "all"
paths = ["/"]
rights = "own"
people = "none"
[[works]]
id = "premium"
paths = ["/premium/"]
rights = "own"
people = "none"
[offers.cheap]
uses = ["ai-train"]
works = ["all"]
price = {{ per_fetch = "0.001" }}
[offers.dear]
uses = ["ai-train"]
works = ["premium"]
price = {{ per_fetch = "1" }}
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["cheap", "dear"] }}
[[rules]]
then = "serve"
"""


async def test_a_license_for_the_site_does_not_open_the_dearer_shelf_inside_it(world) -> None:
    one = await world(policy=NESTED)
    _, client, secret = await one.licensee()
    cheap = await one.token(client, secret, resource="/")
    assert cheap["authorization_details"][0]["excluded"] == ["/premium/"]
    assert (await one.get("/notes", GPTBOT, token=cheap["access_token"])).status == 200
    shelf = await one.get("/premium/x", GPTBOT, token=cheap["access_token"])
    assert (shelf.status, json.loads(await shelf.read())["code"]) == (403, "path-not-covered")
    wanted = json.dumps(
        [{"type": "content_license", "offer": "cheap", "locations": [one.front + "/premium/x/"]}]
    )
    assert (await one.token(client, secret, resource="/", authorization_details=wanted))["status"] == 400
    dear = await one.token(client, secret, resource="/premium/")
    assert dear["authorization_details"][0]["price"]["micros"] == 1_000_000
    assert (await one.get("/premium/x", GPTBOT, token=dear["access_token"])).status == 200
