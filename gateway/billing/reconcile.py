"""Do records, postings, balances and purses tell the same story?

Pure: a `Reckoning` is handed everything as of one moment, chunk after chunk
(`Ledger.reckoned`), and keeps sums and faults, because fetches may be more than
fit into memory. `reconcile` names every fault it found. It adds up on its own and
asks the rule of `billing.postings` only what one entry should have posted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from gateway.admission.spending import Purse
from gateway.billing.postings import (
    PAID_OUT,
    PAYOUT_FEES,
    SILENT,
    Booked,
    Posting,
    Undone,
    may_owe,
    postings_of,
    prepaid,
    reference_of,
    spend_of,
)
from gateway.money import Money
from gateway.provenance.record import BookEntry, FetchRecord

#: Who stands under entries of what a payment provider says.
PROVIDER: Final = "stripe"
_DAY_US: Final = 86_400_000_000
_OUT: Final = frozenset({PAID_OUT, PAYOUT_FEES})


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store keeps beside entries and postings.

    *balances* and *spent* (license, micros with currency, fetches) are its sums.
    *limits* (licensee, amount) say who may owe, and how much.
    """

    balances: tuple[tuple[str, Money], ...]
    spent: tuple[tuple[str, Money, int], ...]
    purses: tuple[Purse, ...]
    limits: tuple[tuple[str, Money], ...] = ()


