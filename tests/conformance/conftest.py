"""Every storage port, over every adapter; and small makers of entries, charges and licenses."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.admission.spending import Charge
from gateway.app.stores import folding_of
from gateway.clock import HandClock, SystemClock
from gateway.licenses.license import Client, License, Licensee, Standing
from gateway.money import Money
from gateway.outbox.events import About
from gateway.paths import PathScope
from gateway.provenance.frames import SealedDetail, entry_frame
from gateway.provenance.keeper import FoldBatch, SealedEntry
from gateway.provenance.record import BookEntry, FetchRecord, JournalEntry
from gateway.provenance.segments import ENTRY_HEADER
from gateway.provenance.writers import writer_of
from gateway.store.evidence_folder import EvidenceFolder
from gateway.store.memory.account_book import MemoryAccountBook
from gateway.store.memory.accounts import MemoryAccounts
from gateway.store.memory.admin_notes import MemoryAdminNotes
from gateway.store.memory.auditors import MemoryAuditors
from gateway.store.memory.charges import MemoryCharges
from gateway.store.memory.consents import MemoryConsents
from gateway.store.memory.copies import MemoryCopies
from gateway.store.memory.dispute_book import MemoryDisputeBook
from gateway.store.memory.document_book import MemoryDocumentBook
from gateway.store.memory.duties import MemoryAudits, MemoryDuties
from gateway.store.memory.earnings import MemoryEarnings
from gateway.store.memory.endpoints import MemoryEndpoints
from gateway.store.memory.events import Happened
from gateway.store.memory.evidence import MemoryEvidence
from gateway.store.memory.folding import MemoryAudience, MemoryDetails, MemoryFolding
from gateway.store.memory.ingestion import MemoryIngestion
from gateway.store.memory.leaves import MemoryLeaves
from gateway.store.memory.ledger import MemoryLedger
from gateway.store.memory.lives import MemoryLives
from gateway.store.memory.marks import MemoryMarks
from gateway.store.memory.negotiations import MemoryNegotiations
from gateway.store.memory.news import MemoryBoard, MemoryNews
from gateway.store.memory.objections import MemoryObjections
from gateway.store.memory.originals import MemoryOriginals
from gateway.store.memory.owing import MemoryOwing
from gateway.store.memory.paces import MemoryPaces
from gateway.store.memory.payout_book import MemoryPayoutBook
from gateway.store.memory.person_reports import MemoryPersonReports
from gateway.store.memory.private_links import MemoryPrivateLinks
from gateway.store.memory.register import MemoryRegister
from gateway.store.memory.saved_views import MemorySavedViews
from gateway.store.memory.spend_book import MemorySpendBook
from gateway.store.memory.spend_limits import MemorySpendLimits
from gateway.store.memory.tables import Tables
from gateway.store.memory.terms_versions import MemoryTermsVersions
from gateway.store.memory.traffic import MemoryTraffic
from gateway.store.memory.unfinished import MemoryUnfinished
from gateway.store.memory.usage import MemoryUsageCounts
from gateway.store.memory.withdrawals import MemoryWithdrawals
from gateway.store.redis.address import read_address
from gateway.store.redis.copies import RedisCopies
from gateway.store.redis.line import RedisLine, RedisRules
from gateway.store.redis.marks import RedisMarks
from gateway.store.redis.news import RedisNews
from gateway.store.redis.paces import RedisPaces
from gateway.store.redis.scripts import PROBE
from gateway.store.sqlite.account_book import SqliteAccountBook
from gateway.store.sqlite.accounts import SqliteAccounts
from gateway.store.sqlite.admin_notes import SqliteAdminNotes
from gateway.store.sqlite.audience import SqliteAudience
from gateway.store.sqlite.auditors import SqliteAuditors
from gateway.store.sqlite.charges import SqliteCharges
from gateway.store.sqlite.consents import SqliteConsents
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.details import SqliteDetails
from gateway.store.sqlite.dispute_book import SqliteDisputeBook
from gateway.store.sqlite.document_book import SqliteDocumentBook
from gateway.store.sqlite.duties import SqliteAudits, SqliteDuties
from gateway.store.sqlite.earnings import SqliteEarnings
from gateway.store.sqlite.endpoints import SqliteEndpoints
from gateway.store.sqlite.events import SqliteEvents
from gateway.store.sqlite.ingestion import SqliteIngestion
from gateway.store.sqlite.leaves import SqliteLeaves
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.store.sqlite.lives import SqliteLives
from gateway.store.sqlite.negotiations import SqliteNegotiations
from gateway.store.sqlite.objections import SqliteObjections
from gateway.store.sqlite.originals import SqliteOriginals
from gateway.store.sqlite.owing import SqliteOwing
from gateway.store.sqlite.payout_book import SqlitePayoutBook
from gateway.store.sqlite.person_reports import SqlitePersonReports
from gateway.store.sqlite.private_links import SqlitePrivateLinks
from gateway.store.sqlite.register import SqliteRegister
from gateway.store.sqlite.saved_views import SqliteSavedViews
from gateway.store.sqlite.spend_book import SqliteSpendBook
from gateway.store.sqlite.spend_limits import SqliteSpendLimits
from gateway.store.sqlite.terms_versions import SqliteTermsVersions
from gateway.store.sqlite.traffic import SqliteTraffic
from gateway.store.sqlite.unfinished import SqliteUnfinished
from gateway.store.sqlite.usage import SqliteUsageCounts
from gateway.store.sqlite.withdrawals import SqliteWithdrawals
from gateway.terms.license_terms import (
    Audit,
    Compensation,
    Liability,
    LicenseTerms,
    Purpose,
    Scope,
    Territory,
)
from gateway.tokens.claims import Budget
from gateway.uses import Use

NOW = 1_795_000_000
#: Stands at `NOW`, for ports that ask which month it is.
CLOCK = HandClock(NOW * 1_000_000)
WRITER, OTHER_WRITER = "front-" + "0" * 24, "front-" + "1" * 24
SOURCE = f"{WRITER}-000001.seg:24"

_BLANK = FetchRecord(
    id="",
    time_us=NOW * 1_000_000,
    duration_us=1200,
    site="journal",
    host="journal.example",
    method="GET",
    path="/essays/tides",
    visitor_class="ai",
    identity="claimed",
    identity_method="none",
    verdict="license",
    rule="rules[1]",
    policy="sha-256:p",
    mode="enforce",
    outcome="licensed",
    status=200,
    bytes_sent=10,
    ended="complete",
    detail="0" * 64,
    crawler="GPTBot",
    licensee="le_1",
    client="cl_1",
    license="lic_1",
    work="essays",
    rendition="page",
    currency="USD",
    digest="d" * 64,
    etag='"1"',
)


@dataclass
class Ports:
    """All ports on one set of rows."""

    register: Any
    spend_book: Any
    folding: Any
    ledger: Any
    details: Any
    audience: Any
    terms_versions: Any
    accounts: Any
    negotiations: Any
    duties: Any
    audits: Any
    evidence: Any
    leaves: Any
    lives: Any
    events: Any
    private_links: Any
    traffic: Any
    endpoints: Any
    withdrawals: Any
    objections: Any
    consents: Any
    originals: Any
    auditors: Any
    ingestion: Any
    owing: Any
    earnings: Any
    unfinished: Any
    account_book: Any
    documents: Any
    disputes: Any
    usage: Any
    payouts: Any
    spend_limits: Any
    charges: Any
    person_reports: Any
    saved_views: Any
    admin_notes: Any

    async def happened(self) -> list[str]:
        """The types of everything told so far, in order."""
        return [each.event.type for each in await self.events.after(0, 999, About())]

    async def put(self, *entries: JournalEntry) -> int:
        return await self.folding.fold(batch(*entries))


def memory_ports() -> Ports:
    tables = Tables()
    happened = Happened()
    register, negotiations = MemoryRegister(happened), MemoryNegotiations(happened)
    audience, duties = MemoryAudience(), MemoryDuties(register)
    return Ports(
        register,
        MemorySpendBook(tables, CLOCK),
        MemoryFolding(tables),
        MemoryLedger(tables),
        MemoryDetails(tables),
        audience,
        MemoryTermsVersions(),
        MemoryAccounts(register, tables),
        negotiations=negotiations,
        private_links=MemoryPrivateLinks(negotiations),
        leaves=MemoryLeaves(tables),
        lives=MemoryLives(register),
        events=happened,
        duties=duties,
        audits=MemoryAudits(register),
        evidence=MemoryEvidence(),
        endpoints=MemoryEndpoints(happened),
        traffic=MemoryTraffic(tables, register, audience),
        withdrawals=MemoryWithdrawals(tables, happened),
        objections=MemoryObjections(happened),
        consents=MemoryConsents(happened),
        originals=MemoryOriginals(tables),
        auditors=MemoryAuditors(),
        ingestion=MemoryIngestion(register, tables, happened),
        owing=MemoryOwing(register, duties, tables),
        earnings=MemoryEarnings(tables),
        unfinished=MemoryUnfinished(),
        account_book=MemoryAccountBook(tables),
        documents=MemoryDocumentBook(tables, happened),
        disputes=MemoryDisputeBook(happened),
        usage=MemoryUsageCounts(tables, happened),
        payouts=MemoryPayoutBook(tables),
        spend_limits=MemorySpendLimits(register, tables),
        charges=MemoryCharges(tables),
        person_reports=MemoryPersonReports(tables, happened),
        saved_views=MemorySavedViews(),
        admin_notes=MemoryAdminNotes(tables),
    )


def sqlite_ports(database: Any, folder: Path | None = None) -> Ports:
    """The ports over a database of either engine; *folder* is where evidence lies, beside SQLite's file unless told."""
    return Ports(
        SqliteRegister(database),
        SqliteSpendBook(database, CLOCK),
        folding_of(database),
        SqliteLedger(database),
        SqliteDetails(database),
        SqliteAudience(database),
        SqliteTermsVersions(database),
        SqliteAccounts(database),
        negotiations=SqliteNegotiations(database),
        private_links=SqlitePrivateLinks(database),
        leaves=SqliteLeaves(database),
        lives=SqliteLives(database),
        events=SqliteEvents(database),
        duties=SqliteDuties(database),
        audits=SqliteAudits(database),
        evidence=EvidenceFolder((folder or database.path.parent) / "evidence"),
        endpoints=SqliteEndpoints(database),
        traffic=SqliteTraffic(database),
        withdrawals=SqliteWithdrawals(database),
        objections=SqliteObjections(database),
        consents=SqliteConsents(database),
        originals=SqliteOriginals(database),
        auditors=SqliteAuditors(database),
        ingestion=SqliteIngestion(database),
        owing=SqliteOwing(database),
        earnings=SqliteEarnings(database),
        unfinished=SqliteUnfinished(database),
        account_book=SqliteAccountBook(database),
        documents=SqliteDocumentBook(database),
        disputes=SqliteDisputeBook(database),
        usage=SqliteUsageCounts(database),
        payouts=SqlitePayoutBook(database),
        spend_limits=SqliteSpendLimits(database),
        charges=SqliteCharges(database),
        person_reports=SqlitePersonReports(database),
        saved_views=SqliteSavedViews(database),
        admin_notes=SqliteAdminNotes(database),
    )


