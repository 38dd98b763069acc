"""Canonical JSON bytes (RFC 8785, June 2020) and their SHA-256.

What is hashed or signed here holds objects, arrays, strings, booleans, null and
whole numbers within ±2^53; keys are ASCII. Under those limits sorting by octets
equals RFC 8785's sorting by UTF-16 code units, and no number needs rounding.
Anything else is a bug of ours and raises.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import cast

import orjson

#: The whole numbers that JSON keeps exact go so far, both ways.
LARGEST = 2**53
#: What needs no second look: orjson itself refuses text without UTF-8 and numbers beyond 2^53 - 1.
_PLAIN = frozenset({str, int, bool, type(None)})
_TEXT = frozenset({str})
_STRICT = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def canonical_bytes(value: object) -> bytes:
    r"""Return the one serialization of *value*; raise `ValueError` for what has none.

    Text that is no UTF-8 raises `TypeError`.

    >>> canonical_bytes({"b": 1, "a": ["é", None]})
    b'{"a":["\xc3\xa9",null],"b":1}'
    """
    try:
        if _is_usual(value):
            return orjson.dumps(value, option=_STRICT)
    except TypeError:  # orjson's error too; the full check says what is wrong, or that nothing is
        pass
    _check(value)
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def canonical_members(members: Mapping[str, object], types: tuple[type, ...], words: str) -> bytes:
    """`canonical_bytes` of *members*, quicker where their values have *types* in this order.

    The names must be ASCII, and *types* `str` and `int` but for one `tuple`,
    which is that of the member *words*. Whatever else *members* hold takes the
    slower way to the same bytes or the same error.
    """
    if tuple(map(type, members.values())) == types:
        listed = members[words]
        if type(listed) is tuple and _TEXT.issuperset(map(type, listed)):
            try:
                return orjson.dumps(members, option=_STRICT)
            except TypeError:  # as above
                pass
    return canonical_bytes(members)


def canonical_digest(value: object) -> str:
    """Return ``sha-256:`` and the lower-case hex digest of the canonical bytes."""
    return "sha-256:" + hashlib.sha256(canonical_bytes(value)).hexdigest()


def _is_usual(value: object) -> bool:
    """Whether `_check` can find nothing in *value* that orjson would not refuse. Quick; False tells nothing."""
    kind = type(value)
    if kind in _PLAIN:
        return True
    items: Iterable[object]
    if isinstance(value, dict):
        if not "".join(value).isascii():
            return False
        items = value.values()
    elif kind is tuple or kind is list:
        items = cast("list[object]", value)
    else:
        return False
    rest = [item for item in items if type(item) not in _PLAIN]
    return not rest or all(map(_is_usual, rest))


def _check(value: object) -> None:
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if not -LARGEST <= value <= LARGEST:
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
