"""Where credit is taken from: charges, leases, and the book they rest in.

A balance exists once, as postings minus open holds; `SpendBook` and
`billing.ledger.Ledger` are two ports onto the same rows. Credit is consumed, so
it is no fact: `admit` returns a `Grant` with a `Charge`, the `Till` takes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.tokens.claims import Budget

#: Seconds before the end of its hold at which a licensed answer is broken off.
HOLD_MARGIN = 120


@dataclass(frozen=True, slots=True)
class Charge:
    """What one fetch may cost at most, and who pays it.

    *record_id* is the ask's id and makes every later step repeatable. *budget*
    is the license's, over its whole life. *hold_seconds* outlasts the longest
    answer: a hold that nobody settles returns to the licensee after it.
    """

    record_id: str
    licensee: str
    license: str
    price: Money
    budget: Budget
    hold_seconds: int = 3600


@dataclass(frozen=True, slots=True)
class Lease:
    """Credit set aside for *record_id*; it already contains that ask's own hold."""

    record_id: str
    held: Money


@dataclass(frozen=True, slots=True)
class Short:
    """There is too little: of the license's *budget*, or of the licensee's prepaid *credit*.

    *left* is what others could still take after this call; for a budget counted
    in fetches it is zero money.
    """

    what: str  # budget | credit
    left: Money

    def refusal(self, charge: Charge) -> Refusal:
        """The 402 that tells the crawler which of the two ran out."""
        if self.what == "budget":
            return Refusal(
                Problem.BUDGET_SPENT,
                f"License {charge.license} has {self.left} of its budget left; a fetch costs {charge.price}.",
            )
        return Refusal(
            Problem.CREDIT_SPENT, f"The prepaid credit left is {self.left}; this fetch costs {charge.price}."
        )


class SpendBook(Protocol):
    """Where holds on prepaid credit are kept. A storage port.

    Implemented by `store.memory` and `store.sqlite`; both pass
    `tests/conformance/test_spend_book.py`. Each method raises
    `StoreUnavailable` when the book cannot be read or written; then nothing was
    taken, or it will lapse, and the caller does not serve on credit.
    """

    async def lease(self, charge: Charge, now: int) -> Lease | Short:
        """Set the charge's price aside, or say there is too little.

        Check and hold are one atomic step: of any number of concurrent calls,
        no combination of successes exceeds credit or budget. A second call with
        the same record id changes nothing and returns what the first returned.
        Holds older than their `hold_seconds` at *now* no longer count. A charge
        of zero holds nothing but still counts one fetch of the budget.
        """
        ...

    async def settle(self, record_id: str, owed: Money, now: int) -> bool:
        """Close a hold with what is owed, at most what was held; whether it changed anything.

        Posts nothing: postings derive from the journal, whose keeper closes the
        hold in the transaction that posts. For rails that settle elsewhere.
        """
        ...

    async def give_back(self, record_id: str) -> bool:
        """Let an open hold go unused; whether there was one. Doing it twice is harmless."""
        ...

    async def exhausted(self, license: str, price: Money, budget: Budget, now: int) -> bool:
        """Whether what is left of *budget* allows the license of that id no further fetch at *price*.

        Counts as `lease` does, what was charged and what is open, seen at one
        moment, and holds nothing. Credit is not looked at. A fetch still open
        that turns out to owe nothing makes room again, so an answer of True can
        become False.
        """
        ...
