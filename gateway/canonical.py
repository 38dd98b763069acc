"""Canonical JSON bytes (RFC 8785, June 2020) and their SHA-256.

What is hashed or signed here holds objects, arrays, strings, booleans, null and
whole numbers within ±2^53; keys are ASCII. Under those limits sorting by octets
equals RFC 8785's sorting by UTF-16 code units, and no number needs rounding.
Anything else is a bug of ours and raises.
"""

from __future__ import annotations

import hashlib

import orjson

_SAFE = 2**53


def canonical_bytes(value: object) -> bytes:
    r"""Return the one serialization of *value*; raise `ValueError` for what has none.

    >>> canonical_bytes({"b": 1, "a": ["é", None]})
    b'{"a":["\xc3\xa9",null],"b":1}'
    """
    _check(value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def canonical_digest(value: object) -> str:
    """Return ``sha-256:`` and the lower-case hex digest of the canonical bytes."""
    return "sha-256:" + hashlib.sha256(canonical_bytes(value)).hexdigest()


def _check(value: object) -> None:
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if not -_SAFE <= value <= _SAFE:
            raise ValueError(f"{value} is outside the whole numbers that JSON keeps exact")
        return
    if isinstance(value, list | tuple):
        for item in value:
            _check(item)
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise ValueError(f"{key!r} is not a key that canonical JSON here may have")
            _check(item)
        return
    raise ValueError(f"{type(value).__name__} has no canonical JSON form here")
