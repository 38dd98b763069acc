"""`licenses.withdrawals.Withdrawals` in memory."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.event import Event
from gateway.licenses.removal import Copy, Removal
from gateway.licenses.withdrawal import Withdrawal
from gateway.provenance.record import FetchRecord
from gateway.store.memory.events import Happened
from gateway.store.memory.tables import Tables, behind
from gateway.store.withdrawal_json import waits
from gateway.uses import parse_use


class MemoryWithdrawals:
    """Withdrawals by id, removals by withdrawal and licensee."""

    def __init__(self, tables: Tables | None = None, happened: Happened | None = None) -> None:
        """Start empty; *tables* hold what was delivered, events go to *happened*."""
        self._tables, self._happened = tables or Tables(), happened or Happened()
        self._found: dict[str, Withdrawal] = {}
        self._removals: dict[tuple[str, str], Removal] = {}

    async def issue(
        self, withdrawal: Withdrawal, removals: Sequence[Removal] = (), *, events: Sequence[Event] = ()
    ) -> bool:
        """Keep a new withdrawal; see the port."""
        if withdrawal.id in self._found:
            return False
        self._keep(withdrawal, removals, events)
        return True

    async def lift(
        self, withdrawal: Withdrawal, removals: Sequence[Removal] = (), *, events: Sequence[Event] = ()
    ) -> bool:
        """Keep that it is lifted; see the port."""
        before = self._found.get(withdrawal.id)
        if before is None or before.readmitted_at:
            return False
        self._keep(withdrawal, removals, events)
        return True

    async def get(self, id: str) -> Withdrawal | None:
        """The withdrawal of that id."""
        return self._found.get(id)

    async def all(self, most: int, after: str = "") -> tuple[Withdrawal, ...]:
        """Every withdrawal, those issued last first; see the port."""
        return behind(tuple(reversed(self._found.values())), after)[:most]

    async def in_force(self, now: int) -> tuple[Withdrawal, ...]:
        """Those in force at *now*, by id."""
        found = (each for each in self._found.values() if each.in_force(now))
        return tuple(sorted(found, key=lambda each: each.id))

    async def change(self, removal: Removal, *, events: Sequence[Event] = ()) -> bool:
        """Keep another version of a removal; see the port."""
        key = removal.withdrawal, removal.licensee
        before = self._removals.get(key)
        if before is None or before.version != removal.version - 1:
            return False
        self._removals[key] = removal
        self._happened.keep(events)
        return True

    async def removals(self, withdrawal: str) -> tuple[Removal, ...]:
        """What each licensee does about one withdrawal, by licensee."""
        found = (each for each in self._removals.values() if each.withdrawal == withdrawal)
        return tuple(sorted(found, key=lambda each: each.licensee))

    async def removals_of(self, licensee: str) -> tuple[Removal, ...]:
        """What one licensee was told, the latest first."""
        found = (each for each in self._removals.values() if each.licensee == licensee)
        return tuple(sorted(found, key=lambda each: (each.told_at, each.withdrawal), reverse=True))

    async def waiting(self, most: int) -> tuple[Removal, ...]:
        """Removals without a plan, the earliest due first."""
        found = (each for each in self._removals.values() if waits(each))
        return tuple(sorted(found, key=lambda each: (each.plan_due, each.withdrawal, each.licensee))[:most])

    async def copies(self, site: str, digests: Sequence[str] = ()) -> tuple[Copy, ...]:
        """What was delivered; see the port."""
        last: dict[tuple[str, str, str, str, tuple[str, ...]], int] = {}
        for entry in (sealed.entry for sealed in self._tables.entries):
            if (
                isinstance(entry, FetchRecord)
                and entry.site == site
                and entry.status in {200, 206}
                and (not digests or entry.digest in digests)
            ):
                key = entry.licensee, entry.path, entry.work, entry.digest, entry.uses
                last[key] = max(last.get(key, 0), entry.time_us // 1_000_000)
        return tuple(
            Copy(licensee, path, work, digest, frozenset(filter(None, map(parse_use, uses))), at)
            for (licensee, path, work, digest, uses), at in sorted(last.items())
        )

    def _keep(self, withdrawal: Withdrawal, removals: Sequence[Removal], events: Sequence[Event]) -> None:
        self._found[withdrawal.id] = withdrawal
        for each in removals:
            self._removals[each.withdrawal, each.licensee] = each
        self._happened.keep(events)
