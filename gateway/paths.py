"""Paths a license covers, and paths robots.txt talks about: not the same thing.

`PathScope` is ours and covers whole path segments, so a license for
``/premium`` does not leak to ``/premium-archive``. RFC 9309 (section 2.2.2,
September 2022) matches octet prefixes; the only bridge is
`PathScope.as_robots`, exact in the direction that is published.

Rights are decided on one canonical form of a path, made by `canonical`. A path
with two readings (dot segments, an encoded slash, ``//``, ``;``, a backslash,
a broken escape, double encoding, a control octet) has no canonical form. People
may still fetch it, byte for byte; nobody may be charged or admitted by it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
_PLAIN = re.compile(r"(?:/[A-Za-z0-9_~!$&'()*+,=:@-]+(?:\.[A-Za-z0-9_~!$&'()*+,=:@-]+)*)+/?", re.ASCII)
#: Octets that some origin reads as a separator, an end or a second escape once decoded.
_TREACHEROUS = frozenset(b"/\\%;?#") | frozenset(range(32)) | {127}


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Why a path has no canonical form: *why* is a clause for people."""

    why: str


@lru_cache(maxsize=8192)
def canonical(path: str) -> str | Ambiguous:
    """Return the normal form of RFC 3986, 6.2.2, or say why there is none.

    Escapes of unreserved octets are decoded once, all others upper-cased;
    non-ASCII text is percent-encoded as UTF-8. No raise on any input.

    >>> canonical("/essays/%74ides")
    '/essays/tides'
    >>> canonical("/essays/../private")
    Ambiguous(why='it has a dot segment')
    """
    if path != "/" and _PLAIN.fullmatch(path):
        return path
    return _canonical(path)


def _canonical(path: str) -> str | Ambiguous:
    if not path.startswith("/"):
        return Ambiguous("it does not start with a slash")
    out: list[str] = []
    at = 0
    while at < len(path):
        char = path[at]
        if char == "%":
            code = path[at + 1 : at + 3]
            if len(code) != 2 or not all(c in "0123456789abcdefABCDEF" for c in code):
                return Ambiguous("it has a broken percent escape")
            octet = int(code, 16)
            if octet in _TREACHEROUS:
                return Ambiguous(f"it hides the octet %{code.upper()}")
            out.append(chr(octet) if octet in _UNRESERVED else f"%{code.upper()}")
            at += 3
            continue
        if char in "\\;" or char < "!" or char == "\x7f":
            return Ambiguous(f"it has the character {char!r}")
        if char in '?#"<>^`{|}' or char > "~":
            if char in "?#":
                return Ambiguous(f"it has the character {char!r}")
            out.append("".join(f"%{octet:02X}" for octet in char.encode("utf-8", "surrogateescape")))
        else:
            out.append(char)
        at += 1
    return _checked("".join(out))


def _checked(text: str) -> str | Ambiguous:
    segments = text.split("/")[1:]
    if any(segment in {".", ".."} for segment in segments):
        return Ambiguous("it has a dot segment")
    if "" in segments[:-1]:
        return Ambiguous("it has an empty segment")
    try:
        _decoded(text)
    except UnicodeDecodeError:
        return Ambiguous("its escapes are not UTF-8")
    return text


def _decoded(text: str) -> str:
    octets = bytearray()
    at = 0
    while at < len(text):
        if text[at] == "%":
            octets.append(int(text[at + 1 : at + 3], 16))
            at += 3
        else:
            octets += text[at].encode("ascii")
            at += 1
    return octets.decode("utf-8")


@dataclass(frozen=True, slots=True)
class PathScope:
    """A path and everything below it by whole segments, or a pattern with ``*``.

    *pattern* is canonical and starts with a slash. Without a star it covers
    itself and what lies below; a trailing slash is the same scope. With stars
    (``/videos/*.vtt``) it covers exactly the paths the pattern spells: a star
    stands for any run of characters within or across segments.
    """

    pattern: str

    def __post_init__(self) -> None:
        """Refuse a pattern that is not canonical: a scope has one reading."""
        body = self.pattern.replace("*", "x")
        if isinstance(canonical(body), Ambiguous) or canonical(body) != body:
            raise ValueError(f"a scope is a plain path such as /essays/, not {self.pattern!r}")

    def covers(self, path: str) -> bool:
        """Whether canonical *path* is in this scope.

        >>> PathScope("/premium").covers("/premium/2026"), PathScope("/premium").covers("/premium-archive")
        (True, False)
        """
        if "*" in self.pattern:
            return _compiled(self.pattern).fullmatch(path) is not None
        stem = self.pattern.rstrip("/")
        return path == stem or path.startswith(stem + "/")

    def within(self, wider: PathScope) -> bool:
        """Whether every path of this scope is surely in *wider* too.

        Exact for scopes without stars; a starred scope is inside a plain one
        when the part before its first star is, and otherwise only inside itself.
        """
        if self == wider:
            return True
        if "*" in wider.pattern:
            return False
        if "*" in self.pattern:
            stem = wider.pattern.rstrip("/") + "/"
            return self.pattern.split("*", 1)[0].startswith(stem)
        return wider.covers(self.pattern.rstrip("/") or "/")

    def as_robots(self) -> tuple[str, ...]:
        """The RFC 9309 path patterns that match exactly this scope, with any query.

        Of a starred scope only what comes without a query: RFC 9309 has no
        pattern for the rest that reaches no further.

        >>> PathScope("/premium").as_robots()
        ('/premium$', '/premium?', '/premium/')
        """
        if "*" in self.pattern:
            return (self.pattern + "$",)
        stem = self.pattern.rstrip("/")
        if not stem:
            return ("/",)
        return (f"{stem}$", f"{stem}?", f"{stem}/")

    @property
    def precision(self) -> int:
        """How narrow it is: the octets that are spelled out. Larger is narrower."""
        return len(self.pattern.replace("*", ""))


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    # fnmatch knows [..] and ?, which a canonical path cannot hold unescaped but a star pattern must not gain.
    literal = pattern.replace("[", "[[]").replace("?", "[?]")
    return re.compile(translate(literal))


def narrowest(path: str, granted: tuple[PathScope, ...], excluded: tuple[PathScope, ...]) -> PathScope | None:
    """The narrowest scope of *granted* that covers canonical *path*, unless one of *excluded* is narrower yet."""
    best = max((each for each in granted if each.covers(path)), key=lambda each: each.precision, default=None)
    if best is None or any(each.covers(path) and each.precision > best.precision for each in excluded):
        return None
    return best
