"""Acts of several processes are as good as one after the other; what can go wrong with a server."""

from __future__ import annotations

import asyncio
import signal

import asyncpg
import pytest

from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.store.postgres.database import Postgres
from gateway.store.postgres.faults import GONE

COUNT = "SELECT position FROM fold_positions WHERE source = 'n'"


def put(source: str, position: int = 1):
    def act(db):
        db.execute("INSERT INTO fold_positions (source, position) VALUES (?, ?)", (source, position))
        return source

    return act


def sources(db):
    return {source for (source,) in db.execute("SELECT source FROM fold_positions")}


def add_one(db):
    """Read, think, write: what goes wrong where two may read before either writes."""
    found = db.execute(COUNT).get
    db.execute("UPDATE fold_positions SET position = ? WHERE source = 'n'", (found + 1,))
    return found


async def test_of_many_processes_that_count_none_counts_twice(emptied):
    await emptied.write(put("n", 0))
    others = [await Postgres.open(emptied.url, lines=1) for _ in range(3)]
    answers = await asyncio.gather(*(each.write(add_one) for each in (emptied, *others) for _ in range(50)))
    assert sorted(answers) == list(range(200))
    assert await emptied.read(lambda db: db.execute(COUNT).get) == 200
    for each in others:
        await each.close()


async def test_what_two_acts_read_of_each_other_is_serial(emptied):
    """Write skew: each looks at what the other changes, and may change its own only where both are on."""
    await emptied.write(lambda db: [put("a")(db), put("b")(db)])
    other = await Postgres.open(emptied.url, lines=1)

    def leave(mine: str):
        def act(db):
            on = db.execute("SELECT count(*) FROM fold_positions WHERE position = 1").get
            if on > 1:
                db.execute("UPDATE fold_positions SET position = 0 WHERE source = ?", (mine,))

        return act

    for _ in range(20):
        await emptied.write(lambda db: db.execute("UPDATE fold_positions SET position = 1"))
        await asyncio.gather(emptied.write(leave("a")), other.write(leave("b")))
        assert await emptied.read(lambda db: db.execute("SELECT sum(position) FROM fold_positions").get) == 1
    await other.close()


async def test_one_that_fails_does_not_fail_its_neighbors(emptied):
    def bad(db):
        put("half")(db)
        raise KeyError("mine")

    def wrong(db):
        put("half")(db)
        db.execute("SELECT nonsense")

    found = await asyncio.gather(
        emptied.write(put("a")), emptied.write(bad), emptied.write(wrong), emptied.write(put("b")),
        return_exceptions=True,
    )  # fmt: skip
    assert [type(each) for each in found] == [str, KeyError, StoreUnavailable, str]
    assert await emptied.read(sources) == {"a", "b"}


async def test_events_are_numbered_in_the_order_of_their_commits(emptied):
    """Whoever read up to a number has missed nothing before it, though many write."""
    others = [await Postgres.open(emptied.url, lines=1) for _ in range(3)]
    insert = "INSERT INTO events (id, type, at, site, licensee, subject, body) VALUES (?, 't', 0, '', '', '', '{}')"
    seen: list[int] = []
    done = asyncio.Event()

    async def follow():
        while not done.is_set() or len(seen) < 120:
            last = seen[-1] if seen else 0
            rows = await emptied.read(
                lambda db: [
                    nth for (nth,) in db.execute("SELECT nth FROM events WHERE nth > ? ORDER BY nth", (last,))
                ]
            )
            seen.extend(rows)

    following = asyncio.ensure_future(follow())
    await asyncio.gather(
        *(each.write(lambda db, n=n, m=m: db.execute(insert, (f"{n}-{m}",)))
          for n, each in enumerate(others) for m in range(40))
    )  # fmt: skip
    done.set()
    await asyncio.wait_for(following, 30)
    assert seen == sorted(set(seen))
    assert len(seen) == 120
    for each in others:
        await each.close()


