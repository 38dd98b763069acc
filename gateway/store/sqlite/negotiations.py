"""`licenses.negotiations.Negotiations` on SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw
import orjson

from gateway.event import Event
from gateway.licenses.negotiation import Negotiation
from gateway.licenses.negotiations import Sought, Stand
from gateway.store.negotiation_json import read_negotiation, write_negotiation
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import keep_events

#: The place of a row in `Stand`.
_STAND = "CASE WHEN waits = 1 THEN 0 WHEN state IN ('FINALIZED', 'TERMINATED') THEN 2 ELSE 1 END"
#: The column behind each of `negotiations.ORDERS`.
_ORDERS = {"started": "started_at", "state": "state", "site": "site", "offer": "offer"}
_IN_ORDER = "ORDER BY started_at, id"


class SqliteNegotiations:
    """Negotiations, each a row whose version says whether it is still what was read."""

    def __init__(self, database: Database) -> None:
        """Keep negotiations in *database*."""
        self._database = database

    async def put(self, old_version: str, new: Negotiation, *, events: Sequence[Event] = ()) -> bool:
        """Keep *new* if *old_version* stands there; see the port."""
        document = write_negotiation(new)

        def act(db: apsw.Connection) -> bool:
            if old_version:
                db.execute(
                    "UPDATE negotiations SET version = ?, license = ?, waits = ?, document = ?"
                    " WHERE id = ? AND version = ?",
                    (new.version, new.license, int(bool(new.person)), document, new.id, old_version),
                )
            else:
                db.execute(
                    "INSERT INTO negotiations (id, version, licensee, site, started_at, license, waits, document)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (
                        new.id, new.version, new.licensee, new.offer.site, new.started_at, new.license,
                        int(bool(new.person)), document,
                    ),
                )  # fmt: skip
            kept = bool(db.changes())
            if kept:
                keep_events(db, events)
            return kept

        return await self._database.write(act)

    async def get(self, id: str) -> Negotiation | None:
        """The negotiation of that id."""
        return next(iter(await self._those("WHERE id = ?", id)), None)

    async def of(self, licensee: str, site: str) -> tuple[Negotiation, ...]:
        """Every negotiation of *licensee* on *site*, oldest first."""
        return await self._those(f"WHERE licensee = ? AND site = ? {_IN_ORDER}", licensee, site)

    async def of_license(self, license: str) -> Negotiation | None:
        """The first negotiation that *license* was agreed in."""
        found = await self._those(f"WHERE license = ? AND license <> '' {_IN_ORDER} LIMIT 1", license)
        return next(iter(found), None)

    async def agreed_on(self, license: str) -> tuple[Negotiation, ...]:
        """Every negotiation that *license*, or a version of it, was agreed in."""
        return await self._those(f"WHERE license = ? AND license <> '' {_IN_ORDER}", license)

    async def pending(self, most: int) -> tuple[Negotiation, ...]:
        """Those that wait for a person, oldest first."""
        return await self._those(f"WHERE waits = 1 {_IN_ORDER} LIMIT ?", most)

    async def search(self, sought: Sought, *, most: int, skip: int = 0) -> tuple[Negotiation, ...]:
        """Those that are meant, by whom they wait for; see the port."""
        where, values = ["TRUE"], list[str | int]()
        for column, value in (("site", sought.site), ("offer", sought.offer)):
            if value:
                where.append(f"{column} = ?")
                values.append(value)
        if sought.text:
            where.append(
                "(instr(id, ?) > 0 OR instr(license, ?) > 0 OR licensee IN (SELECT value FROM json_each(?)))"
            )
            values += [sought.text, sought.text, orjson.dumps(sorted(sought.licensees)).decode()]
        if sought.stand:
            where.append(f"{_STAND} = ?")
            values.append(list(Stand).index(sought.stand))
        order = f"{_STAND}, CASE WHEN waits = 1 THEN started_at ELSE -started_at END"
        ids = "CASE WHEN waits = 1 THEN id END, id DESC"
        if sought.order:
            order, ids = (
                f"{_ORDERS[sought.order]} {'DESC' if sought.turned else 'ASC'}",
                "started_at, id",
            )
        rest = f"WHERE {' AND '.join(where)} ORDER BY {order}, {ids} LIMIT ? OFFSET ?"
        return await self._those(rest, *values, most, skip)

    async def _those(self, rest: str, *values: str | int) -> tuple[Negotiation, ...]:
        def act(db: apsw.Connection) -> list[str]:
            rows: Any = db.execute(f"SELECT document FROM negotiations {rest}", values)  # noqa: S608
            return [text for (text,) in rows]

        return tuple(read_negotiation(text) for text in await self._database.read(act))
