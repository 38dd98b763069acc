"""The one place where credit is consumed on the path of a request.

`take` is synchronous: it takes a charge from a lease at hand, or names the
lease that must be fetched. A lease fetched for an ask already contains that
ask's own hold, so the second call always decides.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.admission.admit import Grant
from gateway.admission.owed import WINDOW_SECONDS, Owed, owed, unit_of, units_of
from gateway.admission.pace import Pace
from gateway.admission.spending import Charge, Lease, Short, SpendBook
from gateway.ask import Ask
from gateway.evidence import Evidence, Need, Needs
from gateway.origin.delivery import Delivery
from gateway.problems import Problem, Refusal, StoreUnavailable

#: How many paid units one process remembers; the oldest are forgotten first.
_REMEMBERED = 200_000


@dataclass(frozen=True, slots=True)
class PaidUnit:
    """A unit that was paid for, as `admission.owed.units_of` names it, and when (whole seconds)."""

    key: str
    paid_at: int


@dataclass(frozen=True, slots=True)
class LeaseWanted:
    """What the source of a lease must know: the charge, and the time in whole seconds."""

    charge: Charge
    now: int


class Till:
    """Takes charges, and knows which units were paid for in the window."""

    def __init__(self, book: SpendBook, pace: Pace, *, remembered: tuple[PaidUnit, ...] = ()) -> None:
        """Work on *book*, starting with the units that the journal says were paid."""
        self._book = book
        self._pace = pace
        self._letting_go: set[asyncio.Future[None]] = set()
        self._paid: OrderedDict[str, int] = OrderedDict((unit.key, unit.paid_at) for unit in remembered)

    def take(self, grant: Grant, ask: Ask, evidence: Evidence) -> Grant | Refusal | Needs:
        """Take the grant's charge, if it has one, or say what is short or still needed."""
        charge = grant.charge
        if charge is None:
            return grant
        found = evidence.get("lease", charge.record_id)
        match found:
            case None:
                wait = self._pace.wait(f"license {charge.license}", ask.asked_at_us)
                if wait:
                    return Refusal(
                        Problem.TOO_FAST, f"License {charge.license} is fetching too fast.", retry_after=wait
                    )
                return Needs((Need("lease", charge.record_id, LeaseWanted(charge, ask.asked_at)),))
            case Lease():
                return grant
            case Short():
                return found.refusal(charge)
            case Refusal():
                return found
        raise TypeError(f"evidence of kind lease cannot be a {type(found).__name__}")

    async def lease(self, need: Need) -> Lease | Short | Refusal:
        """Fetch the lease that `take` asked for: the source of evidence kind ``lease``."""
        assert isinstance(need.about, LeaseWanted)
        wanted = need.about
        leasing = asyncio.ensure_future(self._book.lease(wanted.charge, wanted.now))
        try:
            return await asyncio.shield(leasing)
        except asyncio.CancelledError:
            # The client left; the lease may still be made, and must not be kept for nobody.
            leasing.add_done_callback(lambda _: self.let_go(wanted.charge.record_id))
            raise
        except StoreUnavailable as error:
            return Refusal(
                Problem.SPEND_BOOK_UNAVAILABLE,
                "Prepaid credit cannot be checked.",
                retry_after=5,
                private=str(error),
            )

    def owed(self, charge: Charge, ask: Ask, delivery: Delivery) -> Owed:
        """Say what *delivery* owes and remember its units as paid if it owes anything."""
        keys = _units(charge, ask, delivery)
        now = ask.asked_at
        before = any(self._paid.get(key, -WINDOW_SECONDS) > now - WINDOW_SECONDS for key in keys)
        due = owed(charge, ask, delivery, paid_before=before)
        if due.reason == "fetch":
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
        """Forget what `owed` remembered of *delivery*: it owed its price, and no record of it could be kept."""
        for key in _units(charge, ask, delivery):
            self._paid.pop(key, None)

    def _forget_oldest(self) -> None:
        while len(self._paid) > _REMEMBERED:
            self._paid.popitem(last=False)

    def let_go(self, record_id: str) -> None:
        """`give_back` without waiting for it."""
        task = asyncio.ensure_future(self.give_back(record_id))
        self._letting_go.add(task)
        task.add_done_callback(self._letting_go.discard)

    async def give_back(self, record_id: str) -> None:
        """Let the hold of a fetch that never happened go; if the book is away, it lapses."""
        try:
            await self._book.give_back(record_id)
        except StoreUnavailable:
            return


def _units(charge: Charge, ask: Ask, delivery: Delivery) -> tuple[str, ...]:
    return units_of(charge.licensee, ask.site, ask.path, unit_of(charge.licensee, ask), delivery)
