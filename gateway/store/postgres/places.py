"""The machines that share a database, and the parts of their data folders that all of them have in common.

A place says every few seconds that it is there, by the server's clock alone, so
that no machine's own clock counts. One that was silent for too long is *lost*:
what its workers had set aside is credit again. Its ``losses`` count that, so
that a machine which was only cut off, and comes back, learns that it may sell
nothing under what it had set aside before.

A part is a folder as octets that this module cannot read. Whoever changes one
names the generation that it changed; if another machine was faster, nothing is
changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

_SEEN: Final = (
    "INSERT INTO places (place, machine, version, settings, since_us, seen_us, losses)"
    " VALUES (?1, ?2, ?3, ?4, now_us(), now_us(), 0) ON CONFLICT (place) DO UPDATE SET machine = excluded.machine,"
    " version = excluded.version, settings = excluded.settings, seen_us = excluded.seen_us RETURNING losses"
)


class Writing(Protocol):
    """What is needed of `database.Postgres`."""

    place: str

    async def write(self, act: Any) -> Any:
        """Run an act."""
        ...

    async def read(self, act: Any) -> Any:
        """Run an act that reads."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """One machine: when it was first and last heard from (microseconds), and how long ago that is by the server's clock.

    *settings* is a digest of what must be the same everywhere.
    """

    place: str
    machine: str
    version: str
    settings: str
    since_us: int
    seen_us: int
    silent_us: int
    losses: int


class Places:
    """Who shares *database*."""

    def __init__(self, database: Writing) -> None:
        """Speak for the place that *database* was opened as."""
        self._database = database

    async def here(self, machine: str, version: str, settings: str) -> int:
        """Say that this place is there; how often it was lost so far."""
        values = (self._database.place, machine, version, settings)
        losses: int = await self._database.write(lambda db: db.execute(_SEEN, values).get)
        return losses

    async def all(self) -> tuple[Place, ...]:
        """Every place that was ever here, the last one heard from first."""
        sql = (
            "SELECT place, machine, version, settings, since_us, seen_us, now_us() - seen_us, losses"
            " FROM places ORDER BY seen_us DESC, place"
        )
        rows = await self._database.read(lambda db: list(db.execute(sql)))
        return tuple(Place(*row) for row in rows)

    async def lose(self, silent_seconds: float) -> tuple[str, ...]:
        """Close the purses of every place that was silent for that long; which had any. One atomic act."""
        here, silent_us = self._database.place, int(silent_seconds * 1_000_000)

        def act(db: Any) -> tuple[str, ...]:
            sql = (
                "SELECT p.place FROM places p WHERE p.place <> ?1 AND p.seen_us < now_us() - CAST(?2 AS BIGINT)"
                " AND EXISTS (SELECT 1 FROM purses q WHERE q.place = p.place) ORDER BY p.place"
            )
            lost = tuple(str(place) for (place,) in db.execute(sql, (here, silent_us)).fetchall())
            for place in lost:
                db.execute("UPDATE places SET losses = losses + 1 WHERE place = ?", (place,))
                db.execute("DELETE FROM purses WHERE place = ?", (place,))
            return lost

        found: tuple[str, ...] = await self._database.write(act)
        return found


class Parts:
    """The parts that all places have in common."""

    def __init__(self, database: Writing) -> None:
        """Keep them in *database*."""
        self._database = database

    async def generations(self) -> Mapping[str, int]:
        """The generation of every part that there is, from 1."""
        sql = "SELECT name, generation FROM shared_parts"
        rows = await self._database.read(lambda db: list(db.execute(sql)))
        return {str(name): int(generation) for name, generation in rows}

    async def part(self, name: str) -> tuple[int, bytes] | None:
        """Generation and octets of a part, or None where there is none."""
        sql = "SELECT generation, sealed FROM shared_parts WHERE name = ?"
        row = await self._database.read(lambda db: db.execute(sql, (name,)).fetchone())
        return (int(row[0]), bytes(row[1])) if row else None

    async def put(self, name: str, base: int, sealed: bytes) -> bool:
        """Make *sealed* the part after generation *base*, 0 for none; False, and nothing is done, if that is not the last one."""
        place = self._database.place

        def act(db: Any) -> bool:
            found = db.execute("SELECT generation FROM shared_parts WHERE name = ?", (name,)).get or 0
            if found != base:
                return False
            db.execute(
                "INSERT INTO shared_parts (name, generation, place, sealed) VALUES (?, ?, ?, ?) ON CONFLICT (name)"
                " DO UPDATE SET generation = excluded.generation, place = excluded.place, sealed = excluded.sealed",
                (name, base + 1, place, sealed),
            )
            return True

        done: bool = await self._database.write(act)
        return done
