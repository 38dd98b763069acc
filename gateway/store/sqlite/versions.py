"""Which version of the schema a file has, and how it gets to ours. Versions only go forward.

Each ``schema/NNNN_*.sql`` is applied once, in order, in a transaction of its
own; SQLite's ``user_version`` says how far a file has come.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Final

import apsw

from gateway.problems import ConfigurationError, Mistake

#: SQLite's application_id of a file of ours: "LCET".
OURS: Final = 0x4C434554


def steps() -> tuple[tuple[int, str], ...]:
    """Every schema step that this version ships: its number, from 1 without a gap, and its SQL."""
    found = sorted(
        (int(file.name[:4]), file.read_text(encoding="utf-8"))
        for file in (resources.files("gateway.store") / "schema").iterdir()
        if file.name.endswith(".sql")
    )
    assert [number for number, _ in found] == list(range(1, len(found) + 1)), "schema steps are numbered on"
    return tuple(found)


def recognize(connection: apsw.Connection, path: Path) -> None:
    """Raise `ConfigurationError` unless the file is empty, or ours and not of a later version.

    Changes nothing, so that another program's file stays as it is.
    """
    # Seen at one moment: another process may be making the file.
    with connection:
        tables = _number(connection, "SELECT count(*) FROM sqlite_schema")
        version = _number(connection, "PRAGMA user_version")
        ours = _number(connection, "PRAGMA application_id") == OURS
    if not ours and (version or tables):
        raise ConfigurationError([Mistake(str(path), "", "is a database of another program")])
    if version > len(steps()):
        raise ConfigurationError(
            [Mistake(str(path), "", "was written by a later version of licet; use that version")]
        )


def upgrade(writer: apsw.Connection) -> int:
    """Bring a recognized file to this version's schema, and return the version.

    Any number of processes may do this at once: each step is applied by one.
    """
    shipped = steps()
    for number, sql in shipped:
        if _number(writer, "PRAGMA user_version") >= number:
            continue
        writer.execute("BEGIN IMMEDIATE")
        try:
            # No pragma notices that another process has changed the tables since this one last looked at
            # them; a statement that ran does. Without it a step would be read against the old ones.
            _number(writer, "SELECT count(*) FROM sqlite_schema")
            if _number(writer, "PRAGMA user_version") < number:
                writer.execute(sql)
                writer.execute(f"PRAGMA user_version = {number}")
            writer.execute("COMMIT")
        except BaseException:
            if writer.in_transaction:
                writer.execute("ROLLBACK")
            raise
    return len(shipped)


def _number(connection: apsw.Connection, sql: str) -> int:
    found = connection.execute(sql).get
    assert isinstance(found, int)
    return found
