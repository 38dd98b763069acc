"""Which version of the schema a database has, and how it gets to ours. Versions only go forward.

The steps are those of SQLite (``schema/NNNN_*.sql``), rewritten by `dialect`, or
a file of the same name in ``schema/postgres`` in place of one. All that are
missing are applied in one transaction, by one process at a time.

Gateways of two versions may stand before one database while the second is being
rolled out: a step only adds, so that a program which does not know it goes on. A
step that takes something away says so in a line ``-- needs NNNN``: programs that
know fewer steps than that are turned away.
"""

from __future__ import annotations

import hashlib
import re
from importlib import resources
from typing import Final

import asyncpg

from gateway.problems import ConfigurationError, Mistake
from gateway.store.postgres import dialect

_NEEDS: Final = re.compile(r"^-- needs (\d{4})$", re.MULTILINE)
#: Nobody else's lock has this number.
_LOCK: Final = 0x4C434554
_STEPS: Final = (
    "CREATE TABLE IF NOT EXISTS schema_steps (number BIGINT PRIMARY KEY, name TEXT NOT NULL,"
    " needs BIGINT NOT NULL, applied_at TIMESTAMPTZ NOT NULL DEFAULT now())"
)
#: Which functions the database has stands in place of a step before the first.
_FUNCTIONS: Final = "SELECT name FROM licet.schema_steps WHERE number = 0"


def steps() -> tuple[tuple[int, str, str], ...]:
    """Every step that this version ships: its number, from 1 without a gap, its name, and its SQL for PostgreSQL."""
    folder = resources.files("gateway.store") / "schema"
    own = {file.name: file for file in (folder / "postgres").iterdir()}
    found = []
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if not file.name.endswith(".sql"):
            continue
        number, name = int(file.name[:4]), file.name[5:]
        sql = (
            own[name].read_text(encoding="utf-8")
            if name in own
            else dialect.step(file.read_text(encoding="utf-8"))
        )
        found.append((number, name.removesuffix(".sql"), sql))
    return tuple(found)


async def recognize(connection: asyncpg.Connection) -> None:
    """Raise `ConfigurationError` where the schema ``licet`` is another program's, or beyond what we can use."""
    number, needs = await _stand(connection)
    if number == 0 and await connection.fetchval(
        "SELECT count(*) FROM pg_tables WHERE schemaname = 'licet' AND tablename <> 'schema_steps'"
    ):
        raise ConfigurationError([_mistake("has a schema licet of another program")])
    if needs > len(steps()):
        raise ConfigurationError([_mistake("was changed by a later version of licet; use that version")])


async def upgrade(connection: asyncpg.Connection) -> int:
    """Apply the steps that are missing, and return how far the schema is: further than ours, where a later version was here."""
    shipped = steps()
    functions = (resources.files("gateway.store") / "schema" / "postgres" / "functions.sql").read_text(
        "utf-8"
    )
    digest = hashlib.sha256(functions.encode()).hexdigest()
    done, _ = await _stand(connection)
    # A later version's functions are not put back.
    if done > len(shipped) or (done == len(shipped) and await connection.fetchval(_FUNCTIONS) == digest):
        return done
    async with connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        await connection.execute("CREATE SCHEMA IF NOT EXISTS licet")
        await connection.execute(_STEPS)
        await connection.execute(functions)
        await connection.execute(
            "INSERT INTO schema_steps (number, name, needs) VALUES (0, $1, 0)"
            " ON CONFLICT (number) DO UPDATE SET name = excluded.name, applied_at = now()",
            digest,
        )
        done, _ = await _stand(connection)
        for number, name, sql in shipped:
            if number <= done:
                continue
            await connection.execute(sql)
            needs = _NEEDS.search(sql)
            await connection.execute(
                "INSERT INTO schema_steps (number, name, needs) VALUES ($1, $2, $3)",
                number,
                name,
                int(needs[1]) if needs else 0,
            )
    return (await _stand(connection))[0]


async def _stand(connection: asyncpg.Connection) -> tuple[int, int]:
    """How far the schema is, and how many steps a program must know to use it."""
    if await connection.fetchval("SELECT to_regclass('licet.schema_steps')") is None:
        return 0, 0
    row = await connection.fetchrow(
        "SELECT coalesce(max(number), 0), coalesce(max(needs), 0) FROM licet.schema_steps"
    )
    return row[0], row[1]


def _mistake(what: str) -> Mistake:
    return Mistake("licet.toml", "store.database", what)
