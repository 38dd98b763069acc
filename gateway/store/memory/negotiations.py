"""`licenses.negotiations.Negotiations` in memory."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.event import Event
from gateway.licenses.negotiation import Negotiation
from gateway.licenses.negotiations import Sought, Stand, stand_of
from gateway.store.memory.events import Happened


class MemoryNegotiations:
    """Negotiations by id."""

    def __init__(self, happened: Happened | None = None) -> None:
        """Start empty; events go to *happened*."""
        self._happened = happened or Happened()
        self._found: dict[str, Negotiation] = {}

    async def put(self, old_version: str, new: Negotiation, *, events: Sequence[Event] = ()) -> bool:
        """Keep *new* if *old_version* stands there; see the port."""
        before = self._found.get(new.id)
        if (before.version if before else "") != old_version:
            return False
        self._found[new.id] = new
        self._happened.keep(events)
        return True

    async def get(self, id: str) -> Negotiation | None:
        """The negotiation of that id."""
        return self._found.get(id)

    async def of(self, licensee: str, site: str) -> tuple[Negotiation, ...]:
        """Every negotiation of *licensee* on *site*, oldest first."""
        return tuple(each for each in self._sorted() if (each.licensee, each.offer.site) == (licensee, site))

    async def of_license(self, license: str) -> Negotiation | None:
        """The first negotiation that *license* was agreed in."""
        return next((each for each in self._sorted() if each.license == license and license), None)

    async def agreed_on(self, license: str) -> tuple[Negotiation, ...]:
        """Every negotiation that *license*, or a version of it, was agreed in."""
        return tuple(each for each in self._sorted() if each.license == license and license)

    async def pending(self, most: int) -> tuple[Negotiation, ...]:
        """Those that wait for a person, oldest first."""
        return tuple(each for each in self._sorted() if each.person)[:most]

    async def search(self, sought: Sought, *, most: int, skip: int = 0) -> tuple[Negotiation, ...]:
        """Those that are meant, by whom they wait for; see the port."""
        found = [each for each in self._sorted() if sought.finds(each)]
        if sought.order:
            found.sort(key=lambda each: _value(each, sought.order), reverse=sought.turned)
            return tuple(found[skip : skip + most])
        waiting = [each for each in found if stand_of(each) is Stand.WAITING]
        rest = [
            each for stand in (Stand.OPEN, Stand.ENDED) for each in reversed(found) if stand_of(each) is stand
        ]
        return tuple([*waiting, *rest][skip : skip + most])

    def _sorted(self) -> list[Negotiation]:
        return sorted(self._found.values(), key=lambda each: (each.started_at, each.id))


def _value(negotiation: Negotiation, order: str) -> str | int:
    """What *negotiation* is listed by in *order*."""
    if order == "started":
        return negotiation.started_at
    if order == "state":
        return str(negotiation.state)
    return negotiation.offer.site if order == "site" else negotiation.offer.id
