"""A gateway whose books rest on PostgreSQL: the same journey, and a server that stops and starts meanwhile."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
PERSON = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html",
    "Accept-Language": "de",
}

#: Many commands, each a process of its own: on a machine that is busy with other things they take their time.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def own_cluster(postgres_cluster) -> Iterator[Any]:
    """A cluster that may be stopped."""
    with postgres_cluster.another() as cluster:
        yield cluster


def move_to(data, url: str) -> None:
    settings = data / "licet.toml"
    settings.write_text(settings.read_text().replace("[store]\n", f'[store]\ndatabase = "{url}"\n'))


async def licensed(http, one, sold, page: str) -> aiohttp.ClientResponse:
    headers = {"User-Agent": GPTBOT, "X-Country": "DE", "Authorization": f"License {sold.token}"}
    async with http.get(f"{one.front}/essays/{page}", headers=headers) as answer:
        await answer.read()
        return answer


async def until(http, one, sold, status: int, page: str) -> aiohttp.ClientResponse:
    """Ask again and again for what is not there at once, until the answer is *status*."""
    async with asyncio.timeout(60):
        while (answer := await licensed(http, one, sold, page)).status != status:
            await asyncio.sleep(0.05)
        return answer


async def test_people_are_served_while_the_server_is_down_and_what_is_paid_for_waits(
    licet, origin, sell, http, own_cluster
) -> None:
    data = licet.write_site(origin.url)
    move_to(data, own_cluster.make("licet"))
    one = await licet.serve()
    assert not (data / "licet.db").exists()
    sold = await sell(one)
    checks = (await licet("reconcile", "--json")).json
    assert checks["good"] is True, checks
    assert "entries" in (await licet("doctor")).out

    own_cluster.stop(signal.SIGQUIT)
    refused = await until(http, one, sold, 503, "tides")
    assert refused.headers["Retry-After"]
    for _ in range(20):
        async with http.get(f"{one.front}/essays/tides", headers=PERSON) as page:
            assert page.status == 200
            assert "words words" in await page.text()
    assert (await licensed(http, one, sold, "moons")).status == 503

    own_cluster.start()
    await until(http, one, sold, 200, "moons")
    assert await one.stop() == 0
    again = (await licet("reconcile", "--json")).json
    assert again["good"] is True, again
    # Three pages of half a cent: what was refused meanwhile cost nothing, what was read again neither.
    (row,) = (await licet("licensee", "list", "--json")).json
    assert "9.985 USD" in str(row), row


async def test_a_database_that_is_not_there_is_said_at_the_start(licet, origin) -> None:
    data = licet.write_site(origin.url)
    move_to(data, "postgresql:///licet?host=/nowhere")
    for command in (("serve",), ("licensee", "list")):
        told = (await licet(*command, code=2)).err
        assert "store.database" in told
        assert "does not answer" in told
    looked = (await licet("doctor", code=None)).out
    assert "name a host that may be written in store.database" in looked
    assert "restore a backup" not in looked


async def test_the_books_move_over_when_killed_go_on_and_come_back(
    licet, origin, sell, postgres_cluster
) -> None:
    data = licet.write_site(origin.url)
    one = await licet.serve()
    sold = await sell(one)
    url = postgres_cluster.make("moved")
    told = (await licet("store", "move", "sqlite:", url, code=2)).err
    assert "a gateway runs" in told
    await one.stop()
    before = (await licet("licensee", "list", "--json")).json

    process = await licet._spawn(("store", "move", "sqlite:", url))
    async with asyncio.timeout(60):
        assert b"so far" in await process.stderr.readline()
    process.kill()
    await process.wait()
    assert "database" not in (data / "licet.toml").read_text()
    moved = await licet("store", "move", "sqlite:", url)
    assert moved.out.splitlines()[-1].endswith(": the same on both sides")
    assert f'database = "{url}"' in (data / "licet.toml").read_text()
    assert (await licet("licensee", "list", "--json")).json == before

    (data / "licet.db").rename(data / "licet.db.before")
    back = (await licet("store", "move", url, "sqlite:", "--json")).json
    assert {each["table"]: each["rows"] for each in back}["licensees"] == 1
    assert "database" not in (data / "licet.toml").read_text()
    assert (await licet("reconcile", "--json")).json["good"] is True
    assert sold.licensee in str((await licet("licensee", "list", "--json")).json)


async def test_a_backup_is_one_moment_of_the_server_beside_a_gateway_that_sells_on(
    licet, origin, sell, http, postgres_cluster
) -> None:
    data = licet.write_site(origin.url)
    site = data / "sites" / "journal.toml"
    site.write_text(site.read_text().replace("max_fetches = 3", "max_fetches = 4000"))
    move_to(data, postgres_cluster.make("backed"))
    with (data / "licet.toml").open("a") as settings:
        settings.write("\n[pacing]\nlicense_per_second = 0\n")
    one = await licet.serve()
    sold = await sell(one)
    stop, pages = asyncio.Event(), 0

    async def selling() -> None:
        nonlocal pages
        while not stop.is_set():
            pages += 1
            assert (await licensed(http, one, sold, f"page-{pages}")).status == 200

    going = asyncio.create_task(selling())
    taken = (await licet("backup", "licet.tar", "--json")).json
    stop.set()
    await going
    assert pages > 20
    rows = {each["table"]: each["rows"] for each in taken["tables"]}
    assert rows["licensees"] == 1
    assert taken["entries"] >= rows["journal"] >= 4
    assert [path.name for path in licet.folder.iterdir() if path.name.startswith(".")] == []
    # Later than the backup, and only on the server.
    await licet("licensee", "add", "Later")
    assert await one.stop() == 0

    done = await licet("restore", "licet.tar", "--data", "new")
    assert "licet store move sqlite: postgresql://" in done.err
    assert "database =" not in (licet.folder / "new" / "licet.toml").read_text()
    assert "database =" in (data / "licet.toml").read_text()
    checks = (await licet("reconcile", "--data", "new", "--json", code=None)).json
    assert checks["good"] is True, [each for each in checks["comparisons"] if not each["ok"]]
    assert (await licet("journal", "audit", "--data", "new", "--json")).json["good"] is True
    (row,) = (await licet("licensee", "list", "--data", "new", "--json")).json
    assert row["name"] == "Example AI Labs"
    # Over the folder whose server knows more it is a rollback.
    refused = await licet("restore", "licet.tar", code=1)
    assert "1 licensee" in refused.err
    # And it goes back to a server, to an empty one.
    url = postgres_cluster.make("again")
    moved = await licet("store", "move", "sqlite:", url, "--data", "new")
    assert "the same on both sides" in moved.out


async def test_a_backup_of_a_server_that_is_away_leaves_nothing(licet, origin, own_cluster) -> None:
    data = licet.write_site(origin.url)
    move_to(data, own_cluster.make("licet"))
    one = await licet.serve()
    assert await one.stop() == 0
    own_cluster.stop(signal.SIGQUIT)
    told = (await licet("backup", "licet.tar", code=2)).err
    assert "does not answer" in told
    assert [path.name for path in licet.folder.iterdir()] == ["licet-data"]
