"""Double entry: which amounts one journal entry moves, from which account to which.

Pure: the same journal gives the same postings, whenever they are derived. The
accounts, all ours:

========================== =====================================================
``licensee:ID:prepaid``    what a licensee paid in and has not spent
``licensee:ID:owed``       what it has to pay by agreement: below zero by as much
``creator:SITE:earned``    what a site's creator earned
``author:SITE:NAME``       what of that is an author's
``escrow:LICENSE:HOLDER``  what waits for milestones and is held by HOLDER
``milestone:LICENSE``      what was promised for milestones and nobody holds
``bank:clearing``          where money paid in came from; it owes, like ``owed``
``bank:paid-out``          what was paid out to creators
``fees:payouts``           what paying out cost them
``tax:payable``            tax on invoices, which is the tax office's
``rounding:invoices``      what rounding invoices to whole coins made or lost
``loss:written-off``       what was owed and will not be paid
========================== =====================================================

============ ===================== ===================== ==========================
code         debit (loses)         credit (gains)        from
============ ===================== ===================== ==========================
``fetch``    licensee prepaid      creator earned        a licensed fetch that owes
``fee``      licensee prepaid      creator earned        book entry ``fee``
``credit``   bank clearing         licensee prepaid      book entry ``credit``
``due``      licensee owed         creator earned        book entry ``due``
``payment``  licensee prepaid      licensee owed         book entry ``payment``
``deposit``  bank clearing         escrow                book entry ``deposit``
``promise``  licensee owed         milestone             book entry ``promise``
``release``  escrow or milestone   creator earned        book entry ``release``
``refund``   escrow or milestone   where it came from    book entry ``refund``
``share``    creator earned        authors               book entry ``share``; below
                                                         zero the other way
``reversal`` what gained before    what lost before, or  book entry ``reversal``
                                   of a release the
                                   licensee's account
``tax``      licensee owed         tax payable           book entry ``tax``
``round_up`` licensee owed         rounding              book entry ``round_up``
``round_down`` rounding            licensee owed         book entry ``round_down``
``write_off`` loss                 licensee owed         book entry ``write_off``
``payout``   creator earned, or    bank paid out         book entry ``payout``
             an author
``payout_fee`` the same            fees                  book entry ``payout_fee``
============ ===================== ===================== ==========================

A due is money to be had, not money paid: who pays it does so from what it paid
in. What is promised for a milestone and what is deposited for one leave their
account by a release or a refund that refers to them, in parts or whole, and
never more than still stands of them. A release that is reversed under its license,
such as by a credit note, is owed no more, or prepaid credit where it was held. Book entries ``milestone`` and ``dispute``
say what happened, ``claim`` and ``withdrawn`` what is claimed (`billing.cost_claims`),
``rate`` what a currency is worth; they move nothing, and nor
do ``close`` (a period), ``invoice``, ``bill`` and ``credit_note`` (which get their
numbers in the journal's order) (`SILENT`).

A reversal undoes at most what still stands of the entry it refers to, for the
same licensee and currency. That of a release names its license, and takes from the
creator what goes off what the licensee owes, or, where somebody else had held it,
what is its credit here. One that would undo more, or nothing that is there,
posts nothing, and `billing.reconcile` names it. Budgets count what was fetched;
a reversal does not give budget back.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Final

import orjson

from gateway.money import Money
from gateway.provenance.record import BookEntry, FetchRecord, JournalEntry
from gateway.terms.holding import NOBODY, Holder, HolderError, Keeps

CLEARING: Final = "bank:clearing"
PAID_OUT: Final = "bank:paid-out"
PAYOUT_FEES: Final = "fees:payouts"
TAX: Final = "tax:payable"
ROUNDING: Final = "rounding:invoices"
WRITTEN_OFF: Final = "loss:written-off"
#: All that a fetch posts and spends follows from these members of it, but for its id and its time.
DECIDES: Final = attrgetter(
    "outcome", "licensee", "license", "site", "currency", "charged_micros", "charge_reason"
)
#: Book entries that number a document; each kind is a series of its own.
NUMBERED: Final = frozenset({"invoice", "bill", "credit_note"})
#: Book entries that tell something and move no money.
SILENT: Final = frozenset({"milestone", "dispute", "rate", "claim", "withdrawn", "close"}) | NUMBERED
#: Book entries that move back or on what another one moved.
_REFERRING: Final = frozenset({"reversal", "release", "refund"})
#: What a reversal undoes; what waits for a milestone is refunded instead.
_REVERSED: Final = frozenset(
    {"fetch", "fee", "credit", "due", "payment", "tax", "round_up", "round_down", "write_off"}
)
#: The most that a store holds in one amount; what an entry says beyond it posts nothing, and `billing.reconcile` names it.
_MOST: Final = 2**63 - 1
#: Book entries of a creator alone.
_OF_CREATOR: Final = frozenset({"payout", "payout_fee"})


def prepaid(licensee: str) -> str:
    """The account of what *licensee* paid in and has not spent."""
    return f"licensee:{licensee}:prepaid"


def owed(licensee: str) -> str:
    """The account of what *licensee* has to pay by agreement and did not yet."""
    return f"licensee:{licensee}:owed"


def authored(site: str, name: str) -> str:
    """The account of what of the earnings of *site* is of the author *name*."""
    return f"author:{site}:{name}"


def waiting(license: str, holder: Holder) -> str:
    """The account of what waits for milestones of *license*: its name says who holds it."""
    return f"milestone:{license}" if holder.keeps is Keeps.NOBODY else f"escrow:{license}:{holder}"


def may_owe(account: str) -> bool:
    """Whether *account* may stand below zero without limit: where money came from, and what is still to be paid."""
    if account in {CLEARING, ROUNDING, WRITTEN_OFF}:
        return True
    return account.startswith("licensee:") and account.endswith(":owed")


def earned(site: str) -> str:
    """The account of what the creator of *site* earned."""
    return f"creator:{site}:earned"


@lru_cache(maxsize=1024)
def _amount(micros: int, currency: str) -> Money:
    return Money(micros, currency)


@dataclass(frozen=True, slots=True)
class Posting:
    """*amount*, more than zero, leaves account *debit* for account *credit*.

    *code* is one of the table above; *undoes* is the id of the entry that a
    reversal undoes, or a release or refund takes from, or "".
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
    """What a reversal, release or refund refers to: the posting, and how much of it others left standing."""

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
    """The id of the entry that *entry* means to undo or to take from, or ""."""
    return entry.reference if isinstance(entry, BookEntry) and entry.kind_of in _REFERRING else ""


