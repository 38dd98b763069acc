"""`billing.ledger.Ledger` in memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from typing import TypeVar

from gateway.admission.till import PaidUnit
from gateway.billing.book_export import Journaled
from gateway.billing.ledger import CHUNK
from gateway.billing.paid_units import paid_units
from gateway.billing.postings import Booked, Posting, prepaid
from gateway.billing.reconcile import Books, Kept, Reckoning, referred_by
from gateway.billing.statements import Extract, Period, Statement, statement
from gateway.money import Money
from gateway.provenance.record import BookEntry, FetchRecord
from gateway.store.memory.tables import Tables

T = TypeVar("T")


class MemoryLedger:
    """Reads the books that the keeper folds."""

    def __init__(self, tables: Tables) -> None:
        """Read *tables*."""
        self._tables = tables

    async def balance(self, account: str, currency: str) -> Money:
        """Credits minus debits of *account*."""
        self._tables.check()
        return Money(self._tables.balances.get((account, currency), 0), currency)

    async def balances(self, account: str) -> tuple[Money, ...]:
        """The balance in every currency ever posted to *account*, by currency."""
        self._tables.check()
        return tuple(
            Money(micros, currency)
            for (found, currency), micros in sorted(self._tables.balances.items())
            if found == account
        )

    async def postings(self, account: str | None, since_us: int, until_us: int) -> tuple[Posting, ...]:
        """Postings on *account*, or all, in the journal's order."""
        self._tables.check()
        return tuple(
            posting
            for posting in self._tables.postings
            if since_us <= posting.time_us < until_us
            and (account is None or account in {posting.debit, posting.credit})
        )

    async def entries_of(self, licensee: str, since_us: int, until_us: int) -> tuple[Booked, ...]:
        """Every entry of *licensee*, in the journal's order."""
        self._tables.check()
        return tuple(
            booked
            for booked in self._tables.entries
            if isinstance(booked.entry, FetchRecord | BookEntry)
            and booked.entry.licensee == licensee
            and since_us <= booked.entry.time_us < until_us
        )

    async def has_entry(self, entry_id: str) -> bool:
        """Whether the entry of that id is folded in."""
        self._tables.check()
        return entry_id in self._tables.canonical

    async def charged(self, record_id: str) -> int | None:
        """What the fetch of that id was charged; None where none is folded in."""
        self._tables.check()
        for booked in self._tables.entries:
            if isinstance(booked.entry, FetchRecord) and booked.entry.id == record_id:
                return booked.entry.charged_micros
        return None

    async def undone(self, entry_id: str) -> int:
        """How much of the entry of that id reversals undid."""
        self._tables.check()
        return sum(each.amount.micros for each in self._tables.postings if each.undoes == entry_id != "")

    async def extract(self, licensee: str, since_us: int, until_us: int) -> Extract:
        """What a statement is made from."""
        account = prepaid(licensee)
        sums: Counter[str] = Counter()
        for posting in await self.postings(account, 0, since_us):
            sums[posting.amount.currency] += posting.effect_on(account)
        opening = tuple(Money(micros, currency) for currency, micros in sorted(sums.items()))
        return Extract(
            opening,
            await self.entries_of(licensee, since_us, until_us),
            await self.postings(account, since_us, until_us),
        )

    async def statement(self, licensee: str, name: str, period: Period) -> Statement:
        """The statement of *licensee*; see `Ledger.statement`."""
        extract = await self.extract(licensee, period.since_us, period.until_us)
        return statement(licensee, name, period, extract)

    async def books(self) -> Books:
        """Everything that `billing.reconcile` compares."""
        self._tables.check()
        kept = self._kept()
        return Books(
            self._money(), tuple(self._tables.postings), kept.balances, kept.spent, kept.purses, kept.limits
        )

    async def reckoned(self, asked: Collection[str] = (), *, at_once: int = CHUNK) -> Reckoning:
        """The same added up chunk after chunk."""
        self._tables.check()
        money = self._money()
        found = Reckoning(self._kept(), referred_by(money), asked)
        posted: defaultdict[str, list[Posting]] = defaultdict(list)
        for posting in self._tables.postings:
            posted[posting.entry_id].append(posting)
        for at in range(0, len(money), at_once):
            entries = money[at : at + at_once]
            found.take(entries, [each for one in entries for each in posted.pop(one.entry.id, ())])
        found.take((), [each for strays in posted.values() for each in strays])
        return found

    async def kept(self) -> Kept:
        """What is kept beside entries and postings."""
        self._tables.check()
        return self._kept()

    async def through(self, act: Callable[[Journaled], T]) -> T:
        """What *act* makes of all balances and postings."""
        self._tables.check()
        return act(Journaled(self._kept().balances, tuple(self._tables.postings)))

    def _money(self) -> tuple[Booked, ...]:
        return tuple(booked for booked in self._tables.entries if _moves_money(booked))

    def _kept(self) -> Kept:
        tables = self._tables
        return Kept(
            tuple(
                (account, Money(micros, currency))
                for (account, currency), micros in sorted(tables.balances.items())
            ),
            tuple(
                (license, Money(micros, currency), fetches)
                for (license, currency), (micros, fetches) in sorted(tables.spent.items())
            ),
            tuple(purse for _, purse in sorted(tables.purses.items())),
            tuple(
                (licensee, Money(micros, currency))
                for (licensee, currency), micros in sorted(tables.limits.items())
                if micros
            ),
        )

    async def paid_units(self, since: int) -> tuple[PaidUnit, ...]:
        """Units paid for since *since*, whole seconds, oldest first."""
        self._tables.check()
        return paid_units(
            booked.entry
            for booked in self._tables.entries
            if isinstance(booked.entry, FetchRecord) and booked.entry.time_us >= since * 1_000_000
        )

    async def rederive(self) -> int:
        """Drop all that is derived and derive it again; how many postings."""
        tables = self._tables
        tables.check()
        tables.postings.clear()
        tables.balances.clear()
        tables.spent.clear()
        tables.months.clear()
        return sum(tables.derive(booked.entry) for booked in tables.entries)


def _moves_money(booked: Booked) -> bool:
    return booked.entry.kind == "book" or (isinstance(booked.entry, FetchRecord) and booked.entry.is_paid)
