"""A desk on a real socket: real keys, a real journal and its keeper, the books in memory."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from gateway.app.log_keeping import LogKeeping
from gateway.app.publisher import Publisher
from gateway.billing.billing_office import BillingOffice
from gateway.billing.billing_rules import BillingRules
from gateway.billing.issuing import Issuer
from gateway.clock import HandClock
from gateway.desk.account_desk import AccountDesk, AccountStores
from gateway.desk.authorship import AuthorshipDesk
from gateway.desk.bargains import Bargaining
from gateway.desk.billing import BillingDesk
from gateway.desk.catalogue_pages import CatalogueDesk
from gateway.desk.consents import ConsentDesk
from gateway.desk.contracts import shipped_clauses
from gateway.desk.developers import DeveloperDesk
from gateway.desk.duties import DutyDesk
from gateway.desk.event_feed import EventFeed
from gateway.desk.form_tokens import FormTokens
from gateway.desk.held import Holdings
from gateway.desk.in_person import InPerson
from gateway.desk.invoices import InvoiceDesk
from gateway.desk.license_papers import PaperShelf
from gateway.desk.log_files import LogFiles, ReceiptDesk
from gateway.desk.objections import ObjectionDesk
from gateway.desk.offer_documents import OfferDocuments
from gateway.desk.once import Once
from gateway.desk.pacing import DeskPace
from gateway.desk.payment_states import PaymentStates
from gateway.desk.person_desk import PersonDesk
from gateway.desk.privacy_page import PrivacyDesk, Recorded
from gateway.desk.published_terms import TermsDesk
from gateway.desk.quotes import QuoteDesk
from gateway.desk.receipt_page import ReceiptPage
from gateway.desk.report_pages import ReportPages
from gateway.desk.routes import Desk
from gateway.desk.versions import TermsInForce
from gateway.desk.webhooks import WebhookDesk
from gateway.desk.withdrawals import WithdrawalDesk
from gateway.keys.content_keys import ContentKeys
from gateway.keys.key_ring import KeyRing
from gateway.keys.key_set import EDDSA
from gateway.licenses.asking_authors import AskingAuthors
from gateway.licenses.duty_book import DutyBook
from gateway.licenses.enrollment import enroll
from gateway.licenses.hearing import Hearing
from gateway.licenses.license import Standing
from gateway.licenses.position import usual
from gateway.licenses.taking_back import TakingBack
from gateway.money import Money
from gateway.outbox.courier import Outcome, Said
from gateway.outbox.webhook import Secrets
from gateway.paths import PathScope
from gateway.policy.earlier import EarlierPolicies
from gateway.policy.rules import (
    Match,
    Mode,
    People,
    Policy,
    Rendition,
    Rights,
    Rule,
    Signing,
    Site,
    Verdict,
    Work,
)
from gateway.policy.withdrawing import with_withdrawn
from gateway.problems import StoreUnavailable
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Keeper
from gateway.provenance.record import BookEntry
from gateway.store.memory.account_book import MemoryAccountBook
from gateway.store.memory.charges import MemoryCharges
from gateway.store.memory.consents import MemoryConsents
from gateway.store.memory.dispute_book import MemoryDisputeBook
from gateway.store.memory.document_book import MemoryDocumentBook
from gateway.store.memory.duties import MemoryAudits, MemoryDuties
from gateway.store.memory.endpoints import MemoryEndpoints
from gateway.store.memory.events import Happened
from gateway.store.memory.evidence import MemoryEvidence
from gateway.store.memory.folding import MemoryFolding
from gateway.store.memory.leaves import MemoryLeaves
from gateway.store.memory.ledger import MemoryLedger
from gateway.store.memory.lives import MemoryLives
from gateway.store.memory.negotiations import MemoryNegotiations
from gateway.store.memory.objections import MemoryObjections
from gateway.store.memory.originals import MemoryOriginals
from gateway.store.memory.person_reports import MemoryPersonReports
from gateway.store.memory.private_links import MemoryPrivateLinks
from gateway.store.memory.register import MemoryRegister
from gateway.store.memory.repeats import MemoryRepeats
from gateway.store.memory.settlements import MemorySettlements
from gateway.store.memory.spend_book import MemorySpendBook
from gateway.store.memory.spend_limits import MemorySpendLimits
from gateway.store.memory.tables import Tables
from gateway.store.memory.terms_versions import MemoryTermsVersions
from gateway.store.memory.unfinished import MemoryUnfinished
from gateway.store.memory.withdrawals import MemoryWithdrawals
from gateway.store.sqlite.account_book import SqliteAccountBook
from gateway.store.sqlite.charges import SqliteCharges
from gateway.store.sqlite.consents import SqliteConsents
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.dispute_book import SqliteDisputeBook
from gateway.store.sqlite.document_book import SqliteDocumentBook
from gateway.store.sqlite.duties import SqliteAudits, SqliteDuties
from gateway.store.sqlite.endpoints import SqliteEndpoints
from gateway.store.sqlite.events import SqliteEvents
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.leaves import SqliteLeaves
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.store.sqlite.lives import SqliteLives
from gateway.store.sqlite.negotiations import SqliteNegotiations
from gateway.store.sqlite.objections import SqliteObjections
from gateway.store.sqlite.originals import SqliteOriginals
from gateway.store.sqlite.person_reports import SqlitePersonReports
from gateway.store.sqlite.private_links import SqlitePrivateLinks
from gateway.store.sqlite.register import SqliteRegister
from gateway.store.sqlite.spend_book import SqliteSpendBook
from gateway.store.sqlite.spend_limits import SqliteSpendLimits
from gateway.store.sqlite.terms_versions import SqliteTermsVersions
from gateway.store.sqlite.unfinished import SqliteUnfinished
from gateway.store.sqlite.withdrawals import SqliteWithdrawals
from gateway.terms.license_terms import Compensation, LicenseTerms, Offer, Purpose, Scope, Term, Territory
from gateway.tokens.verification import Verifier
from gateway.uses import Use
from gateway.visitors.catalog import Catalog


def usd(text):
    return Money.parse(text, "USD")


class Wire:
    """A store as it is met over a wire: every call gives way first, and all of them fail while *down*."""

    def __init__(self, store):
        self.store, self.down, self.calls = store, False, []

    def __getattr__(self, name):
        act = getattr(self.store, name)

        async def called(*given, **named):
            await asyncio.sleep(0)
            if self.down:
                raise StoreUnavailable("the store is down")
            self.calls.append((name, given))
            return await act(*given, **named)

        return called


class Kept:
    """A real journal folded into the books by a real keeper. *broken* stands for a disk that is full."""

    def __init__(self, folder, clock, folding):
        self.journal = Journal.open(folder, "desk", clock=clock, reserve_bytes=0)
        self.keeper = Keeper(folder, folding)
        self.broken, self.folding, self.entries = False, True, []

    @property
    def writer(self):
        return self.journal.writer

    async def keep(self, entry):
        if self.broken:
            raise StoreUnavailable("the disk is full")
        await self.journal.keep(entry)
        self.entries.append(entry)
        if self.folding:
            await self.keeper.catch_up()


def make_offer(
    id, *, works=("essays",), paths=("/essays/",), uses, price, territory=None, renditions=("page",), **more
):
    terms = LicenseTerms(
        scope=Scope(works, tuple(PathScope(path) for path in paths), renditions),
        purpose=Purpose(frozenset(uses)),
        compensation=price,
        territory=Territory(None if territory is None else frozenset(territory)),
        term=Term(more.pop("months", 1)),
    )
    return Offer(id, "journal", terms, "sha-256:policy", **more)


OFFERS = (
    make_offer(
        "training", uses={Use.AI_TRAIN}, price=Compensation("USD", per_fetch=usd("0.02")),
        territory={"EU", "US"}, max_fetches=1000, token_seconds=900,
    ),
    make_offer(
        "answers", works=("essays", "videos"), paths=("/essays/", "/videos/"), uses={Use.AI_INPUT, Use.AI_INDEX},
        price=Compensation("USD", per_fetch=usd("0.004")), renditions=("page", "transcript"),
    ),
    make_offer(
        "archive", works=("archive",), paths=("/archive/",), uses={Use.AI_TRAIN},
        price=Compensation("USD", upfront=usd("500"), per_fetch=usd("0.001")), months=24,
    ),
    make_offer("gift", works=("gift",), paths=("/gift/",), uses={Use.AI_INPUT}, price=Compensation("USD")),
    make_offer("unsold", works=("notes",), paths=("/notes/",), uses={Use.AI_INPUT}, price=Compensation("USD")),
)  # fmt: skip


def make_policy(offers=OFFERS, mode=Mode.ENFORCE, digest="sha-256:policy"):
    works = tuple(
        Work(name, (PathScope(f"/{name}/"),), Rights.OWN, People.NONE, renditions)
        for name, renditions in (
            ("essays", ()),
            ("videos", (Rendition("transcript", (PathScope("/videos/*.vtt"),)), Rendition("thumbnail", (PathScope("/videos/*.jpg"),)))),
            ("archive", ()),
            ("gift", ()),
            ("notes", ()),
        )
    )  # fmt: skip
    sold = tuple(offer.id for offer in offers if offer.id != "unsold")
    return Policy(
        site=Site("journal", ("*",), "http://127.0.0.1:1", mode, "USD", name="The <Journal>", contact="rights@journal.example"),
        works=works,
        offers=tuple(offers),
        rules=(Rule("rules[0]", Match(), Verdict.LICENSE, sold),),
        digest=digest,
        # The archive is for sale as published here; who has to be named otherwise, test_one_round asks.
        signing=Signing(by_machine=True),
    )  # fmt: skip


class World:
    """The desk and everything around it, with a client's view of it."""

    offers = OFFERS
    make_offer = staticmethod(make_offer)
    make_policy = staticmethod(make_policy)

    def __init__(self, folder, database=None):
        self.clock = HandClock()
        self.keys = KeyRing.create(folder / "tokens", clock=self.clock)
        self.happened = Happened() if database is None else SqliteEvents(database)
        if database is None:
            tables = Tables()
            register, book = MemoryRegister(self.happened), MemorySpendBook(tables, self.clock)
            self.person_reports = MemoryPersonReports(tables, self.happened)
            self.charges, self.spend_limits = MemoryCharges(tables), MemorySpendLimits(register, tables)
            self.ledger = MemoryLedger(tables)
            folding, leaves = MemoryFolding(tables), MemoryLeaves(tables)
            self.account_book = MemoryAccountBook(tables)
            documents, disputes = MemoryDocumentBook(tables, self.happened), MemoryDisputeBook(self.happened)
        else:
            self.happened = SqliteEvents(database)
            register, book = SqliteRegister(database), SqliteSpendBook(database, self.clock)
            self.person_reports = SqlitePersonReports(database)
            self.charges, self.spend_limits = SqliteCharges(database), SqliteSpendLimits(database)
            self.ledger, folding = SqliteLedger(database), SqliteFolding(database)
            leaves = SqliteLeaves(database)
            self.account_book = SqliteAccountBook(database)
            documents, disputes = SqliteDocumentBook(database), SqliteDisputeBook(database)
        self.lives = MemoryLives(register) if database is None else SqliteLives(database)
        log_keys = KeyRing.create(folder / "log-keys", EDDSA, clock=self.clock)
        self.log = LogKeeping(folder / "log", log_keys, leaves, "journal.example")
        self.register, self.book = Wire(register), Wire(book)
        self.kept = Kept(folder / "journal", self.clock, folding)
        self.credits = 0
        self.policy = make_policy()
        self.earlier = EarlierPolicies()
        self.content_keys = ContentKeys(folder / "content")
        self.pace = DeskPace()
        self.test_mode = False
        self.recorded = Recorded(True, 30, 7, 90, 0, access_log=False)

        async def write(entries):
            for each in entries:
                await self.kept.keep(each)
            return True

        stores = (documents, self.account_book, self.ledger)
        self.write = write
        issuer = Issuer(stores, BillingRules(prefix="TP-"), write, self.clock.now_us)
        self.billing = BillingOffice(issuer, self.account_book, disputes, self.register, self.clock.now_us)
        self.repeats, self.settlements = MemoryRepeats(), MemorySettlements()
        self.admittance = None
        self.address = "203.0.113.7"
        self.versions = MemoryTermsVersions() if database is None else SqliteTermsVersions(database)
        self.terms = TermsInForce(Wire(self.versions), Publisher(Catalog.shipped()), self.clock)
        self.described = None
        self.negotiations = Wire(
            MemoryNegotiations(self.happened) if database is None else SqliteNegotiations(database)
        )
        self.positions = {}
        self.unfinished = Wire(MemoryUnfinished() if database is None else SqliteUnfinished(database))
        self.links = (
            MemoryPrivateLinks(self.negotiations.store) if database is None else SqlitePrivateLinks(database)
        )
        self.verifying = None
        self.audits = Wire(MemoryAudits(register) if database is None else SqliteAudits(database))
        self.duties = Wire(MemoryDuties(register) if database is None else SqliteDuties(database))
        self.shelf = MemoryEvidence()
        self.duty_book = DutyBook(self.duties, self.register, self.shelf)
        self.endpoints = MemoryEndpoints(self.happened) if database is None else SqliteEndpoints(database)
        self.secrets, self.pings, self.pinged = Secrets(b"r" * 32), [], Outcome(Said.TOLD, 200)
        self._happened_at = (lambda: len(self.happened.kept())) if database is None else database.version
        self.consents = MemoryConsents(self.happened) if database is None else SqliteConsents(database)
        self.originals = MemoryOriginals() if database is None else SqliteOriginals(database)
        self.objections = MemoryObjections(self.happened) if database is None else SqliteObjections(database)
        self.withdrawals = MemoryWithdrawals() if database is None else SqliteWithdrawals(database)

    async def _ping(self, endpoint):
        self.pings.append(endpoint)
        return self.pinged

    def withdraw(self, *withdrawals):
        """Have exactly these in force at the desk."""
        self.policy = with_withdrawn(self.policy, withdrawals)

    def _accounts(self, clients):
        stores = AccountStores(
            self.charges, self.spend_limits, self.register.store, self.duties, self.billing, self.account_book,
            PaperShelf(self.negotiations, self.terms),
        )  # fmt: skip
        held = Holdings(self.register, Verifier(lambda: self.keys.public), self.clock, self.balance)
        return AccountDesk(clients, held, stores, self.clock, FormTokens(self.clock)).group()

    async def open(self):
        self.asking = AskingAuthors(self.consents, TakingBack(self.withdrawals, self.register))
        self.desk = Desk(
            register=self.register,
            spend_book=self.book,
            journal=self.kept,
            keys=self.keys,
            clock=self.clock,
            balance=self.balance,
            entered=self.ledger.has_entry,
            pace=self.pace,
            once=Once(self.repeats, self.clock),
            earlier=self.earlier,
            content_keys=self.content_keys,
            groups=(
                PaymentStates(self.settlements).group(),
                TermsDesk(self.terms, self.described).group(),
                OfferDocuments(self.terms.published).group(),
                QuoteDesk(self.terms, Catalog.shipped().crawler, self.clock).group(),
                CatalogueDesk(self.terms, Catalog.shipped().crawler).group(),
                DutyDesk(self.duty_book, self.audits, self.clock).group,
                lambda known: ReportPages(self.duty_book, known, FormTokens(self.clock), self.clock).group(),
                lambda clients: WebhookDesk(
                    clients,
                    self.endpoints,
                    self.happened,
                    self.secrets,
                    self._ping,
                    self.clock,
                    Once(self.repeats, self.clock),
                ).group(),
                lambda clients: EventFeed(clients, self.happened, self._happened_at).group(),
                LogFiles(self.log).group(),
                lambda clients: ReceiptDesk(self.log, clients).group(),
                lambda clients: ReceiptPage(self.log, clients, self.clock).group(),
                WithdrawalDesk(self.withdrawals, self.clock).group,
                ConsentDesk(self.asking, self.clock).group(),
                AuthorshipDesk(self.originals, self.register, self.clock).group,
                self._accounts,
                PersonDesk(self.person_reports, self.clock).group(),
                PrivacyDesk(self.recorded).group(),
                DeveloperDesk(self.register, self.write, self.clock, test=self.test_mode).group(),
                lambda clients: InvoiceDesk(clients, self.billing, FormTokens(self.clock)).group(),
                lambda clients: BillingDesk(clients, self.account_book, test=self.test_mode).group(),
                ObjectionDesk(
                    Hearing(self.objections, TakingBack(self.withdrawals, self.register)), self.clock
                ).group(),
            ),
            admittance=self.admittance,
            crawler=Catalog.shipped().crawler,
            claimed=Catalog.shipped().claimed,
            bargaining=Bargaining(
                self.negotiations,
                lambda site, offer: self.positions.get(offer.id) or usual(offer.tier),
                shipped_clauses(),
                self.lives,
                InPerson(self.links, self.verifying),
                self.unfinished,
            ),
        )
        self.server = RawTestServer(self._answer)
        await self.server.start_server()
        self.origin = f"http://{self.server.host}:{self.server.port}"
        self.http = aiohttp.ClientSession()

    async def close(self):
        await self._shut()
        await self.kept.journal.close()

    async def reopen(self):
        """Start the desk anew on the same stores, as after a crash or with other settings."""
        await self._shut()
        await self.open()

    async def _shut(self):
        await self.http.close()
        await self.server.close()

    async def _answer(self, request: web.BaseRequest):
        assert self.desk.owns(request.rel_url.raw_path), "the listener asks before it calls"
        return await self.desk(request, self.policy, self.origin, self.address)

    async def licensee(self, credit="10", standing=Standing.ACTIVE):
        """Enroll somebody and fund them; returns the enrollment."""
        made = enroll("Example AI Labs", now=self.now, standing=standing)
        await self.register.add_licensee(made.licensee, made.client)
        if credit:
            await self.pay_in(made, credit)
        return made

    async def pay_in(self, made, credit):
        """Book money that the licensee paid in, as the operator's command does."""
        money, self.credits = usd(credit), self.credits + 1
        entry = BookEntry(
            f"credit-{self.credits}",
            self.clock.now_us(),
            "credit",
            "",
            made.licensee.id,
            money.micros,
            "USD",
        )
        await self.kept.journal.keep(entry)
        await self.kept.keeper.catch_up()

    async def balance(self, licensee, currency):
        return await self.book.available(licensee, currency)

    async def licenses(self, made):
        """Every license of *made*, newest first."""
        return await self.register.store.licenses_of(made.licensee.id)

    @property
    def now(self):
        return self.clock.now_us() // 1_000_000

    async def get(self, path, **more):
        async with self.http.get(self.origin + path, **more) as answer:
            await answer.read()
            return answer

    async def post(self, path, made=None, data=None, **more):
        headers = dict(more.pop("headers", {}))
        if made:
            headers["Authorization"] = aiohttp.encode_basic_auth(made.client.id, made.secret)
        async with self.http.post(self.origin + path, data=data, headers=headers, **more) as answer:
            await answer.read()
            return answer

    async def token(self, made, *details, **form):
        """Ask for a token; returns status and body."""
        import json

        if details:
            form["authorization_details"] = json.dumps(
                [{"type": "content_license", **each} for each in details]
            )
        form.setdefault("grant_type", "client_credentials")
        answer = await self.post("/.licet/token", made, form)
        return answer.status, await answer.json(content_type=None)


@pytest.fixture
async def world(tmp_path):
    made = World(tmp_path)
    await made.open()
    yield made
    await made.close()


@pytest.fixture(scope="session")
def make_world():
    """The class of worlds, for what is made once for many tests."""
    return World


@pytest.fixture
async def sqlite_world(tmp_path):
    database = await Database.open(tmp_path / "licet.db")
    made = World(tmp_path, database)
    await made.open()
    yield made
    await made.close()
    await database.close()


@pytest.fixture
def make_offer_of():
    """The maker of offers, for tests that need no desk."""
    return make_offer
