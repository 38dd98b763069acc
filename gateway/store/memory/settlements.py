"""`rails.settlements.Settlements` in memory."""

from __future__ import annotations

from dataclasses import replace

from gateway.problems import StoreUnavailable
from gateway.rails.settlements import UNTRIED, UNTRIED_KEPT_US, Begun, Payment, State


class MemorySettlements:
    """Payments; nothing waits, so each method is one step. Setting *down* to a sentence makes it refuse."""

    def __init__(self) -> None:
        """Start empty."""
        self.down = ""
        self._payments: dict[str, Payment] = {}

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable(self.down)

    async def begin(self, payment: Payment) -> Begun:
        """Record *payment* unless one stands in its way; see `Settlements.begin`."""
        self._check()
        self._forget(payment.began_us)
        there = self._in_the_way(payment)
        if there is not None and not there.may_begin_as(payment):
            return Begun(there, is_ours=False)
        self._payments[payment.id] = there.begun_again(payment) if there else payment
        return Begun(self._payments[payment.id], is_ours=True)

    async def skip(self, payment: Payment) -> None:
        """Record *payment* as not begun; without effect where one stands in its way."""
        self._check()
        self._forget(payment.began_us)
        if self._in_the_way(payment) is None:
            self._payments[payment.id] = replace(payment, state=State.SKIPPED_ORIGIN_ERROR)

    async def finish(self, id: str, state: State, *, reason: str, transaction: str, at_us: int) -> Payment:
        """Say what came of a pending payment."""
        self._check()
        found = self._payments[id]
        if found.state is State.PENDING:
            found = found.finished(state, reason=reason, transaction=transaction, at_us=at_us)
            self._payments[id] = found
        return found

    async def book(self, id: str) -> None:
        """Note that its credit stands in the journal."""
        self._check()
        if id in self._payments:
            self._payments[id] = replace(self._payments[id], booked=True)

    async def spend(self, id: str, record_id: str, *, at_us: int, instead_of: str = "") -> Payment:
        """Let a fetch have the money, if *instead_of* has it."""
        self._check()
        found = self._payments[id]
        if found.spent_by == instead_of:
            changed_us = found.changed_us if found.lent else at_us
            self._payments[id] = replace(found, spent_by=record_id, changed_us=changed_us)
        return self._payments[id]

    async def lend(self, id: str) -> None:
        """Note that another fetch is served on it."""
        self._check()
        if id in self._payments:
            self._payments[id] = replace(self._payments[id], lent=True)

    async def payment(self, id: str) -> Payment | None:
        """The payment of that id."""
        self._check()
        return self._payments.get(id)

    async def of_nonce(self, nonce: str) -> Payment | None:
        """The payment with that nonce."""
        self._check()
        return next((each for each in self._payments.values() if each.nonce == nonce), None)

    async def payments(self, limit: int = 100) -> tuple[Payment, ...]:
        """The newest *limit*, newest first."""
        self._check()
        return tuple(sorted(self._payments.values(), key=_age, reverse=True)[:limit])

    async def open(self) -> tuple[Payment, ...]:
        """Every one that is pending, or settled and not booked, oldest first."""
        self._check()
        return tuple(sorted(filter(_is_open, self._payments.values()), key=_age))

    def _forget(self, now_us: int) -> None:
        old = now_us - UNTRIED_KEPT_US
        for each in list(self._payments.values()):
            if each.state in UNTRIED and each.changed_us <= old:
                del self._payments[each.id]

    def _in_the_way(self, payment: Payment) -> Payment | None:
        known = self._payments.values()
        same = next((each for each in known if each.nonce == payment.nonce), None)
        if same is not None or not payment.identifier:
            return same
        alive = (each for each in known if each.state is not State.FAILED)
        return next((each for each in alive if _called(each) == _called(payment)), None)


def _called(payment: Payment) -> tuple[str, str, str]:
    return payment.rail, payment.payer, payment.identifier


def _age(payment: Payment) -> tuple[int, str]:
    return payment.began_us, payment.id


def _is_open(payment: Payment) -> bool:
    return payment.state is State.PENDING or (payment.state is State.SETTLED and not payment.booked)
