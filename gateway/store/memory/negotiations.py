"""`licenses.negotiations.Negotiations` in memory."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.event import Event
from gateway.licenses.negotiation import Negotiation
from gateway.licenses.negotiations import Place, Sought, Stand, place_of, stand_of
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

    async def search(
        self, sought: Sought, *, most: int, behind: Place | None = None
    ) -> tuple[Negotiation, ...]:
        """Those that are meant, by whom they wait for; see the port."""
        found = [each for each in self._sorted() if sought.finds(each)]
        if sought.order:
            found.sort(key=lambda each: _value(each, sought.order), reverse=sought.turned)
        else:
            stands = {stand: [each for each in found if stand_of(each) is stand] for stand in Stand}
            found = [*stands[Stand.WAITING], *stands[Stand.OPEN][::-1], *stands[Stand.ENDED][::-1]]
        if behind:
            found = [each for each in found if _beyond(each, sought, behind)]
        return tuple(found[:most])

    def _sorted(self) -> list[Negotiation]:
        return sorted(self._found.values(), key=lambda each: (each.started_at, each.id))


def _beyond(negotiation: Negotiation, sought: Sought, behind: Place) -> bool:
    """Whether *negotiation* comes after the place *behind*."""
    here = place_of(negotiation, sought.order)
    if not sought.order:
        stands, place = list(Stand), (behind.started_at, behind.id)
        if here.by != behind.by:
            return stands.index(Stand(here.by)) > stands.index(Stand(behind.by))
        mine = (here.started_at, here.id)
        return mine > place if here.by == Stand.WAITING else mine < place
    value, last = _value(negotiation, sought.order), behind.by
    if sought.order == "started":
        last = last.zfill(20)
    if value != last:
        return value < last if sought.turned else value > last
    return (here.started_at, here.id) > (behind.started_at, behind.id)


def _value(negotiation: Negotiation, order: str) -> str:
    """What *negotiation* is listed by in *order*, as a word: a number with its zeros."""
    by = place_of(negotiation, order).by
    return by.zfill(20) if order == "started" else by
