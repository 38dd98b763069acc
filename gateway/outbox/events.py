"""What happened, read in its order: a storage port.

Who writes is every other port, in the transaction of its change (the ``events``
of `licenses.negotiations.Negotiations.put`). Implemented by `store.memory` and
`store.sqlite`; both pass `tests/conformance/test_events.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from gateway.event import Event


@dataclass(frozen=True, slots=True)
class Happening:
    """An event and its place in the order in which all were kept: whole numbers that grow, with gaps."""

    nth: int
    event: Event


@dataclass(frozen=True, slots=True)
class About:
    """Which events are meant: those that agree with every member that is not "".

    *licensee*, *site* and *subject* as `Event` has them. What a licensee is told that is of no
    site, such as of its bills, which are for all sites, it is told on each of them.
    """

    licensee: str = ""
    site: str = ""
    subject: str = ""

    def covers(self, event: Event) -> bool:
        """Whether *event* is one of those meant."""
        of_site = not self.site or self.site == event.site or (bool(self.licensee) and not event.site)
        return of_site and all(
            not wanted or wanted == found
            for wanted, found in ((self.licensee, event.licensee), (self.subject, event.subject))
        )


#: Whatever happened.
ALL = About()


class Events(Protocol):
    """Raises `StoreUnavailable` when the store cannot answer.

    Once an event is read, none is ever kept before it: whoever goes on from the
    last `Happening.nth` that was read misses nothing.
    """

    async def after(self, nth: int, most: int, about: About = ALL) -> tuple[Happening, ...]:
        """The first events kept after the place *nth*, in order, at most *most*; 0 is before the first."""
        ...

    async def before(self, nth: int, most: int) -> tuple[Happening, ...]:
        """The last events kept before the place *nth*, the newest first, at most *most*; 0 is behind the newest."""
        ...

    async def at(self, places: Collection[int]) -> tuple[Happening, ...]:
        """The events at these *places* that are kept still, in order."""
        ...

    async def place(self, id: str, about: About = ALL) -> int | None:
        """The place of the event of that id, if it is one of those meant and is kept still."""
        ...

    async def last(self) -> int:
        """The place of the newest event, 0 where there is none."""
        ...
