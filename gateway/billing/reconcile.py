"""Do records, postings, balances and purses tell the same story?

Pure: `reconcile` is handed everything as of one moment (`Ledger.books`) and
names every fault it finds. It adds up on its own and asks the rule of
`billing.postings` only what one entry should have posted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.admission.spending import Purse
from gateway.billing.postings import (
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


@dataclass(frozen=True, slots=True)
class Books:
    """Everything about money as of one moment.

    *entries* are all book entries and licensed fetches, in order; *balances*
    and *spent* (license, micros with currency, fetches) are the sums the store keeps.
    *limits* (licensee, amount) say who may owe, and how much.
    """

    entries: tuple[Booked, ...]
    postings: tuple[Posting, ...]
    balances: tuple[tuple[str, Money], ...]
    spent: tuple[tuple[str, Money, int], ...]
    purses: tuple[Purse, ...]
    limits: tuple[tuple[str, Money], ...] = ()

    def may_owe(self) -> Mapping[tuple[str, str], int]:
        """What each account may owe in micro-units, by currency: its limit, and what a payment provider took back.

        Nobody here was asked whether there was still so much.
        """
        found = Counter(
            {(prepaid(licensee), limit.currency): limit.micros for licensee, limit in self.limits}
        )
        for booked in self.entries:
            entry = booked.entry
            if isinstance(entry, BookEntry) and entry.kind_of == "reversal" and entry.by == PROVIDER:
                found[prepaid(entry.licensee), entry.currency] += entry.amount_micros
        return found


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


def reconcile(books: Books, *, receipts: Mapping[str, int] | None = None) -> Report:
    """Compare *books* with themselves, and with what clients say they were charged.

    *receipts* maps record ids to the micro-units a client was told; each must
    stand in the journal with that amount. Faults: ``unposted``, ``posted-twice``,
    ``posting-differs``, ``no-such-entry``, ``moves-nothing``,
    ``balance-differs``, ``spend-differs``,
    ``overdrawn``, ``oversold`` (both beyond the credit limit, as it is at this moment),
    ``receipt-differs``, ``not-in-journal``.
    """
    faults = [*_posted(books), *_sums(books), *_purses(books)]
    if receipts is not None:
        faults += _receipts(books, receipts)
    charged: Counter[str] = Counter()
    for posting in books.postings:
        if posting.code == "fetch":
            charged[posting.amount.currency] += posting.amount.micros
    totals = tuple(Money(micros, currency) for currency, micros in sorted(charged.items()))
    return Report(len(books.entries), len(books.postings), totals, tuple(faults))


def _posted(books: Books) -> Iterable[Fault]:
    """Each entry against its postings, in the journal's order."""
    actual: dict[str, list[Posting]] = defaultdict(list)
    for posting in books.postings:
        actual[posting.entry_id].append(posting)
    standing: dict[str, Undone] = {}
    for booked in books.entries:
        entry = booked.entry
        wanted = postings_of(entry, standing.get(reference_of(entry)))
        found = tuple(actual.pop(entry.id, ()))
        for posting in wanted:
            standing[entry.id] = Undone(posting, posting.amount.micros)
            if posting.undoes:
                before = standing[posting.undoes]
                standing[posting.undoes] = Undone(before.posting, before.left_micros - posting.amount.micros)
        if found != wanted:
            yield Fault(_how(wanted, found), entry.id, f"Entry {entry.id} should have posted otherwise.")
        if isinstance(entry, BookEntry) and not wanted and entry.kind_of not in SILENT:
            yield Fault("moves-nothing", entry.id, f"The {entry.kind_of} {entry.id} moves no money.")
    for entry_id in actual:
        yield Fault("no-such-entry", entry_id, f"A posting refers to {entry_id}, which is no entry.")


def _how(wanted: tuple[Posting, ...], found: tuple[Posting, ...]) -> str:
    if not found:
        return "unposted"
    return "posted-twice" if len(found) > len(wanted) else "posting-differs"


def _sums(books: Books) -> Iterable[Fault]:
    sums: Counter[tuple[str, str]] = Counter()
    for posting in books.postings:
        sums[posting.debit, posting.amount.currency] -= posting.amount.micros
        sums[posting.credit, posting.amount.currency] += posting.amount.micros
    kept = {(account, money.currency): money.micros for account, money in books.balances}
    limits = books.may_owe()
    for key in sorted(sums.keys() | kept.keys()):
        if sums[key] != kept.get(key, 0):
            yield Fault(
                "balance-differs", key[0], f"{key[0]} is kept as {kept.get(key, 0)}, not {sums[key]}."
            )
        limit = limits.get(key, 0)
        if key[0].startswith("licensee:") and not may_owe(key[0]) and sums[key] < -limit:
            owes = f"{key[0]} owes {-sums[key]} micro-units of {key[1]}, and may owe {limit}."
            yield Fault("overdrawn", key[0], owes)
    spent: Counter[tuple[str, str]] = Counter()
    fetches: Counter[tuple[str, str]] = Counter()
    for booked in books.entries:
        spend = spend_of(booked.entry)
        if spend is not None:
            spent[spend.license, spend.currency] += spend.micros
            fetches[spend.license, spend.currency] += spend.fetches
    known = {(license, money.currency): (money.micros, count) for license, money, count in books.spent}
    for key in sorted(fetches.keys() | known.keys()):
        if (spent[key], fetches[key]) != known.get(key, (0, 0)):
            yield Fault("spend-differs", key[0], f"What license {key[0]} spent is not what its fetches say.")


def _purses(books: Books) -> Iterable[Fault]:
    """What is set aside against what there is and may be owed, where that is more than nothing."""
    limits = books.may_owe()
    held: Counter[tuple[str, str]] = Counter()
    for purse in books.purses:
        held[purse.licensee, purse.held.currency] += purse.held.micros
    kept = {(account, money.currency): money.micros for account, money in books.balances}
    for (licensee, currency), micros in sorted(held.items()):
        key = (prepaid(licensee), currency)
        over = micros - max(kept.get(key, 0) + limits.get(key, 0), 0)
        if over > 0:
            yield Fault(
                "oversold",
                licensee,
                f"{over} micro-units of {currency} are set aside that {licensee} has not.",
            )


def _receipts(books: Books, receipts: Mapping[str, int]) -> Iterable[Fault]:
    charged = {
        booked.entry.id: booked.entry.charged_micros
        for booked in books.entries
        if isinstance(booked.entry, FetchRecord)
    }
    for record_id, micros in sorted(receipts.items()):
        if record_id not in charged:
            yield Fault("not-in-journal", record_id, f"A client was answered under {record_id}.")
        elif charged[record_id] != micros:
            yield Fault("receipt-differs", record_id, f"The journal says {charged[record_id]}, not {micros}.")
