"""What a data folder knows and another, older one does not: what a rollback would undo, or a failover has."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.spoken import counted, moment

if TYPE_CHECKING:
    import apsw

    from gateway.store.sqlite.database import Database

#: The file of a folder that came from a backup.
MARK = "restored.json"
#: The file that says when the database lacked what it had answered.
LACKS = "database-lost.json"
_NAMES = {
    "entries": ("journal entry", "journal entries"),
    "licensees": ("licensee", "licensees"),
    "licenses": ("license", "licenses"),
    "revocations": ("revocation", "revocations"),
    "keys": ("rotation or revocation of a key", "rotations or revocations of keys"),
}
_IDS = {
    "licensees": "SELECT id FROM licensees",
    "licenses": "SELECT id || ' ' || version FROM license_terms",
    # A suspension that was lifted and set again is a later one.
    "revocations": "SELECT kind || ' ' || subject || ' ' || at FROM revocations"
    " UNION ALL SELECT 'suspended ' || id FROM licensees WHERE standing = 'suspended'",
}


@dataclass(frozen=True, slots=True)
class Lost:
    """How many of each would be undone. *unreadable* says that the folder could not be read to its end."""

    entries: int = 0
    licensees: int = 0
    licenses: int = 0
    revocations: int = 0
    keys: int = 0
    unreadable: int = 0

    def __bool__(self) -> bool:
        """Whether anything is lost, or may be."""
        return any(asdict(self).values())

    def __str__(self) -> str:
        """The counts that are not zero, for people."""
        told = [counted(getattr(self, name), *words) for name, words in _NAMES.items() if getattr(self, name)]
        if self.unreadable:
            told.append("what cannot be read there")
        return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)

    def as_json(self) -> dict[str, int]:
        """The counts."""
        return asdict(self)

    @classmethod
    def read(cls, counts: dict[str, Any]) -> Lost:
        """The counts of `as_json`; raises `KeyError` or `TypeError` for something else."""
        return cls(**{field.name: int(counts[field.name]) for field in fields(cls)})


NOTHING = Lost()


def restored_note(data: Path) -> str:
    """What to say at start about a folder that came from a backup, or ""."""
    try:
        mark = json.loads((data / MARK).read_text(encoding="utf-8"))
        lost = Lost.read(mark["lost"])
        told = f"on {moment(mark['restored_at'])} from a backup of {moment(mark['taken_at'])}"
        return told + (f"; rolled back: {lost}" if lost else "")
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def mark_database(data: Path, acts: int, now: int) -> None:
    """Note that at second *now* the database lacked up to *acts* transactions that it had answered. Raises `OSError`."""
    (data / LACKS).write_text(json.dumps({"at": now, "acts": acts}) + "\n", encoding="utf-8")
    (data / LACKS).chmod(0o600)


def database_note(data: Path) -> str:
    """What to say of a database that lacked what it had answered, until the file is removed; or ""."""
    try:
        mark = json.loads((data / LACKS).read_text(encoding="utf-8"))
        acts = counted(int(mark["acts"]), "transaction")
        return (
            f"on {moment(mark['at'])} it lacked up to {acts} that it had answered (until {LACKS} is removed)"
        )
    except (OSError, ValueError, KeyError, TypeError):
        return ""


async def what_is_lost(newer: Path, older: Path) -> Lost:
    """What the data folder *newer* holds, wherever its books are, and *older* does not."""
    from gateway.app.stores import has_store, open_store
    from gateway.store.sqlite.database import Database

    missing: dict[str, int] = {}
    unreadable = 0
    mine, whole = _entries(newer / "journal")
    theirs, _ = _entries(older / "journal")
    missing["entries"] = len(mine - theirs)
    unreadable += not whole
    if has_store(newer):
        theirs_by_name = await _ids(await Database.open(older / "licet.db"))
        try:
            for name, ids in (await _ids(await open_store(newer, readers=1))).items():
                missing[name] = len(ids - theirs_by_name[name])
        except (ConfigurationError, StoreUnavailable):
            unreadable += 1
    missing["keys"] = len(_keys(newer / "keys" / "tokens") - _keys(older / "keys" / "tokens"))
    return Lost(**missing, unreadable=unreadable)


def _entries(folder: Path) -> tuple[set[str], bool]:
    """The ids of every entry in the journal *folder*, and whether it could be read to its end."""
    from gateway.provenance.segments import SegmentDamaged, open_entry, read_frames, readable, segments

    found: set[str] = set()
    whole = True
    for path in segments(folder):
        try:
            for frame, _ in read_frames(path, end=readable(path).entries):
                found.add(open_entry(frame).entry.id)
        except SegmentDamaged:
            whole = False
    return found, whole


async def _ids(database: Database) -> dict[str, set[str]]:
    def act(db: apsw.Connection) -> dict[str, set[str]]:
        return {name: {str(id) for (id,) in db.execute(sql)} for name, sql in _IDS.items()}

    try:
        return await database.read(act)
    finally:
        await database.close()


def _keys(folder: Path) -> set[str]:
    """Which keys signed or were given up: what a rotation or a revocation adds to."""
    from gateway.clock import SystemClock
    from gateway.keys.key_ring import KeyRing
    from gateway.keys.manifest import State

    try:
        rows = KeyRing.open(folder, SystemClock()).list()
    except ConfigurationError:
        return set()
    return {f"{row.kid} {row.state}" for row in rows if row.state in {State.RETIRING, State.REVOKED}}
