"""Bundles in the office: what is given back for works that were withdrawn is booked, and the pages read it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import structlog

from gateway.app.ingestion_round import IngestionRound
from gateway.billing.bundle_credits import credited, credited_of_milestones, fee_of, withdrawn_from
from gateway.billing.credit_ids import credit_id
from gateway.billing.escrow import State
from gateway.billing.ledger import Ledger
from gateway.billing.milestone_book import Known, MilestoneBook
from gateway.billing.postings import prepaid
from gateway.billing.refunds import standings
from gateway.clock import Clock
from gateway.dashboard.bundle_pages import Bundles
from gateway.desk.bundles import manifest_beside
from gateway.desk.fees import Keeping
from gateway.licenses.bundle import Manifest
from gateway.licenses.ingestion import Ingestion
from gateway.licenses.license import License
from gateway.licenses.register import LicenseRegister
from gateway.licenses.withdrawal import Withdrawal
from gateway.policy.reload import PolicyShelf
from gateway.policy.rules import Policy
from gateway.problems import StoreUnavailable
from gateway.provenance.record import BookEntry
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.ingestion import SqliteIngestion
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.terms.sold_bundle import Bundle

_log: Final = structlog.get_logger("licet")
_EVER: Final = 1 << 62


class BundleCredits:
    """Looks at every license over a bundle when what is withdrawn has changed, and credits each item once."""

    def __init__(
        self,
        ingestion: Ingestion,
        register: LicenseRegister,
        ledger: Ledger,
        journal: Keeping,
        milestones: MilestoneBook,
        manifest: Callable[[str, Bundle], Manifest | None],
        withdrawn: Callable[[], tuple[Withdrawal, ...]],
        clock: Clock,
    ) -> None:
        """Write to *journal* and *milestones* what *withdrawn*, which are in force, take from those who bought."""
        self._milestones = milestones
        self._ingestion, self._register, self._ledger, self._journal = ingestion, register, ledger, journal
        self._manifest, self._withdrawn, self._clock = manifest, withdrawn, clock
        self._seen: tuple[Withdrawal, ...] = ()
        self._written: set[str] = set()
        #: Whether a part of some fee is still to be paid in, so that nothing of it can be given back yet.
        self._awaited = False

    async def act(self) -> None:
        """One look."""
        standing = self._withdrawn()
        if standing == self._seen and not self._awaited:
            return
        self._awaited = False
        try:
            for id in await self._ingestion.sold():
                license = await self._register.license(id)
                bundle = license.terms.scope.bundle if license else None
                made = self._manifest(license.site, bundle) if license and bundle else None
                if license is not None and made is not None:
                    await self._credit(license, made, standing)
        except StoreUnavailable as error:
            self._awaited = True
            _log.warning("credits for withdrawn works wait", reason=str(error))
            return
        self._seen = standing

    async def _credit(self, license: License, made: Manifest, standing: Iterable[Withdrawal]) -> None:
        gone = withdrawn_from(license, made, standing)
        if not gone:
            return
        if license.terms.compensation.milestones:
            await self._credit_waiting(license, made, gone)
        booked = [each.path for each in made.items if await self._is_booked(license, made, each.path)]
        if set(gone) <= set(booked):
            return
        postings = await self._ledger.postings(prepaid(license.licensee), 0, _EVER)
        fee = fee_of(license, standings(license.licensee, postings))
        if fee is None:
            return
        for entry in credited(license, made, gone, booked, fee, self._clock.now_us()):
            await self._journal.keep(entry)
            self._written.add(entry.id)
            _log.info("a withdrawn work of a bundle was credited", license=license.id, entry=entry.id)

    async def _credit_waiting(self, license: License, made: Manifest, gone: tuple[str, ...]) -> None:
        """Of what waits for milestones, or was released for them."""
        now_us = self._clock.now_us()

        def part(known: Known) -> tuple[BookEntry, ...]:
            self._awaited |= any(each.standing.state is State.PLANNED for each in known.milestones)
            return credited_of_milestones(license, made, gone, known.milestones, known.entries, now_us)

        for entry in await self._milestones.correct(license.id, part):
            _log.info(
                "a withdrawn work of a bundle was credited of a milestone", license=license.id, entry=entry.id
            )

    async def _is_booked(self, license: License, made: Manifest, path: str) -> bool:
        entry = credit_id(license, made.hash, path)
        return entry in self._written or await self._ledger.has_entry(entry)


def bundles_of(
    database: Database,
    register: LicenseRegister,
    in_force: Callable[[], tuple[tuple[Policy, ...], tuple[Withdrawal, ...]]],
) -> Bundles:
    """What the owner's pages about bundles read: *database*, and the policies and withdrawals that are *in_force*."""
    return Bundles(
        SqliteIngestion(database),
        register,
        SqliteLedger(database),
        lambda: in_force()[0],
        lambda: in_force()[1],
    )


def bundle_round(
    database: Database,
    register: LicenseRegister,
    ledger: Ledger,
    journal: Keeping,
    milestones: MilestoneBook,
    clock: Clock,
    shelf: Callable[[], PolicyShelf],
    withdrawn: Callable[[], tuple[Withdrawal, ...]],
) -> Callable[[], Awaitable[None]]:
    """What is done about bundles again and again: telling what was taken in, and crediting what was withdrawn."""

    def manifest(site: str, sold: Bundle) -> Manifest | None:
        found = shelf().of_site(site)
        return manifest_beside(found, sold) if found else None

    ingestion = SqliteIngestion(database)
    told = IngestionRound(
        ingestion, register, manifest, clock, lambda held, made: withdrawn_from(held, made, withdrawn())
    )
    given_back = BundleCredits(ingestion, register, ledger, journal, milestones, manifest, withdrawn, clock)

    async def act() -> None:
        await told.act()
        await given_back.act()

    return act
