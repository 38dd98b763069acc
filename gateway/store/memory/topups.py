"""`rails.topups.TopUps` in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.event import Event
from gateway.money import Money
from gateway.rails.topups import BACK_KEPT_SECONDS, KEPT_SECONDS, PaidBack, TopUp
from gateway.store.memory.events import Happened


class MemoryTopUps:
    """Top-ups and the events that were heard of them."""

    def __init__(self, happened: Happened | None = None) -> None:
        """Start empty; events are kept in *happened*."""
        self._happened = happened or Happened()
        self._taken: dict[str, tuple[str, Money]] = {}
        self._topups: dict[str, TopUp] = {}
        self._events: dict[str, int] = {}
        self._back: dict[str, tuple[int, PaidBack]] = {}

    async def add(self, topup: TopUp) -> TopUp:
        """Keep *topup*, unless one of its id is there."""
        old = topup.at - KEPT_SECONDS
        self._topups = {id: kept for id, kept in self._topups.items() if kept.paid_by or kept.at > old}
        return self._topups.setdefault(topup.id, topup)

    async def opened(self, id: str, session: str) -> None:
        """Note the provider's page."""
        if id in self._topups:
            self._topups[id] = replace(self._topups[id], session=session)

    async def paid(self, id: str, paid_by: str) -> None:
        """Note the provider's payment, if none is noted."""
        if id in self._topups and not self._topups[id].paid_by:
            self._topups[id] = replace(self._topups[id], paid_by=paid_by)

    async def topup(self, id: str) -> TopUp | None:
        """The top-up of that id."""
        return self._topups.get(id)

    async def paid_with(self, paid_by: str) -> TopUp | None:
        """The top-up that *paid_by* paid."""
        return next((each for each in self._topups.values() if paid_by and each.paid_by == paid_by), None)

    async def everything(self) -> tuple[TopUp, ...]:
        """Every top-up that is kept."""
        return tuple(topup for _, topup in sorted(self._topups.items()))

    async def went_back(self, back: PaidBack, at: int) -> None:
        """Keep *back*, once."""
        self._back = {id: kept for id, kept in self._back.items() if kept[0] > at - BACK_KEPT_SECONDS}
        self._back.setdefault(back.refund, (at, back))

    async def back_of(self, paid_by: str) -> tuple[PaidBack, ...]:
        """What was kept of that payment."""
        return tuple(back for _, (_, back) in sorted(self._back.items()) if back.paid_by == paid_by)

    async def heard(self, event: str) -> bool:
        """Whether the event was noted."""
        return event in self._events

    async def take_back(self, id: str, entry: str, amount: Money) -> Money:
        """Take *amount* of a top-up back for *entry*, as far as others left of it."""
        topup = self._topups.get(id)
        if topup is None or topup.amount.currency != amount.currency:
            raise LookupError(id)
        if entry not in self._taken:
            gone = sum(money.micros for of, money in self._taken.values() if of == id)
            left = Money(topup.amount.micros - gone, amount.currency)
            self._taken[entry] = id, min(amount, left)
        return self._taken[entry][1]

    async def note(self, event: str, at: int, *, events: Sequence[Event] = ()) -> None:
        """Note that the event was acted upon, and keep *events*."""
        if event not in self._events:
            self._happened.keep(events)
        self._events = {id: noted for id, noted in self._events.items() if noted > at - KEPT_SECONDS}
        self._events.setdefault(event, at)