def postings_of(entry: JournalEntry, undone: Undone | None = None) -> tuple[Posting, ...]:
    """Every posting of *entry*; none where no money moved.

    *undone* is needed for what refers to another entry alone, and must come from entries before it.
    """
    if isinstance(entry, FetchRecord):
        if not (entry.is_paid and entry.licensee and 0 < entry.charged_micros <= _MOST):
            return ()
        amount = Money(entry.charged_micros, entry.currency)
        return (
            Posting(prepaid(entry.licensee), earned(entry.site), amount, entry.id, entry.time_us, "fetch"),
        )
    if not isinstance(entry, BookEntry) or not 0 < entry.amount_micros <= _MOST:
        return ()
    if entry.kind_of == "share":
        return _shared(entry)
    if not entry.licensee and (undone.posting.code if undone else entry.kind_of) not in _OF_CREATOR:
        return ()
    if entry.kind_of in _REFERRING:
        return _referring(entry, undone)
    accounts = _accounts(entry)
    if accounts is None:
        return ()
    amount = Money(entry.amount_micros, entry.currency)
    return (Posting(*accounts, amount, entry.id, entry.time_us, entry.kind_of),)


def _accounts(entry: BookEntry) -> tuple[str, str] | None:
    """Which account loses and which one gains, or None where the entry moves nothing."""
    account = prepaid(entry.licensee)
    match entry.kind_of:
        case "credit":
            return CLEARING, account
        case "fee":
            return account, earned(entry.site)
        case "due":
            return owed(entry.licensee), earned(entry.site)
        case "payment":
            return account, owed(entry.licensee)
        case "deposit":
            holder = _holder(entry.reference)
            return (CLEARING, waiting(entry.license, holder)) if entry.license and holder else None
        case "promise":
            return (owed(entry.licensee), waiting(entry.license, NOBODY)) if entry.license else None
    return _billed(entry)


