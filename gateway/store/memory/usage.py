"""`outbox.usage.UsageCounts` in memory."""

from __future__ import annotations

from gateway.outbox.usage import counted
from gateway.provenance.record import FetchRecord
from gateway.store.memory.events import Happened
from gateway.store.memory.tables import Tables


class MemoryUsageCounts:
    """Counts the folded journal."""

    def __init__(self, tables: Tables, happened: Happened) -> None:
        """Count *tables*; events go to *happened*."""
        self._tables, self._happened, self._after = tables, happened, 0

    async def count(self, most: int, now: int) -> int:
        """Count the next entries; see the port."""
        self._tables.check()
        upto = min(len(self._tables.entries), self._after + most)
        sums: dict[tuple[str, str, str, int], tuple[int, int]] = {}
        for booked in self._tables.entries[self._after : upto]:
            each = booked.entry
            if isinstance(each, FetchRecord) and each.is_paid and each.charge_reason == "fetch":
                day = each.time_us // 86_400_000_000 * 86_400
                key = (each.licensee, each.license, each.currency, day)
                count, micros = sums.get(key, (0, 0))
                sums[key] = count + 1, micros + each.charged_micros
        events = [counted(*key, total, (self._after, upto), now) for key, total in sorted(sums.items())]
        self._happened.keep(events)
        self._after = upto
        return len(events)
