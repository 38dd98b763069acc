"""Credits back what two machines were paid for at once (`billing.paid_twice`); done by the one that does it for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from gateway.billing.paid_twice import PREFIX, PaidTwice, credited
from gateway.clock import Clock
from gateway.desk.fees import Keeping
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.terms.license_terms import LONGEST_WINDOW_HOURS

log = structlog.get_logger("licet.machines")

#: Seconds between two looks.
TWICE_SECONDS: Final = 2.0


class TwiceRound:
    """One office's."""

    def __init__(
        self, ledger: SqliteLedger, journal: Keeping, clock: Clock, wake: Callable[[], None]
    ) -> None:
        """Look through what *ledger* has of the last window, and on; write into *journal*, which *wake* has folded at once."""
        self._ledger, self._journal, self._clock, self._wake = ledger, journal, clock, wake
        self._seen, self._place = PaidTwice(), -1
        self._written: set[str] = set()

    async def act(self) -> None:
        """One look."""
        now_us = self._clock.now_us()
        if self._place < 0:
            self._place = await self._ledger.place_at(now_us - LONGEST_WINDOW_HOURS * 3_600_000_000)
        place, records = await self._ledger.paid_records(self._place)
        for record in self._seen.of(records):
            id = f"{PREFIX}{record.id}"
            if id in self._written or await self._ledger.has_entry(id):
                continue
            await self._journal.keep(credited(record, now_us))
            self._written.add(id)
            log.warning(
                "two machines were paid for one unit; the second payment is credited", record=record.id
            )
            self._wake()
        self._place = place
