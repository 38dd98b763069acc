"""A new licensee, its first client, and the one moment in which its secret exists in clear.

A client secret is ``lsk_`` and 58 letters and digits: base32 in lower case of
256 random bits and their CRC-32. The checksum lets a scanner of leaked text
tell a secret from noise without asking us; it proves nothing. What is kept is
the SHA-256 of the whole text: a secret of that strength needs no slow hash.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import zlib
from base64 import b32decode, b32encode
from dataclasses import dataclass, field
from typing import Final

import uuid_utils

from gateway.licenses.license import Client, Licensee, Standing

SECRET_PREFIX: Final = "lsk_"  # noqa: S105 - the public part of a secret's form
_SECRET_BYTES: Final = 32
_NOBODY: Final = hashlib.sha256(b"nobody").hexdigest()


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A licensee and its client, ready to be kept, and the *secret* to show once. The repr hides it."""

    licensee: Licensee
    client: Client
    secret: str = field(repr=False)


def enroll(
    name: str,
    *,
    now: int,
    contact: str = "",
    standing: Standing,
    uri: str = "",
    contacts: tuple[str, ...] = (),
) -> Enrolled:
    """Make a licensee with one client and a fresh secret; nothing is stored.

    Args:
        name: what people call the company; the client gets the same name.
        now: whole seconds; stands in the ids, which are UUIDv7 with the
            prefixes ``le_`` and ``cl_``.
        contact: where the operator can write.
        standing: QUARANTINED for who registered alone, ACTIVE for who the operator added.
        uri: the client's home page (RFC 7591, section 2).
        contacts: the client's contacts (RFC 7591, section 2).
    """
    secret = _new_secret()
    licensee = Licensee(_id("le_", now), name, standing, now, contact)
    client = Client(
        id=_id("cl_", now),
        licensee=licensee.id,
        secret_sha256=hashlib.sha256(secret.encode()).hexdigest(),
        created_at=now,
        name=name,
        uri=uri,
        contacts=contacts,
    )
    return Enrolled(licensee, client, secret)


def secret_matches(client: Client | None, secret: str) -> bool:
    """Whether *secret* is the client's; False for None, at the same cost.

    The comparison takes as long for a wrong secret as for a right one, and for
    an unknown client as for a known one. No text makes it raise.
    """
    shown = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
    same = hmac.compare_digest(shown, client.secret_sha256 if client else _NOBODY)
    return same and client is not None


def is_secret(text: str) -> bool:
    """Whether *text* has the form and the checksum of a client secret, whoever it belongs to."""
    body = text.removeprefix(SECRET_PREFIX)
    if body == text or len(body) != 58 or not (body.isascii() and body.isalnum() and body == body.lower()):
        return False
    try:
        raw = b32decode(body.upper() + "======")
    except ValueError:
        return False
    return raw[_SECRET_BYTES:] == _checksum(raw[:_SECRET_BYTES]) and _spelled(raw) == body


def _new_secret() -> str:
    raw = secrets.token_bytes(_SECRET_BYTES)
    return SECRET_PREFIX + _spelled(raw + _checksum(raw))


def _spelled(raw: bytes) -> str:
    return b32encode(raw).decode("ascii").rstrip("=").lower()


def _checksum(raw: bytes) -> bytes:
    return zlib.crc32(raw).to_bytes(4, "big")


def _id(prefix: str, now: int) -> str:
    return prefix + uuid_utils.uuid7(nanoseconds=now * 1_000_000_000).hex
