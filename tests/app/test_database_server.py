"""What `licet doctor` says of the PostgreSQL server: its settings, and whom its commits wait for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.app.checkup.database_server import found
from gateway.app.lost import LACKS, database_note, mark_database
from gateway.store.postgres.standing import Standing

GOOD = Standing("15.14", True, True, True, "on", "*", 1, 1, 0)


@pytest.mark.parametrize(
    ("change", "hosts", "states", "fact"),
    [
        ({}, 2, ["ok", "ok"], "1 standby, 1 in step: a commit is answered when it is there, too"),
        ({"syncs": False}, 2, ["bad", "ok"], "fsync off"),
        ({"whole_pages": False}, 2, ["warn", "ok"], "can tear pages"),
        ({"standbys": 0, "in_step": 0}, 2, ["ok", "bad"], "no commit is answered"),
        ({"standbys": 0, "in_step": 0, "waited_for": ""}, 1, ["ok", "ok"], "the only copy"),
        ({"in_step": 0, "waited_for": ""}, 2, ["ok", "warn"], "a failover can lose"),
        ({"in_step": 0, "unseen": 1}, 2, ["ok", "ok"], "not shown to this user"),
    ],
)
def test_a_server_is_judged(change, hosts, states, fact):
    told = list(found(replace(GOOD, **change), hosts))
    assert [each.state for each in told] == states
    assert fact in " ".join(each.fact for each in told)


def test_one_host_in_the_settings_and_a_standby_is_worth_a_step():
    assert "postgresql://a,b/licet" in list(found(GOOD, 1))[1].step
    assert list(found(GOOD, 2))[1].step == ""


def test_what_the_database_lacks_is_said_until_somebody_takes_it_away(tmp_path):
    assert database_note(tmp_path) == ""
    mark_database(tmp_path, 3, 1_795_000_000)
    assert "lacked up to 3 transactions" in database_note(tmp_path)
    (tmp_path / LACKS).write_text("[]")
    assert database_note(tmp_path) == ""
