"""Two pages of different age have two prices: quoted, paid, recorded and on the statement."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from aiohttp import web

from gateway.billing.statements import Period

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
POLICY = """
otherwise = "serve"
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "{mode}"
[[works]]
id = "news"
paths = ["/news/"]
rights = "own"
people = "none"
dated = "/news/%Y/%m/%d/"
[[works]]
id = "notes"
paths = ["/notes/"]
rights = "own"
people = "none"
dated_by = "last-modified"
[offers.training]
uses = ["ai-train"]
price = {{ per_fetch = "0.02", by_age = [{{ from_days = 30, per_fetch = "0.004" }}] }}
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training"] }}
[[rules]]
then = "serve"
"""


async def test_an_old_page_costs_less_than_a_new_one(world, origin) -> None:
    plain, edited = origin.answer, {"/notes/old": "Tue, 01 Jan 2019 00:00:00 GMT", "/notes/odd": "long ago"}

    async def answer(request):
        response = await plain(request)
        if request.path in edited:
            response.headers["Last-Modified"] = edited[request.path]
        return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        await _buys(await world(policy=POLICY))
    finally:
        await runner.cleanup()


async def _buys(one) -> None:
    today = datetime.now(UTC)
    new = f"/news/{today:%Y/%m/%d}/tides"
    old = f"/news/{today - timedelta(days=31):%Y/%m/%d}/reefs"
    prices = {new: 20_000, old: 4_000, "/notes/new": 20_000, "/notes/old": 4_000, "/notes/odd": 20_000}
    for path in (new, old):
        quoted = await one.get(path, GPTBOT)
        assert quoted.status == 402
        body = json.loads(await quoted.read())
        assert body["price"]["micros"] == prices[path]
        assert body["price"]["from_days"] == (30 if path == old else 0)
        assert body["offers"][0]["by_age"][0]["from_days"] == 30
        async with one.http.get(
            f"{one.front}/.licet/licenses/quote", params={"url": path, "crawler": "GPTBot"}
        ) as answer:
            quote = json.loads(await answer.read())
        assert quote["price"]["micros"] == prices[path]
        assert quote["published_at"].startswith(path[6:16].replace("/", "-"))
        assert "days ago" in quote["resolution"][-1]
    licensee, client, secret = await one.licensee("1 USD")
    bought = await one.token(client, secret, resource="/news/")
    assert bought["authorization_details"][0]["by_age"] == [{"from_days": 30, "micros": 4_000}]
    charged = {}
    for path in prices:
        paid = await one.get(path, GPTBOT, token=bought["access_token"])
        assert paid.status == 200
        assert paid.headers["Licet-Price"] == {20_000: "USD 0.02", 4_000: "USD 0.004"}[prices[path]]
        charged[path] = (await one.folded(paid.headers["Licet-Record"])).charged_micros
    assert charged == prices
    await one.licet.front.till.rest()
    await one.licet.front.till.rest()
    left = await one.licet.book.available(licensee, "USD")
    assert left.micros == 1_000_000 - sum(prices.values()), "what an old page did not cost is credit again"
    month = Period.parse(f"{today:%Y-%m}")
    statement = await one.licet.ledger.statement(licensee, "Example AI Labs", month)
    (total,) = statement.totals
    assert total.charged.micros == sum(prices.values())
