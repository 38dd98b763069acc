"""What the office does about bundles in time: it tells when the holder of a license fetched what counts as all of one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final

import structlog

from gateway.clock import Clock
from gateway.licenses.bundle import Manifest, ingested, progress
from gateway.licenses.ingestion import Ingestion
from gateway.licenses.license import License
from gateway.licenses.register import LicenseRegister
from gateway.terms.sold_bundle import Bundle

log = structlog.get_logger("licet")
#: Seconds between two looks.
INGESTION_SECONDS: Final = 2.0


class IngestionRound:
    """Looks at every license over a bundle whose milestone was not told yet; each is told once, whoever else looks."""

    def __init__(
        self,
        ingestion: Ingestion,
        register: LicenseRegister,
        manifest: Callable[[str, Bundle], Manifest | None],
        clock: Clock,
        gone: Callable[[License, Manifest], Collection[str]] = lambda *_: (),
    ) -> None:
        """Read *ingestion*; *manifest* finds what the terms of a license of a site name, None where it is gone.

        *gone* are the paths that were withdrawn from a license since: nobody waits for them.
        """
        self._gone = gone
        self._ingestion, self._register, self._clock = ingestion, register, clock
        self._manifest = manifest
        self._missed: set[str] = set()

    async def act(self) -> None:
        """One look."""
        for id in await self._ingestion.awaited():
            license = await self._register.license(id)
            bundle = license.terms.scope.bundle if license else None
            if license is None or bundle is None:
                continue
            made = self._manifest(license.site, bundle)
            if made is None:
                if id not in self._missed:
                    log.warning("the manifest of a bundle is gone", license=id, manifest=bundle.manifest)
                self._missed.add(id)
                continue
            gone = frozenset(self._gone(license, made))
            left = replace(made, items=tuple(each for each in made.items if each.path not in gone))
            if not left.items:
                continue
            got = progress(left, await self._ingestion.fetched(id))
            if got.met(bundle.ingestion):
                now = self._clock.now_us() // 1_000_000
                await self._ingestion.tell(ingested(license, got, bundle.manifest, now))
                log.info("a bundle was taken in", license=id, items=got.items)
