"""The header of the PROXY protocol, versions 1 and 2: who speaks through a proxy that does not read HTTP.

HAProxy's specification (proxy-protocol.txt, revision of 2020-03-05), sections
2.1 and 2.2, read strictly: an octet more or less than it allows is wrong. Pure,
and nothing raises on any octets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from typing import Final

_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
_V1_LONGEST: Final = 107
_V1: Final = re.compile(
    rb"PROXY (?:UNKNOWN(?: [^\r\n]*)?|TCP(4|6) ([0-9a-fA-F.:]+) ([0-9a-fA-F.:]+) ([0-9]{1,5}) ([0-9]{1,5}))\r\n"
)
#: Octets of the addresses of each family: none, IPv4, IPv6, paths of sockets.
_ADDRESSES: Final = (0, 12, 36, 216)
#: Extensions (TLVs) beyond these octets are refused; they are skipped, never read.
_EXTENSIONS: Final = 4096
#: No header is longer.
LONGEST: Final = 16 + 216 + _EXTENSIONS


class Unfinished(Enum):
    """What octets are that are no header: the beginning of one, or none."""

    MORE = "more"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """A whole header of *length* octets.

    *source* is the client's address in canonical text, or "" where the proxy
    names none (UNKNOWN, UNSPEC, a socket's path). *local*: the proxy speaks for
    itself, as in a health check.
    """

    length: int
    source: str = ""
    local: bool = False


def proxy_header(octets: bytes) -> ProxyHeader | Unfinished:
    """Read the header that *octets* begin with; what follows it is left alone."""
    if octets[:12] == _SIGNATURE[: len(octets)]:
        return _second(octets) if len(octets) >= 16 else _second_begun(octets)
    line, found, _ = octets[:_V1_LONGEST].partition(b"\r\n")
    if found:
        return _first(line + found)
    begun = octets[:6] == b"PROXY "[: len(octets)] and len(octets) < _V1_LONGEST
    return Unfinished.MORE if begun and b"\n" not in octets else Unfinished.WRONG


def written(version: str, source: str) -> bytes:
    """The header of *version* ``v1`` or ``v2`` that says that *source* speaks, or, of "", that it is not known who.

    The client's port and where it connected to are not said: zeros stand there.
    """
    try:
        address = ip_address(source)
    except ValueError:
        return b"PROXY UNKNOWN\r\n" if version == "v1" else _SIGNATURE + b"\x21\x00\x00\x00"
    address = ip_address(address.packed)  # without a scope, which is any text and ours alone
    four = isinstance(address, IPv4Address)
    nowhere = IPv4Address(0) if four else IPv6Address(0)
    if version == "v1":
        return f"PROXY TCP{address.version} {address} {nowhere} 0 0\r\n".encode("ascii")
    kind = b"\x21\x11\x00\x0c" if four else b"\x21\x21\x00\x24"
    return _SIGNATURE + kind + address.packed + nowhere.packed + bytes(4)


def _first(line: bytes) -> ProxyHeader | Unfinished:
    read = _V1.fullmatch(line)
    if read is None:
        return Unfinished.WRONG
    family, source, target, *ports = read.groups()
    if family is None:
        return ProxyHeader(len(line))
    if any(int(port) > 65535 or (port[:1] == b"0" and port != b"0") for port in ports):
        return Unfinished.WRONG
    kind = IPv4Address if family == b"4" else IPv6Address
    try:
        kind(target.decode("ascii"))
        return ProxyHeader(len(line), str(kind(source.decode("ascii"))))
    except AddressValueError:
        return Unfinished.WRONG


def _second_begun(octets: bytes) -> Unfinished:
    """Whether fewer than sixteen octets can become a header."""
    wrong = (len(octets) > 12 and octets[12] not in {0x20, 0x21}) or (
        len(octets) > 13 and _family(octets[13]) < 0
    )
    return Unfinished.WRONG if wrong else Unfinished.MORE


def _family(octet: int) -> int:
    """0 to 3 as in `_ADDRESSES`, -1 for what the specification does not know."""
    family, transport = divmod(octet, 16)
    return family if family < len(_ADDRESSES) and transport <= 2 else -1


def _second(octets: bytes) -> ProxyHeader | Unfinished:
    if _second_begun(octets) is Unfinished.WRONG:
        return Unfinished.WRONG
    local, family = octets[12] == 0x20, _family(octets[13])
    addresses = 0 if local else _ADDRESSES[family]
    length = int.from_bytes(octets[14:16], "big")
    if not addresses <= length <= LONGEST - 16:
        return Unfinished.WRONG
    if len(octets) < 16 + length:
        return Unfinished.MORE
    stream = octets[13] % 16 == 1
    source = ""
    if not local and stream and family == 1:
        source = str(IPv4Address(octets[16:20]))
    elif not local and stream and family == 2:
        source = str(IPv6Address(octets[16:32]))
    return ProxyHeader(16 + length, source, local)
