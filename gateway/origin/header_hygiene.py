"""Which header fields may cross the gateway, in each direction. Pure.

Hop-by-hop fields end here (RFC 9110, June 2022, section 7.6.1), and so does
whatever a visitor says about where it comes from: the origin learns that from
us, in `Forwarded` (RFC 7239) and its older relatives. Names with an underscore
are dropped, because servers that hand headers on as environment variables
cannot tell ``X_Forwarded_For`` from ``X-Forwarded-For``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from gateway.ask import Ask
from gateway.origin.delivery import Headers

#: The name this gateway goes by in `CDN-Loop` (RFC 8586, April 2019). `Via` would say the same, but nginx
#: compresses nothing for a request that has one, and people would be sent pages several times as large.
LOOP = "licet"
#: An origin that leads back to this gateway would ask itself for ever.
MOST_HOPS = 4

#: Fields that end at the next hop (RFC 9110, section 7.6.1), in lower case.
HOP_BY_HOP = frozenset({
    "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings",
    "proxy", "proxy-connection", "proxy-authenticate", "proxy-authorization", "proxy-authentication-info",
})  # fmt: skip
#: `Connection` cannot name these away: they say which site and how long the body is.
_KEPT = frozenset({"host", "content-length"})
_SPOOFABLE = frozenset({
    "forwarded", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "x-remote-ip", "x-remote-addr",
    "true-client-ip", "fastly-client-ip", "client-ip", "x-original-url", "x-original-host", "x-rewrite-url", "cf-pay-per-crawl",
})  # fmt: skip
_SPOOFABLE_START = ("x-forwarded-", "x-licet-", "licet-")
_CDN_ADDRESS = re.compile(r"cf-.*-ip(?:v6|v4)?|cf-pseudo-ipv4", re.ASCII)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
#: An HTTP/2 connection inside a tunnel would carry requests that nobody judged (RFC 7540, section 3.2).
_NEVER_SWITCHED = frozenset({"h2c", "h2"})


def asked_protocol(ask: Ask) -> str:
    """The protocol the client asks to switch to, or "" where it asks for none that may pass.

    One protocol, named once, with `Connection: upgrade` beside it, on a request
    that announces no body; never HTTP/2.
    """
    if not ask.has("upgrade"):
        return ""
    offers = ask.all("upgrade")
    if len(offers) != 1 or "upgrade" not in _named(ask.all("connection")):
        return ""
    offer = offers[0].strip()
    name = offer.partition("/")[0].lower()
    if not _TOKEN.fullmatch(offer.replace("/", "", 1)) or name in _NEVER_SWITCHED:
        return ""
    if ask.header("content-length") not in {"", "0"} or ask.header("transfer-encoding"):
        return ""
    return offer


def request_headers(ask: Ask, *, ours: int = -1, upgrade: str = "", host: str = "") -> list[tuple[str, str]]:
    """The fields the origin gets for *ask*, in the client's order, ours behind them.

    *ours* is the position in `ask.headers` of a credential of ours, which does
    not leave, nor does the proof of a key that goes with it; any other `Authorization` passes untouched. *upgrade* is the
    protocol to offer (`asked_protocol`), or "". *host* stands in where the
    client named no host. `Content-Length` is kept; a transfer coding is the
    forwarder's business, and so is `Expect`.
    """
    out = [field for field in ask.headers if _may_pass(field[0])]
    if ours >= 0:
        mine = ask.headers[ours]
        out = [field for field in out if field is not mine and field[0] != "dpop"]
    if ask.has("connection"):
        named = _named(ask.all("connection")) - _KEPT
        out = [field for field in out if field[0] not in named]
    if ask.has("cdn-loop"):
        hops = [value for name, value in out if name == "cdn-loop"]
        out = [field for field in out if field[0] != "cdn-loop"]
        out.append(("cdn-loop", ", ".join([*hops, LOOP])))
    else:
        out.append(("cdn-loop", LOOP))
    if host and not ask.header("host"):
        out.insert(0, ("host", host))
    out += _forwarded(ask.origin, ask.address)
    if upgrade:
        out += [("connection", "upgrade"), ("upgrade", upgrade)]
    return out


def hops(ask: Ask) -> int:
    """How many times *ask* has passed a gateway of this name already."""
    if not ask.has("cdn-loop"):
        return 0
    elements = ",".join(ask.all("cdn-loop")).split(",")
    return sum(element.split(";")[0].strip().lower() == LOOP for element in elements)


def response_headers(raw: Iterable[tuple[str, str]], *, switching: bool = False) -> Headers:
    """The fields of an origin's answer that the client may see: order, spelling and multiplicity kept.

    Hop-by-hop fields and whatever `Connection` names are gone; `Upgrade` stays
    on a 101 (*switching*), where it says what was agreed.
    """
    out = []
    said: list[str] = []
    for field in raw:
        lower = field[0].lower()
        if lower not in HOP_BY_HOP or (switching and lower == "upgrade"):
            out.append(field)
        elif lower == "connection":
            said.append(field[1])
    named = named_fields(said) if said and said != ["keep-alive"] else ()
    return tuple(field for field in out if field[0].lower() not in named) if named else tuple(out)


@lru_cache(maxsize=2048)
def _may_pass(name: str) -> bool:
    return not (
        name in HOP_BY_HOP
        or name in _SPOOFABLE
        or name == "expect"
        or "_" in name
        or name.startswith(_SPOOFABLE_START)
        or _CDN_ADDRESS.fullmatch(name)
    )


def named_fields(values: Iterable[str]) -> frozenset[str]:
    """The further fields that `Connection` fields of these *values* make hop-by-hop, in lower case."""
    return _named(values) - _KEPT - HOP_BY_HOP


def _named(values: Iterable[str]) -> frozenset[str]:
    return frozenset(token.strip().lower() for value in values for token in value.split(",")) - {""}


@lru_cache(maxsize=8192)
def _forwarded(origin: str, address: str) -> tuple[tuple[str, str], ...]:
    scheme, _, host = origin.partition("://")
    element = f'host="{host}";proto={scheme}'
    whence: tuple[tuple[str, str], ...] = ()
    if address:
        node = f'"[{address}]"' if ":" in address else address
        element = f"for={node};{element}"
        whence = (("x-forwarded-for", address), ("x-real-ip", address))
    return (("forwarded", element), *whence, ("x-forwarded-host", host), ("x-forwarded-proto", scheme))
