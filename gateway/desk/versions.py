"""Which versions of a site's terms were ever in force, and which one is: kept for good, for `TermsPages`.

A version is kept before it is told for the first time, so that what was read
here once stays readable under its own address.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.clock import Clock
from gateway.policy.rules import Mode, Policy
from gateway.terms.license_terms import PublishedTerms
from gateway.terms.terms_version import TermsVersion, terms_version


@dataclass(frozen=True, slots=True)
class TakenUp:
    """The version called *name* came into force at *at*, whole seconds, by the policy of that digest."""

    name: str
    at: int
    policy: str


class TermsVersions(Protocol):
    """Where versions are kept. A storage port.

    Implemented by `store.memory` and `store.sqlite`; both pass
    `tests/conformance/test_terms_versions.py`. Each method raises
    `StoreUnavailable` when the store cannot be read or written.
    """

    async def take_up(self, site: str, version: TermsVersion, policy: str, at: int) -> TakenUp:
        """Keep *version*, and that it is in force from *at* on; where it is already, say since when.

        One atomic step. A version that was in force before and is again is
        taken up again; times never run backwards.
        """
        ...

    async def version(self, site: str, name: str) -> TermsVersion | None:
        """The version of that name that *site* once published; a damaged one raises `StoreUnavailable`."""
        ...

    async def history(self, site: str, most: int) -> tuple[TakenUp, ...]:
        """What came into force at *site*, newest first, at most *most* entries."""
        ...


class TermsInForce:
    """Knows the version that each policy publishes, and keeps it when it first hears of it."""

    def __init__(
        self, store: TermsVersions, published: Callable[[Policy, str], PublishedTerms], clock: Clock
    ) -> None:
        """Keep versions of what *published* says of a policy and an origin in *store*."""
        self.store = store
        self.published = published
        self._clock = clock
        self._known: dict[str, tuple[str, TermsVersion, TakenUp]] = {}

    async def of(self, policy: Policy) -> tuple[TermsVersion, TakenUp] | None:
        """The version in force under *policy* and since when, or None in `observe`, which publishes nothing."""
        if policy.site.mode is Mode.OBSERVE:
            return None
        site = policy.site.id
        known = self._known.get(site)
        if known is None or known[0] != policy.edition:
            version = terms_version(self.published(policy, ""))
            at = self._clock.now_us() // 1_000_000
            taken = await self.store.take_up(site, version, policy.digest, at)
            known = self._known[site] = (policy.edition, version, taken)
        return known[1], known[2]
