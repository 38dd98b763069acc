"""`provenance.public_log.Leaves` on SQLite; what was folded a moment ago is at hand, and not made again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import apsw

from gateway.provenance.receipts import Opened
from gateway.provenance.record import public_leaf
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.octets import PLACE, Octets
from gateway.store.sqlite.shelved import Left, LeftRows, with_left

#: Leaves that are held for the public log; a log that lags behind by more reads them.
_HELD: Final = 1 << 14


class FreshLeaves:
    """The leaves of entries that were just committed, one after the other, until they are taken. For one event loop."""

    def __init__(self) -> None:
        """Hold none."""
        self._begin = 0
        self._held: list[bytes] = []

    def put(self, index: int, leaves: Sequence[bytes]) -> None:
        """Hold *leaves* from *index* on, which the store has committed; those that they do not follow are let go."""
        if index != self._begin + len(self._held) or len(self._held) + len(leaves) > _HELD:
            self._begin, self._held = index, []
        self._held += leaves

    def take(self, begin: int, most: int) -> tuple[bytes, ...]:
        """Those from index *begin* on, at most *most*, empty where they are not held; nothing before them is asked for again."""
        at = begin - self._begin
        if not 0 <= at < len(self._held):
            return ()
        taken = tuple(self._held[at : at + most])
        self._begin += at
        del self._held[:at]
        return taken


class SqliteLeaves:
    """The folded entries as leaves; the one numbered 1 is at index 0."""

    def __init__(self, database: Database, fresh: FreshLeaves | None = None) -> None:
        """Read *database*; what *fresh* holds of it need not be read."""
        self._database = database
        self._fresh = fresh or FreshLeaves()

    async def size(self) -> int:
        """How many there are."""
        return await self._database.read(
            lambda db: db.execute("SELECT coalesce(max(seq), 0) FROM journal").get
        )

    async def leaves(self, begin: int, most: int) -> tuple[bytes, ...]:
        """Those from index *begin* on, at most *most*."""
        if held := self._fresh.take(begin, most):
            return held

        def act(db: apsw.Connection) -> tuple[bytes, ...]:
            # Numbers have no gap: behind *begin* stand as many as are asked for, rows and such as left.
            rows: Any = db.execute(
                f"SELECT seq, site, time_us, {PLACE} FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq",  # noqa: S608
                (begin, begin + most),
            )
            with Octets(db) as octets:
                found = [(seq, public_leaf(site, at, *octets.of(*place))) for seq, site, at, *place in rows]
            return tuple(with_left(db, begin, begin + most, found, lambda left: left.leaf))

        return await self._database.read(act)

    async def opened(self, entry: str) -> Opened | None:
        """The entry of that id with its place and its salt."""

        def act(db: apsw.Connection) -> Opened | None:
            found = _opened(db, "WHERE id = ?", entry)
            if found:
                return found[0][1]
            with LeftRows(db) as reading:
                left = reading.of(entry)
            return None if left is None else _of_left(left)

        return await self._database.read(act)

    async def opened_from(self, begin: int, most: int) -> tuple[Opened, ...]:
        """Entries from index *begin* on, at most *most*."""

        def act(db: apsw.Connection) -> tuple[Opened, ...]:
            rows = _opened(db, "WHERE seq > ? AND seq <= ? ORDER BY seq", begin, begin + most)
            return tuple(with_left(db, begin, begin + most, rows, _of_left))

        return await self._database.read(act)

    async def opened_of(
        self, licensee: str, since_us: int, until_us: int, after: tuple[int, int], most: int
    ) -> tuple[Opened, ...]:
        """Entries of *licensee* in that time behind *after*, at most *most*."""
        time_us, index = after

        def act(db: apsw.Connection) -> tuple[Opened, ...]:
            rest = (
                "WHERE licensee = ? AND time_us >= ? AND time_us < ? AND (time_us, seq) > (?, ?)"
                " ORDER BY time_us, seq LIMIT ?"
            )
            # What a licensee has part in never leaves.
            values = (licensee, max(since_us, time_us), until_us, time_us, index + 1, most)
            return tuple(opened for _, opened in _opened(db, rest, *values))

        return await self._database.read(act)


def _opened(db: apsw.Connection, rest: str, *values: str | int) -> list[tuple[int, Opened]]:
    rows: Any = db.execute(
        f"SELECT seq, kind, licensee, site, time_us, {PLACE} FROM entries {rest}",  # noqa: S608
        values,
    )
    with Octets(db) as octets:
        return [
            (seq, Opened(seq - 1, kind, licensee, site, time_us, *octets.of(*place)))
            for seq, kind, licensee, site, time_us, *place in rows
        ]


def _of_left(left: Left) -> Opened:
    return Opened(left.seq - 1, left.kind, left.licensee, left.site, left.time_us, *left.standing)
