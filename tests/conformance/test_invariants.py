"""The ledger's invariants under any interleaving, on every adapter at once.

A model kept here, which shares no code with the adapters, says what credit and
budgets must be; memory and SQLite must give the same answers to every step.

I1 debits equal credits · I2 prepaid minus holds is never below zero while
records come before their holds lapse · I3 kept balances equal recomputed ones ·
I4 each record posts once · I5 posted at most what was held; each hold ends once
· I6 any step done twice changes nothing and answers the same.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import ModuleType

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.admission.spending import Lease
from gateway.billing.reconcile import reconcile
from gateway.money import Money
from gateway.store.sqlite.database import Database
from gateway.tokens.claims import Budget


def _makers() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "conformance_makers", Path(__file__).with_name("conftest.py")
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


make = _makers()
HOLD = 30
BUDGETS = {"lic_a": Budget(micros=40), "lic_b": Budget(fetches=4), "lic_c": Budget()}
LICENSES = st.sampled_from(sorted(BUDGETS))
ALL = (0, 2**62)


class Books(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.database = self.run(Database.open(Path(self.folder.name) / "licet.db"))
        self.adapters = [make.memory_ports(), make.sqlite_ports(self.database)]
        self.now, self.number = make.NOW, 0
        self.paid, self.charged = 0, Counter()
        self.counted = Counter()
        self.holds: dict[str, dict] = {}
        self.answers: dict[str, object] = {}
        self.folded: list = []

    def run(self, work):
        return self.loop.run_until_complete(work)

    def both(self, act):
        memory, sqlite = (self.run(act(ports)) for ports in self.adapters)
        assert memory == sqlite
        return memory

    def teardown(self):
        self.run(self.database.close())
        self.loop.close()
        self.folder.cleanup()

    def open(self, license=None):
        return [
            hold
            for hold in self.holds.values()
            if hold["state"] in {"open", "settled"}
            and hold["until"] >= self.now
            and license in {None, hold["license"]}
        ]

    def left(self):
        return self.paid - sum(self.charged.values()) - sum(hold["held"] for hold in self.open())

    @initialize(micros=st.integers(1, 60))
    def fund(self, micros):
        self.credit(micros)

    @rule(micros=st.integers(1, 60))
    def credit(self, micros):
        self.number += 1
        entry = make.book("credit", micros, f"b{self.number}")
        assert self.both(lambda ports: ports.put(entry)) == 1
        self.folded.append(entry)
        self.paid += micros

    @rule(license=LICENSES, micros=st.sampled_from([0, 1, 7, 20]))
    def lease(self, license, micros):
        self.number += 1
        id, budget = f"r{self.number}", BUDGETS[license]
        charge = make.charge(id, micros, license=license, budget=budget, hold_seconds=HOLD)
        holds = self.open(license)
        fits = micros == 0 or micros <= self.left()
        if budget.micros is not None:
            fits &= self.charged[license] + sum(hold["held"] for hold in holds) + micros <= budget.micros
        if budget.fetches is not None:
            fits &= self.counted[license] + sum(hold["fetches"] for hold in holds) < budget.fetches
        answer = self.both(lambda ports: ports.spend_book.lease(charge, self.now))
        assert isinstance(answer, Lease) == fits
        self.answers[id] = (charge, answer)
        if fits:
            self.holds[id] = {
                "license": license, "price": micros, "held": micros, "fetches": 1, "until": self.now + HOLD, "state": "open",
            }  # fmt: skip

    @precondition(lambda self: self.answers)
    @rule(data=st.data())
    def lease_again(self, data):
        charge, answer = self.answers[data.draw(st.sampled_from(sorted(self.answers)))]
        assert self.both(lambda ports: ports.spend_book.lease(charge, self.now)) == answer

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), twice=st.booleans())
    def give_back(self, data, twice):
        id = data.draw(st.sampled_from(sorted(self.holds)))
        for _ in range(1 + twice):
            was = self.both(lambda ports: ports.spend_book.give_back(id))
            assert was == (self.holds[id]["state"] == "open")
            if was:
                self.holds[id]["state"] = "returned"

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def settle(self, data):
        id = data.draw(st.sampled_from(sorted(self.holds)))
        hold = self.holds[id]
        owed = data.draw(st.integers(0, hold["held"]))
        live = hold["state"] == "open" and hold["until"] >= self.now
        assert self.both(lambda ports: ports.spend_book.settle(id, Money(owed, "USD"), self.now)) == live
        if live:
            hold.update(state="settled", held=owed, fetches=int(owed > 0 or hold["price"] == 0))

    @precondition(lambda self: self.open())
    @rule(data=st.data())
    def record(self, data):
        live = sorted(id for id, hold in self.holds.items() if hold in self.open())
        id = data.draw(st.sampled_from(live))
        hold = self.holds[id]
        owes = hold["fetches"] and (hold["state"] == "settled" or data.draw(st.booleans()))
        micros = hold["held"] if owes else 0
        entry = make.fetch(
            id, micros=micros, reason="fetch" if owes else "read-before", license=hold["license"]
        )
        again = data.draw(st.sampled_from([[], self.folded[-3:]]))
        assert self.both(lambda ports: ports.put(*again, entry)) == 1
        self.folded.append(entry)
        hold["state"] = "posted"
        self.charged[hold["license"]] += micros
        self.counted[hold["license"]] += bool(owes)

    @precondition(lambda self: self.folded)
    @rule(data=st.data())
    def replay(self, data):
        start = data.draw(st.integers(0, len(self.folded) - 1))
        assert self.both(lambda ports: ports.put(*self.folded[start:])) == 0

    @rule(seconds=st.sampled_from([1, HOLD, HOLD + 1]))
    def wait(self, seconds):
        self.now += seconds

    @rule()
    def derive_again(self):
        before = [self.run(ports.ledger.books()) for ports in self.adapters]
        self.both(lambda ports: ports.ledger.rederive())
        assert [self.run(ports.ledger.books()) for ports in self.adapters] == before

    @invariant()
    def books_agree(self):
        books = self.both(lambda ports: ports.ledger.books())
        sums = Counter()
        for posting in books.postings:
            sums[posting.debit] -= posting.amount.micros
            sums[posting.credit] += posting.amount.micros
        assert sum(sums.values()) == 0
        assert {account: money.micros for account, money in books.balances} == dict(sums)
        posted = Counter(posting.entry_id for posting in books.postings)
        assert all(count == 1 for count in posted.values())
        assert reconcile(books).ok
        left = self.both(lambda ports: ports.spend_book.available("le_1", "USD", self.now))
        assert left.micros == self.left()
        assert left.micros >= 0


Books.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestBooks = Books.TestCase
