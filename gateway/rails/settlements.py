"""The book of payments that another party moves: what was begun, and what came of it.

A payment stands here before anybody is asked to move money, so that a crash at
any moment leaves a row that says so. Its states are those of AWS WAF's
settlement records (API_SettlementRecord, 2026-06):

======================== =====================================================
``PENDING``              begun, and nobody here knows what came of it; it is
                         never begun a second time
``SETTLED``              the money moved
``FAILED``               it did not and will not, for the reason given
``SERVICE_ERROR``        whoever moves it was not reached; may be begun again
``SKIPPED_ORIGIN_ERROR`` nothing was delivered, so it was not begun; may be
                         begun
``DUPLICATE``            said of a payment that comes again once it is settled;
                         no row has it
======================== =====================================================

A payment has three names. Its *id* is made of everything that was signed, so
nobody guesses it. Its *nonce* is what the other party lets pass once: two
payments with one nonce are one, or a forgery. Its *identifier* is what the payer
calls it (x402 extension ``payment-identifier``), good for one payer alone.

The money of a settled payment is one credit of its payer. It pays for one
fetch, *spent_by*; whoever presents the payment again is not charged again.

What nobody was asked to move is forgotten after a day: whoever signs can make as
much of it as it likes, for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Protocol

from gateway.money import Money


class State(StrEnum):
    """What came of a payment."""

    PENDING = "PENDING"
    SETTLED = "SETTLED"
    FAILED = "FAILED"
    SERVICE_ERROR = "SERVICE_ERROR"
    SKIPPED_ORIGIN_ERROR = "SKIPPED_ORIGIN_ERROR"
    DUPLICATE = "DUPLICATE"


#: States from which a payment may be begun (again): nobody was asked to move anything.
UNTRIED: Final = frozenset({State.SERVICE_ERROR, State.SKIPPED_ORIGIN_ERROR})
#: Microseconds for which such a payment is remembered at least.
UNTRIED_KEPT_US: Final = 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment. Times are microseconds since the epoch.

    Attributes:
        id: public, unguessable; the id of its credit in the journal too.
        rail: the name of the rail that read it.
        nonce: what makes it single with whoever moves it.
        identifier: the payer's own name for it, or "".
        fingerprint: which request it pays for, as a hash.
        site: the site it was made to.
        url: what it pays for.
        payer: who pays, as the mover names it.
        amount: what it is worth here.
        asked: what was asked for, as JSON.
        presented: what was signed, as JSON; "" once it is of no more use.
        state: what came of it.
        reason: why, where it is not settled.
        transaction: what the mover calls it, once it is settled.
        began_us: when it was first recorded.
        changed_us: when it last changed.
        booked: whether its credit stands in the journal.
        spent_by: the fetch that it pays for, or "".
        lent: whether another fetch was served on it, uncharged.
    """

    id: str
    rail: str
    nonce: str
    identifier: str
    fingerprint: str
    site: str
    url: str
    payer: str
    amount: Money
    asked: str
    presented: str = field(repr=False)
    state: State
    began_us: int
    changed_us: int
    reason: str = ""
    transaction: str = ""
    booked: bool = False
    spent_by: str = ""
    lent: bool = False

    @property
    def licensee(self) -> str:
        """Whom the books credit."""
        return f"{self.rail}:{self.payer}"

    def may_begin_as(self, again: Payment) -> bool:
        """Whether *again* is this very payment, for the same request, and nobody was asked to move its money yet."""
        return self.state in UNTRIED and (self.id, self.fingerprint) == (again.id, again.fingerprint)

    def begun_again(self, again: Payment) -> Payment:
        """What stands once it is begun as *again*."""
        return replace(again, began_us=self.began_us, identifier=self.identifier)

    def finished(self, state: State, *, reason: str, transaction: str, at_us: int) -> Payment:
        """What stands once *state* is known; what was signed is forgotten where it can move no more money."""
        over = state in {State.SETTLED, State.FAILED}
        return replace(
            self,
            state=state,
            reason=reason[:200],
            transaction=transaction,
            changed_us=at_us,
            presented="" if over else self.presented,
        )


@dataclass(frozen=True, slots=True)
class Begun:
    """What stands in the book after a payment was brought to it.

    *is_ours*: the caller recorded it as begun and must ask for the money.
    Otherwise *payment* is what was there: the same one, another with its nonce,
    or another that its payer called by the same name.
    """

    payment: Payment
    is_ours: bool


class Settlements(Protocol):
    """Where payments rest. A storage port.

    Implemented by `store.memory` and `store.sqlite`; both pass
    `tests/conformance/test_settlements.py`. Each method is one atomic step, and
    raises `StoreUnavailable` where the book cannot be read or written; then
    nothing happened.
    """

    async def begin(self, payment: Payment) -> Begun:
        """Record *payment*, whose state is `PENDING`, unless one stands in its way.

        In the way is any payment with the same nonce, or with the same
        identifier of the same payer and rail that has not failed, unless it `may_begin_as` this
        one. Of any number of concurrent calls one is told that it `is_ours`. Forgets what is
        `UNTRIED` and last changed `UNTRIED_KEPT_US` before this one began.
        """
        ...

    async def skip(self, payment: Payment) -> None:
        """Record *payment* as `SKIPPED_ORIGIN_ERROR`; without effect where one stands in its way. Forgets as `begin`."""
        ...

    async def finish(self, id: str, state: State, *, reason: str, transaction: str, at_us: int) -> Payment:
        """Say what came of the payment of that id, which is `PENDING`; as it then stands.

        Once it is in another state nothing changes. Raises `KeyError` where there is none.
        """
        ...

    async def book(self, id: str) -> None:
        """Note that the credit of that payment stands in the journal."""
        ...

    async def spend(self, id: str, record_id: str, *, at_us: int, instead_of: str = "") -> Payment:
        """Let the fetch *record_id* have the money, if the fetch *instead_of* has it; as it then stands.

        That is a change of *at_us*, unless it was lent before: what was lent grows no younger.
        Raises `KeyError` where there is no such payment.
        """
        ...

    async def lend(self, id: str) -> None:
        """Note that another fetch than the one that has the money is served on it; without effect where there is none."""
        ...

    async def payment(self, id: str) -> Payment | None:
        """The payment of that id."""
        ...

    async def of_nonce(self, nonce: str) -> Payment | None:
        """The payment with that nonce."""
        ...

    async def payments(self, limit: int = 100) -> tuple[Payment, ...]:
        """The newest *limit* payments, newest first."""
        ...

    async def open(self) -> tuple[Payment, ...]:
        """Every payment that is `PENDING`, or settled and not booked, oldest first."""
        ...
