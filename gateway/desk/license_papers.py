"""Which papers a license has: the contract it was negotiated in, or the published terms it was bought on.

Whoever bought on published terms signed nothing, so there is no contract to show;
what holds are the terms as they were published then, kept under their own address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from gateway.desk.metadata import PREFIX
from gateway.desk.published_terms import MOST_LISTED
from gateway.desk.versions import TermsInForce
from gateway.licenses.negotiations import Negotiations
from gateway.policy.rules import Policy


@dataclass(frozen=True, slots=True)
class Papers:
    """Addresses by the ids of licenses and by the digests of policies: of *contracts*, and of published *terms*."""

    contracts: Mapping[str, str]
    terms: Mapping[str, str]

    def of(self, license: str, policy: str) -> tuple[str | None, str | None]:
        """The contract of *license*, and where it has none the terms that *policy* published; None for what there is not."""
        contract = self.contracts.get(license)
        return contract, None if contract else self.terms.get(policy)


class PaperShelf:
    """Finds papers."""

    def __init__(self, negotiations: Negotiations, in_force: TermsInForce) -> None:
        """Contracts are read from *negotiations*, terms from the versions of *in_force*."""
        self._negotiations, self._in_force = negotiations, in_force

    async def of(self, licensee: str, policy: Policy) -> Papers:
        """The papers of *licensee* on the site of *policy*."""
        site = policy.site.id
        contracts: dict[str, tuple[int, str]] = {}
        for each in await self._negotiations.of(licensee, site):
            if each.license and each.contract:
                version = int(orjson.loads(each.contract).get("version", 1))
                if version > contracts.get(each.license, (0, ""))[0]:
                    contracts[each.license] = (
                        version,
                        f"{PREFIX}/contracts/{each.license}?version={version}",
                    )
        await self._in_force.of(policy)  # what is in force is kept before anything is told
        history = await self._in_force.store.history(site, MOST_LISTED)
        terms = {each.policy: f"{PREFIX}/terms/{each.name}" for each in reversed(history)}
        return Papers({license: path for license, (_, path) in contracts.items()}, terms)
