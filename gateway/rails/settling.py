"""The one place that has others move money: what a request presents, verified, settled, booked, handed to a fetch.

It runs in the office, so that any number of workers settle one payment once.
The order, in which a crash at any point leaves what the next start repairs:

=========== ================================================================
verify      the facilitator says that the payment holds; nothing is recorded
begin       it is `PENDING` in the book of settlements, under nonce and name
settle      the facilitator is asked once; what it says is recorded, and what
            it does not say stays `PENDING`: nobody is asked to pay again
book        a credit of the payer is durable in the journal and folded
hand over   the credit pays for one fetch; every other that presents the same
            payment within `RETRY_SECONDS` is served and not charged
=========== ================================================================

A credit has the payment's own id, so it is entered once. Its payer is no
licensee of the register: the books know it as ``RAIL:PAYER``. What its fetch
turned out not to owe (the creator's server broke off, the client left early)
stays its credit, and the same payment presented again is served from it; for
`RETRY_SECONDS` only, if another fetch was served on it meanwhile, or who breaks
off every first of two would read for ever. What was paid back pays for nothing. That the payer's authorization has
lapsed meanwhile makes no difference: it is the money that pays.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol
from weakref import WeakValueDictionary

import orjson
import structlog

from gateway.clock import Clock
from gateway.money import Money
from gateway.policy.x402_terms import X402Terms
from gateway.problems import StoreUnavailable
from gateway.provenance.record import BookEntry, JournalEntry
from gateway.rails.facilitator import (
    Facilitator,
    Invalid,
    Moved,
    NotMoved,
    Unreached,
    Unsure,
)
from gateway.rails.settlements import Payment, Settlements, State
from gateway.rails.x402 import (
    LAPSED,
    Presented,
    Requirement,
    fingerprint,
    has_lapsed,
    read_signature,
    requirement,
    spelled,
)

log = structlog.get_logger("licet.payments")

RAIL: Final = "x402"
#: Seconds in which a payment that was used is still good for another try at the same page.
RETRY_SECONDS: Final = 900
#: Seconds after which a fetch that left no record is taken for one that never ended.
_LOST_SECONDS: Final = 86_400
#: Seconds for which an unknown outcome is asked for again.
ASKED_AGAIN_SECONDS: Final = 3600
#: Seconds that the books may take to show a credit.
_FOLDED: Final = 5.0
_LOOK: Final = 0.005
_CHECKED: Final = 10_000

INVALID: Final = "payment-invalid"
CONFLICT: Final = "payment-conflict"
OPEN: Final = "payment-pending"
UNSERVED: Final = "payment-service-unavailable"


@dataclass(frozen=True, slots=True)
class Payable:
    """One price, and the ``PAYMENT-SIGNATURE`` that a request brings for it. *url* is absolute."""

    site: str
    method: str
    url: str
    price: Money
    terms: X402Terms
    header: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Checked:
    """The payment holds, or is settled already, in *transaction*. *payer* as the chain names it, in lower case."""

    payment: str
    payer: str
    transaction: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """The money is the creator's. *owes*: it pays for this fetch; otherwise it paid for another like it."""

    payment: str
    payer: str
    transaction: str
    state: State
    owes: bool


@dataclass(frozen=True, slots=True)
class Unpaid:
    """It is not. *code* is a problem's (`problems`), *reason* the specification's word or ours for why.

    *payment* is the id under which its state can be asked, or "".
    """

    code: str
    reason: str
    payment: str = ""
    retry_after: int = 0


class Keeping(Protocol):
    """What is needed of `provenance.journal.Journal`."""

    async def keep(self, entry: JournalEntry) -> None:
        """Return when *entry* is durable; raise `StoreUnavailable` if it cannot be made so."""
        ...


@dataclass(frozen=True, slots=True)
class Folded:
    """What is asked of the books.

    *entered*: whether they show the entry of an id. *charged*: what the fetch
    of an id was charged, in micro-units, or None where they show none. *undone*:
    how much of the entry of an id reversals undid. *wake* has the journal folded
    at once.
    """

    entered: Callable[[str], Awaitable[bool]]
    charged: Callable[[str], Awaitable[int | None]]
    undone: Callable[[str], Awaitable[int]]
    wake: Callable[[], None] = lambda: None


