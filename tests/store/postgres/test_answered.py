"""What was answered is on both servers, or is not answered; and one that lacks it is told from one that has it."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from gateway.problems import StoreUnavailable
from gateway.store.postgres.database import Postgres
from gateway.store.postgres.hosts import Seen
from tests.store.postgres.two_servers import cut_off, listed, put, sources

pytestmark = pytest.mark.timeout(120)


async def test_a_commit_that_only_the_primary_has_is_not_answered(two):
    """Whoever waits for the standby is sent away: PostgreSQL then says that it committed, with a warning."""
    database = await Postgres.open(two.primary.url(), lines=2)
    await database.write(put("before"))
    two.standby.stop()
    waiting = asyncio.create_task(database.write(put("doubtful")))
    sql = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(two.primary.ask, sql):
            await asyncio.sleep(0.02)
        # It stands in the primary's table already, and is still not answered: what makes sure of it waits in its place.
        again = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        while "doubtful" not in listed(two.primary) or not await asyncio.to_thread(two.primary.ask, again):
            await asyncio.sleep(0.02)
    assert not waiting.done()
    two.standby.start()
    await asyncio.wait_for(waiting, 30)
    await database.close()


async def test_a_standby_that_lacks_what_was_answered_is_told_and_nothing_more_is_done(loose, tmp_path):
    database = await Postgres.open(loose.url, lines=2, seen=Seen(tmp_path / "database.json"))
    await database.write(put("kept"))
    await cut_off(loose)
    for name in ("gone1", "gone2"):
        await database.write(put(name))
    loose.primary.kill()
    loose.standby.promote()
    async with asyncio.timeout(30):
        while not database.lost:
            with pytest.raises(StoreUnavailable):
                await database.write(put("never"))
            await asyncio.sleep(0.02)
    assert database.lost == 2
    for work in (database.write(put("never")), database.read(sources)):
        with pytest.raises(StoreUnavailable, match="lacks what it had answered"):
            await work
    again = await Postgres.open(loose.url, lines=1, seen=Seen(tmp_path / "database.json"))
    assert await again.read(sources) == {"kept"}
    await again.close()
    await database.close()


async def test_a_commit_without_an_answer_is_not_mistaken_for_another_one_with_its_number(loose, monkeypatch):
    """The server that takes over gives the number of the lost transaction to somebody else's."""
    database = await Postgres.open(loose.url, lines=2)
    await database.write(put("kept"))
    await cut_off(loose)
    execute = asyncpg.Connection.execute
    taken: list[str] = []

    def fail_over(number: int) -> None:
        loose.primary.kill()
        loose.standby.promote()
        while True:
            given = loose.standby.ask("SELECT pg_current_xact_id()::text::bigint")
            if given >= number:
                taken.append(loose.standby.ask(f"SELECT pg_xact_status('{number}'::xid8)"))
                return

    async def cut(connection, query, *args, **more):
        if query == "COMMIT" and not taken:
            number = await connection.fetchval("SELECT pg_current_xact_id()::text::bigint")
            await asyncio.to_thread(fail_over, number)
        return await execute(connection, query, *args, **more)

    monkeypatch.setattr(asyncpg.Connection, "execute", cut)
    await database.write(put("once"))
    assert taken == ["committed"], "the number belongs to another transaction"
    assert await database.read(sources) == {"kept", "once"}
    assert database.lost == 0
    await database.close()


async def test_a_process_that_ends_leaves_no_row_of_its_own(emptied):
    database = await Postgres.open(emptied.url, lines=2)
    await database.write(put("a"))
    rows = "SELECT count(*) FROM last_acts"
    assert await emptied.read(lambda db: db.execute(rows).get) == 2
    await database.close()
    assert await emptied.read(lambda db: db.execute(rows).get) == 1
