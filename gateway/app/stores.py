"""Which engine the books of a data folder rest on: its SQLite file, or the PostgreSQL that ``[store] database`` names.

The ports ask either for `write`, `read` and `version` alone, so that they do not
know which it is. The files of the folder (journal, keys, policies, evidence, the
public log's tiles) lie in it with both.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from gateway.config import Config, read_config
from gateway.folders import Folders
from gateway.problems import ConfigurationError, Mistake
from gateway.provenance.public_log import Leader
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.leaves import FreshLeaves

if TYPE_CHECKING:
    from gateway.store.postgres.database import Postgres

#: The file that tells one data folder on a shared database from another.
PLACE: Final = "place"
#: What a data folder remembers of the servers that it wrote to (`store.postgres.hosts`).
SEEN: Final = "database.json"
_MISSING: Final = "needs the extra: pip install 'licet[postgres]'"


async def open_store(config: Config | Path, *, readers: int = 3) -> Database:
    """Open the books of a data folder, by its settings; *readers* is how many may read at once.

    Raises `ConfigurationError`.
    """
    config = config if isinstance(config, Config) else read_config(config, environ=os.environ)
    if not config.store.database:
        return await Database.open(config.database, readers=readers)
    try:
        from gateway.store.postgres.database import Postgres
        from gateway.store.postgres.hosts import Seen
    except ModuleNotFoundError as error:
        if error.name not in {"asyncpg", "greenlet"}:
            raise
        raise ConfigurationError([Mistake("licet.toml", "store.database", _MISSING)]) from None
    opened = await Postgres.open(
        config.store.database, lines=readers + 1, place=place_of(config), seen=Seen(config.folder / SEEN)
    )
    opened.journal = config.journal
    # What ports call of a database is there on both (tests/store/postgres/test_transaction.py).
    return cast("Database", opened)


def has_store(folder: Path) -> bool:
    """Whether *folder* is a data folder that has books, wherever they are."""
    return (folder / "licet.db").is_file() or books_on_postgres(folder)


def books_on_postgres(folder: Path) -> bool:
    """Whether the settings of *folder* name a PostgreSQL database."""
    try:
        return folder.is_dir() and bool(read_config(folder, environ=os.environ).store.database)
    except ConfigurationError:
        return False


def postgres_of(database: object) -> Postgres | None:
    """*database* where it is PostgreSQL."""
    if isinstance(database, Database):
        return None
    return cast("Postgres", database)


def folding_of(database: Database, fresh: FreshLeaves | None = None) -> SqliteFolding:
    """Where the keeper of this folder folds into."""
    if postgres_of(database) is None:
        return SqliteFolding(database, fresh)
    from gateway.store.postgres.folding import PostgresFolding

    return PostgresFolding(database, fresh)


def leader_of(database: Database) -> Leader | None:
    """Who may sign heads of the public log, where other gateways may share *database*; None where none can."""
    postgres = postgres_of(database)
    if postgres is None:
        return None
    from gateway.store.postgres.leading import Leadership

    return Leadership(postgres)


def place_of(folders: Folders) -> str:
    """What a data folder is called on a database that it shares: made once, never changed."""
    path = folders.folder / PLACE
    try:
        return path.read_text("utf-8").strip()
    except FileNotFoundError:
        pass
    name = secrets.token_hex(8)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return path.read_text("utf-8").strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{name}\n")
        file.flush()
        os.fsync(file.fileno())
    return name
