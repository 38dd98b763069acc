"""Asks DNS, through dnspython: the machine's own resolvers, or those of the settings.

Why this library: the C library's `getnameinfo` gives one name of several, reads
``/etc/hosts``, cannot tell "no such name" from "no answer", and holds a thread
for as long as a silent server likes. aiodns does all that is needed, but reads
strangers' packets in C (c-ares, through pycares). dnspython reads them in
Python, runs in the loop, and falls back to TCP where an answer was cut short.
Looking at a few addresses a second is all it is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
import dns.reversename

from gateway.problems import ConfigurationError, Mistake
from gateway.visitors.host_names import SECONDS, NoAnswer
from gateway.visitors.networks import parse_address

_PORT: Final = 53


class DnsResolver:
    """A `host_names.Resolver` over UDP and TCP."""

    def __init__(self, servers: Sequence[str] = ()) -> None:
        """Ask *servers*, ``ADDRESS`` or ``ADDRESS:PORT`` (``[::1]:53``), or without any the machine's own.

        Raises:
            ConfigurationError: a server that is no address.
        """
        self._resolver = dns.asyncresolver.Resolver(configure=False)
        self._resolver.lifetime = SECONDS
        self._resolver.timeout = SECONDS
        self._resolver.search = []
        if servers:
            self._resolver.nameservers = [_nameserver(text) for text in servers]
        else:
            try:
                found = dns.resolver.Resolver(configure=True).nameservers
            except (dns.exception.DNSException, OSError):
                found = []  # no resolver on this machine: every answer is "unknown"
            self._resolver.nameservers = found

    async def names(self, address: str) -> tuple[str, ...]:
        """The names of *address*, as `host_names.Resolver` says."""
        try:
            asked = dns.reversename.from_address(address)
        except (dns.exception.DNSException, ValueError) as error:
            raise NoAnswer("there is no address") from error
        found = await self._answer(asked, "PTR")
        return tuple(text.rstrip(".").lower() for text in found)

    async def addresses(self, name: str, version: int) -> tuple[str, ...]:
        """Every address of *name*, as `host_names.Resolver` says."""
        try:
            asked = dns.name.from_text(name)
        except dns.exception.DNSException as error:
            raise NoAnswer("the name cannot be asked for") from error
        found = await self._answer(asked, "A" if version == 4 else "AAAA")
        return tuple(str(parsed) for text in found if (parsed := parse_address(text)) is not None)

    async def _answer(self, asked: dns.name.Name, kind: str) -> tuple[str, ...]:
        try:
            answer = await self._resolver.resolve(
                asked, kind, raise_on_no_answer=False, search=False, lifetime=SECONDS
            )
        except dns.resolver.NXDOMAIN as error:
            return _nothing(error.response(asked))  # type: ignore[no-untyped-call]
        except dns.resolver.LifetimeTimeout as error:
            raise NoAnswer(f"DNS took more than {SECONDS * 1000:.0f} ms") from error
        except dns.resolver.NoNameservers as error:
            raise NoAnswer("no DNS server gave an answer") from error
        except (dns.exception.DNSException, OSError, ValueError, EOFError) as error:
            raise NoAnswer(f"DNS failed ({type(error).__name__})") from error
        if answer.response.flags & dns.flags.TC:
            raise NoAnswer("DNS gave half an answer")
        return tuple(record.to_text() for record in answer.rrset or ()) or _nothing(answer.response)


def _nothing(response: dns.message.Message) -> tuple[str, ...]:
    """Answer that there is none, if the server would know: one that only points elsewhere has not looked."""
    if not response.flags & (dns.flags.RA | dns.flags.AA):
        raise NoAnswer("the DNS server does not look names up")
    return ()


def _nameserver(text: str) -> dns.nameserver.Nameserver:
    host, port = text.strip(), _PORT
    if host.startswith("["):
        host, closed, rest = host[1:].partition("]")
        port = _number(rest.removeprefix(":")) if rest else _PORT if closed else 0
    elif host.count(":") == 1:
        host, _, rest = host.partition(":")
        port = _number(rest)
    parsed = parse_address(host)
    if parsed is None or not 0 < port <= 65535:
        raise ConfigurationError(
            [Mistake("dns.servers", "", "an address such as 192.0.2.53 or [2001:db8::53]:53", text[:60])]
        )
    return dns.nameserver.Do53Nameserver(str(parsed), port)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 else 0
