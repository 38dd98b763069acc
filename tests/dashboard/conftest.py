"""A log with everything in it that a page must survive, and a dashboard that serves it over a socket."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from gateway.app.worth import worth_of
from gateway.clock import HandClock
from gateway.dashboard.admin_log import AdminLog
from gateway.dashboard.consent_tables import Consents
from gateway.dashboard.deals import Deals
from gateway.dashboard.figure_shelf import FigureShelf
from gateway.dashboard.people import Person as Insider
from gateway.dashboard.permissions import Role
from gateway.dashboard.policy_shelf import PolicyFiles
from gateway.dashboard.rooms import Rooms
from gateway.dashboard.routes import dashboard_app
from gateway.dashboard.sessions import Sessions
from gateway.dashboard.worth_pages import Worth
from gateway.licenses.asking_authors import AskingAuthors
from gateway.licenses.bargaining import Accept, Person
from gateway.licenses.contract import Party
from gateway.licenses.deciding import Deciding
from gateway.licenses.duties import plan_what_is_not
from gateway.licenses.duty_book import DutyBook
from gateway.licenses.enrollment import enroll
from gateway.licenses.hearing import Hearing
from gateway.licenses.license import License, Licensee, Standing
from gateway.licenses.negotiation import Negotiation, proposed
from gateway.licenses.obligations import DAY, Evidence, Kind, Obligation
from gateway.licenses.position import Position
from gateway.licenses.taking_back import TakingBack
from gateway.money import Money
from gateway.paths import PathScope
from gateway.policy.reading import read_policy_text
from gateway.policy.reload import PolicyShelf
from gateway.provenance.audience import AudienceRow
from gateway.provenance.keeper import FoldBatch, SealedDetail, SealedEntry
from gateway.provenance.record import AdminNote, FetchDetail, FetchRecord
from gateway.store.evidence_folder import EvidenceFolder
from gateway.store.memory.admin_notes import MemoryAdminNotes
from gateway.store.memory.consents import MemoryConsents
from gateway.store.memory.folding import MemoryFolding
from gateway.store.memory.objections import MemoryObjections
from gateway.store.memory.register import MemoryRegister
from gateway.store.memory.tables import Tables
from gateway.store.memory.withdrawals import MemoryWithdrawals
from gateway.store.sqlite.access_log import SqliteAccessLog
from gateway.store.sqlite.audience import SqliteAudience
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.details import SqliteDetails
from gateway.store.sqlite.duties import SqliteAudits, SqliteDuties
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.negotiations import SqliteNegotiations
from gateway.store.sqlite.private_links import SqlitePrivateLinks
from gateway.store.sqlite.register import SqliteRegister
from gateway.terms.license_terms import (
    Attribution,
    Audit,
    Compensation,
    LicenseTerms,
    Offer,
    Purpose,
    Scope,
    Term,
    Territory,
)
from gateway.uses import Use
from gateway.visitors.catalog import Catalog
from gateway.visitors.explained import at_hand, explain
from gateway.visitors.identify import Identifier
from gateway.visitors.networks import Networks

TERMS = LicenseTerms(
    Scope(("essays",), (PathScope("/essays/"),)),
    Purpose(frozenset({Use.AI_TRAIN})),
    Compensation("USD", upfront=Money(500_000_000, "USD"), per_fetch=Money(20_000, "USD")),
    attribution=Attribution("The Journal", "https://journal.example/", 30),
    term=Term(24),
    territory=Territory(frozenset({"EU", "US"})),
)
OFFER = Offer("training", "journal", TERMS, "sha-256:p", tier=1)
#: What only the owner may see: the floor of the fee is 286.6095, of a fetch 0.011464.
POSITION = Position(target_micros=800_000, floor_micros=573_219, exclusive_premium_micros=3_700_000)
FLOORS = ("286.6095", "0.011464", "573219", "1060.45515")
SALT = bytes(32)
#: By whether headers are told.
IDENTIFIERS = [Identifier(Catalog.shipped(), Networks.shipped(), headers=told) for told in (False, True)]
HOUR = 3_600_000_000
PASSWORD = "tides come in twice a day"
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    '"><svg/onload=alert(1)>',
    "${7*7}{{7*7}}{% raw %}",
    "=HYPERLINK('http://evil.example','x')",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    "\u202egnp.exe",
    "a\r\nSet-Cookie: x=1",
    "javascript:alert(1)",
    "x" * 10_000,
)


class Log:
    """A real database, filled by the real folding, and a way to erase what the retention would."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def insert(self, *records: tuple[FetchRecord, FetchDetail | None]) -> None:
        entries = tuple(SealedEntry(record, SALT, record.canonical(), "front") for record, _ in records)
        details = tuple(
            SealedDetail(record.id, SALT, record.time_us, detail) for record, detail in records if detail
        )
        await SqliteFolding(self.database).fold(FoldBatch(entries, details, ()))

    async def forget(self) -> None:
        await SqliteDetails(self.database).forget_before(2**60)


