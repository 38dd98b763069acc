"""Encrypted files for RSL's EMS, and the content keys that open them.

RSL 1.0 (2025-12-10, section 7) wants one symmetric JWK an asset and leaves the cipher
and the layout of the file to the publisher. Ours is the STREAM construction
(Hoang, Reyhanitabar, Rogaway, Vizar 2015) over AES-256-GCM (NIST SP 800-38D, November 2007),
so that a file of any size is written and read with the memory of one chunk,
and what is cut off, swapped, doubled or added is noticed.

A file is a header of 33 octets and chunks without anything between them:

======= ====== =========================================================
octet   length header
======= ====== =========================================================
0       8      ``LICETEMS`` in ASCII
8       1      version, 1
9       1      *e*: a chunk holds 2^e octets in clear; 16 is written, 10 to
               24 are read
10      16     key id; base64url of it, unpadded, is the JWK's ``kid``
26      7      *prefix* of all nonces, random
======= ====== =========================================================

======================= =================================================
chunk *i*, from 0       AES-256-GCM
======================= =================================================
key                     ``k`` of the JWK, 32 octets
nonce, 12 octets        *prefix* (7), *i* as unsigned big-endian (4), and
                        1 for the last chunk or 0 for any other (1)
additional data         the whole header
in clear                2^e octets; the last chunk 1 to 2^e, and none only
                        where the whole file is empty
on disk                 the ciphertext, as long, and the tag of 16 octets
======================= =================================================

Every encryption has a key of its own, so no nonce is ever used twice with one.
The `FORMAT` URN names this layout; it changes with the version.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT: Final = "urn:licet:ems:1"
ALGORITHM: Final = "A256GCM"
HEADER_OCTETS: Final = 33
_MAGIC: Final = b"LICETEMS\x01"
_EXPONENT: Final = 16
_EXPONENTS: Final = range(10, 25)
_TAG: Final = 16
_MOST_CHUNKS: Final = 2**32


class EmsError(ValueError):
    """A file or a key is not what this format says; the clause says how."""


@dataclass(frozen=True, slots=True)
class ContentKey:
    """One AES-256 key and its id of 16 octets. The repr hides the key."""

    id: bytes
    octets: bytes = field(repr=False)

    @classmethod
    def new(cls) -> ContentKey:
        """A random one."""
        return cls(os.urandom(16), os.urandom(32))

    @property
    def kid(self) -> str:
        """The id as the JWK has it."""
        return _b64u(self.id)

    def as_jwk(self) -> dict[str, str]:
        """The JWK (RFC 7517, RFC 7518 section 6.4), which is the secret itself."""
        return {"kty": "oct", "kid": self.kid, "k": _b64u(self.octets), "alg": ALGORITHM}

    @classmethod
    def read(cls, jwk: Mapping[str, object]) -> ContentKey:
        """Read a JWK as `as_jwk` writes it; raises `EmsError`."""
        if jwk.get("kty") != "oct" or jwk.get("alg") != ALGORITHM:
            raise EmsError(f"the key is no JWK of type oct for {ALGORITHM}")
        id, octets = _octets(jwk.get("kid")), _octets(jwk.get("k"))
        if (len(id), len(octets)) != (16, 32):
            raise EmsError("the key has not 32 octets, or its id not 16")
        return cls(id, octets)


def encrypt(source: BinaryIO, target: BinaryIO, key: ContentKey) -> int:
    """Read *source* to its end and write it to *target*, encrypted; returns how many octets were read.

    *key* must be new: one that encrypted anything before is not safe. Raises
    `EmsError` for more than 2^32 chunks.
    """
    header = _MAGIC + bytes([_EXPONENT]) + key.id + os.urandom(7)
    cipher, size, total = AESGCM(key.octets), 1 << _EXPONENT, 0
    target.write(header)
    chunk, number, last = _read(source, size), 0, False
    while not last:
        following = _read(source, size) if len(chunk) == size else b""
        last = not following
        if number >= _MOST_CHUNKS:
            raise EmsError("the file is too long for one nonce prefix")
        target.write(cipher.encrypt(_nonce(header, number, last=last), chunk, header))
        total, chunk, number = total + len(chunk), following, number + 1
    return total


def key_id(source: BinaryIO) -> str:
    """The ``kid`` of the key that opens *source*, which is read from its start as far as its header."""
    return _b64u(_header(source)[10:26])


def decrypt(source: BinaryIO, target: BinaryIO, key: ContentKey) -> int:
    """Read an encrypted *source* to its end and write it to *target*; returns how many octets were written.

    Each chunk is written once it is proven to be the right one at the right
    place; only the return proves that none is missing at the end. Raises
    `EmsError` for everything that is not exactly what `encrypt` wrote.
    """
    header = _header(source)
    if header[10:26] != key.id:
        raise EmsError(f"the file wants the key {_b64u(header[10:26])}, not {key.kid}")
    cipher, size, total = AESGCM(key.octets), (1 << header[9]) + _TAG, 0
    chunk, number, last = _read(source, size), 0, False
    while not last:
        following = _read(source, size) if len(chunk) == size else b""
        last = not following
        if number >= _MOST_CHUNKS or len(chunk) < _TAG + (number > 0):
            raise EmsError("the file is cut off, or longer than the format allows")
        try:
            clear = cipher.decrypt(_nonce(header, number, last=last), chunk, header)
        except InvalidTag:
            raise EmsError(
                f"chunk {number} was changed, is not at its place, or the end is missing"
            ) from None
        target.write(clear)
        total, chunk, number = total + len(clear), following, number + 1
    return total


def _header(source: BinaryIO) -> bytes:
    header = _read(source, HEADER_OCTETS)
    if len(header) < HEADER_OCTETS or not header.startswith(_MAGIC) or header[9] not in _EXPONENTS:
        raise EmsError("the file does not begin as this format does")
    return header


def _nonce(header: bytes, number: int, *, last: bool) -> bytes:
    return header[26:] + number.to_bytes(4, "big") + bytes([last])


def _read(source: BinaryIO, size: int) -> bytes:
    """*size* octets, or fewer at the end alone, whatever a pipe gives at once."""
    parts: list[bytes] = []
    while size and (part := source.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _b64u(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _octets(text: object) -> bytes:
    try:
        return urlsafe_b64decode(f"{text}{'=' * (-len(str(text)) % 4)}".encode("ascii"))
    except (NotBase64, UnicodeEncodeError):
        raise EmsError("the key is not written in base64url") from None