async def test_a_line_that_is_cut_in_the_middle_of_an_act_is_replaced(emptied):
    tries = []

    def act(db):
        tries.append(db.execute("SELECT pg_backend_pid()").get)
        put("a")(db)
        if len(tries) == 1:
            db.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return "done"

    assert await emptied.write(act) == "done"
    assert len(set(tries)) == 2
    assert await emptied.read(sources) == {"a"}


@pytest.mark.parametrize("kept", [True, False])
async def test_what_became_of_a_commit_without_an_answer_is_asked(emptied, monkeypatch, kept):
    """The line breaks at the commit: before the server did it, or after."""
    execute = asyncpg.Connection.execute
    broken = []

    async def cut(connection, query, *args, **kept_args):
        if query == "COMMIT" and not broken:
            broken.append(1)
            if kept:
                await execute(connection, query)
            raise asyncpg.ConnectionDoesNotExistError("cut")
        return await execute(connection, query, *args, **kept_args)

    monkeypatch.setattr(asyncpg.Connection, "execute", cut)
    await emptied.write(put("once"))
    assert broken
    assert await emptied.read(sources) == {"once"}


async def test_a_number_tells_that_others_committed(emptied):
    before = emptied.version()
    other = await Postgres.open(emptied.url, lines=1)
    await other.write(put("a"))
    async with asyncio.timeout(10):
        while emptied.version() == before:
            await asyncio.sleep(0.01)
    await other.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        other.version()


async def test_it_closes_after_what_was_asked_of_it(postgres_cluster, emptied):
    database = await Postgres.open(emptied.url, lines=2)
    asked = [asyncio.ensure_future(database.write(put(f"s{n}"))) for n in range(50)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*asked)
    assert len(await emptied.read(sources)) == 50
    await database.close()
    for work in (database.write(put("late")), database.read(sources)):
        with pytest.raises(StoreUnavailable, match="closed"):
            await work
    assert not database._thread.is_alive()


async def test_whoever_stops_waiting_leaves_the_act(emptied):
    waiting = asyncio.ensure_future(emptied.write(put("left")))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await emptied.write(put("next"))
    assert await emptied.read(sources) == {"left", "next"}


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql:///x?host=/nowhere", "does not answer"),
        ("postgresql://127.0.0.1:9/x", "does not answer"),
        ("{cluster}/nobody", "no such database"),
    ],
)
async def test_what_cannot_be_reached_is_a_mistake_of_the_settings(postgres_cluster, url, why):
    if url.startswith("{"):
        url = postgres_cluster.url("nobody")
    with pytest.raises(ConfigurationError, match=why):
        await Postgres.open(url)


async def test_a_server_that_stops_and_starts(postgres_cluster):
    """A cluster of its own: others must not lose theirs."""
    with postgres_cluster.another() as cluster:
        database = await Postgres.open(cluster.make("one"), lines=3)
        await database.write(put("before"))
        before = database.version()
        cluster.stop(signal.SIGQUIT)
        for work in (database.write(put("during")), database.read(sources)):
            with pytest.raises(StoreUnavailable, match="does not answer"):
                await work
        cluster.start()
        await database.write(put("after"))
        assert await database.read(sources) == {"before", "after"}
        async with asyncio.timeout(20):
            while True:
                try:
                    assert database.version() > before
                    break
                except StoreUnavailable:
                    await asyncio.sleep(0.05)
        await database.close()


async def test_a_server_that_does_not_sync_is_refused(postgres_cluster):
    with (
        postgres_cluster.another("-c", "fsync=off") as cluster,
        pytest.raises(ConfigurationError, match="fsync"),
    ):
        await Postgres.open(cluster.url())


async def test_a_machine_that_is_cut_off_in_the_middle_keeps_nobody_waiting_for_long(emptied):
    """It holds what every act needs, and is not heard from: the server lets go of it within seconds."""
    gone = await emptied.apart(emptied.connect())
    await emptied.apart(gone.execute("BEGIN; LOCK TABLE turns IN EXCLUSIVE MODE"))
    async with asyncio.timeout(15):
        assert await emptied.write(put("after")) == "after"
    with pytest.raises(GONE):
        await emptied.apart(gone.execute("SELECT 1"))
