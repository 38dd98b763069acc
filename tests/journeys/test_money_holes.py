"""Ways to a licensed page for less that once worked; each must stay closed."""

from __future__ import annotations

import asyncio
import json

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)
BYTESPIDER = "Mozilla/5.0 (compatible; Bytespider; https://zhanzhang.toutiao.com/)"

HEAD = """
[site]
id = "journal"
hosts = ["127.0.0.1", "localhost"]
origin = "{origin}"
mode = "{mode}"
currency = "USD"
[[works]]
id = "all"
paths = ["/"]
rights = "own"
people = "none"
"""

SHELVES = (
    HEAD
    + """
[offers.basic]
uses = ["ai-train"]
price = {{ per_fetch = "0.005" }}
[offers.premium]
uses = ["ai-train"]
price = {{ per_fetch = "0.5" }}
[[rules]]
when = {{ class = "ai", path = "/premium/" }}
then = {{ license = ["premium"] }}
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["basic"] }}
"""
)

NEWS = (
    HEAD
    + """
[offers.answers]
uses = ["ai-input"]
price = {{ per_fetch = "0.004" }}
[offers.training]
uses = ["ai-train"]
price = {{ per_fetch = "0.1" }}
[[rules]]
when = {{ use = "ai-input", path = "/news/" }}
then = "serve"
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["answers", "training"] }}
"""
)


async def _token(one, **detail) -> str:
    _, client, secret = await one.licensee()
    wanted = json.dumps([{"type": "content_license", **detail}])
    bought = await one.token(client, secret, resource="/", authorization_details=wanted)
    assert bought["status"] == 200, bought
    return bought["access_token"]


async def test_another_method_is_no_way_to_the_same_bytes(world) -> None:
    one = await world()
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    got = await one.get("/essays/tides", GPTBOT, token=token, method="POST")
    assert got.status == 200
    assert (await one.folded(got.headers["Licet-Record"])).charged_micros == 5_000


async def test_a_token_of_the_cheaper_offer_does_not_open_what_is_sold_dearer(world) -> None:
    one = await world(policy=SHELVES)
    token = await _token(one, offer="basic")
    assert (await one.get("/essays", GPTBOT, token=token)).status == 200
    dearer = await one.get("/premium/x", GPTBOT, token=token)
    assert (dearer.status, json.loads(await dearer.read())["code"]) == (403, "path-not-covered")
    assert (await one.get("/premium/x", GPTBOT, token=await _token(one, offer="premium"))).status == 200


async def test_a_cheap_token_is_no_disguise_for_a_free_use(world) -> None:
    one = await world(policy=NEWS)
    token = await _token(one, offer="answers")
    assert (await one.get("/news/x", BYTESPIDER)).status == 402
    assert (await one.get("/news/x", BYTESPIDER, token=token)).status == 403
    named = await _token(one, offer="answers", crawlers=["bytespider"])
    refused = await one.get("/essays", BYTESPIDER, token=named)
    assert (refused.status, json.loads(await refused.read())["code"]) == (403, "use-not-covered")


async def test_each_query_is_a_resource_of_its_own(world) -> None:
    one = await world()
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    charged = []
    for number in range(3):
        got = await one.get(f"/essays/{'x' * number}view?id={number}", GPTBOT, token=token)
        charged.append((await one.folded(got.headers["Licet-Record"])).charged_micros)
    assert charged == [5_000] * 3


async def test_breaking_ones_own_request_off_is_not_the_origins_doing(world) -> None:
    one = await world()
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    host, port = one.front.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"GET /essays/big HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: {GPTBOT}\r\nX-Country: DE\r\n"
        f"Authorization: License {token}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n".encode()
    )
    writer.write(b"nonsense that is no chunk\r\n")
    await writer.drain()
    async with asyncio.timeout(10):
        while await reader.read(65536):
            pass
    writer.close()
    records = await one.records()
    # Either it was refused before the origin answered, or what the client took of the answer is paid for.
    assert all(record["charged_micros"] == 5_000 or record["status"] == 400 for record in records)
