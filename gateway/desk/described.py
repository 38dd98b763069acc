"""What the desk's addresses are for, for its OpenAPI document; a group may describe its own at the route.

Keys are the paths of `routes.Desk`; one that ends in ``/*`` describes every
address below it that has no description of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.desk.call import About
from gateway.desk.metadata import PREFIX, RESOURCE_METADATA, SERVER_METADATA
from gateway.desk.reading import FORM, JSON
from gateway.problems import PROBLEMS
from gateway.tokens.claims import DETAIL_TYPE, DETAIL_VERSION
from gateway.uses import Use
from gateway.visitors.signature_agent import WELL_KNOWN

_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"type": "array", "items": _TEXT}


def _object(needed: tuple[str, ...] = (), **properties: Mapping[str, object]) -> dict[str, Any]:
    return {"type": "object", "required": list(needed), "properties": properties}


def _told(summary: str, *needed: str, login: bool = False) -> dict[str, About]:
    return {"GET": About(summary, gives={JSON: _object(needed)}, login=login)}


_WHOLE: Final = {"type": ["integer", "null"], "minimum": 0}
_WISH: Final = {
    "type": "array",
    "minItems": 1,
    "maxItems": 1,
    "items": {
        **_object(
            ("type",),
            type={"const": DETAIL_TYPE},
            version={"const": DETAIL_VERSION},
            offer=_TEXT,
            terms=_TEXT,
            license=_TEXT,
            locations=_TEXTS,
            renditions=_TEXTS,
            privileges={"type": "array", "items": {"enum": sorted(Use)}},
            territory={"type": ["array", "null"], "items": _TEXT},
            crawlers=_TEXTS,
            budget=_object(micros=_WHOLE, fetches=_WHOLE),
            party={
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    name: {**_TEXT, "maxLength": 300}
                    for name in ("name", "address", "signatory", "authority", "contact")
                },
                "description": "Who the licensee is and why its signatory may sign: of deals for more than deliveries.",
            },
        ),
        "additionalProperties": False,
    },
}
_TOKEN_FORM: Final = _object(
    ("grant_type",),
    grant_type={"enum": ["client_credentials", "rsl"]},
    resource=_TEXTS,
    scope=_TEXT,
    authorization_details={
        **_TEXT,
        "contentMediaType": JSON,
        "contentSchema": _WISH,
        "description": "Beside a license element (OLP) it holds a party and nothing else.",
    },
    license={**_TEXT, "contentMediaType": "application/rsl+xml"},
    license_type=_TEXT,
)
_TOKEN: Final = _object(
    ("access_token", "token_type", "expires_in"),
    access_token=_TEXT,
    token_type={"enum": ["License", "Bearer", "DPoP"]},
    expires_in={"type": "integer"},
    scope=_TEXT,
    authorization_details={"type": "array"},
    manifest={**_TEXT, "description": "Of a token for a whole bundle: where the manifest that it names is."},
)
_ONE_TOKEN: Final = _object(("token",), token=_TEXT, resource=_TEXT, token_type_hint=_TEXT)
_CLIENT: Final = _object(
    ("client_name",),
    client_name={**_TEXT, "minLength": 1, "maxLength": 200},
    client_uri=_TEXT,
    contacts=_TEXTS,
)
_LOGIN_FORM: Final = _object(
    client_id=_TEXT, client_secret=_TEXT, client_assertion=_TEXT, client_assertion_type=_TEXT
)
_ID: Final = ("client", _TEXT)

#: path -> method -> what it is for.
DESCRIBED: Final[Mapping[str, Mapping[str, About]]] = {
    PREFIX: _told("How to buy, and what is on offer.", "offers", "how_to_buy"),
    f"{PREFIX}/": _told("How to buy, and what is on offer.", "offers", "how_to_buy"),
    f"{PREFIX}/offers": _told("Every offer with its terms, in full.", "offers"),
    f"{PREFIX}/jwks.json": _told("The keys that tokens are verified with (RFC 7517).", "keys"),
    f"{PREFIX}/problems/*": {
        "GET": About(
            "What a refusal means and what can be done about it.",
            gives={JSON: _object(("code", "status", "title", "next_step"))},
            rest=("code", {"enum": sorted(PROBLEMS)}),
        )
    },
    SERVER_METADATA: _told("Authorization server metadata (RFC 8414).", "issuer", "token_endpoint"),
    RESOURCE_METADATA: _told("Protected resource metadata (RFC 9728).", "resource"),
    WELL_KNOWN: {
        "GET": About(
            "The keys that sign what this gateway fetches (Web Bot Auth).",
            gives={"application/http-message-signatures-directory+json": _object(("keys",))},
        )
    },
    f"{PREFIX}/authorization-details-types": _told("What `authorization_details` may hold, as JSON Schema (RFC 9396).", DETAIL_TYPE),
    f"{PREFIX}/account": {
        **_told("Credit, standing and licenses of the client's licensee.", "licenses", login=True),
        "POST": About(
            "The same, for a client that logs in by a form.",
            takes={FORM: _LOGIN_FORM},
            gives={JSON: _object(("licenses",))},
        ),
    },
    f"{PREFIX}/register": {
        "POST": About(
            "Register a client (RFC 7591).",
            takes={JSON: _CLIENT},
            gives={JSON: _object(("client_id", "client_secret"), client_id=_TEXT, client_secret=_TEXT)},
            status=201,
        )
    },
    f"{PREFIX}/register/*": {
        "GET": About("What is registered (RFC 7592), for the bearer of its own token.", gives={JSON: _object()}, rest=_ID),
        "PUT": About(
            "Register it otherwise (RFC 7592).", takes={JSON: _CLIENT}, gives={JSON: _object()}, rest=_ID
        ),
        "DELETE": About("End it (RFC 7592).", status=204, rest=_ID),
        "POST": About("Another secret, at the client's address with `/secret` behind it.", gives={JSON: _object()}, rest=_ID),
    },
    f"{PREFIX}/token": {
        "POST": About(
            "Buy a license, or have a token of one that is held (RFC 6749; RSL's OLP with `license`).",
            takes={FORM: _TOKEN_FORM},
            gives={JSON: _TOKEN},
            login=True,
        )
    },
    f"{PREFIX}/introspect": {
        "POST": About(
            "Whether a token stands, and whether it covers a resource (RFC 7662; RSL's OLP).",
            takes={FORM: _ONE_TOKEN, JSON: _ONE_TOKEN},
            gives={
                JSON: _object(("active",), active={"type": "boolean"}, permitted={"type": "boolean"}, reason=_TEXT)
            },
            login=True,
        )
    },
    f"{PREFIX}/revoke": {
        "POST": About("Take a token back (RFC 7009).", takes={FORM: _ONE_TOKEN}, login=True)
    },
}  # fmt: skip
