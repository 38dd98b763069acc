"""What the addresses of negotiations take and give, for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.desk.call import About
from gateway.desk.reading import JSON
from gateway.licenses.negotiation import State
from gateway.licenses.position import FACTS
from gateway.terms.compensation import MOST_PAYMENT_DAYS, SHOWN_BY
from gateway.uses import Use

_TEXT: Final = {"type": "string"}
_WHOLE: Final = {"type": "integer", "minimum": 0}
_FLAG: Final = {"type": "boolean"}
_TEXTS: Final = {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 64}


def _strict(needed: tuple[str, ...] = (), /, **properties: Mapping[str, object]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(needed),
        "properties": properties,
        "additionalProperties": False,
    }


_AMOUNT: Final = _strict(("micros", "currency"), micros=_WHOLE, currency={**_TEXT, "pattern": "^[A-Z]{3}$"})
_MONEY: Final = {"oneOf": [_AMOUNT, {"type": "null"}]}
_MONTHS: Final = {"type": "integer", "minimum": 1, "maximum": 1200}
_RELEASE: Final = {"enum": ["none", "closed", "open"]}
#: What a proposal may hold: each lever as `terms` of an offer spells it, and each member of it may be left out.
PROPOSAL: Final = _strict(
    scope=_strict(works=_TEXTS, paths=_TEXTS, renditions=_TEXTS, excluded={"type": "array", "items": _TEXT}),
    purpose=_strict(
        uses={"type": "array", "items": {"enum": sorted(Use)}, "minItems": 1},
        redistribution=_FLAG,
        sublicensing=_FLAG,
        model_release=_RELEASE,
        resale=_FLAG,
        internal_research=_FLAG,
        evaluation=_FLAG,
    ),
    compensation=_strict(
        currency=_TEXT,
        upfront=_MONEY,
        per_fetch=_MONEY,
        per_item=_MONEY,
        per_megabyte=_MONEY,
        per_thousand_tokens=_MONEY,
        per_inference=_MONEY,
        subscription=_MONEY,
        minimum_guarantee=_MONEY,
        subscription_months=_MONTHS,
        minimum_guarantee_months=_MONTHS,
        revenue_share_bp={"type": "integer", "minimum": 0, "maximum": 10_000},
        tiers={
            "type": "array",
            "items": _strict(("from_fetches", "per_fetch"), from_fetches=_WHOLE, per_fetch=_AMOUNT),
        },
        by_age={
            "type": "array",
            "items": _strict(("from_days", "per_fetch"), from_days=_WHOLE, per_fetch=_AMOUNT),
        },
        window_hours={"type": "integer", "minimum": 1, "maximum": 168},
        milestones={
            "type": "array",
            "items": _strict(
                ("name", "share_bp"),
                name=_TEXT,
                share_bp={"type": "integer", "minimum": 1, "maximum": 10_000},
                shown_by={"enum": list(SHOWN_BY)},
                items=_WHOLE,
                months=_WHOLE,
            ),
        },
        holder=_TEXT,
        payment_days={"type": "integer", "minimum": 0, "maximum": MOST_PAYMENT_DAYS},
        calendar=_TEXT,
        late_interest_bp={"type": "integer", "minimum": 0, "maximum": 10_000},
    ),
    exclusivity=_strict(exclusive=_FLAG),
    attribution=_strict(text=_TEXT, link=_TEXT, model_card_days=_WHOLE),
    audit=_strict(
        report={"enum": ["none", "monthly", "quarterly", "yearly"]},
        audits_per_year=_WHOLE,
        audit_window_months=_WHOLE,
        output_samples=_WHOLE,
        suspend_after_days=_WHOLE,
    ),
    retention=_strict(
        retention_days=_WHOLE, withdrawal_notice_days=_WHOLE, remediation_plan_days=_WHOLE, retrain=_FLAG
    ),
    liability=_strict(
        indemnity={"enum": ["none", "licensee", "creator", "mutual"]},
        cap=_MONEY,
        warranties={"type": "array", "items": _TEXT},
        insurance=_FLAG,
        security_standard=_TEXT,
    ),
    term=_strict(months=_MONTHS, renewal=_FLAG),
    territory={"oneOf": [_TEXTS, {"type": "null"}]},
    territory_basis={"enum": ["fetch", "licensee", "use"]},
)
_STATED: Final = _strict(
    (),
    **{name: {**_TEXT, "description": what} for name, what in FACTS.items()},
)
_STATED["properties"]["model_class"] = {**_RELEASE, "description": FACTS["model_class"]}
_STATED["properties"]["launch_date"] = {**_TEXT, "format": "date", "description": FACTS["launch_date"]}
_LOGIN: Final[Mapping[str, Mapping[str, object]]] = dict.fromkeys(
    ("client_id", "client_secret", "client_assertion", "client_assertion_type"), _TEXT
)
_MESSAGE: Final = _strict((), offer=_TEXT, facts=_STATED, proposal=PROPOSAL, **_LOGIN)
_FIRST: Final = _strict(("offer",), offer=_TEXT, facts=_STATED, proposal=PROPOSAL, **_LOGIN)
_ASSENT: Final = _strict(
    ("terms_hash", "assent"),
    terms_hash=_TEXT,
    assent={**_TEXT, "description": "the text that the negotiation tells in accept.assent, to the letter"},
    party=_strict(name=_TEXT, address=_TEXT, signatory=_TEXT, authority=_TEXT, contact=_TEXT),
    **_LOGIN,
)
_NEGOTIATION: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["id", "state", "version", "waits_for", "offer"],
    "properties": {"id": _TEXT, "state": {"enum": [str(each) for each in State]}, "version": _TEXT},
}
_GIVES: Final = {JSON: _NEGOTIATION}
#: What a negotiation about a license begins with, by what it is to come to; and what it gives.
STATED: Final = {
    "renewal": _strict((), facts=_STATED, **_LOGIN),
    "amendment": _strict(("proposal",), facts=_STATED, proposal=PROPOSAL, **_LOGIN),
}
NEGOTIATED: Final = _GIVES
_ID: Final = ("negotiation", _TEXT)
_CHANGES: Final = "`If-Match` holds its ETag."

#: By address: what each method is for.
ABOUT: Final[Mapping[str, Mapping[str, About]]] = {
    "all": {
        "GET": About(
            "The client's own negotiations, newest first.",
            gives={JSON: {"type": "object", "required": ["negotiations"]}},
            login=True,
        ),
        "POST": About(
            "Begin a negotiation on an offer: facts, and a proposal over any of the levers.",
            takes={JSON: _FIRST},
            gives=_GIVES,
            status=201,
            login=True,
        ),
    },
    "one": {
        "GET": About(
            "One negotiation: its state, what is missing, the counter and why, how to accept it, the transcript.",
            asks={"wait": {"type": "integer", "minimum": 0, "maximum": 25}},
            gives=_GIVES,
            login=True,
            rest=_ID,
        ),
        "POST": About(
            "The same, for a client that logs in by the body.",
            takes={JSON: _strict((), **_LOGIN)},
            gives=_GIVES,
            login=True,
            rest=_ID,
        ),
    },
    "proposals": {
        "POST": About(
            f"Another proposal, or the facts that were asked for. {_CHANGES}",
            takes={JSON: _MESSAGE},
            gives=_GIVES,
            login=True,
            rest=_ID,
        )
    },
    "acceptance": {
        "POST": About(
            f"Accept what is on the table; the license is made and what is due at signing is taken. {_CHANGES}",
            takes={JSON: _ASSENT},
            gives=_GIVES,
            login=True,
            rest=_ID,
        )
    },
    "verification": {
        "POST": About(
            f"Confirm that the agreement is what was accepted; tokens may be had from then on. {_CHANGES}",
            takes={JSON: _strict(("terms_hash",), terms_hash=_TEXT, **_LOGIN)},
            gives=_GIVES,
            login=True,
            rest=_ID,
        )
    },
    "termination": {
        "POST": About(
            f"End it before anything was agreed. {_CHANGES}",
            takes={JSON: _strict((), why=_TEXT, **_LOGIN)},
            gives=_GIVES,
            login=True,
            rest=_ID,
        )
    },
    "contract": {
        "GET": About(
            "What is on the table, as the contract that it would be: JSON, a page, or a PDF, as Accept says.",
            gives={JSON: {"type": "object"}, "text/html": {}, "application/pdf": {}},
            login=True,
            rest=_ID,
        )
    },
    "agreed": {
        "GET": About(
            "The contract of a license, for its parties: JSON, a page, or a PDF, as Accept says.",
            asks={"version": {"type": "integer", "minimum": 1}},
            gives={JSON: {"type": "object"}, "text/html": {}, "application/pdf": {}},
            login=True,
            rest=("license", _TEXT),
        )
    },
}
