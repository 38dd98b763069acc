"""What the addresses of events take and give, and every webhook that is sent, for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.desk.call import About
from gateway.desk.reading import JSON
from gateway.outbox.courier import DISABLED
from gateway.outbox.endpoints import MOST_FILTERS, Reach
from gateway.outbox.webhook import PING

_TEXT: Final = {"type": "string"}
_WHOLE: Final = {"type": "integer", "minimum": 0}
_LOGIN: Final[Mapping[str, Mapping[str, object]]] = dict.fromkeys(
    ("client_id", "client_secret", "client_assertion", "client_assertion_type"), _TEXT
)

#: Every type of event that a licensee may hear, and when it does. Who adds a type elsewhere adds it here.
EVENTS: Final[Mapping[str, str]] = {
    "negotiation.requested": "The buyer made a proposal.",
    "negotiation.asked": "Facts are missing; the body names them.",
    "negotiation.referred": "A person at the creator decides.",
    "negotiation.offered": "Terms are on the table, until `expires_at`.",
    "negotiation.accepted": "The buyer accepted them.",
    "negotiation.agreed": "A license was made of them, and a contract.",
    "negotiation.verified": "The buyer confirmed the agreement.",
    "negotiation.finalized": "Tokens may be had.",
    "negotiation.terminated": "It is over, without an agreement.",
    "license.issued": "A license was made that was negotiated, or has something due at signing.",
    "license.renewed": "Another term was agreed on.",
    "license.amended": "Other terms are in force, under the same number.",
    "license.expiring": "It ends within 30 days.",
    "license.expired": "It ended, and all rights went back.",
    "license.revoked": "Its owner ended it.",
    "budget.low": "Most of the budget of a license is spent.",
    "milestone.ingestion": "Of a bundle, what counts as all of it was fetched.",
    "milestone.promised": "A part of a fee is owed once its milestone is met; nobody holds it.",
    "milestone.funded": "Who holds the money of a milestone has it.",
    "milestone.met": "A milestone is met; the licensee may object for a while.",
    "milestone.disputed": "One side objects to a milestone; nothing of it moves until that is settled.",
    "milestone.released": "The money of a milestone, or a part of it, is the creator's.",
    "milestone.refunded": "The money of a milestone, or a part of it, goes back.",
    "milestone.reversed": "What was released for a milestone, or a part of it, is the licensee's again.",
    "duty.due_soon": "A duty of a license falls due: fourteen days are left, then three.",
    "duty.overdue": "A duty is late; told again each week.",
    "duty.delivered": "Something was handed in.",
    "duty.accepted": "The creator accepted it.",
    "duty.rejected": "The creator turned it back; it has to come again.",
    "duty.vetoed": "The creator objected to samples of output.",
    "duty.excused": "The creator waived a duty.",
    "license.suspended": "No token of the license opens anything for now.",
    "license.resumed": "A cause of that is gone.",
    "audit.requested": "The creator asked for an audit.",
    "audit.auditor_named": "Who audits was named.",
    "audit.confidentiality_accepted": "The auditor is bound to confidentiality.",
    "audit.scope_agreed": "What is audited was agreed.",
    "audit.findings": "The audit found something, or nothing.",
    "audit.closed": "The audit is over.",
    "audit.canceled": "The audit will not be.",
    "withdrawal.issued": "Something was withdrawn; `path` has the notice.",
    "withdrawal.acknowledged": "The notice of a withdrawal was acknowledged.",
    "withdrawal.planned": "A plan for a removal was handed in.",
    "withdrawal.attested": "A removal was attested.",
    "withdrawal.reminded": "The plan for a removal is soon due.",
    "withdrawal.overdue": "The plan for a removal is late.",
    "withdrawal.readmitted": "A withdrawal was lifted.",
    "usage.counted": "Paid fetches of one license on one day were counted; each stands in exactly one such event.",
    "invoice.issued": "An invoice or a statement of account was issued.",
    "invoice.credited": "A credit note was issued for an invoice.",
    "invoice.due": "An invoice is due.",
    "invoice.reminded": "An invoice was due some days ago.",
    "invoice.overdue": "An invoice was due long ago.",
    "invoice.suspended": "An invoice is so late that the licenses on it are suspended.",
    "invoice.paid": "Nothing of an invoice is open any more.",
    "invoice.written_off": "What was left of an invoice was given up.",
    "dispute.opened": "A line of an invoice is disputed; the sum is outside dunning.",
    "dispute.accepted": "A disputed line was credited.",
    "dispute.rejected": "A disputed line stands; the answer says why.",
    "dispute.overdue": "A dispute was to be answered by now.",
    "claim.filed": "The creator claims costs under a license, with evidence.",
    "claim.accepted": "The licensee accepted a claim of costs, and owes them.",
    "claim.disputed": "The licensee objects to a claim of costs.",
    "claim.withdrawn": "The creator claims these costs no more.",
    "topup.refunded": "Credit that was paid in was paid back, or a part of it.",
    "topup.disputed": "The payer's bank took back what was paid in.",
    "topup.restored": "Such a dispute was won, and the credit is there again.",
    DISABLED: "An endpoint was switched off: it said 410, or could not be reached for three days.",
    PING: "Asks whose endpoint this is: its owner sends the challenge to `confirm`.",
}


def _object(needed: tuple[str, ...] = (), /, **properties: Mapping[str, object]) -> dict[str, Any]:
    return {"type": "object", "required": list(needed), "properties": properties}


def _strict(needed: tuple[str, ...] = (), /, **properties: Mapping[str, object]) -> dict[str, Any]:
    return {**_object(needed, **properties), "additionalProperties": False}


_FILTERS: Final = {"type": "array", "items": _TEXT, "maxItems": MOST_FILTERS}
_ENDPOINT: Final = _object(
    ("id", "url", "types", "state"),
    id=_TEXT,
    url=_TEXT,
    types=_FILTERS,
    state={"enum": [str(each) for each in Reach]},
    secret={**_TEXT, "description": "`whsec_…`, shown when it is made and never again"},
)
_EVENT: Final = _object(
    ("type", "timestamp", "data"),
    type=_TEXT,
    timestamp={**_TEXT, "format": "date-time"},
    data={"type": "object"},
)
_GIVES: Final = {JSON: _ENDPOINT}
_ID: Final = ("endpoint", _TEXT)
_ASKED: Final = {JSON: _strict((), **_LOGIN)}

#: By address: what each method is for.
ABOUT: Final[Mapping[str, Mapping[str, About]]] = {
    "all": {
        "GET": About("The licensee's own endpoints here.", gives={JSON: _object(("webhooks",))}, login=True),
        "POST": About(
            "Have events sent to a URL (Standard Webhooks 1.0). It is told nothing before its challenge came back.",
            takes={JSON: _strict(("url",), url=_TEXT, types=_FILTERS, **_LOGIN)},
            gives=_GIVES,
            status=201,
            login=True,
        ),
    },
    "one": {
        "GET": About(
            "One endpoint, and what came of the last deliveries.", gives=_GIVES, login=True, rest=_ID
        ),
        "DELETE": About("Send nothing there any more.", status=204, login=True, rest=_ID),
    },
    "verification": {
        "POST": About(
            "Send back the challenge that a ping held: whoever reads there is its owner. It is told events from then on.",
            takes={JSON: _strict(("challenge",), challenge=_TEXT, **_LOGIN)},
            gives=_GIVES,
            login=True,
            rest=_ID,
        )
    },
    "secret": {
        "POST": About(
            "Make another secret; for a day everything is signed with the one before too.",
            takes=_ASKED,
            gives=_GIVES,
            login=True,
            rest=_ID,
        )
    },
    "ping": {
        "POST": About(
            "Send a ping with the challenge again.", takes=_ASKED, gives=_GIVES, login=True, rest=_ID
        )
    },
    "feed": {
        "GET": About(
            "What happened to the licensee, oldest first, after the event of that id; waits for more if asked to.",
            asks={
                "after": _TEXT,
                "limit": {**_WHOLE, "minimum": 1, "maximum": 100},
                "wait": {**_WHOLE, "maximum": 25},
            },
            gives={
                JSON: _object(
                    ("events", "next", "more"),
                    events={"type": "array", "items": _EVENT},
                    next={"type": ["string", "null"]},
                    more={"type": "boolean"},
                )
            },
            login=True,
        )
    },
}


def webhooks_object() -> dict[str, object]:
    """The member ``webhooks`` of an OpenAPI 3.1 document: each type of event, and what a receiver answers."""
    headers = [
        {"name": name, "in": "header", "required": True, "schema": _TEXT, "description": what}
        for name, what in (
            ("webhook-id", "the id of the event, the same at every attempt"),
            ("webhook-timestamp", "seconds since the epoch, of this attempt"),
            ("webhook-signature", "`v1,` and base64 of HMAC-SHA-256, one for each valid secret"),
        )
    ]
    return {
        type: {
            "post": {
                "summary": summary,
                "parameters": headers,
                "requestBody": {"required": True, "content": {JSON: {"schema": _told(type)}}},
                "responses": {
                    "2XX": {"description": "It was received."},
                    "410": {"description": "Nobody is here any more: nothing is sent again."},
                    "default": {"description": "It is sent again, with the same id, for some three days."},
                },
            }
        }
        for type, summary in EVENTS.items()
    }


def _told(type: str) -> dict[str, Any]:
    return {**_EVENT, "properties": {**_EVENT["properties"], "type": {"const": type}}}
