"""An operator keeps the database small, looks far back, and can prove everything meanwhile."""

from __future__ import annotations

import asyncio
import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.app.stores import open_store
from gateway.cli import app
from gateway.provenance.parquet import read_parquet
from gateway.provenance.record import FetchRecord
from gateway.store.sqlite.database import Database
from tests.store.sqlite.shelf_of_records import KEEP, entries, shelf

MADE = entries()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose journal was written last year, as the clock of its commands has it."""
    monkeypatch.setattr("gateway.store.sqlite.shelving.COUNTED", KEEP)
    monkeypatch.setattr("gateway.clock.SystemClock.now_us", lambda _: MADE[-1].time_us + 430 * 86_400_000_000)

    async def fill() -> None:
        database = await Database.open(tmp_path / "licet.db")
        await shelf(database, tmp_path / "journal", MADE)
        await database.close()

    asyncio.run(fill())
    return tmp_path


def licet(data: Path, *words: str, code: int = 0) -> Any:
    done = CliRunner().invoke(app, [*words, "--data", str(data)])
    assert done.exit_code == code, done.output[:2000]
    return done


def test_rows_leave_are_told_of_and_come_back(data: Path) -> None:
    before = json.loads(licet(data, "journal", "sizes", "--json").stdout)
    assert (before["records"], before["rows"], before["left"]) == (len(MADE), len(MADE), 0)
    assert before["journal"]["packed"]["files"] == 4
    assert json.loads(licet(data, "journal", "shelve", "--months", "24", "--json").stdout)["left"] == 0

    done = licet(data, "journal", "shelve", "--shrink")
    assert "rows left" in done.stderr
    left = json.loads(licet(data, "journal", "sizes", "--json").stdout)
    assert f"left     {left['left']} rows" in done.stdout
    assert left["left"] > len(MADE) // 2
    assert left["records"] == len(MADE)
    assert left["rows"] == len(MADE) - left["left"]
    assert left["database"] < before["database"]
    assert left["unused"] == 0
    text = licet(data, "journal", "sizes").stdout
    assert f"{left['left']:,} in packed files alone, from 2026-11-18" in text

    # What was there is proven and exported as it was.
    assert json.loads(licet(data, "journal", "audit", "--json").stdout)["good"] is True
    one = next(each for each in MADE if isinstance(each, FetchRecord) and each.outcome == "refused")
    sheet = data / "journal.csv"
    licet(data, "journal", "export", "--format", "csv", "--out", str(sheet))
    assert [row["id"] for row in csv.DictReader(sheet.read_text().splitlines())] == [each.id for each in MADE]
    archive = data / "journal.parquet"
    licet(data, "journal", "export", "--format", "parquet", "--out", str(archive))
    assert [each.canonical for each in read_parquet(archive)] == [each.canonical() for each in MADE]
    assert "does not hold it yet" in licet(data, "journal", "prove", one.id, code=1).stderr

    again = licet(data, "journal", "bring-back", "--from", "2026-11-18", "--days", "3")
    assert f"back     {left['left']} rows" in again.stdout
    assert "1 of " in again.stderr
    back = json.loads(licet(data, "journal", "sizes", "--json").stdout)
    assert (back["rows"], back["left"]) == (len(MADE), 0)
    assert json.loads(licet(data, "journal", "audit", "--json").stdout)["good"] is True
    assert json.loads(licet(data, "journal", "shelve", "--json").stdout)["left"] == 0, "wanted for three days"
    nothing = licet(data, "journal", "bring-back", "--to", "2020-01-01")
    assert "nothing of that time" in nothing.stderr


def test_what_cannot_be_is_said(data: Path) -> None:
    (data / "licet.toml").write_text("[retention]\nrows_months = 0\n")
    assert "rows_months is 0" in licet(data, "journal", "shelve", code=2).stderr
    assert "--from is a day" in licet(data, "journal", "bring-back", "--from", "March", code=2).stderr
    licet(data, "journal", "shelve", "--months", "1")
    file = sorted((data / "journal").glob("*.seg"))[0]
    file.write_bytes(file.read_bytes()[:-30])
    wrong = licet(data, "journal", "bring-back", "--json", code=1)
    assert "cannot be read at" in json.loads(wrong.stdout)["wrong"][0]


async def test_it_is_the_same_on_postgresql(
    tmp_path: Path, emptied: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.sqlite.shelving.COUNTED", KEEP)
    monkeypatch.setattr("gateway.clock.SystemClock.now_us", lambda _: MADE[-1].time_us + 430 * 86_400_000_000)
    (tmp_path / "licet.toml").write_text(f'[store]\ndatabase = "{emptied.url}"\n')
    database = await open_store(tmp_path, readers=1)
    await shelf(database, tmp_path / "journal", MADE)
    await database.close()

    def act() -> None:
        assert (
            "PostgreSQL uses what is free by itself"
            in licet(tmp_path, "journal", "shelve", "--shrink", code=2).stderr
        )
        left = json.loads(licet(tmp_path, "journal", "shelve", "--json").stdout)["left"]
        sizes = json.loads(licet(tmp_path, "journal", "sizes", "--json").stdout)
        assert (sizes["rows"], sizes["left"]) == (len(MADE) - left, left)
        assert left > len(MADE) // 2
        assert sizes["database"] > 100_000
        assert json.loads(licet(tmp_path, "journal", "audit", "--json").stdout)["good"] is True
        assert f"back     {left} rows" in licet(tmp_path, "journal", "bring-back").stdout
        assert json.loads(licet(tmp_path, "journal", "audit", "--json").stdout)["good"] is True

    await asyncio.to_thread(act)
