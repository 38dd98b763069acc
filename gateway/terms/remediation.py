"""What to ask the token endpoint for where a token was too narrow, so that a program can mend it alone. Pure.

``authorization_remediation`` after draft-zehavi-oauth-rar-metadata-06
(2026-08-09, an individual draft): base64url of a JSON object with the
``authorization_details`` to ask for and ``authorization_reference``, a stable
hash of them; a client that meets the same reference twice stops. The draft
answers 401 ``insufficient_authorization``; a token that is good and too narrow is
403 ``insufficient_scope`` here (RFC 6750, October 2012, section 3.1), and the
parameter stands in that challenge.

Not said: how much it costs (the body does), and the page, which is one of many
that the offer covers.
"""

from __future__ import annotations

import hashlib
from typing import Final

from gateway.canonical import canonical_bytes
from gateway.keys.key_set import encode_base64url
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import Offer
from gateway.uses import Uses, covers

_TOO_NARROW: Final = frozenset(
    {
        Problem.PATH_NOT_COVERED, Problem.RENDITION_NOT_COVERED, Problem.USE_NOT_COVERED,
        Problem.TERRITORY_NOT_COVERED,
    }
)  # fmt: skip


def remediation(refusal: Refusal, offer: Offer | None, uses: Uses, country: str) -> str:
    """The parameter's value for *refusal*, or "" where no token of *offer* would be wide enough.

    Args:
        refusal: what was told.
        offer: the one offer that is quoted for the page, or None.
        uses: what the crawler is taken to do with content.
        country: where the request came from, "" for unknown.
    """
    if offer is None or refusal.problem not in _TOO_NARROW or not covers(offer.uses, uses):
        return ""
    if refusal.problem is Problem.TERRITORY_NOT_COVERED and not offer.terms.territory.at_fetch.covers(
        country
    ):
        return ""
    wanted = [{"type": "content_license", "offer": offer.id, "privileges": sorted(uses)}]
    reference = encode_base64url(hashlib.sha256(canonical_bytes(wanted)).digest()[:12])
    return encode_base64url(
        canonical_bytes({"authorization_details": wanted, "authorization_reference": reference})
    )
