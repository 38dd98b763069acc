"""Where disputes rest: a storage port.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_dispute_book.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.billing.line_disputes import Dispute
from gateway.event import Event


class DisputeBook(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def open(self, dispute: Dispute, *, events: Sequence[Event] = ()) -> bool:
        """Keep a new one with *events*; False and nothing where its line is in dispute already."""
        ...

    async def decide(self, dispute: Dispute, *, events: Sequence[Event] = ()) -> bool:
        """Keep *dispute* in place of the version before it; False and nothing where another stands there."""
        ...

    async def get(self, id: str) -> Dispute | None:
        """The dispute of that id."""
        ...

    async def of(self, licensee: str, most: int, after: str = "") -> tuple[Dispute, ...]:
        """At most *most* of *licensee*, or of everybody for "": the open ones first, then the latest.

        Those behind the one of id *after* where that is said; nothing where none has that id.
        """
        ...
