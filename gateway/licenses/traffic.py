"""What the gateway saw of one site: crawlers from the journal, people from the totals, deals from the register.

Nothing here is personal: people are totals, addresses are networks, deals have
no licensee.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from gateway.money import Money
from gateway.terms.license_terms import LicenseTerms


@dataclass(frozen=True, slots=True)
class Crawled:
    """What one crawler fetched; *crawler* is "" for automated visitors without a name.

    *fetches* counts every request, *delivered* those that were answered with
    content (2xx), *licensed* those under a license, *verified* those whose
    sender was proven. *bytes_sent* is of all of them.
    """

    crawler: str
    operator: str
    visitor_class: str
    fetches: int
    delivered: int
    licensed: int
    verified: int
    bytes_sent: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """How often machines were given *name*: a work of the policy, or a path that is in none."""

    name: str
    fetches: int
    bytes_sent: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """One site from *since* to before *until*, whole seconds.

    *crawlers* and *wanted* have most fetches first. *people* counts answers
    that people were given (totals of whole hours); *parts* are the parts of the
    site that they read most, *sent* the AI services that sent them, both as
    (name, count). *shed* counts records of unpaid fetches that were not kept,
    on whatever site.
    """

    site: str
    since: int
    until: int
    crawlers: tuple[Crawled, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    people: int = 0
    parts: tuple[tuple[str, int], ...] = ()
    sent: tuple[tuple[str, int], ...] = ()
    shed: int = 0


@dataclass(frozen=True, slots=True)
class OwnDeal:
    """A license of this site's own that was sold, without the name of whoever bought it."""

    signed_at: int
    terms: LicenseTerms


@dataclass(frozen=True, slots=True)
class Fetched:
    """One fetch of a crawler, or *count* refusals alike that were counted together.

    *network* is the /24 or /48 it came from, "" where that was erased; *evidence*
    what it was taken for its sender by (`visitors.reasons`), () likewise. *quoted*
    is what an unlicensed visitor was or would have been asked for, None for
    nothing; *charged* what it owes. *outcome* is `provenance.record.Outcome`'s word.
    """

    time_us: int
    path: str
    method: str
    status: int
    bytes_sent: int
    crawler: str
    operator: str
    visitor_class: str
    identity: str
    outcome: str
    evidence: tuple[str, ...] = ()
    network: str = ""
    quoted: Money | None = None
    charged: Money | None = None
    count: int = 1

    @property
    def delivered(self) -> bool:
        """Whether content was sent: a 2xx answer to a GET."""
        return 200 <= self.status < 300 and self.method == "GET"


class TrafficBook(Protocol):
    """Where it is read. A storage port; each method is one consistent moment and raises `StoreUnavailable`.

    Implemented by `store.memory` and `store.sqlite`; both pass `tests/conformance/test_traffic.py`.
    """

    async def traffic(self, site: str, since: int, until: int, most: int) -> Traffic:
        """What was seen of *site* from *since* to before *until*, whole seconds; at most *most* of each list."""
        ...

    async def deals(self, site: str, most: int) -> tuple[OwnDeal, ...]:
        """The licenses of *site* that were sold and not revoked, newest first, at most *most*.

        Those that cost nothing are left out.
        """
        ...

    async def fetches(
        self, site: str, crawlers: Collection[str], since: int, until: int, most: int
    ) -> tuple[Fetched, ...]:
        """What *crawlers*, by their names in the catalog, fetched of *site*; oldest first, the newest *most* of them."""
        ...
