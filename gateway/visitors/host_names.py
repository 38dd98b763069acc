"""Forward-confirmed reverse DNS: does the address have a name of the operator's, and does that name lead back?

Google, Microsoft, Apple and others publish the domains of their crawlers'
names. The name of the address (PTR) must end in one of them at a label's
boundary, and one of that name's own addresses (A or AAAA) must be the address:
whoever has an address decides what its PTR says, never what another's domain
does.

    ============================================== ================ ==============
    DNS says                                       outcome          reason
    ============================================== ================ ==============
    a name of the operator's, which leads back     confirmed        rdns_ok
    names, none of the operator's                  contradicted     rdns_mismatch
    a name of the operator's, leading elsewhere    contradicted     rdns_mismatch
    no name at all                                 unknown          rdns_unknown
    nothing in time, an error, too many to look up unknown          rdns_unknown
    ============================================== ================ ==============

No name is no other name: resolvers behind filters and in containers say so of
every address. A cloud's default names (``ec2-….compute.amazonaws.com``) belong
to whoever rents the machine and confirm nothing, whatever a catalog says.

`HostNames.finding` never waits: it answers from what is remembered, or names a
`Need` that `HostNames.source` looks up. Two queries for an address, one look-up
for all who ask at once, so many a second and no more. What is remembered is
remembered of addresses that claimed a name, and of nobody else.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from gateway.clock import Clock
from gateway.evidence import Evidence, Need, Needs
from gateway.visitors.networks import parse_address

#: The `Need` that `HostNames.source` serves; its key is the address.
KIND: Final = "dns"
#: Seconds that one look-up may take, both queries together.
SECONDS: Final = 0.3
#: Seconds that an answer holds: one that confirms, one that does not, none.
_CONFIRMED, _OTHERWISE, _NOTHING = 3600.0, 600.0, 60.0
#: Look-ups remembered; look-ups a second, and at once after a rest.
_REMEMBERED, _PER_SECOND, _BURST = 4096, 20.0, 60.0
#: Names of one address that are looked at.
_NAMES: Final = 16
#: What a name is made of that means what it says; an escaped dot would not be a boundary.
_NAME: Final = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+")
#: Domains under which a cloud names every machine it lets.
CLOUDS: Final = (
    ".amazonaws.com", ".amazonaws.com.cn", ".googleusercontent.com", ".cloudapp.net", ".cloudapp.azure.com",
    ".azure.com", ".windows.net", ".oraclecloud.com", ".oraclevcn.com", ".linode.com", ".linodeusercontent.com",
    ".vultrusercontent.com", ".vultr.com", ".your-server.de", ".your-cloud.host", ".ovh.net", ".ovh.ca",
    ".kimsufi.com", ".contaboserver.net", ".scaleway.com", ".poneytelecom.eu", ".digitalocean.com", ".hwclouds-dns.com",
    ".aliyuncs.com", ".tencentcloud.com", ".myqcloud.com", ".upcloud.host", ".hostwindsdns.com", ".leaseweb.net",
    ".in-addr.arpa", ".ip6.arpa",
)  # fmt: skip

Outcome = Literal["confirmed", "contradicted", "unknown"]


class NoAnswer(Exception):
    """DNS said nothing that can be relied on: too late, refused, failed, or no sense."""


class Resolver(Protocol):
    """Asks DNS. An empty answer is an answer: the name, or its record, does not exist."""

    async def names(self, address: str) -> tuple[str, ...]:
        """The names of *address* (PTR), in lower case without a final dot; raises `NoAnswer`."""
        ...

    async def addresses(self, name: str, version: int) -> tuple[str, ...]:
        """Every address of *name*, of IP *version* 4 or 6, canonical; raises `NoAnswer`."""
        ...


@dataclass(frozen=True, slots=True)
class NameFinding:
    """What DNS says of an address and a claim.

    Attributes:
        outcome: ``confirmed``, ``contradicted`` or ``unknown``.
        reasons: one stable code, as in the table above.
        name: the name that decided it, or "".
        why: the fact in words, for pages that explain.
    """

    outcome: Outcome
    reasons: tuple[str, ...]
    name: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Looked:
    """The value of a `Need` of this kind: a finding, and the monotonic second until which it holds."""

    finding: NameFinding
    until: float


def _unknown(why: str) -> NameFinding:
    return NameFinding("unknown", ("rdns_unknown",), why=why)


def is_cloud(name: str) -> bool:
    """Whether *name*, or a suffix with its leading dot, is one that a cloud gives to whoever rents."""
    return ("." + name.lower().lstrip(".")).endswith(CLOUDS)


def matching(names: Iterable[str], suffixes: Iterable[str]) -> str:
    """The first of *names* under one of *suffixes* (each with its leading dot), or "".

    >>> matching(["crawl-1.googlebot.com"], [".googlebot.com"])
    'crawl-1.googlebot.com'
    >>> matching(["evilgooglebot.com", "googlebot.com.evil.example"], [".googlebot.com"])
    ''
    """
    wanted = tuple(suffix for suffix in suffixes if suffix[:1] == "." and not is_cloud(suffix))
    return (
        next((name for name in names if name.endswith(wanted) and not is_cloud(name)), "") if wanted else ""
    )


class HostNames:
    """Remembers what DNS said, and looks up what it has not."""

    def __init__(self, resolver: Resolver | None, clock: Clock) -> None:
        """Ask *resolver*, or nobody: then there is never anything to check. *clock* says how old an answer is."""
        self._resolver, self._clock = resolver, clock
        self._known: dict[tuple[str, tuple[str, ...]], Looked] = {}
        self._under_way: dict[tuple[str, tuple[str, ...]], asyncio.Task[Looked]] = {}
        self._left, self._left_at = _BURST, clock.monotonic()

    def finding(
        self, address: str, suffixes: tuple[str, ...], evidence: Evidence
    ) -> NameFinding | Needs | None:
        """What DNS says of a claim by *address* to be under one of *suffixes*.

        Returns:
            None where there is nothing to check: no usable suffix, or no
            address. `Needs` where it must be looked up first; asked again with
            what came, whatever that is, it answers.
        """
        if self._resolver is None or not suffixes:
            return None
        if evidence.has(KIND, address):
            looked = evidence.get(KIND, address)
            return looked.finding if isinstance(looked, Looked) else _unknown("it was not looked up")
        known = self._known.get((address, suffixes))
        if known is not None and known.until > self._clock.monotonic():
            return known.finding
        if parse_address(address) is None or all(map(is_cloud, suffixes)):
            return None
        return Needs((Need(KIND, address, suffixes),))

    async def source(self, need: Need) -> Looked:
        """Look up what `finding` needs; whoever asks for the same at once waits for the same. No raise."""
        suffixes = need.about if isinstance(need.about, tuple) else ()
        asked = (need.key, suffixes)
        known = self._known.get(asked)
        if known is not None and known.until > self._clock.monotonic():
            return known
        task = self._under_way.get(asked)
        if task is None:
            if not self._may_ask():
                return Looked(_unknown("too many look-ups at once"), self._clock.monotonic())
            task = self._under_way[asked] = asyncio.create_task(self._look(*asked), name="dns")
        # One who leaves must not end it for the others.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """End what is under way."""
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self, address: str, suffixes: tuple[str, ...]) -> Looked:
        try:
            try:
                async with asyncio.timeout(SECONDS):
                    finding, seconds = await self._asked(address, suffixes)
            except TimeoutError:
                finding, seconds = _unknown(f"DNS took more than {SECONDS * 1000:.0f} ms"), _NOTHING
            except NoAnswer as error:
                finding, seconds = _unknown(str(error)), _NOTHING
            looked = Looked(finding, self._clock.monotonic() + seconds)
            while len(self._known) >= _REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known.pop((address, suffixes), None)
            self._known[address, suffixes] = looked
            return looked
        finally:
            del self._under_way[address, suffixes]

    async def _asked(self, address: str, suffixes: tuple[str, ...]) -> tuple[NameFinding, float]:
        parsed = parse_address(address)
        if parsed is None or self._resolver is None:
            return _unknown("there is nobody to ask"), _NOTHING
        named = await self._resolver.names(str(parsed))
        names = [name for name in named[:_NAMES] if _NAME.fullmatch(name)]
        if not names:
            return _unknown("the address has no name"), _OTHERWISE
        name = matching(names, suffixes)
        if not name:
            why = f"the address is called {names[0]}"
            return NameFinding("contradicted", ("rdns_mismatch",), names[0], why), _OTHERWISE
        if str(parsed) in await self._resolver.addresses(name, parsed.version):
            why = f"the address is called {name}, which leads back to it"
            return NameFinding("confirmed", ("rdns_ok",), name, why), _CONFIRMED
        why = f"the address calls itself {name}, which does not lead back to it"
        return NameFinding("contradicted", ("rdns_mismatch",), name, why), _OTHERWISE

    def _may_ask(self) -> bool:
        now = self._clock.monotonic()
        self._left = min(_BURST, self._left + (now - self._left_at) * _PER_SECOND)
        self._left_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
