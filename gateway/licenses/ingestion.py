"""What the licensees of bundles fetched of them, and that they are told once when that is all: a storage port.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_ingestion.py`.
"""

from __future__ import annotations

from typing import Protocol

from gateway.event import Event
from gateway.licenses.bundle import Fetched


class Ingestion(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def awaited(self) -> tuple[str, ...]:
        """The ids of the licenses over a bundle whose `milestone.ingestion` has not been told, in order."""
        ...

    async def sold(self) -> tuple[str, ...]:
        """The ids of all licenses over a bundle, in order."""
        ...

    async def fetched(self, license_id: str) -> tuple[Fetched, ...]:
        """What was delivered whole under a license, as far as the journal is folded; by path, then digest."""
        ...

    async def tell(self, milestone: Event) -> None:
        """Keep *milestone*; without effect where it is kept already."""
        ...