ENGINES = ("memory", "sqlite", "postgres")
#: What carries the ports that workers and machines share (`store.redis`): a cluster has three primaries with a replica each.
SHARING = ("memory", "redis", "redis6.2", "valkey", "cluster")
#: Ports that have no test on PostgreSQL yet, by the file that holds them elsewhere. None: whoever adds one says why.
NOT_ON_POSTGRES: frozenset[str] = frozenset()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn, by its name."""
    return request.param


@pytest.fixture
async def database(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    """An empty database of the engine, or None where it keeps everything in memory."""
    if engine == "memory":
        yield None
    elif engine == "postgres":
        yield request.getfixturevalue("emptied")
    else:
        file = await Database.open(tmp_path / "licet.db")
        yield file
        await file.close()


@pytest.fixture
def ports(database: Any, tmp_path: Path) -> Ports:
    """The ports of one adapter, empty."""
    if database is None:
        return memory_ports()
    made = sqlite_ports(database, tmp_path)
    if isinstance(database, Database):
        made.folding = Filed(tmp_path / "journal", made.folding)
    return made


@dataclass
class Shared:
    """The ports of one process that shares; *twin* is another process, or the same where all is in memory."""

    paces: Any
    marks: Any
    news: Any
    copies: Any
    line: Any = None
    twin: Any = None
    server: Any = None
    tasks: list[Any] = field(default_factory=list)

    def now_us(self) -> int:
        return SystemClock().now_us()

    async def heard(self) -> None:
        """Return once each process has heard what was told before, and told what came of it."""
        for _ in range(3):
            for each in (self, self.twin):
                if each.line is not None:
                    assert await each.line.ask(PROBE, each.line.key("probe"), ()) == 1

    def listen(self, kind: str, *several: Any) -> list[list[str]]:
        """What each of *several* hears of *kind* from now on."""
        found: list[list[str]] = []
        for news in several:
            told: list[str] = []

            async def hear(body: str, told: list[str] = told) -> None:
                told.append(body)

            news.on(kind, hear)
            found.append(told)
        return found


@pytest.fixture(scope="session")
def _servers(redis_serving) -> Iterator[Callable[[str], Any]]:
    """One server of each engine for the whole session, started when it is first asked for."""
    with ExitStack() as stack:
        running: dict[str, Any] = {}

        def server(engine: str) -> Any:
            if engine not in running:
                running[engine] = stack.enter_context(redis_serving(engine))
            return running[engine]

        yield server


@pytest.fixture(params=SHARING)
async def shared(request: pytest.FixtureRequest, _servers) -> AsyncIterator[Shared]:
    """The shared ports of two processes on each engine in turn, empty."""
    if request.param == "memory":
        paces, marks, copies, board = MemoryPaces(), MemoryMarks(), MemoryCopies(), MemoryBoard()
        one, other = (Shared(paces, marks, MemoryNews(board), copies) for _ in range(2))
    else:
        server = _servers(request.param)
        # A name of its own is as good as an empty server, and a cluster takes its time to be emptied.
        rules = RedisRules(read_address(server.url), name=f"t{next(_numbers)}", seconds=2.0)
        one, other = (_sharing(RedisLine(rules), server) for _ in range(2))
    one.twin, other.twin = other, one
    tasks = [asyncio.create_task(each.line.run()) for each in (one, other) if each.line]
    for each in (one, other):
        if each.line is not None:
            await each.line.known.wait()
            assert each.line.up, each.line.reason
    tasks += [asyncio.create_task(each.news.run()) for each in (one, other)]
    yield one
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _sharing(line: RedisLine, server: Any) -> Shared:
    return Shared(
        RedisPaces(line, SystemClock()),
        RedisMarks(line),
        RedisNews(line),
        RedisCopies(line),
        line,
        server=server,
    )


_numbers = itertools.count(1)
_outcomes: Counter[tuple[str, str, str]] = Counter()
_PLACE = re.compile(
    rf"conformance/test_(\w+)\.py::.*\[(?:.*-)?({'|'.join(dict.fromkeys(ENGINES + SHARING))})(?:-.*)?\]$"
)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count what came of each test under its port and engine."""
    place = _PLACE.search(report.nodeid)
    if place and (report.when == "call" or (report.when == "setup" and not report.passed)):
        _outcomes[place[1], place[2], report.outcome] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests of each port passed on each engine."""
    if not _outcomes:
        return
    terminalreporter.section("ports and engines: tests passed")
    engines = [
        each for each in dict.fromkeys(ENGINES + SHARING) if any(each == which for _, which, _ in _outcomes)
    ]
    terminalreporter.write_line(f"{'':18}" + "".join(f"{each:>16}" for each in engines))
    for port in (*sorted({port for port, _, _ in _outcomes}), "all"):
        cells = []
        for each in engines:
            counts: Counter[str] = Counter()
            for (where, which, outcome), count in _outcomes.items():
                if which == each and port in (where, "all"):
                    counts[outcome] += count
            others = [f"{count} {outcome}" for outcome, count in counts.items() if outcome != "passed"]
            cells.append(", ".join([str(counts["passed"]), *others]) if counts else "-")
        note = "  not on PostgreSQL yet" if port in NOT_ON_POSTGRES else ""
        terminalreporter.write_line(f"{port:18}" + "".join(f"{cell:>16}" for cell in cells) + note)


class Filed:
    """Folds what stands in the journal's files, as a keeper does, so that the rows may point there."""

    def __init__(self, folder: Path, folding: Any) -> None:
        self._folder, self._folding = folder, folding
        self._next = itertools.count(1)
        folder.mkdir()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._folding, name)

    async def fold(self, batch: FoldBatch) -> int:
        contents: dict[str, bytes] = {}
        number, entries = next(self._next), []
        for each in batch.entries:
            writer = writer_of(each.source)
            if writer:
                name = f"{writer}-{number:06d}.seg"
                before = contents.setdefault(name, ENTRY_HEADER)
                contents[name] = before + entry_frame(each.entry.kind, each.canonical, each.salt)
                entries.append(each._replace(source=f"{name}:{len(before)}"))
            else:
                entries.append(each)
        for name, octets in contents.items():
            (self._folder / name).write_bytes(octets)
        return int(await self._folding.fold(replace(batch, entries=tuple(entries))))


