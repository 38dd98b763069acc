"""Acts on milestones, on real stores and a real journal: each writes entries, and what is not folded yet counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.billing.agreed_milestones import Waits
from gateway.billing.escrow import OBJECTION_SECONDS, Proof, State
from gateway.billing.milestone_book import LONGEST_WORD, MilestoneBook
from gateway.clock import HandClock
from gateway.licenses.license import Client, License, Licensee, Standing
from gateway.licenses.offers import months_after
from gateway.money import Money
from gateway.paths import PathScope
from gateway.problems import Problem, Refusal
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Keeper
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.store.sqlite.owing import SqliteOwing
from gateway.store.sqlite.register import SqliteRegister
from gateway.terms.license_terms import Compensation, LicenseTerms, Milestone, Purpose, Scope

NOW = 1_795_000_000
PRICE = Compensation(
    "USD", upfront=Money(100, "USD"), holder="agent:Notary Example",
    milestones=(
        Milestone("ingestion", 5_000, "journal", 1), Milestone("training", 2_000, "statement"), Milestone("launch", 3_000),
    ),
)  # fmt: skip
TERMS = LicenseTerms(Scope((), (PathScope("/"),)), Purpose(frozenset()), PRICE)


class World:
    """A book over one data folder."""

    async def open(self, folder):
        self.clock = HandClock(NOW * 1_000_000)
        self.database = await Database.open(folder / "licet.db")
        self.journal = Journal.open(folder / "journal", "office", clock=self.clock, reserve_bytes=0)
        self.keeper = Keeper(folder / "journal", SqliteFolding(self.database))
        self.ledger = SqliteLedger(self.database)
        self.book = MilestoneBook(SqliteOwing(self.database), self.journal.keep, self.clock)
        register = SqliteRegister(self.database)
        await register.add_licensee(
            Licensee("le_1", "Example AI", Standing.ACTIVE, NOW), Client("cl_1", "le_1", "", NOW)
        )
        await register.grant(License("lic_1", "le_1", "journal", "", TERMS, "p", NOW, months_after(NOW, 12)))
        return self

    async def sums(self):
        await self.keeper.catch_up()
        return {account: money.micros for account, money in (await self.ledger.books()).balances}


@pytest.fixture
async def world(tmp_path):
    one = await World().open(tmp_path)
    yield one
    await one.journal.close()
    await one.database.close()


def state_of(found):
    assert isinstance(found, Waits), found
    return found.standing.state


def refused(found):
    assert isinstance(found, Refusal), found
    return found.problem


async def test_acts_follow_on_each_other_before_anything_is_folded(world):
    book = world.book
    assert state_of(await book.fund("lic_1", "launch", "operator")) is State.WAITING
    assert refused(await book.fund("lic_1", "launch", "operator")) is Problem.MILESTONE_WAITS
    assert state_of(await book.meet("lic_1", "launch", "operator", Proof.OPERATOR, "it is out")) is State.MET
    assert state_of(await book.dispute("lic_1", "launch", "licensee le_1", "it is not")) is State.DISPUTED
    assert (
        refused(await book.settle("lic_1", "launch", "operator", Money(31, "USD"))) is Problem.MILESTONE_WAITS
    )
    assert state_of(await book.settle("lic_1", "launch", "operator", Money(10, "USD"))) is State.SHARED
    assert await world.sums() == {
        "bank:clearing": -10, "creator:journal:earned": 10, "escrow:lic_1:agent:Notary Example": 0,
    }  # fmt: skip
    assert await world.ledger.rederive() == 3


async def test_a_statement_meets_what_was_left_to_the_licensee_and_its_hash_is_kept(world):
    await world.book.fund("lic_1", "training", "operator")
    wrong = await world.book.meet("lic_1", "training", "operator", Proof.OPERATOR, "I say so")
    assert refused(wrong) is Problem.MILESTONE_WAITS
    said = {"statement": "trained", "by": "Eve", "role": "CEO"}
    assert (
        state_of(await world.book.meet("lic_1", "training", "licensee le_1", Proof.STATEMENT, said))
        is State.MET
    )
    known = await world.book.known("lic_1")
    (entry,) = [each for each in known.entries if each.kind_of == "milestone"]
    assert entry.memo.startswith("sha-256:")
    assert "trained" not in entry.memo
    assert state_of(await world.book.waive("lic_1", "training", "licensee le_1")) is State.RELEASED


async def test_what_the_journal_shows_goes_on_by_itself_once(world, make):
    assert await world.book.advance("lic_1") == ()
    await world.book.fund("lic_1", "ingestion", "operator")
    await world.journal.keep(make.fetch(id="r1", time_us=(NOW + 5) * 1_000_000, charged_micros=0))
    assert await world.book.advance("lic_1") == (), "it is not folded yet"
    await world.keeper.catch_up()
    world.clock.advance(10)
    assert [each.kind_of for each in await world.book.advance("lic_1")] == ["milestone"]
    assert await world.book.advance("lic_1") == ()
    world.clock.advance(OBJECTION_SECONDS)
    assert [each.kind_of for each in await world.book.advance("lic_1")] == ["release"]
    assert (await world.sums())["creator:journal:earned"] == 50


async def test_money_is_given_back_by_the_creators_word(world):
    await world.book.fund("lic_1", "launch", "operator")
    assert state_of(await world.book.give_back("lic_1", "launch", "operator")) is State.REFUNDED
    assert (await world.sums())["bank:clearing"] == 0


@pytest.mark.parametrize("word", ["", "  ", "x" * (LONGEST_WORD + 1), "a\nb", "a\x00"])
async def test_a_word_that_is_none_is_refused(world, word):
    await world.book.fund("lic_1", "launch", "operator")
    assert (
        refused(await world.book.meet("lic_1", "launch", "o", Proof.OPERATOR, word))
        is Problem.DOCUMENT_INVALID
    )
    assert refused(await world.book.dispute("lic_1", "launch", "o", word)) is Problem.DOCUMENT_INVALID


@pytest.mark.parametrize(("license", "name"), [("lic_1", "Launch"), ("lic_2", "launch"), ("", "")])
async def test_what_is_not_there_is_not_found(world, license, name):
    assert refused(await world.book.fund(license, name, "operator")) is Problem.NOT_FOUND


async def test_for_what_nobody_holds_there_is_nothing_to_pay_in(world):
    terms = replace(TERMS, compensation=replace(PRICE, holder="nobody"))
    register = SqliteRegister(world.database)
    await register.grant(License("lic_2", "le_1", "journal", "", terms, "p", NOW, months_after(NOW, 12)))
    assert refused(await world.book.fund("lic_2", "launch", "operator")) is Problem.MILESTONE_WAITS
    assert [each.kind_of for each in await world.book.advance("lic_2")] == ["promise"] * 3
