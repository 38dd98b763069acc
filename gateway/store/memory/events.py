"""Events in memory, in the order in which they were kept."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.event import Event


class Happened:
    """What ports in memory share to keep events in; each id once."""

    def __init__(self) -> None:
        """Start empty."""
        self.events: dict[str, Event] = {}

    def keep(self, events: Iterable[Event]) -> None:
        """Keep *events*; one whose id is there already is the same one."""
        for each in events:
            self.events.setdefault(each.id, each)
