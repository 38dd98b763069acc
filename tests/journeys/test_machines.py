"""Two machines on one PostgreSQL: bought at one, fetched at the other; revoked, activated, counted and proven on both."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
HOST = "journal.example"

pytestmark = pytest.mark.timeout(300)


@dataclass
class Pair:
    """Machine A, where everything began, and B, which was given two lines."""

    commands: tuple[Any, Any]
    one: Any
    two: Any
    http: aiohttp.ClientSession
    url: str

    async def get(self, at: Any, path: str, token: str = "") -> tuple[int, bytes, dict[str, str]]:
        headers = {"Host": HOST, "User-Agent": GPTBOT, "X-Country": "DE"}
        if token:
            headers["Authorization"] = f"License {token}"
        async with self.http.get(at.front + path, headers=headers) as answer:
            return answer.status, await answer.read(), dict(answer.headers)

    async def until(self, status: int, at: Any, path: str, token: str = "") -> float:
        """Ask until the answer is *status*; how many seconds that took."""
        began = time.monotonic()
        async with asyncio.timeout(30):
            while (await self.get(at, path, token))[0] != status:
                await asyncio.sleep(0.02)
        return time.monotonic() - began

    async def buy(self, at: Any, client: str, secret: str) -> str:
        async with self.http.post(
            f"{at.front}/.licet/token",
            data={"grant_type": "client_credentials", "resource": f"http://{HOST}/essays/"},
            headers={"Host": HOST, "Authorization": aiohttp.encode_basic_auth(client, secret)},
        ) as answer:
            bought = await answer.json(content_type=None)
            assert answer.status == 200, bought
            return str(bought["access_token"])


POLICY_EXTRA = "max_fetches = 40"


@pytest.fixture
async def pair(licet, origin, http, postgres_cluster, tmp_path):
    """Both run; A began alone, `licet store share` told what B needs."""
    data = licet.write_site(origin.url)
    site = data / "sites" / "journal.toml"
    site.write_text(
        site.read_text()
        .replace('hosts = ["127.0.0.1", "localhost"]', f'hosts = ["{HOST}"]')
        .replace("max_fetches = 3", POLICY_EXTRA)
    )
    settings = data / "licet.toml"
    url = postgres_cluster.make(f"machines{os.getpid()}_{time.monotonic_ns()}")
    settings.write_text(settings.read_text().replace("[store]\n", f'[store]\ndatabase = "{url}"\n'))
    lines = (await licet("store", "share")).out
    assert re.fullmatch(r'\[store\]\ndatabase = "[^"]+"\nshared_key = "licet-shared-[\w-]{43}"\n', lines)
    assert (await licet("store", "share")).out == lines
    one = await licet.serve()
    second = type(licet)(tmp_path / "there")
    there = second.folder / "licet-data"
    there.mkdir(parents=True)
    there.chmod(0o700)
    (there / "licet.toml").write_text(
        lines + 'reserve_mb = 1\n[trust]\nproxies = ["loopback"]\ncountry_header = "X-Country"\n'
    )
    made = Pair((licet, second), one, None, http, url)
    await shared(data)
    made.two = await second.serve()
    yield made
    for running in second.started:
        if running.process.returncode is None:
            running.process.kill()
        await running.ended()


async def shared(data) -> None:
    """Wait until A has given what it has."""
    async with asyncio.timeout(20):
        while b'"policies"' not in ((data / "shared.json").read_bytes() if (data / "shared.json").exists() else b""):
            await asyncio.sleep(0.05)


async def licensee(pair: Pair) -> dict[str, str]:
    found: dict[str, str] = (
        await pair.commands[0]("licensee", "add", "Example AI Labs", "--credit", "10 USD", "--json")
    ).json
    return found


async def test_two_lines_make_a_second_machine_of_one_gateway(pair) -> None:
    here, there = pair.commands
    assert not (there.folder / "licet-data" / "licet.db").exists()
    sold = await licensee(pair)
    token = await pair.buy(pair.one, sold["client_id"], sold["client_secret"])

    # Bought at A, fetched at B; what was paid for at one is paid for at the other.
    status, _, headers = await pair.get(pair.two, "/essays/tides", token)
    assert (status, headers["Licet-Charge"].split()[0]) == (200, "0.005"), headers
    async with asyncio.timeout(10):
        while (await pair.get(pair.one, "/essays/tides", token))[2].get("Licet-Charge", "").startswith("0.005"):
            raise AssertionError("charged twice")
