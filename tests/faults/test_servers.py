"""A PostgreSQL that is read-only, full, out of connections, asleep, impatient or behind a pooler: said, and then gone on with."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.store.postgres.database import Postgres
from gateway.store.postgres.hosts import _SESSION
from loadtests.faults.table import told

#: What one act of many writes.
ROWS = 300

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def cluster(postgres_cluster) -> Iterator[Any]:
    """A server of its own, with few connections."""
    with postgres_cluster.another("-c", "max_connections=14") as one:
        yield one


def put(source: str, rows: int = 1):
    """Write *rows*, with long names where they are many."""

    def act(db: Any) -> str:
        names = [(source if rows == 1 else f"{source}-{number}-".ljust(400, "x"),) for number in range(rows)]
        db.executemany("INSERT INTO fold_positions (source, position) VALUES (?, 1)", names)
        return source

    return act


def count(db: Any) -> int:
    found: int = db.execute("SELECT count(*) FROM fold_positions").get
    return found


async def until_written(database: Postgres, source: str) -> None:
    """Write until it is answered: whatever was wrong is over."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(StoreUnavailable):
                await database.write(put(source))
                return
            await asyncio.sleep(0.05)


async def refused(database: Postgres, why: str, begin: int = 0) -> int:
    """Write *ROWS* and again until it is refused because of *why*; how many times were answered."""
    async with asyncio.timeout(60):
        for number in range(begin, 100_000):
            try:
                await database.write(put(f"n{number}", ROWS))
            except StoreUnavailable as error:
                assert str(error) == why
                return number - begin
    raise AssertionError("it was never refused")


async def test_a_server_that_becomes_read_only_refuses_in_a_sentence_and_is_gone_on_with(cluster):
    database = await Postgres.open(cluster.url(), lines=2)
    cluster.ask("ALTER SYSTEM SET default_transaction_read_only = on")
    cluster.ask("SELECT pg_reload_conf()")
    written = await refused(database, "the database cannot be written")
    assert await database.read(count) == written * ROWS
    with pytest.raises(ConfigurationError, match="default_transaction_read_only = on"):
        await Postgres.open(cluster.url(), lines=1)
    connection = await asyncpg.connect(cluster.url())
    await connection.execute("SET default_transaction_read_only = off")
    await connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()
    await until_written(database, "after")
    assert await database.read(count) == written * ROWS + 1
    await database.close()
    told("PostgreSQL read-only", 1)


@pytest.fixture
def small(cluster) -> Iterator[Path]:
    """A file system of 24 MiB that the server may write."""
    place = cluster.folder / "small"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {made.stderr.decode().strip()}")
    inside = place / "table"
    inside.mkdir(mode=0o700)
    owner = (cluster.folder / "data").stat()
    os.chown(inside, owner.st_uid, owner.st_gid)
    yield inside
    subprocess.run(["umount", "-l", str(place)], check=True)


async def test_a_server_whose_disk_is_full_keeps_what_it_answered_and_goes_on_with_more_room(cluster, small):
    cluster.ask(f"CREATE TABLESPACE small LOCATION '{small}'")
    cluster.ask("CREATE DATABASE small TABLESPACE small")
    database = await Postgres.open(cluster.url("small"), lines=2)
    written = await refused(database, "the disk that holds the database is full")
    assert written > 0
    assert await database.read(count) == written * ROWS
    again = await refused(database, "the disk that holds the database is full", written)
    subprocess.run(["mount", "-o", "remount,size=60m", str(small.parent)], check=True)
    await until_written(database, "after")
    assert await database.read(count) == (written + again) * ROWS + 1
    await database.close()
    cluster.ask("DROP DATABASE small")
    cluster.ask("DROP TABLESPACE small")
    told("PostgreSQL full", 2)


async def test_a_server_without_a_connection_left_says_so_and_is_gone_on_with(cluster):
    database = await Postgres.open(cluster.url(), lines=2)
    await database.write(put("before"))
    before = database.version()
    hogs = []
    with contextlib.suppress(asyncpg.TooManyConnectionsError):
        while True:
            hogs.append(await asyncpg.connect(cluster.url()))
    with pytest.raises(ConfigurationError, match="no connection left"):
        await Postgres.open(cluster.url(), lines=1)
    # Those that it has go on; where it loses them, it waits like everybody.
    await database.write(put("meanwhile"))
    ours = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'licet'"
    await hogs[0].fetchval(ours)
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(asyncpg.TooManyConnectionsError):
                hogs.append(await asyncpg.connect(cluster.url()))
                continue
            try:
                await database.write(put("never"))
            except StoreUnavailable as error:
                assert str(error) == "the database has no connection left"
                break
            await database.write(lambda db: db.execute("DELETE FROM fold_positions WHERE source = 'never'"))
            await hogs[0].fetchval(ours)
    for hog in hogs:
        hog.terminate()
    await until_written(database, "after")
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(StoreUnavailable):
                assert database.version() > before
                break
            await asyncio.sleep(0.05)
    assert await database.read(count) == 3
    await database.close()
    told("PostgreSQL without a connection left", 1)


