"""What is due at signing: set aside in the spend book, then durable in the journal, and taken once.

A fee is entered under an id that follows from what was agreed, so a purchase
that broke off and is asked for again is not paid for twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from gateway.admission.spending import Charge, Short, SpendBook, fee_of
from gateway.clock import Clock
from gateway.licenses.license import License
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
    """Takes what is due. One object a process: it remembers what is paid and not yet granted."""

    def __init__(self, spend_book: SpendBook, journal: Keeping, clock: Clock, entered: Entered) -> None:
        """Work on these; *entered* says whether the books hold the entry of an id."""
        self._book, self._journal, self._clock, self._entered = spend_book, journal, clock, entered
        self._unfinished: set[str] = set()

    async def take(self, license: License, due: Money, agreement: str) -> Refusal | None:
        """Take what is *due* for *license*, owed under the id *agreement*, or say how much is missing; None when it is paid or nothing is due."""
        if not due or agreement in self._unfinished or await self._entered(agreement):
            return None
        charge = Charge(agreement, license.licensee, fee_of(license.id), due, Budget())
        lease = await self._book.lease(self._journal.writer, charge, 1)
        if isinstance(lease, Short):
            return lacking(license, due, lease.left, "is due at signing")
        try:
            await self._journal.keep(self._fee(license, due, agreement))
        except StoreUnavailable as error:
            await self._book.give_back(self._journal.writer, charge.license, due, 1)
            return Refusal(
                Problem.JOURNAL_UNAVAILABLE, "The fee cannot be recorded.", retry_after=10, private=str(error)
            )
        self._unfinished.add(agreement)
        return None

    def _fee(self, license: License, due: Money, agreement: str) -> BookEntry:
        return BookEntry(
            id=agreement,
            time_us=self._clock.now_us(),
            kind_of="fee",
            site=license.site,
            licensee=license.licensee,
            amount_micros=due.micros,
            currency=due.currency,
            license=license.id,
            memo=f"due at signing on the offer {license.offer}" if license.offer else "due at signing",
            by="desk",
        )

    def granted(self, agreement: str) -> None:
        """Hear that what was paid for is kept."""
        self._unfinished.discard(agreement)


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
