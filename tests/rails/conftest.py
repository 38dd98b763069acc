"""A whole gate in the process: a policy, accounts, a till, an origin that answers as told, and any rails."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.admission.credentials import Shown
from gateway.admission.pace import Pace
from gateway.admission.till import Till
from gateway.ask import Ask
from gateway.billing.postings import prepaid
from gateway.clock import HandClock
from gateway.front.exchange import Gate, exchange
from gateway.licenses.license import Client, Licensee, Standing
from gateway.origin.head import Head
from gateway.policy.published import publish
from gateway.policy.reading import read_policy_text
from gateway.provenance.floods import Floods
from gateway.rails.known_accounts import KnownAccounts
from gateway.rails.price_headers import PriceHeaders
from gateway.store.memory.accounts import MemoryAccounts
from gateway.store.memory.register import MemoryRegister
from gateway.store.memory.spend_book import MemorySpendBook
from gateway.store.memory.tables import Tables
from gateway.uses import Use
from gateway.visitors.signatures import SignatureFinding
from gateway.visitors.visitor import PERSON, Crawler, Visitor, VisitorClass

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

    def ask(self, *headers: tuple[str, str], path: str = "/essays/tides", method: str = "GET") -> Ask:
        number = next(self._ids)
        return Ask(
            f"01a21422-8d17-738c-8f96-{number:012x}", self.clock.now_us(), "journal",
            "https://journal.example", method, path, path.partition("?")[0], headers=headers,
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
