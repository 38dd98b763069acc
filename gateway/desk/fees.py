"""What is due at signing: set aside in the spend book, then durable in the journal, taken once, given back once.

A fee is entered under an id that follows from what was agreed, so a purchase
that broke off and is asked for again is not paid for twice. Where the license
could not be granted after all, the fee is undone by a reversal whose id follows
from the fee's; whoever agrees on the same again pays under the next id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from gateway.admission.spending import Charge, Short, SpendBook, fee_of
from gateway.clock import Clock
from gateway.licenses.license import License
from gateway.licenses.unfinished import Purchase
from gateway.money import Money
from gateway.problems import Problem, Refusal, StoreUnavailable
from gateway.provenance.record import BookEntry, JournalEntry
from gateway.tokens.claims import Budget

Entered = Callable[[str], Awaitable[bool]]


class Keeping(Protocol):
    """What the sale needs of `provenance.journal.Journal`."""

    @property
    def writer(self) -> str:
        """Its name among all writers, ever."""
        ...

    async def keep(self, entry: JournalEntry) -> None:
        """Return when *entry* is durable; raise `StoreUnavailable` if it cannot be made so."""
        ...


class Fees:
    """Takes what is due, and gives it back. One object a process: it remembers what is not folded yet."""

    def __init__(self, spend_book: SpendBook, journal: Keeping, clock: Clock, entered: Entered) -> None:
        """Work on these; *entered* says whether the books hold the entry of an id."""
        self._book, self._journal, self._clock, self._entered = spend_book, journal, clock, entered
        self._unfolded: set[str] = set()

    async def taken(self, agreement: str) -> bool:
        """Whether the fee of *agreement* was taken and not given back."""
        return await self._is_there(await self._current(agreement))

    async def take(self, purchase: Purchase, why: str = "due at signing") -> Refusal | None:
        """Take what is due for *purchase*, or say how much is missing; None when it is paid or nothing is due."""
        license, due = purchase.license, purchase.due
        if not due:
            return None
        fee = await self._current(purchase.agreement)
        if await self._is_there(fee):
            return None
        charge = Charge(fee, license.licensee, fee_of(license.id), due, Budget())
        lease = await self._book.lease(self._journal.writer, charge, 1)
        if isinstance(lease, Short) and lease.what == "limit":
            return lease.refusal(charge)
        if isinstance(lease, Short):
            return lacking(license, due, lease.left, f"is {why}")
        memo = f"{why} on the offer {license.offer}" if license.offer else why
        try:
            await self._keep(self._entry(purchase, fee, "fee", memo, license=license.id))
        except StoreUnavailable as error:
            await self._book.give_back(self._journal.writer, charge.license, due, 1)
            return Refusal(
                Problem.JOURNAL_UNAVAILABLE, "The fee cannot be recorded.", retry_after=10, private=str(error)
            )
        return None

    async def give_back(self, purchase: Purchase) -> None:
        """Undo the fee of *purchase*, if it was taken; once, however often it is asked for.

        Raises `StoreUnavailable` where that cannot be recorded.
        """
        fee = await self._current(purchase.agreement)
        if purchase.due and await self._is_there(fee):
            memo = "the fee of a license that was not granted"
            await self._keep(self._entry(purchase, _undoing(fee), "reversal", memo, reference=fee))

    async def _current(self, agreement: str) -> str:
        """The id of the fee that *agreement* has, or would have: the first that was not given back."""
        fee, nth = agreement, 1
        while await self._is_there(_undoing(fee)):
            nth += 1
            fee = f"{agreement}.{nth}"
        return fee

    async def _is_there(self, entry: str) -> bool:
        return entry in self._unfolded or await self._entered(entry)

    async def _keep(self, entry: BookEntry) -> None:
        await self._journal.keep(entry)
        self._unfolded.add(entry.id)

    def granted(self, agreement: str) -> None:
        """Hear that what was paid for is kept."""
        self._unfolded.discard(agreement)

    def _entry(
        self, purchase: Purchase, id: str, kind: str, memo: str, *, license: str = "", reference: str = ""
    ) -> BookEntry:
        return BookEntry(
            id=id,
            time_us=self._clock.now_us(),
            kind_of=kind,
            site=purchase.license.site,
            licensee=purchase.license.licensee,
            amount_micros=purchase.due.micros,
            currency=purchase.due.currency,
            license=license,
            reference=reference,
            memo=memo,
            by="desk",
        )


def _undoing(fee: str) -> str:
    return f"{fee}.back"


def lacking(license: License, due: Money, left: Money, why: str) -> Refusal:
    """The refusal of a *license* for which *due* cannot be paid, with the balance *left*; *why* goes on the sentence."""
    return Refusal(
        Problem.CREDIT_SPENT,
        f"On {f'the offer {license.offer}' if license.offer else 'this license'}, {due} {why};"
        f" the prepaid credit left is {left}.",
        facts=(
            ("offer", license.offer),
            ("due", str(due)),
            ("balance", str(left)),
            ("missing", str(due - left)),
        ),
    )
