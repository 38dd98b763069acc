"""What a ``content_license`` request may hold, as JSON Schema; and what metadata says of logins and proofs. Pure.

The document at ``/.licet/authorization-details-types`` is that of
draft-zehavi-oauth-rar-metadata-06 (2026-08-09, an individual draft): for each
type of RFC 9396 its version, description, documentation, schema (JSON Schema
2020-12) and examples. `desk.wishes` reads requests, and a test holds the two
together; what no schema can say, such as whether a place is of this site,
`desk.wishes` alone knows.
"""

from __future__ import annotations

from typing import Final

from gateway.desk.client_metadata import METHODS
from gateway.keys.key_set import CLIENT_ALGORITHMS
from gateway.money import LARGEST_MICROS
from gateway.terms.license_terms import Offer
from gateway.tokens.claims import DETAIL_TYPE, DETAIL_VERSION
from gateway.uses import Use

_LONGEST: Final = 256
#: The signature of a request as a login (`desk.signed_agents`), which needs no registration.
WEB_BOT_AUTH: Final = "web-bot-auth"


def details_types(offers: tuple[Offer, ...], issuer: str) -> dict[str, object]:
    """The document about every type, with an example for each of the first *offers*."""
    examples = [{"type": DETAIL_TYPE, "version": DETAIL_VERSION, "offer": offer.id} for offer in offers[:3]]
    narrower = [
        {
            "type": DETAIL_TYPE,
            "offer": offer.id,
            "locations": [scope.pattern for scope in offer.terms.scope.paths[:1]],
            "privileges": sorted(offer.uses)[:1],
            "budget": {"micros": None, "fetches": 100},
        }
        for offer in offers[:1]
    ]
    return {
        DETAIL_TYPE: {
            "version": str(DETAIL_VERSION),
            "description": "A license for the content of this site, bought by machine: an offer, or less of one.",
            "documentation_uri": f"{issuer}/",
            "schema": details_schema(),
            "examples": [*examples, *narrower],
        }
    }


def details_schema() -> dict[str, object]:
    """JSON Schema of one object of ``authorization_details``."""
    amount = {"type": ["integer", "null"], "minimum": 0, "maximum": LARGEST_MICROS}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": DETAIL_TYPE,
        "type": "object",
        "required": ["type"],
        "additionalProperties": False,
        "properties": {
            "type": {"const": DETAIL_TYPE},
            "version": {"type": "integer", "const": DETAIL_VERSION},
            "offer": _text("Id of an offer."),
            "terms": _text("Hash of terms; refused if the offer has others by now."),
            "license": _text("Id of a license already held, to have a token of it."),
            "locations": _texts(
                "URLs or paths of this site, whole segments.", {"type": "string", "maxLength": 2048}
            ),
            "renditions": _texts("Forms of the works."),
            "privileges": _texts("Uses.", {"enum": [str(use) for use in Use]}),
            "territory": {
                "description": "Countries and EU; null is worldwide.",
                "anyOf": [{"type": "null"}, _texts("", {"type": "string", "pattern": "^[A-Z]{2}$"})],
            },
            "crawlers": _texts("Names of the agents it is bought for."),
            "budget": {
                "description": "How much may be spent under it; null and absent are unlimited.",
                "type": "object",
                "additionalProperties": False,
                "properties": {"micros": amount, "fetches": amount},
            },
            "party": {
                "description": "Who the licensee is, and why its signatory may sign: for training that pays for more than deliveries, and other deals so large that they are signed. It may stand beside a license element of OLP too.",
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    name: {"type": "string", "maxLength": 300}
                    for name in ("name", "address", "signatory", "authority", "contact")
                },
            },
        },
    }


def server_members(issuer: str) -> dict[str, object]:
    """What RFC 8414 and later RFCs say of logins and proofs, for the server's metadata."""
    members: dict[str, object] = {
        "authorization_details_types_metadata_endpoint": f"{issuer}/authorization-details-types",
        "dpop_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
    }
    for endpoint in ("token", "introspection", "revocation"):
        members[f"{endpoint}_endpoint_auth_methods_supported"] = [*METHODS, WEB_BOT_AUTH]
        members[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = list(CLIENT_ALGORITHMS)
    return members


def resource_members() -> dict[str, object]:
    """What RFC 9728 says of proofs, for the site's metadata."""
    return {
        "dpop_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
        "dpop_bound_access_tokens_required": False,
    }


def _text(description: str) -> dict[str, object]:
    return {"type": "string", "minLength": 1, "maxLength": _LONGEST, "description": description}


def _texts(description: str, items: dict[str, object] | None = None) -> dict[str, object]:
    items = items or {"type": "string", "minLength": 1, "maxLength": _LONGEST}
    told = {"description": description} if description else {}
    return {"type": "array", "minItems": 1, "maxItems": 64, "items": items, **told}
