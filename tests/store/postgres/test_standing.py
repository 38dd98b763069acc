"""What a server says of itself, and of the standby that its commits wait for."""

from __future__ import annotations

from dataclasses import replace

from gateway.store.postgres.database import Postgres
from gateway.store.postgres.standing import Standing, standing_of


async def test_a_server_alone_and_one_with_a_standby_in_step(emptied, two):
    alone = await standing_of(emptied)
    assert alone.version[0].isdigit()
    assert replace(alone, version="", checksums=False) == Standing("", True, True, False, "on", "", 0, 0, 0)
    database = await Postgres.open(two.primary.url(), lines=1)
    found = await standing_of(database)
    assert (found.waited_for, found.standbys, found.in_step, found.unseen) == ("*", 1, 1, 0)
    await database.close()


async def test_who_may_not_monitor_sees_that_a_standby_is_there(two):
    two.primary.ask("CREATE ROLE plain LOGIN")
    two.primary.ask("CREATE DATABASE plain OWNER plain")
    database = await Postgres.open(two.primary.url("plain").replace("licet@", "plain@"), lines=1)
    found = await standing_of(database)
    assert (found.waited_for, found.standbys, found.in_step, found.unseen) == ("*", 1, 0, 1)
    # And what keeps an old primary out is shown to everybody.
    connection = await database.apart(database.connect())
    assert database._hosts.history_of(connection).timeline == 1
    await database.close()
