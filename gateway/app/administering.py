"""Where what administrators did goes: into the office's own journal, and from there into the books like every entry."""

from __future__ import annotations

from collections.abc import Callable

from gateway.dashboard.admin_log import AdminLog
from gateway.provenance.journal import Journal
from gateway.provenance.record import AdminNote
from gateway.store.sqlite.admin_notes import SqliteAdminNotes
from gateway.store.sqlite.database import Database


def admin_log_of(pages: Database, journal: Journal, wake: Callable[[], None]) -> AdminLog:
    """The notes in *pages*; new ones go to *journal*, and *wake* has them folded at once."""

    async def keep(note: AdminNote) -> None:
        await journal.keep(note)
        wake()

    return AdminLog(SqliteAdminNotes(pages), keep, lambda: journal.room(paid=True))
