"""What the addresses of duties, reports and audits take and give, for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.desk.call import About
from gateway.desk.reading import JSON
from gateway.licenses.audit_cases import Step
from gateway.licenses.evidence_shelf import PDF, PLAIN
from gateway.licenses.obligations import Kind, State
from gateway.licenses.transparency import report_schema

#: A document in an envelope, for a client that logs in by the body.
ENVELOPE: Final = "application/vnd.licet.evidence+json"
_TEXT: Final = {"type": "string"}
_WHOLE: Final = {"type": "integer", "minimum": 0}
_LOGIN: Final[Mapping[str, Mapping[str, object]]] = dict.fromkeys(
    ("client_id", "client_secret", "client_assertion", "client_assertion_type"), _TEXT
)


def _strict(needed: tuple[str, ...] = (), /, **properties: Mapping[str, object]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(needed),
        "properties": properties,
        "additionalProperties": False,
    }


def _report() -> dict[str, Any]:
    schema = report_schema()
    schema["properties"] = {**schema["properties"], **_LOGIN}
    return schema


_DUTY: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": [
        "id",
        "license",
        "kind",
        "period",
        "asked",
        "state",
        "due_at",
        "deadline",
        "version",
        "links",
    ],
    "properties": {
        "kind": {"enum": [str(each) for each in Kind]},
        "state": {"enum": [str(each) for each in State]},
        "due_at": _WHOLE,
        "deadline": _WHOLE,
    },
}
_AUDIT: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["id", "license", "step", "wanted", "findings", "version", "links"],
    "properties": {"step": {"enum": [str(each) for each in Step]}},
}
_LISTED: Final = {"type": "object", "required": ["duties", "suspended"]}
_BY_BODY: Final = {JSON: _strict((), **_LOGIN)}
_ID: Final = ("duty", _TEXT)
_CASE: Final = ("audit", _TEXT)

#: By address: what each method is for.
ABOUT: Final[Mapping[str, Mapping[str, About]]] = {
    "all": {
        "GET": About(
            "What the client's licensee has to hand in, the earliest deadline first, and which licenses are suspended.",
            gives={JSON: _LISTED},
            login=True,
        ),
        "POST": About(
            "The same, for a client that logs in by the body.",
            takes=_BY_BODY,
            gives={JSON: _LISTED},
            login=True,
        ),
    },
    "one": {
        "GET": About("One duty.", gives={JSON: _DUTY}, login=True, rest=_ID),
        "POST": About(
            "The same, for a client that logs in by the body.",
            takes=_BY_BODY,
            gives={JSON: _DUTY},
            login=True,
            rest=_ID,
        ),
    },
    "evidence": {
        "POST": About(
            "Hand in what a duty asks for, reports aside: the document itself, at most 1 MiB. `If-Match` holds the"
            " duty's ETag.",
            takes={
                JSON: {},
                PDF: {},
                PLAIN: _TEXT,
                ENVELOPE: _strict(
                    ("document", "media_type"),
                    document={**_TEXT, "contentEncoding": "base64"},
                    media_type={"enum": [JSON, PDF, PLAIN]},
                    name=_TEXT,
                    holds_until={**_TEXT, "format": "date"},
                    **_LOGIN,
                ),
            },
            asks={"name": _TEXT, "holds_until": {**_TEXT, "format": "date"}},
            gives={JSON: _DUTY},
            login=True,
            rest=_ID,
        )
    },
    "reports": {
        "GET": About(
            "The reports that were handed in, and what each makes due.",
            gives={JSON: {"type": "object", "required": ["reports"]}},
            login=True,
        ),
        "POST": About(
            "Hand in the transparency report of a period. `If-Match` holds the ETag of its duty.",
            takes={JSON: _report()},
            gives={JSON: {"type": "object", "required": ["duty", "due", "sha256"]}},
            status=201,
            login=True,
        ),
    },
    "audits": {
        "GET": About(
            "The audits of the client's licensee, oldest first.",
            gives={JSON: {"type": "object", "required": ["audits"]}},
            login=True,
        ),
        "POST": About(
            "The same, for a client that logs in by the body.",
            takes=_BY_BODY,
            gives={JSON: {"type": "object", "required": ["audits"]}},
            login=True,
        ),
    },
    "audit": {
        "GET": About("One audit.", gives={JSON: _AUDIT}, login=True, rest=_CASE),
        "POST": About(
            "The same, for a client that logs in by the body.",
            takes=_BY_BODY,
            gives={JSON: _AUDIT},
            login=True,
            rest=_CASE,
        ),
    },
    "scope": {
        "POST": About(
            "Agree to what an audit looks at: all that was asked for, or part of it. `If-Match` holds its ETag.",
            takes={
                JSON: _strict(
                    ("items", "begins", "ends"),
                    items={"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 200},
                    begins=_WHOLE,
                    ends=_WHOLE,
                    **_LOGIN,
                )
            },
            gives={JSON: _AUDIT},
            login=True,
            rest=_CASE,
        )
    },
}
