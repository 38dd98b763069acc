"""Where credit is taken from: charges, purses, and the book they rest in.

A balance exists once, as postings minus what is set aside; `SpendBook` and
`billing.ledger.Ledger` are two ports onto the same rows. Credit is consumed, so
it is no fact: `admit` returns a `Grant` with a `Charge`, the `Till` takes it.

A *purse* is what one journal writer (`provenance.writers`) has set aside on one
license in one currency. It grows by `SpendBook.lease`, many fetches at once, and
goes down when the keeper folds what the same writer recorded, in the transaction
that posts. When the writer is gone and its files are folded, the keeper closes
it: what was set aside and came to nothing is credit again, and nothing lapses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from gateway.languages import Phrase
from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import WINDOW_HOURS
from gateway.tokens.claims import Budget


class Charge(NamedTuple):
    """What one fetch may cost at most, and who pays it.

    *record_id* is the ask's id, "" where no ask waits for it. *budget* is the license's, over its whole life.
    In *window_seconds* nothing is paid for twice.
    *due* is what the whole unit owes where that is known and less than *price*.
    *stream* is the path of what is streamed in pieces, of which the fetch takes one, or "".
    Without *purse* the money is moved elsewhere, and none is set aside for it.
    """

    record_id: str
    licensee: str
    license: str
    price: Money
    budget: Budget
    window_seconds: int = WINDOW_HOURS * 3600
    due: Money | None = None
    purse: bool = True
    stream: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """The evidence that one unit of a purse is reserved for *charge*, and for nothing else."""

    charge: Charge


@dataclass(frozen=True, slots=True)
class Purse:
    """What *writer* has set aside on *license* for *licensee*: money, and a number of fetches."""

    writer: str
    license: str
    licensee: str
    held: Money
    fetches: int


@dataclass(frozen=True, slots=True)
class Short:
    """There is too little: of the license's *budget*, of the licensee's *credit*, its credit limit included, or of what it
    lets itself spend in a month, its *limit* (`licenses.spend_limits`).

    *left* is what others could still take after this call; for a budget counted
    in fetches it is zero money.
    """

    what: str  # budget | credit | limit
    left: Money

    def refusal(self, charge: Charge) -> Refusal:
        """The 402 that tells the crawler which of the two ran out."""
        if self.what == "budget":
            return Refusal(
                Problem.BUDGET_SPENT,
                Phrase(
                    "License {license} has {left} of its budget left; a fetch costs {price}.",
                    license=charge.license,
                    left=self.left,
                    price=charge.price,
                ),
            )
        if self.what == "limit":
            return Refusal(
                Problem.BUDGET_SPENT,
                Phrase(
                    "The limit that the licensee set for itself leaves {left} for this month; this costs {price}.",
                    left=self.left,
                    price=charge.price,
                ),
            )
        return Refusal(
            Problem.CREDIT_SPENT,
            Phrase(
                "The credit left is {left}; this fetch costs {price}.", left=self.left, price=charge.price
            ),
        )


class SpendBook(Protocol):
    """Where purses are kept. A storage port.

    Implemented by `store.memory` and `store.sqlite`; both pass
    `tests/conformance/test_spend_book.py`. Each method raises
    `StoreUnavailable` when the book cannot be read or written; then nothing
    happened, and the caller does not serve on credit.
    """

    async def lease(self, writer: str, charge: Charge, fetches: int) -> int | Short:
        """Add up to *fetches* times the charge's price to *writer*'s purse; how many, at least 1.

        Check and addition are one atomic step: of any number of concurrent
        calls, no combination of successes exceeds credit or budget. Grants at
        most a quarter of what is left, but always 1, so that several writers
        share the last of it. A charge of zero holds no money but counts against
        a budget of fetches. Each call takes anew: it is not repeatable. Raises
        `ValueError` for a price below zero, or for fewer than 1 of *fetches*.
        """
        ...

    async def give_back(self, writer: str, license: str, held: Money, fetches: int) -> None:
        """Take *held* and *fetches* that will not be used out of a purse, which never goes below zero."""
        ...

    async def exhausted(self, license: str, price: Money, budget: Budget) -> bool:
        """Whether what is left of *budget* allows the license of that id no further fetch at *price*.

        Counts as `lease` does, what was charged and what is set aside, seen at
        one moment, and takes nothing. Credit is not looked at. What is set aside
        and comes to nothing makes room again, so an answer of True can become
        False.
        """
        ...

    async def charged(self, license: str, currency: str) -> int:
        """How many fetches the books show as charged under the license of that id; its tiers follow from it."""
        ...

    async def affords(self, licensee: str, price: Money) -> bool:
        """Whether *licensee* could lease one fetch at *price* now, its credit limit included; takes nothing."""
        ...

    async def available(self, licensee: str, currency: str) -> Money:
        """The balance of *licensee*: postings minus purses, below zero where it owes. No credit limit counts."""
        ...

    async def balances(self, licensee: str) -> tuple[Money, ...]:
        """`available` in every currency the licensee ever had, by currency."""
        ...


def fee_of(license: str) -> str:
    """The purse of what is due at signing of *license*: apart from its fetches, for no budget counts it."""
    return f"{license}.fee"