def salt_of(entry: JournalEntry) -> bytes:
    return hashlib.sha256(entry.id.encode()).digest()


def sealed(entry: JournalEntry, source: str = SOURCE) -> SealedEntry:
    return SealedEntry(entry, salt_of(entry), entry.canonical(), source)


def batch(
    *entries: JournalEntry,
    details: tuple[SealedDetail, ...] = (),
    positions: tuple[tuple[str, int], ...] = (),
    source: str = SOURCE,
) -> FoldBatch:
    return FoldBatch(tuple(sealed(entry, source) for entry in entries), details, positions)


def fetch(id: str = "", *, micros: int = 5_000, reason: str = "fetch", **changes: Any) -> FetchRecord:
    """A licensed fetch that owes *micros*."""
    owes = {"price_micros": micros, "charged_micros": micros, "charge_reason": reason}
    return replace(_BLANK, id=id or f"f-{next(_numbers)}", **{**owes, **changes})


def book(kind: str, micros: int, id: str = "", **changes: Any) -> BookEntry:
    """A book entry of le_1 in USD."""
    made = BookEntry(
        id=id or f"b-{next(_numbers)}",
        time_us=NOW * 1_000_000,
        kind_of=kind,
        site="journal" if kind == "fee" else "",
        licensee="le_1",
        amount_micros=micros,
        currency="USD",
        memo="paid in",
        by="operator",
    )
    return replace(made, **changes)


