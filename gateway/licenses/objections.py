"""Where objections rest, and apart from them who made them: a storage port.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_objections.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.event import Event
from gateway.licenses.objection import Objection, Objector


class Objections(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def add(
        self, objection: Objection, objector: Objector, *, most: int, events: Sequence[Event] = ()
    ) -> bool:
        """Keep a new one; False and nothing where *most* of its site are undecided, or its id is taken."""
        ...

    async def change(self, objection: Objection, *, events: Sequence[Event] = ()) -> bool:
        """Keep *objection* in place of the version before it; False and nothing where another stands there."""
        ...

    async def get(self, id: str) -> Objection | None:
        """The objection of that id."""
        ...

    async def all(self, most: int, after: str = "") -> tuple[Objection, ...]:
        """The latest first, at most *most*; those that are undecided before all others.

        Those behind the one of id *after* where that is said; nothing where none has that id.
        """
        ...

    async def objector(self, id: str) -> Objector | None:
        """Who made it; None once that is erased."""
        ...

    async def erase(self, id: str) -> bool:
        """Forget who made it, for good; False where there is nothing to forget."""
        ...
