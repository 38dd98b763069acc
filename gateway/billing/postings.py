"""Double entry: which amounts one journal entry moves, from which account to which.

Pure: the same journal gives the same postings, whenever they are derived. The
accounts, all ours:

========================== =====================================================
``licensee:ID:prepaid``    what a licensee paid in and has not spent
``creator:SITE:earned``    what a site's creator earned
``bank:clearing``          where money paid in came from; the only one that owes
========================== =====================================================

============ ===================== ===================== ==========================
code         debit (loses)         credit (gains)        from
============ ===================== ===================== ==========================
``fetch``    licensee prepaid      creator earned        a licensed fetch that owes
``fee``      licensee prepaid      creator earned        book entry ``fee``
``credit``   bank clearing         licensee prepaid      book entry ``credit``
``reversal`` what gained before    what lost before      book entry ``reversal``
============ ===================== ===================== ==========================

A reversal undoes at most what still stands of the entry it refers to, for the
same licensee and currency; one that would undo more, or nothing that is there,
posts nothing, and `billing.reconcile` names it. Budgets count what was fetched;
a reversal does not give budget back.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from gateway.money import Money
from gateway.provenance.record import BookEntry, FetchRecord, JournalEntry

CLEARING: Final = "bank:clearing"


def prepaid(licensee: str) -> str:
    """The account of what *licensee* paid in and has not spent."""
    return f"licensee:{licensee}:prepaid"


def earned(site: str) -> str:
    """The account of what the creator of *site* earned."""
    return f"creator:{site}:earned"


@lru_cache(maxsize=1024)
def _amount(micros: int, currency: str) -> Money:
    return Money(micros, currency)


@dataclass(frozen=True, slots=True)
class Posting:
    """*amount*, more than zero, leaves account *debit* for account *credit*.

    *code* is ``fetch | fee | credit | reversal``; *undoes* is the id of the
    entry a reversal undoes, or "".
    """

    debit: str
    credit: str
    amount: Money
    entry_id: str
    time_us: int
    code: str
    undoes: str = ""

    def __post_init__(self) -> None:
        """Refuse what moves nothing: an amount that is not positive, an account paying itself."""
        if self.amount.micros <= 0 or self.debit == self.credit:
            raise ValueError(
                f"a posting moves a positive amount between two accounts: {self.debit}, {self.credit}"
            )

    def effect_on(self, account: str) -> int:
        """What it does to *account*'s balance (credits minus debits), in micro-units."""
        return self.amount.micros * ((account == self.credit) - (account == self.debit))


@dataclass(frozen=True, slots=True)
class Undone:
    """What a reversal refers to: the posting, and how much of it other reversals left standing."""

    posting: Posting
    left_micros: int


@dataclass(frozen=True, slots=True)
class Spend:
    """What a fetch takes from its license's budget. *fetches* is 1 for a unit that was owed, even at price 0."""

    license: str
    currency: str
    micros: int
    fetches: int


@dataclass(frozen=True, slots=True)
class Booked:
    """An entry with its place in the journal's order; the first is 1."""

    seq: int
    entry: JournalEntry


def reference_of(entry: JournalEntry) -> str:
    """The id of the entry that *entry* means to undo, or ""."""
    return entry.reference if isinstance(entry, BookEntry) and entry.kind_of == "reversal" else ""


def postings_of(entry: JournalEntry, undone: Undone | None = None) -> tuple[Posting, ...]:
    """Every posting of *entry*; none where no money moved.

    *undone* is needed for a reversal alone, and must come from entries before it.
    """
    if isinstance(entry, FetchRecord):
        if not (entry.is_paid and entry.licensee and entry.charged_micros > 0):
            return ()
        amount = _amount(entry.charged_micros, entry.currency)
        return (
            Posting(prepaid(entry.licensee), earned(entry.site), amount, entry.id, entry.time_us, "fetch"),
        )
    if not isinstance(entry, BookEntry) or entry.amount_micros <= 0 or not entry.licensee:
        return ()
    amount = Money(entry.amount_micros, entry.currency)
    account = prepaid(entry.licensee)
    match entry.kind_of:
        case "credit":
            return (Posting(CLEARING, account, amount, entry.id, entry.time_us, "credit"),)
        case "fee":
            return (Posting(account, earned(entry.site), amount, entry.id, entry.time_us, "fee"),)
        case "reversal":
            return _reversal(entry, amount, undone)
    return ()


def _reversal(entry: BookEntry, amount: Money, undone: Undone | None) -> tuple[Posting, ...]:
    if undone is None or undone.posting.entry_id != entry.reference or undone.posting.code == "reversal":
        return ()
    before = undone.posting
    if prepaid(entry.licensee) not in {before.debit, before.credit}:
        return ()
    if amount.currency != before.amount.currency or amount.micros > undone.left_micros:
        return ()
    return (
        Posting(before.credit, before.debit, amount, entry.id, entry.time_us, "reversal", before.entry_id),
    )


def spend_of(entry: JournalEntry) -> Spend | None:
    """What *entry* takes from a license's budget, or None."""
    if not isinstance(entry, FetchRecord) or not entry.is_paid or not entry.license:
        return None
    micros = max(entry.charged_micros, 0)
    fetches = int(micros > 0 or entry.charge_reason == "fetch")
    return Spend(entry.license, entry.currency, micros, fetches) if fetches else None
