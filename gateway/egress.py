"""The one guarded way out: every fetch that an outsider can cause.

Whoever names a URL to us can make this machine ask it, so (OWASP's rules against
server-side request forgery, and the Web Bot Auth draft of 2026-10-29):

=============== =============================================================
scheme, port    https on 443 alone, a host by name, no user, no fragment
address         looked at when the socket is made, so that a name which
                resolves twice in two ways gains nothing; private, loopback,
                link-local, reserved and multicast ones are refused, also
                inside IPv4-mapped, 6to4, Teredo and NAT64 addresses
answer          status 200 alone, no redirect followed, no content coding,
                at most *limit* bytes
time            at most *seconds* for everything, name resolution included
state           no cookie, no proxy of the environment, no credential, one
                connection a fetch, few at once
=============== =============================================================

The operator can exempt named hosts, for tests and for machines of its own.
What went wrong is a value, `Unfetched`; nothing here raises.

What is posted goes by the same rules; there any status is an answer, because a
provider that says no says why. What is only told (`Egress.tell`) is answered by
the status alone, a redirect's too, and no octet of the body is read.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from typing import Any, Final, TypeVar

import aiohttp

from gateway.problems import ConfigurationError, Mistake

#: Bytes that a fetched document may have.
LIMIT: Final = 64 * 1024
#: Seconds that a fetch may take.
SECONDS: Final = 2.0
_LONGEST_URL: Final = 512
_AT_ONCE: Final = 8
_URL: Final = re.compile(
    r"https://(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<rest>(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?)",
    re.ASCII,
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
#: Site-local addresses (RFC 3879, September 2004): deprecated, routed by whoever still has them, and private.
_SITE_LOCAL: Final = IPv6Network("fec0::/10")

Signer = Callable[[str], Mapping[str, str]]
#: Octets that are kept of an answer to what was told, and seconds in which they have to come.
KEPT: Final = 1024
READING: Final = 2.0
_PLAIN: Final = "http://"
_TLS: Final = "https://"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document that came with status 200. *headers* have names in lower case, in the order received."""

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The values of header *name* (lower case), joined as RFC 9110, section 5.3, joins them."""
        return ", ".join(value for key, value in self.headers if key == name)


@dataclass(frozen=True, slots=True)
class Unfetched:
    """Why there is no document.

    *why* is one of ``url``, ``private_address``, ``unreachable``, ``tls``,
    ``timeout``, ``redirect``, ``status``, ``coding``, ``too_large``; *detail* is
    for the operator. *sent* says whether the other side may have got the request.
    """

    why: str
    detail: str = ""
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Posted:
    """What came back for something posted, whatever its *status*."""

    status: int
    body: bytes


_Got = TypeVar("_Got", Fetched, Posted)
Get = Callable[[str], Awaitable[Fetched | Unfetched]]


def is_public(address: str) -> bool:
    """Whether *address* belongs to the public internet; False for what is no address.

    >>> is_public("93.184.216.34"), is_public("::ffff:10.0.0.1"), is_public("169.254.169.254")
    (True, False, False)
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_global(each) for each in (found, *_inside(found)))


def read_url(url: str) -> tuple[str, int] | None:
    """Host and port of an https *url* in the one spelling that is fetched, or None.

    >>> read_url("https://bot.example/keys.json")
    ('bot.example', 443)
    >>> read_url("https://user@bot.example/") is None
    True
    """
    found = _URL.fullmatch(url) if len(url) <= _LONGEST_URL else None
    if found is None or ".." in found["host"]:
        return None
    port = int(found["port"] or 443)
    return (found["host"].strip("[]"), port) if 0 < port < 65536 else None


