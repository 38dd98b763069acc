"""Frames of the journal's files, written: their form is `segments`."""

from __future__ import annotations

import struct
import zlib
from binascii import hexlify
from typing import Final, NamedTuple

import orjson

from gateway.canonical import LARGEST
from gateway.provenance.record import FetchDetail

FRAME_LIMIT: Final = 1 << 20
FRAME_HEAD: Final = struct.Struct(">II")


class SealedDetail(NamedTuple):
    """The personal part of record *id*, with the salt of its commitment."""

    id: str
    salt: bytes
    time_us: int
    detail: FetchDetail


def entry_frame(kind: str, canonical: bytes, salt: bytes) -> bytes:
    """Frame one entry. Raises `ValueError` where it is longer than `FRAME_LIMIT`."""
    return _framed(entry_payload(kind, canonical, salt))


def detail_frame(detail: SealedDetail) -> bytes:
    """Frame one detail. Raises `ValueError` where it is too long or has no canonical form."""
    return _framed(detail_payload(detail))


def _framed(payload: bytes) -> bytes:
    size = len(payload)
    if size > FRAME_LIMIT:
        raise ValueError(f"{size} octets do not fit one frame of the journal")
    return FRAME_HEAD.pack(size, zlib.crc32(payload, zlib.crc32(size.to_bytes(4, "big")))) + payload


def entry_payload(kind: str, canonical: bytes, salt: bytes) -> bytes:
    """What the frame of an entry carries."""
    return b'{"entry":%b,"kind":%b,"salt":"%b"}' % (canonical, orjson.dumps(kind), hexlify(salt))


def detail_payload(sealed: SealedDetail) -> bytes:
    """What the frame of a detail carries; raises `ValueError` or `TypeError` where it has no canonical form."""
    id, salt, time_us, detail = sealed
    if not -LARGEST <= time_us <= LARGEST:
        raise ValueError(f"{time_us} is no time")
    return b'{"detail":%b,"id":%b,"salt":"%b","time_us":%d}' % (
        detail.canonical(),
        orjson.dumps(id),
        hexlify(salt),
        time_us,
    )
