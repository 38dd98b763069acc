"""JSON that has one reading, for everything that is signed or believed.

RFC 8259 (December 2017) leaves duplicate members, huge numbers and lone
surrogates to each parser; two parsers that differ are a way around a check. So
here: UTF-8 without a mark, one object, no member twice, whole numbers within
±2^53 alone, bounded depth, no lone surrogate (after RFC 7493, I-JSON).
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

#: How deep objects and arrays may stand in one another; a token needs four.
DEEPEST = 8
_SAFE = 2**53
#: So many brackets cannot be deep enough to matter.
_FEW = 64
_BRACKETS = re.compile(rb'"(?>[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


class Malformed(ValueError):
    """What was read has no single reading; the clause says why, for an operator."""


def read_object(raw: bytes) -> dict[str, object]:
    """Read one JSON object, or raise `Malformed`. Nothing else is ever raised.

    >>> read_object(b'{"a": [1]}')
    {'a': [1]}
    """
    # Before the decoder, which goes as deep as the interpreter lets it, and some let it go too deep.
    if raw.count(b"[") + raw.count(b"{") > _FEW and _deeper_than(raw, DEEPEST):
        raise Malformed(f"it is nested deeper than {DEEPEST}")
    try:
        found = _DECODER.decode(raw.decode("utf-8"))
    except Malformed:
        raise
    except (ValueError, RecursionError):
        raise Malformed("it is not JSON in UTF-8") from None
    if not isinstance(found, dict):
        raise Malformed("it is not a JSON object")
    _check(found, DEEPEST)
    return found


def _deeper_than(raw: bytes, depth: int) -> bool:
    """Whether brackets outside of texts stand in one another more than *depth* deep; linear in *raw*."""
    at = 0
    for bracket in _BRACKETS.findall(raw):
        if bracket in {b"[", b"{"}:
            at += 1
            if at > depth:
                return True
        elif bracket in {b"]", b"}"}:
            at -= 1
    return False


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a member stands there twice")
    return found


def _no_fraction(_text: str) -> NoReturn:
    raise Malformed("a number is not whole")


def _check(value: object, depth: int) -> None:
    if isinstance(value, str):
        # An escape such as \ud800 survives parsing and breaks whoever stores it.
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            raise Malformed("a text has a lone surrogate")
    elif isinstance(value, dict | list):
        if depth == 0:
            raise Malformed(f"it is nested deeper than {DEEPEST}")
        if isinstance(value, dict):
            for name in value:
                _check(name, depth - 1)
        for item in value.values() if isinstance(value, dict) else value:
            _check(item, depth - 1)
    elif isinstance(value, int) and not -_SAFE <= value <= _SAFE:
        raise Malformed("a number is outside ±2^53")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=_no_fraction, parse_constant=_no_fraction, strict=True
)
