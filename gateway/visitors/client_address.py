"""Which hop's address is believed: the right-most one that no trusted proxy vouches for.

A forwarding header is a list to which each proxy appends what it saw, so it is
read from the right, and only as far as trusted proxies wrote it. From a peer
that is not trusted every such header is ignored: anybody can send one.

`Forwarded` is RFC 7239 (June 2014); `X-Forwarded-For`, `-Proto` and `-Host`
have no specification and are read as common proxies write them. A proxy keeps
one kind and passes the other through as the client sent it, and nothing in the
request tells which. So where both are present and lead to different addresses,
neither is believed and the address is the peer's (ours).

Nothing here raises on any header; `TrustedProxies.read` does, at start-up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from gateway.problems import ConfigurationError, Mistake
from gateway.visitors.networks import Address, parse_address

_NAMED = {
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
}
_HOST = re.compile(
    r"[a-z0-9](?:[a-z0-9.-]{0,252})(?::[0-9]{1,5})?|\[[0-9a-f:.]{2,45}\](?::[0-9]{1,5})?", re.ASCII
)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
#: CDNs write XX where they know no country; ISO 3166-1 leaves it to its users.
_NO_COUNTRY = "XX"
_PAIR = re.compile(r"\s*([A-Za-z]+)=(?:\"((?:[^\"\\]|\\.)*)\"|([^\s\",;]*))\s*", re.ASCII)


#: Only the right end of a forwarding header is ever believed, so no more is read.
_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class ClientAddress:
    """What is known of the client's side of the connection.

    Attributes:
        address: the client's address in canonical text, without port; the
            peer as it was given where that is no address.
        scheme: "http" or "https" as a trusted proxy tells it, or "".
        host: the host a trusted proxy was asked for, lower case, or "".
        country: ISO 3166-1 alpha-2, or "".
        country_basis: "header" if *country* is known, or "".
    """

    address: str
    scheme: str = ""
    host: str = ""
    country: str = ""
    country_basis: str = ""


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The networks whose forwarding headers are believed; none by default."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def read(cls, texts: Sequence[str]) -> TrustedProxies:
        """Read addresses, prefixes, and the names ``loopback`` and ``private``.

        Raises:
            ConfigurationError: with every text that is none of these, and for
                a prefix of length 0: who trusts everybody knows no address.
        """
        networks: list[IPv4Network | IPv6Network] = []
        mistakes: list[Mistake] = []
        for index, text in enumerate(texts):
            for prefix in _NAMED.get(text, (text,)):
                try:
                    network = ip_network(prefix)
                except ValueError:
                    network = None
                if network is None or network.prefixlen == 0:
                    expected = "loopback, private, or a prefix such as 192.0.2.0/24"
                    mistakes.append(Mistake("trust", f"proxies[{index}]", expected, text[:60]))
                else:
                    networks.append(network)
        if mistakes:
            raise ConfigurationError(mistakes)
        return cls(tuple(networks))

    def trusts(self, address: Address | None) -> bool:
        """Whether *address* is one of these proxies."""
        return address is not None and any(address in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class _Told:
    """Where one kind of header leads: address, and what that hop says of the connection."""

    address: Address
    scheme: str
    host: str


def resolve(
    peer: str, headers: Sequence[tuple[str, str]], trusted: TrustedProxies, country_header: str = ""
) -> ClientAddress:
    """Say where the request comes from, believing *headers* only as far as *trusted* goes.

    Args:
        peer: address of the connection's other end, without port.
        headers: as received, several lines of one name in order.
        trusted: the proxies in front of this gateway.
        country_header: name of the header in which they put the country, or "".
    """
    at = parse_address(peer)
    if at is None:
        return ClientAddress(peer)
    if not trusted.networks or not trusted.trusts(at):
        return ClientAddress(str(at))
    lines: dict[str, list[str]] = {}
    for name, value in headers:
        lines.setdefault(name.lower(), []).append(value)
    told = _told(at, lines, trusted)
    country = _country(lines.get(country_header.lower(), [])) if country_header else ""
    return ClientAddress(
        str(told.address), told.scheme, told.host, country, country_basis="header" if country else ""
    )


def _told(peer: Address, lines: dict[str, list[str]], trusted: TrustedProxies) -> _Told:
    standard = _by_forwarded(peer, lines["forwarded"], trusted) if "forwarded" in lines else None
    common = _by_x_forwarded(peer, lines, trusted) if "x-forwarded-for" in lines else None
    if standard is not None and common is not None:
        return standard if standard.address == common.address else _Told(peer, "", "")
    return standard or common or _Told(peer, *_x_connection(lines))


def _by_forwarded(peer: Address, values: list[str], trusted: TrustedProxies) -> _Told:
    told = _Told(peer, "", "")
    for element in reversed(_elements(_right_end(",".join(values)))):
        if not trusted.trusts(told.address):
            break
        hop = _node(element.get("for", ""))
        if hop is None:
            break
        told = _Told(hop, _scheme(element.get("proto", "")), _host(element.get("host", "")))
    return told


def _by_x_forwarded(peer: Address, lines: dict[str, list[str]], trusted: TrustedProxies) -> _Told:
    address = peer
    for text in reversed(_right_end(",".join(lines["x-forwarded-for"])).split(",")):
        if not trusted.trusts(address):
            break
        hop = _node(text.strip())
        if hop is None:
            break
        address = hop
    return _Told(address, *_x_connection(lines))


def _x_connection(lines: dict[str, list[str]]) -> tuple[str, str]:
    last = {
        name: lines[name][-1].rsplit(",", 1)[-1]
        for name in ("x-forwarded-proto", "x-forwarded-host")
        if name in lines
    }
    return _scheme(last.get("x-forwarded-proto", "")), _host(last.get("x-forwarded-host", ""))


def _right_end(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return text[-_LONGEST:].partition(",")[2]


def _elements(text: str) -> list[dict[str, str]]:
    """The elements of RFC 7239, section 4; from the first broken one leftwards nothing is kept.

    A quoted string may hold a comma, so the text is read from the left. Where
    it breaks, what stood to the left cannot be told from what a client wrote.
    """
    elements: list[dict[str, str]] = [{}]
    at = 0
    while at < len(text):
        found = _PAIR.match(text, at)
        if found is None:
            comma = text.find(",", at)
            if comma < 0:
                return []
            elements, at = [{}], comma + 1
            continue
        name, quoted, plain = found.groups()
        elements[-1].setdefault(
            name.lower(), re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
        )
        at = found.end()
        separator = text[at : at + 1]
        if separator == ",":
            elements.append({})
        elif separator not in {";", ""}:
            elements[-1] = {}
            continue
        at += 1
    return elements


def _node(text: str) -> Address | None:
    """The address of ``192.0.2.1``, ``192.0.2.1:80``, ``2001:db8::1`` or ``[2001:db8::1]:80``."""
    if text.startswith("["):
        return parse_address(text[1:].split("]", 1)[0])
    if text.count(":") == 1:
        text = text.split(":", 1)[0]
    return parse_address(text)


def _scheme(text: str) -> str:
    scheme = text.strip().lower()
    return scheme if scheme in {"http", "https"} else ""


def _host(text: str) -> str:
    host = text.strip().lower()
    return host if _HOST.fullmatch(host) else ""


def _country(values: list[str]) -> str:
    # Two lines are a client's and the proxy's, in no known order.
    if len(values) != 1:
        return ""
    country = values[0].strip()
    return country if _COUNTRY.fullmatch(country) and country != _NO_COUNTRY else ""
