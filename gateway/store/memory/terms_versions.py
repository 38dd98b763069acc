"""`desk.versions.TermsVersions` in memory."""

from __future__ import annotations

from gateway.desk.versions import TakenUp
from gateway.problems import StoreUnavailable
from gateway.terms.terms_version import TermsVersion


class MemoryTermsVersions:
    """Versions by site. Setting *down* to a sentence makes every call refuse with it."""

    def __init__(self) -> None:
        """Begin empty."""
        self.down = ""
        self._versions: dict[tuple[str, str], TermsVersion] = {}
        self._taken: dict[str, list[TakenUp]] = {}

    async def take_up(self, site: str, version: TermsVersion, policy: str, at: int) -> TakenUp:
        """Keep *version*, and that it is in force from *at* on; see the port."""
        self._check()
        taken = self._taken.setdefault(site, [])
        if taken and taken[-1].name == version.name:
            return taken[-1]
        self._versions.setdefault((site, version.name), version)
        taken.append(TakenUp(version.name, max(at, taken[-1].at if taken else at), policy))
        return taken[-1]

    async def version(self, site: str, name: str) -> TermsVersion | None:
        """The version of that name."""
        self._check()
        return self._versions.get((site, name))

    async def history(self, site: str, most: int) -> tuple[TakenUp, ...]:
        """What came into force at *site*, newest first."""
        self._check()
        return tuple(reversed(self._taken.get(site, [])))[:most]

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable(self.down)
