"""Events in memory, in the order in which they were kept."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.event import Event
from gateway.outbox.events import ALL, About, Happening


class Happened:
    """What ports in memory share to keep events in; each id once. It is an `outbox.events.Events` too."""

    def __init__(self) -> None:
        """Start empty."""
        self.events: dict[str, Event] = {}

    def keep(self, events: Iterable[Event]) -> None:
        """Keep *events*; one whose id is there already is the same one."""
        for each in events:
            self.events.setdefault(each.id, each)

    async def after(self, nth: int, most: int, about: About = ALL) -> tuple[Happening, ...]:
        """The first events kept after *nth*; see the port."""
        found = (Happening(place, each) for place, each in enumerate(self.events.values(), 1))
        return tuple(each for each in found if each.nth > nth and about.covers(each.event))[:most]

    async def last(self) -> int:
        """The place of the newest event."""
        return len(self.events)