BASE = FetchRecord(
    id="",
    time_us=0,
    duration_us=4_200,
    site="journal",
    host="journal.example",
    method="GET",
    path="/essays/tides",
    visitor_class="ai",
    identity="verified",
    identity_method="network",
    verdict="license",
    rule="rules[2]",
    policy="sha-256:" + "ab" * 32,
    mode="enforce",
    outcome="licensed",
    status=200,
    bytes_sent=18_240,
    ended="complete",
    detail="cd" * 32,
    currency="USD",
)
KINDS = {
    "licensed": {
        "crawler": "GPTBot",
        "operator": "OpenAI",
        "licensee": "acme-models",
        "client": "client-1",
        "license": "019ab000-0000-7000-8000-00000000aaaa",
        "token": "019ab000-0000-7000-8000-00000000bbbb",
        "uses": ("ai-train",),
        "price_micros": 20_000,
        "charged_micros": 20_000,
        "charge_reason": "first read in the window",
        "digest": "ef" * 32,
        "content_type": "text/html",
    },
    "quoted": {
        "crawler": "ClaudeBot",
        "operator": "Anthropic",
        "outcome": "refused",
        "status": 402,
        "problem": "license-required",
        "quote_micros": 4_000,
        "ended": "refused",
    },
    "open": {"crawler": "CCBot", "outcome": "open", "would": "license-required", "quote_micros": 20_000},
    "refused": {
        "crawler": "Bytespider",
        "operator": "ByteDance",
        "identity": "claimed",
        "verdict": "refuse",
        "outcome": "refused",
        "status": 403,
        "problem": "refused-by-owner",
        "ended": "refused",
    },
    "free": {"crawler": "Googlebot", "visitor_class": "search-engine", "verdict": "serve", "outcome": "free"},
    "failed": {
        "crawler": "",
        "visitor_class": "automation",
        "identity": "none",
        "outcome": "failed",
        "status": 502,
    },
}


def fetch(number: int, kind: str, time_us: int, **changes: object) -> FetchRecord:
    """Record *number* of one decision."""
    record_id = f"019ab{number:03x}-0000-7000-8000-{number:012x}"
    return replace(BASE, id=record_id, time_us=time_us, **(KINDS[kind] | changes))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Log]:
    """The tables, empty."""
    database = await Database.open(tmp_path / "licet.db")
    yield Log(database)
    await database.close()


