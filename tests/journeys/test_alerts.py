"""Alerts are events: made of what crawlers do, told once, and heard by whoever listens, signed."""

from __future__ import annotations

import json

from aiohttp import web
from standardwebhooks import Webhook

POLICY = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "{mode}"
[[works]]
id = "essays"
paths = ["/"]
rights = "own"
people = "none"
[[rules]]
when = {{ crawler = "Bytespider" }}
then = "refuse"
[[rules]]
then = "serve"
"""
AGENTS = (
    "Mozilla/5.0 (compatible; Bytespider; spider-feedback@bytedance.com)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; HarborBot/2.0; +https://harbor.example/bot)",
)


async def test_who_was_refused_who_was_not_who_it_said_and_who_is_new_is_heard_signed(licet, origin, http):
    licet.write_site(origin.url, policy=POLICY)
    one = await licet.serve()
    for _ in range(2):
        for agent in AGENTS:
            async with http.get(f"{one.front}/essays/tides", headers={"User-Agent": agent}) as answer:
                await answer.read()
    secret = (await licet("listen", "--print-secret")).out.strip()
    heard = []

    async def hook(request: web.Request) -> web.Response:
        body = await request.text()
        heard.append(Webhook(secret).verify(body, dict(request.headers)))
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/hook", hook)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        done = await licet(
            "listen", "--all", "--type", "crawler.*", "--count", "3", "--json", "--forward-to", url
        )
    finally:
        await runner.cleanup()
    told = [json.loads(line) for line in done.out.splitlines()]
    assert {each["type"]: each["data"].get("crawler") or each["data"]["name"] for each in told} == {
        "crawler.ignored": "Bytespider",
        "crawler.spoofed": "Googlebot",
        "crawler.newcomer": "HarborBot",
    }
    assert all(each["forwarded"] == {"received": True, "status": 204, "why": ""} for each in told)
    assert [each["data"] for each in heard] == [each["data"] for each in told]
    listed = (await licet("listen", "--all", "--type", "crawler.ignored", "--count", "1")).out
    assert "crawler.ignored" in listed
    assert "Bytespider" in listed


async def test_listening_says_what_it_cannot_do(licet):
    assert "no data folder" in (await licet("listen", code=2)).err
    licet.write_site("http://127.0.0.1:1")
    one = await licet.serve()
    await one.stop()
    assert "such as negotiation.offered" in (await licet("listen", "--type", "*", code=2)).err
    assert "--forward-to is a URL" in (await licet("listen", "--forward-to", "ftp://x", code=2)).err
