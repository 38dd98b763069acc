"""A gateway on a primary and its standby: the primary dies, the other goes on; and one that lacks something is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.cli.proofs import own_key, reader
from gateway.provenance.checkpoint import read
from gateway.provenance.log_audit import audit_log

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
PERSON = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(params=[True])
def servers(request, postgres_cluster) -> Iterator[tuple[Any, Any]]:
    """Primary and standby; whether a commit waits for the standby is the parameter."""
    with postgres_cluster.pair(synchronous=request.param) as two:
        yield two


def begin(licet, origin, url: str) -> Path:
    data: Path = licet.write_site(origin.url)
    site = data / "sites" / "journal.toml"
    site.write_text(site.read_text().replace("max_fetches = 3", "max_fetches = 4000"))
    settings = data / "licet.toml"
    told = settings.read_text().replace("[store]\n", f'[store]\ndatabase = "{url}"\n')
    # Crawling asks as fast as it is answered, and the fault is what it should meet.
    settings.write_text(f"{told}\n[pacing]\nlicense_per_second = 0\n")
    return data


class Crawling:
    """A crawler that asks for one page after the other until it has it, and somebody who reads meanwhile."""

    def __init__(self, http: aiohttp.ClientSession, front: str, token: str) -> None:
        self.http, self.front, self.token = http, front, token
        self.records: list[str] = []
        self.people: list[int] = []
        self.broken = 0
        self._stop = asyncio.Event()

    async def page(self, name: str) -> str:
        """The record of a page, or "" where it was refused."""
        headers = {"User-Agent": GPTBOT, "X-Country": "DE", "Authorization": f"License {self.token}"}
        with contextlib.suppress(aiohttp.ClientError):
            async with self.http.get(f"{self.front}/essays/{name}", headers=headers) as answer:
                await answer.read()
                if answer.status == 200:
                    self.records.append(answer.headers["Licet-Record"])
                    return self.records[-1]
                assert answer.status == 503, answer.status
        self.broken += 1
        return ""

    async def crawl(self, name: str) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            while not await self.page(f"{name}-{number}") and not self._stop.is_set():
                await asyncio.sleep(0.05)

    async def read(self) -> None:
        while not self._stop.is_set():
            async with self.http.get(f"{self.front}/essays/tides", headers=PERSON) as answer:
                self.people.append(answer.status)
            await asyncio.sleep(0.05)

    @contextlib.asynccontextmanager
    async def going(self) -> Any:
        async with asyncio.TaskGroup() as group:
            for name in ("a", "b", "c"):
                group.create_task(self.crawl(name))
            group.create_task(self.read())
            try:
                yield
            finally:
                self._stop.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len(self.records) < count:
                await asyncio.sleep(0.02)


async def in_the_books(licet, records: list[str]) -> None:
    """Every one of them is, in a log that continues."""
    checks = (await licet("reconcile", "--json", code=None)).json
    assert checks["good"] is True, [json.dumps(each) for each in checks["comparisons"] if not each["ok"]]
    audited = (await licet("journal", "export", "--json", code=None)).out
    for record in records:
        assert record in audited, record


async def test_a_gateway_goes_on_with_the_standby_and_never_again_with_the_old_primary(
    licet, origin, sell, http, servers
) -> None:
    primary, standby = servers
    primary.make("licet")
    url = f"postgresql://licet@/licet?host={primary.folder},{standby.folder}"
    data = begin(licet, origin, url)
    one = await licet.serve()
    sold = await sell(one)
    crawling = Crawling(http, one.front, sold.token)
    async with crawling.going():
        await crawling.until(60)
        async with asyncio.timeout(60):
            # The log signs for the first time in a round of its own.
            while not (data / "log" / "checkpoint").is_file():
                await asyncio.sleep(0.02)
        key = own_key(data)
        assert key is not None
        seen = read((data / "log" / "checkpoint").read_text(), key)
        await asyncio.to_thread(primary.kill)
        await asyncio.to_thread(standby.promote)
        before = len(crawling.records)
        await crawling.until(before + 60)
        # The old one comes back, and may be written by whoever takes it for what it was.
        await asyncio.to_thread(primary.start)
        await asyncio.to_thread(primary.ask, "ALTER SYSTEM RESET synchronous_standby_names")
        await asyncio.to_thread(primary.ask, "SELECT pg_reload_conf()")
        before = len(crawling.records)
        await crawling.until(before + 60)
    assert set(crawling.people) == {200}
    assert "Traceback" not in one.told
    assert "begins anew" not in one.told
    told = (await licet("doctor")).out
    assert "none follows this server" in told
    await in_the_books(licet, [*sold.records, *crawling.records])
    assert len(set(crawling.records)) == len(crawling.records)
    report = await audit_log(reader(str(data / "log")), key, earlier=[seen])
    assert report.ok, report.faults
    # Stopped and started: the old primary stands first, and is passed by.
    assert await one.stop() == 0
    assert json.loads((data / "database.json").read_text())["timeline"] == 2
    again = await licet.serve()
    assert len((await sell(again)).records) == 2
    assert await again.stop() == 0
    settings = data / "licet.toml"
    settings.write_text(settings.read_text().replace(url, primary.url("licet")))
    refused = (await licet("serve", code=2)).err
    assert "store.database" in refused
    assert "old primary, on timeline 1 where timeline 2 was written since" in refused


@pytest.mark.parametrize("servers", [False], indirect=True)
@pytest.mark.parametrize(
    "forgotten", [False, pytest.param(True, marks=pytest.mark.night)], ids=["alike", "otherwise"]
)
async def test_what_a_standby_lacks_comes_back_out_of_the_journal_or_is_told(
    licet, origin, sell, http, servers, forgotten
) -> None:
    """With somebody *forgotten* another file of the journal has entries, too: in another order it is another history."""
    primary, standby = servers
    primary.make("licet")
    data = begin(licet, origin, f"postgresql://licet@/licet?host={primary.folder},{standby.folder}")
    # One writer, so that its file alone says in which order its entries are folded again.
    one = await licet.serve("--workers", 1)
    sold = await sell(one)
    assert "no commit waits for any" in (await licet("doctor")).out
    now = primary.ask("SELECT pg_current_wal_flush_lsn()::text")
    async with asyncio.timeout(20):
        while not standby.ask(f"SELECT pg_last_wal_replay_lsn() >= '{now}'"):
            await asyncio.sleep(0.02)
        standby.ask("ALTER SYSTEM SET primary_conninfo = ''")
        standby.ask("SELECT pg_reload_conf()")
        while primary.ask("SELECT count(*) FROM pg_stat_replication"):
            await asyncio.sleep(0.02)
    # From here on the standby hears of nothing.
    crawling = Crawling(http, one.front, sold.token)
    for number in range(30):
        assert await crawling.page(f"page-{number}")
    if forgotten:
        await licet("licensee", "add", "Forgotten", "--credit", "5 USD")
    assert await crawling.page("behind-it")
    await asyncio.to_thread(primary.kill)
    await asyncio.to_thread(standby.promote)
    async with asyncio.timeout(60):
        while not await crawling.page("after"):
            await asyncio.sleep(0.05)
        while not (data / "database-lost.json").exists():
            await asyncio.sleep(0.05)
        while not await crawling.page("later"):
            await asyncio.sleep(0.05)
    assert "the database lacks what it had answered" in one.told
    if forgotten:
        checks = (await licet("reconcile", "--json", code=1)).json
        assert [each["name"] for each in checks["comparisons"] if not each["ok"]] == ["public log"]
        assert "the public log is not signed any more" in one.told
    else:
        await in_the_books(licet, [*sold.records, *crawling.records])
    (row,) = (await licet("licensee", "list", "--json")).json
    assert row["name"] == "Example AI Labs"
    assert "it had answered" in (await licet("doctor")).out
    assert await one.stop() == 0
