"""What the office does about duties in time: plan them, remind of them, suspend what they suspend.

Each is done once in effect, however often the round runs, in whatever process and
whatever the clock: plans and events have ids that follow from what they are about,
and a suspension is put in the act that looks whether it still is due.
"""

from __future__ import annotations

import structlog

from gateway.clock import Clock
from gateway.licenses.duties import plan_what_is_not
from gateway.licenses.duty_book import DutyBook

log = structlog.get_logger("licet")
#: Seconds between two rounds.
ROUND_SECONDS = 5.0


class DutyRound:
    """Looks at every duty that waits."""

    def __init__(self, book: DutyBook, clock: Clock) -> None:
        """Act by *book* at the time of *clock*."""
        self._book, self._clock = book, clock

    async def act(self) -> None:
        """Plan what is not planned, say what is to be said, suspend what is to be suspended."""
        while await plan_what_is_not(self._book.duties):
            pass
        suspended = await self._book.remind_and_suspend(self._clock.now_us() // 1_000_000)
        if suspended:
            log.warning("licenses were suspended for duties that are overdue", licenses=suspended)
