"""How an invoice stands: due, reminded, overdue, suspended, paid or written off. Pure: entries and the calendar alone.

What is open of an invoice is what it asked for, less credit notes, what was
written off, and payments. A payment that names a document, or an entry that is
billed on it, pays that one; any other pays the oldest that is open. Sums that
are disputed (`line_disputes`) are outside: while nothing but them is open, the
invoice is not dunned, and time stands still for nobody else.

============= ====================================================================
issued        it is not due yet
due           its last day is today or was lately
reminded      that was `reminder_days` ago
overdue       that was `overdue_days` ago
suspended     that was `suspend_days` ago, and a license it bills is suspended for it
disputed      what is open of it is disputed
paid          nothing is open
written_off   nothing is open, and the operator gave up a part
============= ====================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final

from gateway.billing.billing_rules import BillingRules
from gateway.billing.invoice_events import told
from gateway.billing.invoices import CREDIT_NOTE, Document
from gateway.billing.minor_units import coin
from gateway.event import Event
from gateway.money import Money
from gateway.provenance.record import BookEntry

_DAY_SECONDS: Final = 86_400


class Dunned(StrEnum):
    """How an invoice stands."""

    ISSUED = "issued"
    DUE = "due"
    REMINDED = "reminded"
    OVERDUE = "overdue"
    SUSPENDED = "suspended"
    DISPUTED = "disputed"
    PAID = "paid"
    WRITTEN_OFF = "written_off"

    @property
    def is_over(self) -> bool:
        """Whether nothing is open any more."""
        return self in {Dunned.PAID, Dunned.WRITTEN_OFF}


#: Those that are told when they begin, in their order.
_TOLD: Final = (Dunned.DUE, Dunned.REMINDED, Dunned.OVERDUE, Dunned.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Standing:
    """One invoice: its state, what is open of it, what of that is disputed, and which part was paid.

    *since* is the second at which the state began; of one that is paid, of the entry that paid the rest.
    """

    document: Document
    state: Dunned
    open: Money
    disputed: Money
    paid: Money
    credited: Money
    written_off: Money
    since: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one licensee.

    Attributes:
        documents: its invoices, statements and credit notes that have a number.
        entries: its payments, write-offs and reversals, in the journal's order.
        disputed: micro-units of lines in dispute, by document; the tax on them is so too.
        suspending: licenses that are suspended for bills that are not paid.
    """

    documents: Sequence[Document]
    entries: Sequence[BookEntry]
    disputed: Mapping[str, int] = field(default_factory=dict)
    suspending: frozenset[str] = frozenset()


def standings(facts: Facts, rules: BillingRules, now: int) -> tuple[Standing, ...]:
    """How each invoice of one licensee stands at second *now*, the oldest first."""
    bills = sorted(
        (each for each in facts.documents if each.kind != CREDIT_NOTE),
        key=lambda each: (each.at, each.kind, each.number),
    )
    credited = {each.id: 0 for each in bills}
    for note in facts.documents:
        if note.refers in credited:
            credited[note.refers] += note.total.micros
    open_ = {each.id: max(each.to_pay.micros - credited[each.id], 0) for each in bills}
    paid, written, ended = _applied(bills, open_, facts.entries)
    found = []
    for bill in bills:
        currency = bill.to_pay.currency
        disputed = min(_with_tax(bill, facts.disputed.get(bill.id, 0)), open_[bill.id])
        state, since = _state(bill, open_[bill.id], disputed, written[bill.id], facts, rules, now)
        if state.is_over:
            since = ended.get(bill.id, bill.at)
        found.append(
            Standing(
                bill, state, Money(open_[bill.id], currency), Money(disputed, currency), Money(paid[bill.id], currency),
                Money(credited[bill.id], currency), Money(written[bill.id], currency), since,
            )
        )  # fmt: skip
    return tuple(found)


