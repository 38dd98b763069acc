"""Who sent a request that somebody tells of: the parts behind ``licet who`` and the page of that name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cached_property

from gateway import __version__
from gateway.app.signing_agents import signatures_of
from gateway.ask import Ask
from gateway.clock import Clock
from gateway.config import Config
from gateway.egress import Egress, Fetched, Unfetched
from gateway.evidence import NOTHING, Need, Needs
from gateway.visitors import host_names, signatures
from gateway.visitors.catalog import Catalog
from gateway.visitors.explained import Explanation, at_hand, explain
from gateway.visitors.fetched_lists import FeedFolder, LiveNetworks
from gateway.visitors.host_names import HostNames
from gateway.visitors.identify import Identifier
from gateway.visitors.networks import Networks
from gateway.visitors.resolver import DnsResolver
from gateway.visitors.territory import Locations
from gateway.visitors.visitor import Visitor
from gateway.visitors.weighing import Findings, weigh


class Explaining:
    """Two identifiers over the same parts: for asks whose headers are told, and for those whose are not.

    Nothing is read before the first question.
    """

    def __init__(
        self, config: Config, clock: Clock, *, networks: Networks | None = None, fetch: bool = False
    ) -> None:
        """Identify as a gateway with *config* would, by *networks* or the shipped ones and the folder's copies.

        Only with *fetch* is anything asked of DNS and key directories (`fetched`).
        """
        self._config, self._clock, self._networks, self._fetch = config, clock, networks, fetch
        self._sources: dict[str, Callable[[Need], Awaitable[object]]] = {}

    def __call__(self, ask: Ask, told: bool) -> Explanation:
        """Explain *ask* by what is at hand; *told* says that it has every header that was sent."""
        if self._live.refresh():
            for identifier in self._identifiers:
                identifier.take_up(self._live.networks)
        return explain(at_hand(self._identifiers[told], ask))

    def visitor(self, ask: Ask, told: bool) -> Visitor:
        """Who sent *ask*, by what is at hand, and quickly."""
        identifier = self._identifiers[told]
        found = identifier.identify(ask, NOTHING)
        return weigh(at_hand(identifier, ask)) if isinstance(found, Needs) else found

    async def fetched(self, ask: Ask, told: bool) -> Findings:
        """What is found of *ask* once everything that it needs was fetched."""
        identifier, evidence = self._identifiers[told], NOTHING
        while isinstance(found := identifier.findings(ask, evidence), Needs):
            values = [await self._sources[need.kind](need) for need in found.wants]
            evidence = evidence.with_facts(zip(found.wants, values, strict=True))
        return found

    @cached_property
    def _live(self) -> LiveNetworks:
        return LiveNetworks(self._networks or Networks.shipped(), FeedFolder(self._config.copies))

    @cached_property
    def _identifiers(self) -> tuple[Identifier, Identifier]:
        """Where headers are not told, and where they are."""
        config, catalog = self._config, Catalog.shipped()
        asks_dns = self._fetch and config.dns.check
        names = HostNames(DnsResolver(config.dns.servers) if asks_dns else None, self._clock)
        settings = config.signatures
        way = Egress(
            exempt=settings.exempt,
            authorities=config.folder / settings.authorities if settings.authorities else None,
            agent=f"licet/{__version__}",
        )
        judge, keys = signatures_of(config, catalog, way.get if self._fetch else _nothing, self._clock)
        systems = config.trust.asn_database
        asn_of = Locations(asn=config.folder / systems).asn_of if systems else None
        self._sources = {host_names.KIND: names.source, signatures.KIND: keys.fetch}
        whole, partly = (
            Identifier(
                catalog,
                self._live.networks,
                signatures=judge,
                names=names,
                asn_of=asn_of,
                headers=headers,
                ordered=config.trust.header_order,
            )
            for headers in (True, False)
        )
        return partly, whole


async def _nothing(url: str) -> Fetched | Unfetched:
    return Unfetched("unreachable", f"{url} is not fetched here")
