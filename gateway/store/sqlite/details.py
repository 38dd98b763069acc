"""`provenance.erasure.Details` on SQLite: the erasable part of fetches."""

from __future__ import annotations

from typing import Any, Final

import apsw
import orjson

from gateway.provenance.erasure import NO_SALT, Trait, cut
from gateway.provenance.record import FetchDetail
from gateway.store.sqlite.database import Database

#: Details that are cut in one transaction.
_AT_ONCE: Final = 2000
_OF: Final = {
    Trait.RECORD: "DELETE FROM details WHERE id = ?1",
    Trait.ADDRESS: "DELETE FROM details WHERE address = ?1 OR peer = ?1",
    Trait.AGENT: "DELETE FROM details WHERE user_agent = ?1",
}


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

    async def newest(self, most: int) -> tuple[tuple[str, str], ...]:
        """Address and peer of the *most* newest details that are whole, newest first; "" for a peer of the same address."""
        rows = await self._database.read(
            lambda db: db.execute(
                "SELECT address, peer FROM details WHERE salt <> ? ORDER BY time_us DESC LIMIT ?",
                (NO_SALT, most),
            ).fetchall()
        )
        return tuple((str(address), str(peer)) for address, peer in rows)

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

    async def forget_of(self, trait: Trait, value: str) -> int:
        """Erase every detail whose *trait* is *value*; return how many."""

        def act(db: apsw.Connection) -> int:
            db.execute(_OF[trait], (value,))
            return db.changes()

        gone = await self._database.write(act)
        await self._database.checkpoint()
        return gone

    async def cut_before(self, time_us: int) -> int:
        """Cut every detail older than *time_us*; return how many."""

        def act(db: apsw.Connection) -> int:
            rows: Any = db.execute(
                "SELECT id, address FROM details WHERE time_us < ? AND salt <> ? LIMIT ?",
                (time_us, NO_SALT, _AT_ONCE),
            ).fetchall()
            db.executemany(
                "UPDATE details SET salt = ?, address = ?, peer = '', user_agent = '', referer = '', query = '',"
                " evidence = '[]' WHERE id = ?",
                [(NO_SALT, cut(FetchDetail(address)).address, id) for id, address in rows],
            )
            return len(rows)

        gone = 0
        while more := await self._database.write(act):
            gone += more
        if gone:
            await self._database.checkpoint()
        return gone
