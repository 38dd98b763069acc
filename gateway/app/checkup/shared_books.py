"""Books that rest on a PostgreSQL server, opened for a look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.config import Config, read_config
from gateway.finding import Finding
from gateway.problems import ConfigurationError, StoreUnavailable

if TYPE_CHECKING:
    from gateway.store.postgres.database import Postgres

Look = Callable[[Config, "Postgres"], Awaitable[tuple[Finding, ...]]]


async def found_there(data: Path, environ: Mapping[str, str], look: Look) -> tuple[Finding, ...]:
    """What *look* finds in them; nothing where they are in a file, or cannot be reached: `data_folder` says why."""
    from gateway.app.stores import has_store, open_store, postgres_of

    try:
        config = read_config(data, environ=environ)
        if not config.store.database or not has_store(data):
            return ()
        database = await open_store(config, readers=1)
    except (ConfigurationError, StoreUnavailable):
        return ()
    try:
        postgres = postgres_of(database)
        return () if postgres is None else await look(config, postgres)
    except StoreUnavailable:
        return ()
    finally:
        await database.close()
