"""Events beside the change that they tell of: in one transaction, so that neither is without the other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import apsw
import orjson

from gateway.event import Event
from gateway.outbox.events import ALL, About, Happening
from gateway.store.sqlite.database import Database


def keep_events(db: apsw.Connection, events: Iterable[Event]) -> None:
    """Keep *events* in the transaction that *db* is in; one whose id is there already is the same one."""
    db.executemany(
        "INSERT INTO events (id, type, at, site, licensee, subject, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO NOTHING",
        (
            (
                each.id, each.type, each.at, each.site, each.licensee, each.subject,
                orjson.dumps(dict(each.body), option=orjson.OPT_SORT_KEYS).decode(),
            )
            for each in events
        ),
    )  # fmt: skip


_EVERY: Final = "SELECT nth, id, type, at, site, licensee, subject, body FROM events"
#: Places that one query names.
_AT_ONCE: Final = 500


class SqliteEvents:
    """`outbox.events.Events` on SQLite. One writer at a time numbers them, so their order is that of the commits."""

    def __init__(self, database: Database) -> None:
        """Read *database*."""
        self._database = database

    async def after(self, nth: int, most: int, about: About = ALL) -> tuple[Happening, ...]:
        """The first events kept after *nth*; see the port."""
        # What is of no site a licensee is told on every site.
        of_site = "site IN (?, '')" if about.licensee else "site = ?"
        wanted = [
            (text, value)
            for text, value in (
                ("licensee = ?", about.licensee), (of_site, about.site), ("subject = ?", about.subject),
            )
            if value
        ]  # fmt: skip
        # SQLite uses an index made for some licensee only where the query says that there is one.
        said = ["nth > ?", *(text for text, _ in wanted), *(["licensee <> ''"] if about.licensee else [])]
        query = f"{_EVERY} WHERE {' AND '.join(said)} ORDER BY nth LIMIT ?"  # no value is in it
        return await self._those(query, (nth, *(value for _, value in wanted), most))

    async def before(self, nth: int, most: int) -> tuple[Happening, ...]:
        """The last events kept before *nth*; see the port."""
        if not nth:
            return await self._those(f"{_EVERY} ORDER BY nth DESC LIMIT ?", (most,))
        return await self._those(f"{_EVERY} WHERE nth < ? ORDER BY nth DESC LIMIT ?", (nth, most))

    async def at(self, places: Collection[int]) -> tuple[Happening, ...]:
        """The events at these *places*; see the port."""
        found: list[Happening] = []
        wanted = sorted(set(places))
        for first in range(0, len(wanted), _AT_ONCE):
            some = wanted[first : first + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            found += await self._those(f"{_EVERY} WHERE nth IN ({marks}) ORDER BY nth", some)
        return tuple(found)

    async def _those(self, query: str, values: Sequence[str | int]) -> tuple[Happening, ...]:
        def act(db: apsw.Connection) -> tuple[Happening, ...]:
            rows: Any = db.execute(query, tuple(values))
            return tuple(
                Happening(nth, Event(id, type, at, site, licensee, subject, orjson.loads(body)))
                for nth, id, type, at, site, licensee, subject, body in rows
            )

        return await self._database.read(act)

    async def place(self, id: str, about: About = ALL) -> int | None:
        """Where the event of that id is."""

        def act(db: apsw.Connection) -> int | None:
            row: Any = db.execute(
                "SELECT nth FROM events WHERE id = ?1 AND ?2 IN ('', licensee)"
                " AND (?3 IN ('', site) OR (?2 <> '' AND site = '')) AND ?4 IN ('', subject)",
                (id, about.licensee, about.site, about.subject),
            ).fetchone()
            return row[0] if row else None

        return await self._database.read(act)

    async def last(self) -> int:
        """The place of the newest event."""

        def act(db: apsw.Connection) -> int:
            row: Any = db.execute("SELECT COALESCE(MAX(nth), 0) FROM events").fetchone()
            return int(row[0])

        return await self._database.read(act)