class Settling:
    """Settles payments. One object a gateway; its methods raise `StoreUnavailable` where a store is down."""

    def __init__(
        self, book: Settlements, facilitator: Facilitator, journal: Keeping, folded: Folded, clock: Clock
    ) -> None:
        """Record in *book*, ask *facilitator*, enter credits in *journal*."""
        self._book, self._facilitator, self._journal = book, facilitator, journal
        self._folded, self._clock = folded, clock
        self._checked: OrderedDict[str, None] = OrderedDict()
        self._running: dict[str, asyncio.Task[Payment | Unpaid]] = {}
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._kept: set[str] = set()

    async def check(self, payable: Payable) -> Checked | Unpaid:
        """Whether what *payable* brings pays its price, before the creator's server is asked."""
        presented, asked = _read(payable)
        there = await self._book.of_nonce(presented.nonce)
        if there is not None:
            wrong = self._standing(there, presented, _fingerprint(payable, asked))
            if wrong is not None:
                return wrong
            if there.state is State.PENDING and there.id not in self._running:
                return _unpaid(there)
            if there.state in {State.SETTLED, State.PENDING}:
                return Checked(presented.id, presented.authorization.payer, there.transaction)
        return await self._verified(presented, asked, payable)

    async def settle(self, payable: Payable, record_id: str) -> Taken | Unpaid:
        """Have the money moved, once whoever asks, and hand it to the fetch *record_id*."""
        presented, asked = _read(payable)
        task = self._running.get(presented.id)
        first = task is None
        if task is None:
            task = asyncio.create_task(self._settled(presented, asked, payable))
            self._running[presented.id] = task
            task.add_done_callback(lambda _: self._running.pop(presented.id, None))
        # Whoever goes away leaves the money on its way, and the next to come finds it.
        found = await asyncio.shield(task)
        if isinstance(found, Unpaid):
            return found
        return await self._handed_over(found, record_id, new=first and found.spent_by == "")

    async def finished(self, seconds: float) -> None:
        """Return when the outcome of each payment on its way is known and booked, or after *seconds*."""
        if self._running:
            await asyncio.wait(self._running.values(), timeout=seconds)

    async def known(self, payment: str) -> Checked | None:
        """The payment of that id, if it is settled; nobody is asked."""
        found = await self._book.payment(payment)
        if found is None or found.state is not State.SETTLED:
            return None
        return Checked(found.id, found.payer, found.transaction)

    async def skip(self, payable: Payable) -> None:
        """Note that the creator's server delivered nothing to pay for."""
        presented, asked = _read(payable)
        await self._book.skip(self._payment(presented, asked, payable))

    async def resume(self) -> int:
        """Repair what a crash left; how many payments stay open.

        To be called once everything in the journal is folded. A credit that is
        missing is entered. An unknown outcome is asked for again: a yes settles
        it; a no is what a facilitator says of a used nonce too, so it stays
        open, for a person to look into.
        """
        for payment in await self._book.open():
            if payment.id in self._running:
                continue
            age = self._clock.now_us() - payment.began_us
            if payment.state is State.PENDING and age < ASKED_AGAIN_SECONDS * 1_000_000:
                payment = await self._asked_again(payment)  # noqa: PLW2901 - the same, as it then stands
            if payment.state is State.SETTLED:
                await self._booked(payment)
        return len(await self._book.open())

    async def _verified(self, presented: Presented, asked: Requirement, payable: Payable) -> Checked | Unpaid:
        if has_lapsed(presented, self._clock.now_us() // 1_000_000):
            return Unpaid(INVALID, LAPSED)
        answer = await self._facilitator.verify(payable.terms.facilitator, presented, asked)
        if isinstance(answer, Invalid):
            return Unpaid(INVALID, answer.reason)
        if isinstance(answer, Unsure):
            log.warning("a payment could not be verified", payment=presented.id, why=answer.why)
            return Unpaid(UNSERVED, "verification is unavailable", retry_after=10)
        self._checked[presented.id] = None
        if len(self._checked) > _CHECKED:
            self._checked.popitem(last=False)
        return Checked(presented.id, presented.authorization.payer)

    async def _settled(self, presented: Presented, asked: Requirement, payable: Payable) -> Payment | Unpaid:
        """The payment once its credit is in the books, or why there is none."""
        payment = self._payment(presented, asked, payable)
        there = await self._book.of_nonce(presented.nonce)
        if there is None and presented.id not in self._checked:
            checked = await self._verified(presented, asked, payable)
            if isinstance(checked, Unpaid):
                return checked
        begun = await self._book.begin(payment)
        if begun.is_ours:
            found = await self._moved(begun.payment, presented, asked, payable.terms.facilitator)
        else:
            wrong = self._standing(begun.payment, presented, payment.fingerprint)
            if wrong is not None:
                return wrong
            found = begun.payment
        if found.state is not State.SETTLED:
            return _unpaid(found)
        await self._booked(found)
        return found

    async def _moved(
        self, payment: Payment, presented: Presented, asked: Requirement, facilitator: str
    ) -> Payment:
        answer = await self._facilitator.settle(facilitator, presented, asked)
        match answer:
            case Moved(transaction):
                state, reason = State.SETTLED, ""
            case NotMoved(reason):
                state, transaction = State.FAILED, ""
            case Unreached(reason):
                state, transaction = State.SERVICE_ERROR, ""
            case unclear:
                state, reason, transaction = State.PENDING, unclear.why, ""
        if state is not State.SETTLED:
            log.warning("a payment was not settled", payment=payment.id, state=str(state), why=reason)
        return await self._book.finish(
            payment.id, state, reason=reason, transaction=transaction, at_us=self._clock.now_us()
        )

    async def _asked_again(self, payment: Payment) -> Payment:
        stored = orjson.loads(payment.asked)
        presented = read_signature(spelled(payment.presented.encode()))
        asked = requirement(X402Terms(**stored), payment.amount)
        if not isinstance(presented, Presented) or asked is None:
            return payment
        answer = await self._facilitator.settle(stored["facilitator"], presented, asked)
        if not isinstance(answer, Moved):
            log.warning("a payment is still open; `licet payments` shows it", payment=payment.id)
            return payment
        return await self._book.finish(
            payment.id,
            State.SETTLED,
            reason="",
            transaction=answer.transaction,
            at_us=self._clock.now_us(),
        )

    async def _booked(self, payment: Payment) -> None:
        """Return once the books show the credit of *payment*."""
        async with self._lines.setdefault(payment.id, asyncio.Lock()):
            if payment.booked:
                return
            if payment.id not in self._kept and not await self._folded.entered(payment.id):
                await self._journal.keep(self._credit(payment))
                self._kept.add(payment.id)
            await self._shown(payment.id)
            await self._book.book(payment.id)
            self._kept.discard(payment.id)

    async def _shown(self, entry: str) -> None:
        try:
            async with asyncio.timeout(_FOLDED):
                while not await self._folded.entered(entry):
                    self._folded.wake()
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            raise StoreUnavailable("The books do not show a payment yet.") from None

    async def _handed_over(self, payment: Payment, record_id: str, *, new: bool) -> Taken | Unpaid:
        """Let the fetch have the credit, unless another has it."""
        if await self._folded.undone(payment.id):
            return Unpaid(INVALID, "payment_refunded", payment.id)
        now_us = self._clock.now_us()
        found = await self._book.spend(payment.id, record_id, at_us=now_us)
        before, age = found.spent_by, now_us - found.changed_us
        if before != record_id:
            charged = await self._folded.charged(before)
            if (charged or found.lent) and age > RETRY_SECONDS * 1_000_000:
                return Unpaid(INVALID, "payment_already_used", payment.id)
            if charged == 0 or (charged is None and age > _LOST_SECONDS * 1_000_000):
                found = await self._book.spend(payment.id, record_id, at_us=now_us, instead_of=before)
            if found.spent_by != record_id:
                await self._book.lend(payment.id)
        state = State.SETTLED if new and found.spent_by == record_id else State.DUPLICATE
        return Taken(found.id, found.payer, found.transaction, state, owes=found.spent_by == record_id)

    def _standing(self, there: Payment, presented: Presented, wanted: str) -> Unpaid | None:
        """Why *presented* is no good, beside what stands in the book; None where it is that very payment."""
        if there.nonce == presented.nonce and there.id != presented.id:
            return Unpaid(INVALID, "nonce_already_used")
        if there.fingerprint != wanted:
            return Unpaid(CONFLICT, "this payment is for another request", there.id)
        if there.state is State.FAILED:
            return Unpaid(INVALID, there.reason, there.id)
        return None

    def _payment(self, presented: Presented, asked: Requirement, payable: Payable) -> Payment:
        now = self._clock.now_us()
        terms = payable.terms
        return Payment(
            id=presented.id,
            rail=RAIL,
            nonce=presented.nonce,
            identifier=presented.identifier,
            fingerprint=_fingerprint(payable, asked),
            site=payable.site,
            # Without what was asked behind the path: that may say who reads, and is erased elsewhere.
            url=payable.url.partition("?")[0][:1000],
            payer=presented.authorization.payer,
            amount=payable.price,
            asked=orjson.dumps({name: getattr(terms, name) for name in terms.__dataclass_fields__}).decode(),
            presented=orjson.dumps(presented.content).decode(),
            state=State.PENDING,
            began_us=now,
            changed_us=now,
        )

    def _credit(self, payment: Payment) -> BookEntry:
        return BookEntry(
            id=payment.id,
            time_us=self._clock.now_us(),
            kind_of="credit",
            site=payment.site,
            licensee=payment.licensee,
            amount_micros=payment.amount.micros,
            currency=payment.amount.currency,
            reference=payment.transaction,
            memo=f"paid by {payment.rail}",
            by=payment.rail,
        )


def _read(payable: Payable) -> tuple[Presented, Requirement]:
    """What a worker has read before; raises `ValueError` where it had not."""
    presented, asked = read_signature(payable.header), requirement(payable.terms, payable.price)
    if not isinstance(presented, Presented) or asked is None:
        raise ValueError("what is to be settled was not read before")
    return presented, asked


def _fingerprint(payable: Payable, asked: Requirement) -> str:
    return fingerprint(payable.method, payable.url, asked)


def _unpaid(payment: Payment) -> Unpaid:
    match payment.state:
        case State.FAILED:
            return Unpaid(INVALID, payment.reason, payment.id)
        case State.PENDING:
            return Unpaid(OPEN, "the outcome is not known yet", payment.id, retry_after=30)
    return Unpaid(UNSERVED, "the facilitator was not reached", payment.id, retry_after=10)
