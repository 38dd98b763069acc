"""`licenses.ingestion.Ingestion` in memory."""

from __future__ import annotations

from gateway.event import Event
from gateway.licenses.bundle import TYPES, Fetched
from gateway.provenance.record import FetchRecord
from gateway.store.memory.events import Happened
from gateway.store.memory.register import MemoryRegister
from gateway.store.memory.tables import Tables


class MemoryIngestion:
    """Reads what was folded and who holds what."""

    def __init__(self, register: MemoryRegister, tables: Tables, happened: Happened) -> None:
        """Read *register* and *tables*; keep in *happened*."""
        self._register, self._tables, self._happened = register, tables, happened

    async def awaited(self) -> tuple[str, ...]:
        """Licenses over a bundle that nobody heard of; see the port."""
        told = {each.event.subject for each in self._happened.kept() if each.event.type == TYPES[0]}
        return tuple(each for each in await self.sold() if each not in told)

    async def sold(self) -> tuple[str, ...]:
        """Licenses over a bundle."""
        found = {
            each.id
            for holder in await self._register.licensees()
            for each in await self._register.licenses_of(holder.id)
            if each.terms.scope.bundle is not None
        }
        return tuple(sorted(found))

    async def fetched(self, license_id: str) -> tuple[Fetched, ...]:
        """What was delivered whole under a license."""
        times: dict[tuple[str, str], int] = {}
        for entry in (sealed.entry for sealed in self._tables.entries):
            if (
                isinstance(entry, FetchRecord)
                and (entry.license, entry.status, entry.ended, entry.method)
                == (license_id, 200, "complete", "GET")
                and entry.digest
            ):
                key, at = (entry.path, entry.digest), entry.time_us // 1_000_000
                times[key] = min(at, times.get(key, at))
        return tuple(Fetched(path, digest, at) for (path, digest), at in sorted(times.items()))

    async def tell(self, milestone: Event) -> None:
        """Keep *milestone*."""
        self._happened.keep([milestone])
