"""`licenses.originals.Originals` in memory."""

from __future__ import annotations

from gateway.licenses.authorship import Original, Seen
from gateway.provenance.record import FetchRecord
from gateway.store.memory.tables import Tables


class MemoryOriginals:
    """Originals by site, work and digest."""

    def __init__(self, tables: Tables | None = None) -> None:
        """Start empty; *tables* hold what was delivered."""
        self._tables = tables or Tables()
        self._found: dict[tuple[str, str, str], Original] = {}

    async def add(self, original: Original) -> bool:
        """Keep it; see the port."""
        key = original.site, original.work, original.digest
        if key in self._found:
            return False
        self._found[key] = original
        return True

    async def of_work(self, site: str, work: str) -> tuple[Original, ...]:
        """Those of a work, the earliest first."""
        found = (each for each in self._found.values() if (each.site, each.work) == (site, work))
        return tuple(sorted(found, key=lambda each: (each.added_at, each.digest)))

    async def seen(self, site: str, work: str) -> tuple[Seen, ...]:
        """What was delivered whole of a work."""
        times: dict[tuple[str, str], list[int]] = {}
        for entry in (sealed.entry for sealed in self._tables.entries):
            if (
                isinstance(entry, FetchRecord)
                and (entry.site, entry.work, entry.status, entry.ended) == (site, work, 200, "complete")
                and entry.digest
            ):
                times.setdefault((entry.path, entry.digest), []).append(entry.time_us // 1_000_000)
        found = (Seen(path, digest, min(all_), max(all_)) for (path, digest), all_ in times.items())
        return tuple(sorted(found, key=lambda each: (each.path, each.first_at, each.digest)))
