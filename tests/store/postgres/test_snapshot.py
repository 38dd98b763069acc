"""A snapshot is one moment, whoever writes meanwhile; what goes wrong with its line is a sentence."""

from __future__ import annotations

import pytest

from gateway.problems import StoreUnavailable
from gateway.store.postgres.database import Postgres
from gateway.store.postgres.snapshot import snapshot


def put(source: str):
    return lambda db: db.execute("INSERT INTO fold_positions (source, position) VALUES (?, 1)", (source,))


def sources(db):
    return {source for (source,) in db.execute("SELECT source FROM fold_positions")}


async def test_it_is_of_one_moment_and_nothing_can_be_written_to_it(emptied):
    await emptied.write(put("before"))
    other = await Postgres.open(emptied.url, lines=2)
    async with snapshot(emptied) as moment:
        assert await moment.read(sources) == {"before"}
        await other.write(put("meanwhile"))
        assert await moment.read(sources) == {"before"}
        with pytest.raises(TypeError, match="only read"):
            await moment.write(put("never"))
        with pytest.raises(StoreUnavailable, match="cannot be written"):
            await moment.read(put("never"))
    async with snapshot(emptied) as moment:
        assert await moment.read(sources) == {"before", "meanwhile"}
    await other.close()


async def test_a_server_lets_it_think_for_as_long_as_it_likes_and_one_that_is_cut_says_so(emptied):
    async with snapshot(emptied) as moment:
        limit = "SELECT setting FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'"
        assert await moment.read(lambda db: db.execute(limit).get) == "0"
        process = await moment.read(lambda db: db.execute("SELECT pg_backend_pid()").get)
        await emptied.read(lambda db: db.execute("SELECT pg_terminate_backend(?)", (process,)).get)
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await moment.read(sources)