async def test_a_server_that_is_impatient_ends_one_act_and_not_its_neighbors(cluster):
    cluster.ask("ALTER ROLE licet SET statement_timeout = '400ms'")
    database = await Postgres.open(cluster.url(), lines=2)
    found = await asyncio.gather(
        database.write(put("a")),
        database.write(lambda db: (put("slow")(db), db.execute("SELECT pg_sleep(5)"))),
        database.write(put("b")),
        return_exceptions=True,
    )
    assert [str(each) for each in found] == ["a", "the database took too long", "b"]
    assert await database.read(count) == 2
    await database.close()
    told("PostgreSQL's statement_timeout", 1)


async def test_a_session_that_is_ended_in_the_middle_of_a_transaction_left_nothing_and_runs_again(cluster):
    """An act that thinks for longer than a session may idle in its transaction."""
    database = await Postgres.open(cluster.url(), lines=2)
    tries: list[int] = []

    def slow(db: Any) -> str:
        put("once")(db)
        tries.append(db.execute("SELECT pg_backend_pid()").get)
        if len(tries) == 1:
            time.sleep(5)  # as long as the server allows, and one second more
            db.execute("SELECT 1")
        return "done"

    assert await database.write(slow) == "done"
    assert len(set(tries)) == 2
    assert await database.read(count) == 1
    await database.close()
    told("PostgreSQL's idle_in_transaction_session_timeout", 1)


async def test_a_server_that_sleeps_is_told_from_one_that_answers_and_gone_on_with(cluster):
    database = await Postgres.open(cluster.url(), lines=2)
    await database.write(put("before"))
    database.version()
    children = subprocess.run(["pgrep", "-P", str(cluster.pid)], capture_output=True, text=True, check=True)
    pids = [cluster.pid, *map(int, children.stdout.split())]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    waiting = asyncio.create_task(database.write(put("meanwhile")))
    try:
        async with asyncio.timeout(20):
            while True:
                try:
                    database.version()
                except StoreUnavailable as error:
                    assert str(error) == "the database does not answer"
                    break
                await asyncio.sleep(0.05)
        assert not waiting.done()
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    await asyncio.wait_for(waiting, 30)
    assert await database.read(count) == 2
    await database.close()
    told("PostgreSQL asleep", 1)


_POOLER = """
[databases]
postgres = host={folder} dbname=postgres user=licet
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
{more}
"""


@pytest.fixture
def pooler(cluster, tmp_path) -> Iterator[Any]:
    """`pooler(mode, more)`: the URL of a PgBouncer in front of the server."""
    if shutil.which("pgbouncer") is None:
        pytest.skip("there is no pgbouncer (Debian: apt install pgbouncer)")
    started: list[subprocess.Popen[bytes]] = []

    def start(mode: str, more: str) -> str:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        file = cluster.folder / f"pooler{port}.ini"
        file.write_text(_POOLER.format(folder=cluster.folder, port=port, mode=mode, more=more))
        owner = pwd.getpwuid((cluster.folder / "data").stat().st_uid).pw_name
        user = ["-u", owner] if os.geteuid() == 0 else []
        started.append(
            subprocess.Popen(
                ["pgbouncer", "-q", *user, str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        )
        return f"postgresql://licet@127.0.0.1:{port}/postgres"

    yield start
    for each in started:
        each.kill()
        each.wait()


@pytest.mark.parametrize("mode", ["transaction", "session"])
@pytest.mark.parametrize(
    "more",
    ["", f"ignore_startup_parameters = {', '.join((*_SESSION, 'licet.place'))}"],
    ids=["as it comes", "told to ignore settings"],
)
async def test_a_pooler_in_between_is_found_at_the_start(pooler, mode, more):
    url = pooler(mode, more)
    async with asyncio.timeout(20):
        while True:
            with pytest.raises(ConfigurationError) as refusal:
                await Postgres.open(url, lines=1)
            if "does not answer" not in str(refusal.value):
                break
            await asyncio.sleep(0.05)
    assert "connection pooler" in str(refusal.value)
    assert "name the server itself" in str(refusal.value)
    told("a pooler before PostgreSQL", 1)