def _with_tax(bill: Document, micros: int) -> int:
    """A sum of lines of *bill* that is disputed, with its part of the tax and the rounding, in micro-units."""
    told = bill.told
    return -(-micros * told["total_micros"] // told["net_micros"]) if told["net_micros"] > 0 else micros


def events_of(standing: Standing, rules: BillingRules, now: int) -> tuple[Event, ...]:
    """What is to be told of *standing*, each once: where it got to, and every step before it that was told."""
    document, state = standing.document, standing.state
    if state.is_over:
        return (told(str(state), document, standing.since),) if document.to_pay.micros > 0 else ()
    steps = _TOLD[: _TOLD.index(state) + 1] if state in _TOLD else ()
    days = {
        Dunned.DUE: 0, Dunned.REMINDED: rules.reminder_days, Dunned.OVERDUE: rules.overdue_days,
        Dunned.SUSPENDED: rules.suspend_days,
    }  # fmt: skip
    due = _due_at(document)
    return tuple(
        told(str(each), document, min(due + days[each] * _DAY_SECONDS, now), open_micros=standing.open.micros)
        for each in steps
    )


def to_suspend(standing: Standing, rules: BillingRules, now: int) -> frozenset[str]:
    """The licenses that open nothing at second *now* because of what is open of one invoice: those of its unpaid lines.

    None where the operator suspends nobody (`suspend_days` is 0), and none while all that is open is disputed.
    """
    if not rules.suspend_days or standing.state.is_over or standing.state is Dunned.DISPUTED:
        return frozenset()
    if (_day(now) - _day(_due_at(standing.document))).days < rules.suspend_days:
        return frozenset()
    lines = [line for line in standing.document.told["lines"] if line["license"]]
    unpaid = {line["license"] for line in lines if line["micros"] > line["prepaid_micros"]}
    # Where the lines were prepaid, what is open is the tax on them.
    return frozenset(unpaid or {line["license"] for line in lines})


def _applied(
    bills: Sequence[Document], open_: dict[str, int], entries: Iterable[BookEntry]
) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Take what *entries* pay off *open_*: what was paid and written off of each, and when nothing was left."""
    named = {entry: bill.id for bill in bills for entry in bill.entries} | {
        bill.id: bill.id for bill in bills
    }
    paid, written = dict.fromkeys(open_, 0), dict.fromkeys(open_, 0)
    ended: dict[str, int] = {}
    undone: dict[str, int] = {}
    entries = list(entries)
    for each in entries:
        if each.kind_of == "reversal":
            undone[each.reference] = undone.get(each.reference, 0) + each.amount_micros
    for each in entries:
        if each.kind_of not in {"payment", "write_off"}:
            continue
        left = each.amount_micros - undone.get(each.id, 0)
        mine = [bill for bill in bills if bill.to_pay.currency == each.currency]
        wanted = named.get(each.reference)
        # What is left of a payment that named one pays the oldest others; a write-off is of one alone.
        order = [bill for bill in mine if bill.id == wanted]
        if each.kind_of == "payment":
            order += [bill for bill in mine if bill.id != wanted]
        for bill in order:
            part = min(left, open_[bill.id])
            if part <= 0:
                continue
            left -= part
            open_[bill.id] -= part
            (paid if each.kind_of == "payment" else written)[bill.id] += part
            if not open_[bill.id]:
                ended[bill.id] = each.time_us // 1_000_000
    return paid, written, ended


def _state(
    bill: Document, open_: int, disputed: int, written: int, facts: Facts, rules: BillingRules, now: int
) -> tuple[Dunned, int]:
    if not open_:
        return (Dunned.WRITTEN_OFF if written else Dunned.PAID), bill.at
    # What is less than a coin is no reason to ask anybody for it.
    if open_ - disputed < coin(bill.to_pay.currency) and disputed:
        return Dunned.DISPUTED, bill.at
    due = _due_at(bill)
    late = (_day(now) - _day(due)).days
    licenses = {line["license"] for line in bill.told["lines"]}
    if late >= rules.suspend_days and licenses & facts.suspending:
        return Dunned.SUSPENDED, due + rules.suspend_days * _DAY_SECONDS
    if late >= rules.overdue_days:
        return Dunned.OVERDUE, due + rules.overdue_days * _DAY_SECONDS
    if late >= rules.reminder_days:
        return Dunned.REMINDED, due + rules.reminder_days * _DAY_SECONDS
    return (Dunned.DUE, due) if late >= 0 else (Dunned.ISSUED, bill.at)


def _due_at(document: Document) -> int:
    """The first second of its last day, UTC."""
    return int(datetime.fromisoformat(document.told["due_on"]).replace(tzinfo=UTC).timestamp())


def _day(at: int) -> date:
    return datetime.fromtimestamp(at, UTC).date()