def charge(
    id: str, micros: int = 5_000, *, budget: Budget = Budget(), currency: str = "USD", **changes: Any
) -> Charge:
    return Charge(id, "le_1", "lic_1", Money(micros, currency), budget)._replace(**changes)


TERMS = LicenseTerms(
    scope=Scope(("essays",), (PathScope("/essays/"), PathScope("/videos/*.vtt")), ("page", "transcript")),
    purpose=Purpose(frozenset({Use.AI_TRAIN, Use.SEARCH}), evaluation=True),
    compensation=Compensation(
        "USD", upfront=Money(500_000_000, "USD"), per_fetch=Money(5_000, "USD"), revenue_share_bp=300
    ),
    audit=Audit(report="monthly"),
    liability=Liability(cap=Money(1_000_000, "USD"), warranties=("ownership", "rights")),
    territory=Territory(frozenset({"EU", "US"})),
)


def license_of(id: str, **changes: Any) -> License:
    made = License(
        id=id,
        licensee="le_1",
        site="journal",
        offer="training",
        terms=TERMS,
        policy="sha-256:p",
        starts_at=NOW,
        ends_at=NOW + 86_400,
        budget=Budget(1_000_000, None),
        crawlers=frozenset({"gptbot"}),
    )
    return replace(made, **changes)


def enrolled(
    number: int = 1, name: str = "Example AI", standing: Standing = Standing.ACTIVE
) -> tuple[Licensee, Client]:
    licensee = Licensee(f"le_{number}", name, standing, NOW, "legal@ai.example")
    client = Client(
        f"cl_{number}", licensee.id, "ab" * 32, NOW, "reader", "https://ai.example", ("a@ai.example",)
    )
    return licensee, client


@pytest.fixture
def make() -> Any:
    """The makers, for tests that cannot import a conftest."""
    return SimpleNamespace(
        NOW=NOW,
        WRITER=WRITER,
        OTHER_WRITER=OTHER_WRITER,
        TERMS=TERMS,
        batch=batch,
        sealed=sealed,
        fetch=fetch,
        book=book,
        charge=charge,
        license_of=license_of,
        enrolled=enrolled,
        memory_ports=memory_ports,
        sqlite_ports=sqlite_ports,
    )


Maker = Callable[..., Any]
