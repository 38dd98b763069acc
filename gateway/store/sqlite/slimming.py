"""Taking the octets of fetches out of the database where the journal's files hold the same.

A database of an earlier version has them in its rows, and so has one whose
journal was put beside it later. A row is made slim only after its frame was read
and found to say the same, octet by octet; every other row stays as it is.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, NamedTuple

import apsw

from gateway.problems import StoreUnavailable
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.octets import Octets

#: Rows that are looked at in one transaction.
_AT_ONCE: Final = 1000
# The condition of the index `journal_whole`, letter for letter.
_WHOLE: Final = (
    "SELECT seq, id, own_canonical, own_salt, file, place FROM entries"
    " WHERE own_canonical IS NOT NULL AND kind = 'fetch' AND place >= 0 AND seq > ? ORDER BY seq LIMIT ?"
)


async def slim(database: Database, most: int | None = None) -> int:
    """Make rows slim, the oldest first, until *most* were looked at; how many were. Raises `StoreUnavailable`.

    Asking again goes on. The file keeps its size; what is freed is used again.
    """
    after = looked = slimmed = 0
    while most is None or looked < most:
        found = await database.read(partial(_looked, after=after))
        if not found.rows:
            break
        await database.write(partial(_slim, found.same))
        slimmed += len(found.same)
        looked += found.rows
        after = found.last
    return slimmed


class _Looked(NamedTuple):
    """How many rows were looked at, the number of the last, and those whose octets stand in the journal's files."""

    rows: int
    last: int
    same: list[tuple[int]]


def _slim(same: list[tuple[int]], db: apsw.Connection) -> None:
    db.executemany("UPDATE journal SET canonical = NULL, salt = NULL WHERE seq = ?", same)


def _looked(db: apsw.Connection, *, after: int) -> _Looked:
    rows: Any = db.execute(_WHOLE, (after, _AT_ONCE)).fetchall()
    same = []
    with Octets(db) as octets:
        for seq, id, canonical, salt, file, place in rows:
            try:
                if octets.of(id, None, None, file, place) == (canonical, salt):
                    same.append((seq,))
            except StoreUnavailable:
                continue
    return _Looked(len(rows), rows[-1][0] if rows else after, same)
