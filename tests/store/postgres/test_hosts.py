"""A primary and its standby, real ones: who is written, what came of a commit, and what an old primary is told."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.store.postgres.database import Postgres
from gateway.store.postgres.hosts import History, Seen, each_host
from tests.store.postgres.two_servers import listed, put, sources

pytestmark = pytest.mark.timeout(120)


async def written(database: Postgres, source: str) -> None:
    """Write until it is answered; what was refused may be asked for again."""
    async with asyncio.timeout(40):
        while True:
            try:
                await database.write(put(source))
                return
            except StoreUnavailable:
                if source in await seen_by(database):
                    return
                await asyncio.sleep(0.05)


async def seen_by(database: Postgres) -> set[str]:
    try:
        found: set[str] = await database.read(sources)
    except StoreUnavailable:
        return set()
    return found


_EVENT = (
    "INSERT INTO events (id, type, at, site, licensee, subject, body) VALUES (?, 't', 0, '', '', '', '{}')"
)


def numbered(source: str):
    """As `put`, with a row that is numbered, as invoices are."""
    return lambda db: (put(source)(db), db.execute(_EVENT, (source,)))


async def streaming(database: Postgres, answered: list[str], stop: asyncio.Event, writer: int) -> None:
    number = 0
    while not stop.is_set():
        number += 1
        name = f"{writer}-{number}"
        try:
            await database.write(numbered(name))
        except StoreUnavailable:
            await asyncio.sleep(0.01)
        else:
            answered.append(name)


async def test_a_standby_that_is_promoted_is_gone_on_with_and_has_all_that_was_answered(two, tmp_path):
    """Under load; numbers that are given in the order of commits have no gap."""
    database = await Postgres.open(two.url, lines=3, seen=Seen(tmp_path / "database.json"))
    answered: list[str] = []
    stop = asyncio.Event()
    writers = [asyncio.create_task(streaming(database, answered, stop, number)) for number in range(4)]
    async with asyncio.timeout(30):
        while len(answered) < 40:
            await asyncio.sleep(0.01)
    two.primary.kill()
    two.standby.promote()
    before = len(answered)
    async with asyncio.timeout(30):
        while len(answered) < before + 40:
            await asyncio.sleep(0.01)
    stop.set()
    await asyncio.gather(*writers)
    assert set(answered) <= await database.read(sources)
    given = await database.read(
        lambda db: [nth for (nth,) in db.execute("SELECT nth FROM events ORDER BY nth")]
    )
    assert given == list(range(1, len(given) + 1))
    assert database.lost == 0
    assert json.loads((tmp_path / "database.json").read_text())["timeline"] == 2
    await database.close()


async def test_an_old_primary_that_comes_back_is_not_written(two, tmp_path):
    file = tmp_path / "database.json"
    database = await Postgres.open(two.url, lines=2, seen=Seen(file))
    await database.write(put("before"))
    two.primary.kill()
    two.standby.promote()
    await written(database, "after")
    two.primary.start()
    two.primary.ask("ALTER SYSTEM RESET synchronous_standby_names")
    two.primary.ask("SELECT pg_reload_conf()")
    # It may be written, and stands first in the list: neither who is connected nor who begins takes it.
    assert await database.read(sources) == {"before", "after"}
    await database.write(put("more"))
    for remembered in (Seen(file), None):
        again = await Postgres.open(two.url, lines=1, seen=remembered)
        assert "more" in await again.read(sources)
        await again.close()
    # And alone it is refused by whoever knows of the other.
    with pytest.raises(ConfigurationError, match="old primary, on timeline 1 where timeline 2"):
        await Postgres.open(two.primary.url(), lines=1, seen=Seen(file))
    await database.close()


async def test_whoever_is_still_connected_to_the_old_primary_leaves_it(two):
    """The primary is only cut off from its standby: it lives, and holds the lock of every line."""
    database = await Postgres.open(two.url, lines=2)
    await database.write(put("before"))
    two.standby.ask("ALTER SYSTEM SET primary_conninfo = ''")
    two.standby.ask("SELECT pg_reload_conf()")
    two.standby.promote()
    # No commit is answered there any more; the one that waits is made where it is kept.
    await asyncio.wait_for(written(database, "after"), 30)
    assert "after" in set(await asyncio.to_thread(listed, two.standby))
    assert "after" in await database.read(sources)
    await database.close()


async def test_a_standby_alone_is_refused_with_what_to_do(two):
    with pytest.raises(ConfigurationError, match=r"a standby.*every host: postgresql://a,b/licet"):
        await Postgres.open(two.standby.url(), lines=1)


async def test_hosts_of_two_databases_are_refused(postgres_cluster, two):
    apart = f"postgresql://licet@/postgres?host={postgres_cluster.folder},{two.primary.folder}"
    with pytest.raises(ConfigurationError, match="not of one database"):
        await Postgres.open(apart, lines=1)


async def test_the_first_host_need_not_answer(two):
    url = f"postgresql://licet@/postgres?host=/nowhere,{two.standby.folder},{two.primary.folder}"
    database = await Postgres.open(url, lines=1)
    assert await database.write(put("a")) == "a"
    await database.close()


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("postgresql://u:p%40@[::1]:5432/x", ("postgresql://u:p%40@[::1]:5432/x",)),
        ("postgres://a:1,b:2/x?sslmode=require", ("postgres://a:1/x?sslmode=require", "postgres://b:2/x?sslmode=require")),
        ("postgresql:///x?host=/a,/b&port=5433", ("postgresql:///x?host=/a&port=5433", "postgresql:///x?host=/b&port=5433")),
    ],
)  # fmt: skip
def test_each_host_has_a_url(url, found):
    assert each_host(url) == found


def test_as_many_ports_as_hosts():
    with pytest.raises(ValueError, match="as many ports"):
        each_host("postgresql:///x?host=/a,/b,/c&port=1,2")


@pytest.mark.parametrize(
    ("mine", "other", "before"),
    [
        (History("1", 1), History("1", 2), True),
        (History("1", 2), History("1", 2), False),
        (History("1", 3), History("1", 2), False),
        (History("1", 1), History("2", 2), False),
        (History(), History(), False),
        (History(), History("1", 2), False),
    ],
)
def test_only_an_earlier_timeline_of_the_same_server_was_left_behind(mine, other, before):
    assert mine.before(other) is before


def test_what_was_seen_is_kept_and_a_damaged_file_tells_nothing(tmp_path):
    file = tmp_path / "database.json"
    Seen(file).take(History("1", 2))
    assert Seen(file).last == History("1", 2)
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("{")
    assert Seen(file).last == History()
