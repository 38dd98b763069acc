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
        text = raw.decode("utf-8")
        found = _DECODER.decode(text)
    except Malformed:
        raise
    except (ValueError, RecursionError):
        raise Malformed("it is not JSON in UTF-8") from None
    if not isinstance(found, dict):
        raise Malformed("it is not a JSON object")
    _shallow(found, DEEPEST)
    # UTF-8 itself has no surrogates: only an escape such as \ud800 makes one.
    if "\\u" in text:
        _whole_texts(found)
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


def _whole_number(text: str) -> int:
    found = int(text)
    if not -_SAFE <= found <= _SAFE:
        raise Malformed("a number is outside ±2^53")
    return found


def _shallow(found: dict[str, Any] | list[Any], depth: int) -> None:
    if depth == 0:
        raise Malformed(f"it is nested deeper than {DEEPEST}")
    for item in found.values() if type(found) is dict else found:
        if type(item) is dict or type(item) is list:
            _shallow(item, depth - 1)


def _whole_texts(value: object) -> None:
    """Raise `Malformed` for a lone surrogate, which survives parsing and breaks whoever stores it."""
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            raise Malformed("a text has a lone surrogate")
    elif isinstance(value, dict):
        for name, item in value.items():
            _whole_texts(name)
            _whole_texts(item)
    elif isinstance(value, list):
        for item in value:
            _whole_texts(item)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_int=_whole_number,
    parse_float=_no_fraction,
    parse_constant=_no_fraction,
    strict=True,
)
