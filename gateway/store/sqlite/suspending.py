"""Putting and lifting a suspension inside a transaction, for every adapter whose acts do so."""

from __future__ import annotations

from typing import Any

import apsw

from gateway.licenses.duty_events import suspension_event
from gateway.licenses.license import License
from gateway.licenses.suspension import Suspension
from gateway.store.sqlite.events import keep_events

_ALL = "SELECT license, cause, said, since, lifted_at FROM suspensions"


def suspend(db: apsw.Connection, license: License, cause: str, said: str, at: int) -> bool:
    """Put *cause* on *license* and keep the event; False, and nothing changed, where it stands already."""
    made = Suspension(license.id, cause, said, at)
    db.execute(
        "INSERT INTO suspensions (license, cause, since, said) SELECT ?, ?, ?, ? WHERE NOT EXISTS"
        " (SELECT 1 FROM suspensions WHERE license = ?1 AND cause = ?2 AND (lifted_at = 0 OR since = ?3))",
        (license.id, cause, at, said),
    )
    if not db.changes():
        return False
    keep_events(db, [suspension_event(made, license)])
    return True


def resume(db: apsw.Connection, license: License, cause: str, at: int) -> bool:
    """Lift *cause* from *license* and keep the event; False where it does not stand."""
    before = next((each for each in suspensions(db, license.id) if each.cause == cause and each.stands), None)
    if before is None:
        return False
    lifted = Suspension(license.id, cause, before.said, before.since, max(at, 1))
    db.execute(
        "UPDATE suspensions SET lifted_at = ? WHERE license = ? AND cause = ? AND lifted_at = 0",
        (lifted.lifted_at, license.id, cause),
    )
    keep_events(db, [suspension_event(lifted, license)])
    return True


def suspensions(db: apsw.Connection, license: str) -> tuple[Suspension, ...]:
    """Every cause that *license* was ever suspended for, in order."""
    rows: Any = db.execute(f"{_ALL} WHERE license = ? ORDER BY since, cause", (license,))
    return tuple(Suspension(*row) for row in rows)


def standing_suspensions(db: apsw.Connection) -> tuple[Suspension, ...]:
    """Every cause that stands."""
    rows: Any = db.execute(f"{_ALL} WHERE lifted_at = 0")
    return tuple(Suspension(*row) for row in rows)
