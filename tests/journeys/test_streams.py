"""Something streamed in pieces is paid for once by each licensee in the window, across a restart; podcasts are by their file."""

from __future__ import annotations

import json

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
POLICY = """
otherwise = "serve"
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "{mode}"
[[works]]
id = "films"
paths = ["/films/"]
rights = "own"
people = "none"
streams = ["/films/hls/"]
[offers.training]
uses = ["ai-train"]
price = {{ per_fetch = "0.05" }}
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training"] }}
[[rules]]
then = "serve"
"""
PIECES = ("index.m3u8", "720p/index.m3u8", "720p/1.ts", "720p/2.ts", "1080p/1.ts")


async def buy(one):
    licensee, client, secret = await one.licensee("1 USD")
    bought = await one.token(client, secret, resource="/films/")
    return licensee, bought["access_token"]


async def fetched(one, token, *paths):
    """What each of the fetches was charged."""
    told = []
    for path in paths:
        answer = await one.get(path, GPTBOT, token=token)
        assert answer.status == 200
        record = await one.folded(answer.headers["Licet-Record"])
        told.append(record.charged_micros)
    return told


async def test_the_pieces_of_a_stream_are_paid_for_once(world) -> None:
    one = await world(policy=POLICY)
    async with one.http.get(
        f"{one.front}/.licet/quote", params={"url": "/films/hls/tides/720p/1.ts", "crawler": "GPTBot"}
    ) as answer:
        unit = json.loads(await answer.read())["unit"]
    assert (
        unit["counted"]
        == "Everything below /films/hls/tides, as one: the first piece that is taken in the window costs the price."
    )
    _, token = await buy(one)
    tides = [f"/films/hls/tides/{piece}" for piece in PIECES]
    assert await fetched(one, token, *tides) == [50_000, 0, 0, 0, 0]
    assert await fetched(one, token, "/films/hls/reefs/720p/1.ts", "/films/hls/reefs/index.m3u8") == [
        50_000,
        0,
    ]
    assert await fetched(one, token, "/films/trailer.mp4", "/films/still.jpg") == [50_000, 50_000]
    _, other = await buy(one)
    assert await fetched(one, other, *tides[:2]) == [50_000, 0]
    units = await one.licet.paid()
    assert len([each for each in units if each.key.endswith(" stream")]) == 3, "told to the next process too"
