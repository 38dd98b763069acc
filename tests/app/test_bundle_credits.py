"""The office credits what was withdrawn from a bundle: once, after a restart too, and nothing while a store is down."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.app.bundle_credits import BundleCredits
from gateway.billing.milestone_book import MilestoneBook
from gateway.billing.postings import Booked, postings_of
from gateway.clock import HandClock
from gateway.licenses.license import Client, Licensee, Standing
from gateway.paths import PathScope
from gateway.problems import StoreUnavailable
from gateway.provenance.record import BookEntry
from gateway.store.memory.duties import MemoryDuties
from gateway.store.memory.ledger import MemoryLedger
from gateway.store.memory.owing import MemoryOwing
from gateway.store.memory.register import MemoryRegister
from gateway.store.memory.tables import Tables
from gateway.terms.license_terms import Milestone
from tests.billing.test_bundle_credits import GONE, LICENSE, MADE


class Books:
    """A journal and the ledger over it; the fee of the license is paid."""

    def __init__(self):
        self.entries = [BookEntry("li_1", 0, "fee", "journal", "le_1", 100, "USD", license="li_1")]
        self.down, self.folding = False, True

    @property
    def writer(self):
        return "office"

    async def keep(self, entry):
        if self.down:
            raise StoreUnavailable("the disk is full")
        self.entries.append(entry)

    async def has_entry(self, id):
        return self.folding and any(each.id == id for each in self.entries)

    async def postings(self, _account, _since, _until):
        return postings_of(self.entries[0])


class Sold:
    async def sold(self):
        return ("li_1", "li_gone")


@pytest.fixture
async def register():
    made = MemoryRegister()
    await made.add_licensee(Licensee("le_1", "AI", Standing.ACTIVE, 1), Client("cl_1", "le_1", "", 1))
    await made.grant(LICENSE)
    return made


def rounds_over(register, books, standing, found=MADE):
    return BundleCredits(
        Sold(), register, books, books, None, lambda *_: found, lambda: tuple(standing), HandClock()
    )


async def test_what_is_promised_later_is_credited_then_and_once(register):
    """Withdrawn before the milestone was paid in: nothing yet; the round looks again until it was."""
    price = replace(LICENSE.terms.compensation, milestones=(Milestone("launch", 10_000),))
    license = replace(LICENSE, id="li_2", terms=replace(LICENSE.terms, compensation=price))
    await register.grant(license)
    tables, clock = Tables(), HandClock(1_600_000_000)

    class Kept:
        """A journal that is folded as it is written."""

        writer = "office"

        async def keep(self, entry):
            tables.entries.append(Booked(len(tables.entries) + 1, entry))
            assert tables.derive(entry)

    journal = Kept()
    book = MilestoneBook(MemoryOwing(register, MemoryDuties(register), tables), journal.keep, clock)

    class Both:
        async def sold(self):
            return ("li_2",)

    rounds = BundleCredits(
        Both(), register, MemoryLedger(tables), journal, book, lambda *_: MADE, lambda: (GONE,), clock
    )
    await rounds.act()
    assert tables.entries == []
    await book.advance("li_2")
    for _ in range(3):
        await rounds.act()
    found = [each.entry for each in tables.entries]
    assert [(each.kind_of, each.amount_micros) for each in found] == [("promise", 100), ("refund", 33)]
    assert found[1].reference == found[0].id


async def test_each_work_is_credited_once_whoever_looks_again(register):
    books, standing = Books(), []
    rounds = rounds_over(register, books, standing)
    await rounds.act()
    standing.append(GONE)
    await rounds.act()
    assert [(each.kind_of, each.amount_micros) for each in books.entries[1:]] == [("reversal", 33)]
    books.folding = False
    standing.append(replace(GONE, id="wd_2"))
    await rounds.act()
    books.folding = True
    await rounds_over(register, books, standing).act()
    standing[:] = []
    await rounds.act()
    standing.append(replace(GONE, id="wd_3"))
    await rounds.act()
    assert len(books.entries) == 2
    standing.append(replace(GONE, id="wd_4", paths=(PathScope("/essays/"),)))
    await rounds.act()
    assert sum(each.amount_micros for each in books.entries[1:]) == 100


async def test_what_cannot_be_written_is_written_later_and_a_manifest_that_is_gone_credits_nothing(register):
    books = Books()
    await rounds_over(register, books, [GONE], found=None).act()
    rounds = rounds_over(register, books, [GONE])
    books.down = True
    await rounds.act()
    assert len(books.entries) == 1
    books.down = False
    await rounds.act()
    assert len(books.entries) == 2
