"""`billing.dispute_book.DisputeBook` on SQLite."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from gateway.billing.line_disputes import Dispute, Disputed
from gateway.event import Event
from gateway.store.dispute_json import read_dispute, write_dispute
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import keep_events


class SqliteDisputeBook:
    """Disputes by id; of one line at most one is open."""

    def __init__(self, database: Database) -> None:
        """Keep them in *database*."""
        self._database = database

    async def open(self, dispute: Dispute, *, events: Sequence[Event] = ()) -> bool:
        """Keep a new one; see the port."""

        def act(db: apsw.Connection) -> bool:
            db.execute(
                "INSERT INTO line_disputes (id, document, line, licensee, at, open, version, content)"
                " VALUES (?, ?, ?, ?, ?, 1, 1, ?) ON CONFLICT DO NOTHING",
                (dispute.id, dispute.document, dispute.line, dispute.licensee, dispute.opened_at, write_dispute(dispute)),
            )  # fmt: skip
            if not db.changes():
                return False
            keep_events(db, events)
            return True

        return await self._database.write(act)

    async def decide(self, dispute: Dispute, *, events: Sequence[Event] = ()) -> bool:
        """Keep another version; see the port."""

        def act(db: apsw.Connection) -> bool:
            db.execute(
                "UPDATE line_disputes SET open = ?, version = ?, content = ? WHERE id = ? AND version = ?",
                (
                    int(dispute.state is Disputed.OPEN), dispute.version, write_dispute(dispute), dispute.id,
                    dispute.version - 1,
                ),
            )  # fmt: skip
            if not db.changes():
                return False
            keep_events(db, events)
            return True

        return await self._database.write(act)

    async def get(self, id: str) -> Dispute | None:
        """The dispute of that id."""
        found = await self._database.read(
            lambda db: db.execute("SELECT content FROM line_disputes WHERE id = ?", (id,)).get
        )
        return read_dispute(str(found)) if found else None

    async def of(self, licensee: str, most: int, after: str = "") -> tuple[Dispute, ...]:
        """The open ones first; see the port."""
        order = "ORDER BY open DESC, at DESC, id DESC LIMIT ?2"

        def act(db: apsw.Connection) -> list[str]:
            values: tuple[str | int, ...] = (licensee, most)
            # Spelled apart: over one licensee its own index is gone into, over everybody that of the order.
            where = "WHERE licensee = ?1" if licensee else "WHERE ?1 = ''"
            if after:
                place = db.execute("SELECT open, at, id FROM line_disputes WHERE id = ?", (after,)).fetchone()
                if place is None:
                    return []
                # Values, not a subquery: SQLite goes into the index by all of them.
                where, values = f"{where} AND (open, at, id) < (?3, ?4, ?5)", (*values, *place)
            rows = db.execute(f"SELECT content FROM line_disputes {where} {order}", values)  # noqa: S608
            return [str(text) for (text,) in rows]

        return tuple(map(read_dispute, await self._database.read(act)))
