"""`provenance.public_log.Leaves` in memory."""

from __future__ import annotations

from collections.abc import Iterator

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
        return next((each for each in self._all() if each[0] == entry), ("", None))[1]

    async def opened_from(self, begin: int, most: int) -> tuple[Opened, ...]:
        """Entries from index *begin* on, at most *most*."""
        self._tables.check()
        return tuple(each for _, each in self._all())[begin : begin + most]

    async def opened_of(
        self, licensee: str, since_us: int, until_us: int, after: tuple[int, int], most: int
    ) -> tuple[Opened, ...]:
        """Entries of *licensee* in that time behind *after*, at most *most*."""
        self._tables.check()
        found = [
            each
            for _, each in self._all()
            if each.licensee == licensee
            and since_us <= each.time_us < until_us
            and (each.time_us, each.index) > after
        ]
        return tuple(sorted(found, key=lambda each: (each.time_us, each.index))[:most])

    def _all(self) -> Iterator[tuple[str, Opened]]:
        for nth, each in enumerate(self._tables.entries):
            entry = each.entry
            salt, licensee = self._tables.salts[entry.id], getattr(entry, "licensee", "")
            yield (
                entry.id,
                Opened(nth, entry.kind, licensee, entry.site, entry.time_us, entry.canonical(), salt),
            )
