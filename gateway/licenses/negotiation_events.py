"""What others are told of a negotiation: one event for each thing that was said in it. Pure.

================================ =============== =========================================
type                             said by         what it means for who hears it
================================ =============== =========================================
``negotiation.requested``        buyer           there is a proposal
``negotiation.asked``            gateway         facts are missing: the buyer states them
``negotiation.referred``         gateway         a person at the creator decides
``negotiation.offered``          gateway,creator terms are on the table: the buyer accepts
``negotiation.accepted``         buyer           the license is being made
``negotiation.agreed``           gateway         there is a contract: the buyer confirms it
``negotiation.verified``         buyer           it was confirmed
``negotiation.finalized``        gateway         tokens may be had
``negotiation.terminated``       any             it is over
================================ =============== =========================================

A body says that something changed and where it is read, by whoever may read it:
no terms, no reasons, nothing of the creator's position.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from gateway.event import Event, event
from gateway.licenses.negotiation import Entry, Negotiation, State

_TOLD: Final[Mapping[str, tuple[str, State]]] = {
    "proposal": ("requested", State.REQUESTED),
    "question": ("asked", State.REQUESTED),
    "referral": ("referred", State.REQUESTED),
    "offer": ("offered", State.OFFERED),
    "acceptance": ("accepted", State.ACCEPTED),
    "agreement": ("agreed", State.AGREED),
    "verification": ("verified", State.VERIFIED),
    "finalization": ("finalized", State.FINALIZED),
    "termination": ("terminated", State.TERMINATED),
}
#: Members of what was said that its event repeats: hashes, ids, times and names of facts.
_REPEATED: Final = ("terms_hash", "expires_at", "missing", "license")

#: Every type that there is.
TYPES: Final = tuple(f"negotiation.{word}" for word, _ in _TOLD.values())


def events_of(before: Negotiation, after: Negotiation) -> tuple[Event, ...]:
    """What happened between *before* and *after*, the same negotiation later, in the order in which it was said.

    A negotiation that was not there before is one whose transcript is empty. The
    same two give the same events with the same ids.
    """
    return tuple(_told(after, entry) for entry in after.transcript[len(before.transcript) :])


def _told(negotiation: Negotiation, entry: Entry) -> Event:
    word, state = _TOLD[entry.act]
    said: dict[str, Any] = orjson.loads(entry.body)
    return event(
        f"negotiation.{word}",
        at=entry.at,
        site=negotiation.offer.site,
        licensee=negotiation.licensee,
        subject=negotiation.id,
        nth=entry.hash,
        body={
            "negotiation": negotiation.id,
            "offer": negotiation.offer.id,
            "by": str(entry.by),
            "state": str(state),
            "version": entry.hash,
            **{name: said[name] for name in _REPEATED if name in said},
            "path": f"/.licet/negotiations/{negotiation.id}",
        },
    )
