"""`provenance.public_log.Leaves` in memory."""

from __future__ import annotations

from gateway.provenance.receipts import Opened
from gateway.provenance.record import leaf
from gateway.store.memory.tables import Tables


class MemoryLeaves:
    """The folded entries as leaves."""

    def __init__(self, tables: Tables) -> None:
        """Read *tables*."""
        self._tables = tables

    async def size(self) -> int:
        """How many there are."""
        self._tables.check()
        return len(self._tables.entries)

    async def leaves(self, begin: int, most: int) -> tuple[bytes, ...]:
        """Those from index *begin* on, at most *most*."""
        self._tables.check()
        found = (each.entry for each in self._tables.entries[begin : begin + most])
        return tuple(leaf(entry, self._tables.salts[entry.id]) for entry in found)

    async def opened(self, entry: str) -> Opened | None:
        """The entry of that id with its place and its salt."""
        self._tables.check()
        for nth, each in enumerate(self._tables.entries):
            found = each.entry
            if found.id == entry:
                salt, licensee = self._tables.salts[entry], getattr(found, "licensee", "")
                return Opened(nth, found.kind, licensee, found.site, found.time_us, found.canonical(), salt)
        return None
