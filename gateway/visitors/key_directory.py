"""A crawler's published keys: one JWK Set, read with suspicion, and who proves to hold it.

Web Bot Auth draft of 2026-10-29 and RFC 7517. A key is found by its thumbprint
(RFC 7638), which is computed here; a ``kid`` that differs rules a key of a
domain's own directory out. A key that is broken, of another kind or not for
signatures is passed over; a document with a secret member is refused whole.

The answer that brings a directory may itself be signed, with one signature per
key (``tag="http-message-signatures-directory"``, ``"@authority";req``): that
shows that whoever runs the host holds the keys and does not mirror somebody's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.canonical import canonical_bytes
from gateway.keys.key_set import EDDSA, decode_base64url, encode_base64url, read_jwk
from gateway.keys.strict_json import Malformed, read_object
from gateway.visitors.message_signature import (
    Component,
    Fields,
    Signed,
    SignedAnswer,
    SignedRequest,
    Unreadable,
    VerifyingKey,
    digests_hold,
    flaw_in_proof,
    flaw_in_time,
    read_signatures,
)
from gateway.visitors.signature_agent import SignatureAgent

#: Limits of one document.
MOST_KEYS: Final = 32
_SECRET: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_TAG: Final = "http-message-signatures-directory"
_SKEW: Final = 60
#: How long a proof of a directory lives is its publisher's choice: mirrors carry it for years.
_LONGEST: Final = 10**15
#: Seconds of the year 5138: no term of a key is so late.
_MILLISECONDS: Final = 100_000_000_000

#: Keys whose private side stands in RFC 9421, appendix B.1: anybody can sign with them.
TEST_KEYS: Final = frozenset({
    "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U",  # B.1.4, Ed25519
    "oD0HwocPBSfpNy5W3bpJeyFGY_IQ_YpqxSjQ3Yd-CLA",  # B.1.2, RSA-PSS
    "ydQXMtvbsOsZyFir-Y7A8t7fKEM1gbKPvyFkdpu4fvI",  # B.1.3, P-256
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class AgentKey:
    """One public key. *algorithm* as RFC 9421 names it; it is used from *not_before* until *not_after*."""

    thumbprint: str
    algorithm: str
    key: VerifyingKey
    not_before: int | None = None
    not_after: int | None = None

    def stands(self, now: int) -> bool:
        """Whether second *now* is in the key's term."""
        return (self.not_before is None or now >= self.not_before) and (
            self.not_after is None or now < self.not_after
        )


@dataclass(frozen=True, slots=True)
class KeyDirectory:
    """The keys of one agent, by thumbprint.

    *proven* are those whose holder signed the answer that brought them;
    *pinned* says that the operator of this gateway gave them. *stale* says that
    they could not be read again when that was due.
    """

    agent: str
    keys: Mapping[str, AgentKey]
    proven: frozenset[str] = frozenset()
    pinned: bool = False
    stale: bool = False

    def get(self, keyid: str) -> AgentKey | None:
        """The key with that thumbprint, or None."""
        return self.keys.get(keyid)


@dataclass(frozen=True, slots=True)
class WantedKey:
    """The key to find: of which *agent*, and which thumbprint."""

    agent: SignatureAgent
    keyid: str


@dataclass(frozen=True, slots=True)
class NoDirectory:
    """Why an agent's keys are not at hand; *why* is a word for the reasons."""

    why: str


def read_directory(body: bytes, agent: SignatureAgent, *, pinned: bool = False) -> KeyDirectory | NoDirectory:
    """Read a document of *agent*. No input makes it raise."""
    try:
        listed = read_object(body).get("keys")
    except Malformed:
        return NoDirectory("directory_unreadable")
    if not isinstance(listed, list):
        return NoDirectory("directory_unreadable")
    if len(listed) > MOST_KEYS:
        return NoDirectory("directory_too_many_keys")
    keys: dict[str, AgentKey] = {}
    for members in listed:
        if isinstance(members, dict):
            if _SECRET & members.keys():
                return NoDirectory("directory_has_secrets")
            key = _read_key(members, strict=agent.bound and not pinned)
            if key is not None:
                keys.setdefault(key.thumbprint, key)
    return KeyDirectory(agent.url, keys, pinned=pinned)


