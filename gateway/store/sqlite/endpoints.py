"""`outbox.endpoints.Endpoints` on SQLite."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import apsw
import orjson

from gateway.event import Event
from gateway.outbox.endpoints import Delivery, Endpoint, Reach, Tried
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import keep_events

_MEMBERS: Final = "id, licensee, site, origin, url, types, created_at, reach, generation, rotated_at, after, tries, next_at, why"
_IN_ORDER: Final = "ORDER BY created_at, id"
_OF_DELIVERY: Final = "endpoint, nth, event, type, at, tries, status, why, done, answer"
#: Whether something happened that the endpoint of the row has not been told; the operator's own hear everything.
_BEHIND: Final = (
    "(licensee = '' AND EXISTS (SELECT 1 FROM events e WHERE e.nth > endpoints.after)"
    " OR licensee <> '' AND EXISTS (SELECT 1 FROM events e WHERE e.licensee = endpoints.licensee"
    " AND e.licensee <> '' AND e.site IN (endpoints.site, '') AND e.nth > endpoints.after))"
)
_DUE: Final = (
    f"WHERE reach = 'on' AND next_at <= ? AND {_BEHIND}"  # noqa: S608 - no value is in it
    " AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY licensee <> '', next_at, id LIMIT ?"
)


class SqliteEndpoints:
    """Endpoints and their deliveries, in one file."""

    def __init__(self, database: Database) -> None:
        """Keep them in *database*."""
        self._database = database

    async def add(self, endpoint: Endpoint, most: int) -> bool:
        """Keep *endpoint*, unless there are too many; see the port."""

        def act(db: apsw.Connection) -> bool:
            if _one(db, endpoint.id) is not None:
                return True
            row: Any = db.execute(
                "SELECT count(*) FROM endpoints WHERE licensee = ? AND site = ?",
                (endpoint.licensee, endpoint.site),
            ).fetchone()
            if row[0] >= most:
                return False
            db.execute(
                f"INSERT INTO endpoints ({_MEMBERS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                (
                    endpoint.id, endpoint.licensee, endpoint.site, endpoint.origin, endpoint.url,
                    _types(endpoint.types), endpoint.created_at, str(endpoint.reach), endpoint.generation,
                    endpoint.rotated_at, endpoint.after, endpoint.tries, endpoint.next_at, endpoint.why,
                ),
            )  # fmt: skip
            return True

        return await self._database.write(act)

    async def get(self, id: str) -> Endpoint | None:
        """The endpoint of that id."""
        return await self._database.read(lambda db: _one(db, id))

    async def of(self, licensee: str, site: str) -> tuple[Endpoint, ...]:
        """Those of *licensee* on *site*."""
        return await self._those(f"WHERE licensee = ? AND site = ? {_IN_ORDER}", licensee, site)

    async def all(self) -> tuple[Endpoint, ...]:
        """Every endpoint."""
        return await self._those(_IN_ORDER)

    async def listed(self, most: int, behind: tuple[int, str] | None = None) -> tuple[Endpoint, ...]:
        """Endpoints, oldest first; see the port."""
        where = "WHERE (created_at, id) > (?, ?) " if behind else ""
        return await self._those(f"{where}{_IN_ORDER} LIMIT ?", *(behind or ()), most)

    async def due(self, now: int, most: int, but: Collection[str] = ()) -> tuple[Endpoint, ...]:
        """Those that have something to hear and may be tried."""
        without = orjson.dumps(list(but)).decode()
        return await self._those(_DUE, now, without, most)

    async def next_at(self, now: int) -> int | None:
        """When one may be tried again."""

        def act(db: apsw.Connection) -> int | None:
            row: Any = db.execute(
                "SELECT min(next_at) FROM endpoints WHERE reach = 'on' AND next_at > ?", (now,)
            ).fetchone()
            return row[0] if row else None

        return await self._database.read(act)

    async def remove(self, id: str) -> bool:
        """Forget it; its deliveries go with it."""
        return bool(await self._write("DELETE FROM endpoints WHERE id = ?", id))

    async def filter(self, id: str, types: Sequence[str]) -> None:
        """Have it hear *types*."""
        await self._write("UPDATE endpoints SET types = ? WHERE id = ?", _types(types), id)

    async def prove(self, id: str, after: int) -> Endpoint | None:
        """Switch it on; see the port."""

        def act(db: apsw.Connection) -> Endpoint | None:
            db.execute(
                "UPDATE endpoints SET reach = 'on', tries = 0, next_at = 0, why = '',"
                " after = CASE reach WHEN 'unproven' THEN ? ELSE after END WHERE id = ? AND reach <> 'on'",
                (after, id),
            )
            return _one(db, id)

        return await self._database.write(act)

    async def rotate(self, id: str, now: int) -> Endpoint | None:
        """Give it another secret."""

        def act(db: apsw.Connection) -> Endpoint | None:
            db.execute(
                "UPDATE endpoints SET generation = generation + 1, rotated_at = ? WHERE id = ?", (now, id)
            )
            return _one(db, id)

        return await self._database.write(act)

    async def passed(self, id: str, nth: int) -> None:
        """Go on after *nth*."""
        await self._write("UPDATE endpoints SET after = ? WHERE id = ? AND after < ?", nth, id, nth)

    async def told(self, delivery: Delivery) -> None:
        """Keep that it was told."""

        def act(db: apsw.Connection) -> None:
            db.execute(
                "UPDATE endpoints SET after = max(after, ?), tries = 0, next_at = 0, why = '' WHERE id = ?",
                (delivery.nth, delivery.endpoint),
            )
            _keep(db, delivery)

        await self._database.write(act)

    async def again(self, delivery: Delivery) -> None:
        """Keep what came of telling it once more."""
        await self._database.write(lambda db: _keep(db, delivery))

    async def failed(self, delivery: Delivery, next_at: int) -> None:
        """Keep that it failed."""

        def act(db: apsw.Connection) -> None:
            db.execute(
                "UPDATE endpoints SET tries = ?, next_at = ?, why = ? WHERE id = ?",
                (delivery.tries, next_at, delivery.why, delivery.endpoint),
            )
            _keep(db, delivery)

        await self._database.write(act)

    async def switch_off(
        self, id: str, why: str, *, delivery: Delivery | None = None, events: Sequence[Event] = ()
    ) -> bool:
        """Switch it off, and tell of it."""

        def act(db: apsw.Connection) -> bool:
            db.execute("UPDATE endpoints SET reach = 'off', why = ? WHERE id = ? AND reach = 'on'", (why, id))
            if not db.changes():
                return False
            if delivery is not None:
                _keep(db, delivery)
            keep_events(db, events)
            return True

        return await self._database.write(act)

    async def hurry(self, id: str) -> bool:
        """Try it at once."""
        sql = (
            "UPDATE endpoints SET tries = CASE reach WHEN 'off' THEN 0 ELSE tries END, next_at = 0,"
            " reach = CASE reach WHEN 'off' THEN 'on' ELSE reach END WHERE id = ?"
        )
        return bool(await self._write(sql, id))

    async def deliveries(
        self, most: int, *, endpoint: str = "", event: str = "", behind: Tried | None = None
    ) -> tuple[Delivery, ...]:
        """What came of it, the newest first; see the port."""
        said, values = list[str](), list[str | int]()
        for column, value in (("endpoint", endpoint), ("event", event)):
            if value:
                said.append(f"{column} = ?")
                values.append(value)
        if behind is not None:
            at, nth, last = behind
            said.append("at <= ? AND (at < ? OR nth < ? OR (nth = ? AND endpoint > ?))")
            values += [at, at, nth, nth, last]
        where = f"WHERE {' AND '.join(said)} " if said else ""
        query = f"SELECT {_OF_DELIVERY} FROM deliveries {where}ORDER BY at DESC, nth DESC, endpoint LIMIT ?"  # noqa: S608

        def act(db: apsw.Connection) -> tuple[Delivery, ...]:
            rows: Any = db.execute(query, (*values, most))
            return tuple(
                Delivery(endpoint, nth, event, type, at, tries, status, why, bool(done), answer)
                for endpoint, nth, event, type, at, tries, status, why, done, answer in rows
            )

        return await self._database.read(act)

    async def forget(self, before: int, most: int) -> int:
        """Forget what is old; see the port."""

        def act(db: apsw.Connection) -> int:
            db.execute(
                "DELETE FROM deliveries WHERE (endpoint, nth) IN"
                " (SELECT d.endpoint, d.nth FROM deliveries d JOIN endpoints p ON p.id = d.endpoint"
                " WHERE d.at < ? AND (d.done = 1 OR d.nth <= p.after) LIMIT ?)",
                (before, most),
            )
            gone = db.changes()
            db.execute(
                "UPDATE deliveries SET answer = '' WHERE (endpoint, nth) IN"
                " (SELECT endpoint, nth FROM deliveries WHERE at < ? AND answer <> '' LIMIT ?)",
                (before, most),
            )
            # An operator's endpoint waits for every event, a licensee's for those of its own.
            db.execute(
                "DELETE FROM events WHERE nth IN (SELECT nth FROM events e WHERE at < ? AND NOT EXISTS"
                " (SELECT 1 FROM endpoints p WHERE p.reach = 'on' AND p.after < e.nth"
                " AND (p.licensee = '' OR p.licensee = e.licensee AND e.site IN (p.site, ''))) ORDER BY nth LIMIT ?)",
                (before, most),
            )
            return gone + db.changes()

        return await self._database.write(act)

    async def _write(self, sql: str, *given: str | int) -> int:
        def act(db: apsw.Connection) -> int:
            db.execute(sql, given)
            return db.changes()

        return await self._database.write(act)

    async def _those(self, rest: str, *values: str | int) -> tuple[Endpoint, ...]:
        def act(db: apsw.Connection) -> tuple[Endpoint, ...]:
            rows: Any = db.execute(f"SELECT {_MEMBERS} FROM endpoints {rest}", values)  # noqa: S608
            return tuple(_read(row) for row in rows)

        return await self._database.read(act)


def _types(types: Sequence[str]) -> str:
    return orjson.dumps(list(types)).decode()


def _read(row: Any) -> Endpoint:
    id, licensee, site, origin, url, types, created_at, reach, *rest = row
    return Endpoint(
        id, licensee, site, origin, url, tuple(orjson.loads(types)), created_at, Reach(reach), *rest
    )


def _one(db: apsw.Connection, id: str) -> Endpoint | None:
    row: Any = db.execute(f"SELECT {_MEMBERS} FROM endpoints WHERE id = ?", (id,)).fetchone()  # noqa: S608
    return _read(row) if row else None


def _keep(db: apsw.Connection, delivery: Delivery) -> None:
    # An endpoint that was removed meanwhile has no deliveries any more.
    db.execute(
        f"INSERT INTO deliveries ({_OF_DELIVERY}) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10"  # noqa: S608
        " WHERE EXISTS (SELECT 1 FROM endpoints WHERE id = ?1)"
        " ON CONFLICT (endpoint, nth) DO UPDATE SET at = excluded.at, tries = excluded.tries,"
        " status = excluded.status, why = excluded.why, done = excluded.done, answer = excluded.answer",
        (
            delivery.endpoint, delivery.nth, delivery.event, delivery.type, delivery.at, delivery.tries,
            delivery.status, delivery.why, int(delivery.done), delivery.answer,
        ),
    )  # fmt: skip
