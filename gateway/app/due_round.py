"""What the office does about what falls due, and bears interest once it is late: it enters it in the journal, each once.

A license is shown before its fee is folded, and a fee not folded looks like one
that was not paid: what changed is looked at once the books hold everything that
was durable when the change was seen. What is written and not folded yet counts
as booked. The keeper folds everything that is durable before the office begins,
so that after a crash the books show what was written, and the ids say that it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from gateway.billing import interest_booking
from gateway.billing.booking import LATE_SECONDS, bookable, counted, due_until, moments, to_book
from gateway.billing.dispute_book import DisputeBook
from gateway.billing.document_book import DocumentBook
from gateway.billing.dues import Dues, Facts
from gateway.billing.owing import Held, Owing
from gateway.clock import Clock
from gateway.desk.fees import Keeping
from gateway.provenance.keeper import Folding
from gateway.provenance.record import BookEntry, JournalEntry
from gateway.provenance.segments import durable_ends

log = structlog.get_logger("licet")
#: Seconds between two looks.
ROUND_SECONDS: Final = 5.0
#: After so many looks in vain a journal that cannot be folded, such as a damaged one, is waited for no more.
_PATIENCE: Final = 12
_DAY: Final = 86_400
#: Documents and disputes of one licensee that are looked at.
_MOST: Final = 10_000


class DueRound:
    """Looks at every license of which something changed, or under which something fell due by time alone."""

    def __init__(
        self,
        owing: Owing,
        bills: tuple[DocumentBook, DisputeBook],
        journal: Keeping,
        clock: Clock,
        folded: Callable[[], Awaitable[bool]],
        wake: Callable[[], None],
    ) -> None:
        """Read *owing* and *bills*, write into *journal*; *folded* says whether the books hold all of it, *wake* has it folded at once."""
        self._documents, self._disputes = bills
        self._owing, self._journal, self._clock, self._wake = owing, journal, clock, wake
        self._folded, self._waited = folded, 0
        self._seen: dict[str, tuple[str, int]] = {}
        self._written: dict[str, BookEntry] = {}

    async def act(self) -> None:
        """One look."""
        now_us = self._clock.now_us()
        now, signs = now_us // 1_000_000, await self._owing.signs()
        for gone in self._seen.keys() - signs.keys():
            del self._seen[gone]
        changed = [id for id, sign in signs.items() if self._is_news(id, sign, now)]
        if not changed or not await self._settled():
            return
        for id in changed:
            written, next_at = await self._book(id, now, now_us)
            # What was written changes the sign once it is folded; then this is looked at once more.
            self._seen[id] = (signs[id], next_at)
            if written:
                log.info("what fell due was booked", license=id, entries=written)

    def _is_news(self, id: str, sign: str, now: int) -> bool:
        seen, again_at = self._seen.get(id, ("", 0))
        return sign != seen or now >= again_at

    async def _settled(self) -> bool:
        if await self._folded() or self._waited >= _PATIENCE:
            self._waited = 0
            return True
        self._waited += 1
        self._wake()
        return False

    async def _book(self, id: str, now: int, now_us: int) -> tuple[int, int]:
        """How many entries were written, and when the license is to be looked at again."""
        held = await self._owing.held(id)
        bears = interest_booking.agreed(held.versions)
        if not bookable(held.versions) and not bears:
            return 0, 1 << 62
        looks = counted(held.versions)
        entries = await self._owing.entries(id, deliveries=looks)
        for each in {entry.id for entry in entries} & self._written.keys():
            del self._written[each]
        pending = [each for each in self._written.values() if each.license == id]
        facts = Facts(entries, held.reports, rates=await self._owing.rates())
        dues = due_until(held.versions, facts, now, over_at=held.over_at)
        license = held.versions[-1]
        new = to_book(license, dues, (*entries, *pending), now_us)
        if bears:
            new += await self._interest(held, dues, (*entries, *pending, *new), now_us)
        for entry in new:
            await self._journal.keep(entry)
            self._written[entry.id] = entry
        if new:
            self._wake()
        coming = [at for at in moments(held.versions, over_at=held.over_at) if at > now]
        late = looks and now < license.ends_at + LATE_SECONDS
        # Payments name no license, bills and disputes are no entries: no sign tells of them.
        later = [now + _DAY] if late or bears else []
        months = [interest_booking.next_month(held.versions, now)] if bears else []
        return len(new), min([*coming, *later, *months], default=1 << 62)

    async def _interest(
        self, held: Held, dues: Dues, entries: Sequence[JournalEntry], now_us: int
    ) -> tuple[BookEntry, ...]:
        license = held.versions[-1]
        facts = interest_booking.Facts(
            entries,
            {each.id: each.due_on for each in dues.items},
            await self._documents.of(license.licensee, _MOST),
            await self._disputes.of(license.licensee, _MOST),
        )
        wanted = interest_booking.interest_of(held.versions, facts, now_us // 1_000_000)
        return interest_booking.to_book(license, wanted, entries, now_us)


def folded_whole(folder: Path, folding: Folding) -> Callable[[], Awaitable[bool]]:
    """Whether *folding* holds everything of the journal in *folder* that is durable when it is asked."""

    async def folded() -> bool:
        # What is durable is read first: what is folded meanwhile only adds to the positions.
        ends = await asyncio.to_thread(durable_ends, folder)
        reached = await folding.positions()
        return all(reached.get(name, 0) >= end for name, end in ends.items())

    return folded
