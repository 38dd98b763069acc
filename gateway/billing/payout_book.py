"""Where payouts rest: a storage port.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_payout_book.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.billing.payouts import Payee, Payout, Standing


class PayoutBook(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def plan(self, payouts: Sequence[Payout]) -> bool:
        """Keep new ones, all or none.

        False, and nothing kept, where an account that they leave does not cover them
        and every other payout that the books do not show yet. Those that are
        there already are kept once and covered already.
        """
        ...

    async def move(self, payouts: Sequence[Payout]) -> bool:
        """Keep each in place of the version before it, all or none; False where another stands there."""
        ...

    async def get(self, id: str) -> Payout | None:
        """The payout of that id."""
        ...

    async def all(self, most: int, after: str = "") -> tuple[Payout, ...]:
        """At most *most*, the newest first.

        Those behind the one of id *after* where that is said; nothing where none has that id.
        """
        ...

    async def owed(self) -> tuple[Standing, ...]:
        """What creators and authors have, less payouts that the books do not show yet: site, author, currency in order.

        Below zero where paying cost more than there is; accounts on which nothing stands are left out.
        """
        ...

    async def name_payee(self, site: str, author: str, payee: Payee | None) -> None:
        """Keep where *author* of *site* is paid to, or forget it; payouts that are planned stay as they are."""
        ...

    async def payees(self) -> Mapping[tuple[str, str], Payee]:
        """Where authors are paid to, by site and author."""
        ...