@pytest.fixture
async def filled(database: Log, clock: HandClock) -> Log:
    """A day of 120 ordinary fetches and one for each hostile string."""
    kinds = [
        "licensed",
        "licensed",
        "quoted",
        "free",
        "refused",
        "open",
        "quoted",
        "free",
        "licensed",
        "failed",
    ]
    start = clock.now_us() - 23 * HOUR
    made: list[tuple[FetchRecord, FetchDetail]] = []
    for number in range(120):
        kind = kinds[number * 7 % 10]
        time_us = start + number * 11 * 60_000_000 + (number % 3) * 20_000_000
        path = f"/essays/tides-{number % 9}" if number % 4 else "/videos/harbour.mp4"
        detail = FetchDetail(
            "203.0.113.9", "10.0.0.1", "Mozilla/5.0 (compatible; Bot)", "", "page=2", ("ua_claim:x",)
        )
        made.append((fetch(number, kind, time_us, path=path), detail))
    for number, text in enumerate(HOSTILE, 120):
        changes = {
            "path": text,
            "host": text[:60],
            "crawler": text[:80],
            "licensee": text[:80],
            "rule": text[:80],
        }
        detail = FetchDetail("198.51.100.7", "", text, text, text, (text,))
        record = fetch(number, "licensed", clock.now_us() - 1_000_000 * (200 - number), **changes)
        made.append((record, detail))
    await database.insert(*made)
    hour_at = (clock.now_us() - 3 * HOUR) // HOUR * 3600
    await SqliteAudience(database.database).add([AudienceRow(hour_at, "journal", "/essays/", 200, "", 4321)])
    return database


class Dashboard:
    """A running dashboard and a browser-like client for it."""

    def __init__(
        self,
        base: str,
        sessions: Sessions,
        client: aiohttp.ClientSession,
        status: dict[str, str],
        stop: Callable,
    ) -> None:
        self.base, self.sessions, self.client, self.status = base, sessions, client, status
        self.stop = stop

    async def get(self, path: str, **headers: str) -> SimpleNamespace:
        return await self._ask("GET", path, None, {"Accept": "text/html"} | headers)

    async def post(self, path: str, form: dict[str, str], **headers: str) -> SimpleNamespace:
        return await self._ask("POST", path, form, {"Sec_Fetch_Site": "same-origin"} | headers)

    async def _ask(self, method: str, path: str, form: object, headers: dict[str, str]) -> SimpleNamespace:
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value}
        async with self.client.request(
            method, self.base + path, data=form, headers=sent, allow_redirects=False
        ) as answer:
            return SimpleNamespace(status=answer.status, headers=answer.headers, text=await answer.text())

    async def form(self, path: str) -> str:
        """The form token on the page at *path*."""
        return form_token((await self.get(path)).text)

    async def set_password(self) -> SimpleNamespace:
        token = self.sessions.sign_in_link()
        form = await self.form(f"/sign-in?token={token}")
        return await self.post(
            "/sign-in", {"form": form, "token": token, "password": PASSWORD, "again": PASSWORD}
        )

    def become(self, role: str) -> str:
        """Be signed in as a new person of *role*; returns its id."""
        now, number = self.sessions._clock.now_us(), len(self.sessions.people.all)
        person = Insider(f"pe_{number}", f"{role}{number}", Role(role), now, password="$argon2id$none")

        def act(access):
            return access.with_people(access.people.with_one(person)), person

        self.sessions.file.change(act)
        self.client.cookie_jar.update_cookies(
            {"licet_session": self.sessions.begin(person, "password")}, URL(self.base)
        )
        return person.id

    def forget_cookies(self) -> None:
        self.client.cookie_jar.clear()


def form_token(page: str) -> str:
    """The first form token on *page*."""
    found = re.search(r'name="form" value="([0-9a-f]{64})"', page)
    assert found, page
    return found[1]


