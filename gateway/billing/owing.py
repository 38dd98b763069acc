"""What booking reads of licenses, reports and the folded journal: a storage port.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_owing.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.licenses.duties import KeptReport
from gateway.licenses.license import License
from gateway.licenses.rates import Rates
from gateway.provenance.record import JournalEntry


@dataclass(frozen=True, slots=True)
class Held:
    """A license with its *versions* in order, the *reports* that were accepted, oldest first, and when it was revoked.

    *over_at* is in whole seconds, 0 for never.
    """

    versions: tuple[License, ...]
    reports: tuple[KeptReport, ...]
    over_at: int = 0


class Owing(Protocol):
    """Reads alone. Each method is one moment, and raises `StoreUnavailable` when the store cannot answer."""

    async def signs(self) -> Mapping[str, str]:
        """By the id of each license that is held, a text that changes when its versions, accepted reports or book entries do.

        Licenses for one fetch are left out.
        """
        ...

    async def with_milestones(self, most: int, behind: str = "") -> tuple[str, ...]:
        """The ids of at most *most* licenses of which a version has milestones, in order, *behind* an id where one is given.

        Licenses for one fetch are left out.
        """
        ...

    async def held(self, license_id: str) -> Held:
        """The license of that id; no versions where there is none."""
        ...

    async def rates(self) -> Rates:
        """Every rate of a currency, in the journal's order."""
        ...

    async def items(self, license_id: str) -> int:
        """How many different paths or renditions were delivered under a license (`escrow.ingested`)."""
        ...

    async def entries(self, license_id: str, *, deliveries: bool) -> tuple[JournalEntry, ...]:
        """The book entries of its licensee, and with *deliveries* what was delivered under it, in the journal's order."""
        ...
