"""`licenses.lives.Lives` on SQLite: the versions of licenses, beside the register in one file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import apsw

from gateway.event import Event
from gateway.licenses.exclusivity import Conflict
from gateway.licenses.license import License
from gateway.licenses.life import NOTICE_SECONDS, cut, follows, warned_from
from gateway.licenses.life_events import expired, expiring
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import keep_events
from gateway.store.sqlite.register import COLUMNS, in_the_way, licenses_where, row_of_license

_REVOKED: Final = "EXISTS (SELECT 1 FROM revocations WHERE kind = 'license' AND subject = licenses.id)"
_OF: Final = "WHERE id = ? ORDER BY version"


class SqliteLives:
    """Every version of every license, and how it ends."""

    def __init__(self, database: Database) -> None:
        """Keep versions in *database*, beside its licenses."""
        self._database = database

    async def versions(self, license_id: str) -> tuple[License, ...]:
        """Every version of a license, in order."""
        return await self._database.read(lambda db: licenses_where(db, _OF, license_id))

    async def put_version(
        self, new: License, agreement: str, *, events: Sequence[Event] = ()
    ) -> License | Conflict | None:
        """Keep *new* as the next version of its license; see the port."""

        def act(db: apsw.Connection) -> License | Conflict | None:
            made = _made_by(db, agreement)
            if made is not None:
                return made
            versions = licenses_where(db, _OF, new.id)
            if not versions or not follows(versions[-1], new) or _revoked(db, new.id):
                return None
            taken = in_the_way(db, new)
            if taken is not None:
                return taken
            last = cut(versions[-1], new)
            if last != versions[-1]:
                _set(db, last, "ends_at = ?, ended_at = ?", last.ends_at, new.starts_at)
            blanks = ", ".join("?" * (len(COLUMNS.split(", ")) + 3))
            db.execute(
                f"INSERT INTO later_versions ({COLUMNS}, version, agreement, duties_planned) VALUES ({blanks})",  # noqa: S608
                (*row_of_license(new), new.version, agreement, int(last != versions[-1])),
            )
            keep_events(db, events)
            return new

        return await self._database.write(act)

    async def made_by(self, agreement: str) -> License | None:
        """The version that *agreement* made."""
        return await self._database.read(lambda db: _made_by(db, agreement))

    async def expire(self, now: int, most: int) -> tuple[License, ...]:
        """End what ran out by *now*; see the port."""
        if not await self._database.read(lambda db: _running(db, now, 1)):
            return ()

        def act(db: apsw.Connection) -> tuple[License, ...]:
            found = _running(db, now, most)
            for each in found:
                _set(db, each, "ended_at = ?", max(now, 1))
                if _is_last(db, each) and not _revoked(db, each.id):
                    keep_events(db, [expired(each, now)])
            return found

        return await self._database.write(act)

    async def warn(self, now: int, most: int) -> tuple[License, ...]:
        """Mark what ends soon; see the port."""
        # No term has a longer notice, so what ends later need not be looked at.
        rest = f"WHERE ended_at = 0 AND warned = 0 AND ends_at > ? AND ends_at <= ? AND NOT {_REVOKED} ORDER BY ends_at, id"

        def due(db: apsw.Connection) -> list[License]:
            found = licenses_where(db, rest, now, now + NOTICE_SECONDS)
            return [each for each in found if warned_from(each) <= now and _is_last(db, each)][:most]

        if not await self._database.read(due):
            return ()

        def act(db: apsw.Connection) -> tuple[License, ...]:
            found = due(db)
            for each in found:
                _set(db, each, "warned = ?", 1)
                keep_events(db, [expiring(each, now)])
            return tuple(found)

        return await self._database.write(act)


def _running(db: apsw.Connection, now: int, most: int) -> tuple[License, ...]:
    return licenses_where(db, "WHERE ended_at = 0 AND ends_at <= ? ORDER BY ends_at, id LIMIT ?", now, most)


def _made_by(db: apsw.Connection, agreement: str) -> License | None:
    row: Any = db.execute(
        "SELECT id, version FROM later_versions WHERE agreement = ?", (agreement,)
    ).fetchone()
    if row is None:
        return None
    return licenses_where(db, "WHERE id = ? AND version = ?", *row)[0]


def _is_last(db: apsw.Connection, license: License) -> bool:
    row = db.execute(
        "SELECT 1 FROM later_versions WHERE id = ? AND version > ?", (license.id, license.version)
    ).fetchone()
    return row is None


def _revoked(db: apsw.Connection, license_id: str) -> bool:
    sql = "SELECT 1 FROM revocations WHERE kind = 'license' AND subject = ?"
    return db.execute(sql, (license_id,)).fetchone() is not None


def _set(db: apsw.Connection, license: License, change: str, *values: int) -> None:
    if license.version == 1:
        db.execute(f"UPDATE licenses SET {change} WHERE id = ?", (*values, license.id))  # noqa: S608
        return
    db.execute(
        f"UPDATE later_versions SET {change} WHERE id = ? AND version = ?",  # noqa: S608
        (*values, license.id, license.version),
    )
