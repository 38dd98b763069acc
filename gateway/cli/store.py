"""`licet store`: the books from the SQLite file to PostgreSQL, or back, and the machines that share them there."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.say import DATA, AsJson, Data, counted, emit, stop, table, tell, with_data

if TYPE_CHECKING:
    from gateway.store.moving import Moved

app = typer.Typer(no_args_is_help=True, help="Where the books rest.")
_FILE = "sqlite:"
#: Seconds between two words about one table.
_PAUSE = 1.0


@app.command()
def move(
    source: Annotated[
        str, typer.Argument(metavar="FROM", help="`sqlite:` (the data folder's file) or postgresql://…")
    ],
    target: Annotated[str, typer.Argument(metavar="TO", help="The other one, and empty.")],
    data: Data = DATA,
    keep_settings: Annotated[
        bool, typer.Option("--keep-settings", help="Do not write the new place into licet.toml.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Move the books to another engine, and compare both.

    The settings say so in the end.

    The gateway must be stopped. What was copied is there once: a move that was
    interrupted goes on where it was when you say the same again. A target that
    holds anything else is refused, and so is one that reads otherwise than its
    source in the end. The source stays as it was; remove it once you trust the
    copy, and never let a gateway write to both.

    Journal, keys, policies, evidence and the public log stay in the data folder.

    licet store move sqlite: postgresql://licet@db.example/licet
    """
    if [source, target].count(_FILE) != 1 or not any(
        each.startswith(("postgresql://", "postgres://")) for each in (source, target)
    ):
        raise stop("one of the two is `sqlite:`, the other postgresql://USER@HOST/NAME")
    if not data.is_dir():
        raise stop(f"there is no {data}")
    moved = asyncio.run(_move(source, target, data, telling() if not as_json else None))
    if not keep_settings:
        _set(data / "licet.toml", "" if target == _FILE else target)
    if as_json:
        emit([{"table": each.name, "rows": each.rows, "sha256": each.digest} for each in moved])
        return
    for each in moved:
        print(f"{each.name:<20} {each.rows:>10}  {each.digest[:16]}")
    rows = counted(sum(each.rows for each in moved), "row")
    print(f"{counted(len(moved), 'table')} with {rows}: the same on both sides")
    if keep_settings:
        where = "remove `database` from" if target == _FILE else f'`database = "{target}"` belongs into'
        tell(f"{where} [store] in {data / 'licet.toml'}")
    else:
        tell(f"{with_data('licet serve', data)} uses them from now on; the source is as it was")


@app.command()
def share(data: Data = DATA, as_json: AsJson = False) -> None:
    """Say what another machine needs to join this gateway.

    It makes the key under which machines share keys and policies.

    The books must rest in PostgreSQL already. The key is written into licet.toml;
    restart this gateway once. Whoever has it and the database has your private
    keys: keep it as you keep those. Said again, it prints the same two lines.

    \b
    licet store share
    """
    from gateway.config import read_config
    from gateway.keys.sealed import new_key

    config = read_config(data, environ=os.environ)
    if not config.store.database:
        raise stop(
            "the books are in a file; `licet store move sqlite: postgresql://…` moves them to a server"
        )
    key = config.store.shared_key
    if not key:
        key = new_key()
        set_store(data / "licet.toml", "shared_key", key)
    if as_json:
        emit({"database": config.store.database, "shared_key": key})
        return
    print("[store]")
    print(f'database = "{config.store.database}"')
    print(f'shared_key = "{key}"')
    tell("These lines in licet.toml are all that the next machine needs; then `licet serve` there.")
    if not config.store.shared_key:
        tell(f"Restart the gateway on {data} once, so that it shares what it has.")


@app.command()
def machines(data: Data = DATA, as_json: AsJson = False) -> None:
    """List the machines that share the database.

    When each was last heard from, by the server's clock, and a digest of the
    settings that have to be the same on all of them. `licet doctor` says what
    is wrong with that.

    \b
    licet store machines
    """
    from gateway.app.machines import seen

    rows = asyncio.run(seen(data))
    if as_json:
        emit(rows)
        return
    table(
        ("machine", "place", "version", "heard from", "settings"),
        [
            (row["machine"], row["place"], row["version"], f"{row['silent_seconds']} s ago", row["settings"])
            for row in rows
        ],
    )


async def _move(
    source: str, target: str, data: Path, say: Callable[[str, int], None] | None
) -> tuple[Moved, ...]:
    from gateway.app import FolderLock, running
    from gateway.app.stores import place_of
    from gateway.folders import Folders
    from gateway.provenance.keeper import KeeperLock
    from gateway.store.moving import NotMoved
    from gateway.store.moving import move as move_rows
    from gateway.store.postgres.database import Postgres
    from gateway.store.sqlite.database import Database

    if running(data) is not None:
        raise stop(f"a gateway runs on {data}; stop it first")
    lock, keeper = FolderLock(data), KeeperLock.try_take(data)
    if keeper is None:
        lock.release()
        raise stop("another command keeps this journal; wait for it")
    place = place_of(Folders(data))
    file, partial = data / "licet.db", data / "licet.db.moving"
    to_file = target == _FILE
    if to_file and file.exists():
        raise stop(f"{file} is there already; move it away first")
    if not to_file and not file.is_file():
        raise stop(f"{file} is not there: nothing to move")
    url = source if to_file else target
    postgres = await Postgres.open(url, lines=2, place=place, half=not to_file)
    sqlite = await Database.open(partial if to_file else file)
    try:
        if to_file:
            moved = await move_rows(postgres, sqlite, place, say=say)
        else:
            moved = await move_rows(sqlite, postgres, place, say=say)
    except NotMoved as error:
        raise stop(str(error), 1) from None
    finally:
        await sqlite.close()
        await postgres.close()
        keeper.release()
        lock.release()
    if to_file:
        partial.rename(file)
    return moved


def telling() -> Callable[[str, int], None]:
    """Say how far it is: when a table is begun, and each second of it."""
    last = ("", 0.0)

    def say(table: str, count: int) -> None:
        nonlocal last
        if table != last[0] or time.monotonic() - last[1] > _PAUSE:
            last = (table, time.monotonic())
            tell(f"{table}: {counted(count, 'row')} so far")

    return say


def _set(settings: Path, url: str) -> None:
    """Write `[store] database` into *settings*, whole or not at all, and leave everything else as it stands."""
    set_store(settings, "database", url)


def set_store(settings: Path, key: str, value: str) -> None:
    """Write a key of `[store]`, or remove it where *value* is ""."""
    import tomlkit

    text = settings.read_text("utf-8") if settings.exists() else ""
    document = tomlkit.parse(text)
    if value:
        document.setdefault("store", tomlkit.table())[key] = value
    elif "store" in document:
        document["store"].pop(key, None)
    fresh = settings.with_name(f".{settings.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(tomlkit.dumps(document))
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(settings)
