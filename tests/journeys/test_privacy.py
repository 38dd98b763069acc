"""Who leaves which trace: people none, crawlers an erasable one, and secrets of licensees none anywhere."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import apsw
import pytest

from gateway.cli.auditing import full_audit
from gateway.provenance.erasure import forget_details
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.details import SqliteDetails

GPTBOT = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@dataclass(frozen=True)
class Traces:
    """What one visitor brings along, each a text that stands nowhere else."""

    name: str
    address: str

    @property
    def headers(self) -> dict[str, str]:
        return {
            "X-Forwarded-For": self.address,
            "Referer": f"https://{self.name}-referer.example/from",
            "Cookie": f"session={self.name}-cookie",
            "Accept-Language": f"{self.name}-language",
        }

    @property
    def agent(self) -> str:
        return f"{self.name}-agent/1.0"

    @property
    def query(self) -> str:
        return f"?q={self.name}-query"

    @property
    def erasable(self) -> tuple[bytes, ...]:
        """What a crawler's detail may hold."""
        return tuple(
            text.encode() for text in (self.agent, f"{self.name}-referer", f"{self.name}-query", self.address)
        )

    @property
    def never(self) -> tuple[bytes, ...]:
        """What is kept of nobody."""
        return tuple(f"{self.name}-{what}".encode() for what in ("cookie", "language", "body"))

    @property
    def all(self) -> tuple[bytes, ...]:
        packed = socket.inet_pton(socket.AF_INET6, self.address)
        return (*self.erasable, *self.never, packed, self.name.encode())


PERSON = Traces("cassandra", "2001:db8:ca55::a:d4a")
CRAWLER = Traces("corvus", "2001:db8:c0c5::b07")


async def spelled(one: Any, line: str, headers: dict[str, str]) -> bytes:
    """The status line of the answer to a request exactly as it is spelled, which HTTP clients would tidy."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(one.front).port)
    fields = {"Host": urlsplit(one.front).netloc, **headers, "Connection": "close"}
    lines = [line, *(f"{name}: {value}" for name, value in fields.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    try:
        async with asyncio.timeout(20):
            return await reader.readline()
    finally:
        writer.transport.abort()


async def people_come(one: Any) -> None:
    """A person does everything a person does, and some of it goes wrong."""
    firefox = f"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 {PERSON.agent}"

    async def go(path: str, **more: Any) -> int:
        headers = {**PERSON.headers, **more.pop("headers", {})}
        answer = await one.get(path + PERSON.query, firefox, headers=headers, **more)
        return answer.status

    assert await go("/essays/tides") == 200
    assert await go("/essays/cassandra-page", method="HEAD") == 200
    assert await go("/essays/form", method="POST", data=b"text=cassandra-body") == 200
    assert await go("/essays/tides", headers={"Authorization": "Basic Y2Fzc2FuZHJhLWJvZHk="}) == 200
    assert await go("/essays/tides", headers={"Accept": "text/html"}) == 200
    assert await go("/robots.txt") == 200
    assert await go("/license.xml") == 200
    assert await go("/.licet/") in {200, 404}
    for line, status in (
        (f"/essays//x/../y{PERSON.query} HTTP/1.1", b"200"),
        (f"/{PERSON.agent} HTTP", b"400"),
    ):
        assert status in await spelled(one, f"GET {line}", {**PERSON.headers, "User-Agent": firefox})
    with pytest.raises(aiohttp.ClientError):
        await go("/essays/cut")
    upstream = one.licet.shelf.policies[0].site.origin
    file = one.folder / "sites" / "journal.toml"
    good = file.read_text()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        file.write_text(good.replace(upstream, f"http://127.0.0.1:{taken.getsockname()[1]}"))
        assert one.licet.reload() == ()
        assert await go("/essays/tides") == 502
    file.write_text(good)
    assert one.licet.reload() == ()


async def crawlers_come(one: Any, token: str) -> set[str]:
    """Crawlers are served, refused, licensed and cut off; returns what became of them."""

    async def go(path: str, agent: str, address: str = CRAWLER.address, **more: Any) -> int:
        headers = {**CRAWLER.headers, "X-Forwarded-For": address}
        path = path + CRAWLER.query
        return (await one.get(path, f"{agent} {CRAWLER.agent}", headers=headers, **more)).status

    assert await go("/essays/tides", GPTBOT) == 402
    assert await go("/essays/tides", GPTBOT, token=token) == 200
    assert await go("/essays/tides", GPTBOT, token=token) == 200
    assert await go("/podcast/1.mp3", GPTBOT, token=token) == 403
    assert await go("/essays/tides", GPTBOT, token=token[:-8] + "AAAAAAAA") == 401
    assert await go("/essays/tides", GOOGLEBOT) == 403
    assert await go("/essays/tides", GOOGLEBOT, "66.249.66.1") == 200
    assert await go("/robots.txt", GPTBOT) == 200
    assert await go("/essays/tides", GPTBOT, method="POST", data=b"corvus-body") == 402
    with pytest.raises(aiohttp.ClientError):
        await go("/essays/cut", GPTBOT, token=token)
    return {record["outcome"] for record in await one.records()}


def octets_of(folder: Path) -> dict[str, bytes]:
    """Every file of the data folder but the private keys, by its path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".pem"
    }


def holding(folder: Path, wanted: tuple[bytes, ...], suffix: str = "") -> dict[str, list[bytes]]:
    """Which files hold which of *wanted*."""
    found = {
        name: [each for each in wanted if each in octets]
        for name, octets in octets_of(folder).items()
        if name.endswith(suffix)
    }
    return {name: each for name, each in found.items() if each}


