"""Octets sealed for whoever has the same key: what several machines keep in one database, and nobody else may read.

XChaCha is not in our library; so a key of its own is derived for each sealing,
by HKDF-SHA256 (RFC 5869) with a fresh salt of 32 octets, and ChaCha20-Poly1305
(RFC 8439) seals under it. The *name* of what is sealed is authenticated with it:
the private keys of one part cannot be put in the place of another's.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: How a key is written down.
PREFIX: Final = "licet-shared-"
_OCTETS: Final = 32
_FORM: Final = b"\x01"
_NONCE: Final = bytes(12)


class Unsealable(ValueError):
    """These octets were not sealed under this key and name; the message is a sentence."""


def new_key() -> str:
    """A fresh key, as it is written into settings."""
    return PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(_OCTETS)).rstrip(b"=").decode()


def seal(key: str, name: str, octets: bytes) -> bytes:
    """Seal *octets* as the part *name*. Raises `Unsealable` for what is no key.

    >>> key = new_key()
    >>> open_sealed(key, "keys", seal(key, "keys", b"secret"))
    b'secret'
    """
    salt = secrets.token_bytes(_OCTETS)
    return _FORM + salt + _cipher(key, salt).encrypt(_NONCE, octets, name.encode())


def open_sealed(key: str, name: str, sealed: bytes) -> bytes:
    """What was sealed as the part *name*. Raises `Unsealable`.

    >>> open_sealed(new_key(), "keys", seal(new_key(), "keys", b"secret"))
    Traceback (most recent call last):
    gateway.keys.sealed.Unsealable: It was sealed under another key, or changed.
    """
    if sealed[:1] != _FORM:
        raise Unsealable("It has a form that this version does not know.")
    salt, rest = sealed[1 : 1 + _OCTETS], sealed[1 + _OCTETS :]
    try:
        return _cipher(key, salt).decrypt(_NONCE, rest, name.encode())
    except (InvalidTag, ValueError):
        raise Unsealable("It was sealed under another key, or changed.") from None


def _cipher(key: str, salt: bytes) -> ChaCha20Poly1305:
    try:
        raw = base64.urlsafe_b64decode(key.removeprefix(PREFIX) + "=")
    except (binascii.Error, ValueError):
        raw = b""
    if not key.startswith(PREFIX) or len(raw) != _OCTETS:
        raise Unsealable(f"A key is {PREFIX} and 43 letters, digits, - or _.")
    return ChaCha20Poly1305(HKDF(SHA256(), _OCTETS, salt, b"licet shared part").derive(raw))
