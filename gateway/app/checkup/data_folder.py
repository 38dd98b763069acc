"""The data folder: who may read it, how much room it has, its keys and its database."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.finding import Finding
from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.spoken import counted, with_data

#: Files with modes that are too wide which are named; the rest is counted.
_NAMED: Final = 3


async def looked_at(data: Path) -> list[Finding]:
    """What is found of the data folder *data*."""
    found = [*_folder(data)]
    return [*found, await _database(data)] if _there(data) else found


def _there(data: Path) -> bool:
    return data.is_dir()


def _folder(data: Path) -> Iterator[Finding]:
    if not data.is_dir():
        state = "bad" if data.exists() else "warn"
        fact = "is no folder" if data.exists() else "is not there yet"
        yield Finding("data folder", state, f"{data} {fact}", "licet serve --upstream http://localhost:8000")
        return
    mode = stat.S_IMODE(data.stat().st_mode)
    private = not mode & 0o077
    yield Finding(
        "data folder",
        "ok" if private else "bad",
        f"{data}, mode {mode:04o}",
        "" if private else f"chmod 700 {data}",
    )
    if not os.access(data, os.W_OK):
        yield Finding("data folder", "bad", "cannot be written", "give it to the user licet runs as")
    free = shutil.disk_usage(data).free >> 20
    yield Finding(
        "disk",
        "ok" if free > 512 else "warn",
        f"{free} MB free",
        "" if free > 512 else "crawlers are refused when the reserve is reached",
    )
    yield from _restored(data)
    yield from _keys(data / "keys" / "tokens")
    yield from _modes(data)


def _restored(data: Path) -> Iterator[Finding]:
    from gateway.app.lost import restored_note

    note = restored_note(data)
    if note:
        yield Finding(
            "restored",
            "warn",
            note,
            "what happened in between is missing; the folder set aside and crawlers' receipts show it",
        )


def _keys(folder: Path) -> Iterator[Finding]:
    from gateway.clock import SystemClock
    from gateway.keys.key_ring import KeyRing

    if not KeyRing.exists(folder):
        yield Finding("keys", "warn", "none yet; serve makes them")
        return
    try:
        ring = KeyRing.open(folder, SystemClock())
    except ConfigurationError as error:
        for mistake in error.mistakes:
            yield Finding("keys", "bad", str(mistake))
        return
    yield Finding("keys", "ok", f"signing with {ring.current.kid}")


def _modes(data: Path) -> Iterator[Finding]:
    """Whether anybody but their owner may read what must stay secret: keys, the session file, what `licet.toml` names."""
    places = [data / "keys", data / "operator.json"]
    files = [path for place in places for path in (place.rglob("*") if place.is_dir() else (place,))]
    wide = sorted(path for path in files if path.is_file() and path.stat().st_mode & 0o077)
    if wide:
        named = ", ".join(str(path.relative_to(data)) for path in wide[:_NAMED])
        more = f" and {len(wide) - _NAMED} more" if len(wide) > _NAMED else ""
        yield Finding(
            "key modes", "bad", f"others may read {named}{more}", f"chmod -R go= {data / 'keys'} {data}"
        )
    elif any(path.is_file() for path in files):
        yield Finding("key modes", "ok", "keys and sign-in are readable by their owner alone")


#: Rows, and entries whose rows left.
_ENTRIES: Final = "SELECT (SELECT count(*) FROM journal) + (SELECT coalesce(sum(count), 0) FROM shelved)"


async def _database(data: Path) -> Finding:
    from gateway.app.stores import books_on_postgres, has_store, open_store

    if not has_store(data):
        return Finding("database", "warn", "none yet; serve makes it")
    try:
        database = await open_store(data)
        try:
            entries = await database.read(lambda db: int(str(db.execute(_ENTRIES).get)))
        finally:
            await database.close()
    except (ConfigurationError, StoreUnavailable) as error:
        served = "start the server, or name a host that may be written in store.database"
        step = served if books_on_postgres(data) else "restore a backup: licet restore licet.tar"
        return Finding("database", "bad", str(error), step)
    fact = f"{counted(entries, 'entry', 'entries')}; `{with_data('licet journal audit', data)}` checks them"
    return Finding("database", "ok", fact)
