"""Where the digests of originals rest, beside what the journal saw: a storage port.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_originals.py`.
"""

from __future__ import annotations

from typing import Protocol

from gateway.licenses.authorship import Original, Seen


class Originals(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def add(self, original: Original) -> bool:
        """Keep it; False and nothing where that digest was filed for that work before: the first time counts."""
        ...

    async def of_work(self, site: str, work: str) -> tuple[Original, ...]:
        """Those of a work, the earliest first."""
        ...

    async def seen(self, site: str, work: str) -> tuple[Seen, ...]:
        """What was delivered whole of a work, by the journal as far as it is folded; by path, then the earliest first."""
        ...
