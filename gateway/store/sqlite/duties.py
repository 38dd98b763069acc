"""`licenses.duties.Duties` and `licenses.duties.Audits` on SQLite."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import apsw
import orjson

from gateway.event import Event
from gateway.licenses.audit_cases import AuditCase
from gateway.licenses.duties import KeptReport, Part, Tally
from gateway.licenses.license import BY_FETCH, License
from gateway.licenses.obligations import Obligation
from gateway.licenses.transparency import TransparencyReport
from gateway.store.duty_json import read_audit, read_duty, read_kept_report, write_audit, write_duty
from gateway.store.sqlite import suspending
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import keep_events
from gateway.store.sqlite.register import license_by_id, licenses_where

_IN_ORDER: Final = "ORDER BY deadline, id"
#: Which rows each part has, and in which order.
_PARTS: Final[Mapping[Part, tuple[str, str]]] = {
    Part.UNMET: ("unmet = 1", _IN_ORDER),
    # Said twice: only what says so is looked for among those that wait.
    Part.WAITING: ("waits_until > 0 AND waits_until > ?", _IN_ORDER),
    Part.DONE: ("unmet = 0 AND waits_until <= ?", "ORDER BY deadline DESC, id DESC"),
}
_TALLY: Final = """
SELECT
  (SELECT count(*) FROM duties WHERE unmet = 1 AND deadline <= ?1{whose}),
  (SELECT count(*) FROM duties WHERE unmet = 1 AND deadline > ?1 AND deadline <= ?2{whose}),
  (SELECT count(*) FROM duties WHERE unmet = 1 AND deadline > ?2{whose}),
  (SELECT count(*) FROM duties WHERE waits_until > 0 AND waits_until > ?1{whose}),
  (SELECT count(DISTINCT license) FROM duties WHERE license IN (SELECT value FROM json_each(?3)){whose})