def _billed(entry: BookEntry) -> tuple[str, str] | None:
    """The same of what billing and paying out enter."""
    match entry.kind_of:
        case "tax":
            return owed(entry.licensee), TAX
        case "round_up":
            return owed(entry.licensee), ROUNDING
        case "round_down":
            return ROUNDING, owed(entry.licensee)
        case "write_off":
            return WRITTEN_OFF, owed(entry.licensee)
        case "payout" | "payout_fee":
            paid = paid_from(entry)
            to = PAID_OUT if entry.kind_of == "payout" else PAYOUT_FEES
            return (paid, to) if paid else None
    return None


def paid_from(entry: BookEntry) -> str:
    """The account that a payout leaves: the creator's, or that of the author whom the memo names; "" for what is neither."""
    if not entry.memo.startswith("{"):
        return earned(entry.site)
    try:
        told = orjson.loads(entry.memo)
    except orjson.JSONDecodeError:
        return ""
    author = told.get("author")
    return authored(entry.site, author) if isinstance(author, str) and author else ""


def _shared(entry: BookEntry) -> tuple[Posting, ...]:
    """A leg for each author; none at all where the memo is not what the entry moves in all."""
    try:
        parts = orjson.loads(entry.memo)
    except orjson.JSONDecodeError:
        return ()
    if not isinstance(parts, dict) or not all(type(each) is int and each for each in parts.values()):
        return ()
    if sum(map(abs, parts.values())) != entry.amount_micros or not entry.site:
        return ()
    creators, found = earned(entry.site), list[Posting]()
    for name, micros in sorted(parts.items()):
        author, amount = authored(entry.site, name), Money(abs(micros), entry.currency)
        accounts = (creators, author) if micros > 0 else (author, creators)
        found.append(Posting(*accounts, amount, entry.id, entry.time_us, entry.kind_of))
    return tuple(found)


def _holder(text: str) -> Holder | None:
    """Who holds a deposit; nobody holds none."""
    try:
        holder = Holder.read(text)
    except HolderError:
        return None
    return None if holder.keeps is Keeps.NOBODY else holder


def _referring(entry: BookEntry, undone: Undone | None) -> tuple[Posting, ...]:
    if undone is None or undone.posting.entry_id != entry.reference:
        return ()
    amount, before = Money(entry.amount_micros, entry.currency), undone.posting
    if amount.currency != before.amount.currency or amount.micros > undone.left_micros:
        return ()
    if entry.kind_of == "reversal":
        if before.code in _OF_CREATOR:
            own, codes = {paid_from(entry)}, _OF_CREATOR
        else:
            own, codes = {prepaid(entry.licensee), owed(entry.licensee)}, _REVERSED
        if before.code == "release":
            to = _released_back(entry, before)
        elif not own & {before.debit, before.credit} or before.code not in codes:
            return ()
        else:
            to = before.debit
        if not to:
            return ()
    else:
        if before.code not in {"deposit", "promise"} or not _same_license(entry, before):
            return ()
        to = before.debit if entry.kind_of == "refund" else earned(entry.site)
    return (Posting(before.credit, to, amount, entry.id, entry.time_us, entry.kind_of, before.entry_id),)


def _released_back(entry: BookEntry, before: Posting) -> str:
    """Where what was released under the license of *entry* goes back to, or "" where that is another license."""
    account = f"{before.debit}:"
    if not entry.license or (entry.site and before.credit != earned(entry.site)):
        return ""
    if account.startswith(f"milestone:{entry.license}:"):
        return owed(entry.licensee)
    # Whoever held it has paid it out.
    return prepaid(entry.licensee) if account.startswith(f"escrow:{entry.license}:") else ""


def _same_license(entry: BookEntry, before: Posting) -> bool:
    return _waited(entry, before.credit) and before.debit in {CLEARING, owed(entry.licensee)}


def _waited(entry: BookEntry, account: str) -> bool:
    """Whether *account* is of what waits for milestones of the license that *entry* names."""
    starts = (f"escrow:{entry.license}:", f"milestone:{entry.license}:")
    return bool(entry.license) and f"{account}:".startswith(starts)


def spend_of(entry: JournalEntry) -> Spend | None:
    """What *entry* takes from a license's budget, or None."""
    if not isinstance(entry, FetchRecord) or not entry.is_paid or not entry.license:
        return None
    micros = max(entry.charged_micros, 0)
    fetches = int(micros > 0 or entry.charge_reason == "fetch")
    return Spend(entry.license, entry.currency, micros, fetches) if fetches else None
