"""`provenance.erasure.Details` on SQLite: the erasable part of fetches."""

from __future__ import annotations

import apsw
import orjson

from gateway.provenance.record import FetchDetail
from gateway.store.sqlite.database import Database


class SqliteDetails:
    """Reads details, and erases them for good."""

    def __init__(self, database: Database) -> None:
        """Work on *database*, whose connections overwrite what they delete."""
        self._database = database

    async def detail(self, record_id: str) -> tuple[FetchDetail, bytes] | None:
        """The detail of a record with its salt, or None once it was erased."""
        row = await self._database.read(
            lambda db: db.execute(
                "SELECT address, peer, user_agent, referer, query, evidence, salt FROM details WHERE id = ?",
                (record_id,),
            ).fetchone()
        )
        if row is None:
            return None
        address, peer, user_agent, referer, query, evidence, salt = row
        detail = FetchDetail(address, peer, user_agent, referer, query, tuple(orjson.loads(evidence)))
        return detail, salt

    async def forget_before(self, time_us: int) -> int:
        """Erase every detail older than *time_us*; return how many.

        The log beside the file is cut off too, so that the octets are gone from
        the disk; where a reader was in the way, the next call does it.
        """

        def act(db: apsw.Connection) -> int:
            db.execute("DELETE FROM details WHERE time_us < ?", (time_us,))
            return db.changes()

        gone = await self._database.write(act)
        await self._database.checkpoint()
        return gone
