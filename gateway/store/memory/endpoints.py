"""`outbox.endpoints.Endpoints` in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from gateway.event import Event
from gateway.outbox.endpoints import Delivery, Endpoint, Reach, Tried
from gateway.outbox.events import Happening
from gateway.store.memory.events import Happened


class MemoryEndpoints:
    """Endpoints by id, and their deliveries."""

    def __init__(self, happened: Happened | None = None) -> None:
        """Start empty; what happens is in *happened*."""
        self._happened = happened or Happened()
        self._found: dict[str, Endpoint] = {}
        self._deliveries: dict[tuple[str, int], Delivery] = {}

    async def add(self, endpoint: Endpoint, most: int) -> bool:
        """Keep *endpoint*, unless there are too many; see the port."""
        if endpoint.id in self._found:
            return True
        if len(await self.of(endpoint.licensee, endpoint.site)) >= most:
            return False
        self._found[endpoint.id] = endpoint
        return True

    async def get(self, id: str) -> Endpoint | None:
        """The endpoint of that id."""
        return self._found.get(id)

    async def of(self, licensee: str, site: str) -> tuple[Endpoint, ...]:
        """Those of *licensee* on *site*."""
        return tuple(each for each in await self.all() if (each.licensee, each.site) == (licensee, site))

    async def all(self) -> tuple[Endpoint, ...]:
        """Every endpoint."""
        return tuple(sorted(self._found.values(), key=lambda each: each.place))

    async def listed(self, most: int, behind: tuple[int, str] | None = None) -> tuple[Endpoint, ...]:
        """Endpoints, oldest first; see the port."""
        return tuple(each for each in await self.all() if behind is None or each.place > behind)[:most]

    async def due(self, now: int, most: int, but: Collection[str] = ()) -> tuple[Endpoint, ...]:
        """Those that have something to hear and may be tried."""
        found = [
            each
            for each in self._found.values()
            if each.reach is Reach.ON
            and each.next_at <= now
            and each.id not in but
            and any(_concerns(each, happening) for happening in self._happened.kept())
        ]
        return tuple(sorted(found, key=lambda each: (bool(each.licensee), each.next_at, each.id))[:most])

    async def next_at(self, now: int) -> int | None:
        """When one may be tried again."""
        on = [each.next_at for each in self._found.values() if each.reach is Reach.ON and each.next_at > now]
        return min(on, default=None)

    async def remove(self, id: str) -> bool:
        """Forget it and its deliveries."""
        self._deliveries = {key: each for key, each in self._deliveries.items() if each.endpoint != id}
        return self._found.pop(id, None) is not None

    async def filter(self, id: str, types: Sequence[str]) -> None:
        """Have it hear *types*."""
        self._change(id, types=tuple(types))

    async def prove(self, id: str, after: int) -> Endpoint | None:
        """Switch it on; see the port."""
        found = self._found.get(id)
        if found is not None and found.reach is not Reach.ON:
            begins = after if found.reach is Reach.UNPROVEN else found.after
            self._change(id, reach=Reach.ON, tries=0, next_at=0, why="", after=begins)
        return self._found.get(id)

    async def rotate(self, id: str, now: int) -> Endpoint | None:
        """Give it another secret."""
        found = self._found.get(id)
        if found is not None:
            self._change(id, generation=found.generation + 1, rotated_at=now)
        return self._found.get(id)

    async def passed(self, id: str, nth: int) -> None:
        """Go on after *nth*."""
        found = self._found.get(id)
        if found is not None:
            self._change(id, after=max(found.after, nth))

    async def told(self, delivery: Delivery) -> None:
        """Keep that it was told."""
        found = self._found.get(delivery.endpoint)
        if found is not None:
            self._change(found.id, after=max(found.after, delivery.nth), tries=0, next_at=0, why="")
            self._keep(delivery)

    async def again(self, delivery: Delivery) -> None:
        """Keep what came of telling it once more."""
        if delivery.endpoint in self._found:
            self._keep(delivery)

    async def failed(self, delivery: Delivery, next_at: int) -> None:
        """Keep that it failed."""
        if delivery.endpoint in self._found:
            self._change(delivery.endpoint, tries=delivery.tries, next_at=next_at, why=delivery.why)
            self._keep(delivery)

    async def switch_off(
        self, id: str, why: str, *, delivery: Delivery | None = None, events: Sequence[Event] = ()
    ) -> bool:
        """Switch it off, and tell of it."""
        found = self._found.get(id)
        if found is None or found.reach is not Reach.ON:
            return False
        self._change(id, reach=Reach.OFF, why=why)
        if delivery is not None:
            self._keep(delivery)
        self._happened.keep(events)
        return True

    async def hurry(self, id: str) -> bool:
        """Try it at once."""
        found = self._found.get(id)
        if found is None:
            return False
        off = found.reach is Reach.OFF
        self._change(id, reach=Reach.ON if off else found.reach, tries=0 if off else found.tries, next_at=0)
        return True

    async def deliveries(
        self, most: int, *, endpoint: str = "", event: str = "", behind: Tried | None = None
    ) -> tuple[Delivery, ...]:
        """What came of it, the newest first; see the port."""
        found = [
            each
            for each in self._deliveries.values()
            if endpoint in {"", each.endpoint} and event in {"", each.event}
        ]
        ordered = sorted((-each.at, -each.nth, each.endpoint) for each in found)
        if behind is not None:
            at, nth, last = behind
            ordered = [place for place in ordered if place > (-at, -nth, last)]
        places = {(-each.at, -each.nth, each.endpoint): each for each in found}
        return tuple(places[place] for place in ordered[:most])

    async def forget(self, before: int, most: int) -> int:
        """Forget what is old; see the port."""
        aged = [(key, each) for key, each in self._deliveries.items() if each.at < before]
        old = [key for key, each in aged if each.done or each.nth <= self._found[each.endpoint].after][:most]
        for key, each in aged:
            self._deliveries[key] = replace(each, answer="")
        for key in old:
            del self._deliveries[key]
        on = [each for each in self._found.values() if each.reach is Reach.ON]
        gone = [
            happening.event.id
            for happening in self._happened.kept()
            if happening.event.at < before and not any(_concerns(each, happening) for each in on)
        ][:most]
        self._happened.drop(gone)
        return len(old) + len(gone)

    def _change(self, id: str, **changes: object) -> None:
        if id in self._found:
            self._found[id] = replace(self._found[id], **changes)  # type: ignore[arg-type]

    def _keep(self, delivery: Delivery) -> None:
        self._deliveries[delivery.endpoint, delivery.nth] = delivery


def _concerns(endpoint: Endpoint, happening: Happening) -> bool:
    return happening.nth > endpoint.after and endpoint.about.covers(happening.event)
