"""What a creator's server is sent before a body: the request as it came, less what must not pass.

Compiled where the build is (`pyproject.toml`).
"""

from __future__ import annotations

from gateway.ask import Ask
from gateway.origin.delivery import Headers
from gateway.origin.header_hygiene import request_headers
from gateway.origin.routing import Upstream

#: Octets that are remembered for one block of header lines, whoever sent it.
_FORWARDED = 16 * 1024


def request_octets(
    ask: Ask, place: Upstream, ours: int, protocol: str, told: Headers, *, body: bool
) -> bytes:
    """Request line and header lines for the server at *place*, with the empty line that ends them.

    *ours* is where in the headers a credential of ours stands, or -1; *protocol*
    is the one that is asked for by an upgrade, or ""; *told* are fields of our
    own; *body* is whether one follows. Raises `ValueError` for a line break that
    the guard should have stopped.
    """
    line = f"{ask.method} {place.target(ask.target)} HTTP/1.1\r\n"
    if "\n" in line[:-2] or "\r" in line[:-2] or "\0" in line:
        raise ValueError("a request that holds a line break was not stopped by the guard")
    octets = line.encode("utf-8", "surrogateescape")
    if body or protocol or told:
        return octets + _fields(ask, place, ours, protocol, told, body=body)
    # Clients repeat their header lines: what goes on of them is the same as well.
    seen, known = (ask.origin, ask.address, ours), ask.headers.kept  # type: ignore[attr-defined]
    fields: bytes | None = known.get(seen)
    if fields is None:
        fields = _fields(ask, place, ours, protocol, told, body=body)
        if len(known) * len(fields) > _FORWARDED:
            known.clear()
        known[seen] = fields
    return octets + fields


def _fields(ask: Ask, place: Upstream, ours: int, protocol: str, told: Headers, *, body: bool) -> bytes:
    """The header lines that the origin gets, and the empty one."""
    fields = [*request_headers(ask, ours=ours, upgrade=protocol, host=place.authority), *told]
    if not body:
        fields = [field for field in fields if field[0] != "content-length" or field[1] == "0"]
    else:
        if not sized(ask):
            fields.append(("transfer-encoding", "chunked"))
        if waits(ask):
            fields.append(("expect", "100-continue"))
    lines = [f"{name}: {value}" for name, value in fields]
    head = "\r\n".join([*lines, "", ""])
    if head.count("\n") != len(lines) + 1 or head.count("\r") != len(lines) + 1 or "\0" in head:
        raise ValueError("a request that holds a line break was not stopped by the guard")
    return head.encode("utf-8", "surrogateescape")


def sized(ask: Ask) -> bool:
    """Whether the length of the request's body was announced."""
    return bool(ask.header("content-length"))


def waits(ask: Ask) -> bool:
    """Whether the client waits for ``100 Continue`` before it sends its body."""
    return ask.header("expect").strip().lower() == "100-continue"
