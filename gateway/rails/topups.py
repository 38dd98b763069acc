"""Credit that a licensee asked to pay in with a payment provider: the book of top-ups.

A top-up stands here before the provider is asked, and its id is the id of its
credit in the journal: however often a provider says that it was paid, it is
entered once. A provider's event is heard once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.money import Money


@dataclass(frozen=True, slots=True)
class TopUp:
    """*session* is the provider's page for it, *paid_by* the provider's payment; "" before there is one."""

    id: str
    licensee: str
    amount: Money
    at: int
    session: str = ""
    paid_by: str = ""


class TopUps(Protocol):
    """Where top-ups rest. A storage port.

    Implemented by `store.memory` and `store.sqlite`; both pass
    `tests/conformance/test_topups.py`. Raises `StoreUnavailable`.
    """

    async def add(self, topup: TopUp) -> TopUp:
        """Keep *topup*, unless one of its id is there; the one that is there."""
        ...

    async def opened(self, id: str, session: str) -> None:
        """Note the provider's page."""
        ...

    async def paid(self, id: str, paid_by: str) -> None:
        """Note the provider's payment, if none is noted."""
        ...

    async def topup(self, id: str) -> TopUp | None:
        """The top-up of that id."""
        ...

    async def paid_with(self, paid_by: str) -> TopUp | None:
        """The top-up that the provider's payment *paid_by* paid."""
        ...

    async def heard(self, event: str) -> bool:
        """Whether the provider's event was noted."""
        ...

    async def note(self, event: str, at: int) -> None:
        """Note that the provider's event was acted upon, at whole second *at*."""
        ...