class Egress:
    """Fetches small documents for a stranger's sake."""

    def __init__(
        self,
        *,
        exempt: Iterable[str] = (),
        authorities: Path | None = None,
        agent: str = "licet",
        sign: Signer | None = None,
        at_once: int = _AT_ONCE,
        plain: bool = False,
    ) -> None:
        """Fetch as *agent*, at most *at_once*; from exempted hosts over http too where *plain*.

        *exempt* are ``HOST:PORT`` that may be private and may have any port.
        *authorities* is a PEM file of further authorities to trust for TLS.
        *sign* gives further request headers for a URL. Raises
        `ConfigurationError` where *authorities* cannot be used.
        """
        self._exempt = frozenset(exempt)
        self._agent = agent
        self._sign = sign
        self._plain = plain
        # Reading the machine's authorities takes a while: not before something is fetched.
        self._tls: ssl.SSLContext | None = None
        if authorities is not None:
            self._tls = ssl.create_default_context()
            try:
                self._tls.load_verify_locations(authorities)
            except (OSError, ssl.SSLError) as error:
                raise ConfigurationError(
                    [Mistake(str(authorities), "", "must be certificates in PEM", str(error))]
                ) from None
        self._slots = asyncio.Semaphore(at_once)

    async def get(
        self, url: str, *, accept: str = "*/*", limit: int = LIMIT, seconds: float = SECONDS
    ) -> Fetched | Unfetched:
        """GET *url*, or say why there is nothing; see the module for what is refused."""
        exempt = self._admitted(url)
        if isinstance(exempt, Unfetched):
            return exempt
        return await self._tried(
            lambda guard: self._got(url, accept, limit, guard), _Guard(exempt=exempt), seconds
        )

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        media_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        limit: int = LIMIT,
        seconds: float = SECONDS,
    ) -> Posted | Unfetched:
        """POST *body* to *url*, or say why nothing came back; a redirect is not followed.

        *headers* go beside ours. Nothing is signed.
        """
        exempt = self._admitted(url)
        if isinstance(exempt, Unfetched):
            return exempt
        given = {**(headers or {}), "Content-Type": media_type}
        return await self._tried(
            lambda guard: self._posted(url, body, given, limit, guard), _Guard(exempt=exempt), seconds
        )

    async def tell(
        self, url: str, body: bytes, *, headers: Mapping[str, str], seconds: float = SECONDS
    ) -> Posted | Unfetched:
        """POST the JSON *body* to *url*: what was answered, or why nothing was; nothing is followed.

        The status counts, whatever comes behind it: of the body the first `KEPT`
        octets are read, for as long as `READING` at most, and where none can be
        read there are none.
        """
        exempt = self._admitted(url)
        if isinstance(exempt, Unfetched):
            return exempt
        given = {**headers, "Content-Type": "application/json"}
        return await self._tried(
            lambda guard: self._told(url, body, given, guard), _Guard(exempt=exempt), seconds
        )

    def _admitted(self, url: str) -> bool | Unfetched:
        """Whether *url* leads to a host that is exempt, or why it is not asked."""
        plain = self._plain and url.startswith(_PLAIN)
        place = read_url(_TLS + url.removeprefix(_PLAIN) if plain else url)
        if place is None:
            return Unfetched("url", "no https URL that is fetched here", sent=False)
        host, port = place
        if f"{host}:{port}" in self._exempt:
            return True
        if plain or port != 443 or _is_literal(host) or "." not in host:
            return Unfetched("url", "a public host by name, on port 443, is fetched here", sent=False)
        return False

    async def _tried(
        self, act: Callable[[_Guard], Awaitable[_Got | Unfetched]], guard: _Guard, seconds: float
    ) -> _Got | Unfetched:
        try:
            async with asyncio.timeout(seconds), self._slots:
                return await act(guard)
        except TimeoutError:
            return Unfetched("timeout", f"more than {seconds} s", sent=guard.connected)
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            return Unfetched("tls", str(error)[:200], sent=False)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if guard.refused:
                return Unfetched("private_address", guard.refused, sent=False)
            why = str(error)[:200] or type(error).__name__
            return Unfetched("unreachable", why, sent=not isinstance(error, aiohttp.ClientConnectorError))

    def _session(self, guard: _Guard) -> aiohttp.ClientSession:
        tls = self._tls = self._tls or ssl.create_default_context()
        connector = aiohttp.TCPConnector(
            ssl=tls, socket_factory=guard.socket, force_close=True, use_dns_cache=False, limit=1
        )
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False
        )

    async def _got(self, url: str, accept: str, limit: int, guard: _Guard) -> Fetched | Unfetched:
        headers = {"User-Agent": self._agent, "Accept": accept, "Accept-Encoding": "identity"}
        headers.update(self._sign(url) if self._sign is not None else {})
        async with (
            self._session(guard) as session,
            session.get(url, headers=headers, allow_redirects=False) as answer,
        ):
            if not 300 <= answer.status < 400 and answer.status != 200:
                return Unfetched("status", f"status {answer.status}")
            body = await _read(answer, limit)
            if isinstance(body, Unfetched):
                return body
            named = tuple((name.lower(), value) for name, value in answer.headers.items())
            return Fetched(url, named, body)

    async def _posted(
        self, url: str, body: bytes, given: Mapping[str, str], limit: int, guard: _Guard
    ) -> Posted | Unfetched:
        async with self._session(guard) as session, self._sent(session, url, body, given) as answer:
            read = await _read(answer, limit)
            return read if isinstance(read, Unfetched) else Posted(answer.status, read)

    async def _told(self, url: str, body: bytes, given: Mapping[str, str], guard: _Guard) -> Posted:
        async with self._session(guard) as session, self._sent(session, url, body, given) as answer:
            return Posted(answer.status, await _beginning(answer))

    def _sent(
        self, session: aiohttp.ClientSession, url: str, body: bytes, given: Mapping[str, str]
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        headers = {"User-Agent": self._agent, "Accept": "application/json", "Accept-Encoding": "identity"}
        return session.post(url, data=body, headers={**given, **headers}, allow_redirects=False)


async def _read(answer: aiohttp.ClientResponse, limit: int) -> bytes | Unfetched:
    """The whole body of *answer*, unless it is a redirect, compressed or too long."""
    if 300 <= answer.status < 400:
        return Unfetched("redirect", f"status {answer.status}")
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        return Unfetched("coding", "a content coding nobody asked for")
    if (answer.content_length or 0) > limit:
        return Unfetched("too_large", f"more than {limit} bytes announced")
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > limit:
            return Unfetched("too_large", f"more than {limit} bytes")
    return bytes(body)


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    """The first octets of the body of *answer*; raises nothing for a body that breaks off or never comes."""
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        return b""
    body = bytearray()
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(READING):
            while len(body) < KEPT and (chunk := await answer.content.read(KEPT - len(body))):
                body += chunk
    return bytes(body)


class _Guard:
    """Makes the sockets of one fetch, and none to an address that is not public.

    *connected* says whether one was made, over which something may have been sent.
    """

    def __init__(self, *, exempt: bool) -> None:
        self._exempt = exempt
        self.refused = ""
        self.connected = False

    def socket(self, where: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        family, kind, protocol, _, address = where
        if not self._exempt and not is_public(str(address[0])):
            self.refused = str(address[0])
            raise OSError("the address is not public")
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        self.connected = True
        return made


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return host.rpartition(".")[2].isdigit()  # 127.1 and 0177.0.0.1 are addresses to some resolvers
    return True


def _global(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or address.is_loopback
        or address in _SITE_LOCAL
    )


def _inside(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that *address* carries in itself."""
    if isinstance(address, IPv4Address):
        return []
    teredo = address.teredo or ()
    found = [*teredo, address.ipv4_mapped, address.sixtofour]
    if address in _NAT64:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [each for each in found if each is not None]
