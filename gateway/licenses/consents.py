"""Where authors' consents rest: a storage port.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_consents.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.event import Event
from gateway.licenses.consent import Consent


class Consents(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def add(self, consent: Consent, *, events: Sequence[Event] = ()) -> bool:
        """Keep that an author is asked; False and nothing where that author is asked about that work already."""
        ...

    async def change(self, consent: Consent, *, events: Sequence[Event] = ()) -> bool:
        """Keep *consent* in place of the version before it; False and nothing where another stands there."""
        ...

    async def remove(self, id: str) -> Consent | None:
        """Ask that author no more, and give what stood there; its link is dead."""
        ...

    async def by_secret(self, digest: str) -> Consent | None:
        """Whose link has the secret of that SHA-256."""
        ...

    async def of_work(self, site: str, work: str) -> tuple[Consent, ...]:
        """Everybody who is asked about a work, in the order of asking."""
        ...

    async def all(self, most: int, after: str = "") -> tuple[Consent, ...]:
        """Everybody who is asked, by site and work, at most *most*.

        Those behind the one of id *after* where that is said; nothing where none has that id.
        """
        ...
