"""The operator's bundles: what was frozen, what it costs, who bought it, what was withdrawn from it and given back.

================== ============================================================
``/bundles``       every manifest, those on offer first
``/bundles/HASH``  one of them: its items, offers, licenses, withdrawals, credits
================== ============================================================

Nothing is changed here: a bundle is made by `licet bundle make`, sold by an
offer of the policy, and a work is withdrawn on the page of consent. Prices and
progress are worked out by the code that quotes, tells and books them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from gateway.billing.bundle_credits import credit_of, withdrawn_from
from gateway.billing.credit_ids import credit_ids
from gateway.billing.ledger import Ledger
from gateway.clock import Clock
from gateway.dashboard.exports import amounts
from gateway.dashboard.frame import Frame
from gateway.dashboard.table_forms import Cells, add_table, moment, read_table, rows_in
from gateway.licenses.bundle import Item, Manifest, Progress, progress
from gateway.licenses.ingestion import Ingestion
from gateway.licenses.license import License
from gateway.licenses.pricing import due_at_signing
from gateway.licenses.register import LicenseRegister
from gateway.licenses.withdrawal import Withdrawal
from gateway.money import Money
from gateway.policy.bundles import bundles_sold, manifests_beside
from gateway.policy.rules import Policy
from gateway.terms.license_terms import Offer

#: How many items of a manifest are drawn; the rest is counted.
_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Bundles:
    """What these pages read. *policies* and *withdrawn* are those in force."""

    ingestion: Ingestion
    register: LicenseRegister
    ledger: Ledger
    policies: Callable[[], tuple[Policy, ...]]
    withdrawn: Callable[[], tuple[Withdrawal, ...]]


@dataclass(frozen=True, slots=True)
class BundleRow:
    """One manifest as the list shows it: the *offers* that sell it now, and how many licenses are over it."""

    made: Manifest
    offers: tuple[Offer, ...]
    sold: int

    @property
    def price(self) -> Money | None:
        """What the cheapest offer asks at signing; None where none sells it."""
        dues = [due_at_signing(each.terms) for each in self.offers]
        return min(dues, key=lambda due: due.micros, default=None)


@dataclass(frozen=True, slots=True)
class Holding:
    """One license over a bundle: how far it was taken in, what was *withdrawn* from it, and the credit for that."""

    license: License
    licensee: str
    progress: Progress
    met: bool
    withdrawn: tuple[str, ...]
    credit: Money
    booked: int


_CELLS: Final[Cells] = {
    "hash": lambda row: row.made.hash,
    "made": lambda row: moment(row.made.made_at),
    "state": lambda row: "on offer" if row.offers else "not sold now",
    "bundle": lambda row: row.made.name,
    "works": lambda row: len(row.made.items),
    "bytes": lambda row: row.made.size,
    "licenses": lambda row: row.sold,
    "price": lambda row: amounts([row.price] if row.price else []),
}

_HOLDING_CELLS: Final[Cells] = {
    "license": lambda row: row.license.id,
    "since": lambda row: moment(row.license.starts_at),
    "taken_in": lambda row: "met" if row.met else "not yet",
    "licensee": lambda row: row.license.licensee,
    "name": lambda row: row.licensee,
    "fetched": lambda row: row.progress.fetched,
    "works": lambda row: row.progress.items,
    "changed": lambda row: len(row.progress.changed),
    "withdrawn": lambda row: len(row.withdrawn),
    "credit": lambda row: str(row.credit),
    "booked": lambda row: row.booked,
}
_ITEM_CELLS: Final[Cells] = {
    "path": lambda row: row[0].path,
    "work": lambda row: row[0].work,
    "rendition": lambda row: row[0].rendition,
    "rights": lambda row: row[0].rights,
    "people": lambda row: row[0].people,
    "bytes": lambda row: row[0].size,
    "sha256": lambda row: row[0].sha256,
    "withdrawn": lambda row: "yes" if row[1] else "no",
}


class BundlePages:
    """Draws the pages of bundles."""

    def __init__(self, bundles: Bundles, frame: Frame, clock: Clock) -> None:
        """Read *bundles*; draw in *frame*."""
        self._bundles, self._frame, self._clock = bundles, frame, clock

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the addresses."""
        router.add_get("/bundles", self._list)
        add_table(router, "/bundles", _CELLS, self._listed)
        router.add_get("/bundles/{hash}", self._one)
        add_table(router, "/bundles/{hash}/licenses", _HOLDING_CELLS, self._holdings)
        add_table(router, "/bundles/{hash}/works", _ITEM_CELLS, self._items)

    async def _listed(self, _request: web.Request) -> list[BundleRow]:
        return sorted(await self._rows(), key=lambda row: (not row.offers, row.made.name, -row.made.made_at))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        rows, view = rows_in(await self._listed(request), _CELLS, read_table(request, _CELLS))
        context = {"rows": rows, "view": view}
        return self._frame.render(request, "bundles.html", context, status=400 if view.mistakes else 200)

    async def _one(self, request: web.Request) -> web.StreamResponse:
        row = await self._found(request)
        made = row.made
        holdings = await self._holdings(request)
        gone = self._gone(made)
        context = {
            "row": row,
            "items": made.items[:_SHOWN],
            "more": max(0, len(made.items) - _SHOWN),
            "holdings": holdings,
            "gone": gone,
        }
        return self._frame.render(request, "bundle.html", context)

    async def _found(self, request: web.Request) -> BundleRow:
        rows = await self._rows()
        row = next((each for each in rows if each.made.hash == request.match_info["hash"]), None)
        if row is None:
            raise web.HTTPNotFound
        return row

    async def _holdings(self, request: web.Request) -> list[Holding]:
        made = (await self._found(request)).made
        return [await self._holding(each, made) for each in await self._over(made.hash)]

    async def _items(self, request: web.Request) -> list[tuple[Item, bool]]:
        made = (await self._found(request)).made
        gone = self._gone(made)
        return [(each, each.path in gone) for each in made.items]

    def _gone(self, made: Manifest) -> set[str]:
        """The paths of *made* that are withdrawn at this moment."""
        standing = [each for each in self._bundles.withdrawn() if each.site == made.site and not each.hold]
        return {
            each.path for each in made.items if any(one.reaches(each.path, each.work) for one in standing)
        }

    async def _rows(self) -> list[BundleRow]:
        sold = [each.terms.scope.bundle for each in await self._licenses()]
        rows = list[BundleRow]()
        for policy in self._bundles.policies():
            found = (
                await asyncio.to_thread(manifests_beside, Path(policy.file), policy.site.id)
                if policy.file
                else ()
            )
            for made in found:
                offers = tuple(
                    each
                    for each in bundles_sold(policy)
                    if (named := each.terms.scope.bundle) and named.manifest == made.hash
                )
                rows.append(
                    BundleRow(
                        made, offers, sum(bool(each) and each.manifest == made.hash for each in sold if each)
                    )
                )
        return rows

    async def _licenses(self) -> list[License]:
        found = [await self._bundles.register.license(id) for id in await self._bundles.ingestion.sold()]
        return [each for each in found if each is not None]

    async def _over(self, manifest: str) -> list[License]:
        return [
            each
            for each in await self._licenses()
            if (bundle := each.terms.scope.bundle) and bundle.manifest == manifest
        ]

    async def _holding(self, license: License, made: Manifest) -> Holding:
        got = progress(made, await self._bundles.ingestion.fetched(license.id))
        gone = withdrawn_from(license, made, self._bundles.withdrawn())
        booked = 0
        for path in gone:
            ids = credit_ids(license, made.hash, path)
            booked += bool([id for id in ids if await self._bundles.ledger.has_entry(id)])
        licensee = await self._bundles.register.licensee(license.licensee)
        bundle = license.terms.scope.bundle
        return Holding(
            license,
            licensee.name if licensee else license.licensee,
            got,
            bool(bundle) and got.met(bundle.ingestion if bundle else 0),
            gone,
            credit_of(license, made, gone),
            booked,
        )
