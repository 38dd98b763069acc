"""Path patterns of robots.txt (RFC 9309, section 2.2, September 2022): one spelling, what they match, how two relate.

A pattern matches a path with its query from the first octet; ``*`` is any run of
octets and ``$`` at the end anchors. Both are compared percent-encoded in one
spelling (`encoded`). Where two patterns cannot be compared for sure, the
questions here answer so that less is allowed. Pure; raises nothing on any text.
"""

from __future__ import annotations

import re
from typing import Final

_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}|[^!-~]", re.ASCII)
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def encoded(pattern: str) -> str:
    """The pattern or path in the one spelling of section 2.2.2: unreserved octets raw, the rest encoded."""
    return _ESCAPE.sub(_escape, pattern)


def matches(pattern: str, path: str) -> bool:
    """Whether an encoded pattern matches an encoded path from its first octet (section 2.2.3).

    >>> matches("/videos/*.vtt$", "/videos/1.vtt"), matches("/essays", "/essays-old")
    (True, True)
    """
    anchored = pattern.endswith("$")
    parts = pattern[: -1 if anchored else None].split("*")
    if len(parts) == 1:
        return path == parts[0] if anchored else path.startswith(parts[0])
    if not path.startswith(parts[0]):
        return False
    at = len(parts[0])
    last = parts.pop()
    for part in parts[1:]:
        found = path.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    if anchored:
        return len(path) - len(last) >= at and path.endswith(last)
    return path.find(last, at) >= 0


def plain(pattern: str) -> bool:
    """Whether *pattern* is a literal prefix, perhaps with stars at its end."""
    return not pattern.endswith("$") and "*" not in pattern.rstrip("*")


def head(pattern: str) -> str:
    """What every path that *pattern* matches begins with."""
    return pattern.removesuffix("$").partition("*")[0]


def surely_inside(pattern: str, wider: str) -> bool:
    """Whether surely every path of *pattern* is one of *wider*."""
    return pattern == wider or (plain(wider) and head(pattern).startswith(head(wider)))


def may_meet(one: str, other: str) -> bool:
    """Whether some path may be matched by both."""
    for exact, pattern in ((one, other), (other, one)):
        if exact.endswith("$") and "*" not in exact:
            return matches(pattern, exact[:-1])
    mine, theirs = head(one), head(other)
    return mine.startswith(theirs) or theirs.startswith(mine)


def _escape(found: re.Match[str]) -> str:
    text = found[0]
    if len(text) == 3:
        char = chr(int(text[1:], 16))
        return char if char in _UNRESERVED else text.upper()
    odd = "surrogateescape" if "\udc80" <= text <= "\udcff" else "surrogatepass"
    return "".join(f"%{octet:02X}" for octet in text.encode("utf-8", odd))