SITE = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["journal.example"]
origin = "http://127.0.0.1:1"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
works = ["essays"]
price = { per_fetch = "0.02" }
"""


@pytest.fixture
def consents() -> Consents:
    """Withdrawals, objections and consents in memory, of a site with one work."""
    register = MemoryRegister()
    acts = TakingBack(MemoryWithdrawals(), register)
    policies = (read_policy_text(SITE, "journal.toml"),)
    hearing, asking = Hearing(MemoryObjections(), acts), AskingAuthors(MemoryConsents(), acts)
    return Consents(acts, hearing, asking, lambda: policies)


@pytest.fixture
async def start(clock: HandClock, tmp_path: Path, consents: Consents) -> AsyncIterator[Callable]:
    """Start a dashboard on a database."""
    runners: list[web.AppRunner] = []
    clients: list[aiohttp.ClientSession] = []

    async def run(
        database: Log,
        hosts: tuple[str, ...] = ("127.0.0.1",),
        **rooms: object,
    ) -> Dashboard:
        status = {"journal.example": "enforce"}
        sessions = Sessions.open(tmp_path / "operator.json", clock)
        app = dashboard_app(
            SqliteAccessLog(database.database),
            sessions,
            hosts=hosts,
            status=lambda: status,
            who=lambda ask, told: explain(at_hand(IDENTIFIERS[told], ask)),
            clock=clock,
            rooms=Rooms(consents=consents, **rooms),
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
        await runner.setup()
        runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        client = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        clients.append(client)
        return Dashboard(
            f"http://127.0.0.1:{runner.addresses[0][1]}", sessions, client, status, runner.cleanup
        )

    yield run
    for client in clients:
        await client.close()
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
def files(tmp_path: Path, clock: HandClock) -> PolicyFiles:
    """One policy file, and where its versions go."""
    folder = tmp_path / "sites"
    folder.mkdir()
    (folder / "journal.toml").write_text("# The journal's rules\n" + SITE.lstrip(), encoding="utf-8")
    shelf = PolicyShelf(folder)
    return PolicyFiles(lambda: shelf, tmp_path / "policy-versions", clock)


@pytest.fixture
def admin() -> AdminLog:
    """What administrators did, in memory; by the folding that is real."""
    tables = Tables()

    async def keep(note: AdminNote) -> None:
        sealed = SealedEntry(note, SALT, note.canonical(), "office")
        await MemoryFolding(tables).fold(FoldBatch((sealed,), (), ()))

    return AdminLog(MemoryAdminNotes(tables), keep, lambda: True)


@pytest.fixture
async def board(start: Callable, filled: Log) -> Dashboard:
    """A dashboard on the filled log, signed in."""
    dashboard = await start(filled)
    assert (await dashboard.set_password()).status == 303
    return dashboard


GUIDED = """
stance = "search-free-training-paid"
[site]
id = "{id}"
hosts = ["{id}.example"]
origin = "http://127.0.0.1:8000"
public = "https://{id}.example"
name = "{name}"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[contract]
law = "Ireland"
creator = "The Journal Ltd"
signatory = "Ada Example"
[guide]
per_file = ["7", "70"]
"""


@dataclass
class Valued:
    """A dashboard on the filled log with the pages on worth, and what they keep."""

    board: Dashboard
    figures: FigureShelf
    database: Database
    now: int


@pytest.fixture
def worth(database: Log, tmp_path: Path) -> Worth:
    """What the pages on worth work on, for two sites."""
    folder = tmp_path / "valued"
    folder.mkdir()
    for site, name in (("journal", "The Journal"), ("videos", "Videos")):
        (folder / f"{site}.toml").write_text(GUIDED.format(id=site, name=name))
    return worth_of(database.database, PolicyShelf(folder), tmp_path / "figures")


@pytest.fixture
async def valued(start: Callable, filled: Log, clock: HandClock, worth: Worth) -> Valued:
    """Two sites, of which the log is of the first."""
    dashboard = await start(filled, worth=worth)
    assert (await dashboard.set_password()).status == 303
    return Valued(dashboard, worth.figures, filled.database, clock.now_us() // 1_000_000)


@pytest.fixture
def make_fetch() -> Callable[..., FetchRecord]:
    """`fetch`, for tests that add one."""
    return fetch


@pytest.fixture
async def closed_database(database: Log) -> Log:
    """A store that cannot be read."""
    await database.database.close()
    return database


class Inbox:
    """Real negotiations in the real store, behind a dashboard that decides about them."""

    def __init__(self, database: Database, clock: HandClock) -> None:
        self.clock = clock
        self.register = SqliteRegister(database)
        self.store, self.links = SqliteNegotiations(database), SqlitePrivateLinks(database)
        self.deals = Deals(
            self.store,
            self.register,
            Deciding(self.store, self.register),
            lambda _site, _offer: POSITION,
            lambda _site: Party("The Journal Ltd", "1 Test Street", "Ada Example", "director"),
            self.links,
        )

    @property
    def now(self) -> int:
        return self.clock.now_us() // 1_000_000

    async def buyer(self, name: str = "Lab", standing: Standing = Standing.ACTIVE) -> Licensee:
        made = enroll(name, now=self.now, standing=standing, contact=f"{name}@lab.example")
        await self.register.add_licensee(made.licensee, made.client)
        return made.licensee

    async def waits(self, id: str = "ne_1", buyer: Licensee | None = None, **levers: object) -> Negotiation:
        """A negotiation that waits for a person, about TERMS with *levers* otherwise."""
        buyer = buyer or await self.buyer()
        begun = Negotiation(id, OFFER, buyer.id, "cl_1", self.now)
        facts = {"use_case": "summaries", "products": "Summarizer"}
        draft = Person(("the works become part of a model",), Accept(TERMS))
        made = proposed(begun, replace(TERMS, **levers), facts, draft, now=self.now, patience=60)
        assert isinstance(made, Negotiation)
        assert await self.store.put("", made)
        return made


@pytest.fixture
def inbox(database: Log, clock: HandClock) -> Inbox:
    """Nobody has negotiated yet."""
    return Inbox(database.database, clock)


@pytest.fixture
async def desk(start: Callable, database: Log, inbox: Inbox) -> Dashboard:
    """A dashboard with an inbox, signed in."""
    dashboard = await start(database, deals=inbox.deals)
    assert (await dashboard.set_password()).status == 303
    return dashboard


class Owed:
    """Real duties of real licenses in the real store, and a dashboard that judges them."""

    def __init__(self, database: Database, clock: HandClock, folder: Path) -> None:
        self.clock = clock
        self.register = SqliteRegister(database)
        self.duties, self.audits = SqliteDuties(database), SqliteAudits(database)
        self.book = DutyBook(self.duties, self.register, EvidenceFolder(folder / "evidence"))

    @property
    def now(self) -> int:
        return self.clock.now_us() // 1_000_000

    async def license(self, name: str = "Lab", days_ago: int = 130, **levers: object) -> License:
        """A license of two years that began so many days ago, with its duties."""
        made = enroll(name, now=self.now, standing=Standing.ACTIVE)
        await self.register.add_licensee(made.licensee, made.client)
        number = len(await self.register.licensees())
        begins = self.now - days_ago * DAY
        terms = replace(TERMS, **{"audit": Audit("quarterly", output_samples=2), **levers})
        license = License(
            f"li_{number}", made.licensee.id, "journal", "", terms, "sha-256:p", begins, begins + 730 * DAY
        )
        await self.register.grant(license)
        await plan_what_is_not(self.duties)
        return license

    async def one(self, license: License, kind: Kind = Kind.REPORT) -> Obligation:
        return next(each for each in await self.duties.of_license(license.id) if each.kind is kind)

    async def hand_in(
        self, duty: Obligation, octets: bytes, name: str = "", media_type: str = "text/plain"
    ) -> Obligation:
        evidence = Evidence(hashlib.sha256(octets).hexdigest(), media_type, len(octets), self.now, name)
        made = await self.book.hand_in(duty, duty.version, octets, evidence, self.now)
        assert isinstance(made, Obligation)
        return made


@pytest.fixture
def owed(database: Log, clock: HandClock, tmp_path: Path) -> Owed:
    """Nobody owes anything yet."""
    return Owed(database.database, clock, tmp_path)
