"""Where the books of a data folder rest, by its settings."""

from __future__ import annotations

import sys

import pytest

from gateway.app.stores import folding_of, has_store, open_store, place_of, postgres_of
from gateway.config import read_config
from gateway.folders import Folders
from gateway.problems import ConfigurationError
from gateway.store.postgres.folding import PostgresFolding
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.folding import SqliteFolding


async def test_without_a_word_they_are_a_file_in_the_folder(tmp_path):
    assert not has_store(tmp_path)
    assert not has_store(tmp_path / "nowhere")
    database = await open_store(tmp_path)
    assert isinstance(database, Database)
    assert postgres_of(database) is None
    assert type(folding_of(database)) is SqliteFolding
    await database.close()
    assert has_store(tmp_path)


async def test_they_are_on_postgresql_where_the_settings_say_so(tmp_path, emptied):
    (tmp_path / "licet.toml").write_text(f'[store]\ndatabase = "{emptied.url}"\n')
    assert has_store(tmp_path)
    database = await open_store(tmp_path, readers=1)
    assert postgres_of(database) is database
    assert database.journal == tmp_path / "journal"
    assert isinstance(folding_of(database), PostgresFolding)
    asked = "SELECT current_setting('licet.place')"
    assert await database.read(lambda db: db.execute(asked).get) == place_of(Folders(tmp_path))
    await database.close()
    assert not (tmp_path / "licet.db").exists()


def test_the_environment_says_so_too(tmp_path, monkeypatch):
    monkeypatch.setenv("LICET_STORE_DATABASE", "postgresql:///licet")
    assert has_store(tmp_path)


@pytest.mark.parametrize("url", ["mysql://x", "postgresql://", "licet.db"])
def test_another_engine_is_a_mistake_that_names_the_key(tmp_path, url):
    (tmp_path / "licet.toml").write_text(f'[store]\ndatabase = "{url}"\n')
    with pytest.raises(ConfigurationError, match=r"store\.database"):
        read_config(tmp_path)
    assert not has_store(tmp_path)


async def test_without_the_driver_it_is_said_which_extra_is_missing(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("gateway.store.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    (tmp_path / "licet.toml").write_text('[store]\ndatabase = "postgresql:///licet"\n')
    with pytest.raises(ConfigurationError, match=r"licet\[postgres\]"):
        await open_store(tmp_path)


def test_a_place_is_named_once(tmp_path):
    first = place_of(Folders(tmp_path))
    assert len(first) == 16
    assert place_of(Folders(tmp_path)) == first
    (tmp_path / "other").mkdir()
    assert place_of(Folders(tmp_path / "other")) != first
