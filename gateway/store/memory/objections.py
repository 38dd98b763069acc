"""`licenses.objections.Objections` in memory."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.event import Event
from gateway.licenses.objection import Objection, Objector
from gateway.store.memory.events import Happened
from gateway.store.memory.tables import behind


class MemoryObjections:
    """Objections by id, and apart from them who made them."""

    def __init__(self, happened: Happened | None = None) -> None:
        """Start empty; events go to *happened*."""
        self._happened = happened or Happened()
        self._found: dict[str, Objection] = {}
        self._objectors: dict[str, Objector] = {}

    async def add(
        self, objection: Objection, objector: Objector, *, most: int, events: Sequence[Event] = ()
    ) -> bool:
        """Keep a new one; see the port."""
        waiting = sum(not each.state.is_over and each.site == objection.site for each in self._found.values())
        if waiting >= most or objection.id in self._found:
            return False
        self._found[objection.id] = objection
        self._objectors[objection.id] = objector
        self._happened.keep(events)
        return True

    async def change(self, objection: Objection, *, events: Sequence[Event] = ()) -> bool:
        """Keep another version; see the port."""
        before = self._found.get(objection.id)
        if before is None or before.version != objection.version - 1:
            return False
        self._found[objection.id] = objection
        self._happened.keep(events)
        return True

    async def get(self, id: str) -> Objection | None:
        """The objection of that id."""
        return self._found.get(id)

    async def all(self, most: int, after: str = "") -> tuple[Objection, ...]:
        """The undecided first, then the latest first; see the port."""
        found = sorted(
            self._found.values(), key=lambda each: (not each.state.is_over, each.at, each.id), reverse=True
        )
        return behind(found, after)[:most]

    async def objector(self, id: str) -> Objector | None:
        """Who made it."""
        return self._objectors.get(id)

    async def erase(self, id: str) -> bool:
        """Forget who made it."""
        return self._objectors.pop(id, None) is not None
