"""The office's round over what falls due, on real stores and a real journal."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from datetime import UTC, datetime

import pytest

from gateway.app.due_round import DueRound, folded_whole
from gateway.clock import HandClock
from gateway.licenses.license import Client, License, Licensee, Standing
from gateway.licenses.offers import months_after
from gateway.money import Money
from gateway.problems import StoreUnavailable
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Keeper
from gateway.provenance.record import BookEntry
from gateway.provenance.segments import durable_ends
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.dispute_book import SqliteDisputeBook
from gateway.store.sqlite.document_book import SqliteDocumentBook
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.store.sqlite.owing import SqliteOwing
from gateway.store.sqlite.register import SqliteRegister
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Scope

NOW = 1_795_000_000
TERMS = LicenseTerms(
    Scope((), ()), Purpose(frozenset()), Compensation("USD", subscription=Money(30_000_000, "USD"))
)


class Office:
    """A data folder's books and the round over them; `open` again is a restart."""

    def __init__(self, folder, clock):
        self.folder, self.clock = folder, clock

    async def open(self):
        self.database = await Database.open(self.folder / "licet.db")
        self.ledger = SqliteLedger(self.database)
        self.keeper = Keeper(self.folder / "journal", SqliteFolding(self.database))
        self.journal = Journal.open(self.folder / "journal", "office", clock=self.clock, reserve_bytes=0)
        await self.keeper.catch_up()
        folding = SqliteFolding(self.database)
        folded = folded_whole(self.folder / "journal", folding)
        bills = SqliteDocumentBook(self.database), SqliteDisputeBook(self.database)
        self.round = DueRound(
            SqliteOwing(self.database), bills, self.journal, self.clock, folded, lambda: None
        )
        return self

    async def close(self):
        await self.journal.close()
        await self.database.close()

    async def booked(self):
        await self.keeper.catch_up()
        found = await self.ledger.postings("licensee:le_1:owed", 0, 1 << 62)
        return [(each.amount.micros, each.time_us // 1_000_000) for each in found]


@pytest.fixture
async def office(tmp_path):
    clock = HandClock(NOW * 1_000_000)
    one = await Office(tmp_path, clock).open()
    register = SqliteRegister(one.database)
    await register.add_licensee(
        Licensee("le_1", "Example AI", Standing.ACTIVE, NOW), Client("cl_1", "le_1", "", NOW)
    )
    await register.grant(License("li_1", "le_1", "journal", "", TERMS, "p", NOW, months_after(NOW, 12)))
    yield one
    await one.close()


async def test_each_due_is_booked_once_however_often_it_looks_and_after_a_restart(office):
    first, second = months_after(NOW, 1), months_after(NOW, 2)
    for _ in range(3):
        await office.round.act()
    assert await office.booked() == [(30_000_000, NOW)]
    office.clock.advance(second - NOW)
    await office.round.act()
    # Durable and not folded: whoever looks again before the keeper does books nothing.
    await office.round.act()
    await office.round.act()
    await office.close()
    await office.open()
    await office.round.act()
    await office.round.act()
    assert await office.booked() == [(30_000_000, NOW), (30_000_000, first), (30_000_000, second)]
    assert await office.ledger.rederive() == 3
    assert [each.code for each in (await office.ledger.books()).postings] == ["due"] * 3


async def test_what_could_not_be_written_is_booked_by_a_later_look(office, monkeypatch):
    async def full(entry):
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(office.journal, "keep", full)
        with pytest.raises(StoreUnavailable):
            await office.round.act()
    assert await office.booked() == []
    await office.round.act()
    assert await office.booked() == [(30_000_000, NOW)]


async def test_a_fee_that_is_durable_and_not_folded_yet_was_paid(office):
    fee = BookEntry("li_1", NOW * 1_000_000, "fee", "journal", "le_1", 30_000_000, "USD", license="li_1")
    await office.journal.keep(fee)
    await office.round.act()
    assert await office.booked() == []
    await office.round.act()
    assert await office.booked() == []
    office.clock.advance(months_after(NOW, 1) - NOW)
    await office.round.act()
    assert await office.booked() == [(30_000_000, months_after(NOW, 1))]


async def test_interest_on_what_is_late_is_booked_once_a_month_until_it_is_paid_and_after_a_restart(office):
    price = Compensation("USD", upfront=Money(365_000_000, "USD"), late_interest_bp=1_000)
    terms = LicenseTerms(Scope((), ()), Purpose(frozenset()), price)
    start = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp())
    await SqliteRegister(office.database).grant(
        License("li_late", "le_1", "journal", "", terms, "p", start, months_after(start, 12))
    )

    async def interest(on):
        office.clock.wall_us = int(datetime.fromisoformat(on).replace(tzinfo=UTC).timestamp()) * 1_000_000
        for _ in range(3):
            await office.round.act()
            await office.keeper.catch_up()
        found = await office.ledger.entries_of("le_1", 0, 1 << 62)
        return [each.entry.amount_micros for each in found if getattr(each.entry, "by", "") == "interest"]

    # Ten business days after Tuesday the 1st end on Tuesday the 15th.
    assert await interest("2026-12-31T23:59:59") == []
    assert await interest("2027-01-01") == [1_600_000]
    await office.close()
    await office.open()
    assert await interest("2027-01-01T00:00:10") == [1_600_000]
    assert await interest("2027-02-01") == [1_600_000, 3_100_000]
    (due,) = [
        each
        for each in await office.ledger.entries_of("le_1", 0, 1 << 62)
        if each.entry.license == "li_late" and each.entry.by == "terms"
    ]
    paid = BookEntry(
        "pa_1",
        office.clock.now_us(),
        "payment",
        "",
        "le_1",
        365_000_000,
        "USD",
        reference=due.entry.id,
        by="operator",
    )
    await office.journal.keep(
        BookEntry("cr_1", office.clock.now_us(), "credit", "", "le_1", 365_000_000, "USD", by="operator")
    )
    await office.journal.keep(paid)
    assert await interest("2027-03-01") == [1_600_000, 3_100_000, 100_000], "paid on the first of February"
    assert await interest("2027-12-01") == [1_600_000, 3_100_000, 100_000]


async def test_a_journal_that_cannot_be_folded_is_waited_for_a_while_alone(office):
    await office.journal.keep(BookEntry("x", NOW, "credit", "", "le_2", 1, "USD"))
    for _ in range(20):
        await office.round.act()
    assert await office.booked() == [(30_000_000, NOW)]


#: Writes an entry that is acknowledged, then half of the next one, and is killed there.
_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from gateway.clock import HandClock
from gateway.provenance.append_file import Disk
from gateway.provenance.journal import Journal
from gateway.provenance.record import BookEntry

class Torn(Disk):
    left = False

    def write(self, descriptor, octets):
        if not self.left:
            return super().write(descriptor, octets)
        super().write(descriptor, octets[: len(octets) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

async def main(folder, now_us):
    disk = Torn()
    journal = Journal.open(folder, "w1", clock=HandClock(now_us), reserve_bytes=0, disk=disk)
    await journal.keep(BookEntry("cr_1", now_us, "credit", "", "le_1", 1_000_000, "USD", by="operator"))
    print("acknowledged", flush=True)
    disk.left = True
    await journal.keep(BookEntry("cr_2", now_us, "credit", "", "le_1", 1_000_000, "USD", by="operator"))

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


class Uncut(Keeper):
    """A keeper that has folded everything and not cut any tail yet."""

    def _finish(self, path):
        pass


async def test_a_torn_tail_of_a_killed_writer_is_not_waited_for(office):
    folder = office.folder / "journal"
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _KILLED, str(folder), str(office.clock.now_us()), stdout=PIPE
    )
    said, _ = await killed.communicate()
    assert (said, killed.returncode) == (b"acknowledged\n", -signal.SIGKILL)
    (file,) = folder.glob("w1-*.seg")
    await office.round.act()
    assert await Uncut(folder, SqliteFolding(office.database)).catch_up() == 1, (
        "what was acknowledged was waited for"
    )
    assert not await office.ledger.has_entry("li_1")
    reached = (await SqliteFolding(office.database).positions())[file.name]
    assert file.stat().st_size > reached == durable_ends(folder)[file.name], "the tail stands there still"
    await office.round.act()
    assert await office.booked() == [(30_000_000, NOW)], "at the first look, not at the twelfth"
    assert file.stat().st_size == reached, "the keeper cut the tail"
    # Without its mark nobody can tell where to look from: all of it is waited for, as before.
    with file.open("ab") as more:
        more.write(b"\0" * 400)
    file.with_suffix(".end").unlink(missing_ok=True)
    assert durable_ends(folder)[file.name] == reached + 400
