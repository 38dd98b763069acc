"""A negotiation as one JSON text, and back.

The terms in it are checked by their hashes and the transcript by its chain, so
that what is read is what was agreed.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from gateway.licenses.negotiation import Entry, Negotiation, Side, State, chained
from gateway.problems import StoreUnavailable
from gateway.store.terms_json import read_terms
from gateway.terms.license_terms import LicenseTerms, Offer

_PLAIN: Final = (
    "id", "licensee", "client", "started_at", "expires_at", "facts", "license", "why", "signed", "contract",
)  # fmt: skip
#: Members that documents of earlier versions do not have.
_LATER: Final = ("about", "change")
_OF_OFFER: Final = ("id", "site", "policy", "tier", "token_seconds", "max_fetches")


def write_negotiation(negotiation: Negotiation) -> str:
    """The JSON of *negotiation*."""
    offer = negotiation.offer
    table = negotiation.table
    document = {
        **{name: getattr(negotiation, name) for name in (*_PLAIN, *_LATER)},
        "state": str(negotiation.state),
        "offer": {
            **{name: getattr(offer, name) for name in _OF_OFFER},
            "terms": _terms(offer.terms),
            **({"by_person": True} if offer.by_person else {}),
        },
        "table": _terms(table) if table else None,
        "proposal": _terms(negotiation.proposal) if negotiation.proposal else None,
        "bids": [_terms(each) for each in negotiation.bids],
        "missing": list(negotiation.missing),
        "person": list(negotiation.person),
        "transcript": [
            [each.nth, each.at, str(each.by), each.act, each.body, each.previous]
            for each in negotiation.transcript
        ],
    }
    return orjson.dumps(document, default=dict).decode()


def read_negotiation(text: str) -> Negotiation:
    """The negotiation of that JSON; `StoreUnavailable` if it is not what was written."""
    try:
        found = orjson.loads(text)
        offer = found["offer"]
        negotiation = Negotiation(
            **{name: found[name] for name in _PLAIN},
            **{name: found.get(name, "") for name in _LATER},
            state=State(found["state"]),
            offer=Offer(
                **{name: offer[name] for name in _OF_OFFER},
                terms=_read(offer["terms"]),
                by_person=offer.get("by_person", False),
            ),
            table=_read(found["table"]) if found["table"] else None,
            proposal=_read(found["proposal"]) if found["proposal"] else None,
            bids=tuple(_read(each) for each in found["bids"]),
            missing=tuple(found["missing"]),
            person=tuple(found["person"]),
            transcript=tuple(
                Entry(nth, at, Side(by), act, body, previous)
                for nth, at, by, act, body, previous in found["transcript"]
            ),
        )
    except (TypeError, ValueError, KeyError) as error:
        raise StoreUnavailable("a negotiation in the store cannot be read") from error
    if not chained(negotiation.transcript):
        raise StoreUnavailable(f"the transcript of {negotiation.id} in the store was changed")
    return negotiation


def _terms(terms: LicenseTerms) -> dict[str, object]:
    return {"hash": terms.hash, "terms": terms.as_json()}


def _read(found: dict[str, Any]) -> LicenseTerms:
    return read_terms(orjson.dumps(found["terms"]).decode(), found["hash"])
