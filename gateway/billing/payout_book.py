"""Where payouts rest: a storage port.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_payout_book.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.billing.payouts import Payout


class PayoutBook(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def plan(self, payouts: Sequence[Payout]) -> bool:
        """Keep new ones, all or none.

        False, and nothing kept, where the creator's account does not cover them
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

    async def all(self, most: int) -> tuple[Payout, ...]:
        """The newest first."""
        ...
