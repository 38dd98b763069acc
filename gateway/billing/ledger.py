"""The books as billing reads them: a storage port onto the rows that the keeper folds.

A balance exists once: postings minus purses. `admission.spending.SpendBook`
is the other port onto the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, Protocol, TypeVar

from gateway.admission.till import PaidUnit
from gateway.billing.book_export import Journaled
from gateway.billing.postings import Booked, Posting
from gateway.billing.reconcile import Books, Kept, Reckoning
from gateway.billing.statements import Extract, Period, Statement
from gateway.money import Money

T = TypeVar("T")

#: Entries about money that are in memory at once while all of them are added up.
CHUNK: Final = 2_000


class Ledger(Protocol):
    """Reading the books, and deriving them again.

    Implemented by `store.memory` and `store.sqlite`; both pass
    `tests/conformance/test_ledger.py`. Times are microseconds since the epoch,
    from *since_us* to before *until_us*. Each method is one moment, and raises
    `StoreUnavailable` when the store cannot answer.
    """

    async def balance(self, account: str, currency: str) -> Money:
        """Credits minus debits of *account*; zero for an account nothing was posted to."""
        ...

    async def balances(self, account: str) -> tuple[Money, ...]:
        """The balance in every currency ever posted to *account*, by currency."""
        ...

    async def postings(self, account: str | None, since_us: int, until_us: int) -> tuple[Posting, ...]:
        """Postings on *account*, or all, in the journal's order."""
        ...

    async def entries_of(self, licensee: str, since_us: int, until_us: int) -> tuple[Booked, ...]:
        """Every entry of *licensee*, whether it posted or not, in the journal's order."""
        ...

    async def has_entry(self, entry_id: str) -> bool:
        """Whether the entry of that id is folded in."""
        ...

    async def charged(self, record_id: str) -> int | None:
        """What the fetch of that id was charged, in micro-units; None where none is folded in."""
        ...

    async def undone(self, entry_id: str) -> int:
        """How much of the entry of that id reversals undid, in micro-units."""
        ...

    async def extract(self, licensee: str, since_us: int, until_us: int) -> Extract:
        """What a statement is made from: opening balances, entries and postings of one moment."""
        ...

    async def statement(self, licensee: str, name: str, period: Period) -> Statement:
        """The statement of *licensee*, called *name*. Raises `StatementDisagrees` where the books do."""
        ...

    async def books(self) -> Books:
        """Everything that `billing.reconcile` compares, whole in memory: of small books."""
        ...

    async def reckoned(self, asked: Collection[str] = (), *, at_once: int = CHUNK) -> Reckoning:
        """The same added up, *at_once* entries after the other: memory does not grow with fetches.

        What the fetches of the ids *asked* were charged is looked up on the way.
        """
        ...

    async def kept(self) -> Kept:
        """What is kept beside entries and postings: every balance, what licenses spent, purses and limits."""
        ...

    async def through(self, act: Callable[[Journaled], T]) -> T:
        """What *act* makes of all balances and postings of one moment; it may be begun again."""
        ...

    async def paid_units(self, since: int) -> tuple[PaidUnit, ...]:
        """Units paid for since *since* (whole seconds), oldest first; the newest 200,000 records count."""
        ...

    async def rederive(self) -> int:
        """Drop every posting, balance and spent budget, derive all from the entries; how many postings.

        One transaction: nobody sees the books half made. Purses stay as they are.
        """
        ...
