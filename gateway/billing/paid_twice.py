"""One unit that two machines were paid for, because neither had heard of the other's delivery yet. Pure.

A machine learns within a moment what another was paid for, and what one was
paid for that is gone once its journal is folded. A crawler that asks two of them
in between is charged by both. The journal tells the truth, so both charges
stand in it; the later one in its order is credited back by a reversal under an
id that follows from the record, so that it is made once, whoever makes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.billing.paid_units import paid_units
from gateway.provenance.record import BookEntry, FetchRecord

#: The shortest window in which unchanged content is not paid for again: what lies closer is one payment too many.
CLOSE_SECONDS: Final = 3600
PREFIX: Final = "twice-"
#: Units that are remembered.
_MOST: Final = 200_000


class PaidTwice:
    """Goes through records in the journal's order. One object a journal."""

    def __init__(self) -> None:
        """Know of no payment yet."""
        self._paid: dict[str, int] = {}

    def of(self, records: Iterable[FetchRecord]) -> tuple[FetchRecord, ...]:
        """Those of *records*, the next ones of the journal, that paid for what was paid for already."""
        found = []
        for record in records:
            units = paid_units((record,))
            before = [self._paid[unit.key] for unit in units if unit.key in self._paid]
            if any(abs(record.time_us // 1_000_000 - at) < CLOSE_SECONDS for at in before):
                found.append(record)
                continue
            for unit in units:
                self._paid.pop(unit.key, None)
                self._paid[unit.key] = unit.paid_at
        while len(self._paid) > _MOST:
            del self._paid[next(iter(self._paid))]
        return tuple(found)


def credited(record: FetchRecord, now_us: int) -> BookEntry:
    """The entry that credits a *record* back which paid for what was paid for already."""
    return BookEntry(
        id=f"{PREFIX}{record.id}",
        time_us=now_us,
        kind_of="reversal",
        site=record.site,
        licensee=record.licensee,
        amount_micros=record.charged_micros,
        currency=record.currency,
        license=record.license,
        reference=record.id,
        memo="two machines were paid for the same unit",
        by="office",
    )