"""
#: Each licensee once, from one to the next, however many duties it has.
_HOLDERS: Final = """
WITH RECURSIVE held (id) AS (
  SELECT min(licensee) FROM duties
  UNION ALL
  SELECT (SELECT min(licensee) FROM duties WHERE licensee > held.id) FROM held WHERE held.id IS NOT NULL
)
SELECT id FROM held WHERE id IS NOT NULL
"""


class SqliteDuties:
    """Duties, each a row whose version says whether it is still what was read, and the reports that met them."""

    def __init__(self, database: Database) -> None:
        """Keep duties in *database*, beside its licenses."""
        self._database = database

    async def unplanned(self, most: int, *, licensee: str = "") -> tuple[License, ...]:
        """Licenses whose duties were not planned; see the port."""
        rest = (
            "WHERE duties_planned = 0 AND NOT EXISTS"
            " (SELECT 1 FROM revocations WHERE kind = 'license' AND subject = licenses.id)"
            " AND substr(id, 1, ?) <> ? AND (? = '' OR licensee = ?) ORDER BY id, version LIMIT ?"
        )
        values = (len(BY_FETCH), BY_FETCH, licensee, licensee, most)
        return await self._database.read(lambda db: licenses_where(db, rest, *values))

    async def plan(self, license: License, duties: Sequence[Obligation]) -> int:
        """Keep those that are not there yet; how many were kept."""

        def act(db: apsw.Connection) -> int:
            db.execute("INSERT INTO duty_plans (license) VALUES (?) ON CONFLICT DO NOTHING", (license.id,))
            which = (license.id, license.version)
            db.execute("UPDATE later_versions SET duties_planned = 1 WHERE id = ? AND version = ?", which)
            return _add(db, duties)

        return await self._database.write(act)

    async def get(self, id: str) -> Obligation | None:
        """The duty of that id."""
        return next(iter(await self._those("WHERE id = ?", id)), None)

    async def of(self, licensee: str, site: str) -> tuple[Obligation, ...]:
        """Every duty of *licensee* on *site*, the earliest deadline first."""
        return await self._those(f"WHERE licensee = ? AND site = ? {_IN_ORDER}", licensee, site)

    async def of_license(self, license: str) -> tuple[Obligation, ...]:
        """Every duty of *license*, the earliest deadline first."""
        return await self._those(f"WHERE license = ? {_IN_ORDER}", license)

    async def unmet(self, until: int, most: int) -> tuple[Obligation, ...]:
        """Those still to be handed in by *until*; see the port."""
        rest = (
            "WHERE unmet = 1 AND deadline <= ? AND NOT EXISTS"
            " (SELECT 1 FROM revocations WHERE kind = 'license' AND subject = duties.license)"
            " ORDER BY deadline, id LIMIT ?"
        )
        return await self._those(rest, until, most)

    async def everything(
        self, most: int, behind: tuple[int, str] | None = None, *, licensee: str = ""
    ) -> tuple[Obligation, ...]:
        """Duties, the earliest deadline first; see the port."""
        # Spelled apart: over one licensee its own index is gone into, over everybody that of the order.
        wanted = ["licensee = ?"] if licensee else []
        wanted += ["(deadline, id) > (?, ?)"] if behind else []
        where = f"WHERE {' AND '.join(wanted)} " if wanted else ""
        whose = (licensee,) if licensee else ()
        return await self._those(f"{where}{_IN_ORDER} LIMIT ?", *whose, *(behind or ()), most)

    async def part(self, part: Part, now: int, most: int, *, licensee: str = "") -> tuple[Obligation, ...]:
        """Those of one part; see the port."""
        where, order = _PARTS[part]
        whose = " AND licensee = ?" if licensee else ""
        values = (*((now,) if "?" in where else ()), *((licensee,) if licensee else ()), most)
        return await self._those(f"WHERE {where}{whose} {order} LIMIT ?", *values)

    async def tally(
        self, now: int, soon: int, licenses: Collection[str] = (), *, licensee: str = ""
    ) -> Tally:
        """How many there are; see the port."""
        listed = orjson.dumps(sorted(licenses)).decode()
        values = (now, soon, listed, *((licensee,) if licensee else ()))
        sql = _TALLY.replace("{whose}", " AND licensee = ?4" if licensee else "")

        def act(db: apsw.Connection) -> Any:
            return db.execute(sql, values).fetchone()

        return Tally(*map(int, await self._database.read(act)))

    async def holders(self) -> tuple[str, ...]:
        """The licensees that have a duty."""

        def act(db: apsw.Connection) -> list[str]:
            rows: Any = db.execute(_HOLDERS)
            return [str(id) for (id,) in rows]

        return tuple(await self._database.read(act))

    async def put(
        self,
        old_version: str,
        new: Obligation,
        *,
        at: int,
        report: TransparencyReport | None = None,
        also: Sequence[Obligation] = (),
        events: Sequence[Event] = (),
    ) -> bool:
        """Keep *new* if *old_version* stands there, with all that comes of it; see the port."""

        def act(db: apsw.Connection) -> bool:
            db.execute(
                "UPDATE duties SET version = ?, deadline = ?, unmet = ?, document = ? WHERE id = ? AND version = ?",
                (new.version, new.deadline, int(new.unmet), write_duty(new), new.id, old_version),
            )
            if not db.changes():
                return False
            if report is not None:
                db.execute(
                    "INSERT INTO reports (duty, sha256, license, at, document) VALUES (?, ?, ?, ?, ?)"
                    " ON CONFLICT (duty, sha256) DO UPDATE SET at = excluded.at",
                    (new.id, report.sha256, new.license, at, report.document.decode()),
                )
            _add(db, also)
            keep_events(db, events)
            license = license_by_id(db, new.license)
            if license is not None and not new.unmet:
                suspending.resume(db, license, new.id, at)
            return True

        return await self._database.write(act)

    async def suspend(self, duty: Obligation, said: str, at: int) -> bool:
        """Suspend the license of *duty* for it; see the port."""

        def act(db: apsw.Connection) -> bool:
            same = db.execute("SELECT 1 FROM duties WHERE id = ? AND version = ?", (duty.id, duty.version))
            license = license_by_id(db, duty.license) if same.fetchone() else None
            return license is not None and suspending.suspend(db, license, duty.id, said, at)

        return await self._database.write(act)

    async def tell(self, events: Sequence[Event]) -> None:
        """Keep *events*, each id once."""
        await self._database.write(lambda db: keep_events(db, events))

    async def reports(self, license: str) -> tuple[KeptReport, ...]:
        """The reports of *license*, oldest first."""

        def act(db: apsw.Connection) -> list[Any]:
            sql = (
                "SELECT duty, license, at, document FROM reports WHERE license = ? ORDER BY at, duty, sha256"
            )
            return db.execute(sql, (license,)).fetchall()

        rows = await self._database.read(act)
        return tuple(
            KeptReport(duty, license, at, read_kept_report(text)) for duty, license, at, text in rows
        )

    async def _those(self, rest: str, *values: str | int) -> tuple[Obligation, ...]:
        def act(db: apsw.Connection) -> list[str]:
            rows: Any = db.execute(f"SELECT document FROM duties {rest}", values)  # noqa: S608
            return [text for (text,) in rows]

        return tuple(read_duty(text) for text in await self._database.read(act))


class SqliteAudits:
    """Audits, each a row whose version says whether it is still what was read."""

    def __init__(self, database: Database) -> None:
        """Keep audits in *database*, beside its licenses."""
        self._database = database

    async def put(
        self, old_version: str, new: AuditCase, *, seen: int = 0, events: Sequence[Event] = ()
    ) -> bool:
        """Keep *new* if *old_version* stands there, or if it is the next of its license; see the port."""
        document = write_audit(new)

        def act(db: apsw.Connection) -> bool:
            if old_version:
                db.execute(
                    "UPDATE audits SET version = ?, document = ? WHERE id = ? AND version = ?",
                    (new.version, document, new.id, old_version),
                )
            else:
                db.execute(
                    "INSERT INTO audits (id, version, license, licensee, site, requested_at, document)"
                    " SELECT ?, ?, ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM audits WHERE license = ?3) = ?"
                    " ON CONFLICT DO NOTHING",
                    (
                        new.id, new.version, new.license, new.licensee, new.site, new.requested_at, document, seen,
                    ),
                )  # fmt: skip
            kept = bool(db.changes())
            if kept:
                keep_events(db, events)
            return kept

        return await self._database.write(act)

    async def get(self, id: str) -> AuditCase | None:
        """The audit of that id."""
        return next(iter(await self._those("WHERE id = ?", id)), None)

    async def of(self, licensee: str, site: str) -> tuple[AuditCase, ...]:
        """Every audit of *licensee* on *site*, oldest first."""
        return await self._those("WHERE licensee = ? AND site = ? ORDER BY requested_at, id", licensee, site)

    async def of_license(self, license: str) -> tuple[AuditCase, ...]:
        """Every audit of *license*, oldest first."""
        return await self._those("WHERE license = ? ORDER BY requested_at, id", license)

    async def everything(self, most: int) -> tuple[AuditCase, ...]:
        """Audits, the newest first; see the port."""
        return await self._those("ORDER BY requested_at DESC, id LIMIT ?", most)

    async def listed(self, most: int, behind: tuple[int, int, str] | None = None) -> tuple[AuditCase, ...]:
        """Audits that are not over first; see the port."""
        order = "ORDER BY open DESC, requested_at DESC, id DESC LIMIT ?"
        if behind is None:
            return await self._those(order, most)
        return await self._those(f"WHERE (open, requested_at, id) < (?, ?, ?) {order}", *behind, most)

    async def _those(self, rest: str, *values: str | int) -> tuple[AuditCase, ...]:
        def act(db: apsw.Connection) -> list[str]:
            rows: Any = db.execute(f"SELECT document FROM audits {rest}", values)  # noqa: S608
            return [text for (text,) in rows]

        return tuple(read_audit(text) for text in await self._database.read(act))


def _add(db: apsw.Connection, duties: Iterable[Obligation]) -> int:
    """Keep those of *duties* whose id is not there; how many."""
    kept = 0
    for duty in duties:
        db.execute(
            "INSERT INTO duties (id, version, license, licensee, site, deadline, unmet, document)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                duty.id, duty.version, duty.license, duty.licensee, duty.site, duty.deadline, int(duty.unmet),
                write_duty(duty),
            ),
        )  # fmt: skip
        kept += db.changes()
    return kept
