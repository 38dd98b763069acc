"""What the office does about milestones in time: what happens by itself is written, and each change is told once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from gateway.billing.escrow import State
from gateway.billing.milestone_book import Known, MilestoneBook
from gateway.billing.milestone_events import events_of
from gateway.billing.owing import Owing
from gateway.event import Event

log = structlog.get_logger("licet")
#: Seconds between two looks.
ROUND_SECONDS: Final = 5.0
#: What may go on without anybody's word.
_GOES_ON: Final = frozenset({State.PLANNED, State.WAITING, State.MET})


class MilestoneRound:
    """Looks at every license that has milestones."""

    def __init__(
        self,
        owing: Owing,
        book: MilestoneBook,
        tell: Callable[[tuple[Event, ...]], Awaitable[None]],
        wake: Callable[[], None],
    ) -> None:
        """Act through *book*; *tell* keeps events, each id once; *wake* has the journal folded at once."""
        self._owing, self._book, self._tell, self._wake = owing, book, tell, wake
        self._seen: dict[str, str] = {}
        self._running: set[str] = set()
        self._told: set[str] = set()

    async def act(self) -> None:
        """One look: at what changed, and at whatever still waits."""
        signs = await self._owing.signs()
        for gone in self._seen.keys() - signs.keys():
            del self._seen[gone]
        for id, sign in signs.items():
            if self._seen.get(id) == sign and id not in self._running:
                continue
            known = await self._book.known(id)
            if known.milestones:
                await self._go_on(id, known)
            self._seen[id] = sign

    async def _go_on(self, id: str, known: Known) -> None:
        written = await self._book.advance(id)
        if written:
            log.info("a milestone went on", license=id, entries=[each.kind_of for each in written])
            self._wake()
        told = tuple(
            event
            for each in known.milestones
            for event in events_of(each.milestone, each.standing.entry, known.entries)
        )
        new = tuple(each for each in told if each.id not in self._told)
        if new:
            await self._tell(new)
            self._told.update(each.id for each in new)
        if any(each.standing.state in _GOES_ON for each in known.milestones):
            self._running.add(id)
        else:
            self._running.discard(id)