@dataclass(frozen=True, slots=True)
class Books:
    """Everything about money as of one moment, whole: for books of which one knows that they are small.

    *entries* are all book entries and licensed fetches, in order; the rest is as in `Kept`.
    """

    entries: tuple[Booked, ...]
    postings: tuple[Posting, ...]
    balances: tuple[tuple[str, Money], ...]
    spent: tuple[tuple[str, Money, int], ...]
    purses: tuple[Purse, ...]
    limits: tuple[tuple[str, Money], ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that does not agree. *code* is stable, *subject* an id or account, *why* a sentence."""

    code: str
    subject: str
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was compared, and every fault found, in a fixed order."""

    entries: int
    postings: int
    charged: tuple[Money, ...]
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        """Whether everything agrees."""
        return not self.faults


def referred_by(entries: Iterable[Booked]) -> frozenset[str]:
    """The ids that any of *entries* means to undo or to take from. Only book entries refer to others."""
    return frozenset(reference_of(booked.entry) for booked in entries) - {""}


class Reckoning:
    """What everything about money comes to, added up chunk after chunk.

    What it holds grows with accounts, months, licenses, book entries and faults, and not with fetches.

    Attributes:
        kept: what the store keeps, of the same moment.
        entries: how many entries about money there are.
        postings: how many postings.
        last_seq: the place of the last of those entries, 0 before the first.
        book: every book entry, in the journal's order.
        months: licensee and month (UTC) of every entry about money.
        fetched: fetches by licensee and month.
        said: what records say was charged, by currency.
        posted: what postings of fetches moved, by currency.
        spent: micro-units and fetches by license and currency.
        sums: credits minus debits by account and currency.
        effects: the same by month.
        paid_out: what left each account by payouts and their fees and did not come back.
        asked: the ids of fetches that were looked for.
        charged: what those were charged, of those that there are.
    """

    def __init__(self, kept: Kept, referred: frozenset[str], asked: Collection[str] = ()) -> None:
        """Begin: *referred* is `referred_by` of all entries that are to come.

        A reversal may undo any entry before it; what is still left of an entry is kept of these alone.
        """
        self.kept, self.asked = kept, frozenset(asked)
        self.entries = self.postings = self.last_seq = 0
        self.book = list[BookEntry]()
        self.months = set[tuple[str, str]]()
        self.fetched: Counter[tuple[str, str]] = Counter()
        self.said: Counter[str] = Counter()
        self.posted: Counter[str] = Counter()
        self.spent: dict[tuple[str, str], tuple[int, int]] = {}
        self.sums: Counter[tuple[str, str]] = Counter()
        self.effects: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.paid_out: Counter[tuple[str, str]] = Counter()
        self.charged: dict[str, int] = {}
        self._referred = referred
        self._standing: dict[str, Undone] = {}
        self._faults = list[Fault]()
        self._strays: dict[str, None] = {}

    def take(self, entries: Iterable[Booked], postings: Iterable[Posting]) -> None:
        """Add *entries*, which follow those before, and *postings*: all of theirs, and any that are of no entry."""
        found: defaultdict[str, list[Posting]] = defaultdict(list)
        for posting in postings:
            found[posting.entry_id].append(posting)
            self._add(posting)
        for booked in entries:
            self._derive(booked, tuple(found.pop(booked.entry.id, ())))
            self._count(booked)
        self._strays.update(dict.fromkeys(found))

    def derived(self) -> tuple[Fault, ...]:
        """Where postings do not follow from entries: by the journal's order, then what is of no entry."""
        return (
            *self._faults,
            *(
                Fault("no-such-entry", entry_id, f"A posting refers to {entry_id}, which is no entry.")
                for entry_id in self._strays
            ),
        )

    def may_owe(self) -> Mapping[tuple[str, str], int]:
        """What each account may owe in micro-units, by currency: its limit, and what a payment provider took back.

        Nobody here was asked whether there was still so much.
        """
        found = Counter(
            {(prepaid(licensee), limit.currency): limit.micros for licensee, limit in self.kept.limits}
        )
        for entry in self.book:
            if entry.kind_of == "reversal" and entry.by == PROVIDER:
                found[prepaid(entry.licensee), entry.currency] += entry.amount_micros
        return found

    def _derive(self, booked: Booked, found: tuple[Posting, ...]) -> None:
        """Hold *found* against what the entry should have posted."""
        entry = booked.entry
        wanted = postings_of(entry, self._standing.get(reference_of(entry)))
        for posting in wanted:
            if entry.id in self._referred:
                self._standing[entry.id] = Undone(posting, posting.amount.micros)
            if posting.undoes:
                before = self._standing[posting.undoes]
                left = before.left_micros - posting.amount.micros
                self._standing[posting.undoes] = Undone(before.posting, left)
        if found != wanted:
            why = f"Entry {entry.id} should have posted otherwise."
            self._faults.append(Fault(_how(wanted, found), entry.id, why))
        if isinstance(entry, BookEntry) and not wanted and entry.kind_of not in SILENT:
            why = f"The {entry.kind_of} {entry.id} moves no money."
            self._faults.append(Fault("moves-nothing", entry.id, why))

    def _count(self, booked: Booked) -> None:
        """Add what the entry says by itself."""
        entry = booked.entry
        self.entries += 1
        self.last_seq = max(self.last_seq, booked.seq)
        if isinstance(entry, BookEntry):
            self.book.append(entry)
        if isinstance(entry, FetchRecord):
            self.fetched[entry.licensee, _month(entry.time_us // _DAY_US)] += 1
            if entry.charged_micros > 0:
                self.said[entry.currency] += entry.charged_micros
            if entry.id in self.asked:
                self.charged[entry.id] = entry.charged_micros
        if isinstance(entry, FetchRecord | BookEntry) and entry.licensee:
            self.months.add((entry.licensee, _month(entry.time_us // _DAY_US)))
        spend = spend_of(entry)
        if spend is not None:
            micros, fetches = self.spent.get((spend.license, spend.currency), (0, 0))
            self.spent[spend.license, spend.currency] = micros + spend.micros, fetches + spend.fetches

    def _add(self, posting: Posting) -> None:
        """Add what the posting moves."""
        micros, currency = posting.amount.micros, posting.amount.currency
        month = _month(posting.time_us // _DAY_US)
        self.postings += 1
        self.sums[posting.debit, currency] -= micros
        self.sums[posting.credit, currency] += micros
        self.effects[posting.debit, currency][month] -= micros
        self.effects[posting.credit, currency][month] += micros
        if posting.code == "fetch":
            self.posted[currency] += micros
        if posting.credit in _OUT:
            self.paid_out[posting.debit, currency] += micros
        elif posting.debit in _OUT:
            self.paid_out[posting.credit, currency] -= micros


@lru_cache(maxsize=4096)
def _month(day: int) -> str:
    """The month of a *day* since the epoch."""
    return datetime.fromtimestamp(day * (_DAY_US // 1_000_000), UTC).strftime("%Y-%m")


def _how(wanted: tuple[Posting, ...], found: tuple[Posting, ...]) -> str:
    if not found:
        return "unposted"
    return "posted-twice" if len(found) > len(wanted) else "posting-differs"


def reckoned(books: Books | Reckoning, asked: Collection[str] = ()) -> Reckoning:
    """*books* added up, in one chunk; a reckoning as it is. Raises `ValueError` where that did not look for all that is *asked*."""
    if isinstance(books, Reckoning):
        if not books.asked.issuperset(asked):
            raise ValueError("the books were added up without looking for these fetches")
        return books
    kept = Kept(books.balances, books.spent, books.purses, books.limits)
    found = Reckoning(kept, referred_by(books.entries), asked)
    found.take(books.entries, books.postings)
    return found


def reconcile(books: Books | Reckoning, *, receipts: Mapping[str, int] | None = None) -> Report:
    """Compare *books* with themselves, and with what clients say they were charged.

    *receipts* maps record ids to the micro-units a client was told; each must
    stand in the journal with that amount. Faults: ``unposted``, ``posted-twice``,
    ``posting-differs``, ``no-such-entry``, ``moves-nothing``,
    ``balance-differs``, ``spend-differs``,
    ``overdrawn``, ``oversold`` (both beyond the credit limit, as it is at this moment),
    ``receipt-differs``, ``not-in-journal``.
    """
    found = reckoned(books, receipts or ())
    faults = [*found.derived(), *_sums(found), *_purses(found)]
    if receipts is not None:
        faults += _receipts(found.charged, receipts)
    totals = tuple(Money(micros, currency) for currency, micros in sorted(found.posted.items()))
    return Report(found.entries, found.postings, totals, tuple(faults))


def _sums(found: Reckoning) -> Iterable[Fault]:
    sums, limits = found.sums, found.may_owe()
    kept = {(account, money.currency): money.micros for account, money in found.kept.balances}
    for key in sorted(sums.keys() | kept.keys()):
        if sums[key] != kept.get(key, 0):
            yield Fault(
                "balance-differs", key[0], f"{key[0]} is kept as {kept.get(key, 0)}, not {sums[key]}."
            )
        limit = limits.get(key, 0)
        if key[0].startswith("licensee:") and not may_owe(key[0]) and sums[key] < -limit:
            owes = f"{key[0]} owes {-sums[key]} micro-units of {key[1]}, and may owe {limit}."
            yield Fault("overdrawn", key[0], owes)
    known = {(license, money.currency): (money.micros, count) for license, money, count in found.kept.spent}
    for key in sorted(found.spent.keys() | known.keys()):
        if found.spent.get(key, (0, 0)) != known.get(key, (0, 0)):
            yield Fault("spend-differs", key[0], f"What license {key[0]} spent is not what its fetches say.")


def _purses(found: Reckoning) -> Iterable[Fault]:
    """What is set aside against what there is and may be owed, where that is more than nothing."""
    limits = found.may_owe()
    held: Counter[tuple[str, str]] = Counter()
    for purse in found.kept.purses:
        held[purse.licensee, purse.held.currency] += purse.held.micros
    kept = {(account, money.currency): money.micros for account, money in found.kept.balances}
    for (licensee, currency), micros in sorted(held.items()):
        key = (prepaid(licensee), currency)
        over = micros - max(kept.get(key, 0) + limits.get(key, 0), 0)
        if over > 0:
            yield Fault(
                "oversold",
                licensee,
                f"{over} micro-units of {currency} are set aside that {licensee} has not.",
            )


def _receipts(charged: Mapping[str, int], receipts: Mapping[str, int]) -> Iterable[Fault]:
    for record_id, micros in sorted(receipts.items()):
        if record_id not in charged:
            yield Fault("not-in-journal", record_id, f"A client was answered under {record_id}.")
        elif charged[record_id] != micros:
            yield Fault("receipt-differs", record_id, f"The journal says {charged[record_id]}, not {micros}.")
