"""What the office tells workers of units that were paid for, and up to which place of the journal.

A worker that has just begun is sent every unit of the longest window, which may
be hundreds of thousands. One that was there already when its office ended knows
nearly all of them, and sells nothing until it was sent the rest; so it is told,
every second or so, a place of the journal up to which it knows all there is,
and says it to the next office.

A place is told before a batch is stored, never after: all that is in the store
by then was told, whenever this process is killed.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, Protocol

from gateway.admission.till import PaidUnit
from gateway.app.calls import PAID
from gateway.app.channel import Channel
from gateway.billing.paid_units import paid_units
from gateway.provenance.keeper import BATCH_LIMIT, FoldBatch, Folding
from gateway.provenance.record import FetchRecord
from gateway.store.sqlite.ledger import SqliteLedger

_CHUNK: Final = 5_000
#: Seconds between two places that are told.
_MARKING: Final = 1.0


class PaidTelling:
    """Sends workers the units that they do not know."""

    def __init__(
        self,
        ledger: SqliteLedger,
        paid: Callable[[], Awaitable[tuple[PaidUnit, ...]]],
        lines: Callable[[], Iterable[Channel]],
        *,
        single: bool,
    ) -> None:
        """Read of *ledger*, and by *paid* all that a till may have to know; *lines* are those of workers that know all.

        Places hold only where a *single* machine stores: else others store between.
        """
        self._ledger, self._paid, self._lines, self._single = ledger, paid, lines, single
        self._marked = float("-inf")

    async def welcome(self, channel: Channel, place: int) -> None:
        """Send the worker at *channel*, which knows all up to *place*, the rest; 0 for one that knows nothing."""
        if self._single and place > 0:
            while True:
                upto, units = await self._ledger.paid_after(place)
                await _send(channel, units)
                if upto == place:
                    break
                place = upto
        else:
            place = await self._ledger.last_place()
            await _send(channel, await self._paid())
        if self._single:
            channel.tell("place", place)

    async def mark(self) -> None:
        """Tell where the store ends, all of which was told."""
        now = time.monotonic()
        if not self._single or now - self._marked < _MARKING:
            return
        self._marked = now
        place = await self._ledger.last_place()
        for channel in self._lines():
            channel.tell("place", place)


class Hearing(Protocol):
    """Who hears of what is folded: an `OfficeRoom`."""

    async def marked(self) -> None:
        """Something is about to be stored; all that is in the store was told."""
        ...

    def tell_paid(self, batch: FoldBatch) -> None:
        """*batch* is stored."""
        ...

    def stored(self) -> None:
        """A batch that held all there was to read is stored, and told."""
        ...

    def emptied(self) -> None:
        """There is nothing left to read."""
        ...


class Told:
    """A `Folding` that tells of what it folded."""

    def __init__(self, folding: Folding, room: Hearing) -> None:
        """Fold by *folding*, and have *room* hear of it."""
        self._folding, self._room = folding, room

    async def positions(self) -> Mapping[str, int]:
        """As `Folding.positions`."""
        return await self._folding.positions()

    async def fold(self, batch: FoldBatch) -> int:
        """As `Folding.fold`."""
        await self._room.marked()
        new = await self._folding.fold(batch)
        if new:
            self._room.tell_paid(batch)
        if max(len(batch.entries), len(batch.details)) < BATCH_LIMIT:
            self._room.stored()
        return new

    async def purse_writers(self) -> frozenset[str]:
        """As `Folding.purse_writers`, which is asked once nothing is left to fold."""
        self._room.emptied()
        return await self._folding.purse_writers()

    async def close_purses(self, writers: frozenset[str]) -> None:
        """As `Folding.close_purses`."""
        await self._folding.close_purses(writers)


def units_of_batch(batch: FoldBatch) -> tuple[PaidUnit, ...]:
    """The units that the records of *batch* paid for."""
    entries = (sealed.entry for sealed in batch.entries)
    return paid_units(entry for entry in entries if isinstance(entry, FetchRecord))


async def _send(channel: Channel, units: tuple[PaidUnit, ...]) -> None:
    for start in range(0, len(units), _CHUNK):
        channel.tell("paid", PAID.dump_python(units[start : start + _CHUNK], mode="json"))
        await channel.drained()
