"""Does whoever sends this request hold the key it names? (RFC 9449, DPoP, September 2023)

The checks of section 4.3, in its order; the order fixes what is told when
several things are wrong:

1. one ``DPoP`` header; 2. one compact JWT; 3. every claim; 4. ``typ`` dpop+jwt;
5. an asymmetric algorithm of ours; 6. the signature by ``jwk``; 7. no secret
member in ``jwk``; 8. ``htm``; 9. ``htu``, without query and fragment, both sides
in one spelling; 10. the nonce, where one is wanted; 11. ``iat`` within a minute,
or within an hour where a nonce of ours says how fresh the proof is, so that a
client whose clock is wrong is offered one; 12. ``ath``, where a token is shown.

Stricter than the RFC: the header holds ``alg``, ``jwk`` and ``typ`` alone, and an
RSA key has 2048 to 4096 bits. That ``jti`` is new is judged by whoever
remembers: `Proof.mark` is what to remember, until `Proof.until`.

Pure; no text makes it raise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from gateway.keys.jws import read_proof_text, signature_holds
from gateway.keys.key_set import encode_base64url
from gateway.keys.strict_json import Malformed, read_object
from gateway.paths import Ambiguous, canonical
from gateway.tokens.nonces import WINDOW_SECONDS as NONCE_SECONDS
from gateway.tokens.nonces import Nonces

PROOF_TYPE: Final = "dpop+jwt"
#: Seconds by which ``iat`` may differ from our clock.
WINDOW_SECONDS: Final = 60
#: The same where a nonce says how fresh the proof is.
WRONG_CLOCK_SECONDS: Final = 3600
_LONGEST_JTI: Final = 256
_LONGEST_URL: Final = 8192
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds: *key* is the thumbprint; *mark* must be new, and is remembered until second *until*."""

    key: str
    mark: str
    until: int


@dataclass(frozen=True, slots=True)
class Unproven:
    """Why there is no proof: *why* is a clause for people that quotes nothing.

    *nonce* is one to make the proof again with, "" where that would not help.
    """

    why: str
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class Proving:
    """What a proof must be for: the method and public URL of a request at second *now*.

    *nonces* are those that a proof may hold, and *must* hold where that is set.
    *token* is the token that is shown beside it, "" at the token endpoint.
    """

    method: str
    url: str
    now: int
    nonces: Nonces | None = None
    must: bool = False
    token: str = field(default="", repr=False)


def read_proof(headers: Sequence[str], proving: Proving) -> Proof | Unproven:
    """Judge the values of the ``DPoP`` headers of a request."""
    if len(headers) != 1:
        return Unproven("there is not exactly one DPoP header" if headers else "there is no DPoP header")
    try:
        compact, key = read_proof_text(headers[0].strip(" \t"))
        claims = read_object(compact.payload)
    except Malformed as error:
        return Unproven(f"it is not a proof: {error}")
    why = _unclaimed(claims, proving)
    if why:
        return Unproven(why)
    if compact.typ.lower() not in {PROOF_TYPE, f"application/{PROOF_TYPE}"}:
        return Unproven(f"its typ is not {PROOF_TYPE}")
    if not signature_holds(compact, key):
        return Unproven("its signature was not made by its jwk")
    return _for_this(claims, key.thumbprint, proving)


def _unclaimed(claims: Mapping[str, object], proving: Proving) -> str:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= _LONGEST_JTI:
        return "its jti is not a short text"
    if not isinstance(claims.get("htm"), str) or not isinstance(claims.get("htu"), str):
        return "its htm or htu is not a text"
    if type(claims.get("iat")) is not int:
        return "its iat is not a whole number"
    if not isinstance(claims.get("nonce", ""), str):
        return "its nonce is not a text"
    if not isinstance(claims.get("ath", ""), str) or (proving.token and not claims.get("ath")):
        return "its ath is not a text"
    return ""


def _for_this(claims: Mapping[str, object], thumbprint: str, proving: Proving) -> Proof | Unproven:
    issued, now = claims["iat"], proving.now
    assert isinstance(issued, int)
    if claims["htm"] != proving.method:
        return Unproven("its htm is not the method of this request")
    place = _spelled(str(claims["htu"]))
    if place is None or place != _spelled(proving.url):
        return Unproven("its htu is not the address of this request")
    nonces = proving.nonces
    fresh = nonces is not None and nonces.good(str(claims.get("nonce", "")), now)
    offered = "" if nonces is None or fresh else nonces.current(now)
    if proving.must and not fresh:
        return Unproven("it does not hold a fresh nonce of ours", offered)
    window = WRONG_CLOCK_SECONDS if fresh else WINDOW_SECONDS
    if not now - window <= issued <= now + window:
        return Unproven(f"its iat is more than {window} seconds from now", offered)
    if proving.token and claims["ath"] != _digest(proving.token):
        return Unproven("its ath is not of the token shown")
    said = f"{thumbprint} {place} {claims['jti']}"
    # A clock that is ahead makes a proof that its own moment lets in once more, without a fresh nonce.
    until = max(issued + WINDOW_SECONDS, now + 2 * NONCE_SECONDS if fresh else 0)
    return Proof(thumbprint, _digest(said), until)


def _digest(text: str) -> str:
    return encode_base64url(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())


def _spelled(url: str) -> str | None:
    """*url* in one spelling, without query and fragment (RFC 3986, section 6.2); None for what is none."""
    if len(url) > _LONGEST_URL:
        return None
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not host or parts.username is not None:
        return None
    path = canonical(parts.path or "/")
    spelled = parts.path if isinstance(path, Ambiguous) else path
    return f"{scheme} {host} {port or _PORTS[scheme]} {spelled}"