def proven_keys(
    directory: KeyDirectory, url: str, headers: tuple[tuple[str, str], ...], body: bytes, now: int
) -> frozenset[str] | None:
    """Thumbprints of the keys that signed the answer from *url*; None where it is not signed at all.

    An answer whose digest is covered and wrong proves nothing.
    """
    lines = Fields(headers)
    joined = {name: ", ".join(value for key, value in headers if key == name) for name, _ in headers}
    if "signature-input" not in joined:
        return None
    found = read_signatures(joined["signature-input"], joined.get("signature", ""), response=True)
    if isinstance(found, Unreadable):
        return frozenset()
    ours = [each for each in found if each.tag == _TAG]
    if not ours:
        return None
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    answer = SignedAnswer(200, lines, SignedRequest("GET", url, Fields(()), target))
    digest = joined.get("content-digest", "")
    return frozenset(
        each.keyid
        for each in ours
        if (key := directory.get(each.keyid)) is not None and _proves(each, key, answer, digest, body, now)
    )


def _proves(signed: Signed, key: AgentKey, answer: SignedAnswer, digest: str, body: bytes, now: int) -> bool:
    if signed.odd or flaw_in_time(signed, now, skew=_SKEW, longest=_LONGEST):
        return False
    if Component("@authority", (("req", True),)) not in signed.components or signed.alg not in {
        "",
        key.algorithm,
    }:
        return False
    if signed.covers("content-digest") and not digests_hold(digest, body):
        return False
    return not flaw_in_proof(signed, answer, key.algorithm, key.key)


def _read_key(members: dict[str, object], *, strict: bool) -> AgentKey | None:
    """The key, or None for one that is passed over."""
    try:
        found = _rsa(members) if members.get("kty") == "RSA" else _short(members)
    except Malformed:
        return None
    if found is None:
        return None
    thumbprint, algorithm, key = found
    term = [_second(members.get(name)) for name in ("nbf", "exp")]
    if "odd" in term:
        return None
    if strict and members.get("kid", thumbprint) != thumbprint:
        return None
    return AgentKey(thumbprint, algorithm, key, term[0], term[1])  # type: ignore[arg-type]


def _second(value: object) -> int | str | None:
    """A time in whole seconds; some directories write milliseconds."""
    if value is None:
        return None
    if type(value) is not int or value < 0:
        return "odd"
    return value // 1000 if value > _MILLISECONDS else value


def _short(members: dict[str, object]) -> tuple[str, str, VerifyingKey] | None:
    # Directories write the older and the newer name of an algorithm; the key's own type decides.
    found = read_jwk({name: value for name, value in members.items() if name not in {"alg", "kid"}})
    if found is None or not _fits(
        members,
        {"EdDSA", "Ed25519", "ed25519"} if found.algorithm == EDDSA else {"ES256", "ecdsa-p256-sha256"},
    ):
        return None
    return found.thumbprint, "ed25519" if found.algorithm == EDDSA else "ecdsa-p256-sha256", found.key


def _rsa(members: dict[str, object]) -> tuple[str, str, VerifyingKey] | None:
    operations = members.get("key_ops", ["verify"])
    if members.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    n, e = members.get("n"), members.get("e")
    if not isinstance(n, str) or not isinstance(e, str) or not _fits(members, {"PS512", "rsa-pss-sha512"}):
        return None
    modulus, exponent = (int.from_bytes(decode_base64url(each), "big") for each in (n, e))
    if not 2048 <= modulus.bit_length() <= 4096 or exponent not in {3, 65537}:
        return None
    try:
        key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError:
        return None
    digest = hashlib.sha256(canonical_bytes({"e": e, "kty": "RSA", "n": n})).digest()
    return encode_base64url(digest), "rsa-pss-sha512", key


def _fits(members: dict[str, object], names: set[str]) -> bool:
    return members.get("alg") is None or members["alg"] in names
