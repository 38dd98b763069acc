"""Which server stands behind a site: an origin URL, read once and frozen."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv6Address

_URL = re.compile(
    r"(?P<scheme>https?)://(?:\[(?P<six>[0-9A-Fa-f:.]{2,45})\]|(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})))"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<base>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?",
    re.ASCII,
)
_PORTS = {"http": 80, "https": 443}
#: ``unix:/run/site.sock``: a local socket, by its absolute path.
_UNIX = re.compile(r"unix:(?P<socket>/[\x21-\x7e]{1,106})", re.ASCII)


class UpstreamError(ValueError):
    """What was written is not the URL of a server; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A creator's server.

    *host* is without brackets; *base* is the path that every target is put
    behind, "" or starting with a slash and not ending in one. With the scheme
    ``unix`` *host* is the path of a socket. *server* names the server alone,
    wherever on it the site is.
    """

    scheme: str
    host: str
    port: int
    base: str = ""
    server: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Name the server."""
        object.__setattr__(self, "server", f"{self.scheme} {self.host} {self.port}")

    @property
    def authority(self) -> str:
        """Host and port as a Host header has them, without a default port."""
        if self.scheme == "unix":
            return "localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def target(self, target: str) -> str:
        """The request target for *target* of the site, octet for octet behind the base path.

        >>> read_upstream("http://127.0.0.1:8000/blog/").target("//a?b")
        '/blog//a?b'
        """
        return self.base + target if self.base and target.startswith("/") else target


@lru_cache(maxsize=256)
def read_upstream(url: str) -> Upstream:
    """Read ``http://127.0.0.1:8000``, ``https://host/base`` or ``unix:/run/site.sock``, or raise `UpstreamError`.

    No user name, no query, no fragment: credentials for a server do not stand
    in a policy file, and a target brings its own query.
    """
    if local := _UNIX.fullmatch(url):
        return Upstream("unix", local.group("socket"), 0)
    found = _URL.fullmatch(url)
    if found is None:
        raise UpstreamError(f"an origin looks like http://127.0.0.1:8000 or https://host/base, not {url!r}")
    scheme, six, host, port, base = found.group("scheme", "six", "host", "port", "base")
    if six is not None:
        try:
            IPv6Address(six)
        except ValueError:
            raise UpstreamError(f"{six!r} is not an IPv6 address") from None
    if host is not None and not all(0 < len(label) <= 63 for label in host.removesuffix(".").split(".")):
        raise UpstreamError(f"the labels of a host name have 1 to 63 characters, not so in {host!r}")
    if port is not None and not 1 <= int(port) <= 65535:
        raise UpstreamError(f"a port is between 1 and 65535, not {port}")
    return Upstream(
        scheme, (six or host).lower(), int(port) if port else _PORTS[scheme], (base or "").rstrip("/")
    )
