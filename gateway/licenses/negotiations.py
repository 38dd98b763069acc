"""Where negotiations rest: a storage port.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_negotiations.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.event import Event
from gateway.licenses.negotiation import Negotiation


class Negotiations(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def put(self, old_version: str, new: Negotiation, *, events: Sequence[Event] = ()) -> bool:
        """Keep *new* in place of the one of its id whose `version` is *old_version*; "" is for one that is not there.

        *events* are kept with it, and are not where it is not.
        False, and nothing changed, where another version stands there. Of
        concurrent calls with one *old_version* exactly one is True.
        """
        ...

    async def get(self, id: str) -> Negotiation | None:
        """The negotiation of that id."""
        ...

    async def of(self, licensee: str, site: str) -> tuple[Negotiation, ...]:
        """Every negotiation of *licensee* on *site*, oldest first."""
        ...

    async def of_license(self, license: str) -> Negotiation | None:
        """The first negotiation that *license* was agreed in."""
        ...

    async def agreed_on(self, license: str) -> tuple[Negotiation, ...]:
        """Every negotiation that *license*, or a version of it, was agreed in, by when it began."""
        ...

    async def pending(self, most: int) -> tuple[Negotiation, ...]:
        """Those that wait for a person at the creator, oldest first, at most *most*."""
        ...
