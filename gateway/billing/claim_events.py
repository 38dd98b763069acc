"""What others are told of costs that are claimed, from the journal's entries about them. Pure.

==================== ========================================================
type                 what it means for who hears it
==================== ========================================================
``claim.filed``      the creator claims costs under a license, with evidence
``claim.accepted``   the licensee accepted: they are owed
``claim.disputed``   the licensee objects, and said why
``claim.withdrawn``  the creator claims them no more
==================== ========================================================

A body names the license, the amount and what caused the costs; neither side's
reason, which is read at its path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from gateway.billing.cost_claims import Claim, State, claims_of
from gateway.event import Event, event
from gateway.provenance.record import BookEntry, JournalEntry

_OF: Final = {
    State.CLAIMED: "claim.filed", State.ACCEPTED: "claim.accepted", State.DISPUTED: "claim.disputed",
    State.WITHDRAWN: "claim.withdrawn",
}  # fmt: skip
#: Every type that there is.
TYPES: Final = tuple(_OF.values())


def events_of(license: str, entries: Iterable[JournalEntry]) -> tuple[Event, ...]:
    """What *entries*, in the journal's order, tell of claims under *license*; the same entries give the same events."""
    books = [each for each in entries if isinstance(each, BookEntry)]
    return tuple(
        told
        for claim in claims_of(books)
        if claim.entry.license == license
        for told in _of(claim.entry, [each for each in books if each.reference == claim.entry.id])
    )


def _of(filed: BookEntry, answers: list[BookEntry]) -> Iterator[Event]:
    (before,) = claims_of([filed])
    yield _event(before, filed)
    for nth, each in enumerate(answers, 1):
        (after,) = claims_of([filed, *answers[:nth]])
        # An answer that came too late, or from somebody else, changes nothing.
        if after.state is not before.state:
            yield _event(after, each)
        before = after


def _event(claim: Claim, by: BookEntry) -> Event:
    return event(
        _OF[claim.state],
        at=by.time_us // 1_000_000,
        site=claim.entry.site,
        subject=claim.entry.id,
        licensee=claim.entry.licensee,
        nth=by.id,
        body={
            "claim": claim.entry.id,
            "license": claim.entry.license,
            "about": claim.entry.reference,
            "amount": str(claim.amount),
            "state": str(claim.state),
            "path": "/.licet/claims",
        },
    )
