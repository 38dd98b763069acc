"""A new licensee, its first client, and the one moment in which its secret exists in clear.

A client secret is ``lsk_`` and 58 letters and digits: base32 in lower case of
256 random bits and their CRC-32. The checksum lets a scanner of leaked text
tell a secret from noise without asking us; it proves nothing. What is kept is
the SHA-256 of the whole text: a secret of that strength needs no slow hash.
A registration access token (RFC 7592) is made alike, with the prefix ``lra_``.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import zlib
from base64 import b32decode, b32encode
from dataclasses import dataclass, field, replace
from typing import Final

import uuid_utils

from gateway.licenses.license import Client, Licensee, Standing

SECRET_PREFIX: Final = "lsk_"  # noqa: S105 - the public part of a secret's form
ACCESS_PREFIX: Final = "lra_"
#: Seconds for which a secret that was replaced is still good.
OLDER_SECONDS: Final = 86_400
_SECRET_BYTES: Final = 32
_NOBODY: Final = hashlib.sha256(b"nobody").hexdigest()


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A licensee and its client, ready to be kept, and what to show once. The repr hides it.

    *secret* is "" for a client that signs, *access* the registration access
    token, "" where none was asked for.
    """

    licensee: Licensee
    client: Client
    secret: str = field(repr=False)
    access: str = field(default="", repr=False)


def enroll(
    name: str,
    *,
    now: int,
    contact: str = "",
    standing: Standing,
    uri: str = "",
    contacts: tuple[str, ...] = (),
    signs: bool = False,
    metadata: str = "{}",
    managed: bool = False,
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
        signs: whether it signs instead of having a secret.
        metadata: what else it registered, as the text of one JSON object.
        managed: whether it gets a registration access token.
    """
    secret = "" if signs else new_secret(SECRET_PREFIX)
    access = new_secret(ACCESS_PREFIX) if managed else ""
    licensee = Licensee(_id("le_", now), name, standing, now, contact)
    client = Client(
        id=_id("cl_", now),
        licensee=licensee.id,
        secret_sha256=secret_hash(secret) if secret else "",
        created_at=now,
        name=name,
        uri=uri,
        contacts=contacts,
        signs=signs,
        metadata=metadata,
        access_sha256=secret_hash(access) if access else "",
    )
    return Enrolled(licensee, client, secret, access)


def with_new_secret(client: Client, now: int) -> tuple[Client, str]:
    """*client* with another secret, and that secret; the one it had is good for `OLDER_SECONDS` more."""
    secret = new_secret(SECRET_PREFIX)
    renewed = replace(
        client,
        secret_sha256=secret_hash(secret),
        older_sha256=client.secret_sha256,
        older_until=now + OLDER_SECONDS if client.secret_sha256 else 0,
    )
    return renewed, secret


def access_matches(client: Client | None, access: str) -> bool:
    """Whether *access* is the client's registration access token; False for None, at the same cost."""
    same = hmac.compare_digest(secret_hash(access), (client.access_sha256 if client else "") or _NOBODY)
    return same and client is not None and bool(client.access_sha256)


def secret_matches(client: Client | None, secret: str, now: int = 0) -> bool:
    """Whether *secret* is the client's at second *now*; False for None, at the same cost.

    The comparison takes as long for a wrong secret as for a right one, and for
    an unknown client as for a known one. No text makes it raise.
    """
    shown = secret_hash(secret)
    same = hmac.compare_digest(shown, (client.secret_sha256 if client else "") or _NOBODY)
    older = hmac.compare_digest(shown, (client.older_sha256 if client else "") or _NOBODY)
    if client is None:
        return False
    return (same and bool(client.secret_sha256)) or (
        older and bool(client.older_sha256) and now < client.older_until
    )


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


def new_secret(prefix: str) -> str:
    """A fresh secret of the form that this module describes, with *prefix*."""
    raw = secrets.token_bytes(_SECRET_BYTES)
    return prefix + _spelled(raw + _checksum(raw))


def secret_hash(secret: str) -> str:
    """What is kept of *secret*: its SHA-256, in hex. No text makes it raise."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _spelled(raw: bytes) -> str:
    return b32encode(raw).decode("ascii").rstrip("=").lower()


def _checksum(raw: bytes) -> bytes:
    return zlib.crc32(raw).to_bytes(4, "big")


def _id(prefix: str, now: int) -> str:
    return prefix + uuid_utils.uuid7(nanoseconds=now * 1_000_000_000).hex
