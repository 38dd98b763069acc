"""The header lines of a request, read once: clients repeat them octet for octet.

A crawler sends the same lines with every fetch, a browser the same few sets. So
what follows from the lines alone (the fields, what the guard says of them, the
host, the lines that may go on to the origin) is kept beside them, and the next
request with the same octets finds it. Which lines those are is compared octet
by octet; nothing is guessed. Bounded in number and in size.

llhttp has read the lines before, strictly: each ends in CRLF and is a token, a
colon and a value without control characters.
"""

from __future__ import annotations

from typing import Final

from gateway.ask import HeaderFields
from gateway.front.guard import FIELDS, guard_fields, parse_host
from gateway.problems import Problem, Refusal

_REMEMBERED: Final = 2048
#: Octets of remembered blocks together; what is read of them takes about ten times as much.
_REMEMBERED_BYTES: Final = 2 << 20
#: Longer blocks (large cookies) are read anew each time rather than kept.
_KEPT: Final = 4096
#: Spellings of field names that are remembered; a stranger can send any number.
_NAMES: Final = 1024
_names: dict[bytes, str] = {}


class HeaderBlock:
    """What the header lines of a request say.

    *fields* have names in lower case and values as text that turns back into
    the octets that came; *first* is the first value of each name. *refusal* is
    what the guard says of them, *host* name and port where it says nothing.
    *framed*: a body follows, of *length* octets where that is announced.
    """

    __slots__ = ("fields", "first", "framed", "host", "length", "refusal")

    def __init__(self, raw: bytes) -> None:
        """Read *raw*: lines that end in CRLF, without the empty one."""
        fields = []
        for line in raw.split(b"\r\n")[:-1]:
            name, _, value = line.partition(b":")
            fields.append((_name(name), value.strip(b" \t").decode("utf-8", "surrogateescape")))
        self.fields = HeaderFields(fields)
        self.first = self.fields.first
        self.framed = "transfer-encoding" in self.first or self.first.get("content-length", "0") != "0"
        length = self.first.get("content-length", "")
        self.length = int(length) if length.isdecimal() and len(length) < 19 else 0
        self.host: tuple[str, int | None] = ("", None)
        self.refusal: Refusal | None
        if len(fields) > FIELDS:
            self.refusal = Refusal(Problem.HEADERS_TOO_LARGE, f"A request may have {FIELDS} header lines.")
            return
        self.refusal = guard_fields(self.fields)
        if self.refusal is None:
            host = parse_host(self.first["host"])
            if isinstance(host, Refusal):
                self.refusal = host
            else:
                self.host = host

    def without(self, name: str) -> HeaderBlock:
        """The same block as if *name* (lower case) had not been sent."""
        lines = [f"{key}: {value}\r\n" for key, value in self.fields if key != name]
        return HeaderBlock("".join(lines).encode("utf-8", "surrogateescape"))


_young: dict[bytes, HeaderBlock] = {}
_young_bytes = 0
_old: dict[bytes, HeaderBlock] = {}


def header_block(raw: bytes) -> HeaderBlock:
    """The block of these lines, read or remembered."""
    global _young, _young_bytes, _old  # noqa: PLW0603 - one memory for the process
    found = _young.get(raw)
    if found is None:
        found = _old.get(raw)
        if found is None:
            found = HeaderBlock(raw)
            if len(raw) > _KEPT:
                return found
        if len(_young) >= _REMEMBERED or _young_bytes > _REMEMBERED_BYTES:
            _old, _young, _young_bytes = _young, {}, 0
        _young[raw] = found
        _young_bytes += len(raw)
    return found


def _name(octets: bytes) -> str:
    """A field name in lower case; the few that are common are made once."""
    name = _names.get(octets)
    if name is None:
        name = octets.lower().decode("ascii", "replace")
        if len(_names) < _NAMES:
            _names[octets] = name
    return name
