"""`dashboard.admin_log.AdminNotes` in memory."""

from __future__ import annotations

from gateway.dashboard.admin_log import Noted
from gateway.provenance.record import AdminNote
from gateway.store.memory.tables import Tables


class MemoryAdminNotes:
    """The notes among the folded entries."""

    def __init__(self, tables: Tables) -> None:
        """Read from *tables*."""
        self._tables = tables

    async def latest(self, before: int, most: int) -> tuple[Noted, ...]:
        """The latest notes first; see the port."""
        self._tables.check()
        found = [
            Noted(booked.seq, booked.entry)
            for booked in reversed(self._tables.entries)
            if isinstance(booked.entry, AdminNote) and (not before or booked.seq < before)
        ]
        return tuple(found[:most])
