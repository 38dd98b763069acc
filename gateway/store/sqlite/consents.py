"""`licenses.consents.Consents` on SQLite."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from gateway.event import Event
from gateway.licenses.consent import Consent
from gateway.store.consent_json import read_consent, write_consent
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import keep_events


class SqliteConsents:
    """Consents, each a row with its document."""

    def __init__(self, database: Database) -> None:
        """Keep them in *database*."""
        self._database = database

    async def add(self, consent: Consent, *, events: Sequence[Event] = ()) -> bool:
        """Keep that an author is asked; see the port."""
        each = consent

        def act(db: apsw.Connection) -> bool:
            db.execute(
                "INSERT INTO consents (id, site, work, author, secret, version, document)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    each.id,
                    each.site,
                    each.work,
                    each.author,
                    each.secret_sha256,
                    each.version,
                    write_consent(each),
                ),
            )
            if not db.changes():
                return False
            keep_events(db, events)
            return True

        return await self._database.write(act)

    async def change(self, consent: Consent, *, events: Sequence[Event] = ()) -> bool:
        """Keep another version; see the port."""
        each = consent

        def act(db: apsw.Connection) -> bool:
            db.execute(
                "UPDATE consents SET version = ?, document = ? WHERE id = ? AND version = ?",
                (each.version, write_consent(each), each.id, each.version - 1),
            )
            if not db.changes():
                return False
            keep_events(db, events)
            return True

        return await self._database.write(act)

    async def remove(self, id: str) -> Consent | None:
        """Ask that author no more."""

        def act(db: apsw.Connection) -> list[str]:
            return [
                str(text)
                for (text,) in db.execute("DELETE FROM consents WHERE id = ? RETURNING document", (id,))
            ]

        found = await self._database.write(act)
        return read_consent(found[0]) if found else None

    async def by_secret(self, digest: str) -> Consent | None:
        """Whose link it is."""
        found = await self._those("WHERE secret = ?", digest)
        return found[0] if found else None

    async def of_work(self, site: str, work: str) -> tuple[Consent, ...]:
        """Everybody who is asked about a work."""
        return await self._those("WHERE site = ? AND work = ? ORDER BY id", site, work)

    async def all(self, most: int, after: str = "") -> tuple[Consent, ...]:
        """Everybody who is asked, by site and work; see the port."""
        if not after:
            return await self._those("ORDER BY site, work, id LIMIT ?", most)
        found = await self._those("WHERE id = ?", after)
        if not found:
            return ()
        # Values, not a subquery: SQLite goes into the index by all of them. Whom and what is asked never changes.
        behind = "WHERE (site, work, id) > (?, ?, ?) ORDER BY site, work, id LIMIT ?"
        return await self._those(behind, found[0].site, found[0].work, after, most)

    async def _those(self, rest: str, *values: str | int) -> tuple[Consent, ...]:
        def act(db: apsw.Connection) -> list[str]:
            rows = db.execute(f"SELECT document FROM consents {rest}", values)  # noqa: S608
            return [str(text) for (text,) in rows]

        return tuple(map(read_consent, await self._database.read(act)))
