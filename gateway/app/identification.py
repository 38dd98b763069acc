"""What one process needs in order to say who asks: catalog, lists, DNS, keys, conduct; and where evidence comes from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from gateway.app.signing_agents import signatures_of
from gateway.clock import Clock
from gateway.config import Config
from gateway.egress import Get
from gateway.evidence import Need
from gateway.problems import ConfigurationError
from gateway.visitors import host_names, signatures
from gateway.visitors.catalog import Catalog
from gateway.visitors.conduct import Conduct
from gateway.visitors.exemptions import FILE, read_exemptions
from gateway.visitors.fetched_lists import FeedFolder, LiveNetworks
from gateway.visitors.host_names import HostNames
from gateway.visitors.identify import Identifier
from gateway.visitors.networks import Networks
from gateway.visitors.resolver import DnsResolver

log = structlog.get_logger("licet")

#: Seconds between two looks at the copies of operators' lists.
COPIES_SECONDS = 5.0


class Identification:
    """The parts behind `Identifier`, plugged together.

    Attributes:
        identifier: answers who asks.
        host_names: what DNS said of addresses that claimed a name.
        signatures: judges signed requests; *keys* holds the keys of agents.
        conduct: what networks did within the hour.
        live: the lists in force.
    """

    def __init__(
        self,
        config: Config,
        clock: Clock,
        catalog: Catalog,
        get: Get,
        *,
        networks: Networks | None = None,
        asn_of: Callable[[str], int] | None = None,
    ) -> None:
        """Identify by *catalog*, and by *networks* or the shipped ones; fetched copies replace either.

        *get* fetches key directories; *asn_of* knows the system of an address. Raises `ConfigurationError` where the
        settings of DNS or of pinned keys cannot be used.
        """
        self.live = LiveNetworks(networks or Networks.shipped(), FeedFolder(config.copies))
        self.host_names = HostNames(DnsResolver(config.dns.servers) if config.dns.check else None, clock)
        self.signatures, self.keys = signatures_of(config, catalog, get, clock)
        self.conduct = Conduct()
        self.identifier = Identifier(
            catalog,
            self.live.networks,
            signatures=self.signatures,
            names=self.host_names,
            conduct=self.conduct,
            asn_of=asn_of,
            ordered=config.trust.header_order,
        )
        self._people = config.folder / FILE
        self._seen_people = ""
        self._exempt()
        self._told_of_copies()

    @property
    def sources(self) -> Mapping[str, Callable[[Need], Awaitable[object]]]:
        """Where evidence comes from, by its kind."""
        return {host_names.KIND: self.host_names.source, signatures.KIND: self.keys.fetch}

    async def renew(self) -> None:
        """Take up copies of operators' lists that were fetched since; requests go on meanwhile."""
        if await asyncio.to_thread(self.live.refresh):
            self.identifier.take_up(self.live.networks)
            self._told_of_copies()

        await asyncio.to_thread(self._exempt)

    def _exempt(self) -> None:
        """Take up what people.toml says, if that changed; what cannot be read changes nothing."""
        try:
            text = self._people.read_text(encoding="utf-8") if self._people.exists() else ""
            if text == self._seen_people:
                return
            self._seen_people = text
            self.identifier.exempt(read_exemptions(text, str(self._people)))
        except (OSError, UnicodeDecodeError, ConfigurationError) as error:
            log.warning("people.toml was not taken up; the last good one goes on", reason=str(error))

    async def close(self) -> None:
        """End what is being looked up."""
        await self.host_names.close()

    def _told_of_copies(self) -> None:
        for mistake in self.live.mistakes:
            log.warning("a copy was not taken up; the shipped one goes on", mistake=str(mistake))
