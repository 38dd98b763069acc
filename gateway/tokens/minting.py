"""Making a license token: claims in, one signed text out.

Nothing is minted that `gateway.tokens.verification` would not read back as the
same claims. A desk that meets `UnmintableToken` has a defect upstream: terms
too long for a token must be refused before they are offered.
"""

from __future__ import annotations

from gateway.canonical import canonical_bytes
from gateway.keys.jws import LONGEST, sign
from gateway.keys.signing_key import SigningKey
from gateway.tokens.claims import TOKEN_TYPE, Claims, read_claims
from gateway.tokens.verification import LONGEST_LIFE_SECONDS


class UnmintableToken(ValueError):
    """These claims are outside the token profile; the sentence says how."""


def mint(claims: Claims, key: SigningKey) -> str:
    """Return *claims* as a compact JWS (RFC 9068) signed with *key*.

    The header is exactly ``alg``, ``kid`` and ``typ: at+jwt``; the payload is
    canonical JSON (RFC 8785), so one set of claims has one payload. Raises
    `UnmintableToken` for what no reader of the profile would take: an empty
    restriction, a life of more than 24 hours, a text above 4096 characters.
    """
    body = claims.as_json()
    if read_claims(body) != claims:
        raise UnmintableToken("a claim is empty, too long or of another type than the profile has")
    if not 0 < claims.expires_at - claims.issued_at <= LONGEST_LIFE_SECONDS:
        raise UnmintableToken(f"a token lives for at most {LONGEST_LIFE_SECONDS} seconds")
    token = sign(canonical_bytes(body), key, TOKEN_TYPE)
    if len(token) > LONGEST:
        raise UnmintableToken(f"a token has at most {LONGEST} characters, and this one has {len(token)}")
    return token
