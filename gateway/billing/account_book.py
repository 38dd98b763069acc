"""Closed periods and what account statements are made of: a storage port onto the rows that the keeper folds.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_account_book.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from gateway.billing.account_forms import digest
from gateway.billing.account_statements import AccountExtract, AccountStatement, account_statement
from gateway.billing.closing import preceding
from gateway.billing.statements import Period, StatementDisagrees
from gateway.provenance.record import BookEntry


class AccountBook(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def closes(self, licensee: str) -> Mapping[str, int]:
        """The closed periods of *licensee*: name, and the place of the entry that closed it first."""
        ...

    async def extract(self, licensee: str, period: Period) -> AccountExtract:
        """What the statement of *licensee* and *period* is made of, at one moment."""
        ...

    async def freeze(self, licensee: str, period: str, digest: str) -> str:
        """Keep the *digest* of a closed period, if none is kept; the one that is kept."""
        ...

    async def frozen(self) -> Mapping[tuple[str, str], str]:
        """The digest that is kept of each closed period, by licensee and name."""
        ...

    async def span(self, licensee: str) -> tuple[int, int] | None:
        """The times of its first and its last entry, in microseconds; None where there is none."""
        ...

    async def book_entries(self, licensee: str) -> tuple[BookEntry, ...]:
        """Every book entry of *licensee*, in the journal's order."""
        ...

    async def mode(self, wanted: str) -> str:
        """The mode of these books, ``live`` or ``test``: *wanted*, and for good, where none was kept."""
        ...

    async def licensees(self) -> tuple[str, ...]:
        """Everybody whom an entry about money names, by id."""
        ...


async def read_account(
    book: AccountBook, licensee: str, name: str, period: Period, *, test: bool = False
) -> AccountStatement:
    """The statement of *licensee*, called *name*. Raises `StatementDisagrees`.

    That of a closed period is held against the digest it had first.
    """
    made = account_statement(licensee, name, period, await book.extract(licensee, period))
    if made.closed_seq:
        now = digest(made, test=test)
        if await book.freeze(licensee, period.name, now) != now:
            raise StatementDisagrees(
                f"the closed period {period.name} of {licensee} is not what it was when it was closed"
            )
    return made


async def months_of(book: AccountBook, licensee: str) -> tuple[Period, ...]:
    """The months from the first to the last that there is an entry of, the newest first."""
    times = await book.span(licensee)
    if times is None:
        return ()
    first, last = (
        Period.parse(datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m")) for us in times
    )
    found = [last]
    while found[-1].since_us > first.since_us:
        found.append(preceding(found[-1]))
    return tuple(found)


def close_entry(licensee: str, period: Period, now_us: int) -> BookEntry:
    """The journal's entry that closes *period* for *licensee*."""
    named = f"close\x1f{licensee}\x1f{period.name}\x1f{now_us}"
    return BookEntry(
        id=f"cl_{hashlib.sha256(named.encode()).hexdigest()[:32]}", time_us=now_us, kind_of="close", site="",
        licensee=licensee, amount_micros=0, currency="XXX", reference=period.name, by="operator",
    )  # fmt: skip
