"""`billing.dispute_book.DisputeBook` in memory."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.billing.line_disputes import Dispute, Disputed
from gateway.event import Event
from gateway.store.memory.events import Happened
from gateway.store.memory.tables import behind


class MemoryDisputeBook:
    """Disputes by id."""

    def __init__(self, happened: Happened | None = None) -> None:
        """Start empty; events go to *happened*."""
        self._happened = happened or Happened()
        self._found: dict[str, Dispute] = {}

    async def open(self, dispute: Dispute, *, events: Sequence[Event] = ()) -> bool:
        """Keep a new one; see the port."""
        taken = any(
            (each.document, each.line, each.state) == (dispute.document, dispute.line, Disputed.OPEN)
            for each in self._found.values()
        )
        if taken or dispute.id in self._found:
            return False
        self._found[dispute.id] = dispute
        self._happened.keep(events)
        return True

    async def decide(self, dispute: Dispute, *, events: Sequence[Event] = ()) -> bool:
        """Keep another version; see the port."""
        before = self._found.get(dispute.id)
        if before is None or before.version != dispute.version - 1:
            return False
        self._found[dispute.id] = dispute
        self._happened.keep(events)
        return True

    async def get(self, id: str) -> Dispute | None:
        """The dispute of that id."""
        return self._found.get(id)

    async def of(self, licensee: str, most: int, after: str = "") -> tuple[Dispute, ...]:
        """The open ones first; see the port."""
        mine = [each for each in self._found.values() if licensee in {"", each.licensee}]
        mine.sort(key=lambda each: (each.state is Disputed.OPEN, each.opened_at, each.id), reverse=True)
        return behind(mine, after)[:most]
