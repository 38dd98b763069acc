"""Steps go forward only, once each, whoever comes first; the version before and the one after may both be running."""

from __future__ import annotations

import asyncio
import re

import asyncpg
import pytest

from gateway.problems import ConfigurationError
from gateway.store.postgres import versions
from gateway.store.postgres.database import Postgres
from gateway.store.sqlite.versions import steps as sqlite_steps

#: The last step of those with which the schema on PostgreSQL began: nobody had one before.
FIRST = "compact"


def test_every_step_of_sqlite_is_one_here():
    found = versions.steps()
    assert [number for number, _, _ in found] == [number for number, _ in sqlite_steps()]
    for _, name, sql in found:
        for word in (
            "STRICT",
            "ROWID",
            "AUTOINCREMENT",
            "PRAGMA",
            "unixepoch",
            "RAISE(",
            "OR IGNORE",
            "BLOB",
        ):
            assert word not in sql, f"{name} needs a file of its own in schema/postgres"


def test_later_steps_take_nothing_away_unless_they_say_so():
    found = versions.steps()
    first = next(number for number, name, _ in found if name == FIRST)
    for number, name, sql in found:
        taken = re.search(r"\b(DROP TABLE|DROP COLUMN|RENAME|ALTER COLUMN)\b", sql)
        if number > first and taken:
            assert re.search(r"^-- needs \d{4}$", sql, re.MULTILINE), f"{name}: {taken[0]}"


async def test_many_that_open_at_once_apply_each_step_once(postgres_cluster):
    url = postgres_cluster.make("at_once")
    opened = await asyncio.gather(*(Postgres.open(url, lines=1) for _ in range(5)))
    count = "SELECT count(*), max(number) FROM schema_steps WHERE number > 0"
    shipped = len(versions.steps())
    assert await opened[0].read(lambda db: db.execute(count).get) == (shipped, shipped)
    await asyncio.gather(*(each.close() for each in opened))


async def test_a_program_one_version_behind_goes_on_unless_a_step_needs_a_newer_one(postgres_cluster):
    url = postgres_cluster.make("behind")
    first = await Postgres.open(url, lines=1)
    connection = await asyncpg.connect(url)
    ahead = len(versions.steps()) + 1
    add = "INSERT INTO licet.schema_steps (number, name, needs) VALUES ($1, $2, $3)"
    # What the next version would do while this one is serving.
    await connection.execute("ALTER TABLE licet.audience ADD COLUMN weather TEXT NOT NULL DEFAULT ''")
    await connection.execute(add, ahead, "weather", 0)
    add_one = "INSERT INTO audience (hour_at, site, path_group, status, referring, count) VALUES (1, '', '', 200, '', 1)"
    await first.write(lambda db: db.execute(add_one))
    again = await Postgres.open(url, lines=1)
    assert await again.read(lambda db: db.execute("SELECT count(*) FROM audience").get) == 1
    await again.close()
    await first.close()
    await connection.execute(add, ahead + 1, "less", ahead + 1)
    with pytest.raises(ConfigurationError, match="later version of licet"):
        await Postgres.open(url, lines=1)
    await connection.close()


async def test_a_database_one_version_behind_is_brought_up_to_date(postgres_cluster, monkeypatch):
    url = postgres_cluster.make("older")
    shipped = versions.steps()
    with monkeypatch.context() as before:
        before.setattr(versions, "steps", lambda: shipped[:-1])
        old = await Postgres.open(url, lines=1)
        await old.write(
            lambda db: db.execute("INSERT INTO fold_positions (source, position) VALUES ('a', 1)")
        )
    last = "SELECT max(number) FROM schema_steps"
    assert await old.read(lambda db: db.execute(last).get) == len(shipped) - 1
    # Beside it, as while the version is rolled out: the old one goes on.
    new = await Postgres.open(url, lines=1)
    assert await new.read(lambda db: db.execute(last).get) == len(shipped)
    await old.write(lambda db: db.execute("UPDATE fold_positions SET position = 2"))
    assert await new.read(lambda db: db.execute("SELECT position FROM fold_positions").get) == 2
    await old.close()
    await new.close()


async def test_a_table_that_changed_under_a_prepared_statement_is_read_anew(postgres_cluster):
    url = postgres_cluster.make("changing")
    database = await Postgres.open(url, lines=1)
    every = "SELECT * FROM audience"
    await database.write(
        lambda db: db.execute(
            "INSERT INTO audience (hour_at, site, path_group, status, referring, count) VALUES (1, 's', '', 200, '', 1)"
        )
    )
    before = await database.read(lambda db: db.execute(every).get)
    connection = await asyncpg.connect(url)
    await connection.execute("ALTER TABLE licet.audience ADD COLUMN weather TEXT NOT NULL DEFAULT 'sun'")
    await connection.close()
    assert await database.read(lambda db: db.execute(every).get) == (*before, "sun")
    await database.close()


async def test_what_is_not_ours_is_left_alone(postgres_cluster):
    url = postgres_cluster.make("theirs")
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE SCHEMA licet; CREATE TABLE licet.other (x INT)")
    with pytest.raises(ConfigurationError, match="another program"):
        await Postgres.open(url)
    assert [
        row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'licet'")
    ] == ["other"]
    await connection.close()
