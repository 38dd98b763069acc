"""A negotiation as its buyer reads it. Pure.

Nothing here comes from the creator's position: only the published offer, what
was said, and what is on the table.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from gateway.desk.metadata import issuer_of, money_document
from gateway.licenses.contract import NOTICE, price_parts
from gateway.licenses.negotiation import Negotiation, State
from gateway.licenses.position import FACTS, committed
from gateway.licenses.pricing import due_at_signing

#: Who has to do something next, by state; a person at the creator aside.
_WAITS: Final = {
    State.REQUESTED: "buyer",
    State.OFFERED: "buyer",
    State.ACCEPTED: "buyer",
    State.AGREED: "buyer",
    State.VERIFIED: "creator",
    State.FINALIZED: "nobody",
    State.TERMINATED: "nobody",
}


def assent_of(negotiation: Negotiation, name: str, origin: str) -> str:
    """The very words by which *negotiation* is accepted, by the licensee called *name*; "" where nothing is on the table."""
    table = negotiation.table
    if table is None:
        return ""
    return (
        f"For {name} ({negotiation.licensee}) I accept the license terms with the hash {table.hash}, "
        f"as they are on the table in the negotiation {negotiation.id} at {origin}."
    )


def negotiation_document(
    negotiation: Negotiation, *, name: str, origin: str, lacking: tuple[str, ...] = ()
) -> dict[str, object]:
    """Everything about *negotiation* that its buyer, called *name*, may know.

    *lacking* is what has to be filled in before what is on the table can be signed.
    """
    base = f"{issuer_of(origin)}/negotiations/{negotiation.id}"
    told: dict[str, object] = {
        **brief(negotiation, origin),
        "facts": dict(negotiation.facts),
        "missing": [{"fact": fact, "what": FACTS[fact]} for fact in negotiation.missing],
        "person": list(negotiation.person),
        "bids": [{"terms_hash": bid.hash, "terms": bid.as_json()} for bid in negotiation.bids],
        "counter": _counter(negotiation),
        "accept": _accept(negotiation, name, origin, lacking),
        "transcript": [
            {
                "nth": entry.nth,
                "at": entry.at,
                "by": str(entry.by),
                "act": entry.act,
                "body": orjson.loads(entry.body),
                "previous": entry.previous,
                "hash": entry.hash,
            }
            for entry in negotiation.transcript
        ],
        "links": {
            "self": base,
            **{act: f"{base}/{act}" for act in ("proposals", "acceptance", "verification", "termination")},
            "contract": f"{base}/contract",
        },
        "notice": NOTICE,
    }
    if negotiation.license:
        told["license"] = negotiation.license
        at = f"{issuer_of(origin)}/contracts/{negotiation.license}"
        # The number stays; without a version it is the one in force.
        nth = orjson.loads(negotiation.contract)["version"] if negotiation.about else 0
        told["contract"] = f"{at}?version={nth}" if nth else at
    return told


def brief(negotiation: Negotiation, origin: str) -> dict[str, object]:
    """One line of a list of negotiations."""
    return {
        "id": negotiation.id,
        "url": f"{issuer_of(origin)}/negotiations/{negotiation.id}",
        "state": str(negotiation.state),
        "version": negotiation.version,
        "waits_for": "creator" if negotiation.person else _WAITS[negotiation.state],
        "offer": negotiation.offer.id,
        "offer_terms_hash": negotiation.offer.terms.hash,
        "licensee": negotiation.licensee,
        "started_at": negotiation.started_at,
        "expires_at": negotiation.expires_at or None,
        "why": negotiation.why or None,
        **({"about": negotiation.about, "change": negotiation.change} if negotiation.about else {}),
    }


def _counter(negotiation: Negotiation) -> dict[str, object] | None:
    table = negotiation.table
    if table is None:
        return None
    said = _last(negotiation, "offer")
    return {
        "terms": table.as_json(),
        "terms_hash": table.hash,
        "yours": bool(negotiation.bids) and negotiation.bids[-1] == table,
        "changes": [{"lever": lever, "why": why} for lever, why in said["changes"].items()],
        "flags": said["flags"],
        "price": list(price_parts(table)),
        "due_at_signing": money_document(due_at_signing(table)),
        "committed": money_document(committed(table)),
        "expires_at": negotiation.expires_at,
    }


def _accept(
    negotiation: Negotiation, name: str, origin: str, lacking: tuple[str, ...]
) -> dict[str, object] | None:
    if negotiation.table is None or negotiation.state not in {State.OFFERED, State.ACCEPTED}:
        return None
    return {
        "terms_hash": negotiation.table.hash,
        "assent": assent_of(negotiation, name, origin),
        "missing": list(lacking),
        "party": "name, address, signatory and authority of the licensee, where the deal is one that needs them",
    }


def _last(negotiation: Negotiation, act: str) -> dict[str, Any]:
    for entry in reversed(negotiation.transcript):
        if entry.act == act:
            found: dict[str, Any] = orjson.loads(entry.body)
            return found
    return {}
