"""From a quote to a fetch at exactly that price; what a unit is on the wire; terms that stay readable."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import pytest
from aiohttp import web

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)
UNKNOWN = "Mozilla/5.0 (compatible; NobodyKnowsBot/1.0)"
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
BODY = hashlib.shake_128(b"page").digest(100_000)
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
price = {{ per_fetch = "0.0123", tiers = [{{ from_fetches = 2, per_fetch = "0.007" }}] }}
window_hours = 6
[offers.answers]
uses = ["ai-input"]
works = ["essays"]
price = {{ per_fetch = "0.004" }}
[[rules]]
when = {{ class = ["ai", "automation"] }}
then = {{ license = ["answers", "training"] }}
[[rules]]
then = "serve"
"""


@dataclass
class Essays:
    """A creator's server that knows ranges, and breaks off in the middle while *broken*."""

    url: str = ""
    broken: bool = False

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The same bytes for every name, whole or in part."""
        headers = {"ETag": '"page"', "Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
        part = request.http_range
        start, stop = part.start or 0, part.stop or len(BODY)
        if request.headers.get("Range"):
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(BODY)}"
        octets = BODY[start:stop]
        response = web.StreamResponse(
            status=206 if "Content-Range" in headers else 200,
            headers={**headers, "Content-Length": str(len(octets))},
        )
        await response.prepare(request)
        if self.broken:
            await response.write(octets[: len(octets) // 2])
            assert request.transport is not None
            request.transport.close()
            return response
        await response.write(octets)
        return response


@pytest.fixture
async def origin() -> AsyncIterator[Essays]:
    """The creator's server of this module."""
    site = Essays()
    app = web.Application()
    app.router.add_get("/essays/{name}", site.page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield site
    await runner.cleanup()


async def told(one: Any, path: str, **kept: Any) -> Any:
    """What a program is told at *path*."""
    answer = await one.get(path, "curl/8", **kept)
    assert answer.status == 200, await answer.text()
    return json.loads(await answer.read())


async def bought(one: Any, quote: Any) -> tuple[str, str, str]:
    """Buy what *quote* says to a funded licensee; the token, and client id and secret for more."""
    _, client, secret = await one.licensee()
    wish = json.dumps(quote["buy"]["authorization_details"])
    got = await one.token(client, secret, resource="/", authorization_details=wish)
    assert got["status"] == 200, got
    return got["access_token"], client, secret


async def recorded(one: Any, count: int) -> list[tuple[int, str]]:
    """What *count* records say was charged, and why."""
    async with asyncio.timeout(20):
        while len(records := await one.records()) < count:
            await asyncio.sleep(0.01)
    assert len(records) == count
    return [(record["charged_micros"], record["charge_reason"]) for record in records]


async def test_a_fetch_costs_exactly_what_was_quoted(world, origin: Essays) -> None:
    one = await world(policy=POLICY)
    refused = json.loads(await (await one.get("/essays/tides?page=2", GPTBOT)).read())
    asked = refused["buy"]["quote"].removeprefix(one.front)
    quote = await told(one, f"{asked}&crawler=GPTBot")
    assert quote["price"]["micros"] == refused["price"]["micros"] == 12_300
    assert quote["window_hours"] == 6
    token, client, secret = await bought(one, quote)
    got = await one.get("/essays/tides?page=2", GPTBOT, token=token)
    assert (got.status, got.headers["Licet-Price"]) == (200, "USD 0.0123")
    row = await one.folded(got.headers["Licet-Record"])
    assert row.charged_micros == quote["price"]["micros"]

    # The tier: two fetches are charged, and the next token of the same license says the lower price.
    second = await one.get("/essays/reefs", GPTBOT, token=token)
    await one.folded(second.headers["Licet-Record"])
    wish = json.dumps(quote["buy"]["authorization_details"])
    cheaper = await one.token(client, secret, resource="/", authorization_details=wish)
    (granted,) = cheaper["authorization_details"]
    assert (granted["price"]["micros"], granted["version"], granted["window_hours"]) == (7_000, 2, 6)
    third = await one.get("/essays/knots", GPTBOT, token=cheaper["access_token"])
    assert third.headers["Licet-Price"] == "USD 0.007"
    assert (await one.folded(third.headers["Licet-Record"])).charged_micros == 7_000


async def test_a_thousand_quotes_pass_the_front(world) -> None:
    one = await world(policy=POLICY)
    urls = [f"{one.front}/essays/{'x' * 200}/{number}" for number in range(1000)]
    answer = await one.http.post(f"{one.front}/.licet/quote?crawler=GPTBot", json=urls)
    lines = [json.loads(line) for line in (await answer.text()).splitlines()]
    assert [line["url"] for line in lines] == urls
    assert {line["price"]["micros"] for line in lines} == {12_300}


async def test_a_thousand_slices_of_one_version_are_one_charge(world, origin: Essays) -> None:
    one = await world(policy=POLICY, settings="[pacing]\nlicense_per_second = 0\n")
    quote = await told(one, "/.licet/quote?url=/essays/tides&crawler=GPTBot")
    token, _, _ = await bought(one, quote)

    async def slice_of(at: int) -> bytes:
        span = {"Range": f"bytes={at}-{at + 99}"}
        answer = await one.get("/essays/tides", GPTBOT, token=token, headers=span)
        assert answer.status == 206
        return await answer.read()

    parts = [await slice_of(at) for at in range(0, 50_000, 100)]
    parts += await asyncio.gather(*map(slice_of, range(50_000, 100_000, 100)))
    assert b"".join(parts) == BODY
    money = await recorded(one, 1000)
    assert money[0] == (12_300, "fetch")
    assert money[1:] == [(0, "read-before")] * 999


async def test_head_a_broken_get_and_its_resumption_are_one_charge(world, origin: Essays) -> None:
    one = await world(policy=POLICY)
    quote = await told(one, "/.licet/quote?url=/essays/tides&crawler=GPTBot")
    token, _, _ = await bought(one, quote)
    head = await one.get("/essays/tides", GPTBOT, token=token, method="HEAD")
    assert head.headers["Content-Length"] == str(len(BODY))
    origin.broken = True
    with pytest.raises(Exception, match="payload"):
        await one.get("/essays/tides", GPTBOT, token=token)
    origin.broken = False
    rest = await one.get("/essays/tides", GPTBOT, token=token, headers={"Range": "bytes=50000-"})
    assert await rest.read() == BODY[50_000:]
    again = await one.get("/essays/tides", GPTBOT, token=token)
    assert await again.read() == BODY
    assert await recorded(one, 4) == [
        (0, "no-content"),
        (0, "broken-off"),
        (12_300, "fetch"),
        (0, "read-before"),
    ]


async def test_terms_stay_readable_after_they_changed_and_after_a_restart(world) -> None:
    one = await world(policy=POLICY)
    old = await (await one.get("/.licet/terms/", "curl/8")).read()
    name = hashlib.sha256(old).hexdigest()
    file = one.folder / "sites" / "journal.toml"
    file.write_text(file.read_text().replace("0.0123", "0.05"))
    assert one.licet.reload() == ()
    new = await (await one.get("/.licet/terms/", "curl/8")).read()
    assert new != old
    await one.licet.stop(1)
    again = await world(policy=POLICY.replace("0.0123", "0.05"))
    versions = (await told(again, "/.licet/terms/versions"))["versions"]
    assert [each["version"] for each in versions] == [hashlib.sha256(new).hexdigest(), name]
    kept = await again.get(f"/.licet/terms/{name}", "curl/8")
    assert await kept.read() == old
    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    changes = await told(again, f"/.licet/terms/{versions[0]['version']}/changes")
    places = {each["place"]: (each["before"], each["after"]) for each in changes["changes"]}
    assert places["offers.training.terms.compensation.per_fetch.micros"] == (12_300, 50_000)
    listed = await told(again, f"/.licet/catalogue?changed_since={versions[1]['in_force_from']}&limit=1")
    assert listed["version"] == versions[0]["version"]


async def test_terms_are_kept_though_nobody_reads_them(world) -> None:
    one = await world(policy=POLICY)
    async with asyncio.timeout(20):
        while not await one.licet.terms.store.history("journal", 1):
            await asyncio.sleep(0.02)


async def test_every_link_of_the_pages_leads_somewhere(world) -> None:
    """What a person can follow from the 402 and from the license page answers, and says no 404."""
    one = await world(policy=POLICY)
    await one.licet.log.sign_news()
    seen, left = set[str](), ["/essays/tides", "/.licet/terms/"]
    while left:
        path = left.pop()
        seen.add(path)
        agent = UNKNOWN if path.startswith("/essays/") else "curl/8"
        answer = await one.get(path, agent, headers=PAGE)
        # The home page is the site's own, which this crawler may not have.
        assert answer.status in {200, 401, 402} or (path, answer.status) == ("/", 403), path
        if "text/html" in answer.headers.get("Content-Type", ""):
            links = re.findall(r"""href=["']([^"']+)["']""", (await answer.read()).decode())
            at = f"{one.front}{path}"
            paths = [urljoin(at, link.replace("&amp;", "&")).removeprefix(one.front) for link in links]
            assert all(path.startswith("/") for path in paths), paths
            left += [path for path in paths if path not in seen and path not in left]
    assert any("/problems/" in path for path in seen)
    assert any("/changes" in path for path in seen)
    assert any("/quote?" in path for path in seen)
