"""The ledger's invariants under any interleaving, on every adapter at once.

A model kept here, which shares no code with the adapters, says what credit,
budgets and purses must be; memory, SQLite and PostgreSQL must give the same answers to every
step. Writers lease, record, give back and are killed; the keeper folds late, in
any portions, and closes the purses of the dead.

I1 debits equal credits · I2 prepaid minus purses is never below zero · I3 kept
balances equal recomputed ones · I4 each record posts once · I5 charged and set
aside never exceed a budget · I6 a purse is what its writer may still use or has
recorded · I7 once every purse is closed, what was not charged is credit again.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.admission.spending import Short
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
BUDGETS = {"lic_a": Budget(micros=40), "lic_b": Budget(fetches=9), "lic_c": Budget()}
LICENSES = st.sampled_from(sorted(BUDGETS))
PRICES = st.sampled_from([0, 1, 2, 7])
ALL = (0, 2**62)


class Books(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.database = self.run(Database.open(Path(self.folder.name) / "licet.db"))
        self.adapters = [make.memory_ports(), make.sqlite_ports(self.database)]
        self.number = 0
        self.paid, self.charged, self.counted = 0, Counter(), Counter()
        #: (writer, license, price) -> units that may still be used
        self.units: Counter = Counter()
        #: Durable and not folded: (writer, entry), in order.
        self.pending: list = []
        self.folded: list = []
        self.writers = [f"w{n}-{n:024x}" for n in range(2)]
        self.dead: set[str] = set()

    def run(self, work):
        return self.loop.run_until_complete(work)

    def both(self, act):
        first, *others = (self.run(act(ports)) for ports in self.adapters)
        assert all(each == first for each in others)
        return first

    def teardown(self):
        self.run(self.database.close())
        self.loop.close()
        self.folder.cleanup()

    def purse(self, writer=None, license=None):
        """Micro-units and fetches that are set aside."""
        found = [
            (price * count, count)
            for (w, lic, price), count in self.units.items()
            if writer in {None, w} and license in {None, lic}
        ]
        found += [
            (entry.charged_micros, 1)
            for w, entry in self.pending
            if entry.charge_reason == "fetch" and writer in {None, w} and license in {None, entry.license}
        ]
        return sum(micros for micros, _ in found), sum(count for _, count in found)

    def left(self):
        return self.paid - sum(self.charged.values()) - self.purse()[0]

    def new_id(self):
        self.number += 1
        return f"r{self.number}"

    @initialize(micros=st.integers(1, 60))
    def fund(self, micros):
        self.credit(micros)

    @rule(micros=st.integers(1, 60))
    def credit(self, micros):
        entry = make.book("credit", micros, self.new_id())
        assert self.both(lambda ports: ports.put(entry)) == 1
        self.paid += micros

    @rule(data=st.data(), license=LICENSES, price=PRICES, asked=st.integers(1, 30))
    def lease(self, data, license, price, asked):
        writer, budget = data.draw(st.sampled_from(self.writers)), BUDGETS[license]
        held, fetches = self.purse(license=license)
        room = [self.left() // price] if price else []
        if budget.micros is not None:
            left = budget.micros - self.charged[license] - held
            room += [left // price] if price else []
        if budget.fetches is not None:
            room.append(budget.fetches - self.counted[license] - fetches)
        charge = make.charge(self.new_id(), price, license=license, budget=budget)
        answer = self.both(lambda ports: ports.spend_book.lease(writer, charge, asked))
        assert isinstance(answer, Short) == (min(room, default=asked) < 1)
        if not isinstance(answer, Short):
            assert answer == min([asked, *(max(1, count // 4) for count in room)])
            self.units[writer, license, price] += answer

    def draw_units(self, data):
        return data.draw(st.sampled_from(sorted(key for key, count in self.units.items() if count)))

    @precondition(lambda self: self.units.total())
    @rule(data=st.data(), owes=st.booleans())
    def fetch(self, data, owes):
        writer, license, price = key = self.draw_units(data)
        reason = "fetch" if owes else "read-before"
        entry = make.fetch(self.new_id(), micros=price if owes else 0, reason=reason, license=license)
        self.units[key] -= owes
        self.pending.append((writer, entry))

    @precondition(lambda self: self.units.total())
    @rule(data=st.data())
    def give_back(self, data):
        writer, license, price = key = self.draw_units(data)
        count = data.draw(st.integers(1, self.units[key]))
        money = Money(count * price, "USD")
        self.both(lambda ports: ports.spend_book.give_back(writer, license, money, count))
        self.units[key] -= count

    def fold_first(self, count, again=()):
        for writer, entry in self.pending[:count]:
            source = f"{writer}-000001.seg:24"
            given = make.batch(*(old for old in again if old is not entry), entry, source=source)
            assert self.both(lambda ports, given=given: ports.folding.fold(given)) == 1
            self.folded.append(entry)
            self.charged[entry.license] += entry.charged_micros
            self.counted[entry.license] += entry.charge_reason == "fetch"
        del self.pending[:count]

    @precondition(lambda self: self.pending)
    @rule(data=st.data(), repeated=st.booleans())
    def fold(self, data, repeated):
        count = data.draw(st.integers(1, len(self.pending)))
        self.fold_first(count, tuple(self.folded[-3:]) if repeated else ())

    @precondition(lambda self: self.folded)
    @rule(data=st.data())
    def replay(self, data):
        start = data.draw(st.integers(0, len(self.folded) - 1))
        assert self.both(lambda ports: ports.put(*self.folded[start:])) == 0

    @rule(data=st.data())
    def kill(self, data):
        writer = data.draw(st.sampled_from(self.writers))
        self.writers.remove(writer)
        self.writers.append(f"w{self.number % 10}-{self.new_id()[1:]:0>24}")
        self.dead.add(writer)

    def close_dead(self):
        unread = {writer for writer, _ in self.pending}
        gone = frozenset(self.dead - unread)
        self.both(lambda ports: ports.folding.close_purses(gone))
        for key in [key for key in self.units if key[0] in gone]:
            del self.units[key]
        assert not gone & self.both(lambda ports: ports.folding.purse_writers())
        self.dead -= gone

    @precondition(lambda self: self.dead)
    @rule()
    def close(self):
        self.close_dead()

    @rule()
    def stop_all(self):
        self.fold_first(len(self.pending))
        self.dead |= set(self.writers)
        self.close_dead()
        assert self.both(lambda ports: ports.folding.purse_writers()) == frozenset()
        left = self.both(lambda ports: ports.spend_book.available("le_1", "USD"))
        assert left.micros == self.paid - sum(self.charged.values())

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
        left = self.both(lambda ports: ports.spend_book.available("le_1", "USD"))
        assert left.micros == self.left()
        assert left.micros >= 0
        for license, budget in BUDGETS.items():
            held, fetches = self.purse(license=license)
            assert budget.micros is None or self.charged[license] + held <= budget.micros
            assert budget.fetches is None or self.counted[license] + fetches <= budget.fetches
        found = {(each.writer, each.license): (each.held.micros, each.fetches) for each in books.purses}
        wanted = {(w, lic) for w, lic, _ in self.units} | {(w, entry.license) for w, entry in self.pending}
        assert found == {key: self.purse(*key) for key in wanted if self.purse(*key) != (0, 0)}


Books.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestBooks = Books.TestCase


@pytest.mark.parametrize("examples", [2, pytest.param(60, marks=pytest.mark.night)])
def test_on_postgresql_too(emptied, examples):
    class OnThree(Books):
        def __init__(self):
            super().__init__()
            self.run(emptied.write(lambda db: db.execute("SELECT empty()")))
            self.adapters.append(make.sqlite_ports(emptied, Path(self.folder.name)))

    run_state_machine_as_test(
        OnThree, settings=settings(Books.TestCase.settings, max_examples=examples, stateful_step_count=25)
    )
