"""Two gateways on one PostgreSQL and one Redis: what one knows the other knows, and what holds when Redis does not."""

from __future__ import annotations

import asyncio
import shutil
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
PERSON = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html",
    "Accept-Language": "de",
}

pytestmark = pytest.mark.timeout(300)


@dataclass
class Pair:
    """Two gateways that stand for one address, that of the first."""

    licet: Any
    one: Any
    other: Any
    redis: Any
    http: aiohttp.ClientSession

    async def get(self, gateway: Any, page: str, **headers: str) -> aiohttp.ClientResponse:
        """Fetch *page* at *gateway*, by the address that both stand for."""
        host = urlsplit(self.one.front).netloc
        asked = {"User-Agent": GPTBOT, "X-Country": "DE", "Host": host, **headers}
        async with self.http.get(f"{gateway.front}/essays/{page}", headers=asked) as answer:
            await answer.read()
            return answer

    async def until(self, gateway: Any, page: str, status: int, **headers: str) -> None:
        """Ask again and again until the answer is *status*."""
        async with asyncio.timeout(60):
            while (await self.get(gateway, page, **headers)).status != status:
                await asyncio.sleep(0.02)


@pytest.fixture
async def pair(licet, origin, http, postgres_cluster, redis_serving, tmp_path) -> AsyncIterator[Any]:
    """`await pair(more settings)`: starts both."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        server = stack.enter_context(redis_serving("redis", "--appendonly", "yes", "--maxmemory", "64mb"))
        numbers = iter(range(100))

        async def start(settings: str = "") -> Pair:
            data = licet.write_site(origin.url)
            rules = data / "sites" / "journal.toml"
            rules.write_text(rules.read_text().replace("max_fetches = 3\n", ""))
            url = postgres_cluster.make(f"pair{time.monotonic_ns()}{next(numbers)}")
            file = data / "licet.toml"
            more = f'[store]\ndatabase = "{url}"\nredis = "{server.url}"\n'
            file.write_text(file.read_text().replace("[store]\n", more) + settings)
            one = await licet.serve()
            twin = type(licet)(tmp_path / "there", licet.started)
            shutil.copytree(data / "keys", twin.folder / "licet-data" / "keys")
            shutil.copytree(data / "sites", twin.folder / "licet-data" / "sites")
            shutil.copytree(data / "log", twin.folder / "licet-data" / "log")
            shutil.copy(file, twin.folder / "licet-data" / "licet.toml")
            (twin.folder / "licet-data").chmod(0o700)
            other = await twin.serve()
            for each in (one, other):
                assert "redis is there" in await each.says("redis is there")
            return Pair(licet, one, other, server, http)

        yield start


async def test_what_one_gateway_is_paid_and_revokes_the_other_knows(pair, sell) -> None:
    two = await pair()
    sold = await sell(two.one, pages=("tides",))
    token = {"Authorization": f"License {sold.token}"}
    assert (await two.get(two.other, "tides", **token)).status == 200
    assert (await two.get(two.other, "reefs", **token)).status == 200
    assert (await two.get(two.one, "reefs", **token)).status == 200
    login = aiohttp.encode_basic_auth(sold.client, sold.secret)
    async with two.http.post(
        f"{two.one.front}/.licet/revoke", data={"token": sold.token}, headers={"Authorization": login}
    ) as answer:
        assert answer.status == 200
    revoked = time.monotonic()
    await two.until(two.other, "tides", 401, **token)
    # Each answer after one second was 401 or 503, or the loop would go on; how soon it was is printed.
    print(f"refused at the other gateway after {time.monotonic() - revoked:.3f} s")
    assert await two.one.stop() == await two.other.stop() == 0
    (row,) = (await two.licet("licensee", "list", "--json")).json
    assert "9.99 USD" in str(row), row


async def test_a_pace_holds_over_both(pair, sell) -> None:
    two = await pair("[pacing]\nlicense_per_second = 0.01\nlicense_burst = 20\n")
    sold = await sell(two.one, pages=("tides",))
    token = {"Authorization": f"License {sold.token}"}
    seen = [
        (await two.get(gateway, "tides", **token)).status
        for _ in range(20)
        for gateway in (two.one, two.other)
    ]
    # One has passed already; at most one more does at each gateway before it has heard of the last.
    assert 19 <= seen.count(200) <= 21, seen
    assert set(seen) == {200, 429}


async def test_a_proof_that_was_used_is_refused_at_the_other_and_people_do_not_need_redis(
    pair, licet, http, proving
) -> None:
    two, holder = await pair(), proving.Holder()
    made = (await licet("licensee", "add", "Example AI Labs", "--credit", "10 USD", "--json")).json
    url = f"{two.one.front}/.licet/token"
    login = {"Authorization": aiohttp.encode_basic_auth(made["client_id"], made["client_secret"])}
    form = {"grant_type": "client_credentials", "resource": f"{two.one.front}/essays/"}
    proof = {"DPoP": holder.proof("POST", url, int(time.time()))}
    async with http.post(url, data=form, headers=login | proof) as answer:
        token = (await answer.json(content_type=None))["access_token"]
    at = f"{two.other.front}/.licet/token"
    async with http.post(
        at, data=form, headers=login | proof | {"Host": urlsplit(two.one.front).netloc}
    ) as answer:
        assert answer.status == 400, "the desk of the other has heard of the proof"

    def proved(page: str) -> dict[str, str]:
        shown = holder.proof("GET", f"{two.one.front}/essays/{page}", int(time.time()), token=token)
        return {"Authorization": f"DPoP {token}", "DPoP": shown}

    shown = proved("tides")
    many = await asyncio.gather(*(two.get(gateway, "tides", **shown) for _ in range(10) for gateway in (two.one, two.other)))  # fmt: skip
    assert sorted(each.status for each in many) == [200] + [401] * 19
    assert (await two.get(two.other, "tides", **proved("tides"))).status == 200

    two.redis.stop(signal.SIGKILL)
    for gateway in (two.one, two.other):
        assert "redis is away" in await gateway.says("redis is away")
        async with http.get(f"{gateway.front}/essays/tides", headers=PERSON) as page:
            assert page.status == 200
    shown = proved("reefs")
    assert (await two.get(two.one, "reefs", **shown)).status == 200
    assert (await two.get(two.one, "reefs", **shown)).status == 401, "this machine knows"
    bare = await two.get(two.one, "reefs", Authorization=f"License {token}")
    assert bare.status == 401
    async with http.post(f"{two.one.front}/.licet/revoke", data={"token": token}, headers=login) as answer:
        assert answer.status == 200
    async with asyncio.timeout(60):
        while (await two.get(two.other, "reefs", **proved("reefs"))).status != 401:
            await asyncio.sleep(0.05)

    marks = [len(gateway.told) for gateway in (two.one, two.other)]
    two.redis.start()
    for gateway, mark in zip((two.one, two.other), marks, strict=True):
        await gateway.says("redis is there", mark)
