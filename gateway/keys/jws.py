"""A signed text in compact form (RFC 7515, section 7.1, May 2015), with one spelling.

Stricter than the RFC, after RFC 8725 (February 2020): the header has no member
besides ``alg``, ``kid`` and ``typ``, so that nothing in it can name a URL, carry
a key (``jku x5u x5c jwk``), compress (``zip``) or change what is signed (``crit
b64``); every segment is the canonical base64url of its octets. PyJWT signs and
verifies; it is never asked to find a key or to choose an algorithm.

One kind of text must carry its key: the DPoP proof (RFC 9449, September 2023).
`read_proof_text` reads that kind and no other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from jwt import PyJWS

from gateway.keys.key_set import (
    CLIENT_ALGORITHMS,
    EDDSA,
    LONGEST_KID,
    PublicKey,
    decode_base64url,
    read_jwk,
)
from gateway.keys.signing_key import SigningKey
from gateway.keys.strict_json import Malformed, read_object

#: Characters of the longest text that is looked at.
LONGEST: Final = 4096
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)
#: Headers that are remembered; each is at most as long as the text it stands in.
_HEADERS: Final = 256
_MEMBERS = frozenset({"alg", "kid", "typ"})
#: RFC 9864 (October 2025) gave EdDSA with Ed25519 a name of its own; clients write either.
_SPELLINGS: Final = {"Ed25519": EDDSA}
_PROOF_MEMBERS = frozenset({"alg", "jwk", "typ"})
_JWS = PyJWS(algorithms=list(CLIENT_ALGORITHMS), options={"enforce_minimum_key_length": True})


@dataclass(frozen=True, slots=True)
class Compact:
    """A compact text taken apart; nothing about it is proven yet.

    *kid* and *typ* are "" where the header lacks them. *signed* is what the
    signature is over.
    """

    algorithm: str
    kid: str
    typ: str
    payload: bytes
    signature: bytes
    signed: bytes


def read_compact(text: str, longest: int = LONGEST) -> Compact:
    """Take *text* apart, or raise `Malformed`. Nothing else is ever raised."""
    match = _segments(text, longest)
    return _compact(match, *_plain_header(match[1]))


def read_client_compact(text: str, longest: int = LONGEST) -> Compact:
    """`read_compact` of what a client signed: EdDSA may have its newer name there."""
    compact = read_compact(text, longest)
    return replace(compact, algorithm=_SPELLINGS.get(compact.algorithm, compact.algorithm))


def read_proof_text(text: str, longest: int = LONGEST) -> tuple[Compact, PublicKey]:
    """Take a text apart that carries the public key it was signed with, or raise `Malformed`.

    The key is one of `CLIENT_ALGORITHMS`, without a secret member, and signs
    with the header's algorithm.
    """
    match = _segments(text, longest)
    header = read_object(decode_base64url(match[1]))
    compact = _compact(match, *_named(header))
    compact = replace(compact, algorithm=_SPELLINGS.get(compact.algorithm, compact.algorithm))
    if header.keys() != _PROOF_MEMBERS:
        raise Malformed("its header is not alg, jwk and typ")
    members = header["jwk"]
    if not isinstance(members, dict):
        raise Malformed("its jwk is not an object")
    # An RSA key alone can sign in two ways, and one that does not say which signs as the header has it.
    said = {"alg": compact.algorithm} if members.get("kty") == "RSA" else {}
    key = read_jwk({**said, **members}, CLIENT_ALGORITHMS)
    if key is None or key.algorithm != compact.algorithm:
        raise Malformed("its jwk is not a key of its alg")
    return compact, key


def _segments(text: str, longest: int) -> re.Match[str]:
    if len(text) > longest:
        raise Malformed(f"it is longer than {longest} characters")
    match = _COMPACT.fullmatch(text)
    if match is None:
        raise Malformed("it is not three segments of base64url")
    return match


@lru_cache(_HEADERS)
def _plain_header(segment: str) -> tuple[str, str, str]:
    """What `_named` has, of a header without any other member: the same for all tokens of a key."""
    header = read_object(decode_base64url(segment))
    if not header.keys() <= _MEMBERS:
        raise Malformed("its header has a member besides alg, kid and typ")
    return _named(header)


def _named(header: Mapping[str, object]) -> tuple[str, str, str]:
    return _text(header, "alg"), _text(header, "kid"), _text(header, "typ")


def _compact(match: re.Match[str], algorithm: str, kid: str, typ: str) -> Compact:
    return Compact(
        algorithm=algorithm,
        kid=kid,
        typ=typ,
        payload=decode_base64url(match[2]),
        signature=decode_base64url(match[3]),
        signed=match.string[: match.end(2)].encode("ascii"),
    )


def _text(header: Mapping[str, object], name: str) -> str:
    value = header.get(name, "")
    if not isinstance(value, str) or len(value) > LONGEST_KID:
        raise Malformed(f"its {name} is not a short text")
    return value


def signature_holds(compact: Compact, key: PublicKey) -> bool:
    """Whether *key*, with its own algorithm, made the signature of *compact*.

    A header that names another algorithm is a failed check, whatever the octets
    say. An ES256 signature and its negative (``s`` and ``n - s``) both hold, as
    RFC 7518 has it: whoever counts, counts by the content's id, never by the text.
    """
    if compact.algorithm != key.algorithm:
        return False
    return _JWS.get_algorithm_by_name(key.algorithm).verify(compact.signed, key.key, compact.signature)


def sign(payload: bytes, key: SigningKey, typ: str) -> str:
    """Return the compact text of *payload* with the header ``alg``, ``kid``, ``typ``."""
    return _JWS.encode(payload, key.key, algorithm=key.algorithm, headers={"kid": key.kid, "typ": typ})
