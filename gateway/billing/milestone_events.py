"""What others are told of milestones, from the journal's entries about them. Pure.

======================== =====================================================
type                     what it means for who hears it
======================== =====================================================
``milestone.promised``   its amount is owed once it is met; nobody holds it
``milestone.funded``     its holder has the money
``milestone.met``        it is met; the licensee may object for a while
``milestone.disputed``   one side objects: nothing moves until it is settled
``milestone.released``   the money, or a part of it, is the creator's
``milestone.refunded``   the money, or a part of it, goes back
``milestone.reversed``   what was released, or a part of it, is the licensee's again
======================== =====================================================

A body names the license and the milestone, the amount and who holds it; no reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.billing.escrow import Milestone
from gateway.event import Event, event
from gateway.money import Money
from gateway.provenance.record import BookEntry, JournalEntry

_OF: Final = {
    "promise": "milestone.promised", "deposit": "milestone.funded", "milestone": "milestone.met",
    "dispute": "milestone.disputed", "release": "milestone.released", "refund": "milestone.refunded",
}  # fmt: skip
#: Every type that there is.
TYPES: Final = (*_OF.values(), "milestone.reversed")


def events_of(milestone: Milestone, entry: str, entries: Iterable[JournalEntry]) -> tuple[Event, ...]:
    """What *entries* tell of *milestone*, whose deposit or promise is *entry*; the same entries give the same events."""
    about = [each for each in entries if entry and isinstance(each, BookEntry)]
    released = {each.id for each in about if each.kind_of == "release" and each.reference == entry}
    return tuple(
        _told(milestone, _OF.get(each.kind_of, "milestone.reversed"), each)
        for each in about
        if (each.kind_of in _OF and entry in {each.id, each.reference})
        or (each.kind_of == "reversal" and each.reference in released)
    )


def _told(milestone: Milestone, type: str, entry: BookEntry) -> Event:
    return event(
        type,
        at=entry.time_us // 1_000_000,
        site=milestone.site,
        subject=f"{milestone.license}/{milestone.name}",
        licensee=milestone.licensee,
        nth=entry.id,
        body={
            "license": milestone.license,
            "milestone": milestone.name,
            "amount": str(Money(entry.amount_micros, entry.currency)),
            "holder": str(milestone.holder),
            "path": "/.licet/milestones",
        },
    )
