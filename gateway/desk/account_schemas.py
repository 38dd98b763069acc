"""What the addresses of an account are for, as the OpenAPI document tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.desk.call import About
from gateway.desk.reading import FORM, JSON

_TEXT: Final = {"type": "string"}
_ANY: Final[dict[str, Any]] = {JSON: {"type": "object"}, "text/html": {}}
_ID: Final = ("id", {**_TEXT, "maxLength": 200})
_LOGIN: Final = {
    "type": "object",
    "properties": dict.fromkeys(("client_id", "client_secret", "client_assertion", "client_assertion_type"), _TEXT),
}  # fmt: skip
_LIMIT: Final = {
    "type": "object",
    "required": ["currency"],
    "properties": {
        "currency": {**_TEXT, "pattern": "^[A-Z]{3}$"},
        "limit": {
            "type": ["string", "null"],
            "description": "of a calendar month (UTC), such as 250.00; null or empty for no limit",
        },
    },
}
_PARTY: Final = {
    "type": "object",
    "required": ["name", "address"],
    "properties": {"name": _TEXT, "address": _TEXT, "tax_id": _TEXT},
}
_VIEW: Final[dict[str, Mapping[str, object]]] = {
    "license": _TEXT,
    "from": {**_TEXT, "format": "date"},
    "to": {**_TEXT, "format": "date"},
    "charged": {**_TEXT, "description": "1: only what cost something"},
    "after": {**_TEXT, "description": "the key that the page before named"},
    "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
}
_CHARGES: Final = {"type": "object", "required": ["charges", "next"]}
_CHANGED: Final = "The same by a form of the page."


def _changing(
    read: str, write: str, takes: Mapping[str, object], gives: Mapping[str, object]
) -> dict[str, About]:
    answers: dict[str, Any] = {JSON: gives, "text/html": {}}
    sent: dict[str, Any] = {JSON: takes, FORM: takes}
    return {
        "GET": About(read, gives=answers, login=True),
        "PUT": About(write, takes=sent, gives={JSON: gives}, login=True),
        "POST": About(_CHANGED, takes=sent, gives=answers, login=True),
    }


#: address -> method -> what it is for.
ABOUT: Final[Mapping[str, Mapping[str, About]]] = {
    "account": {
        "GET": About(
            "The whole account: credit and holds, licenses with what is left of them, what is due, documents, clients.",
            gives={JSON: {"type": "object", "required": ["licenses", "balances"]}, "text/html": {}},
            login=True,
        ),
        "POST": About("The same, for a client that logs in by a form.", takes={FORM: _LOGIN}, gives=_ANY),
    },
    "charges": {"GET": About("Every charge and payment, the newest first, page by page.", asks=_VIEW, gives={JSON: _CHARGES, "text/html": {}}, login=True)},
    "charges.json": {"GET": About("The same view as JSON.", asks=_VIEW, gives={JSON: _CHARGES}, login=True)},
    "charges.csv": {"GET": About("The same view as CSV; without a limit all of it.", asks=_VIEW, gives={"text/csv": {}}, login=True)},
    "charge": {"GET": About("One charge, and how it came about.", gives=_ANY, login=True, rest=_ID)},
    "limit": _changing(
        "The most that may be spent in a month, and what was.", "Set it, or lift it.", _LIMIT,
        {"type": "object", "required": ["spend_limits"]},
    ),
    "party": _changing(
        "Who is billed, and what is asked for still.", "Say whom to bill.", _PARTY,
        {"type": "object", "required": ["name", "address", "tax_id", "asked"]},
    ),
    "clients": {"GET": About("The licensee's clients, without anything secret.", gives={JSON: {"type": "object"}}, login=True)},
    "secret": {
        "POST": About(
            "Give a client of one's own another secret, shown once; the one before it is good for a day.",
            gives={JSON: {"type": "object", "required": ["client_secret"]}, "text/html": {}}, login=True, rest=_ID,
        )
    },
    "revocation": {"POST": About("End a client of one's own at once, unless it is the only one.", status=204, login=True, rest=_ID)},
    "export": {"GET": About("All of it in one archive.", gives={"application/zip": {**_TEXT, "format": "binary"}}, login=True)},
}  # fmt: skip
