"""What an operator does on the dashboard is what crawlers meet: one gateway, both doors, real sockets."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.journeys.conftest import World

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
PASSWORD = "tides come in twice a day"


class Operator:
    """Somebody signed in to the dashboard of a gateway."""

    def __init__(self, one: World, http: aiohttp.ClientSession) -> None:
        self.one, self.http = one, http

    async def page(self, path: str) -> str:
        async with self.http.get(self.one.dashboard + path) as answer:
            assert answer.status == 200, path
            return await answer.text()

    async def post(self, path: str, on: str, **fields: str) -> str:
        return await self.sent(path, on, fields)

    async def sent(self, path: str, on: str, fields: dict[str, str]) -> str:
        form = re.search(r'name="form" value="([0-9a-f]{64})"', await self.page(on))
        assert form, on
        sent = {"form": form[1], **fields}
        async with self.http.post(
            self.one.dashboard + path, data=sent, headers={"Sec-Fetch-Site": "same-origin"}
        ) as answer:
            return await answer.text()


@pytest.fixture
async def operator(world) -> AsyncIterator[Operator]:
    one = await world()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        async with http.get(one.sign_in) as answer:
            page = await answer.text()
        names = dict(re.findall(r'name="(form|token)" value="([^"]+)"', page))
        async with http.post(
            f"{one.dashboard}/sign-in",
            data={**names, "password": PASSWORD, "again": PASSWORD},
            headers={"Sec-Fetch-Site": "same-origin"},
        ) as answer:
            assert answer.status == 200
        yield Operator(one, http)


async def until(status: int, ask) -> None:
    """Ask until the gateway answers *status*: it takes changes up within a second."""
    async with asyncio.timeout(20):
        while (await ask()).status != status:
            await asyncio.sleep(0.05)


async def test_a_rule_that_is_put_in_force_is_met_by_the_next_crawler_and_can_be_put_back(operator):
    one = operator.one
    # The page's name for the text is in its form; what is typed is the file with one rule more, first.
    page = await operator.page("/policies/journal")
    text = html.unescape(re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.S)[1])
    base = re.search(r'name="base" value="([0-9a-f]+)"', page)[1]
    rule = '[[rules]]\nwhen = { crawler = "GPTBot" }\nthen = "refuse"\n'
    changed = text.replace("[[rules]]", rule + "[[rules]]", 1) if "[[rules]]" in text else text + "\n" + rule
    assert (await one.get("/essays/tides", GPTBOT)).status in {401, 402}

    seen = await operator.post("/policies/journal/check", "/policies/journal", text=changed, base=base)
    assert "Put it in force" in seen
    assert (await one.get("/essays/tides", GPTBOT)).status in {401, 402}
    done = await operator.post("/policies/journal/activate", "/policies/journal", text=changed, base=base)
    assert "Put in force" in done
    await until(403, lambda: one.get("/essays/tides", GPTBOT))
    assert (await one.get("/essays/tides")).status == 200

    version = await operator.page(f"/policies/journal/versions/{base}")
    now = re.search(r'name="base" value="([0-9a-f]+)"', version)[1]
    seen = await operator.post("/policies/journal/check", "/policies/journal", version=base, base=now)
    assert "Put it in force" in seen
    await operator.post("/policies/journal/activate", "/policies/journal", text=text, base=now)
    await until(402, lambda: one.get("/essays/tides", GPTBOT))


async def test_a_license_that_is_suspended_on_the_page_opens_nothing_until_it_is_resumed(operator):
    one = operator.one
    licensee, client, secret = await one.licensee()
    bought = await one.token(client, secret)
    assert bought["status"] == 200
    ask = lambda: one.get("/essays/tides", GPTBOT, token=bought["access_token"])  # noqa: E731
    assert (await ask()).status == 200
    path = re.search(r'href="(/licenses/[^"]+)"', await operator.page(f"/licensees/{licensee}"))[1]

    await operator.post(f"{path}/suspend", path, said="Please call us.")
    await until(403, ask)
    assert "Please call us." in html.unescape(await operator.page(path))
    await operator.post(f"{path}/resume", path)
    await until(200, ask)
    await operator.post(f"{path}/revoke", path, sure="yes")
    await until(401, ask)
    assert "Example AI Labs" in await operator.page("/licensees")


async def test_what_a_crawler_did_stands_on_its_page(operator):
    one = operator.one
    await one.get("/essays/tides?part=1", GPTBOT)
    record = (await one.records())[-1]["id"]
    await one.folded(record)
    page = await operator.page("/crawlers/GPTBot")
    assert "/log?last=7d&amp;crawler=GPTBot&amp;path=%2Fessays%2Ftides" in page
    assert "/essays/tides" in await operator.page("/content")
    one_fetch = await operator.page(f"/records/{record}")
    assert "--user-agent &#39;Mozilla/5.0 (compatible; GPTBot/1.3" in one_fetch
