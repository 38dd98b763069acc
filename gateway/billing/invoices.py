"""Invoices, statements of account and credit notes: what stands in each, once and for all. Pure.

A document is made of a closed account statement and of what the operator said:
seller, buyer, tax rule (`billing_rules`). It is headed *Invoice* where both
parties have a name and an address and a tax rule holds, else *Statement*. It is
canonical JSON; nothing in it changes, and what was wrong is put right by a credit
note that refers to it. Its number is not in it: that follows from the place of
its entry in the journal (``store``), so that no number is missing and none is
given twice, whatever fails.

======== ========================================================================
net      what the period's fetches, fees and dues come to, less what was reversed
tax      net times the rate, rounded to whole coins, half away from zero
rounding what makes the total a whole number of coins; posted, so the books balance
prepaid  how much of it left the prepaid credit already
to pay   total less prepaid
======== ========================================================================

What is paid for a milestone is billed when it is released, not when it was promised
or paid in: what somebody else held is paid by that, as prepaid is. Credits,
payments, promises, deposits and what goes back are not billed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from gateway.billing.account_forms import digest as digest_of
from gateway.billing.account_statements import AccountLine, AccountStatement
from gateway.billing.billing_rules import WHOLE, BillingRules, Party
from gateway.billing.minor_units import CurrencyError, coin, decimals, whole
from gateway.canonical import canonical_bytes, canonical_digest
from gateway.money import LARGEST_MICROS, Money
from gateway.provenance.record import BookEntry

VERSION: Final = 1
INVOICE, BILL, CREDIT_NOTE = "invoice", "bill", "credit_note"
HEADINGS: Final = {INVOICE: "Invoice", BILL: "Statement", CREDIT_NOTE: "Credit note"}
_LETTERS: Final = {INVOICE: "I", BILL: "S", CREDIT_NOTE: "C"}
_BILLED: Final = {"fee": "Fee at signing", "due": "Fell due", "release": "Released for a milestone"}
#: How the ids of reversals begin that a credit note makes; they are told in it, and billed nowhere else.
REVERSAL: Final = "cr_"
#: How the ids of dues begin that are late interest (`billing.interest_booking`).
INTEREST: Final = "int_"
#: Reversals that one credit note may need.
MOST_REVERSALS: Final = 5_000


class NotIssued(ValueError):
    """No document can be made of this; the sentence says why, to the operator."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document. *number* is 0 until its entry stands in the books.

    *kind* is ``invoice``, ``bill`` or ``credit_note``; *refers* the id of the document that a credit note
    corrects; *content* its canonical JSON.
    """

    id: str
    kind: str
    licensee: str
    period: str
    refers: str
    at: int
    content: str
    number: int = 0

    @property
    def told(self) -> dict[str, Any]:
        """The content, parsed."""
        found: dict[str, Any] = orjson.loads(self.content)
        return found

    @property
    def digest(self) -> str:
        """The SHA-256 of the content."""
        return canonical_digest(self.told)

    @property
    def label(self) -> str:
        """The number as people write it, "" while there is none."""
        if not self.number:
            return ""
        told = self.told
        return f"{'TEST-' if told['mode'] == 'test' else ''}{told['prefix']}{_LETTERS[self.kind]}{self.number:06}"

    @property
    def total(self) -> Money:
        """What it comes to."""
        told = self.told
        return Money(told["total_micros"], told["currency"])

    @property
    def to_pay(self) -> Money:
        """What is to be paid of it besides what was prepaid; of a credit note what it takes off."""
        told = self.told
        return Money(told["to_pay_micros"], told["currency"])

    @property
    def entries(self) -> frozenset[str]:
        """The ids of the book entries that it bills."""
        return frozenset(line["entry"] for line in self.told["lines"] if line["entry"])


@dataclass(frozen=True, slots=True)
class Billing:
    """Who bills whom, by which rules, at which second."""

    rules: BillingRules
    buyer: Party
    at: int


def document_of(statement: AccountStatement, currency: str, billing: Billing) -> Document:
    """The document of what closed *statement* charges in *currency*; raises `NotIssued`."""
    if not statement.closed_seq:
        raise NotIssued(f"{statement.period.name} of {statement.licensee} is not closed")
    try:
        decimals(currency)
    except CurrencyError as error:
        raise NotIssued(str(error)) from None
    lines = lines_of(statement, currency)
    net = sum(line["micros"] for line in lines)
    if net <= 0:
        raise NotIssued(f"nothing is to be billed in {currency} for {statement.period.name}")
    if net > LARGEST_MICROS:
        raise NotIssued(f"{net} micro-units of {currency} are more than any amount this gateway books")
    rules, buyer, seller = billing.rules, billing.buyer, billing.rules.seller
    rule = rules.rule_of(buyer)
    named = seller.name and seller.address and buyer.name and buyer.address
    proper = bool(rule is not None and named)
    kind = INVOICE if proper else BILL
    tax = whole(Money(net, currency).times(rule.millionths, WHOLE)).micros if rule and proper else 0
    total = whole(Money(net + tax, currency)).micros
    prepaid = sum(line["prepaid_micros"] for line in lines)
    about = f"{rules.mode}\x1f{statement.licensee}\x1f{statement.period.name}\x1f{currency}"
    id = f"in_{hashlib.sha256(about.encode()).hexdigest()[:32]}"
    content = {
        "v": VERSION, "id": id, "kind": kind, "mode": rules.mode, "prefix": rules.prefix,
        "licensee": statement.licensee, "period": statement.period.name, "currency": currency,
        "issued_at": billing.at, "due_on": _day(billing.at, rules.due_days), "refers": "",
        "seller": seller.model_dump(exclude={"tax"}),
        "buyer": {**buyer.model_dump(exclude={"tax"}), "name": buyer.name or statement.name},
        "lines": lines, "net_micros": net,
        "tax": {"rule": rule.id, "rate": rule.rate, "text": rule.text, "micros": tax} if rule and proper else None,
        "rounding_micros": total - net - tax, "total_micros": total, "prepaid_micros": prepaid,
        "to_pay_micros": total - prepaid, "statement": digest_of(statement, test=rules.test),
    }  # fmt: skip
    return _made(content)


def lines_of(statement: AccountStatement, currency: str) -> list[dict[str, Any]]:
    """The lines of the document of *statement* in *currency*, as they stand in its content."""
    found = []
    for each in statement.charges:
        if each.amount.currency == currency and each.amount.micros > 0:
            what = f"Fetches of {each.work or 'pages'}" + (" (late)" if each.late else "")
            micros = each.amount.micros
            found.append(
                {
                    "kind": "fetch", "what": what, "entry": "", "license": each.license, "work": each.work,
                    "reason": each.reason, "late": each.late, "count": each.fetches, "micros": micros,
                    "prepaid_micros": micros,
                }
            )  # fmt: skip
    for line in statement.lines:
        micros = _billed(line)
        if line.amount.currency == currency and micros:
            paid = micros if line.source.startswith("escrow:") else -line.prepaid.micros
            what = _what(line) + (" (late)" if line.late else "")
            found.append(
                {
                    "kind": line.kind, "what": what, "entry": line.entry, "license": line.license, "work": "",
                    "reason": line.memo, "late": line.late, "count": 1, "micros": micros,
                    "prepaid_micros": paid,
                }
            )  # fmt: skip
    return [{"nth": at, **line} for at, line in enumerate(found, 1)]


def _what(line: AccountLine) -> str:
    if line.kind == "due" and line.entry.startswith(INTEREST):
        return "Interest on what is late"
    return _BILLED.get(line.kind, f"Reversed: {line.reference}")


def _billed(line: AccountLine) -> int:
    """What *line* adds to a bill, in micro-units."""
    moved = line.prepaid.micros + line.owed.micros
    if line.kind == "release":
        return line.amount.micros if line.source else 0
    if line.kind in _BILLED:
        return -moved
    # What a credit note reversed stands there; money paid back was no charge.
    charged = line.kind == "reversal" and moved > 0 and not line.entry.startswith(REVERSAL)
    return -moved if charged and not line.reference.startswith("tx_") else 0


def credit_note(
    invoice: Document,
    before: Sequence[Document],
    amounts: Mapping[int, int],
    reversals: Sequence[tuple[int, str, int]],
    billing: Billing,
    why: str,
) -> Document:
    """The credit note that takes *amounts* (line number to micro-units) off *invoice*; raises `NotIssued`.

    *before* are the notes that refer to it already; *reversals* (line, entry,
    micro-units) say which entries are reversed, and add up to each amount.
    """
    told = invoice.told
    left = left_of(invoice, before)
    lines = []
    for nth, micros in sorted(amounts.items()):
        line = next((each for each in told["lines"] if each["nth"] == nth), None)
        if line is None:
            raise NotIssued(f"{invoice.label or invoice.id} has no line {nth}")
        if not 0 < micros <= left[nth]:
            still = Money(left[nth], told["currency"])
            raise NotIssued(f"of line {nth}, {still} can be credited")
        parts = [(entry, part) for at, entry, part in reversals if at == nth]
        if len(parts) > MOST_REVERSALS:
            raise NotIssued(f"line {nth} takes more than {MOST_REVERSALS} reversals; credit it in parts")
        if sum(part for _, part in parts) != micros:
            amount = Money(micros, told["currency"])
            raise NotIssued(f"the entries of line {nth} do not stand for {amount} any more")
        shown = {key: line[key] for key in ("nth", "kind", "what", "entry", "license", "work", "late")}
        lines.append({**shown, "reason": why, "count": len(parts), "micros": micros, "prepaid_micros": 0, "reversals": [list(each) for each in parts]})  # fmt: skip
    if not lines:
        raise NotIssued("name a line and how much of it")
    net = sum(line["micros"] for line in lines)
    tax, total = _credited(told, [each.told for each in before], net, sum(left.values()) == net)
    id = _id("cn_", invoice.id, str(len(before)))
    content = {
        **{key: told[key] for key in ("v", "mode", "prefix", "licensee", "period", "currency", "seller", "buyer")},
        "id": id, "kind": CREDIT_NOTE, "issued_at": billing.at, "due_on": "", "refers": invoice.id,
        "refers_to": invoice.label, "why": why, "nth": len(before), "lines": lines, "net_micros": net,
        "tax": {**told["tax"], "micros": tax} if told["tax"] else None, "rounding_micros": total - net - tax,
        "total_micros": total, "prepaid_micros": 0, "to_pay_micros": total, "statement": told["statement"],
    }  # fmt: skip
    return _made(content)


def _credited(
    told: Mapping[str, Any], notes: Sequence[Mapping[str, Any]], net: int, all_: bool
) -> tuple[int, int]:
    """Tax and total of a note over *net*; the last one takes what is left, so that nothing stays by rounding."""
    tax = told["tax"]["micros"] if told["tax"] else 0
    if all_:
        gone = sum(each["tax"]["micros"] for each in notes if each["tax"])
        return tax - gone, told["total_micros"] - sum(each["total_micros"] for each in notes)
    unit = coin(told["currency"])
    part = Money(net, told["currency"]).times(tax, told["net_micros"]).micros // unit * unit
    return part, (net + part) // unit * unit


def left_of(invoice: Document, notes: Iterable[Document]) -> dict[int, int]:
    """How much of each line of *invoice* no credit note of *notes* took off; reversed lines have nothing."""
    left = {line["nth"]: max(line["micros"], 0) for line in invoice.told["lines"]}
    for note in notes:
        for line in note.told["lines"]:
            left[line["nth"]] -= line["micros"]
    return left


def entries_of(document: Document) -> tuple[BookEntry, ...]:
    """What *document* enters in the journal, the entry that numbers it last; the same whenever it is asked for."""
    told, id = document.told, document.id
    tax = told["tax"]["micros"] if told["tax"] else 0
    credited = document.kind == CREDIT_NOTE
    rounding = -told["rounding_micros"] if credited else told["rounding_micros"]
    found = list[BookEntry]()

    def enter(name: str, kind: str, micros: int, reference: str, memo: str, license: str = "") -> None:
        found.append(
            BookEntry(
                id=name, time_us=document.at * 1_000_000, kind_of=kind, site="", licensee=document.licensee,
                amount_micros=micros, currency=told["currency"], license=license, reference=reference, memo=memo,
                by="billing",
            )
        )  # fmt: skip

    for line in told["lines"] if credited else ():
        for nth, (entry, micros) in enumerate(line["reversals"]):
            # What was released for a milestone is of its license, and is reversed under it alone.
            under = line["license"] if line["kind"] == "release" else ""
            enter(_id(REVERSAL, id, f"{line['nth']}.{nth}"), "reversal", micros, entry, told["why"], under)
    if tax and credited:
        enter(_id(REVERSAL, id, "tax"), "reversal", tax, _id("tx_", told["refers"], "tax"), told["why"])
    elif tax:
        enter(_id("tx_", id, "tax"), "tax", tax, id, told["tax"]["text"])
    if rounding:
        enter(_id("ro_", id, "rounding"), "round_up" if rounding > 0 else "round_down", abs(rounding), id, "")
    enter(_id("nu_", id, "number"), document.kind, told["total_micros"], id, document.digest)
    return tuple(found)


def read_document(row: Mapping[str, Any]) -> Document:
    """The document of a stored row."""
    names = ("id", "kind", "licensee", "period", "refers", "at", "content", "number")
    return Document(*(row[name] for name in names))


def _made(content: dict[str, Any]) -> Document:
    text = canonical_bytes(content).decode()
    return Document(
        content["id"], content["kind"], content["licensee"], content["period"], content["refers"],
        content["issued_at"], text,
    )  # fmt: skip


def _id(prefix: str, document: str, what: str) -> str:
    return prefix + hashlib.sha256(f"{document}\x1f{what}".encode()).hexdigest()[:32]


def _day(at: int, days: int) -> str:
    return (datetime.fromtimestamp(at, UTC) + timedelta(days=days)).strftime("%Y-%m-%d")