def dumped(folder: Path, table: str) -> bytes:
    """Every value of every row of *table*."""
    db = apsw.Connection(str(folder / "licet.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        rows = db.execute(f"SELECT * FROM {table}").fetchall()
    finally:
        db.close()
    assert rows
    values = (value for row in rows for value in row)
    return b"\0".join(value if isinstance(value, bytes) else str(value).encode() for value in values)


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Any:
    """Everything written to the terminal or logged, at any level, so far."""
    caplog.set_level(logging.DEBUG)
    so_far: list[str] = []

    def read() -> bytes:
        so_far.extend(capfd.readouterr())
        return "".join([*so_far, caplog.text]).encode()

    return read


async def test_people_leave_nothing_and_crawlers_only_what_can_be_erased(world, said) -> None:
    one = await world()
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    await people_come(one)
    outcomes = await crawlers_come(one, token)
    assert outcomes == {"free", "refused", "licensed", "failed"}
    await one.licet.keeper.catch_up()

    assert holding(one.folder, PERSON.all) == {}, "while it runs"
    assert holding(one.folder, CRAWLER.all, ".seg") == {}
    assert holding(one.folder, CRAWLER.never) == {}
    await one.licet.stop(1)
    assert holding(one.folder, PERSON.all) == {}, "after it stopped"
    assert not [each for each in (*PERSON.all, *CRAWLER.all) if each in said()]
    counted = dumped(one.folder, "audience")
    assert b"/essays/" in counted

    entries, details = dumped(one.folder, "entries"), dumped(one.folder, "details")
    assert not [each for each in CRAWLER.all if each in entries]
    assert [each for each in CRAWLER.erasable if each in details] == list(CRAWLER.erasable)
    assert set(holding(one.folder, CRAWLER.erasable)) <= {"licet.db", "licet.db-wal"}

    before = await full_audit(one.folder)
    assert before.good, before.lines()
    database = await Database.open(one.folder / "licet.db")
    try:
        gone = await forget_details(
            one.folder / "journal", SqliteDetails(database), time.time_ns() // 1000 + 1
        )
        assert gone.details == 10
        assert holding(one.folder, CRAWLER.all) == {}, "erased means gone from the disk"
    finally:
        await database.close()
    assert holding(one.folder, CRAWLER.all) == {}
    after = await full_audit(one.folder)
    assert after.good, after.lines()
    assert after.books == before.books
    assert (after.journal.entries, after.journal.rows) == (before.journal.entries, before.journal.rows)


async def test_what_is_old_is_forgotten_while_the_gateway_runs(world) -> None:
    one = await world()
    headers = {**CRAWLER.headers}
    refused = await one.get(f"/essays/tides{CRAWLER.query}", f"{GPTBOT} {CRAWLER.agent}", headers=headers)
    assert refused.status == 402
    (record,) = await one.records()
    await one.folded(record["id"])
    stored = SqliteDetails(one.licet.database)
    async with asyncio.timeout(10):
        while await stored.detail(record["id"]) is None:
            await asyncio.sleep(0.01)
    await one.licet._forget()
    assert await stored.detail(record["id"]) is not None, "thirty days have not passed"
    await stored.forget_before(record["time_us"])
    assert await stored.detail(record["id"]) is not None
    await stored.forget_before(record["time_us"] + 1)
    assert await stored.detail(record["id"]) is None
    assert holding(one.folder, CRAWLER.all, "licet.db") == {}


async def test_secrets_and_tokens_are_in_no_file_and_no_log(world, said) -> None:
    one = await world()
    _, client, secret = await one.licensee()
    token = (await one.token(client, secret))["access_token"]
    async with one.http.post(
        f"{one.front}/.licet/register", json={"client_name": "Somebody", "contacts": ["a@labs.example"]}
    ) as answer:
        registered = json.loads(await answer.read())
        assert answer.status == 201, registered
    refused = await one.token(registered["client_id"], registered["client_secret"])
    assert refused["status"] == 403
    wrong = secret[:-4] + "AAAA"
    assert (await one.token(client, wrong))["status"] == 401
    assert (await one.get("/essays/tides", GPTBOT, token=token)).status == 200
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await one.get("/essays/reefs", GPTBOT, headers=bearer)).status == 200
    with pytest.raises(aiohttp.ClientError):
        await one.get("/essays/cut", GPTBOT, token=token)
    for bad in (token[:-8] + "AAAAAAAA", token + ".x", token.replace(".", "!")):
        assert (await one.get("/essays/tides", GPTBOT, token=bad)).status == 401
    async with one.http.post(
        f"{one.front}/.licet/revoke",
        data={"token": token},
        headers={"Authorization": aiohttp.encode_basic_auth(client, secret)},
    ) as answer:
        assert answer.status == 200
    async with asyncio.timeout(10):
        while (await one.get("/essays/tides", GPTBOT, token=token)).status != 401:
            await asyncio.sleep(0.02)

    (sign_in,) = parse_qs(urlsplit(one.sign_in).query)["token"]
    secrets = [secret, registered["client_secret"], token, *token.split(".")[1:], sign_in]
    secrets += [
        base64.b64encode(f"{client}:{secret}".encode()).decode(),
        base64.b64encode(f"{registered['client_id']}:{registered['client_secret']}".encode()).decode(),
    ]
    wanted = tuple(each.encode() for each in secrets)
    assert all(len(each) >= 16 for each in wanted)
    assert holding(one.folder, wanted) == {}, "while it runs"
    await one.licet.stop(1)
    assert holding(one.folder, wanted) == {}, "after it stopped"
    assert not [each for each in wanted if each in said()]
    assert not [each for each in secrets if each in str(one.origin.seen)], "nor did the origin see any"
    found = await full_audit(one.folder)
    assert found.good, found.lines()
