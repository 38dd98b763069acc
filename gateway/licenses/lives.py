"""Where the versions of licenses rest, and how each ends: a storage port on the same rows as the register.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_lives.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.event import Event
from gateway.licenses.exclusivity import Conflict
from gateway.licenses.license import License


class Lives(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def versions(self, license_id: str) -> tuple[License, ...]:
        """Every version of a license, in order; one that was replaced ends where the next begins."""
        ...

    async def put_version(
        self, new: License, agreement: str, *, events: Sequence[Event] = ()
    ) -> License | Conflict | None:
        """Keep *new* as the next version of its license, made by *agreement*, an id.

        The version before it is cut off where *new* begins (`life.cut`), and its
        tokens open nothing from then on; *events* are kept with that. The version
        that *agreement* made before is returned as it is. None, and nothing
        changed, where *new* does not follow the last version (`life.follows`) or
        the license was revoked; the conflict where somebody's license shuts it
        out. Of concurrent calls for one version number one keeps it.
        """
        ...

    async def made_by(self, agreement: str) -> License | None:
        """The version that *agreement* made."""
        ...

    async def expire(self, now: int, most: int) -> tuple[License, ...]:
        """End what ran out by *now*, at most *most* versions, and return those; each is ended once, with its event.

        The event is kept where nothing follows and the license was not revoked.
        """
        ...

    async def warn(self, now: int, most: int) -> tuple[License, ...]:
        """Mark what ends soon (`life.warned_from`) with its event, each once, at most *most*, and return those.

        Not what was revoked, nor what has a next version.
        """
        ...
