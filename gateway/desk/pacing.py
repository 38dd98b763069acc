"""How fast the desk is asked: per client, and per network for whoever is nobody yet.

A client that proved itself is paced by its own id alone, so that nobody waits
because of a neighbour on the same network; who fails to prove itself, and who
registers, is paced by network (/24 of IPv4, /64 of IPv6).
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from gateway.admission.pace import Pace

#: Makes a limit by its name, so many a second and so many at once. Who says one name may share one limit.
Limits = Callable[[str, float, int], Pace]


def own_limit(name: str, per_second: float, burst: int) -> Pace:  # noqa: ARG001
    """A limit that this process keeps for itself, whatever its name."""
    return Pace(per_second, burst)


class DeskPace:
    """Three limits; each answers the whole seconds to wait, 0 for none."""

    def __init__(
        self,
        limits: Limits = own_limit,
        *,
        register: Pace | None = None,
        failures: Pace | None = None,
        client: Pace | None = None,
    ) -> None:
        """Keep to the limits given; by default 5 registrations a network at once and one a minute.

        Failed logins: 20 at once and one a second a network. Clients: 60
        requests at once and 5 a second. *limits* makes these, and those that parts of the desk have for themselves.
        """
        self.limits = limits
        self._register = register or limits("registrations", 1 / 60, 5)
        self._failures = failures or limits("failures", 1, 20)
        self._client = client or limits("clients", 5, 60)

    def registering(self, address: str, now_us: int) -> int:
        """Take one registration from *address*."""
        return self._register.wait(network(address), now_us)

    def failing(self, address: str, now_us: int) -> int:
        """Take one failed login from *address*."""
        return self._failures.wait(network(address), now_us)

    def client(self, client_id: str, now_us: int) -> int:
        """Take one request of the client that proved to be *client_id*."""
        return self._client.wait(client_id, now_us)


def network(address: str) -> str:
    """The network that *address* is paced with; every unreadable address is in one of its own.

    >>> network("203.0.113.9"), network("2001:db8:1:2:3::4")
    ('203.0.113.0/24', '2001:db8:1:2::/64')
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is None:
            return str(IPv6Network((int(found), 64), strict=False))
        found = found.ipv4_mapped
    return str(IPv4Network((int(found), 24), strict=False))
