"""`licenses.negotiations.Negotiations` on SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw
import orjson

from gateway.event import Event
from gateway.licenses.negotiation import Negotiation
from gateway.licenses.negotiations import Place, Sought, Stand
from gateway.store.negotiation_json import read_negotiation, write_negotiation
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import keep_events

_OVER = "('FINALIZED', 'TERMINATED')"
#: Which rows are of each `Stand`, word for word as their indexes say it, and in which order they come.
_STANDS = {
    Stand.WAITING: ("waits = 1", "started_at, id", ">"),
    Stand.OPEN: (f"waits = 0 AND state NOT IN {_OVER}", "started_at DESC, id DESC", "<"),
    Stand.ENDED: (f"waits = 0 AND state IN {_OVER}", "started_at DESC, id DESC", "<"),
}
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

    async def search(
        self, sought: Sought, *, most: int, behind: Place | None = None
    ) -> tuple[Negotiation, ...]:
        """Those that are meant, by whom they wait for; see the port."""
        where, values = _meant(sought)
        if sought.order:
            return await self._ordered(sought, where, values, most, behind)
        found: list[Negotiation] = []
        first = list(Stand).index(Stand(behind.by)) if behind else 0
        for stand in list(Stand)[first:]:
            if sought.stand not in {None, stand} or len(found) >= most:
                continue
            of_it, order, beyond = _STANDS[stand]
            said, rest = [of_it, *where], values
            if behind and stand == behind.by:
                said.append(f"(started_at, id) {beyond} (?, ?)")
                rest = [*values, behind.started_at, behind.id]
            query = f"WHERE {' AND '.join(said)} ORDER BY {order} LIMIT ?"
            found += await self._those(query, *rest, most - len(found))
        return tuple(found)

    async def _ordered(
        self,
        sought: Sought,
        where: Sequence[str],
        values: Sequence[str | int],
        most: int,
        behind: Place | None,
    ) -> tuple[Negotiation, ...]:
        """Those that are meant in one of `negotiations.ORDERS`."""
        column, turned = _ORDERS[sought.order], sought.turned
        said, rest = [*where], [*values]
        if sought.stand:
            said.append(_STANDS[sought.stand][0])
        if behind:
            by = behind.started_at if sought.order == "started" else behind.by
            beyond = "<" if turned else ">"
            said.append(f"({column} {beyond} ? OR {column} = ? AND (started_at, id) > (?, ?))")
            rest += [by, by, behind.started_at, behind.id]
        chosen = f"WHERE {' AND '.join(said)} " if said else ""
        order = f"{column} {'DESC' if turned else 'ASC'}, started_at, id"
        return await self._those(f"{chosen}ORDER BY {order} LIMIT ?", *rest, most)

    async def _those(self, rest: str, *values: str | int) -> tuple[Negotiation, ...]:
        def act(db: apsw.Connection) -> list[str]:
            rows: Any = db.execute(f"SELECT document FROM negotiations {rest}", values)  # noqa: S608
            return [text for (text,) in rows]

        return tuple(read_negotiation(text) for text in await self._database.read(act))


def _meant(sought: Sought) -> tuple[list[str], list[str | int]]:
    """What *sought* asks of a row besides whom it waits for, and the values in it."""
    where, values = list[str](), list[str | int]()
    for column, value in (("site", sought.site), ("offer", sought.offer)):
        if value:
            where.append(f"{column} = ?")
            values.append(value)
    if sought.text:
        where.append(
            "(instr(id, ?) > 0 OR instr(license, ?) > 0 OR licensee IN (SELECT value FROM json_each(?)))"
        )
        values += [sought.text, sought.text, orjson.dumps(sorted(sought.licensees)).decode()]
    return where, values
