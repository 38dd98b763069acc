"""The one place where credit is consumed on the path of a request.

`take` is synchronous: it takes a charge out of what this worker has set aside
in the book (`spending`), or names the lease that must be fetched. A lease that
was fetched for an ask is that ask's own unit, so the second call always decides.

Each charge that was taken ends once: by `owed`, by `give_back` if nothing was
delivered, by `unpaid` after an `owed` that could not be recorded. Ending it
again changes nothing, and neither does ending one that was never taken.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from gateway.admission.admit import Grant
from gateway.admission.owed import Owed, owed, unit_of, units_of
from gateway.admission.pace import Pace
from gateway.admission.spending import Charge, Lease, Short, SpendBook
from gateway.ask import Ask
from gateway.evidence import Evidence, Need, Needs
from gateway.languages import Phrase
from gateway.money import Money
from gateway.origin.delivery import Delivery
from gateway.problems import Problem, Refusal, StoreUnavailable
from gateway.visitors.replays import SharedMarks

#: How many paid units one process remembers; the oldest are forgotten first.
_REMEMBERED = 200_000
#: Fetches that the first lease of a license asks for, and the most that one asks for ahead.
_FIRST: Final = 4
_LARGEST: Final = 256
#: Seconds that a unit is one fetch's before everybody must have heard that it was paid for.
_CLAIMED: Final = 120

_Answer = Lease | Short | Refusal
#: License, price and budget of what is leased, as plain words and numbers: looked up at every fetch.
_Key = tuple[str, int, str, int | None, int | None]


@dataclass(frozen=True, slots=True)
class PaidUnit:
    """A unit that was paid for, as `admission.owed.units_of` names it, and when (whole seconds)."""

    key: str
    paid_at: int


@dataclass(slots=True, eq=False)
class _Units:
    """What is free for one license at one price under one budget, and who waits for more.

    *block* is what the next lease asks for, *last* what the last one granted;
    *dry* says that the last one failed. *used* is since the last `Till.rest`.
    """

    licensee: str
    license: str
    price: Money
    free: int = 0
    block: int = _FIRST
    last: int = 0
    dry: bool = False
    used: bool = True
    waiting: deque[tuple[Charge, asyncio.Future[_Answer]]] = field(default_factory=deque)
    filling: asyncio.Task[None] | None = None

    @property
    def is_low(self) -> bool:
        """Whether it is time to lease ahead. The last few of a budget are leased when they are asked for."""
        return self.last >= _FIRST and self.free * 4 < self.last and not self.dry


class Till:
    """Takes charges, and knows which units were paid for in the window. One a worker, on its event loop."""

    def __init__(
        self,
        book: SpendBook,
        writer: str,
        pace: Pace,
        *,
        remembered: tuple[PaidUnit, ...] = (),
        settled: Callable[[], Awaitable[None]] | None = None,
        marks: SharedMarks | None = None,
        idle: Callable[[str, int], None] = lambda _licensee, _units: None,
    ) -> None:
        """Work on the purses of *writer* in *book*, starting with the units that the journal says were paid.

        *writer* is who records what is taken here (`Journal.writer`). *settled*
        waits until all units that other processes were paid for can be told
        (`learn`), and raises `StoreUnavailable` where that takes too long. With *marks*
        one of several fetches of a unit that end at the same time, anywhere, pays for it. *idle* hears how many
        units of a licensee lie idle here after each lease and each return, and at each `rest`.
        """
        self._settled, self._marks, self._idle = settled, marks, idle
        self._book = book
        self._writer = writer
        self._pace = pace
        self._units: dict[_Key, _Units] = {}
        self._payers: dict[str, list[_Units]] = {}
        self._said: dict[str, int] = {}
        self._taken: set[str] = set()
        self._paid: OrderedDict[str, int] = OrderedDict((unit.key, unit.paid_at) for unit in remembered)

    def take(self, grant: Grant, ask: Ask, evidence: Evidence) -> Grant | Refusal | Needs:
        """Take the grant's charge, if it has one, or say what is short or still needed."""
        charge = grant.charge
        if charge is None:
            return grant
        found = evidence.get("lease", charge.record_id)
        match found:
            case None:
                return self._first(grant, charge, ask)
            case Lease():
                if _key(found.charge) != _key(charge):
                    # Whoever was to pay pays no more; the exchange gives the lease back.
                    return Refusal(
                        Problem.SPEND_BOOK_UNAVAILABLE,
                        Phrase("Who pays for this changed meanwhile."),
                        retry_after=1,
                    )
                return grant
            case Short():
                return found.refusal(charge)
            case Refusal():
                return found
        raise TypeError(f"evidence of kind lease cannot be a {type(found).__name__}")

    def foreseen(self, charge: Charge, ask: Ask, delivery: Delivery) -> Owed:
        """What *delivery* would owe, as far as this process knows; nothing is paid or given back by it."""
        paid_before = self._paid_before(_paid_units(charge, ask, delivery), charge, ask)
        return owed(charge, ask, delivery, paid_before=paid_before)

    def _paid_before(self, keys: tuple[str, ...], charge: Charge, ask: Ask) -> bool:
        since = ask.asked_at - charge.window_seconds
        paid = self._paid
        for key in keys:  # noqa: SIM110 - a generator would cost more than the look-ups
            if paid.get(key, since) > since:
                return True
        return False

    def _first(self, grant: Grant, charge: Charge, ask: Ask) -> Grant | Refusal | Needs:
        wait = self._pace.wait(f"license {charge.license}", ask.asked_at_us)
        if wait:
            return Refusal(
                Problem.TOO_FAST,
                Phrase("License {license} is fetching too fast.", license=charge.license),
                retry_after=wait,
            )
        if not charge.purse:
            return grant
        units = self._units.get(_key(charge))
        if units is None or not units.free or units.waiting:
            return Needs((Need("lease", charge.record_id, charge),))
        units.free -= 1
        units.used = True
        self._taken.add(charge.record_id)
        if units.is_low:
            self._fill(units, charge)
        return grant

    async def lease(self, need: Need) -> Lease | Short | Refusal:
        """Fetch the lease that `take` asked for: the source of evidence kind ``lease``.

        Whoever waits for the same license shares the calls of the book. A
        caller that stops waiting leaves its unit to the next.
        """
        charge = need.about
        assert isinstance(charge, Charge)
        key = _key(charge)
        units = self._units.get(key) or self._begun(charge)
        waiter: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        units.waiting.append((charge, waiter))
        units.used = True
        self._serve(units)
        if units.waiting:
            self._fill(units, charge)
        try:
            return await waiter
        except asyncio.CancelledError:
            self.give_back(charge)
            raise

    async def settled(self, charge: Charge, ask: Ask, delivery: Delivery) -> None:
        """Wait until `owed` can know of every unit that was paid for; where it cannot, *charge* goes back.

        Raises `StoreUnavailable`. A process that was killed is to be waited for, and the word of the marks
        that nobody else pays for what *delivery* is of.
        """
        try:
            if self._settled is not None:
                await self._settled()
            if self._marks is not None:
                await self._claim(self._marks, charge, ask, delivery)
        except BaseException:
            self.give_back(charge)
            raise

    async def _claim(self, marks: SharedMarks, charge: Charge, ask: Ask, delivery: Delivery) -> None:
        """Have the units of *delivery* for its fetch, or learn that another has one; where nobody knows, do neither.

        A fetch that has its units and is not recorded after all leaves the next one free, for a moment.
        """
        if charge.window_seconds < _CLAIMED or self.foreseen(charge, ask, delivery).reason != "fetch":
            return
        # One after the other: two that ask for the same in the same order cannot each have one.
        for key in _paid_units(charge, ask, delivery):
            if await marks.taken(f"unit {key}", charge.record_id, _CLAIMED):
                self.learn((PaidUnit(key, ask.asked_at),))
                return

    def owed(self, charge: Charge, ask: Ask, delivery: Delivery) -> Owed:
        """Say what *delivery* owes: its units are then paid, or the charge goes back."""
        keys = _paid_units(charge, ask, delivery)
        due = owed(charge, ask, delivery, paid_before=self._paid_before(keys, charge, ask))
        if due.reason != "fetch":
            self.give_back(charge)
            return due
        now = ask.asked_at
        self._taken.discard(charge.record_id)
        for key in keys:
            self._paid[key] = now
            self._paid.move_to_end(key)
        self._forget_oldest()
        return due

    def learn(self, units: Iterable[PaidUnit]) -> None:
        """Take up *units* that were paid for elsewhere, as another process says."""
        for unit in units:
            if unit.paid_at > self._paid.get(unit.key, 0):
                self._paid[unit.key] = unit.paid_at
                self._paid.move_to_end(unit.key)
        self._forget_oldest()

    def unpaid(self, charge: Charge, ask: Ask, delivery: Delivery) -> None:
        """Undo an `owed` that owed the price, once, where no record of it could be kept."""
        for key in _paid_units(charge, ask, delivery):
            self._paid.pop(key, None)
        self._put_back(charge)

    def give_back(self, charge: Charge) -> None:
        """Let the charge of a fetch that never happened go to the next."""
        if charge.record_id in self._taken:
            self._taken.discard(charge.record_id)
            self._put_back(charge)

    def _forget_oldest(self) -> None:
        while len(self._paid) > _REMEMBERED:
            self._paid.popitem(last=False)

    async def rest(self) -> None:
        """Return what is free of every license that was not used since the last call."""
        idle = [units for units in self._units.values() if not units.used]
        for units in self._units.values():
            units.used = False
        await self._return(idle)
        for licensee in self._payers:
            self._say_idle(licensee, again=True)
        for key, units in list(self._units.items()):
            if not (units.used or units.free or units.waiting or units.filling):
                del self._units[key]
                of_payer = self._payers[units.licensee]
                of_payer.remove(units)
                if not of_payer:
                    del self._payers[units.licensee]
                    self._said.pop(units.licensee, None)

    async def recall(self, licensee: str) -> None:
        """Return what is free of *licensee*: another is asked for it. Raises `StoreUnavailable`, and nothing is lost."""
        await self._return(self._payers.get(licensee, ()))
        # Whoever asked took it that nothing is left.
        self._say_idle(licensee, again=True)

    def forget(self) -> None:
        """What is free is ours no more: the book closed the purses. What was taken ends as always."""
        for units in self._units.values():
            units.free, units.block, units.last = 0, _FIRST, 0
        for licensee in self._payers:
            self._say_idle(licensee)

    async def close(self) -> None:
        """Return everything that is free; what was taken stays taken until it ends."""
        filling = [units.filling for units in self._units.values() if units.filling]
        if filling:
            await asyncio.wait(filling)
        await self._return(self._units.values())

    def _put_back(self, charge: Charge) -> None:
        if not charge.purse:
            return  # it was never set aside
        key = _key(charge)
        units = self._units.get(key) or self._begun(charge)
        units.free += 1
        self._serve(units)
        if units.free == 1:
            self._say_idle(units.licensee)

    def _begun(self, charge: Charge) -> _Units:
        units = self._units[_key(charge)] = _Units(charge.licensee, charge.license, charge.price)
        self._payers.setdefault(charge.licensee, []).append(units)
        return units

    def _say_idle(self, licensee: str, *, again: bool = False) -> None:
        """Say what lies idle of *licensee*, if that was not the last word, or *again*."""
        units = sum(units.free for units in self._payers.get(licensee, ()))
        if again or self._said.get(licensee, 0) != units:
            self._said[licensee] = units
            self._idle(licensee, units)

    def _serve(self, units: _Units) -> None:
        """Hand what is free to those that wait, first come first served."""
        while units.free and units.waiting:
            charge, waiter = units.waiting.popleft()
            if not waiter.done():
                units.free -= 1
                self._taken.add(charge.record_id)
                waiter.set_result(Lease(charge))

    def _fill(self, units: _Units, charge: Charge) -> None:
        """Lease more, in the background and once at a time; *charge* says on what terms."""
        if units.filling is None:
            units.filling = asyncio.ensure_future(self._filled(units, charge))

    async def _filled(self, units: _Units, charge: Charge) -> None:
        answer: Short | Refusal = Refusal(
            Problem.SPEND_BOOK_UNAVAILABLE, Phrase("The spend book broke."), retry_after=5
        )
        units.dry = True
        try:
            while True:
                granted = await self._leased(units, charge, max(units.block, len(units.waiting)))
                if isinstance(granted, Short):
                    answer = granted
                    return
                units.free += granted
                units.last, units.block, units.dry = granted, min(2 * units.block, _LARGEST), False
                self._serve(units)
                self._say_idle(units.licensee)
                if not units.waiting:
                    return
        except StoreUnavailable as error:
            units.dry = True
            answer = Refusal(
                Problem.SPEND_BOOK_UNAVAILABLE,
                Phrase("Prepaid credit cannot be checked."),
                retry_after=5,
                private=str(error),
            )
        finally:
            # Nobody waits behind this, whatever it was: the next to come tries again.
            units.filling = None
            while units.waiting:
                _, waiter = units.waiting.popleft()
                if not waiter.done():
                    waiter.set_result(answer)

    async def _leased(self, units: _Units, charge: Charge, fetches: int) -> int | Short:
        """Ask the book; what it lacks may lie idle here, for the same payer, and is given up for it."""
        if not units.waiting:
            # Ahead of need: nothing is taken from others for it.
            return await self._book.lease(self._writer, charge._replace(record_id=""), fetches)
        granted = await self._book.lease(self._writer, charge, fetches)
        if isinstance(granted, Short):
            others = [other for other in self._payers[units.licensee] if other is not units and other.free]
            if others:
                await self._return(others)
                granted = await self._book.lease(self._writer, charge, fetches)
        return granted

    async def _return(self, several: Iterable[_Units]) -> None:
        """Return what is free of *several* to the book; raises `StoreUnavailable`, and nothing is lost."""
        for units in list(several):
            free, units.free = units.free, 0
            if not free:
                continue
            units.block, units.last = _FIRST, 0
            price = units.price
            try:
                await self._book.give_back(
                    self._writer, units.license, Money(free * price.micros, price.currency), free
                )
            except StoreUnavailable:
                units.free += free
                self._serve(units)
                raise


def _key(charge: Charge) -> _Key:
    # A token may narrow the budget of its license: what was leased under one is not taken under another.
    price, budget = charge.price, charge.budget
    return (charge.license, price.micros, price.currency, budget.micros, budget.fetches)


def _paid_units(charge: Charge, ask: Ask, delivery: Delivery) -> tuple[str, ...]:
    return units_of(
        charge.licensee, ask.site, ask.path, unit_of(charge.licensee, ask, charge.stream), delivery
    )
