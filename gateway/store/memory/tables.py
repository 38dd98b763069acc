"""What the ports in memory share: the folded journal, what is derived from it, and the purses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from gateway.admission.spending import Charge, Purse
from gateway.billing.postings import Booked, Posting, Undone, postings_of, reference_of, spend_of
from gateway.money import Money
from gateway.problems import StoreUnavailable
from gateway.provenance.keeper import SealedDetail
from gateway.provenance.record import JournalEntry
from gateway.store.purses import month_spend_of


class Listed(Protocol):
    """What a list goes on behind."""

    @property
    def id(self) -> str:
        """What tells it from every other of its kind."""
        ...


_L = TypeVar("_L", bound=Listed)


def behind(rows: Sequence[_L], after: str) -> tuple[_L, ...]:
    """Those of *rows* that stand behind the one of id *after*, all for ""; none where none has that id."""
    if not after:
        return tuple(rows)
    return next((tuple(rows[nth:]) for nth, row in enumerate(rows, 1) if row.id == after), ())


@dataclass(slots=True)
class Tables:
    """The rows. Every port made on the same `Tables` sees the same books.

    Setting *down* to a sentence makes every port refuse with `StoreUnavailable`,
    as a store does that cannot be reached.
    """

    entries: list[Booked] = field(default_factory=list)
    canonical: dict[str, bytes] = field(default_factory=dict)
    salts: dict[str, bytes] = field(default_factory=dict)
    details: dict[str, SealedDetail] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    postings: list[Posting] = field(default_factory=list)
    balances: Counter[tuple[str, str]] = field(default_factory=Counter)
    spent: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    purses: dict[tuple[str, str, str], Purse] = field(default_factory=dict)
    limits: dict[tuple[str, str], int] = field(default_factory=dict)
    months: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    spend_limits: dict[tuple[str, str], int] = field(default_factory=dict)
    down: str = ""

    def check(self) -> None:
        """Raise `StoreUnavailable` while the store is *down*."""
        if self.down:
            raise StoreUnavailable(self.down)

    def derive(self, entry: JournalEntry) -> int:
        """Post *entry*, which everything before it was; return how many postings that made."""
        made = postings_of(entry, self._undone(reference_of(entry)))
        for posting in made:
            self.postings.append(posting)
            for account in (posting.debit, posting.credit):
                self.balances[account, posting.amount.currency] += posting.effect_on(account)
        spend = spend_of(entry)
        if spend is not None:
            key = (spend.license, spend.currency)
            micros, fetches = self.spent.get(key, (0, 0))
            self.spent[key] = (micros + spend.micros, fetches + spend.fetches)
        month = month_spend_of(entry)
        if month is not None:
            self.months[month[0]] += month[1]
        return len(made)

    def _undone(self, reference: str) -> Undone | None:
        if not reference:
            return None
        before = next((each for each in self.postings if each.entry_id == reference), None)
        if before is None:
            return None
        gone = sum(each.amount.micros for each in self.postings if each.undoes == reference)
        return Undone(before, before.amount.micros - gone)

    def fill(self, writer: str, charge: Charge, fetches: int) -> None:
        """Add *fetches* times what *charge* costs to a purse."""
        key = (writer, charge.license, charge.price.currency)
        nothing = Purse(writer, charge.license, charge.licensee, Money(0, charge.price.currency), 0)
        purse = self.purses.get(key, nothing)
        held = Money(purse.held.micros + fetches * charge.price.micros, purse.held.currency)
        self.purses[key] = replace(purse, held=held, fetches=purse.fetches + fetches)

    def lower(self, writer: str, license: str, currency: str, micros: int, fetches: int) -> None:
        """Take that much out of a purse, at most what is in it; an empty one goes."""
        purse = self.purses.pop((writer, license, currency), None)
        if purse is None:
            return
        held, left = max(purse.held.micros - micros, 0), max(purse.fetches - fetches, 0)
        if held or left:
            self.purses[writer, license, currency] = replace(purse, held=Money(held, currency), fetches=left)
