"""A gateway without doors: it sells one license's fetches out of a real data folder, by the gateway's own code."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from gateway.admission.spending import Charge, Short
from gateway.app.log_keeping import LogKeeping
from gateway.clock import Clock, SystemClock
from gateway.folders import make_folder
from gateway.keys.key_ring import KeyRing
from gateway.keys.key_set import EDDSA
from gateway.money import Money
from gateway.provenance.append_file import Disk
from gateway.provenance.checkpoint import Checkpoint
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Keeper, KeeperLock
from gateway.provenance.record import BookEntry, FetchDetail, FetchRecord
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.leaves import SqliteLeaves
from gateway.store.sqlite.spend_book import SqliteSpendBook
from gateway.tokens.claims import Budget

LICENSEE, LICENSE = "le_1", "lic_1"
PRICE = Money(5_000, "USD")
CREDIT = Money(10**12, "USD")
NOW_US = 1_795_000_000_000_000
_SALT = bytes(range(32))


class Refused(Exception):
    """The folder is not gone on with, and the sentence says why."""


@dataclass
class Said:
    """What the world was told and may hold the gateway to: durable entries, and signed heads."""

    entries: list[str] = field(default_factory=list)
    heads: list[Checkpoint] = field(default_factory=list)
    tell: Callable[[str], None] = lambda _line: None

    def entry(self, id: str) -> None:
        """Entry *id* was acknowledged."""
        self.entries.append(id)
        self.tell(f"entry {id}")

    def head(self, head: Checkpoint) -> None:
        """A head was published."""
        if head.size and (not self.heads or self.heads[-1] != head):
            self.heads.append(head)
            self.tell(f"head {head.origin} {head.size} {head.root.hex()}")

    def heard(self, line: str) -> None:
        """Take up a line that `tell` of another process wrote; one that was cut off was told nobody."""
        kind, _, rest = line.partition(" ")
        if not line.endswith("\n"):
            return
        if kind == "entry":
            self.entries.append(rest.strip())
        elif kind == "head":
            origin, size, root = rest.split()
            self.heads.append(Checkpoint(origin, int(size), bytes.fromhex(root)))


def record(number: int, *, writer_round: int = 0, micros: int = PRICE.micros) -> FetchRecord:
    """A licensed fetch that owes *micros*; its id follows from the numbers."""
    return FetchRecord(
        id=f"01900000-{writer_round >> 16 & 0xFFFF:04x}-7{writer_round & 0xFFF:03x}-8{writer_round >> 12 & 0xF:03x}-{number:012x}",
        time_us=NOW_US + number, duration_us=1500, site="journal", host="journal.example", method="GET",
        path=f"/essays/{number}", visitor_class="ai", identity="verified", identity_method="network",
        verdict="license", rule="rules[2]", policy="sha-256:" + "0" * 64, mode="enforce", outcome="licensed",
        status=200, bytes_sent=2048, ended="complete", detail=DETAIL.commitment(_SALT), crawler="GPTBot",
        licensee=LICENSEE, license=LICENSE, currency=PRICE.currency, price_micros=PRICE.micros,
        charged_micros=micros, charge_reason="fetch", digest="d" * 64,
    )  # fmt: skip


DETAIL = FetchDetail(address="192.0.2.7", user_agent="GPTBot/1.3")


def credit() -> BookEntry:
    """What the licensee paid in, once."""
    return BookEntry(
        "credit-1", NOW_US, "credit", "", LICENSEE, CREDIT.micros, CREDIT.currency, by="operator"
    )


@dataclass
class Shop:
    """One life of the gateway. Made by `open`; ends with `close` or not at all."""

    folder: Path
    said: Said
    clock: Clock
    journal: Journal
    database: Database
    keeper: Keeper
    lock: KeeperLock
    keeping: LogKeeping
    round: int
    sold: int = 0

    @classmethod
    async def open(
        cls,
        folder: Path,
        said: Said,
        *,
        round: int = 0,
        disk: Disk | None = None,
        clock: Clock | None = None,
        reserve_bytes: int = 0,
        retry_seconds: float = 0.01,
    ) -> Self:
        """Open in the order in which the office does. *round* numbers the lives; raises what the parts raise."""
        clock = clock or SystemClock()
        make_folder(folder)
        ring = folder / "keys" / "log"
        keys = KeyRing.open(ring, clock) if KeyRing.exists(ring) else KeyRing.create(ring, EDDSA, clock=clock)
        database = await Database.open(folder / "licet.db")
        lock = None
        try:
            lock = KeeperLock.try_take(folder)
            if lock is None:
                raise Refused("another process keeps this journal; stop it first")
            journal = Journal.open(
                folder / "journal", "front", clock=clock, disk=disk,
                reserve_bytes=reserve_bytes, retry_seconds=retry_seconds,
            )  # fmt: skip
        except BaseException:
            if lock:
                lock.release()
            await database.close()
            raise
        keeper = Keeper(folder / "journal", SqliteFolding(database))
        keeping = LogKeeping(folder / "log", keys, SqliteLeaves(database), "journal.example")
        shop = cls(folder, said, clock, journal, database, keeper, lock, keeping, round)
        try:
            await shop.fold()
        except BaseException:
            with contextlib.suppress(Exception):
                await shop.close()
            raise
        return shop

    @property
    def book(self) -> SqliteSpendBook:
        """Where credit is set aside."""
        return SqliteSpendBook(self.database)

    async def pay_in(self) -> None:
        """The licensee's credit, acknowledged."""
        entry = credit()
        await self.journal.keep(entry)
        self.said.entry(entry.id)
        await self.fold()

    async def lease(self, fetches: int, budget: Budget | None = None) -> int | Short:
        """Set credit aside for *fetches*, under this life's journal."""
        charge = Charge(f"ask-{self.round}-{self.sold}", LICENSEE, LICENSE, PRICE, budget or Budget())
        return await self.book.lease(self.journal.writer, charge, fetches)

    async def sell(self, fetches: int) -> int:
        """Lease, record and acknowledge *fetches*, one after the other; how many were left out as too few were leased."""
        given = await self.lease(fetches)
        count = given if isinstance(given, int) else 0
        for _ in range(count):
            made = record(self.sold, writer_round=self.round)
            self.sold += 1
            await self.journal.keep(made, DETAIL, _SALT)
            self.said.entry(made.id)
        return fetches - count

    async def fold(self) -> int:
        """Fold what can be read; how many entries were new."""
        return await self.keeper.catch_up()

    async def publish(self) -> str:
        """Sign what is new, and say so; the reason why not, or ""."""
        await self.keeping.sign_news()
        if self.keeping.log is not None:
            self.said.head(self.keeping.log.head)
        return self.keeping.reason

    async def close(self) -> None:
        """End this life well."""
        await self.journal.close()
        with contextlib.suppress(Exception):
            await self.fold()
        self.lock.release()
        await self.database.close()
