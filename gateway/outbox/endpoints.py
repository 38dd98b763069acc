"""Who is told of what happened, how far, and what came of it: values and a storage port.

An endpoint hears its events in the order in which they happened, one after the
other: its place (`Endpoint.after`) is the last one it was told. So nothing is
kept twice for those that are behind, an endpoint that cannot be reached holds up
itself alone, and one that is switched on again goes on where it was.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from gateway.event import TYPE, Event
from gateway.outbox.events import About

#: What a filter may say: a type, or the beginning of some with a star after the dot.
_FILTER: Final = re.compile(rf"{TYPE}|[a-z][a-z_]*(\.[a-z][a-z_]*)*\.\*", re.ASCII)
#: Filters that one endpoint may have.
MOST_FILTERS: Final = 32
#: Seconds for which the secret before the last still signs.
OVERLAP_SECONDS: Final = 86_400


class Reach(StrEnum):
    """Whether an endpoint is told anything."""

    UNPROVEN = "unproven"
    ON = "on"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Somewhere events go.

    Attributes:
        licensee: whose it is, "" for the operator's own, who hears of everything.
        site: the site whose events it hears, "" for all.
        origin: the public origin of that site, "" for all.
        url: ``https:`` (``http:`` for an operator's own), or ``mailto:``.
        types: filters, see `is_filter`; without any it hears every type.
        generation: which secret signs, from 1 on; *rotated_at* is when it changed, 0 for never.
        after: the place of the last event that it was told, or that was none for it.
        tries: how often the next event failed so far.
        next_at: the second before which it is not tried again.
        why: why it is off, or what the last attempt met.
    """

    id: str
    licensee: str
    site: str
    origin: str
    url: str
    types: tuple[str, ...]
    created_at: int
    reach: Reach = Reach.UNPROVEN
    generation: int = 1
    rotated_at: int = 0
    after: int = 0
    tries: int = 0
    next_at: int = 0
    why: str = ""

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands among all: the least first, which is the oldest."""
        return self.created_at, self.id

    @property
    def about(self) -> About:
        """Which events concern it, whatever their types."""
        return About(licensee=self.licensee, site=self.site)

    def wants(self, type: str) -> bool:
        """Whether its filters let *type* pass."""
        return not self.types or any(
            type.startswith(each[:-1]) if each.endswith("*") else type == each for each in self.types
        )

    def generations(self, now: int) -> tuple[int, ...]:
        """The secrets that sign at *now*, the newest first: two while receivers change over."""
        both = self.generation > 1 and now < self.rotated_at + OVERLAP_SECONDS
        return (self.generation, self.generation - 1) if both else (self.generation,)


def is_filter(text: str) -> bool:
    """Whether *text* is a type of events or stands for some.

    >>> is_filter("negotiation.offered"), is_filter("negotiation.*"), is_filter("*"), is_filter("a")
    (True, True, False, False)
    """
    return len(text) <= 100 and _FILTER.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of telling one event to one endpoint.

    Attributes:
        nth: the place of the event; *event* its id, *type* its type.
        at: when it was tried last.
        tries: how often it was.
        status: what HTTP status was answered last, 0 where none was.
        why: what went wrong, "" for nothing.
        done: whether it was told.
        answer: the beginning of what was answered last, which is hostile text; read by the operator alone.
    """

    endpoint: str
    nth: int
    event: str
    type: str
    at: int
    tries: int
    status: int = 0
    why: str = ""
    done: bool = False
    answer: str = ""


#: The place of a delivery among others, the newest first: when it was tried, of which event, at which endpoint.
Tried = tuple[int, int, str]


class Endpoints(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer.

    Implemented by `store.memory` and `store.sqlite`; both pass
    `tests/conformance/test_endpoints.py`.
    """

    async def add(self, endpoint: Endpoint, most: int) -> bool:
        """Keep *endpoint*; False, and nothing kept, where its licensee has *most* on its site already.

        One of its id that is there already stays as it is, which is True.
        """
        ...

    async def get(self, id: str) -> Endpoint | None:
        """The endpoint of that id."""
        ...

    async def of(self, licensee: str, site: str) -> tuple[Endpoint, ...]:
        """Those of *licensee* on *site*, oldest first."""
        ...

    async def all(self) -> tuple[Endpoint, ...]:
        """Every endpoint, oldest first."""
        ...

    async def listed(self, most: int, behind: tuple[int, str] | None = None) -> tuple[Endpoint, ...]:
        """At most *most* endpoints by `Endpoint.place`, those *behind* a place where one is given."""
        ...

    async def due(self, now: int, most: int, but: Collection[str] = ()) -> tuple[Endpoint, ...]:
        """Those that are on, may be tried at *now*, and have events before them; none of the ids *but*.

        The operator's own come first, then whoever may be tried the longest.
        """
        ...

    async def next_at(self, now: int) -> int | None:
        """The first second after *now* at which one that is on may be tried again, or None."""
        ...

    async def remove(self, id: str) -> bool:
        """Forget it and its deliveries; False where there is none."""
        ...

    async def filter(self, id: str, types: Sequence[str]) -> None:
        """Have it hear these types from now on."""
        ...

    async def prove(self, id: str, after: int) -> Endpoint | None:
        """Switch it on; one that was never on before hears what happens after the place *after*.

        One that was off goes on where it was, at once. None where there is none.
        """
        ...

    async def rotate(self, id: str, now: int) -> Endpoint | None:
        """Give it another secret; None where there is no such endpoint."""
        ...

    async def passed(self, id: str, nth: int) -> None:
        """Go on after the place *nth*, which was nothing for it; never back."""
        ...

    async def told(self, delivery: Delivery) -> None:
        """Keep that it was told, and go on after it; never back."""
        ...

    async def again(self, delivery: Delivery) -> None:
        """Keep what came of telling it once more; its place and what is due stay as they are."""
        ...

    async def failed(self, delivery: Delivery, next_at: int) -> None:
        """Keep that it failed; it is tried again from *next_at* on."""
        ...

    async def switch_off(
        self, id: str, why: str, *, delivery: Delivery | None = None, events: Sequence[Event] = ()
    ) -> bool:
        """Switch one off that is on, with the last *delivery* and the *events* that tell of it; False if it was not on."""
        ...

    async def hurry(self, id: str) -> bool:
        """Switch it on where it is off, and try its next event at once; False where there is no such endpoint."""
        ...

    async def deliveries(
        self, most: int, *, endpoint: str = "", event: str = "", behind: Tried | None = None
    ) -> tuple[Delivery, ...]:
        """What came of it, the newest first: of one endpoint, of one event, or of everything.

        *behind* is the place in that order after which it begins.
        """
        ...

    async def forget(self, before: int, most: int) -> int:
        """Forget events and deliveries of before the second *before*, at most *most* of each; returns how many went.

        An event stays while an endpoint that is on has not been told it, and what came of telling it so far with
        it, without the answer.
        """
        ...
