"""Events in memory, in the order in which they were kept."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable

from gateway.event import Event
from gateway.outbox.events import ALL, About, Happening


class Happened:
    """What ports in memory share to keep events in; each id once. It is an `outbox.events.Events` too."""

    def __init__(self) -> None:
        """Start empty."""
        self._events: dict[str, Happening] = {}
        self._places = itertools.count(1)

    def keep(self, events: Iterable[Event]) -> None:
        """Keep *events*; one whose id is there already is the same one."""
        for each in events:
            if each.id not in self._events:
                self._events[each.id] = Happening(next(self._places), each)

    def kept(self) -> tuple[Happening, ...]:
        """Everything, in order."""
        return tuple(self._events.values())

    def drop(self, ids: Iterable[str]) -> None:
        """Forget the events of these ids."""
        for each in ids:
            del self._events[each]

    async def after(self, nth: int, most: int, about: About = ALL) -> tuple[Happening, ...]:
        """The first events kept after *nth*; see the port."""
        return tuple(each for each in self.kept() if each.nth > nth and about.covers(each.event))[:most]

    async def before(self, nth: int, most: int) -> tuple[Happening, ...]:
        """The last events kept before *nth*; see the port."""
        return tuple(each for each in reversed(self.kept()) if not nth or each.nth < nth)[:most]

    async def at(self, places: Collection[int]) -> tuple[Happening, ...]:
        """The events at these *places*; see the port."""
        return tuple(each for each in self.kept() if each.nth in places)

    async def place(self, id: str, about: About = ALL) -> int | None:
        """Where the event of that id is."""
        found = self._events.get(id)
        return found.nth if found is not None and about.covers(found.event) else None

    async def last(self) -> int:
        """The place of the newest event."""
        return max((each.nth for each in self._events.values()), default=0)
