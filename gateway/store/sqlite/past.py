"""What is known of the past already: lines by the ids of their records, files by what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import apsw
import orjson

from gateway.provenance.audience import AudienceRow
from gateway.store.sqlite.database import Database

#: How a file that was read stands among the folded positions: by the digest of its text, never by its name.
_FILE: Final = "past:"


class SqlitePast:
    """The database of ingested logs, beside `SqliteFolding`, which takes its records."""

    def __init__(self, database: Database) -> None:
        """Keep what is known in *database*."""
        self._database = database

    async def known(self, ids: Iterable[str]) -> frozenset[str]:
        """Those of *ids* that have a record."""
        wanted = orjson.dumps(list(ids)).decode()
        sql = "SELECT id FROM entries WHERE id IN (SELECT value FROM json_each(?))"
        return await self._database.read(
            lambda db: frozenset(str(found) for (found,) in db.execute(sql, (wanted,)))
        )

    async def read_before(self) -> Mapping[int, frozenset[str]]:
        """The digests of texts that were read to their end, by their length in octets."""
        sql = "SELECT source, position FROM fold_positions WHERE source >= ? AND source < ?"

        def act(db: apsw.Connection) -> Mapping[int, frozenset[str]]:
            found: dict[int, frozenset[str]] = {}
            for source, length in db.execute(sql, (_FILE, _FILE[:-1] + ";")):
                found[int(length)] = found.get(int(length), frozenset()) | {str(source).removeprefix(_FILE)}
            return found

        return await self._database.read(act)

    async def finish(self, digest: str, length: int, people: Iterable[AudienceRow]) -> bool:
        """Add *people*, the totals of a text that was read, unless a text of *digest* was finished; whether they were."""
        rows = [(row.hour_at, row.site, row.group, row.status, row.referring, row.count) for row in people]

        def act(db: apsw.Connection) -> bool:
            db.execute(
                "INSERT INTO fold_positions (source, position) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (_FILE + digest, length),
            )
            if not db.changes():
                return False
            db.executemany(
                "INSERT INTO audience (hour_at, site, path_group, status, referring, count)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (hour_at, site, path_group, status, referring) DO UPDATE SET count = audience.count + excluded.count",
                rows,
            )
            return True

        return await self._database.write(act)
