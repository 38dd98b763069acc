"""The data folder as a command sees it: register, books and journal, beside a running gateway or without one.

Commands append to a journal file of their own. A running gateway's keeper folds
it; without one the command folds it itself, and whatever a gateway that was
killed had left. Either way an entry is durable before the command says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apsw import Connection

from gateway.admission.spending import Charge, fee_of
from gateway.app.stores import folding_of, has_store, open_store
from gateway.billing.reconcile import Report, reconcile
from gateway.cli.say import stop
from gateway.clock import Clock, SystemClock
from gateway.licenses.enrollment import Enrolled, enroll
from gateway.licenses.license import Standing
from gateway.licenses.register import LicenseRegister
from gateway.money import Money
from gateway.provenance.audit import AuditReport, read_files
from gateway.provenance.frames import SealedDetail
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Keeper, KeeperLock
from gateway.provenance.record import BookEntry, FetchDetail, JournalEntry
from gateway.provenance.segments import durable_ends
from gateway.store.sqlite.accounts import SqliteAccounts
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.store.sqlite.register import SqliteRegister
from gateway.store.sqlite.spend_book import SqliteSpendBook
from gateway.store.sqlite.stored_rows import last_row, rows_upto
from gateway.tokens.claims import Budget

#: What to say when a running gateway takes its time.
LATE = "it is durable in the journal; the books will show it when the running gateway has folded it"


@dataclass(frozen=True, slots=True)
class Books:
    """What a command needs of a data folder."""

    folder: Path
    clock: Clock
    register: SqliteRegister
    ledger: SqliteLedger
    spend_book: SqliteSpendBook
    accounts: SqliteAccounts
    database: Database

    @property
    def now(self) -> int:
        """Whole seconds since the epoch."""
        return self.clock.now_us() // 1_000_000

    async def write(self, entry: BookEntry) -> bool:
        """Make *entry* durable in the journal; returns whether the books show it already."""
        return await self.write_all([entry])

    async def write_new(self, entries: Sequence[BookEntry]) -> bool:
        """The same of those of several that the books do not show yet, so that the journal holds each once."""
        fresh = [each for each in entries if not await is_folded(self.database, each.id)]
        return await self.write_all(fresh) if fresh else True

    async def write_all(self, entries: Sequence[JournalEntry]) -> bool:
        """The same of several, in their order."""
        journal = Journal.open(
            self.folder / "journal", f"command{os.getpid()}", clock=self.clock, reserve_bytes=0
        )
        try:
            for each in entries:
                await journal.keep(each)
        finally:
            await journal.close()
        for _ in range(250):
            if await self.fold() or await is_folded(self.database, entries[-1].id):
                return True
            await asyncio.sleep(0.02)
        return False

    @contextlib.asynccontextmanager
    async def set_aside(self, licensee: str, amount: Money) -> AsyncIterator[Money | None]:
        """Keep *amount* of a licensee's credit from being spent meanwhile; yields what is left if that is too little.

        No credit limit counts. What is set aside by a command that is killed is
        credit again once the journal is folded.
        """
        name = f"command{os.getpid()}"
        journal = Journal.open(self.folder / "journal", name, clock=self.clock, reserve_bytes=0)
        charge = Charge("", licensee, fee_of(journal.writer), amount, Budget())
        held = False
        try:
            before = await self.spend_book.available(licensee, amount.currency)
            held = isinstance(await self.spend_book.lease(journal.writer, charge, 1), int)
            left = await self.spend_book.available(licensee, amount.currency)
            yield None if held and left.micros >= 0 else before
        finally:
            if held:
                await self.spend_book.give_back(journal.writer, charge.license, amount, 1)
            await journal.close()

    async def fold(self) -> bool:
        """Fold what the journal holds, unless a running gateway does; returns whether it was done here."""
        lock = KeeperLock.try_take(self.folder)
        if lock is None:
            return False
        try:
            await Keeper(self.folder / "journal", folding_of(self.database)).catch_up()
        finally:
            lock.release()
        return True

    async def settle(self) -> None:
        """Wait until the books show everything that is durable now, for two seconds beside a running gateway."""
        if await self.fold():
            return
        wanted = durable_ends(self.folder / "journal")
        for _ in range(40):
            reached = await folding_of(self.database).positions()
            if all(reached.get(name, 0) >= end for name, end in wanted.items()):
                return
            await asyncio.sleep(0.05)

    async def audited(self) -> AuditReport:
        """The journal's files, and every stored row and detail held against them.

        Positions are read first, then how far the rows reach, then the files: a running gateway
        only adds rows before the positions it sets later, and rows behind those that were there are left out.
        """
        folding, folder = folding_of(self.database), self.folder / "journal"
        positions, last = await folding.positions(), await self.database.read(last_row)
        elsewhere = await folding.elsewhere()
        files = await asyncio.to_thread(read_files, folder)

        def act(db: Connection) -> AuditReport:
            return files.against(
                rows_upto(db, last), positions=positions, details=_details(db), elsewhere=elsewhere
            )

        return await self.database.read(act)

    async def reconcile(self) -> Report:
        """Compare records, postings, balances and purses as of one moment."""
        return reconcile(await self.ledger.reckoned())


def _details(db: Connection) -> Iterator[SealedDetail]:
    rows: Any = db.execute(
        "SELECT id, salt, time_us, address, peer, user_agent, referer, query, evidence FROM details NOT INDEXED"
    )
    for id_, salt, time_us, address, peer, agent, referer, query, evidence in rows:
        detail = FetchDetail(address, peer, agent, referer, query, tuple(json.loads(evidence)))
        yield SealedDetail(id_, salt, time_us, detail)


async def is_folded(database: Database, entry_id: str) -> bool:
    """Whether the books show the journal entry of that id."""
    found = await database.read(
        lambda db: db.execute("SELECT 1 FROM entries WHERE id = ?", (entry_id,)).fetchone()
    )
    return found is not None


@contextlib.asynccontextmanager
async def open_books(folder: Path) -> AsyncIterator[Books]:
    """Open the books of a data folder that exists, with everything folded that the journal holds."""
    if not has_store(folder):
        raise stop(f"{folder} is no data folder of licet; `licet serve --upstream …` makes one")
    database = await open_store(folder)
    try:
        books = Books(
            folder,
            SystemClock(),
            SqliteRegister(database),
            SqliteLedger(database),
            SqliteSpendBook(database),
            SqliteAccounts(database),
            database,
        )
        await books.settle()
        yield books
    finally:
        await database.close()


def credit_entry(
    licensee: str, amount: Money, *, now_us: int, memo: str = "", by: str = "operator"
) -> BookEntry:
    """The journal's entry for money a licensee paid in."""
    import uuid_utils

    return BookEntry(
        id=str(uuid_utils.uuid7()),
        time_us=now_us,
        kind_of="credit",
        site="",
        licensee=licensee,
        amount_micros=amount.micros,
        currency=amount.currency,
        memo=memo,
        by=by,
    )


async def add_licensee(register: LicenseRegister, name: str, *, now: int, contact: str = "") -> Enrolled:
    """Register a licensee that may buy at once; the secret in the result is shown once and kept nowhere."""
    made = enroll(name, now=now, contact=contact, standing=Standing.ACTIVE)
    await register.add_licensee(made.licensee, made.client)
    return made
