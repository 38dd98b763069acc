"""Where withdrawals rest, and what licensees do about them: a storage port.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_withdrawals.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.event import Event
from gateway.licenses.removal import Copy, Removal
from gateway.licenses.withdrawal import Withdrawal


class Withdrawals(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def issue(
        self, withdrawal: Withdrawal, removals: Sequence[Removal] = (), *, events: Sequence[Event] = ()
    ) -> bool:
        """Keep a new *withdrawal*, what each licensee is told of it, and *events*; False and nothing where its id is taken."""
        ...

    async def lift(
        self, withdrawal: Withdrawal, removals: Sequence[Removal] = (), *, events: Sequence[Event] = ()
    ) -> bool:
        """Keep *withdrawal*, which is readmitted, and *removals* in place of those of before.

        False, and nothing changed, where there is none of its id that is in force.
        """
        ...

    async def get(self, id: str) -> Withdrawal | None:
        """The withdrawal of that id."""
        ...

    async def all(self, most: int, after: str = "") -> tuple[Withdrawal, ...]:
        """Every withdrawal of every site, those issued last first, at most *most*.

        Those behind the one of id *after* where that is said; nothing where none has that id.
        """
        ...

    async def in_force(self, now: int) -> tuple[Withdrawal, ...]:
        """Those in force in whole second *now*, by id. Asked several times a second."""
        ...

    async def change(self, removal: Removal, *, events: Sequence[Event] = ()) -> bool:
        """Keep *removal* in place of the version before it, and *events*; False and nothing where another stands there."""
        ...

    async def removals(self, withdrawal: str) -> tuple[Removal, ...]:
        """What each licensee does about one withdrawal, by licensee."""
        ...

    async def removals_of(self, licensee: str) -> tuple[Removal, ...]:
        """What one licensee was told, on all sites, the latest first."""
        ...

    async def waiting(self, most: int) -> tuple[Removal, ...]:
        """Removals without a plan, of withdrawals that are not lifted; the earliest due first."""
        ...

    async def copies(self, site: str, digests: Sequence[str] = ()) -> tuple[Copy, ...]:
        """What was delivered of *site*, by the journal as far as it is folded; with *digests* only content of these.

        One entry for each licensee ("" for none), path, digest and uses.
        """
        ...
