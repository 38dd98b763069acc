"""Schema steps: shipped, numbered, applied once."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from gateway.problems import ConfigurationError
from gateway.store.sqlite import versions


def made(path: Path) -> apsw.Connection:
    return apsw.Connection(str(path))


def test_the_steps_are_numbered_from_one():
    assert [number for number, _ in versions.steps()] == list(range(1, len(versions.steps()) + 1))


def test_an_empty_file_gets_every_step_and_a_second_time_none(tmp_path):
    db = made(tmp_path / "a.db")
    assert versions.upgrade(db) == len(versions.steps())
    before = db.execute("SELECT sql FROM sqlite_schema").fetchall()
    assert versions.upgrade(db) == len(versions.steps())
    assert db.execute("SELECT sql FROM sqlite_schema").fetchall() == before
    versions.recognize(db, tmp_path / "a.db")
    db.close()


def test_a_step_that_fails_leaves_the_version_it_began_with(tmp_path, monkeypatch):
    shipped = versions.steps()
    db = made(tmp_path / "a.db")
    versions.upgrade(db)
    broken = (*shipped, (len(shipped) + 1, "CREATE TABLE extra (a); CREATE TABLE extra (a);"))
    monkeypatch.setattr(versions, "steps", lambda: broken)
    with pytest.raises(apsw.SQLError):
        versions.upgrade(db)
    assert db.pragma("user_version") == len(shipped)
    assert db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'").get == 0
    monkeypatch.setattr(versions, "steps", lambda: (*shipped, (len(shipped) + 1, "CREATE TABLE extra (a)")))
    assert versions.upgrade(db) == len(shipped) + 1
    monkeypatch.setattr(versions, "steps", lambda: shipped)
    with pytest.raises(ConfigurationError, match="later version"):
        versions.recognize(db, tmp_path / "a.db")
    db.close()


def test_holds_of_the_first_version_are_dropped_and_everything_else_stays(tmp_path, monkeypatch):
    shipped = versions.steps()
    monkeypatch.setattr(versions, "steps", lambda: shipped[:1])
    db = made(tmp_path / "a.db")
    assert versions.upgrade(db) == 1
    db.execute("INSERT INTO balances (account, currency, micros) VALUES ('licensee:le_1:prepaid', 'USD', 7)")
    db.execute(
        "INSERT INTO holds (record_id, licensee, license, currency, price, held, fetches, expires_at, state, counts)"
        " VALUES ('r1', 'le_1', 'lic_1', 'USD', 5, 5, 1, 99, 'open', 1)"
    )
    monkeypatch.setattr(versions, "steps", lambda: shipped)
    assert versions.upgrade(db) == len(shipped)
    assert db.execute("SELECT micros FROM balances").get == 7
    assert db.execute("SELECT count(*) FROM purses").get == 0
    assert db.execute("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'holds%'").get == 0
    db.close()
