"""The PostgreSQL server that the books rest on: what it keeps where it crashes, and what its standbys would have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from gateway.app.checkup.shared_books import found_there
from gateway.config import Config
from gateway.finding import Finding
from gateway.spoken import counted

if TYPE_CHECKING:
    from gateway.store.postgres.database import Postgres
    from gateway.store.postgres.standing import Standing

log = structlog.get_logger("licet.database")

_WHAT: Final = "database server"
_BOTH: Final = (
    "name every host in store.database, postgresql://a,b/licet, or an address that moves with the primary"
)
_LOSES: Final = (
    "a failover can lose what was answered a moment before (fetches come back out of the journal, the rest does"
    " not), and two sides of a cut can both sell"
)


async def looked_at(data: Path, environ: Mapping[str, str]) -> tuple[Finding, ...]:
    """What is found; nothing where `shared_books` finds none."""
    from gateway.app.lost import database_note

    async def look(config: Config, postgres: Postgres) -> tuple[Finding, ...]:
        seen, note = await server_of(postgres, config.store.database), database_note(data)
        again = "see what is missing among licenses, credit and revocations, and make it again"
        return (*seen, Finding(_WHAT, "warn", note, again)) if note else seen

    return await found_there(data, environ, look)


async def server_of(database: object, url: str) -> tuple[Finding, ...]:
    """What is found of the server behind *database*, which *url* names; nothing of a file. Raises `StoreUnavailable`."""
    from gateway.app.stores import postgres_of

    postgres = postgres_of(database)
    if postgres is None:
        return ()
    from gateway.store.postgres.hosts import each_host
    from gateway.store.postgres.standing import standing_of

    return tuple(found(await standing_of(postgres), len(each_host(url))))


async def tell_server(database: object, url: str) -> None:
    """Say in the log at start how well the server keeps what it is told. Raises `StoreUnavailable`."""
    for each in await server_of(database, url):
        (log.info if each.state == "ok" else log.warning)(
            each.fact, **({"do": each.step} if each.step else {})
        )


def found(server: Standing, hosts: int) -> Iterator[Finding]:
    """What *server* says, where the settings name so many *hosts*. Pure."""
    told = (
        f"PostgreSQL {server.version}: fsync {_on(server.syncs)}, full_page_writes {_on(server.whole_pages)},"
        f" synchronous_commit {server.commit}, page checksums {_on(server.checksums)}"
    )
    if not server.syncs:
        yield Finding(_WHAT, "bad", told, "fsync = on: a crash loses what was answered")
    elif not server.whole_pages:
        step = "full_page_writes = on, unless the file system never tears a page (ZFS)"
        yield Finding(_WHAT, "warn", f"{told}; a loss of power can tear pages of the books", step)
    else:
        yield Finding(_WHAT, "ok", told)
    yield _standbys(server, hosts)


def _standbys(server: Standing, hosts: int) -> Finding:
    what, count = "standby", counted(server.standbys, "standby", "standbys")
    if server.waited_for and not server.in_step and not server.unseen:
        fact = f"synchronous_standby_names = '{server.waited_for}', and no such standby is connected: no commit is answered"
        return Finding(what, "bad", fact, "start the standby, or take the setting back until there is one")
    if not server.standbys:
        return Finding(
            what, "ok", "none follows this server; its disk is the only copy of the books but backups"
        )
    if not server.waited_for:
        step = "synchronous_standby_names = 'ANY 1 (*)' on the server"
        return Finding(what, "warn", f"{count}, and no commit waits for any: {_LOSES}", step)
    if server.unseen:
        step = "GRANT pg_monitor to the database's user shows it"
        return Finding(what, "ok", f"{count}; whether one is in step is not shown to this user", step)
    waits = f"{count}, {server.in_step} in step: a commit is answered when it is there, too"
    return Finding(what, "ok", waits, "" if hosts > 1 else _BOTH)


def _on(yes: bool) -> str:
    return "on" if yes else "off"
