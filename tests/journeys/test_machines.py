"""Two machines on one PostgreSQL: bought at one, fetched at the other; revoked, activated, counted and proven on both."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sqlite3
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg
import jwt
import pytest

from gateway.cli.proofs import own_key, reader
from gateway.keys.sealed import new_key
from gateway.licenses.revocations import OLDEST
from gateway.provenance.checkpoint import read
from gateway.provenance.log_audit import audit_log

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

    async def answered(self, at: Any, path: str, token: str) -> tuple[int, bytes, dict[str, str]]:
        """Fetch, and again after each 503: a busy machine says it where it cannot know in time what was revoked."""
        async with asyncio.timeout(60):
            while (found := await self.get(at, path, token))[0] == 503:
                assert int(found[2]["Retry-After"]) > 0
                await asyncio.sleep(0.05)
        return found

    async def until(self, status: int, at: Any, path: str, token: str = "") -> list[tuple[float, int]]:
        """Ask until the answer is *status*; after how many seconds each request was sent, and its status."""
        began, seen = time.monotonic(), [(0.0, 0)]
        async with asyncio.timeout(60):
            while seen[-1][1] != status:
                sent = time.monotonic() - began
                seen.append((sent, (await self.get(at, path, token))[0]))
                await asyncio.sleep(0.02)
        return seen[1:]

    async def buy(self, at: Any, client: str, secret: str) -> str:
        async with asyncio.timeout(60):
            while True:
                async with self.http.post(
                    f"{at.front}/.licet/token",
                    data={"grant_type": "client_credentials", "resource": f"http://{HOST}/essays/"},
                    headers={"Host": HOST, "Authorization": aiohttp.encode_basic_auth(client, secret)},
                ) as answer:
                    bought = await answer.json(content_type=None)
                    if answer.status != 503:
                        assert answer.status == 200, bought
                        return str(bought["access_token"])
                await asyncio.sleep(0.05)


@pytest.fixture
async def pair(licet, origin, http, postgres_cluster, tmp_path):
    """Both run; A began alone, `licet store share` told what B needs."""
    data = licet.write_site(origin.url)
    site = data / "sites" / "journal.toml"
    site.write_text(
        site.read_text()
        .replace('hosts = ["127.0.0.1", "localhost"]', f'hosts = ["{HOST}"]')
        .replace("max_fetches = 3", "max_fetches = 40")
    )
    settings = data / "licet.toml"
    url = postgres_cluster.make(f"machines{os.getpid()}_{time.monotonic_ns()}")
    settings.write_text(settings.read_text().replace("[store]\n", f'[store]\ndatabase = "{url}"\n'))
    lines = (await licet("store", "share")).out
    assert re.fullmatch(r'\[store\]\ndatabase = "[^"]+"\nshared_key = "licet-shared-[\w-]{43}"\n', lines)
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
    told = data / "shared.json"
    async with asyncio.timeout(20):
        while not (told.exists() and b'"policies"' in told.read_bytes()):
            await asyncio.sleep(0.05)


async def licensee(pair: Pair) -> dict[str, str]:
    found: dict[str, str] = (
        await pair.commands[0]("licensee", "add", "Example AI Labs", "--credit", "10 USD", "--json")
    ).json
    return found


def license_of(token: str) -> str:
    """The license that a token is of."""
    (detail,) = jwt.decode(token, options={"verify_signature": False})["authorization_details"]
    return str(detail["license"])


async def receipt(pair: Pair, at: Any, sold: dict[str, str], record: str) -> dict[str, Any]:
    """The entry that *at* proves, once it is in its log."""
    headers = {
        "Host": HOST,
        "Authorization": aiohttp.encode_basic_auth(sold["client_id"], sold["client_secret"]),
    }
    async with asyncio.timeout(20):
        while True:
            async with pair.http.get(f"{at.front}/.licet/receipts/{record}", headers=headers) as answer:
                if answer.status == 200:
                    return dict((await answer.json(content_type=None))["receipts"][0])
            await asyncio.sleep(0.05)


async def counted(pair: Pair, sql: str) -> int:
    """What a query of the database counts."""
    connection = await asyncpg.connect(pair.url)
    try:
        return int(await connection.fetchval(sql))
    finally:
        await connection.close()


async def test_two_lines_make_a_second_machine_of_one_gateway(pair, licet, tmp_path) -> None:
    """One journey: starting two machines takes most of its time."""
    here, there = pair.commands
    assert not (there.folder / "licet-data" / "licet.db").exists()
    sold, other = await licensee(pair), await licensee(pair)
    token = await pair.buy(pair.one, sold["client_id"], sold["client_secret"])
    barrier = await pair.buy(pair.two, other["client_id"], other["client_secret"])

    # Bought at A, fetched at B.
    status, _, headers = await pair.answered(pair.two, "/essays/tides", token)
    assert status == 200, headers
    first = await receipt(pair, pair.one, sold, headers["Licet-Record"])
    assert first["record"]["charged_micros"] == 5000

    # Revoked at A, refused at B within a second.
    assert (await pair.answered(pair.two, "/essays/moons", barrier))[0] == 200
    await here("licenses", "revoke", license_of(barrier), "--yes")
    seen = await pair.until(401, pair.two, "/essays/moons", barrier)
    assert {status for sent, status in seen if sent > OLDEST} <= {401, 503}, seen
    await pair.until(401, pair.one, "/essays/moons", barrier)

    # A has heard of what came before the revocation: what was paid for at B is not paid for again at A.
    status, _, headers = await pair.answered(pair.one, "/essays/tides", token)
    again = (await receipt(pair, pair.two, sold, headers["Licet-Record"]))["record"]
    assert (status, again["charged_micros"], again["charge_reason"]) == (200, 0, "read-before")

    # Put in force at A, rules B, and was put in force once.
    site = here.folder / "licet-data" / "sites" / "journal.toml"
    site.write_text(site.read_text().replace('per_fetch = "0.02"', 'per_fetch = "0.03"'))
    async with asyncio.timeout(20):
        while b"0.03" not in (await pair.get(pair.two, "/podcast/one"))[1]:
            await asyncio.sleep(0.05)
    assert await counted(pair, "SELECT count(*) FROM licet.entries WHERE kind = 'consent'") == 2

    # Put in force at B, rules A.
    site = there.folder / "licet-data" / "sites" / "journal.toml"
    site.write_text(site.read_text().replace('per_fetch = "0.03"', 'per_fetch = "0.04"'))
    async with asyncio.timeout(20):
        while b"0.04" not in (await pair.get(pair.one, "/podcast/one"))[1]:
            await asyncio.sleep(0.05)

    # A budget of 40 fetches, of which one is used, over both at once.
    served: Counter[int] = Counter()
    for turn in range(5):
        answers = await asyncio.gather(
            *(
                pair.answered(at, f"/essays/page-{turn}-{number}-{name}", token)
                for number in range(6)
                for name, at in (("a", pair.one), ("b", pair.two))
            )
        )
        served.update(status for status, _, _ in answers)
    assert served[200] <= 39
    assert served[200] + served[402] == 60, served

    # Keys that are replaced at B are A's too.
    mine, theirs = (
        each.folder / "licet-data" / "keys" / "tokens" / "manifest.json" for each in (here, there)
    )
    before = mine.read_bytes()
    await there("keys", "rotate")
    fresh = await pair.buy(pair.two, other["client_id"], other["client_secret"])
    assert (await pair.answered(pair.one, "/essays/moons", fresh))[0] == 200
    async with asyncio.timeout(20):
        while mine.read_bytes() != theirs.read_bytes():
            await asyncio.sleep(0.05)
    assert mine.read_bytes() != before

    shown = (await here("store", "machines", "--json")).json
    assert len(shown) == 2
    assert len({each["settings"] for each in shown}) == 1
    assert "2 machines" in (await there("doctor")).out
    again = await the_keeper_is_killed(pair, other, fresh)
    assert "Traceback" not in again.told + pair.two.told
    for command, running in ((here, again), (there, pair.two)):
        checks = (await command("reconcile", "--json", code=None)).json
        assert checks["good"] is True, [each for each in checks["comparisons"] if not each["ok"]]
        assert await running.stop() == 0
    await one_that_does_not_belong(pair, type(licet)(tmp_path / "third"))


async def the_keeper_is_killed(pair: Pair, sold: dict[str, str], token: str) -> Any:
    """The other goes on in one history, and gives way to nobody; A as it came back."""
    here, there = pair.commands
    data, other = here.folder / "licet-data", there.folder / "licet-data"
    records = []
    for number in range(4):
        at = (pair.one, pair.two)[number % 2]
        status, _, headers = await pair.answered(at, f"/essays/{number}", token)
        assert status == 200
        records.append(headers["Licet-Record"])
    for at in (pair.one, pair.two):
        # Tiles and receipts are at both, under one head.
        proven = await receipt(pair, at, sold, records[-1])
        assert proven["record"]["id"] == records[-1]
    key = own_key(data)
    assert key is not None
    assert own_key(other) == key
    async with asyncio.timeout(20):
        while (data / "log" / "checkpoint").read_bytes() != (other / "log" / "checkpoint").read_bytes():
            await asyncio.sleep(0.05)
    seen = [read((folder / "log" / "checkpoint").read_text(), key) for folder in (data, other)]

    pair.one.signal(signal.SIGKILL)
    status, _, headers = await pair.answered(pair.two, "/essays/after", token)
    assert status == 200
    await receipt(pair, pair.two, sold, headers["Licet-Record"])
    for record in records:
        await receipt(pair, pair.two, sold, record)
    report = await audit_log(reader(str(other / "log")), key, earlier=seen)
    assert report.ok, report.faults
    # And A comes back, behind, as a follower of the same history.
    await pair.one.process.wait()
    again = await here.serve()
    status, _, headers = await pair.answered(again, "/essays/back", token)
    assert status == 200
    await receipt(pair, pair.two, sold, headers["Licet-Record"])
    await receipt(pair, again, sold, headers["Licet-Record"])
    latest = read((other / "log" / "checkpoint").read_text(), key)
    report = await audit_log(reader(str(data / "log")), key, earlier=[*seen, latest])
    assert report.ok, report.faults
    return again


async def one_that_does_not_belong(pair: Pair, third: Any) -> None:
    """A machine with another secret does not begin, nor one with other keys; neither loses what it has."""
    data = third.folder / "licet-data"
    data.mkdir(parents=True)
    data.chmod(0o700)
    settings = f'[store]\ndatabase = "{pair.url}"\nshared_key = "{new_key()}"\n'
    (data / "licet.toml").write_text(settings)
    told = (await third("serve", code=2)).err
    assert "does not open what the machines share" in told
    assert not (data / "keys").exists()
    (data / "licet.toml").write_text((pair.commands[1].folder / "licet-data" / "licet.toml").read_text())
    (data / "keys" / "tokens").mkdir(parents=True)
    (data / "keys" / "tokens" / "manifest.json").write_text("{}")
    told = (await third("serve", code=2)).err
    assert "has other keys than the machines that share the database" in told
    assert (data / "keys" / "tokens" / "manifest.json").read_text() == "{}"


async def test_one_flag_has_the_proxy_in_front_believed(licet, origin, http) -> None:
    data = licet.write_site(origin.url)
    settings = data / "licet.toml"
    settings.write_text(settings.read_text().replace('proxies = ["loopback"]\n', ""))
    headers = {"User-Agent": GPTBOT, "X-Forwarded-For": "203.0.113.9", "X-Country": "DE"}
    for flags, address in (((), "127.0.0.1"), (("--behind-proxy", "127.0.0.1"), "203.0.113.9")):
        one = await licet.serve(*flags)
        async with http.get(f"{one.front}/essays/tides", headers=headers) as answer:
            assert answer.status == 402
        assert await one.stop() == 0
        with contextlib.closing(sqlite3.connect(data / "licet.db")) as books:
            seen = [row[0] for row in books.execute("SELECT address FROM details ORDER BY time_us")]
        assert seen[-1] == address
    told = (await licet("serve", "--behind-proxy", "nowhere", code=2)).err
    assert "proxies" in told
