"""Where licensees, clients, licenses and revocations rest: a storage port.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_register.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from gateway.event import Event
from gateway.licenses.exclusivity import Conflict
from gateway.licenses.license import Client, License, Licensee, Standing
from gateway.licenses.revocations import Revocations
from gateway.licenses.suspension import Suspension


class LicenseRegister(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def add_licensee(self, licensee: Licensee, client: Client) -> None:
        """Keep a new licensee with its first client. Raises `ValueError` if either id exists."""
        ...

    async def licensee(self, licensee_id: str) -> Licensee | None:
        """The licensee of that id."""
        ...

    async def licensees(self) -> tuple[Licensee, ...]:
        """Every licensee, by name."""
        ...

    async def newest_licensees(self, most: int, behind: Licensee | None = None) -> tuple[Licensee, ...]:
        """Licensees, the last to register first, at most *most*, *behind* one of them where it is given.

        Of the same second the first id comes first.
        """
        ...

    async def standings(self) -> Mapping[Standing, int]:
        """How many licensees there are of each standing; one that nobody has may be missing."""
        ...

    async def set_standing(self, licensee_id: str, standing: Standing, at: int) -> Licensee | None:
        """Approve or suspend; None if there is no such licensee.

        Suspending revokes every token of the licensee from *at* on; a return to
        ACTIVE lifts that for tokens issued in the second of *at* or later. What
        was issued before it stays revoked.
        """
        ...

    async def set_place(self, licensee_id: str, country: str, evidence: str) -> Licensee | None:
        """Keep where a licensee is and what was seen of that; None if there is no such licensee.

        Licenses that it holds stay as they were bought.
        """
        ...

    async def client(self, client_id: str) -> tuple[Client, Licensee] | None:
        """A client and its licensee, for authentication."""
        ...

    async def change_client(self, client: Client) -> bool:
        """Keep *client* in place of the one with its id and licensee; False if there is none."""
        ...

    async def remove_client(self, client_id: str, at: int, until: int) -> bool:
        """Forget a client and revoke its tokens as of *at*, in one act; False if there is none.

        *until* is when its last token has expired. Its licensee and the licenses stay.
        """
        ...

    async def grant(
        self, license: License, *, spent: Collection[str] = (), events: Sequence[Event] = ()
    ) -> License | Conflict:
        """Keep *license*, or return the live one that already says the same.

        The same means: licensee, site, terms hash, budget and crawlers equal.
        Live means: a term that has not ended at the new one's start, not
        revoked, and not among *spent*, the ids of licenses whose budget the
        caller found exhausted (`SpendBook.exhausted`). Of several, the one that
        ends last. Atomic: of concurrent calls with the same agreement and the
        same *spent* one license is kept and all return it. Raises `ValueError`
        for an unknown licensee, or an id that another license has. *events* are
        kept with it, and not where another one is returned.

        Where an exclusive license of somebody else stands in the way of it
        (`exclusivity.conflict`), or it is exclusive itself and anybody's does,
        nothing is kept and that is returned. Of concurrent calls for rights that
        shut each other out one keeps a license.
        """
        ...

    async def in_the_way(self, license: License) -> Conflict | None:
        """What `grant` would return instead of keeping *license*, if it would: the license that shuts it out."""
        ...

    async def license(self, license_id: str) -> License | None:
        """The license of that id: its version in force, else its last one."""
        ...

    async def licenses_of(self, licensee_id: str) -> tuple[License, ...]:
        """A licensee's licenses, every version of each, newest first."""
        ...

    async def newest_licenses(
        self, most: int, behind: License | None = None
    ) -> tuple[tuple[License, ...], ...]:
        """Licenses, each with every version of it in order, at most *most*, *behind* a first version where it is given.

        By when the first version began, the last first; of the same second the first id first.
        """
        ...

    async def licenses(self) -> int:
        """How many licenses there are, each once."""
        ...

    async def revoke(
        self, kind: str, subject: str, at: int, *, until: int = 0, events: Sequence[Event] = ()
    ) -> None:
        """Revoke a ``token`` (jti), ``license``, ``client`` or ``licensee`` from *at* on.

        *until* is when forgetting it is safe (a token's expiry), 0 for never.
        Revoking twice changes nothing. *events* are kept with it, each id once.
        """
        ...

    async def suspend(self, license_id: str, cause: str, said: str, at: int) -> bool:
        """Let nothing be opened under a license as long as *cause* stands (`suspension`), and keep the event.

        False, and nothing changed, where that cause stands already or there is
        no such license. Of concurrent calls for one cause exactly one is True.
        """
        ...

    async def resume(self, license_id: str, cause: str, at: int) -> bool:
        """Lift *cause* from a license, and keep the event; False where it does not stand."""
        ...

    async def suspensions(self, license_id: str) -> tuple[Suspension, ...]:
        """Every cause that a license was ever suspended for, in order."""
        ...

    async def revocations(self) -> Revocations:
        """Everything revoked and suspended, as of this call."""
        ...
