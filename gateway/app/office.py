"""The office of one data folder: keys, database, books, keeper, desk, dashboard, and what is due in time.

Opened in this order: keys, database, the keeper's lock, the office's own
journal, what a crash left is folded. Closed in the reverse order.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from gateway.admission.recalling import Recalling
from gateway.admission.till import PaidUnit
from gateway.app import billing_room, duty_round
from gateway.app.account_room import accounts_of
from gateway.app.alert_round import alert_round
from gateway.app.audit_corrections import AuditCorrections
from gateway.app.auditing import proofs_of
from gateway.app.bookkeeping import Bookkeeping
from gateway.app.bundle_credits import bundle_round
from gateway.app.cashier import Cashier
from gateway.app.checkup.database_server import tell_server
from gateway.app.consenting import Consenting
from gateway.app.dashboard_door import open_dashboard
from gateway.app.dashboard_rooms import rooms_of
from gateway.app.dealing import bargaining_of
from gateway.app.explaining import Explaining
from gateway.app.feeds import ROUND_SECONDS, FeedRound
from gateway.app.folder import keeper_lock
from gateway.app.ingestion_round import INGESTION_SECONDS
from gateway.app.key_rings import rings_of
from gateway.app.life_round import LIVES_SECONDS, LifeRound
from gateway.app.log_keeping import LogKeeping
from gateway.app.machines import alone, machines_of, while_leading
from gateway.app.neighbors import Ears, Neighbors
from gateway.app.nonce_secret import nonces_of
from gateway.app.persons import Persons
from gateway.app.post_room import PostRoom
from gateway.app.publisher import Publisher
from gateway.app.reconciling import LOOK_SECONDS, Nightly
from gateway.app.retention import check_retention, forget_in_time
from gateway.app.signing_agents import agent_judge, egress_of, own_agent
from gateway.app.spreading import begun
from gateway.app.stores import folding_of, leader_of, open_store
from gateway.app.timers import acting, every
from gateway.app.way_out import feed_fetch
from gateway.app.witnessing import witnessing_of
from gateway.clock import Clock, SystemClock
from gateway.config import Config
from gateway.dashboard.pages import BOOKS, JOURNAL
from gateway.desk.bundles import BundleDesk, manifest_beside
from gateway.desk.call import Group
from gateway.desk.catalogue_pages import CatalogueDesk
from gateway.desk.clients import Admittance, Clients
from gateway.desk.developers import DeveloperDesk
from gateway.desk.duties import DutyDesk
from gateway.desk.offer_documents import OfferDocuments
from gateway.desk.pacing import DeskPace
from gateway.desk.published_terms import TermsDesk
from gateway.desk.quotes import QuoteDesk
from gateway.desk.routes import Desk
from gateway.desk.versions import TermsInForce
from gateway.keys.content_keys import ContentKeys
from gateway.licenses.position import Position
from gateway.licenses.revocations import RevocationFeed, Revocations
from gateway.licenses.withdrawal import Withdrawal
from gateway.money import Money
from gateway.policy.earlier import EarlierPolicies
from gateway.policy.reload import PolicyShelf
from gateway.policy.rules import Policy
from gateway.problems import ConfigurationError, Mistake, StoreUnavailable
from gateway.provenance.audience import Audience
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Folding, Keeper
from gateway.store.evidence_folder import EvidenceFolder
from gateway.store.sqlite.access_log import SqliteAccessLog
from gateway.store.sqlite.accounts import SqliteAccounts
from gateway.store.sqlite.audience import SqliteAudience
from gateway.store.sqlite.duties import SqliteAudits, SqliteDuties
from gateway.store.sqlite.leaves import FreshLeaves, SqliteLeaves
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.store.sqlite.lives import SqliteLives
from gateway.store.sqlite.register import SqliteRegister
from gateway.store.sqlite.spend_book import SqliteSpendBook
from gateway.store.sqlite.terms_versions import SqliteTermsVersions
from gateway.store.sqlite.totals import SqliteTotals
from gateway.terms.license_terms import LONGEST_WINDOW_HOURS, Offer
from gateway.terms.schema_org import license_page_jsonld
from gateway.visitors.catalog import Catalog
from gateway.visitors.fetched_lists import FeedFolder
from gateway.visitors.networks import Networks
from gateway.visitors.own_identity import OwnIdentity

log = structlog.get_logger("licet")

#: Seconds between two looks at what other processes changed: well under `revocations.OLDEST`.
_LOOK = 0.25


class Office:
    """Everything behind the front. Its maker holds the `FolderLock`."""

    def __init__(
        self,
        config: Config,
        *,
        policies: Callable[[], tuple[Policy, ...]] | None = None,
        networks: Networks | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Prepare; nothing is opened yet.

        *policies* gives the policies when there are no files of them (``serve
        --upstream``); otherwise those of the data folder's ``sites``. *networks*
        stand in for the shipped ones.
        """
        self.config = config
        self.clock = clock or SystemClock()
        self._policies, self._networks = policies, networks
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping, self._wake, self.fresh = asyncio.Event(), asyncio.Event(), FreshLeaves()
        self._bell = asyncio.Event()
        self._closing: list[Callable[[], Awaitable[None]]] = []
        self._feeds: FeedRound | None = None
        self.withdrawn: tuple[Withdrawal, ...] = ()
        self.nightly = Nightly(config.folder, self.clock)

    def read_policies(self) -> None:
        """Take up the policies for the first time; raises `ConfigurationError`."""
        self.shelf = PolicyShelf(self._policies or self.config.sites)

    async def open_stores(self, journal: str) -> None:
        """Open everything that rests on the disk; *journal* names the office's own file."""
        config = self.config
        self.database = await open_store(config)
        self._closing.append(self.database.close)
        # Long reads of the pages get connections of their own: revocations must not wait for a report.
        self._pages = await open_store(config, readers=2)
        self._closing.append(self._pages.close)
        await tell_server(self.database, config.store.database)
        rings = rings_of(config, self.clock)
        self.keys, self.identity_keys, self.origin_keys, log_keys = rings
        self.machines = machines_of(config, self.database, self._pages)
        await self.machines.settle(*rings)
        agent = own_agent(config, self.shelf.policies)
        self.identity = OwnIdentity(self.identity_keys, agent, also=(self.origin_keys,))
        self.egress = egress_of(config, self.clock, self.identity)
        await check_retention(config, self.database, self.clock)
        self.spreading = await begun(config, self.clock, closing=self._closing.append)
        self.register = SqliteRegister(self.database)
        self.lives = SqliteLives(self.database)
        self.accounts = SqliteAccounts(self.database)
        self.book = Recalling(SqliteSpendBook(self.database, self.clock), self.recall)
        self.ledger = SqliteLedger(self.database)
        self.access_log = SqliteAccessLog(self._pages)
        self.totals = SqliteTotals(self.database)
        self._paid = SqliteLedger(self._pages)
        ears = Ears(self._bell.set, self._reload_if_changed, self.learn, lambda: self.shelf)
        self.neighbors = Neighbors(config, self.spreading, ears)
        self.neighbors.recall_for(self.book, self.clock)
        leaves = SqliteLeaves(self._pages, self.fresh)
        self.log = LogKeeping(config.log, log_keys, leaves, self._first_host(), leader_of(self._pages))
        self.witnessing = witnessing_of(config)
        self.audience = SqliteAudience(self.database)
        self.people = Audience(enabled=config.people.counted)
        self._closing.append(acting((await keeper_lock(config.folder)).release))
        self.journal = Journal.open(
            config.journal,
            journal,
            clock=self.clock,
            reserve_bytes=config.store.reserve_mb << 20,
            refusals_per_second=config.pacing.refusals_per_second,
        )
        self.keeper = Keeper(config.journal, self.folding())
        await self.keeper.catch_up()
        self._closing.append(self._fold_the_rest)
        self._closing.append(self.journal.close)
        self.feed, self.revoked = RevocationFeed(), Revocations()
        self.consenting = Consenting(self.database, self.register, self.clock)
        self.persons = Persons(config, self.database, self.clock)
        self.billing = billing_room.BillingRoom(
            config, (self.database, self._pages), self.register, self.ledger, self.journal, self.clock, self._wake.set
        )  # fmt: skip
        await self.billing.open()
        self.earlier = EarlierPolicies(config.folder / "earlier")
        await self._look()
        self.cashier = Cashier(config, self.database, self.journal, self.ledger, self.clock, self._wake.set)
        self.settling = self.cashier.settling
        self._see_policies()
        self.policy_files = await self.consenting.recorded(
            lambda: self.shelf, config.policy_versions, self.journal, self.ledger.has_entry
        )
        self._open_desk()
        await self.desk.sales.finish()

    def _open_desk(self) -> None:
        config, shared = self.config, self.spreading
        self.pace = shared.desk_pace() if shared else DeskPace()
        self.desk = Desk(
            register=self.register,
            spend_book=self.book,
            journal=self.journal,
            keys=self.keys,
            clock=self.clock,
            balance=self._balance,
            entered=self.ledger.has_entry,
            identity=self.identity,
            groups=(*self._groups(), *self.cashier.groups),
            once=self.cashier.once,
            earlier=self.earlier,
            content_keys=ContentKeys(config.content_keys),
            bargaining=bargaining_of(self.database, self._position, self.lives, self.post.verifying),
            admittance=Admittance(
                self.egress.get, nonces_of(config.keys.parent), config.clients.dpop_nonces,
                config.clients.initial_access_token, agent_judge(config, self.egress.get, self.clock, self.accounts),
                shared.marks if shared else None,
            ),
            pace=self.pace,
            crawler=Catalog.shipped().crawler,
            claimed=Catalog.shipped().claimed,
            published=self._published,
        )  # fmt: skip

    def _position(self, site: str, offer: Offer) -> Position:
        # The shelf of the moment: an office that has workers takes up a new one with each change.
        return self.shelf.position(site, offer)

    def _groups(self) -> tuple[Group | Callable[[Clients], Group], ...]:
        """What the desk answers besides selling."""
        limits = self.pace.limits
        self.post = PostRoom(
            self.config, self.database, self.register, self.clock, lambda: self.shelf.policies, self.cashier.once,
            limits,
        )  # fmt: skip
        catalog = Catalog.shipped()
        publisher = self._published = Publisher(catalog)
        shelf = EvidenceFolder(self.config.evidence)
        self.audits = SqliteAudits(self.database)
        self.bookkeeping = Bookkeeping(self.config.journal, self._pages, self.journal, self.clock, self._wake.set)  # fmt: skip
        self.duty_book = self.bookkeeping.duties(SqliteDuties(self.database), self.register, shelf)
        self.terms = TermsInForce(SqliteTermsVersions(self.database), publisher, self.clock)
        return (
            TermsDesk(self.terms, license_page_jsonld).group(),
            OfferDocuments(publisher).group(),
            BundleDesk(manifest_beside).group(),
            QuoteDesk(self.terms, catalog.crawler, self.clock, limits).group(),
            CatalogueDesk(self.terms, catalog.crawler).group(),
            DutyDesk(self.duty_book, self.audits, self.clock).group,
            *self.bookkeeping.reporting(self.duty_book),
            *self.bookkeeping.groups(self.register),
            *self.post.groups,
            *self.consenting.groups(limits),
            *self.persons.groups(limits),
            DeveloperDesk(
                self.register, self.billing.write, self.clock, test=self.config.billing.test, limits=limits
            ).group(),
            *proofs_of(self.database, self._pages, self.register, self.log, self.keys, self.clock, limits),
            *self.billing.groups(),
            accounts_of(
                (self.database, self._pages),
                self.billing.office,
                self._balance,
                self.keys,
                self.clock,
                self.terms,
            ),
        )

    def _first_host(self) -> str:
        return next((host for policy in self.shelf.policies for host in policy.site.hosts), "licet")

    def folding(self) -> Folding:
        """Where the keeper folds into."""
        return folding_of(self.database, self.fresh)

    async def open_dashboard(self) -> tuple[str, str]:
        """Open the operator's pages; returns their URL and the one-time link, or "" for what there is not."""
        config = self.config
        if not config.dashboard.enabled:
            return "", ""
        rooms = rooms_of(self, self._pages, self._wake.set)
        who = Explaining(config, self.clock, networks=self._networks)
        return await open_dashboard(
            config, self.access_log, who, self.status, rooms, self.clock, self._closing
        )

    def begin(self) -> None:
        """Start what is done again and again."""
        bundles = bundle_round(
            self.database, self.register, self.ledger, self.journal, self.bookkeeping.milestones, self.clock,
            lambda: self.shelf, lambda: self.withdrawn,
        )  # fmt: skip
        for name, seconds, act in (
            ("reload", 1.0, self._reload_if_changed),
            ("consents", 1.0, self.consenting.record),
            ("people", 5.0, self._count_people),
            ("payments", 60.0, self.cashier.resume),
            ("forget", 3600.0, self._forget),
            ("terms", 1.0, self._keep_terms),
            ("duties", duty_round.ROUND_SECONDS, duty_round.DutyRound(self.duty_book, self.clock).act),
            ("log", 1.0, self.log.sign_news),
            ("lives", LIVES_SECONDS, LifeRound(self.lives, self.clock).act),
            ("bundles", INGESTION_SECONDS, bundles),
            ("audits", 5.0, AuditCorrections(self.audits, self.ledger, self.journal, self.clock).act),
            *self.bookkeeping.rounds(self.duty_book.duties.tell, self.register, lambda: self.shelf.policies),
            ("remind", 60.0, self.consenting.remind),
            ("totals", 2.0, self.totals.keep_up),
            ("reconcile", LOOK_SECONDS, self.nightly.act),
            ("billing", billing_room.ROUND_SECONDS, self.billing.office.round),
            ("usage", 60.0, self.post.count_usage),
            *self.machines.rounds(self, self.journal, self.clock, self._wake.set),
            alert_round(self.config, self.database, self._pages, self.clock),
        ):
            self._start(name, every(seconds, alone(name, act, lambda: self.log)))
        if self.witnessing is not None:
            self._start(
                "witnesses", self.witnessing.run(lambda: self.log.kept, self.config.witnessing.seconds)
            )
        self._start("look", every(_LOOK, self._look, self._bell))
        self._start("neighbors", self.neighbors.run())
        if self.config.feeds.update:
            self._start("feeds", every(ROUND_SECONDS, self._update_feeds))
        self._start("outbox", while_leading(lambda: self.log, self.post.run))
        self._start("repair", alone("payments", self.cashier.resume, lambda: self.log)())
        self._start("keeper", self.keeper.run(self._stopping, self._wake))

    async def paid(self) -> tuple[PaidUnit, ...]:
        """The units that were paid for in the longest window that ends now."""
        begin = self.clock.now_us() // 1_000_000 - LONGEST_WINDOW_HOURS * 3600
        return await self._paid.paid_units(begin)

    def status(self) -> dict[str, str]:
        """What the pages' banner shows: the mode of each site, and what is not well."""
        found = {policy.site.id: str(policy.site.mode) for policy in self.shelf.policies}
        if not self.journal.state.healthy:
            found[JOURNAL] = self.journal.state.reason
        if self.nightly.last is not None:
            found[BOOKS] = self.nightly.told()
        if self.log.reason:
            found["public log"] = self.log.reason
        for name, why in self.witnessing.reasons.items() if self.witnessing else ():
            found[f"witness {name}"] = why
        return found | self.neighbors.status()

    def reload(self) -> tuple[Mistake, ...]:
        """Take up changed policies, whole or not at all; returns what is wrong, and keeps the last good."""
        mistakes = self.shelf.reload()
        for mistake in mistakes:
            log.error("policy not taken up", mistake=str(mistake))
        if not mistakes:
            self.tell_taken_up()
        return mistakes

    def tell_taken_up(self) -> None:
        """Say in the log which policies are in force."""
        self._see_policies()
        self.neighbors.tell("policies")
        log.info("policies taken up", digests=[policy.digest for policy in self.shelf.policies])

    def _see_policies(self) -> None:
        self.earlier.see(self.shelf.policies, self.clock.now_us() // 1_000_000)

    async def close(self) -> None:
        """End what `begin` started, then close everything in the reverse order of opening."""
        self._stopping.set()
        for task in self._tasks:
            if task.get_name() != "keeper":
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if hasattr(self, "people") and hasattr(self, "database"):
            with contextlib.suppress(StoreUnavailable):
                await self._count_people()
        while self._closing:
            close = self._closing.pop()
            try:
                await close()
            except Exception:
                # What is still open must be closed all the same.
                log.exception("something could not be closed well")

    def _start(self, name: str, run: Coroutine[object, object, None]) -> None:
        self._tasks.append(asyncio.create_task(run, name=name))

    async def _fold_the_rest(self) -> None:
        # Where the books cannot be reached, the next start folds it.
        with contextlib.suppress(StoreUnavailable):
            await self.keeper.catch_up()

    async def _look(self) -> None:
        """Learn what other processes changed: revocations, withdrawals and keys."""
        asked_at, before = self.clock.monotonic(), (self.revoked, self.withdrawn)
        await self.machines.look(self, self._reload_if_changed)
        self.revoked = await self.register.revocations()
        self.withdrawn = await self.consenting.withdrawals.in_force(self.clock.now_us() // 1_000_000)
        self.shelf.withdraw(self.withdrawn)
        if before != (self.revoked, self.withdrawn):
            self.neighbors.tell("revoked")
        self.feed.renew(self.revoked, asked_at)
        self.looked(asked_at)
        try:
            self.keys.refresh()
            self.identity_keys.refresh()
            self.origin_keys.refresh()
        except ConfigurationError as error:
            log.warning("the keys cannot be read again; going on with the last good ones", reason=str(error))

    def forget_leases(self) -> None:
        """Have whoever sells forget what is set aside and not taken."""

    async def recall(self, holder: Any, licensee: str) -> None:
        """Have *holder*, who sells here, give back what it has idle of *licensee*. Raises `StoreUnavailable`."""

    def learn(self, units: Any) -> None:
        """Hear of *units*, as JSON has them, that were paid for at another gateway."""

    def looked(self, asked_at: float) -> None:
        """Hear that `revoked` was true at monotonic *asked_at*."""

    async def _reload_if_changed(self) -> None:
        if self.shelf.changed_on_disk():
            self.reload()

    async def _keep_terms(self) -> None:
        """Keep what is published, whether or not anybody reads it."""
        for policy in self.shelf.policies:
            await self.terms.of(policy)

    async def _count_people(self) -> None:
        await self.people.flush(self.audience)

    async def _forget(self) -> None:
        await forget_in_time(self.config, self.database, self.clock)
        await self.post.forget()
        await self.persons.forget()

    async def _update_feeds(self) -> None:
        if self._feeds is None:
            folder, hours = FeedFolder(self.config.copies), self.config.feeds.hours
            self._feeds = await asyncio.to_thread(FeedRound, folder, feed_fetch(self.egress), hours=hours)
        await self._feeds.act(self.clock.now_us() // 1_000_000)

    async def _balance(self, licensee: str, currency: str) -> Money:
        return await self.book.available(licensee, currency)
