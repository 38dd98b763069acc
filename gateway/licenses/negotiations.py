"""Where negotiations rest: a storage port.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_negotiations.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from gateway.event import Event
from gateway.licenses.negotiation import Negotiation

#: What they can be listed by besides whom they wait for: a member of a negotiation, or of its offer.
ORDERS: Final = ("started", "state", "site", "offer")


class Stand(StrEnum):
    """Whom a negotiation waits for, in the order of a list: a person at the creator, anybody else, nobody."""

    WAITING = "waiting"
    OPEN = "open"
    ENDED = "ended"


def stand_of(negotiation: Negotiation) -> Stand:
    """Whom *negotiation* waits for."""
    if negotiation.person:
        return Stand.WAITING
    return Stand.ENDED if negotiation.state.is_over else Stand.OPEN


@dataclass(frozen=True, slots=True)
class Sought:
    """Which negotiations are meant; what is "" or None leaves nothing out.

    *text* is a piece of an id, of the negotiation or of the license that came
    of it; one whose licensee is among *licensees* is found by it as well.
    *order* is one of `ORDERS`, or "" for the order by `Stand`; *turned* lists
    the last of it first.
    """

    stand: Stand | None = None
    site: str = ""
    offer: str = ""
    text: str = ""
    licensees: frozenset[str] = frozenset()
    order: str = ""
    turned: bool = False

    def finds(self, negotiation: Negotiation) -> bool:
        """Whether *negotiation* is meant."""
        named = negotiation.licensee in self.licensees
        ids = (negotiation.id, negotiation.license)
        return (
            (self.stand is None or stand_of(negotiation) is self.stand)
            and self.site in {"", negotiation.offer.site}
            and self.offer in {"", negotiation.offer.id}
            and (not self.text or named or any(self.text in id for id in ids))
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a negotiation stands in a list: what the list goes *by*, when it began, and its id.

    *by* is its `Stand`, or its value in one of `ORDERS`.
    """

    by: str
    started_at: int
    id: str


def place_of(negotiation: Negotiation, order: str = "") -> Place:
    """The place of *negotiation* in *order*, one of `ORDERS` or "" for that by `Stand`."""
    by = {
        "": str(stand_of(negotiation)), "started": str(negotiation.started_at), "state": str(negotiation.state),
        "site": negotiation.offer.site, "offer": negotiation.offer.id,
    }  # fmt: skip
    return Place(by[order], negotiation.started_at, negotiation.id)


class Negotiations(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def put(self, old_version: str, new: Negotiation, *, events: Sequence[Event] = ()) -> bool:
        """Keep *new* in place of the one of its id whose `version` is *old_version*; "" is for one that is not there.

        *events* are kept with it, and are not where it is not.
        False, and nothing changed, where another version stands there. Of
        concurrent calls with one *old_version* exactly one is True.
        """
        ...

    async def get(self, id: str) -> Negotiation | None:
        """The negotiation of that id."""
        ...

    async def of(self, licensee: str, site: str) -> tuple[Negotiation, ...]:
        """Every negotiation of *licensee* on *site*, oldest first."""
        ...

    async def of_license(self, license: str) -> Negotiation | None:
        """The first negotiation that *license* was agreed in."""
        ...

    async def agreed_on(self, license: str) -> tuple[Negotiation, ...]:
        """Every negotiation that *license*, or a version of it, was agreed in, by when it began."""
        ...

    async def pending(self, most: int) -> tuple[Negotiation, ...]:
        """Those that wait for a person at the creator, oldest first, at most *most*."""
        ...

    async def search(
        self, sought: Sought, *, most: int, behind: Place | None = None
    ) -> tuple[Negotiation, ...]:
        """Those that are meant, at most *most*, from the first on or *behind* a place of that order.

        By `Stand`: first those that wait for a person, the oldest first, then
        the open ones and then those that ended, the newest first. In another
        order: words from A, times from the first; of what is equal there the
        oldest first.
        """
        ...
