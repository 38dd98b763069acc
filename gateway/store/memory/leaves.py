"""`provenance.public_log.Leaves` in memory."""

from __future__ import annotations

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

    async def index(self, entry: str) -> int | None:
        """The index of the leaf of the entry of that id."""
        self._tables.check()
        return next((n for n, each in enumerate(self._tables.entries) if each.entry.id == entry), None)
