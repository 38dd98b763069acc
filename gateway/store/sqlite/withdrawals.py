"""`licenses.withdrawals.Withdrawals` on SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import apsw
import orjson

from gateway.event import Event
from gateway.licenses.removal import Copy, Removal
from gateway.licenses.withdrawal import Withdrawal
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.events import keep_events
from gateway.store.withdrawal_json import (
    read_removal,
    read_withdrawal,
    waits,
    write_removal,
    write_withdrawal,
)
from gateway.uses import parse_use

_COPIES: Final = (
    "SELECT licensee, path, work, digest, uses, max(time_us) / 1000000 FROM ("
    " SELECT licensee, path, work, time_us, digest, uses FROM entries"
    " WHERE kind = 'fetch' AND status IN (200, 206) AND site = ?"
    " UNION ALL SELECT '', w.word, b.work, b.last_us, b.digest, b.uses"
    " FROM shelved_bodies b JOIN words w ON w.id = b.path WHERE b.site = ?) AS copies"
    " WHERE ? = '[]' OR digest IN (SELECT value FROM json_each(?))"
    " GROUP BY licensee, path, work, digest, uses ORDER BY licensee, path, digest, uses"
)


class SqliteWithdrawals:
    """Withdrawals and removals, each a row with its document."""

    def __init__(self, database: Database) -> None:
        """Keep them in *database*, whose entries say what was delivered."""
        self._database = database
        self._last: tuple[tuple[str, ...], tuple[Withdrawal, ...]] = ((), ())

    async def issue(
        self, withdrawal: Withdrawal, removals: Sequence[Removal] = (), *, events: Sequence[Event] = ()
    ) -> bool:
        """Keep a new withdrawal; see the port."""
        each = withdrawal

        def act(db: apsw.Connection) -> bool:
            db.execute(
                "INSERT INTO withdrawals (id, site, since, readmitted_at, document)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (each.id, each.site, each.since, each.readmitted_at, write_withdrawal(each)),
            )
            if not db.changes():
                return False
            for removal in removals:
                _put(db, removal)
            keep_events(db, events)
            return True

        return await self._database.write(act)

    async def lift(
        self, withdrawal: Withdrawal, removals: Sequence[Removal] = (), *, events: Sequence[Event] = ()
    ) -> bool:
        """Keep that it is lifted; see the port."""

        def act(db: apsw.Connection) -> bool:
            db.execute(
                "UPDATE withdrawals SET readmitted_at = ?, document = ? WHERE id = ? AND readmitted_at = 0",
                (withdrawal.readmitted_at, write_withdrawal(withdrawal), withdrawal.id),
            )
            if not db.changes():
                return False
            for removal in removals:
                _put(db, removal)
            keep_events(db, events)
            return True

        return await self._database.write(act)

    async def get(self, id: str) -> Withdrawal | None:
        """The withdrawal of that id."""
        texts = await self._texts("SELECT document FROM withdrawals WHERE id = ?", id)
        return read_withdrawal(texts[0]) if texts else None

    async def all(self, most: int, after: str = "") -> tuple[Withdrawal, ...]:
        """Every withdrawal, those issued last first; see the port."""
        behind = "WHERE nth < (SELECT nth FROM withdrawals WHERE id = ?) " if after else ""
        order = f"SELECT document FROM withdrawals {behind}ORDER BY nth DESC LIMIT ?"  # noqa: S608
        values = (after, most) if after else (most,)
        return tuple(map(read_withdrawal, await self._texts(order, *values)))

    async def in_force(self, now: int) -> tuple[Withdrawal, ...]:
        """Those in force at *now*, by id."""
        texts = await self._texts(
            "SELECT document FROM withdrawals WHERE since <= ? AND readmitted_at = 0"
            " UNION ALL SELECT document FROM withdrawals WHERE since <= ? AND readmitted_at > ?",
            now, now, now,
        )  # fmt: skip
        if texts != self._last[0]:
            self._last = texts, tuple(sorted(map(read_withdrawal, texts), key=lambda each: each.id))
        return self._last[1]

    async def change(self, removal: Removal, *, events: Sequence[Event] = ()) -> bool:
        """Keep another version of a removal; see the port."""

        def act(db: apsw.Connection) -> bool:
            db.execute(
                "UPDATE removals SET version = ?, plan_due = ?, waits = ?, document = ?"
                " WHERE withdrawal = ? AND licensee = ? AND version = ?",
                (
                    removal.version, removal.plan_due, int(waits(removal)), write_removal(removal),
                    removal.withdrawal, removal.licensee, removal.version - 1,
                ),
            )  # fmt: skip
            if not db.changes():
                return False
            keep_events(db, events)
            return True

        return await self._database.write(act)

    async def removals(self, withdrawal: str) -> tuple[Removal, ...]:
        """What each licensee does about one withdrawal, by licensee."""
        texts = await self._texts(
            "SELECT document FROM removals WHERE withdrawal = ? ORDER BY licensee", withdrawal
        )
        return tuple(map(read_removal, texts))

    async def removals_of(self, licensee: str) -> tuple[Removal, ...]:
        """What one licensee was told, the latest first."""
        texts = await self._texts(
            "SELECT document FROM removals WHERE licensee = ? ORDER BY told_at DESC, withdrawal DESC",
            licensee,
        )
        return tuple(map(read_removal, texts))

    async def waiting(self, most: int) -> tuple[Removal, ...]:
        """Removals without a plan, the earliest due first."""
        texts = await self._texts(
            "SELECT document FROM removals WHERE waits = 1 ORDER BY plan_due, withdrawal, licensee LIMIT ?",
            most,
        )
        return tuple(map(read_removal, texts))

    async def copies(self, site: str, digests: Sequence[str] = ()) -> tuple[Copy, ...]:
        """What was delivered; see the port."""
        wanted = orjson.dumps(list(digests)).decode()

        def act(db: apsw.Connection) -> list[tuple[Any, ...]]:
            return list(db.execute(_COPIES, (site, site, wanted, wanted)))

        return tuple(
            Copy(licensee, path, work, digest or "", _uses(uses), last)
            for licensee, path, work, digest, uses, last in await self._database.read(act)
        )

    async def _texts(self, query: str, *values: str | int) -> tuple[str, ...]:
        def act(db: apsw.Connection) -> tuple[str, ...]:
            return tuple(str(text) for (text,) in db.execute(query, values))

        return await self._database.read(act)


def _put(db: apsw.Connection, removal: Removal) -> None:
    db.execute(
        "INSERT INTO removals (withdrawal, licensee, version, told_at, plan_due, waits, document)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (withdrawal, licensee) DO UPDATE"
        " SET version = excluded.version, plan_due = excluded.plan_due, waits = excluded.waits,"
        " document = excluded.document",
        (
            removal.withdrawal, removal.licensee, removal.version, removal.told_at, removal.plan_due,
            int(waits(removal)), write_removal(removal),
        ),
    )  # fmt: skip


def _uses(text: str | None) -> frozenset[Any]:
    words = orjson.loads(text) if text else []
    return frozenset(use for word in words if (use := parse_use(str(word))) is not None)
