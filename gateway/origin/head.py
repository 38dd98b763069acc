"""The head of an origin's answer as it stood on the wire, and what of it may be passed on.

llhttp has read it before, strictly: every line ends in CRLF, every field is a
token, a colon and a value without control characters. So what is kept here is
the octets, and fields are only taken apart for those who look at them; a person
gets the lines as the origin wrote them, without the hop-by-hop ones.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from gateway.origin.delivery import Headers
from gateway.origin.header_hygiene import HOP_BY_HOP, named_fields

#: Lines that a passed head may have to lose; the search is in lower case.
_HOPS: Final = re.compile(
    rb"\r\n(?:connection|keep-alive|te|trailer|transfer-encoding|upgrade|http2-settings|proxy)[:-]"
)
_KEEP_ALIVE: Final = b"\r\nconnection: keep-alive"
_LINE_ENDS: Final = frozenset({b"\r\n", b""})
_LENGTH_FIELD: Final = frozenset({"content-length"})
_LENGTH: Final = b"\r\ncontent-length:"
_CODING: Final = re.compile(rb"\r\ntransfer-encoding:[ \t]*([^\r]*?)[ \t]*(?=\r\n|$)")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_VERSIONS: Final = frozenset({b"HTTP/1.1", b"HTTP/1.0"})


#: Heads that are remembered, of at most so many octets each.
_REMEMBERED: Final = 256
_KEPT: Final = 2048
_SETS_COOKIE: Final = b"\r\nset-cookie:"


class Head:
    """Status line and fields of a final answer.

    *length* is the announced length of the body, or -1; *codings* are the
    transfer codings, lower case. It never changes: the same octets may be told by the same object.
    """

    __slots__ = (
        "_fields",
        "_hop",
        "_lower",
        "_passed",
        "codings",
        "fault",
        "length",
        "private",
        "raw",
        "status",
    )

    def __init__(self, raw: bytes, status: int) -> None:
        """Keep *raw*, without the empty line at its end."""
        self.raw = raw
        self.status = status
        lower = self._lower = raw.lower()
        at = lower.find(_LENGTH)
        # llhttp took it for a number.
        self.length = int(raw[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else -1
        hop = _HOPS.search(lower)
        #: Where the first line stands that may have to go, or -1.
        self._hop = -1 if hop is None else hop.start()
        self.codings: tuple[bytes, ...] = tuple(_CODING.findall(lower)) if hop is not None else ()
        end = raw.find(b"\r\n")
        #: What is wrong with the status line, as a sentence for the operator, or "".
        self.fault: str = _fault(raw if end < 0 else raw[:end])
        #: Whether it holds something meant for one visitor alone.
        self.private: bool = _SETS_COOKIE in lower
        self._fields: dict[str, str] = {}
        self._passed: dict[frozenset[str], bytes] = {}

    @property
    def reason(self) -> str:
        """The reason phrase, possibly empty."""
        line = self.raw.partition(b"\r\n")[0]
        return _text(line[13:])

    @property
    def headers(self) -> Headers:
        """Every field in order: name as spelled, value without surrounding blanks."""
        fields = []
        for line in self.raw.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            fields.append((_name(name), value.strip(b" \t").decode("utf-8", "surrogateescape")))
        return tuple(fields)

    def field(self, name: str) -> str:
        """The first value of field *name* (lower case, not hop-by-hop), or ""."""
        found = self._fields.get(name)
        if found is None:
            found = self._fields[name] = self._read(name)
        return found

    def _read(self, name: str) -> str:
        mark = _mark(name)
        at = self._lower.find(mark)
        if at < 0:
            return ""
        at += len(mark)
        end = self.raw.find(b"\r\n", at)
        return _text((self.raw[at:] if end < 0 else self.raw[at:end]).strip(b" \t"))

    def passed_on(self, less: frozenset[str] = frozenset()) -> bytes:
        """Status line and fields for the client, as they stood but for hop-by-hop fields and *less*; no empty line.

        *less* are names in lower case.
        """
        found = self._passed.get(less)
        if found is None:
            found = self._passed[less] = self._worded(less)
        return found

    def _worded(self, less: frozenset[str]) -> bytes:
        raw = self.raw
        if self.status == 204:  # it has no body, and says nothing of its length (RFC 9110, section 8.6)
            less |= _LENGTH_FIELD
        if less and _any_of(less).search(self._lower) is None:
            less = frozenset()
        if not less and raw.startswith(b"HTTP/1.1 ") and raw[12:13] == b" ":
            at = self._hop
            if at < 0:
                return raw
            # What nearly every server says, and nothing else of the kind.
            behind = at + len(_KEEP_ALIVE)
            if (
                self._lower.startswith(_KEEP_ALIVE, at)
                and raw[behind : behind + 2] in _LINE_ENDS
                and _HOPS.search(self._lower, behind) is None
            ):
                return raw[:at] + raw[behind:]
        line, _, fields = raw.partition(b"\r\n")
        first = b"HTTP/1.1 %d %b" % (self.status, line[13:])
        if not fields:
            return first
        kept, said = [first], []
        for field in fields.split(b"\r\n"):
            lower = _lower(field[: field.index(b":")])
            if lower in HOP_BY_HOP:
                if lower == "connection":
                    said.append(_text(field.partition(b":")[2]).strip())
            elif lower not in less:
                kept.append(field)
        if said and said != ["keep-alive"]:
            gone = named_fields(said)
            kept[1:] = [field for field in kept[1:] if _lower(field[: field.index(b":")]) not in gone]
        return b"\r\n".join(kept)


_young: dict[bytes, Head] = {}
_old: dict[bytes, Head] = {}


def head_of(raw: bytes, status: int) -> Head:
    """The head of these octets, read or remembered: a page that is asked for often has one for every second.

    What sets a cookie is meant for one visitor, and not remembered.
    """
    global _young, _old
    found = _young.get(raw)
    if found is None:
        found = _old.get(raw)
        if found is None:
            found = Head(raw, status)
            if len(raw) > _KEPT or found.private:
                return found
        if len(_young) >= _REMEMBERED:
            _old, _young = _young, {}
        _young[raw] = found
    return found


def _text(octets: bytes) -> str:
    """Text that turns back into the same octets, whatever they are."""
    return octets.decode("utf-8", "surrogateescape")


@lru_cache(maxsize=2048)
def _name(octets: bytes) -> str:
    return _text(octets)


@lru_cache(maxsize=64)
def _mark(name: str) -> bytes:
    return f"\r\n{name}:".encode("ascii")


@lru_cache(maxsize=64)
def _any_of(names: frozenset[str]) -> re.Pattern[bytes]:
    return re.compile(rb"\r\n(?:" + b"|".join(re.escape(name.encode("ascii")) for name in names) + rb"):")


@lru_cache(maxsize=512)
def _fault(line: bytes) -> str:
    if line[:8] not in _VERSIONS:
        return "the origin answers in another version of HTTP"
    # A reason phrase has none (RFC 9112, section 4); llhttp lets them pass.
    return "the origin's status line holds a control character" if _CONTROL.search(line) else ""


@lru_cache(maxsize=2048)
def _lower(octets: bytes) -> str:
    return _text(octets).lower()
