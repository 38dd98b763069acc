"""What the calendar does to licenses: they end, and their holders are told 30 days before."""

from __future__ import annotations

from typing import Final

import structlog

from gateway.clock import Clock
from gateway.licenses.lives import Lives

log = structlog.get_logger("licet")

#: Seconds between two looks: what has run out opens nothing within a second, as what is revoked does.
LIVES_SECONDS: Final = 0.5
#: How many licenses are ended or warned of in one transaction.
_MOST: Final = 500


class LifeRound:
    """Ends what ran out, and tells what ends soon; each once, whoever else looks too."""

    def __init__(self, lives: Lives, clock: Clock) -> None:
        """Work on *lives*."""
        self._lives, self._clock = lives, clock

    async def act(self) -> None:
        """One look."""
        now = self._clock.now_us() // 1_000_000
        for each in await self._lives.expire(now, _MOST):
            log.info("a license ended", license=each.id, version=each.version)
        await self._lives.warn(now, _MOST)
