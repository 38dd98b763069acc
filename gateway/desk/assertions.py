"""A login that is signed instead of told: ``private_key_jwt`` (RFC 7523, May 2015, sections 2.2 and 3). Pure.

The text must be a compact JWS of ``alg``, ``kid`` and ``typ`` alone, over claims
without a member twice:

======= =====================================================================
iss,sub the client's id, both
aud     our issuer, or the token endpoint: a text, or a list that names us alone
exp     yet to come, and at most ten minutes away
iat,nbf if there: not yet to come
jti     needed; a text that this client never uses again
======= =====================================================================

Clocks may differ by 30 seconds. The algorithm is the key's, never the text's
choice, and ``typ`` is absent, ``JWT`` or ``client-authentication+jwt``, so that no
token, proof or receipt is taken for a login. That ``jti`` is new is judged by
whoever remembers: `Assertion.mark`, until `Assertion.until`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.keys.jws import Compact, read_client_compact, signature_holds
from gateway.keys.key_set import KeySet
from gateway.keys.strict_json import Malformed, read_object

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LEEWAY: Final = 30
_LONGEST_LIFE: Final = 600
_LONGEST_JTI: Final = 256
_TYPES: Final = frozenset({"", "jwt", "client-authentication+jwt"})


@dataclass(frozen=True, slots=True)
class Assertion:
    """A login taken apart; nothing about it is proven. *client* is who it says it is."""

    client: str
    compact: Compact = field(repr=False)
    claims: Mapping[str, object] = field(repr=False)

    @property
    def mark(self) -> str:
        """What makes it one of its kind."""
        return hashlib.sha256(f"login {self.client} {self.claims['jti']}".encode()).hexdigest()

    @property
    def until(self) -> int:
        """The second from which `mark` may be forgotten."""
        expires = self.claims["exp"]
        assert isinstance(expires, int)
        return expires + _LEEWAY + 1


def read_assertion(text: str) -> Assertion | str:
    """Take *text* apart, or say in a clause why it is no login. No text makes it raise."""
    try:
        compact = read_client_compact(text)
        claims = read_object(compact.payload)
    except Malformed as error:
        return str(error)
    if compact.typ.lower() not in _TYPES:
        return "its typ is not that of a login"
    client = claims.get("sub")
    if not isinstance(client, str) or claims.get("iss") != client:
        return "iss and sub are not one text"
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= _LONGEST_JTI:
        return "jti is not a short text"
    if type(claims.get("exp")) is not int:
        return "exp is not a whole number"
    if any(type(claims.get(name, 0)) is not int for name in ("iat", "nbf")):
        return "iat or nbf is not a whole number"
    return Assertion(client, compact, claims)


def flaw_in(
    assertion: Assertion, keys: KeySet, audiences: Collection[str], now: int, algorithm: str = ""
) -> str:
    """Why *assertion* does not hold by *keys* at second *now*, or "".

    *audiences* are the names by which we may be called, *algorithm* the one
    that the client registered, if it did.
    """
    claims, compact = assertion.claims, assertion.compact
    named = claims.get("aud")
    listed = named if isinstance(named, list) else [named]
    if not listed or not all(isinstance(each, str) and each in audiences for each in listed):
        return "aud is not this desk alone"
    if algorithm not in {"", compact.algorithm}:
        return "alg is not the one that was registered"
    tried = [keys.get(compact.kid)] if compact.kid else list(keys)
    if not any(key is not None and signature_holds(compact, key) for key in tried):
        return "no key of the client made the signature"
    expires = claims["exp"]
    assert isinstance(expires, int)
    if not now - _LEEWAY < expires <= now + _LONGEST_LIFE + _LEEWAY:
        return "exp is past, or too far away"
    begins = (claims.get("iat", now), claims.get("nbf", now))
    if any(isinstance(moment, int) and moment > now + _LEEWAY for moment in begins):
        return "iat or nbf is yet to come"
    return ""
