"""Books on a PostgreSQL server are opened for a look, and closed after it; whatever is in the way, nothing is found."""

from __future__ import annotations

import pytest

from gateway.app.checkup.shared_books import found_there
from gateway.finding import Finding
from gateway.problems import StoreUnavailable
from gateway.store.sqlite.database import Database

SEEN = Finding("server", "ok", "seen")


async def looked(config, postgres):
    assert await postgres.read(lambda db: db.execute("SELECT 1").get) == 1
    return (SEEN,)


async def never(config, postgres):
    pytest.fail("there is nothing to look at")


async def test_a_server_is_looked_at_and_left(tmp_path, postgres_cluster):
    environ = {"LICET_STORE_DATABASE": postgres_cluster.make("looked")}
    (tmp_path / "licet.db").touch()
    assert await found_there(tmp_path, environ, looked) == (SEEN,)

    async def lost(config, postgres):
        raise StoreUnavailable("gone meanwhile")

    assert await found_there(tmp_path, environ, lost) == ()
    held = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'looked' AND pid <> pg_backend_pid()"
    while postgres_cluster.ask(held):
        pass


@pytest.mark.parametrize("url", ["", "postgresql://licet@/looked?host=/nowhere", "no address"])
async def test_a_file_and_a_server_that_is_away_are_no_finding(tmp_path, url):
    await (await Database.open(tmp_path / "licet.db")).close()
    assert await found_there(tmp_path, {"LICET_STORE_DATABASE": url} if url else {}, never) == ()
    assert await found_there(tmp_path / "none", {"LICET_STORE_DATABASE": url} if url else {}, never) == ()
