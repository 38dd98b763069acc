"""A whole gate in the process: a policy, accounts, a till, an origin that answers as told, and any rails.

And who pays by x402: a wallet, a facilitator without a chain, what a shop asks.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from eth_account import Account

from gateway.admission.credentials import Shown
from gateway.admission.pace import Pace
from gateway.admission.till import Till
from gateway.ask import Ask
from gateway.billing.postings import prepaid
from gateway.billing.reconcile import reconcile
from gateway.clock import HandClock
from gateway.egress import Egress
from gateway.front.exchange import Gate, exchange
from gateway.licenses.license import Client, Licensee, Standing
from gateway.money import Money
from gateway.origin.head import Head
from gateway.policy.published import publish
from gateway.policy.reading import read_policy_text
from gateway.policy.x402_terms import X402Terms
from gateway.problems import StoreUnavailable
from gateway.provenance.floods import Floods
from gateway.provenance.keeper import FoldBatch, SealedEntry
from gateway.provenance.record import BookEntry
from gateway.rails.facilitator import Facilitator
from gateway.rails.known_accounts import KnownAccounts
from gateway.rails.price_headers import PriceHeaders
from gateway.rails.settling import Folded, Payable, Settling, Taken
from gateway.rails.x402 import requirement
from gateway.store.memory.accounts import MemoryAccounts
from gateway.store.memory.folding import MemoryFolding
from gateway.store.memory.ledger import MemoryLedger
from gateway.store.memory.register import MemoryRegister
from gateway.store.memory.settlements import MemorySettlements
from gateway.store.memory.spend_book import MemorySpendBook
from gateway.store.memory.tables import Tables
from gateway.uses import Use
from gateway.visitors.signatures import SignatureFinding
from gateway.visitors.visitor import PERSON, Crawler, Visitor, VisitorClass
from loadtests.chainless import Chainless, signed

AGENT = "https://bot.example"
POLICY = """
[site]
hosts = ["journal.example"]
origin = "http://127.0.0.1:1"
mode = "enforce"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.answers]
uses = ["ai-input"]
price = { per_fetch = "0.01" }
[offers.all]
uses = ["ai-input", "ai-train", "ai-index", "fine-tune", "tdm"]
price = { per_fetch = "0.05" }
[[rules]]
when = { crawler = "Bytespider" }
then = "refuse"
[[rules]]
when = { class = ["ai", "automation"], path = "/essays/" }
then = { license = ["answers", "all"] }
[[rules]]
then = "serve"
"""
CRAWLER = Crawler("AnswerBot", "Answers", ("user-action",), frozenset({Use.AI_INPUT}), VisitorClass.AI)


@dataclass
class Origin:
    """Answers every request with *status*, *fields* and *body*; streams it where *streamed*."""

    status: int = 200
    fields: dict[str, str] = field(default_factory=dict)
    body: bytes = b"tides"
    streamed: bool = False
    asked: list[Any] = field(default_factory=list)
    closed: int = 0

    async def open(self, ask, upstream, body, *, ours, upgrade):
        self.asked.append((ask, ours))
        return _Answer(self)


class _Answer:
    tunnel = None

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self.status, self.length = origin.status, len(origin.body)
        lines = [f"HTTP/1.1 {self.status} OK", f"Content-Length: {self.length}"]
        self._head = Head("\r\n".join(lines + [f"{n}: {v}" for n, v in origin.fields.items()]).encode(), 200)
        self.head, self.head_without, self.field = (
            self._head.passed_on(),
            self._head.passed_on,
            self._head.field,
        )
        self.headers, self.reason = tuple(self._head.headers), "OK"

    def whole(self):
        return None if self._origin.streamed else self._origin.body

    async def body(self):
        for octet in self._origin.body:
            yield bytes([octet])

    def close(self):
        self._origin.closed += 1


class Journal:
    """Keeps the records it is told, in order."""

    def __init__(self) -> None:
        self.records, self.floods, self.full = [], Floods(0), False

    def room(self, *, paid):
        return not self.full

    def note(self, record, detail, salt):
        self.records.append(record)

    async def keep(self, record, detail, salt):
        self.records.append(record)


class World:
    """One site before one origin, with accounts; `get` asks for a page as a signed crawler."""

    def __init__(self, text: str = POLICY, rails: Any = None) -> None:
        self.policy = read_policy_text(text, "journal.toml")
        self.clock, self.tables, self.register = HandClock(), Tables(), MemoryRegister()
        self.accounts = MemoryAccounts(self.register, self.tables)
        self.book = MemorySpendBook(self.tables)
        self.till = Till(self.book, "front-" + "0" * 24, Pace(0, 1))
        self.origin, self.journal = Origin(), Journal()
        self.finding = SignatureFinding("verified", AGENT, "dictionary", ("sig_valid",), "key")
        self.visitor = Visitor(VisitorClass.AI, CRAWLER)
        self.known = KnownAccounts(self.accounts.by_agent, self.clock)
        self.price_headers = PriceHeaders(lambda ask, evidence: self.finding, self.known)
        self._ids = itertools.count(1)
        self.rails = (self.price_headers,) if rails is None else rails
        self.gate = self._gate()

    def _gate(self) -> Gate:
        return Gate(
            policy_of=lambda site: self.policy,
            identify=lambda ask, evidence: self.visitor,
            notices=SimpleNamespace(find=lambda policy, ask, evidence: None),
            credentials=SimpleNamespace(of=lambda ask: Shown()),
            till=self.till,
            origin=self.origin,
            journal=self.journal,
            people=SimpleNamespace(count=lambda ask, status: None),
            published=lambda policy, origin: publish(policy, origin, {}),
            sources={"lease": self.till.lease, **{k: s for r in self.rails for k, s in r.sources.items()}},
            clock=self.clock,
            rails=self.rails,
        )

    async def enroll(self, micros: int = 0, standing: Standing = Standing.ACTIVE, agent: str = AGENT) -> None:
        licensee = Licensee("le_1", "Answers", standing, 0)
        await self.register.add_licensee(licensee, Client("cl_1", "le_1", "0" * 64, 0))
        await self.accounts.tie(agent, "le_1")
        self.tables.balances[prepaid("le_1"), "USD"] = micros

    def ask(
        self, *headers: tuple[str, str], path: str = "/essays/tides", method: str = "GET", address: str = ""
    ) -> Ask:
        number = next(self._ids)
        return Ask(
            f"01a21422-8d17-738c-8f96-{number:012x}", self.clock.now_us(), "journal",
            "https://journal.example", method, path, path.partition("?")[0], headers=headers,
            address=address,
        )  # fmt: skip

    async def get(self, *headers: tuple[str, str], **about: Any) -> SimpleNamespace:
        answer = await exchange(self.ask(*headers, **about), None, self.gate)
        body = answer.whole
        if answer.chunks is not None:
            body = b"".join([chunk async for chunk in answer.chunks])
        fields = list(answer.headers)
        if answer.head:
            lines = answer.head.decode("latin-1").split("\r\n")[1:]
            fields += [tuple(line.split(": ", 1)) for line in lines if line]
        return SimpleNamespace(
            status=answer.status,
            body=body,
            headers={name.lower(): value for name, value in fields},
            record=self.journal.records[-1] if self.journal.records else None,
        )

    @property
    def records(self):
        return self.journal.records

    @property
    def paid(self) -> int:
        return sum(record.charged_micros for record in self.records)


@pytest.fixture(scope="session")
def world() -> type[World]:
    """Makes worlds: `world()`, or with the text of another policy, or other rails."""
    return World


@pytest.fixture(scope="session")
def told():
    """What is needed to vary a world."""
    return SimpleNamespace(
        AGENT=AGENT, POLICY=POLICY, CRAWLER=CRAWLER, PERSON=PERSON, SignatureFinding=SignatureFinding,
        replace=replace,
    )  # fmt: skip


PRICE = Money(5_000, "USD")
URL = "https://journal.example/essays/tides"


class Wallet:
    """Signs payments; every one has a nonce of its own unless told."""

    def __init__(self) -> None:
        self.account = Account.create()
        self.address = self.account.address.lower()
        self._next = int.from_bytes(self.account.key[:8], "big")

    def pays(
        self, asked: dict[str, Any], *, nonce: bytes = b"", before: int = 0, identifier: str = ""
    ) -> str:
        """A ``PAYMENT-SIGNATURE``."""
        self._next += 1
        nonce = nonce or self._next.to_bytes(32, "big")
        content = {
            "x402Version": 2,
            "resource": {"url": URL},
            "accepted": asked,
            "payload": signed(self.account, asked, nonce=nonce, before=before or int(time.time()) + 60),
            "extensions": {"payment-identifier": {"info": {"required": False, "id": identifier}}}
            if identifier
            else {},
        }
        return encoded(content)


def encoded(content: object) -> str:
    return b64encode(json.dumps(content).encode()).decode()


@pytest.fixture
def wallet() -> Wallet:
    """Somebody who pays."""
    return Wallet()


@pytest.fixture
def terms(facilitator) -> X402Terms:
    """A dollar token with six decimals, settled by `facilitator`."""
    return X402Terms(
        facilitator.url,
        "eip155:84532",
        "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
        6,
        "0x209693Bc6afc0C5328bA36FaF03C514EF312287C",
        "USDC",
        "2",
        "USD",
    )


@pytest.fixture
def asked(terms: X402Terms) -> dict[str, Any]:
    """What `PRICE` is in those terms, as it stands on the wire."""
    found = requirement(terms, PRICE)
    assert found is not None
    return found.as_json()


@pytest.fixture
async def facilitator() -> AsyncIterator[Chainless]:
    """One that listens; `url` and `place` say where."""
    chainless = Chainless()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", chainless.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    chainless.place = f"127.0.0.1:{runner.addresses[0][1]}"
    chainless.url = f"http://{chainless.place}"
    yield chainless
    await runner.cleanup()


@pytest.fixture
def egress(facilitator: Chainless) -> Egress:
    """A way out on which the operator exempts that facilitator."""
    return Egress(exempt=(facilitator.place,), plain=True)


class OfficeBooks:
    """Everything behind one gateway: books in memory, a journal that folds at once, the facilitator."""

    def __init__(self, egress, terms, tables=None, clock=None) -> None:
        self.tables, self.book, self.clock = tables or Tables(), MemorySettlements(), clock or HandClock()
        self.ledger, self.folding = MemoryLedger(self.tables), MemoryFolding(self.tables)
        self.down, self.terms, self.egress = "", terms, egress
        self.kept: list[BookEntry] = []
        self.settling = self.started()

    def started(self) -> Settling:
        folded = Folded(self.ledger.has_entry, self.ledger.charged, self.ledger.undone)
        return Settling(self.book, Facilitator(self.egress.post), self, folded, self.clock)

    async def keep(self, entry: BookEntry) -> None:
        if self.down:
            raise StoreUnavailable(self.down)
        self.kept.append(entry)
        await self.fold(entry)

    async def fold(self, *entries) -> None:
        salted = [
            SealedEntry(each, hashlib.sha256(each.id.encode()).digest(), each.canonical(), "a-1.seg:0")
            for each in entries
        ]
        await self.folding.fold(FoldBatch(tuple(salted), (), ()))

    def payable(self, header: str, **changes) -> Payable:
        made = Payable("journal", "GET", URL, PRICE, self.terms, header)
        return replace(made, **changes)

    async def fetched(self, taken: Taken, id: str, make, *, charged: int) -> None:
        """The fetch *id* leaves its record."""
        await self.fold(make.fetch(id, micros=charged, licensee=f"x402:{taken.payer}", license="pf_1"))

    async def sums(self, payer: str) -> int:
        report = reconcile(await self.ledger.books())
        assert report.ok, report.faults
        return (await self.ledger.balance(f"licensee:x402:{payer}:prepaid", "USD")).micros


@pytest.fixture
def office(egress):
    """Makes what is behind one gateway: `office(terms)`."""
    return lambda terms, **given: OfficeBooks(egress, terms, **given)
