"""`billing.document_book.DocumentBook` on SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import apsw

from gateway.billing.billing_rules import Party
from gateway.billing.closing import Window
from gateway.billing.invoices import Document
from gateway.event import Event
from gateway.money import Money
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import keep_events

_SELECT: Final = (
    "SELECT d.id, d.kind, d.licensee, d.period, d.refers, d.at, d.content, coalesce(n.number, 0)"
    " FROM billing_documents d LEFT JOIN document_numbers n ON n.document = d.id AND n.series = d.kind"
)

#: Where a document stands among all, the newest first.
_PLACE: Final = (
    "SELECT d.at, coalesce(n.seq, 1 << 62) FROM billing_documents d"
    " LEFT JOIN document_numbers n ON n.document = d.id AND n.series = d.kind WHERE d.id = ?"
)


class SqliteDocumentBook:
    """Documents, and who is billed."""

    def __init__(self, database: Database) -> None:
        """Keep them in *database*."""
        self._database = database

    async def add(self, document: Document, notes: int = 0) -> Document | None:
        """Keep one; see the port."""

        def act(db: apsw.Connection) -> Document | None:
            known = _found(db, "WHERE d.id = ?", document.id)
            if known:
                return known[0] if known[0].content == document.content or not document.refers else None
            if document.refers:
                count = db.execute(
                    "SELECT count(*) FROM billing_documents WHERE refers = ?", (document.refers,)
                ).get
                if count != notes:
                    return None
            db.execute(
                "INSERT INTO billing_documents (id, kind, licensee, period, refers, at, content, digest)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    document.id, document.kind, document.licensee, document.period, document.refers, document.at,
                    document.content, document.digest,
                ),
            )  # fmt: skip
            return document

        return await self._database.write(act)

    async def get(self, id: str) -> Document | None:
        """The document of that id."""
        found = await self._database.read(lambda db: _found(db, "WHERE d.id = ?", id))
        return found[0] if found else None

    async def numbered(self, kind: str, number: int) -> Document | None:
        """The document of that kind and number."""
        where = "WHERE d.kind = ? AND n.number = ?"
        found = await self._database.read(lambda db: _found(db, where, kind, number))
        return found[0] if found else None

    async def of(self, licensee: str, most: int, after: str = "") -> tuple[Document, ...]:
        """The newest first; see the port."""
        # Spelled apart: over one licensee its own index is gone into, over everybody that of time.
        whose = "WHERE d.licensee = ?1" if licensee else "WHERE ?1 = ''"
        order = "ORDER BY d.at DESC, coalesce(n.seq, 1 << 62) DESC, d.id LIMIT ?2"

        def act(db: apsw.Connection) -> tuple[Document, ...]:
            if not after:
                return _found(db, f"{whose} {order}", licensee, most)
            last = db.execute(_PLACE, (after,)).fetchone()
            if last is None:
                return ()
            at, seq = map(int, last)
            return _found(
                db,
                f"{whose} AND d.at <= ?3 AND (d.at < ?3 OR coalesce(n.seq, 1 << 62) < ?4"
                f" OR coalesce(n.seq, 1 << 62) = ?4 AND d.id > ?5) {order}",
                licensee, most, at, seq, after,
            )  # fmt: skip

        return await self._database.read(act)

    async def notes(self, id: str) -> tuple[Document, ...]:
        """The credit notes that refer to it."""
        where = "WHERE d.refers = ? ORDER BY coalesce(n.seq, 1 << 62), d.at, d.id"
        return await self._database.read(lambda db: _found(db, where, id))

    async def waiting(self) -> tuple[Document, ...]:
        """Those without a number."""
        return await self._database.read(lambda db: _found(db, "WHERE n.number IS NULL ORDER BY d.at, d.id"))

    async def standing(
        self, licensee: str, windows: Sequence[Window], license: str, work: str, currency: str, most: int
    ) -> tuple[tuple[str, Money], ...]:
        """The latest fetches; see the port."""
        sql = (
            "SELECT id, stands FROM (SELECT e.id, e.time_us, e.seq, e.charged_micros - (SELECT coalesce(sum(p.micros), 0) FROM postings p"
            " WHERE p.undoes = e.id AND p.undoes <> '') AS stands FROM entries e"
            " WHERE e.licensee = ? AND e.time_us >= ? AND e.time_us < ? AND e.seq > ? AND e.seq < ?"
            " AND e.kind = 'fetch' AND e.outcome = 'licensed' AND e.license = ? AND e.work = ? AND e.currency = ?"
            " AND e.charged_micros > 0) AS fetched WHERE stands > 0 ORDER BY time_us DESC, seq DESC LIMIT ?"
        )

        def act(db: apsw.Connection) -> tuple[tuple[str, Money], ...]:
            found: list[tuple[str, Money]] = []
            for each in windows:
                bounds = (each.since_us, each.until_us, each.after_seq, each.before_seq)
                rows = db.execute(sql, (licensee, *bounds, license, work, currency, most - len(found)))
                found += ((str(id), Money(int(micros), currency)) for id, micros in rows)
            return tuple(found)

        return await self._database.read(act)

    async def party(self, licensee: str) -> Party:
        """What the operator said of *licensee*."""
        sql = "SELECT document FROM billing_parties WHERE licensee = ?"
        found = await self._database.read(lambda db: db.execute(sql, (licensee,)).get)
        return Party.model_validate_json(str(found)) if found else Party()

    async def name_party(self, licensee: str, party: Party) -> None:
        """Keep it."""
        sql = "INSERT INTO billing_parties VALUES (?, ?) ON CONFLICT (licensee) DO UPDATE SET document = excluded.document"
        await self._database.write(lambda db: db.execute(sql, (licensee, party.model_dump_json())))

    async def tell(self, events: Sequence[Event]) -> None:
        """Keep *events*."""
        await self._database.write(lambda db: keep_events(db, events))


def _found(db: apsw.Connection, where: str, *values: str | int) -> tuple[Document, ...]:
    return tuple(Document(*row) for row in db.execute(f"{_SELECT} {where}", values))
