"""What the office does about claims of costs: each change of one is told once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from gateway.billing.claim_events import events_of
from gateway.billing.owing import Owing
from gateway.event import Event

#: Seconds between two looks.
ROUND_SECONDS: Final = 5.0


class ClaimRound:
    """Looks at every license whose books changed since the last look, and at all of them in the first."""

    def __init__(self, owing: Owing, tell: Callable[[tuple[Event, ...]], Awaitable[None]]) -> None:
        """Read *owing*; *tell* keeps events, each id once."""
        self._owing, self._tell = owing, tell
        self._seen: dict[str, str] = {}

    async def act(self) -> None:
        """One look."""
        signs = await self._owing.signs()
        for gone in self._seen.keys() - signs.keys():
            del self._seen[gone]
        for id, sign in signs.items():
            if self._seen.get(id) == sign:
                continue
            told = events_of(id, await self._owing.entries(id, deliveries=False))
            if told:
                await self._tell(told)
            # Only once they are kept: what a store that is down did not take is told with the next look.
            self._seen[id] = sign
